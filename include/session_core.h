/*
 * The session core: resumable event streams for long agent runs, prompts that survive reconnects,
 * leases with fencing, and a supervisor for sandboxes and dev servers.
 *
 * Threads. Every function may be called from any thread unless its comment says otherwise, and may
 * not be called from inside a port call or a trace callback. No function blocks on a port or on
 * another thread's work, except those whose name ends in _wait, core_drain, core_destroy, and
 * run_emit and run_ask, which are for agent threads. Completions are called exactly once, with no
 * lock held, on a core thread or on the caller's own thread before the call returns.
 */
#ifndef SESSION_CORE_H
#define SESSION_CORE_H

#include "session_ports.h"
#include "session_settings.h"
#include "session_types.h"

struct core;

/* ---- core: life cycle ---- */

struct core_config {
    const char *name;                            /* instance name, unique among cores; copied */
    struct core_settings settings;
    uint64_t first_epoch;                        /* epochs without a message store: from here on */
    size_t hash_seed;                            /* JSON table seed; 0 leaves it to the library */
    uint64_t jitter_seed;                        /* of backoff_jitter; 0: drawn from the system */
    struct transport_port transport;             /* required */
    struct agent_runner_port agents;             /* run == NULL: runs are refused */
    const struct message_store_port *messages;   /* NULL: the log lives in memory only */
    const struct lock_store_port *locks;         /* NULL: no leases, no dev servers */
    const struct sandbox_provider_port *sandboxes; /* NULL: no sandboxes */
    struct trace_port trace;                     /* point == NULL: the core's own ring */
    struct alert_port alerts;                    /* alert == NULL: nobody is told */
    struct relay_port relay;                     /* pass == NULL: nothing is passed on */
    const char *commands[APP_TYPE_COUNT];        /* of dev servers, copied; NULL: the usual one */
};

/* Defaults for everything that has one; the caller fills in the ports. */
void core_config_default(struct core_config *config);

/*
 * Makes a core, no thread yet. INVALID if a required port is missing or core_settings_problem finds
 * one; NO_MEMORY. The config is copied.
 */
enum core_result core_create(const struct core_config *config, struct core **core);

/* Starts the core's threads. Called once. On failure the core may only be destroyed. */
enum core_result core_start(struct core *core);

/*
 * Stops taking new work, ends every run and connection, answers every accepted operation, joins
 * every thread. Agents get until deadline_us from now to end by themselves; they are still joined
 * after it, because a thread cannot be taken away: EXPIRED tells that this happened. Called once,
 * by one thread, not a core thread. Connections that the transport has not reported closed by then
 * are forgotten: conn_ calls for them do nothing.
 */
enum core_result core_drain(struct core *core, uint64_t deadline_us);

/* Frees everything. Drains first (deadline 0) if that was not done. NULL is allowed. */
void core_destroy(struct core *core);

struct core_stats {
    uint64_t sessions, conns, attached, runs, prompts, timers, jobs, store_operations;
    uint64_t leases, sandboxes, servers;
    uint64_t events_appended, events_trimmed, frames_sent, resyncs, stale_calls;
};

/* What there is now, and what was counted since the core was created. */
void core_stats(struct core *core, struct core_stats *stats);

enum core_health { CORE_HEALTHY, CORE_DEGRADED, CORE_STOPPED };

/*
 * DEGRADED: the message store is not answering, or the last check found something. STOPPED: not
 * started yet, or draining.
 */
enum core_health core_health(struct core *core);

struct health_part {
    bool present, answering;
    uint64_t latency_us;   /* of the last answer */
    uint64_t checked_us;   /* monotonic; 0: never */
};

/* What the last check found; there is one every health_period if somebody listens to alerts. */
struct core_health_report {
    enum core_health health;
    uint64_t checks;       /* so far */
    struct health_part locks, messages, sandboxes;
    bool crowded;          /* sessions, connections or waiting jobs are at their limit */
};

/* Copies what the last check found. All zero but `health` if there was none yet. */
void core_health_report(struct core *core, struct core_health_report *report);

