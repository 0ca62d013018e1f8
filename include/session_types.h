/*
 * Names shared by everybody who speaks to the session core: result codes, close codes, outcomes,
 * handles and the words of the wire. Each list is one table: enum, text and parser come from it.
 */
#ifndef SESSION_TYPES_H
#define SESSION_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Longest name (session key, user, run key, lock key, agent, prompt, sandbox id) with its final
 * zero. A name is printable ASCII and not empty.
 */
enum { CORE_NAME_MAX = 64 };

/* Longest shell command of a dev server, with its final zero. */
enum { CORE_COMMAND_MAX = 512 };

/* Threads are called OWNER/ROLE ("core/timer", "agent/bot"), an owner by its first letters: the
 * system keeps no more of the whole, end included. */
enum { CORE_THREAD_OWNER_MAX = 6, CORE_THREAD_NAME_MAX = 16 };

/*
 * Result of every call that can fail. UNKNOWN is a class of its own: the operation may or may not
 * have taken effect, and only a reconciliation can tell (never a blind retry).
 */
#define CORE_RESULTS(X)                                                                            \
    X(CORE_OK, "ok", "the operation took effect")                                                  \
    X(CORE_UNKNOWN, "unknown", "the effect of the operation is unknown")                           \
    X(CORE_NO_MEMORY, "no_memory", "out of memory")                                                \
    X(CORE_INVALID, "invalid", "the request is malformed")                                         \
    X(CORE_NOT_FOUND, "not_found", "there is no such object")                                      \
    X(CORE_STALE, "stale", "the handle, token or generation is no longer current")                 \
    X(CORE_CONFLICT, "conflict", "somebody else holds it")                                         \
    X(CORE_REFUSED, "refused", "policy refuses the request")                                       \
    X(CORE_LIMIT, "limit", "a configured limit is reached")                                        \
    X(CORE_EXPIRED, "expired", "the deadline passed first")                                        \
    X(CORE_CANCELLED, "cancelled", "the operation was cancelled")                                  \
    X(CORE_DRAINING, "draining", "the core accepts no new work")                                   \
    X(CORE_UNAVAILABLE, "unavailable", "a port needed for this is missing or not answering")       \
    X(CORE_PORT_IN_USE, "port_in_use", "another process answers on this port")                     \
    X(CORE_FAILED, "failed", "the operation was tried and did not take effect")

enum core_result {
#define CORE_RESULT_ENUM(name, word, text) name,
    CORE_RESULTS(CORE_RESULT_ENUM)
#undef CORE_RESULT_ENUM
        CORE_RESULT_COUNT
};

/* Short word of a result ("stale"). Never NULL. */
const char *core_result_word(enum core_result result);

/* One sentence for it. Never NULL. */
const char *core_result_text(enum core_result result);

/* Why a connection was closed by the core; the numbers are WebSocket close codes. */
#define CORE_CLOSE_CODES(X)                                                                        \
    X(CORE_CLOSE_NORMAL, 1000, "session closed")                                                   \
    X(CORE_CLOSE_DRAINING, 1001, "server is going away")                                           \
    X(CORE_CLOSE_PROTOCOL, 1002, "protocol error")                                                 \
    X(CORE_CLOSE_TOO_BIG, 1009, "frame too big")                                                   \
    X(CORE_CLOSE_INTERNAL, 1011, "internal error")                                                 \
    X(CORE_CLOSE_REFUSED, 4003, "no such session")                                                 \
    X(CORE_CLOSE_HANDSHAKE, 4008, "handshake took too long")                                       \
    X(CORE_CLOSE_TAKEN_OVER, 4009, "taken over by another connection")                             \
    X(CORE_CLOSE_EXCESS, 4010, "too many connections")                                             \
    X(CORE_CLOSE_SILENT, 4011, "no sign of life")                                                  \
    X(CORE_CLOSE_SLOW, 4012, "too slow")                                                           \
    X(CORE_CLOSE_MOVED, 4013, "session moved to another server")                                   \
    X(CORE_CLOSE_UNAVAILABLE, 4014, "session could not be loaded")                                 \
    X(CORE_CLOSE_RATE, 4015, "too many messages")

enum core_close_code {
#define CORE_CLOSE_ENUM(name, number, text) name = number,
    CORE_CLOSE_CODES(CORE_CLOSE_ENUM)
#undef CORE_CLOSE_ENUM
};

/* One sentence for a close code. Never NULL. */
const char *core_close_text(enum core_close_code code);

/* States of a run; those from RUN_COMPLETED on are terminal. The word is the wire's `state`. */
#define RUN_STATES(X)                                                                              \
    X(RUN_WAITING, "waiting")                                                                      \
    X(RUN_STARTING, "starting")                                                                    \
    X(RUN_RUNNING, "running")                                                                      \
    X(RUN_COMPLETED, "completed")                                                                  \
    X(RUN_FAILED, "failed")                                                                        \
    X(RUN_CANCELLED, "cancelled")                                                                  \
    X(RUN_INTERRUPTED, "interrupted")

enum run_state {
#define RUN_STATE_ENUM(name, word) name,
    RUN_STATES(RUN_STATE_ENUM)
#undef RUN_STATE_ENUM
        RUN_STATE_COUNT
};

/* Its word on the wire. Never NULL. */
const char *run_state_word(enum run_state state);

/* True for the states that a run never leaves. */
bool run_state_is_terminal(enum run_state state);

