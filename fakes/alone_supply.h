/* Sandboxes and dev servers of a core that one backend has for itself: `alone about=servers`.
 *
 * The backend's thread is the provider, too: having called the core, it goes through the steps that
 * follow from what it asked for, one by one. Each waits for the one call that is due, at the one
 * moment at which it is due, and answers it: as it should, or not at all, having done it or not. */
#ifndef FAKES_ALONE_SUPPLY_H
#define FAKES_ALONE_SUPPLY_H

#include "fakes/backend.h"

enum {
    CRATES = 24,             /* sandboxes of one execution */
    TASKS = 120,             /* processes */
    SUPPLY_TOTAL = 4,        /* pool_total */
    SUPPLY_SLICE_US = 1000000,
    SUPPLY_GRACE_US = 2500000,
    SUPPLY_POLL_US = 15000000,
    SUPPLY_SWEEP_US = 25000000,
    SUPPLY_START_US = 20000000,
    SUPPLY_AUTO_US = 5000000
};

enum supply_op {
    SUPPLY_NONE, SUPPLY_LIST, SUPPLY_CREATE, SUPPLY_ASSIGN, SUPPLY_DESTROY, SUPPLY_AWAIT,
    SUPPLY_SPAWN, SUPPLY_PROCESSES, SUPPLY_SIGNAL, SUPPLY_PROBE, SUPPLY_WAIT
};

/* A call of the provider that waits for its answer. */
struct demand {
    enum supply_op op;
    const char *id, *request, *owner;
    uint64_t token, instance, timeout_us;
    uint16_t port;
    enum app_type app;
    enum process_signal signal;
    const struct spawn_request *spawn;
    struct sandbox_record *records;
    struct process_record *processes;
    size_t capacity, *count;
    uint64_t *answering;
    enum core_result rc;
    bool done;
};

/* A sandbox, and a process, as they are. */
struct crate {
    char id[CORE_NAME_MAX], request[CORE_NAME_MAX], owner[CORE_NAME_MAX];
    bool exists, broken;
    uint64_t token, ready_us;
};
struct task {
    struct crate *crate;
    struct process_record record;
    uint16_t listening;
    uint64_t listen_us;          /* when it begins to, 0: never, or it does */
    bool deaf;                   /* only a kill ends it */
    bool seen;                   /* the newest list has it */
};

/* The server as the core has to have it. */
struct supply_server {
    bool known;
    struct server_status status;
    uint64_t instance, fence, spawns, deadline_us, poll_us;
    uint64_t failures, probes;
    uint16_t listening;
};

struct supply {
    struct actor *actor;
    const struct core_api *api;
    struct core *core;
    struct core_settings settings;
    enum app_type app;
    const char *owner;
    struct demand *demand;
    struct world_queue asked, answered;
    bool broken;                 /* something else was called for: nothing more is judged */
    uint32_t troubles;           /* calls that may go wrong */
    struct crate crates[CRATES];
    struct task tasks[TASKS];
    uint32_t crate_count, task_count;
    uint64_t instances, fences, stale;
    bool twice;                  /* the sandbox is given back once more by who is told */
    uint64_t server_fence;       /* of the newest lease of a server */
    /* What the core has to have. */
    struct crate *held;
    struct sandbox_ref ref;
    char pending[CORE_NAME_MAX]; /* request of a create whose answer is not known */
    uint64_t sweep_us, auto_us, version;
    uint64_t autos_us[CRATES];   /* all starts by themselves, of what is gone, too */
    uint32_t auto_count;
    struct supply_server server;
    /* What the core told, and when. */
    uint32_t answers;
    enum core_result told;
    struct server_status told_status;
    uint64_t told_us, due_us;
};

void supply_tell(const struct supply *supply, const char *what, uint64_t told, uint64_t right);

/* --- the provider (alone_supply_port.c) --- */

struct sandbox_provider_port supply_port(struct supply *supply);
struct lock_store_port supply_locks(struct supply *supply);
/* The call that is due at this moment; a harmless one if another was made, or none. */
struct demand *supply_await(struct supply *supply, enum supply_op op, uint64_t at_us);
/* The same for calls about the held sandbox. */
struct demand *supply_await_held(struct supply *supply, enum supply_op op, uint64_t at_us);
void supply_answer(struct supply *supply, struct demand *demand, enum core_result rc);
/* Whether a call goes wrong: it has no answer, and is done or not. */
enum supply_fate { SUPPLY_WELL, SUPPLY_LOST, SUPPLY_DONE_SILENTLY };
enum supply_fate supply_fate(struct supply *supply);
/* No call is made before that. */
void supply_rest(struct supply *supply, uint64_t until_us);
struct crate *supply_make(struct supply *supply, const char *request);
void supply_describe(const struct supply *supply, const struct crate *crate,
                     struct sandbox_record *record);
struct task *supply_spawn(struct supply *supply, struct crate *crate,
                          const struct spawn_request *request);
/* Those that were due to listen do; who answers on a port of the held sandbox, 0: nobody. */
uint64_t supply_answering(struct supply *supply, uint16_t port);
struct task *supply_task(struct supply *supply, uint64_t instance);
/* How long after so many failures in a row. */
uint64_t supply_pause_us(const struct supply *supply, uint64_t failures);

/* --- what has to happen (alone_supply_box.c, alone_supply_server.c) --- */

/* The sweep ticks while there is a sandbox, as there was until now or not, and once more. */
void supply_pass_sweeps(struct supply *supply, bool exists);
enum core_result supply_acquire(struct supply *supply);
enum core_result supply_release(struct supply *supply);
/* What runs in the held sandbox is listed, or that has no answer; one of them is killed. */
enum core_result supply_look(struct supply *supply, uint64_t at_us);
void supply_kill(struct supply *supply, uint64_t instance);
enum core_result supply_start(struct supply *supply);
enum core_result supply_stop(struct supply *supply, bool closing);
/* One look at a server that runs, and when the next one is due. */
void supply_poll(struct supply *supply, uint64_t at_us);

/* --- the step --- */

void backend_alone_servers(struct actor *actor, uint32_t rounds);

#endif
