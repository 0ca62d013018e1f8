/*
 * A turn: one thread's passage through the core, from an entry point to its return. It knows which
 * locks the thread holds, so that their order can be asserted without thread-locals, and which
 * effects it owes: port calls, completions and trace records that were decided under a lock and
 * are carried out after it (law L4). Every entry point has one turn, on its stack:
 *
 *     struct turn turn;
 *     turn_begin(&turn, core);
 *     turn_lock(&turn, &session->lock);
 *     ... decide, owe effects ...
 *     turn_unlock(&turn, &session->lock);
 *     turn_end(&turn);
 *
 * Effects are carried out in the order in which they were owed, by turn_end or turn_flush. They may
 * not refer to memory that somebody else can free: handles and copies only.
 */
#ifndef CORE_TURN_H
#define CORE_TURN_H

#include "core/require.h"
#include "core/trace_points.h"
#include "session_core.h"

#include <pthread.h>

/*
 * The one order of acquisition: a thread may take a lock only if it holds none of the same rank or
 * of a later one. Leaf locks are never held while taking another.
 */
#define LOCK_RANKS(X)                                                                              \
    X(RANK_TABLE)   /* core->table_lock: slots of sessions and connections, life cycle */          \
    X(RANK_SESSION) /* session->lock: the session, its log, connections, runs, prompts */          \
    X(RANK_HEALTH)  /* regular checks */                                                           \
    X(RANK_LEASES)  /* lease module */                                                             \
    X(RANK_SANDBOX) /* sandbox module */                                                           \
    X(RANK_SERVERS) /* dev server module */                                                        \
    X(RANK_STORE)   /* store thread's queue */                                                     \
    X(RANK_AGENTS)  /* count of live runs */                                                       \
    X(RANK_TIMERS)  /* timer queue */                                                              \
    X(RANK_JOBS)    /* job queue */                                                                \
    X(RANK_TRACE)   /* the ring; alerts that wait to be told */

enum lock_rank {
#define LOCK_RANK_ENUM(name) name,
    LOCK_RANKS(LOCK_RANK_ENUM)
#undef LOCK_RANK_ENUM
        LOCK_RANK_COUNT
};

struct core_lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

enum effect_kind {
    EFFECT_TRACE,
    EFFECT_WANT_WRITE,
    EFFECT_CLOSE,
    EFFECT_PUBLISH_DONE,
    EFFECT_OPEN_DONE,
    EFFECT_PROMPT_DONE,
    EFFECT_REQUEST_STOP,
    EFFECT_START_RUN,
    EFFECT_REMOVE_SESSION,
    EFFECT_ALERTS,
    EFFECT_CALL
};

struct run;

/* Any other thing to do without a lock: fn(core, context, number). */
typedef void (*effect_call)(struct core *core, void *context, uint64_t number);

struct effect {
    enum effect_kind kind;
    char subject[CORE_NAME_MAX];   /* of a trace record, or the agent's name */
    union {
        struct trace_record record;
        struct { uint64_t handle; struct conn_ref conn; enum core_close_code code; } conn;
        struct { publish_done done; void *context; enum core_result result;
                 uint64_t epoch, seq; } publish;
        struct { session_open_done done; void *context; enum core_result result;
                 struct session_ref session; uint64_t epoch; } open;
        struct { prompt_done done; void *context; struct prompt_answer answer; } prompt;
        struct run_ref stop;
        struct run *run;           /* pinned by its own thread-to-be */
        struct session_ref session;
        struct { effect_call fn; void *context; uint64_t number; } call;
    } u;
};

enum { TURN_EFFECTS_INLINE = 8 };

struct turn {
    struct core *core;
    uint32_t ranks_held;           /* bit per enum lock_rank */
    size_t count, capacity;
    struct effect *effects;        /* inline_effects until they do not fit */
    struct effect inline_effects[TURN_EFFECTS_INLINE];
};

enum core_result core_lock_init(struct core_lock *lock, enum lock_rank rank);
void core_lock_destroy(struct core_lock *lock);

/* A condition variable on the monotonic clock. */
enum core_result core_cond_init(pthread_cond_t *cond);

/* Both, or none of them. */
enum core_result core_lock_and_cond_init(struct core_lock *lock, enum lock_rank rank,
                                         pthread_cond_t *cond);

void turn_begin(struct turn *turn, struct core *core);

/* Carries out what is owed and ends the turn. No lock may be held. */
void turn_end(struct turn *turn);

/* Carries out what is owed so far; effects owed meanwhile are carried out too. No lock held. */
void turn_flush(struct turn *turn);

void turn_lock(struct turn *turn, struct core_lock *lock);
void turn_unlock(struct turn *turn, struct core_lock *lock);

/* Does this turn hold a lock of this rank? For REQUIRE. */
bool turn_holds(const struct turn *turn, enum lock_rank rank);

/*
 * Waits on cond, giving up lock, which must be the only lock held; deadline_us 0 means for ever.
 * False once the deadline has passed. The caller loops over its predicate either way. Effects owed
 * before a wait should be flushed first, or they are late.
 */
bool turn_wait(struct turn *turn, pthread_cond_t *cond, struct core_lock *lock,
               uint64_t deadline_us);

/* Room for one more effect of this kind. Never fails: what was decided is owed. */
struct effect *turn_owe(struct turn *turn, enum effect_kind kind);

/* Owes a trace record. Subject is copied (cut at CORE_NAME_MAX). */
void trace_owe(struct turn *turn, enum trace_point_id point, const char *subject, uint64_t first,
               uint64_t second, uint64_t third);

void turn_owe_call(struct turn *turn, effect_call fn, void *context, uint64_t number);

/* Emits a record now. No lock held. */
void trace_point(struct turn *turn, enum trace_point_id point, const char *subject, uint64_t first,
                 uint64_t second, uint64_t third);

/* Monotonic microseconds, the only clock of the core. */
uint64_t core_now_us(void);

#endif
