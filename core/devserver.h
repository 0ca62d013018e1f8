/*
 * Dev servers: one record for each (sandbox, app type). devserver.c is what callers do,
 * devserver_client.c what clients ask for, devserver_steps.c the procedure that starts, watches and
 * stops, devserver_tell.c how others learn of it.
 *
 * Every start and every stop is done under the lease "dev_server:<sandbox>:<app>", which is
 * kept until the instance has answered its probe (or is gone) and that has been told. The lease's
 * token goes with the spawn, so that the provider refuses one from an older holder. A server is its
 * instance record and process group; the port is only asked who answers on it.
 */
#ifndef CORE_DEVSERVER_H
#define CORE_DEVSERVER_H

#include "core/sandbox.h"

enum { SERVER_WAITERS_MAX = 64 };

enum server_stage {
    STAGE_IDLE,      /* at rest, or a running server between two looks at it */
    STAGE_LEASING,   /* waiting for the lease */
    STAGE_SURVEYING, /* what runs in the sandbox already? */
    STAGE_SPAWNING,
    STAGE_PROBING,   /* until the instance answers */
    STAGE_TERM,      /* to be asked to end */
    STAGE_ENDING,    /* until it has ended, or the grace is over */
    STAGE_KILL,      /* made to end */
    STAGE_LEAVING    /* what was asked is done: give the lease back */
};

struct server_waiter {
    struct server_waiter *next;
    server_done done;           /* may be NULL */
    void *context;
};

struct server {
    struct procedure procedure; /* first */
    struct core *core;          /* never change: core, slot, generation, sandbox, app, port */
    uint32_t slot;
    uint64_t generation;
    struct sandbox_ref sandbox;
    char sandbox_id[CORE_NAME_MAX];
    enum app_type app;
    uint16_t port;

    struct server_status status;
    enum server_stage stage;    /* changed by the procedure only, under the lock */
    struct server_waiter *starts, *stops;   /* oldest first; stops are done before starts */
    uint64_t grace_us;          /* of the latest stop */
    bool closed;                /* its sandbox is being released: stop, then be freed */
    struct session_ref *watchers;           /* sessions that are told of changes, oldest first */
    size_t watchers_count, watchers_capacity;
    bool lease_pending, lease_held;
    enum core_result lease_result;
    struct lease_ref lease;

    /* Of the procedure alone. */
    bool lease_asked;
    bool superseded;            /* lost its lease with an instance on its way */
    uint64_t token;             /* fencing token of the lease; kept for the versions */
    uint64_t deadline_us;       /* of the whole start or stop; 0: none under way */
    uint64_t grace_until_us;
    uint64_t failures;          /* starts of this request that came to nothing, fruitless kills */
    uint64_t probes;            /* of the present instance */
    uint64_t spawns;
    bool unfenced;              /* a stop that goes on without the lease */
    uint64_t instance;          /* being started, watched or stopped; 0: none */
    uint16_t listening;         /* where an instance answered last; 0: nowhere yet */
    enum core_result result;    /* why the start failed, OK so far */
};

struct servers {
    struct core_lock lock;      /* RANK_SERVERS; guards all below */
    pthread_cond_t quiet;       /* a procedure came to rest */
    bool draining;
    struct server **slots;
    uint32_t capacity, count;
    uint64_t generations;
    uint64_t version;           /* of the latest change of any server */
};

extern const struct core_module devserver_module;

/* ---- for the sandboxes; no lock held ---- */

/* Stops every server of this sandbox and forgets it. How many are not gone yet. */
size_t servers_close(struct turn *turn, struct sandbox_ref sandbox);

/* Is a session that watches a server of this sandbox attached to anybody? */
bool servers_watched(struct turn *turn, struct sandbox_ref sandbox);

/* Does a server of this core, in this sandbox, have this instance? */
bool servers_know(struct turn *turn, struct sandbox_ref sandbox, uint64_t instance);

/* ---- between the files of this module ---- */

struct server_order {
    struct sandbox_ref sandbox;
    enum app_type app;
    bool stop;
    bool automatic;             /* nobody asked: CONFLICT once anybody has, whatever it was */
    uint64_t grace_us;
    struct session_ref watcher;
    server_done done;
    void *context;
};

/* server_ensure or server_stop of a core that may be draining already. No lock held. */
enum core_result server_submit(struct turn *turn, const struct server_order *order);

uint16_t server_port(const struct core *core, enum app_type app);

/* Where it answers, or else should. */
uint16_t server_port_now(const struct server *server);

/* Nothing is being done for it; it may run nevertheless. Lock held. */
bool server_at_rest(const struct server *server);

/* A log tells of this version: what is told from now on is newer. A session's lock may be held. */
void servers_saw(struct turn *turn, uint64_t version);
/* A `server_state` event in one session's log. STALE: the session is gone. No lock held. */
enum core_result server_publish(struct turn *turn, struct session_ref watcher, enum app_type app,
                                const struct server_status *status);

/* Copied this many at a time: no memory may be left to copy all. */
enum { WATCHERS_AT_ONCE = 16 };

/*
 * Copies the newest of the first *left sessions that watch, and lowers *left to how many remain;
 * SIZE_MAX at first. Those that are taken out meanwhile make it miss none. How many it has copied.
 * Lock held.
 */
size_t server_watchers(const struct server *server, size_t *left,
                       struct session_ref watchers[WATCHERS_AT_ONCE]);

void server_free(struct server *server);

uint64_t server_step(struct turn *turn, struct procedure *procedure);
void server_on_lease(void *context, enum core_result result, struct lease_ref lease,
                     uint64_t token);

/* Lists of those who wait, taken out of the server. */
struct server_lists {
    struct server_waiter *starts, *stops;
};

enum server_settles { SETTLES_NOBODY = 0, SETTLES_STARTS = 1, SETTLES_STOPS = 2 };

/*
 * Changes the state, raises the version and tells the watchers. Whom the change settles (a set of
 * enum server_settles) is taken out in the same step: who asks later gets news of his own. No lock
 * held.
 */
struct server_lists server_change(struct turn *turn, struct server *server,
                                  enum server_state state, enum core_result result, int settles);

/* Tells the present state to the watchers once more. No lock held. */
void server_tell(struct turn *turn, struct server *server);

/* Answers and frees a list that was taken out under the lock. No lock held. */
void server_answer(struct turn *turn, struct server *server, struct server_waiter *waiters,
                   enum core_result result);

#endif
