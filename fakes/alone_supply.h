/* Sandboxes and dev servers of a core that one backend has for itself: `alone about=servers`.
 *
 * The backend's thread is the provider, too: having called the core, it goes through the steps that
 * follow from what it asked for, one by one. Each waits for the one call that is due, at the one
 * moment at which it is due, and answers it: as it should, or not at all, having done it or not. */
#ifndef FAKES_ALONE_SUPPLY_H
#define FAKES_ALONE_SUPPLY_H

#include "fakes/backend.h"

enum {
    CRATES = 128,            /* sandboxes of one execution */
    TASKS = 120,             /* processes */
    SUPPLY_WORDS = 100,      /* what is told of a server between two looks */
    SUPPLY_TOTAL = 4,        /* pool_total */
    SUPPLY_SLICE_US = 1000000,
    SUPPLY_PAUSE_MAX_US = 4000000,
    SUPPLY_GRACE_US = 2500000,
    SUPPLY_POLL_US = 15000000,
    SUPPLY_START_US = 20000300,   /* no sum of pauses: a try and its deadline are never at once */
    SUPPLY_SWEEP_US = 25000013,   /* nor is a sweep, */
    SUPPLY_IDLE_US = 100000000,
    SUPPLY_TTL_US = 15000009,     /* nor is a renewal at the moment of anything else */
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
    enum app_type app;
    bool exists, broken;
    uint64_t token, ready_us;
};
struct task {
    struct crate *crate;
    struct process_record record;
    uint16_t listening;
    uint64_t begin_us;           /* when it begins to live, 0: it has */
    uint64_t listen_us;          /* when it begins to, 0: never, or it does */
    bool deaf, undying;          /* only a kill ends it; nor does that */
    bool seen;                   /* the newest list has it */
};

/* The server as the core has to have it. */
struct supply_server {
    bool known, watched;         /* watched: a session is told of each change */
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
    bool serves;                 /* calls are answered by whoever makes them, in any order */
    bool broken;                 /* something else was called for: nothing more is judged */
    uint32_t troubles, losses;   /* calls that may go wrong, leases that may be lost */
    struct crate crates[CRATES];
    struct task tasks[TASKS];
    uint32_t crate_count, task_count;
    uint64_t instances, fences, stale;
    uint64_t rival_us;           /* somebody else has all locks until then */
    uint64_t grants;             /* leases that were not given back */
    bool lease_lost;             /* the newest one, and it is not given back */
    bool twice;                  /* the sandbox is given back once more by who is told */
    uint64_t server_fence;       /* of the newest lease of a server */
    /* What the core has to have. */
    struct crate *held;
    struct sandbox_ref ref;
    char pending[CORE_NAME_MAX]; /* request of a create whose answer is not known */
    uint64_t used_us;            /* when somebody has asked for something there */
    uint64_t sweep_us, auto_us, version;
    uint64_t autos_us[CRATES];   /* all starts by themselves, of what is gone, too */
    uint32_t auto_count;
    struct supply_server server;
    /* A session of the owner, what its log has to say next, and where that was read last. */
    bool watches;
    struct session_ref session;
    struct history_cursor read;
    struct server_status words[SUPPLY_WORDS];
    uint32_t word_count;
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
/* It is done and answered; or it goes wrong, and has no answer (UNKNOWN), done or not. */
enum core_result supply_reply(struct supply *supply, struct demand *demand);
/* No call is made before that. */
void supply_rest(struct supply *supply, uint64_t until_us);
/* Does somebody else have all locks? */
bool supply_is_taken(const struct supply *supply);
/* A lease that is asked for now: returns when it is given, or when that was waited for in vain. */
enum core_result supply_lease(struct supply *supply, uint64_t wait_us);
/* It is given back; if it is lost by then, that is a call for what is gone. */
void supply_drop_lease(struct supply *supply);
/* How long after so many failures in a row. */
uint64_t supply_pause_us(const struct supply *supply, uint64_t failures);

/* --- what calls do (alone_supply_act.c) --- */

enum core_result supply_perform(struct supply *supply, struct demand *demand);
/* The sandbox of this create, NULL: none. */
struct crate *supply_requested(struct supply *supply, const char *request);
/* One more, of no owner. */
struct crate *supply_make(struct supply *supply, const char *request, enum app_type app);
struct task *supply_task(struct supply *supply, uint64_t instance);
struct task *supply_spawn(struct supply *supply, struct crate *crate,
                          const struct spawn_request *request);

/* --- what has to happen (alone_supply_box.c, alone_supply_server.c) --- */

/* The sweep ticks while there is a sandbox, as there was until now or not, and once more. */
void supply_pass_sweeps(struct supply *supply, bool exists);
enum core_result supply_acquire(struct supply *supply);
enum core_result supply_release(struct supply *supply);
/* It is idle: given back by itself, unless something runs in it that the core does not know. */
void supply_sweep(struct supply *supply, uint64_t at_us);
/* What runs in the held sandbox is asked for then; it is listed, or that has no answer. */
enum core_result supply_look(struct supply *supply, uint64_t at_us);
enum core_result supply_see(struct supply *supply, struct demand *demand);
/* One of them is killed. */
void supply_kill(struct supply *supply, uint64_t instance);
enum core_result supply_start(struct supply *supply, bool watched);
/* Grace 0: its sandbox is given back. */
enum core_result supply_stop(struct supply *supply, uint64_t grace_us);
/* One look at a server that runs, and when the next one is due. */
void supply_poll(struct supply *supply, uint64_t at_us);

/* --- what a log says (alone_supply_log.c) --- */

void supply_open_log(struct supply *supply);
/* The present state of the server is told to whoever watches it. */
void supply_note(struct supply *supply);
void supply_read_log(struct supply *supply);

/* --- the end (alone_supply_drain.c) --- */

void supply_drain(struct supply *supply);

/* --- the step --- */

/* Another core, with more to do than it may keep waiting (alone_crowd.c). */
void supply_crowd(struct actor *actor);
void backend_alone_servers(struct actor *actor, uint32_t rounds);

#endif
