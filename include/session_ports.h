/*
 * The ports of the session core: what an embedding program supplies. Each port is a struct of
 * function pointers with a context, copied by core_create; whatever the context points to must
 * outlive the core.
 *
 * Common contract. The core calls a port with no lock of its own held. Unless said otherwise a call
 * may block, comes from a core thread named in its comment, and may fail in a way that leaves its
 * effect unknown (CORE_UNKNOWN). Strings and bytes passed in are valid during the call only;
 * results are written into memory of the caller.
 */
#ifndef SESSION_PORTS_H
#define SESSION_PORTS_H

#include "session_types.h"

/* ---- transport: want_write and close, called from any thread; must not block ---- */

struct transport_port {
    void *context;

    /*
     * The connection has something to send: call conn_next for it soon, until that gives nothing.
     * Called once per silence, not once per frame. May arrive after the connection died, or even
     * after its slot was used again: compare the generation.
     */
    void (*want_write)(void *context, uint64_t handle, struct conn_ref conn);

    /*
     * Send what conn_next still gives (a last error frame), then close the connection with this
     * code. The transport answers with conn_closed, as for every other end of a connection.
     */
    void (*close)(void *context, uint64_t handle, struct conn_ref conn, enum core_close_code code);
};

/* ---- lock store: core/leases and core/jobs ---- */

struct lock_grant {
    bool held;
    char owner[CORE_NAME_MAX];
    uint64_t token;        /* strictly increasing over all grants of the key, restarts included */
    uint64_t remaining_us; /* until it expires, as the store sees it */
};

struct lock_store_port {
    void *context;

    /*
     * Grants the key to this owner for ttl_us if nobody holds it. OK with the new token, CONFLICT
     * if held, UNKNOWN if a grant may have been made: reconcile with read, the owner id tells.
     * An owner id is used for one grant only, ever.
     */
    enum core_result (*try_acquire)(void *context, const char *key, const char *owner,
                                    uint64_t ttl_us, uint64_t *token);

    /* Extends the grant (key, owner, token) to ttl_us from now. STALE if it is not current. */
    enum core_result (*renew)(void *context, const char *key, const char *owner, uint64_t token,
                              uint64_t ttl_us);

    /* Ends the grant (key, owner, token). STALE, and no change, if it is not the current one. */
    enum core_result (*release)(void *context, const char *key, const char *owner, uint64_t token);

    /* The current grant, or held = false. */
    enum core_result (*read)(void *context, const char *key, struct lock_grant *grant);
};

/* ---- message store: core/store only ---- */

struct store_event {
    uint64_t seq;
    uint64_t key;        /* idempotency key, unique per (session, tenure) */
    const char *type;
    const char *payload; /* a JSON object, length bytes, then a zero */
    size_t length;
};

struct store_meta {
    uint64_t epoch;  /* never 0, never used before for this session name */
    uint64_t tenure; /* larger than at every earlier load of this session */
    uint64_t head;   /* seq of the newest stored event, 0 if none was ever stored */
    uint64_t floor;  /* seq of the oldest event kept; head + 1 if none is */
    char owner[CORE_NAME_MAX];
};

/* Called for each event of a read, in seq order. False stops the read. */
typedef bool (*store_visit)(void *visit_context, const struct store_event *event);

struct message_store_port {
    void *context;

    /*
     * Opens the session's stream for this core: finds it, or, with create, makes an empty one with
     * a fresh epoch and this owner. Raises its tenure, so that appends of an earlier tenure are
     * refused from now on. NOT_FOUND if it does not exist and create is false. A store that has
     * lost acknowledged events gives a fresh epoch. After UNKNOWN it is simply called again.
     */
    enum core_result (*load_meta)(void *context, const char *session, const char *owner,
                                  bool create, struct store_meta *meta);

    /*
     * Appends one event as (epoch, seq). OK only when it is durable; from then on it is visible to
     * every read: append order is visibility order. The same (seq, key) again is OK and stores
     * nothing. CONFLICT if seq is not head + 1 (or is taken by another key), STALE if the epoch
     * or the tenure is not the current one, UNKNOWN if it may have been stored, now or later.
     */
    enum core_result (*append)(void *context, const char *session, uint64_t epoch, uint64_t tenure,
                               const struct store_event *event);

    /* Visits up to limit stored events with seq >= from. */
    enum core_result (*read)(void *context, const char *session, uint64_t epoch, uint64_t from,
                             size_t limit, store_visit visit, void *visit_context);

    /*
     * Forgets events below floor, which is head + 1 at most. STALE, and no change, if the epoch or
     * the tenure is not the current one. NULL: the store bounds itself.
     */
    enum core_result (*trim)(void *context, const char *session, uint64_t epoch, uint64_t tenure,
                             uint64_t floor);
};

/* ---- sandbox provider: core/jobs only ---- */

enum sandbox_state { SANDBOX_BOOTING, SANDBOX_READY, SANDBOX_STOPPED };

struct sandbox_record {
    char id[CORE_NAME_MAX];
    char request[CORE_NAME_MAX]; /* request key of its create call */
    char owner[CORE_NAME_MAX];   /* empty: pooled */
    enum app_type app;
    enum sandbox_state state;
    uint64_t token;              /* assignment token; strictly increasing per sandbox */
};

/* A process is its instance record and process group, never a port or a name. */
struct process_record {
    uint64_t instance;
    uint64_t process_group;
    uint64_t token;              /* assignment token that spawned it */
    char request[CORE_NAME_MAX]; /* request key of its spawn call */
    enum app_type app;
    uint16_t port;               /* asked for; it may listen elsewhere or nowhere */
    bool alive;
};