/* A prompt is open until it gets exactly one of the outcomes. A timeout is never an answer. */
#define PROMPT_OUTCOMES(X)                                                                         \
    X(PROMPT_OPEN, "open")                                                                         \
    X(PROMPT_APPROVED, "approved")                                                                 \
    X(PROMPT_REJECTED, "rejected")                                                                 \
    X(PROMPT_EXPIRED, "expired")                                                                   \
    X(PROMPT_CANCELLED, "cancelled")                                                               \
    X(PROMPT_SUPERSEDED, "superseded")

enum prompt_outcome {
#define PROMPT_OUTCOME_ENUM(name, word) name,
    PROMPT_OUTCOMES(PROMPT_OUTCOME_ENUM)
#undef PROMPT_OUTCOME_ENUM
        PROMPT_OUTCOME_COUNT
};

/* Its word on the wire. Never NULL. */
const char *prompt_outcome_word(enum prompt_outcome outcome);

/* States of a dev server, as told by `server_state` events. */
#define SERVER_STATES(X)                                                                           \
    X(SERVER_STOPPED, "stopped")                                                                   \
    X(SERVER_STARTING, "starting")                                                                 \
    X(SERVER_RUNNING, "running")                                                                   \
    X(SERVER_STOPPING, "stopping")                                                                 \
    X(SERVER_FAILED, "failed")

enum server_state {
#define SERVER_STATE_ENUM(name, word) name,
    SERVER_STATES(SERVER_STATE_ENUM)
#undef SERVER_STATE_ENUM
        SERVER_STATE_COUNT
};

/* Its word on the wire. Never NULL. */
const char *server_state_word(enum server_state state);

/* What a sandbox runs; also the kind of its dev server. */
#define APP_TYPES(X) X(APP_WEB, "web") X(APP_MOBILE, "mobile")

enum app_type {
#define APP_TYPE_ENUM(name, word) name,
    APP_TYPES(APP_TYPE_ENUM)
#undef APP_TYPE_ENUM
        APP_TYPE_COUNT
};

/* Its word on the wire. Never NULL. */
const char *app_type_word(enum app_type type);

/*
 * Wire words of messages. Event types chosen by agents (`token`, `done`) share the namespace of the
 * first list but not of WIRE_CONTROL: an agent cannot emit a control message.
 */
#define WIRE_EVENTS(X) /* carried by the log, so they have a seq */                                \
    X(WIRE_REQUEST_CONFIRMATION, "request_confirmation")                                           \
    X(WIRE_REQUEST_USER_INPUT, "request_user_input")                                               \
    X(WIRE_PROMPT_CLOSED, "prompt_closed")                                                         \
    X(WIRE_RUN_STATE, "run_state")                                                                 \
    X(WIRE_SERVER_STATE, "server_state")
#define WIRE_CONTROL(X) /* about one connection, so they have none */                              \
    X(WIRE_CONNECTION_READY, "connection_ready")                                                   \
    X(WIRE_INITIAL_STATE, "initial_state")                                                         \
    X(WIRE_STATE_REPLAY_COMPLETE, "state_replay_complete")                                         \
    X(WIRE_GAP, "gap")                                                                             \
    X(WIRE_HEARTBEAT, "heartbeat")                                                                 \
    X(WIRE_TAKEN_OVER, "taken_over")                                                               \
    X(WIRE_HISTORY_PAGE, "history_page")                                                           \
    X(WIRE_ACCEPTED, "accepted")                                                                   \
    X(WIRE_ERROR, "error")
#define WIRE_REQUESTS(X) /* from the client */                                                     \
    X(WIRE_HELLO, "hello")                                                                         \
    X(WIRE_CONNECTION_ACKNOWLEDGED, "connection_acknowledged")                                     \
    X(WIRE_ACK, "ack")                                                                             \
    X(WIRE_PONG, "pong")                                                                           \
    X(WIRE_CONFIRM, "confirm")                                                                     \
    X(WIRE_USER_INPUT, "user_input")                                                               \
    X(WIRE_CANCEL, "cancel")                                                                       \
    X(WIRE_START_AGENT, "start_agent")                                                             \
    X(WIRE_USER_MESSAGE, "user_message")                                                           \
    X(WIRE_SERVER_START, "server_start")                                                           \
    X(WIRE_SERVER_STOP, "server_stop")                                                             \
    X(WIRE_HISTORY, "history")

enum wire_message {
#define WIRE_ENUM(name, word) name,
    WIRE_EVENTS(WIRE_ENUM) WIRE_CONTROL(WIRE_ENUM) WIRE_REQUESTS(WIRE_ENUM)
#undef WIRE_ENUM
        WIRE_MESSAGE_COUNT
};

/* Its word on the wire. Never NULL. */
const char *wire_message_word(enum wire_message message);

/*
 * Handles are values, never pointers: a slot, and a generation that is never used twice in one
 * core. A call with an old generation answers CORE_STALE or does nothing; 0 is no handle.
 */
struct session_ref {
    uint32_t slot;
    uint64_t generation;
};

struct conn_ref {
    uint32_t slot;
    uint64_t generation;
};

struct run_ref {
    struct session_ref session;
    uint64_t run; /* number of the run inside its session, as on the wire */
};

struct lease_ref {
    uint32_t slot;
    uint64_t generation;
};

struct sandbox_ref {
    uint32_t slot;
    uint64_t generation;
};

#endif