/* What is known of one lock key, counted since this core first used it. */
struct lock_metrics {
    char key[CORE_NAME_MAX];
    uint64_t granted;
    uint64_t failed;       /* gave up waiting */
    uint64_t refused;      /* did not want to wait, and somebody else had it */
    uint64_t held;         /* now */
    uint64_t ended;        /* holds that are over, `lost` of them before their release */
    uint64_t lost;
    uint64_t hold_us_sum, hold_us_longest;   /* of those that are over */
    bool contended;        /* the alert is up: see contention_percent */
    bool stuck;            /* the alert is up: see deadlock_after */
};

/*
 * Copies what is known, in no order that means anything; returns how many keys there are. Of more
 * than 256 the one used longest ago is forgotten.
 */
size_t core_lock_metrics(struct core *core, struct lock_metrics *metrics, size_t capacity);

/* ---- trace ---- */

/* What a trace point is called; names are never NULL, "" for an unused argument. */
struct trace_point_info {
    const char *name;
    const char *subject;
    const char *args[TRACE_ARGS_MAX];
};

/* How many points there are; they are numbered from 0, and the same in every build of a version. */
size_t core_trace_point_count(void);

/* The point of that number, which must be one of them. Static memory. */
const struct trace_point_info *core_trace_point_info(uint32_t point);

struct trace_entry {
    uint64_t number;                   /* counts every record since the start, kept or not */
    uint64_t time_us;                  /* monotonic */
    uint32_t point;
    char subject[CORE_NAME_MAX];
    uint64_t args[TRACE_ARGS_MAX];
};

/* Copies the newest records of the ring, oldest first; returns how many (<= capacity). */
size_t core_trace_dump(struct core *core, struct trace_entry *entries, size_t capacity);

/* Told of one line, without its end. The text is valid during the call. */
typedef void (*trace_put)(void *context, const char *line, size_t length);

/*
 * The same as text, for a file that `harness import` reads (docs/CAPTURES.md): a line that says
 * what it is, then one for each record; what was appended is told with its payload, as long as its
 * log keeps it. Calls put for each line on this thread, with no lock held. NO_MEMORY: lines are
 * missing.
 */
enum core_result core_trace_write(struct core *core, trace_put put, void *context);

/* ---- session ---- */

enum { SESSION_CREATE = 1 }; /* flag of session_open */

typedef void (*session_open_done)(void *context, enum core_result result,
                                  struct session_ref session, uint64_t epoch);

/*
 * Finds the session of this key, or makes it with SESSION_CREATE: one winner, everybody gets the
 * same session. One that the message store knows is recovered from it; prompts and runs that were
 * cut off are closed as cancelled and interrupted before anything else is appended. Only `owner`
 * may attach connections. If this returns CORE_OK, done comes exactly once: with NOT_FOUND if there
 * is none and SESSION_CREATE was not given, REFUSED if it belongs to another owner, UNAVAILABLE if
 * the store does not answer. Any of these may also be returned here; then done is not called.
 */
enum core_result session_open(struct core *core, const char *key, const char *owner, uint32_t flags,
                              session_open_done done, void *context);

/*
 * The same for a session with settings of its own: those of struct core_setting with the scope
 * CORE_SETTING_OF_SESSION may differ from the core's. They count if this call makes the session or
 * loads it, and until it is forgotten; one that is open already keeps its own. NULL: the core's.
 * INVALID also if core_settings_session_problem finds one.
 */
enum core_result session_open_with(struct core *core, const char *key, const char *owner,
                                   uint32_t flags, const struct core_settings *settings,
                                   session_open_done done, void *context);

/*
 * Another core has written into this session's stream, as far as the program knows (a notice of the
 * shared store): the store is asked at once for what this core does not have. Without such notices
 * it is asked at every heartbeat, and every store_poll while events keep coming. NOT_FOUND if the
 * session is not in memory.
 */
enum core_result session_refresh(struct core *core, const char *key);

/*
 * What the relay of another core has passed on: an answer to a question or a cancel, of a client
 * that was attached to this session there. OK: it took effect, and the log tells so. UNAVAILABLE:
 * this core does not have the run either, and passes nothing on a second time. NOT_FOUND if the
 * session, the question or the run is not known; INVALID for any other message; else as for a
 * client of this core: CONFLICT, EXPIRED, STALE.
 */
enum core_result session_pass(struct core *core, const char *key, const char *message,
                              size_t length);

/* The settings that a session has now. */
enum core_result session_settings(struct core *core, struct session_ref session,
                                  struct core_settings *settings);

