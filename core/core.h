/* The core itself: what a process may hold several of. Internal. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "core/alerts.h"
#include "core/jobs.h"
#include "core/module.h"
#include "core/reserve.h"
#include "core/session.h"
#include "core/store.h"
#include "core/timer.h"
#include "core/trace.h"
#include "core/turn.h"

enum core_phase { CORE_CREATED, CORE_RUNNING, CORE_PHASE_DRAINING, CORE_DRAINED };

/* A slot of a table; free ones have no object. */
struct session_slot { struct session *session; };
struct conn_slot { struct conn *conn; };

struct core {
    /* Never change after core_create; read without a lock. */
    char name[CORE_NAME_MAX];
    struct core_settings settings;
    struct transport_port transport;
    struct agent_runner_port agents;
    struct message_store_port messages;
    struct lock_store_port locks;
    struct sandbox_provider_port sandbox_provider;
    bool has_messages, has_locks, has_sandboxes;
    _Atomic uint64_t chance;          /* counter behind core_backoff_us; changes */
    _Atomic uint64_t commands_named;  /* by command_session_name; changes */
    void *_Atomic reserve;            /* NULL while it is spent; changes (reserve.h) */
    char commands[APP_TYPE_COUNT][CORE_COMMAND_MAX];
    struct trace_port trace_port;
    struct alert_port alert_port;
    struct relay_port relay;

    struct core_lock table_lock;      /* RANK_TABLE; guards the following */
    enum core_phase phase;
    uint64_t next_generation, next_epoch;
    struct session_slot *sessions;
    uint32_t sessions_capacity, sessions_count;
    struct conn_slot *conns;
    uint32_t conns_capacity, conns_count;
    uint32_t greeting;                /* connections that have no session yet */
    struct core_stats counted;        /* the running counts of core_stats */

    struct core_lock agents_lock;     /* RANK_AGENTS; guards the following */
    pthread_cond_t idle;              /* predicate: live_runs == 0 */
    uint64_t live_runs;               /* submitted, and not yet ended and joined */

    struct timers timers;
    struct jobs jobs;
    struct store store;
    struct trace_ring ring;
    struct alerts alerts;

    struct leases *leases;            /* state of the modules in module.c */
    struct sandboxes *sandboxes;
    struct servers *servers;
    struct health *health;
};

/* A run came, or is gone with its thread. Session lock may be held. */
void live_runs_add(struct turn *turn);
void live_runs_remove(struct turn *turn);

/* May new work be accepted? Table lock held. */
bool core_accepts(const struct core *core);

/* The same, taking the table lock for a moment. No lock held. */
bool core_is_running(struct turn *turn);

/* A thread of the core with its attributes, called OWNER/ROLE, cut to what Linux allows. */
enum core_result core_thread_create(pthread_t *thread, const char *owner, const char *role,
                                    void *(*main)(void *), void *context);

/* Copies a name: printable ASCII, not empty, and it fits. False, and nothing written, otherwise. */
bool core_copy_name(char to[CORE_NAME_MAX], const char *from);

/* Copies a name or sentence that is known to fit. */
void core_set_name(char to[CORE_NAME_MAX], const char *from);

/*
 * How long to wait after the n-th failure in a row (from 1): backoff_base grown by backoff_factor
 * up to cap_us and backoff_cap; with backoff_jitter=full a random part of that. Never 0. No lock
 * needed.
 */
uint64_t core_backoff_us(struct core *core, uint64_t failures, uint64_t cap_us);

/* command.c: false if one is empty or too long. */
bool core_take_commands(struct core *core, const struct core_config *config);
/* The command of an app's dev server on this port. */
void core_command(const struct core *core, enum app_type app, uint16_t port,
                  char command[CORE_COMMAND_MAX]);

/* A copy to be freed, or NULL without memory. */
char *core_copy_text(const char *text);

/* True for a word of lower case letters, digits and '_' shorter than CORE_NAME_MAX. */
bool core_is_word(const char *text);

#endif