struct spawn_request {
    const char *request;         /* unique per attempt, so that a lost answer can be adopted */
    const char *name;            /* of the shell session: server_session_name */
    const char *command;
    enum app_type app;
    uint16_t port;
    uint64_t fence;              /* lease token of the starter; the provider refuses older ones */
};

enum process_signal { PROCESS_TERM, PROCESS_KILL };

struct sandbox_provider_port {
    void *context;

    /* Makes a sandbox, still booting, with no owner. The same request gives the same sandbox. */
    enum core_result (*create)(void *context, const char *request, enum app_type app,
                               struct sandbox_record *record);

    /*
     * Gives the sandbox to owner ("" returns it to the pool) if its token still is
     * expected_token. OK with the new record, its token larger; CONFLICT if the token moved on.
     */
    enum core_result (*assign)(void *context, const char *id, const char *owner,
                               uint64_t expected_token, struct sandbox_record *record);

    /* Ends the sandbox and every process in it. STALE if token is not current. */
    enum core_result (*destroy)(void *context, const char *id, uint64_t token);

    /* Writes up to capacity records, ordered by id; *count gets how many there are. */
    enum core_result (*list)(void *context, struct sandbox_record *records, size_t capacity,
                             size_t *count);

    /* Waits until the sandbox is ready. EXPIRED after timeout_us, FAILED if it will never be. */
    enum core_result (*await_ready)(void *context, const char *id, uint64_t token,
                                    uint64_t timeout_us);

    /*
     * Starts a process in a group of its own. STALE, and no process, if token is not the current
     * assignment or fence is older than one already seen for this app.
     */
    enum core_result (*spawn)(void *context, const char *id, uint64_t token,
                              const struct spawn_request *request, struct process_record *process);

    /* Writes up to capacity records, ordered by instance; dead ones until reaped by wait. */
    enum core_result (*processes)(void *context, const char *id, uint64_t token,
                                  struct process_record *records, size_t capacity, size_t *count);

    /* Signals the whole process group of the instance. NOT_FOUND if it is gone. */
    enum core_result (*signal)(void *context, const char *id, uint64_t token, uint64_t instance,
                               enum process_signal signal);

    /* Who answers on the port: OK with the instance, or NOT_FOUND if nobody does. */
    enum core_result (*probe)(void *context, const char *id, uint64_t token, uint16_t port,
                              uint64_t *instance);

    /* Waits for the end of the whole group. OK when gone, EXPIRED after timeout_us. */
    enum core_result (*wait)(void *context, const char *id, uint64_t token, uint64_t instance,
                             uint64_t timeout_us);
};

/* ---- agent runner: one thread per running agent ---- */

struct run_context;   /* what an agent knows of its run; see the run_ functions */

struct agent_runner_port {
    void *context;

    /*
     * Runs the agent to its end, on a thread made for it (named agent/<name>). OK: completed;
     * CORE_CANCELLED: it stopped because it was asked to; anything else: failed. The run context
     * is valid until the function returns.
     */
    enum core_result (*run)(void *context, const char *agent, struct run_context *run);

    /* The run should stop soon. Any thread, must not block; may come after run returned. */
    void (*request_stop)(void *context, const char *agent, struct run_ref run);
};

/* ---- relay: between cores that share a message store ---- */

struct relay_port {
    void *context;

    /*
     * A client of this core has answered a question, or cancelled a run, of this session that
     * another core has. The program takes the message to the cores that may be that one and calls
     * session_pass there. It may be lost, late, or come twice: what became of it is in the log. Any
     * thread; must not block. Both texts are valid during the call. NULL: such requests are refused
     * as unavailable.
     */
    void (*pass)(void *context, const char *session, const char *message, size_t length);
};

/* ---- trace ---- */

enum { TRACE_ARGS_MAX = 3 };

/* Points are listed in core/trace_points.h; a record's args are those the point names. */
struct trace_record {
    uint32_t point;
    const char *subject;           /* session key, lock key, sandbox id; valid during the call */
    uint64_t args[TRACE_ARGS_MAX];
};

struct trace_port {
    void *context;

    /*
     * A linearization point has just been passed. Any thread; no lock of the core is held; must
     * not call the core. NULL: records go to the core's own bounded ring, if it has one.
     */
    void (*point)(void *context, const struct trace_record *record);
};

/* ---- alerts ---- */

#define CORE_ALERTS(X)                                                                             \
    X(ALERT_CONTENTION, "contention") /* a lock: value is the percentage that gave up waiting */   \
    X(ALERT_DEADLOCK, "deadlock")     /* a lock: value is how long it has been held, in us */      \
    X(ALERT_HEALTH, "health")         /* the core: value is the number of parts that fail */

enum core_alert_kind {
#define CORE_ALERT_ENUM(name, word) name,
    CORE_ALERTS(CORE_ALERT_ENUM)
#undef CORE_ALERT_ENUM
        CORE_ALERT_COUNT
};

/* Its word ("deadlock"). Never NULL. */
const char *core_alert_word(enum core_alert_kind kind);

struct core_alert {
    enum core_alert_kind kind;
    const char *subject;   /* lock key, or name of the core; valid during the call */
    bool raised;           /* false: what was told before is over */
    uint64_t value;
};

struct alert_port {
    void *context;

    /* Something is wrong, or no longer. Any thread; must not block, must not call the core. */
    void (*alert)(void *context, const struct core_alert *alert);
};

#endif