/*
 * Gives it others, as session_open_with. They count for what is decided from now on: a grace, a
 * gate or a deadline of a question that is running already keeps its length.
 */
enum core_result session_configure(struct core *core, struct session_ref session,
                                   const struct core_settings *settings);

/* The same as session_open, waiting for the answer. */
enum core_result session_open_wait(struct core *core, const char *key, const char *owner,
                                   uint32_t flags, struct session_ref *session, uint64_t *epoch);

/* Cancels its runs, closes its connections with code, then forgets it (its store keeps it). */
enum core_result session_close(struct core *core, struct session_ref session,
                               enum core_close_code code);

struct session_info {
    char key[CORE_NAME_MAX];
    char owner[CORE_NAME_MAX];
    uint64_t epoch, head, floor;
    uint64_t events, bytes, pending;      /* in the log; waiting for the store */
    uint64_t conns, attached, acknowledged;
    uint64_t runs_live, runs_ended, prompts_open;
};

/* What the session holds at this moment. STALE if it is not in memory any more. */
enum core_result session_info(struct core *core, struct session_ref session,
                              struct session_info *info);

/* ---- publish and read ---- */

typedef void (*publish_done)(void *context, enum core_result result, uint64_t epoch, uint64_t seq);

/*
 * Appends an event: type is a word that is no control message, payload a JSON object. Never waits
 * for a client. OK here means that done will be called: with OK and the seq once the event is
 * stored, UNKNOWN if the store did not say (it has zero or one such event), or a refusal (nothing
 * was stored). Any other result here: nothing happened, done is not called. done may be NULL.
 */
enum core_result publish(struct core *core, struct session_ref session, const char *type,
                         const char *payload, size_t length, publish_done done, void *context);

/* The same, waiting for the store's answer, which it returns. seq may be NULL. */
enum core_result publish_wait(struct core *core, struct session_ref session, const char *type,
                              const char *payload, size_t length, uint64_t *seq);

struct history_cursor {
    uint64_t epoch;   /* 0: none yet */
    uint64_t seq;     /* forward: last one seen; backward: events below it are wanted, 0 = newest */
};

enum history_direction { HISTORY_FORWARD, HISTORY_BACKWARD };

struct history_event {
    uint64_t seq;
    char *type;       /* owned by the page */
    char *payload;
    size_t length;
};

struct history_page {
    struct history_event *events; /* in reading order */
    size_t count;
    struct history_cursor next;
    bool more;                    /* the log holds more in this direction */
    bool trimmed;                 /* the cursor pointed at events that are gone */
    bool epoch_changed;           /* the cursor was of another epoch; reading began anew */
};

/*
 * One page of what is in memory, at most limit events. The page must be freed by history_page_free.
 */
enum core_result history(struct core *core, struct session_ref session,
                         struct history_cursor cursor, size_t limit,
                         enum history_direction direction, struct history_page *page);

/* Frees the events of a page, not the page itself, which is empty then. Twice is no error. */
void history_page_free(struct history_page *page);

/* The page is the callee's, to be freed by history_page_free; without events unless OK. */
typedef void (*history_done)(void *context, enum core_result result, struct history_page *page);

/*
 * The same with what only the message store still has. If this returns OK, done comes exactly
 * once: at once if memory has all of the page, else when the store has answered (UNKNOWN or
 * UNAVAILABLE if it did not, STALE if its log is another one by now). At most 1000 events, and
 * outbound_max_bytes of them but one at least: `more` tells.
 */
enum core_result history_read(struct core *core, struct session_ref session,
                              struct history_cursor cursor, size_t limit,
                              enum history_direction direction, history_done done, void *context);

/* ---- connections: called by the transport, one thread at a time per connection ---- */

/*
 * A new connection of an authenticated user. LIMIT (of connections in all, of this user, or without
 * a session) or DRAINING: close it. Every connection that was
 * opened must be reported to conn_closed exactly once. `handle` comes back in transport calls.
 */
enum core_result conn_open(struct core *core, uint64_t handle, const char *user,
                           struct conn_ref *conn);

/*
 * One whole message from the client. STALE: it was not looked at, for the connection is not known
 * any more, or the core has asked for its close.
 */
enum core_result conn_input(struct core *core, struct conn_ref conn, const char *bytes,
                            size_t length);

struct conn_frame {
    uint64_t number; /* of the frame on this connection, from 1 */
    uint64_t seq;    /* of its event, 0 for a control frame */
    char *bytes;     /* a JSON text, length bytes, then a zero; free with conn_frame_free */
    size_t length;
};

/*
 * The next frame to send, if any. One at a time: after a frame, nothing more is given until
 * conn_sent was told about it; then ask again. Returns false if there is nothing now; want_write
 * will tell when there is.
 */
bool conn_next(struct core *core, struct conn_ref conn, struct conn_frame *frame);

/* Frees the bytes of a frame, not the frame itself. */
void conn_frame_free(struct conn_frame *frame);

/* The transport has taken the frame's bytes: the next one may be asked for. */
void conn_sent(struct core *core, struct conn_ref conn, uint64_t number);

/* The connection is gone, for whatever reason. Its handle is dead from here on. */
void conn_closed(struct core *core, struct conn_ref conn);

enum conn_state { CONN_CONNECTING, CONN_CONNECTED, CONN_DISCONNECTED, CONN_ERROR };

/*
 * CONNECTED from the attach on. After the core has asked for the close: ERROR if something was
 * wrong with the connection, DISCONNECTED if not, and for a handle that is not known.
 */
enum conn_state conn_state(struct core *core, struct conn_ref conn);

/* ---- runs ---- */

struct run_spec {
    const char *agent;      /* name given to the agent runner */
    const char *key;        /* idempotency key: the same key names the same run */
    const char *input;      /* JSON object for the agent, or NULL; copied */
    bool gate_given;        /* use `gate` instead of the setting start_gate */
    enum start_gate gate;
    uint64_t timeout_us;    /* instead of the setting run_timeout; 0: that one */
};

/*
 * Starts a run, or finds the run of this key: *created tells which (may be NULL). The run waits for
 * its gate without blocking anybody.
 */
enum core_result run_submit(struct core *core, struct session_ref session,
                            const struct run_spec *spec, struct run_ref *run, bool *created);

/*
 * Asks the run to stop. Its outcome is cancelled, unless it ends by itself first. Cancelling twice
 * is no error; NOT_FOUND for an unknown run; STALE if it has already ended.
 */
enum core_result run_cancel(struct core *core, struct run_ref run, const char *reason);

/* The state, readable as long as the session is in memory. */
enum core_result run_state(struct core *core, struct run_ref run, enum run_state *state);

/* Inside an agent, on its thread (or threads that it made and joins before it returns). */

/* The run itself, to be named in other calls. */
struct run_ref run_self(const struct run_context *run);
const char *run_input(const struct run_context *run); /* "{}" if none was given */

/*
 * A number that grows from one holder of the session (with run_lock=on: of the run) to the next, to
 * be checked by what the agent changes in the world: the fencing token. Without any store it is the
 * epoch of the log, which begins anew with each life of the core unless first_epoch grows, too.
 */
uint64_t run_token(const struct run_context *run);

/* As publish_wait, as this run. CANCELLED after the run was asked to stop. */
enum core_result run_emit(struct run_context *run, const char *type, const char *payload,
                          size_t length, uint64_t *seq);

/* True once the run was asked to stop; it stays so. For agents that do not wait in the core. */
bool run_should_stop(struct run_context *run);

/* Sleeps until the deadline or until the run is asked to stop (CANCELLED). */
enum core_result run_pause(struct run_context *run, uint64_t duration_us);

struct prompt_answer {
    enum prompt_outcome outcome;
    char *values;          /* user input: a JSON object, freed by prompt_answer_free; else NULL */
};

/* Frees the values of an answer, not the answer itself. */
void prompt_answer_free(struct prompt_answer *answer);

enum prompt_kind { PROMPT_CONFIRMATION, PROMPT_USER_INPUT };

struct prompt_request {
    enum prompt_kind kind;
    const char *id;          /* the agent's name for the question, as shown to clients */
    const char *text;        /* what is asked, or NULL */
    uint64_t timeout_us;     /* 0: the setting confirm_timeout or input_timeout */
};

/* Asks and waits. OK if the prompt was settled, with the outcome; the caller frees the answer. */
enum core_result run_ask(struct run_context *run, const struct prompt_request *request,
                         struct prompt_answer *answer);

/* The answer belongs to the core and is valid during the call. */
typedef void (*prompt_done)(void *context, const struct prompt_answer *answer);

/*
 * Asks and goes on. If this returns OK, done comes exactly once: when the prompt is settled, or
 * shortly after the agent's function has returned, until when context must be valid.
 */
enum core_result run_ask_async(struct run_context *run, const struct prompt_request *request,
                               prompt_done done, void *context);

/* ---- leases ---- */

typedef void (*lease_done)(void *context, enum core_result result, struct lease_ref lease,
                           uint64_t token);
typedef void (*lease_lost)(void *context, struct lease_ref lease);

struct lease_options {
    uint64_t wait_us;   /* keep trying so long while somebody else holds it; 0: one try */
    lease_lost on_lost; /* told once if the lease ends before its release; may be NULL */
    void *context;
};

/* Acquires and then renews the key until released. ttl_us 0: the setting lease_ttl. */
enum core_result lease_acquire(struct core *core, const char *key, uint64_t ttl_us,
                               const struct lease_options *options, lease_done done, void *context);

/*
 * True until the lease's own monotonic deadline: begin no protected effect otherwise. Asking counts
 * as progress: a holder that has not asked for deadlock_after stands still, and an alert says so.
 */
bool lease_valid(struct core *core, struct lease_ref lease);

/* Fencing token, 0 if the lease is not current. */
uint64_t lease_token(struct core *core, struct lease_ref lease);

/* Gives the lease back. done (may be NULL) gets OK, STALE if it was lost before, or UNKNOWN. */
enum core_result lease_release(struct core *core, struct lease_ref lease, lease_done done,
                               void *context);

/* ---- sandboxes and dev servers ---- */

typedef void (*sandbox_done)(void *context, enum core_result result, struct sandbox_ref sandbox);

/*
 * The one sandbox of this owner key: found, taken from the pool, or made. EXPIRED if there is none
 * that has booted after two minutes.
 */
enum core_result sandbox_acquire(struct core *core, const char *owner, enum app_type app,
                                 sandbox_done done, void *context);

/* Stops what runs in it, then returns it to the pool or destroys it. done may be NULL. */
enum core_result sandbox_release(struct core *core, struct sandbox_ref sandbox, sandbox_done done,
                                 void *context);

struct server_status {
    enum server_state state;
    uint64_t version;        /* raised by every change of state */
    uint64_t instance;       /* 0 unless starting, running or stopping */
    uint16_t port;
    enum core_result result; /* why, when failed */
};

typedef void (*server_done)(void *context, enum core_result result,
                            const struct server_status *status);

/*
 * Makes the app's dev server run: joins a start in progress, reuses a running instance, or starts
 * one under a lease. Changes of state are `server_state` events of the session `watcher`
 * (generation 0: of nobody). done gets OK only when the instance itself has answered its probe.
 * EXPIRED after start_timeout_web or start_timeout_mobile.
 */
enum core_result server_ensure(struct core *core, struct sandbox_ref sandbox, enum app_type app,
                               struct session_ref watcher, server_done done, void *context);

/*
 * TERM to the instance's group, KILL after grace_us (0: the setting term_grace). EXPIRED if the
 * server's lease cannot be had for a minute.
 */
enum core_result server_stop(struct core *core, struct sandbox_ref sandbox, enum app_type app,
                             uint64_t grace_us, server_done done, void *context);

/*
 * The state of the app's dev server as this core knows it, without asking the provider: STOPPED if
 * it never had to do with it. STALE if the sandbox is not current any more, UNAVAILABLE without a
 * lock store or a provider.
 */
enum core_result server_status(struct core *core, struct sandbox_ref sandbox, enum app_type app,
                               struct server_status *status);

/*
 * Would this shell command start a dev server? Then it should be a server_ensure of that app
 * instead: *app, and *port if the command names one, else 0. Known are pnpm, npm and yarn with
 * [run] dev or start, [npx] next dev, [npx] expo, react-native or metro start, each with options
 * behind and with assignments or `cd FOLDER &&` before it. Commands with anything else of the shell
 * are not known.
 */
bool server_command_find(const char *command, enum app_type *app, uint16_t *port);

/* What the shell session of an app's dev server is called: one name for each, whoever asks. */
void server_session_name(enum app_type app, char name[CORE_NAME_MAX]);

/* A name for the shell session of any other command, not given before by this core. */
void command_session_name(struct core *core, char name[CORE_NAME_MAX]);

#endif
