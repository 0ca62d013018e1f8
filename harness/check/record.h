/* The semantic trace of one execution: what the fakes saw and did, what the core said of itself.
 *
 * Fakes write records; invariants, user checks and reports read them. Nothing else passes between
 * the two sides. A record has a fixed header and the named values of its kind; all values are 64
 * bits wide, names are interned, so writing one allocates nothing and formats nothing.
 *
 * Invariants are judged from what fakes witnessed. Records witnessed by the core (POINT) explain
 * and pin schedules; they acquit nobody.
 *
 * There is one trace per process. Every function belongs to the OS thread of the world.
 */
#ifndef HARNESS_CHECK_RECORD_H
#define HARNESS_CHECK_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/scenario/ast.h"

/* Who saw it: the core about itself, a fake from outside, the simulated machine. */
enum record_witness { RECORD_BY_CORE, RECORD_BY_FAKE, RECORD_BY_WORLD };

/* Columns of a diagram and subjects of records: everybody who takes part. The same party has the
 * same number in every execution of a scenario, except threads, which are numbered by entity. */
enum {
    PARTY_NOBODY = 0,
    PARTY_ACTOR = 1,                              /* + index in scn_file.actors */
    PARTY_CORE = PARTY_ACTOR + SCN_ACTORS_MAX,    /* + index in scn_file.cores */
    PARTY_LOCKS = PARTY_CORE + SCN_CORES_MAX,     /* store.locks */
    PARTY_MESSAGES,                               /* store.messages */
    PARTY_CLOCK,
    PARTY_THREAD = 64,                            /* + entity of the world */
};
_Static_assert((int)PARTY_CLOCK < (int)PARTY_THREAD, "fixed parties come first");

/* An interned name; 0 is "", the absent one. Equal names have equal words. */
typedef int64_t record_word;

/* The values of each kind. WORD: a record_word. INT: a count or an identity. TIME: microseconds
 * since the start, monotonic. SPAN: a length in microseconds. FLAG: 0 or 1.
 *
 * Attribute names are the filters of the language where both exist: left.received[kind=token] is
 * CLIENT_RECV of subject `left` whose `kind` is "token". */
#define RECORD_FIELDS_PUB_CALL(F) \
    F(session, WORD) F(kind, WORD) F(number, INT) F(digest, INT)
#define RECORD_FIELDS_PUB_ACK(F) \
    F(session, WORD) F(kind, WORD) F(number, INT) F(digest, INT) F(epoch, INT) F(seq, INT) \
    F(code, WORD)
#define RECORD_FIELDS_STORE_OPEN(F) \
    F(session, WORD) F(epoch, INT) F(tenure, INT) F(head, INT) F(floor, INT) F(code, WORD)
#define RECORD_FIELDS_LOG_APPEND(F) \
    F(session, WORD) F(kind, WORD) F(epoch, INT) F(seq, INT) F(digest, INT) F(key, INT) \
    F(tenure, INT) F(producer, WORD) F(bytes, INT)
#define RECORD_FIELDS_LOG_SAYS(F) \
    F(session, WORD) F(epoch, INT) F(seq, INT) F(run, INT) F(state, WORD) F(prompt, INT) \
    F(outcome, WORD)
#define RECORD_FIELDS_LOG_REFUSED(F) \
    F(session, WORD) F(kind, WORD) F(epoch, INT) F(seq, INT) F(code, WORD)
#define RECORD_FIELDS_LOG_LOST(F) F(session, WORD) F(epoch, INT) F(seq, INT)
#define RECORD_FIELDS_LOG_TRIM(F) F(session, WORD) F(epoch, INT) F(floor, INT)
#define RECORD_FIELDS_STORE_CALL(F) F(op, WORD) F(key, WORD) F(call, INT)
#define RECORD_FIELDS_STORE_REPLY(F) F(op, WORD) F(key, WORD) F(call, INT) F(code, WORD)

#define RECORD_FIELDS_CLIENT_OPEN(F) F(conn, INT) F(session, WORD)
#define RECORD_FIELDS_CLIENT_FRESH(F) F(session, WORD)
#define RECORD_FIELDS_CLIENT_HELLO(F) F(conn, INT) F(session, WORD) F(epoch, INT) F(cursor, INT)
#define RECORD_FIELDS_CLIENT_READY(F) \
    F(conn, INT) F(session, WORD) F(epoch, INT) F(head, INT) F(floor, INT) F(gen, INT) \
    F(recovered, FLAG) F(cursor, INT) F(cursor_epoch, INT)
#define RECORD_FIELDS_CLIENT_ONLINE(F) F(conn, INT) F(gen, INT)
#define RECORD_FIELDS_CLIENT_OFFLINE(F) F(conn, INT) F(gen, INT) F(why, WORD) F(code, INT)
#define RECORD_FIELDS_CLIENT_SEND(F) \
    F(conn, INT) F(kind, WORD) F(seq, INT) F(id, WORD) F(port, INT) F(run, INT) F(frame, INT)
#define RECORD_FIELDS_CORE_INPUT(F) F(conn, INT) F(kind, WORD) F(frame, INT)
#define RECORD_FIELDS_CORE_TAKEN(F) F(conn, INT) F(frame, INT)
#define RECORD_FIELDS_CORE_SEND(F) F(conn, INT) F(kind, WORD) F(seq, INT) F(frame, INT)
#define RECORD_FIELDS_CORE_CLOSE(F) F(conn, INT) F(code, INT)
#define RECORD_FIELDS_WIRE_DROP(F) F(conn, INT) F(kind, WORD) F(seq, INT) F(frame, INT) F(why, WORD)
#define RECORD_FIELDS_CLIENT_RECV(F) \
    F(kind, WORD) F(seq, INT) F(id, WORD) F(state, WORD) F(port, INT) F(code, WORD) \
    F(outcome, WORD) F(conn, INT) F(frame, INT)
#define RECORD_FIELDS_CLIENT_APPLY(F) \
    F(session, WORD) F(epoch, INT) F(seq, INT) F(digest, INT) F(kind, WORD) F(gen, INT)
#define RECORD_FIELDS_CLIENT_TOLD(F) \
    F(seq, INT) F(run, INT) F(state, WORD) F(prompt, INT) F(outcome, WORD)
#define RECORD_FIELDS_RESYNC(F) F(epoch, INT) F(from, INT) F(to, INT) F(gen, INT) F(head, INT)
#define RECORD_FIELDS_GAP_TOLD(F) F(epoch, INT) F(from, INT) F(to, INT) F(gen, INT)
#define RECORD_FIELDS_ACK(F) F(seq, INT) F(gen, INT)
#define RECORD_FIELDS_DETACH(F) F(conn, INT) F(why, WORD) F(gen, INT)
#define RECORD_FIELDS_DETACHED(F) F(conn, INT) F(gen, INT)
#define RECORD_FIELDS_HEARTBEAT(F) F(conn, INT) F(head, INT) F(sent, INT)

#define RECORD_FIELDS_PAGE_CALL(F) \
    F(session, WORD) F(epoch, INT) F(cursor, INT) F(back, FLAG) F(limit, INT)
#define RECORD_FIELDS_PAGE_EVENT(F) \
    F(session, WORD) F(epoch, INT) F(seq, INT) F(digest, INT) F(kind, WORD)
#define RECORD_FIELDS_PAGE(F) \
    F(session, WORD) F(epoch, INT) F(next, INT) F(count, INT) F(more, FLAG) F(trimmed, FLAG) \
    F(renewed, FLAG)

#define RECORD_FIELDS_RUN_CALL(F) F(session, WORD) F(key, WORD)
#define RECORD_FIELDS_CANCEL_CALL(F) F(session, WORD)
#define RECORD_FIELDS_RUN_REQ(F) F(session, WORD) F(key, WORD) F(run, INT) F(created, FLAG) \
    F(code, WORD)
#define RECORD_FIELDS_RUN_START(F) F(session, WORD) F(run, INT)
#define RECORD_FIELDS_RUN_STOP_ASKED(F) F(run, INT)
#define RECORD_FIELDS_RUN_END(F) F(run, INT) F(outcome, WORD)
#define RECORD_FIELDS_CALL_REFUSED(F) F(op, WORD) F(code, WORD)

#define RECORD_FIELDS_REPORTED(F) F(what, WORD) F(told, INT) F(least, INT) F(most, INT)

#define RECORD_FIELDS_PROMPT_OPEN(F) F(id, WORD) F(run, INT) F(timeout, SPAN)
#define RECORD_FIELDS_PROMPT_SHOWN(F) F(id, WORD) F(prompt, INT) F(gen, INT)
#define RECORD_FIELDS_ANSWER(F) F(id, WORD) F(prompt, INT) F(value, WORD)
#define RECORD_FIELDS_ANSWER_REFUSED(F) F(id, WORD) F(prompt, INT) F(code, WORD)
#define RECORD_FIELDS_PROMPT_DONE(F) \
    F(id, WORD) F(outcome, WORD) F(run, INT) F(timeout, SPAN) F(asked, TIME)

#define RECORD_FIELDS_LK_TRY(F) F(key, WORD) F(owner, WORD) F(ttl, SPAN) F(lock, WORD)
#define RECORD_FIELDS_LK_GRANT(F) \
    F(key, WORD) F(owner, WORD) F(token, INT) F(until, TIME) F(lock, WORD)
#define RECORD_FIELDS_LK_REFUSE(F) \
    F(key, WORD) F(owner, WORD) F(token, INT) F(op, WORD) F(lock, WORD)
#define RECORD_FIELDS_LK_RENEW(F) \
    F(key, WORD) F(owner, WORD) F(token, INT) F(until, TIME) F(lock, WORD)
#define RECORD_FIELDS_LK_EXPIRE(F) F(key, WORD) F(owner, WORD) F(token, INT) F(lock, WORD)
#define RECORD_FIELDS_LK_RELEASE(F) F(key, WORD) F(owner, WORD) F(token, INT) F(lock, WORD)
#define RECORD_FIELDS_LEASE_CALL(F) F(key, WORD) F(wait, SPAN) F(ttl, SPAN)
#define RECORD_FIELDS_LEASE_REFUSED(F) F(key, WORD) F(wait, SPAN) F(code, WORD)
#define RECORD_FIELDS_LEASE_USED(F) F(key, WORD) F(token, INT)
#define RECORD_FIELDS_LEASE_RETURN(F) F(key, WORD) F(token, INT)
#define RECORD_FIELDS_LEASE_HELD(F) F(key, WORD) F(token, INT)
#define RECORD_FIELDS_LEASE_LOST(F) F(key, WORD) F(token, INT)
#define RECORD_FIELDS_LEASE_ENDED(F) F(key, WORD) F(token, INT) F(why, WORD)

#define RECORD_FIELDS_ALERT(F) \
    F(what, WORD) F(key, WORD) F(raised, FLAG) F(value, INT) F(lock, WORD)

#define RECORD_FIELDS_SB_CREATE(F) F(sandbox, WORD) F(app, WORD)
#define RECORD_FIELDS_SB_ASSIGN(F) F(sandbox, WORD) F(owner, WORD) F(token, INT)
#define RECORD_FIELDS_SB_RELEASE(F) F(sandbox, WORD) F(owner, WORD) F(token, INT)
#define RECORD_FIELDS_SB_DESTROY(F) F(sandbox, WORD) F(token, INT)
#define RECORD_FIELDS_SB_CRASH(F) F(sandbox, WORD)
#define RECORD_FIELDS_SB_REFUSE(F) F(sandbox, WORD) F(op, WORD) F(token, INT) F(code, WORD)
#define RECORD_FIELDS_PR_SPAWN(F) \
    F(port, INT) F(instance, INT) F(pgid, INT) F(app, WORD) F(token, INT) F(fence, INT) \
    F(request, WORD) F(sandbox, WORD) F(late, FLAG)
#define RECORD_FIELDS_PR_LISTEN(F) F(port, INT) F(instance, INT) F(sandbox, WORD)
#define RECORD_FIELDS_PR_SIGNAL(F) F(instance, INT) F(pgid, INT) F(signal, WORD) F(port, INT)
#define RECORD_FIELDS_PR_EXIT(F) \
    F(port, INT) F(instance, INT) F(pgid, INT) F(why, WORD) F(child, FLAG) F(sandbox, WORD)
#define RECORD_FIELDS_PR_CHILD(F) F(instance, INT) F(pgid, INT) F(sandbox, WORD)
#define RECORD_FIELDS_PROBE(F) F(port, INT) F(instance, INT)
#define RECORD_FIELDS_SRV_STATE(F) \
    F(state, WORD) F(port, INT) F(version, INT) F(instance, INT) F(app, WORD) F(session, WORD)

#define RECORD_FIELDS_STEP_BEGIN(F) F(step, INT) F(occurrence, INT)
#define RECORD_FIELDS_STEP_END(F) F(step, INT) F(occurrence, INT)
#define RECORD_FIELDS_FAULT_BEGIN(F) F(fault, INT) F(occurrence, INT) F(by, SPAN)
#define RECORD_FIELDS_FAULT_END(F) F(fault, INT) F(occurrence, INT)
#define RECORD_FIELDS_CORE_STARTED(F) F(life, INT)
#define RECORD_FIELDS_CORE_KILLED(F) F(life, INT)
#define RECORD_FIELDS_CORE_RESTARTED(F) F(life, INT)
#define RECORD_FIELDS_CORE_DRAINED(F) F(code, WORD)
#define RECORD_FIELDS_POINT(F) \
    F(point, INT) F(name, WORD) F(subject, WORD) F(first, INT) F(second, INT) F(third, INT) \
    F(count, INT)
#define RECORD_FIELDS_CALM(F) F(length, SPAN)
#define RECORD_FIELDS_QUIESCE(F) F(length, SPAN)

/* X(KIND, "word", witness, help). The comments name the gauge that a kind feeds. */
#define RECORD_KINDS(X) \
    /* The log: subject is the producer, store.messages or store.locks. */ \
    X(PUB_CALL, "pub_call", FAKE, "somebody is about to publish an event") \
    X(PUB_ACK, "pub_ack", FAKE, "the publisher got its answer") /* emitted, published: code=ok */ \
    X(STORE_OPEN, "store_open", FAKE, "a session's stream was opened: a new tenure") \
    X(LOG_APPEND, "log_append", FAKE, "an event became durable") /* messages.appended */ \
    X(LOG_SAYS, "log_says", FAKE, "what that event says of a run or a question") \
    X(LOG_REFUSED, "log_refused", FAKE, "an append was refused") /* messages.refused */ \
    X(LOG_LOST, "log_lost", FAKE, "the store lost an event that it had acknowledged") \
    X(LOG_TRIM, "log_trim", FAKE, "events below floor are gone") \
    X(STORE_CALL, "store_call", FAKE, "a core calls a store") \
    X(STORE_REPLY, "store_reply", FAKE, "the call returns") \
    /* Connections: subject is the tab. `conn` counts a tab's sockets from 1; `frame` counts the \
     * frames of one socket and direction from 1; `cause` leads from arrival to departure. */ \
    X(CLIENT_OPEN, "client_open", FAKE, "the tab opened a socket") \
    X(CLIENT_FRESH, "client_fresh", FAKE, "a fresh page: the tab knows nothing any more") \
    X(CLIENT_HELLO, "client_hello", FAKE, "the tab says which session and cursor it has") \
    X(CLIENT_READY, "client_ready", FAKE, "connection_ready arrived: what the core promised") \
    X(CLIENT_ONLINE, "client_online", FAKE, "the tab acknowledged the handshake") /* connected */ \
    X(CLIENT_OFFLINE, "client_offline", FAKE, "the tab's socket is gone") /* disconnected */ \
    X(CLIENT_SEND, "client_send", FAKE, "the tab sent a message") \
    X(CORE_INPUT, "core_input", FAKE, "a message of the tab was handed to the core") \
    X(CORE_TAKEN, "core_taken", FAKE, "the core has taken the message: it heard from the tab") \
    X(CORE_SEND, "core_send", FAKE, "the transport pulled a frame for the tab") \
    X(CORE_CLOSE, "core_close", FAKE, "the core asked to close the connection") \
    X(WIRE_DROP, "wire_drop", FAKE, "a message was lost on its way") \
    X(CLIENT_RECV, "client_recv", FAKE, "a frame arrived") /* received; kind=error: core.error */ \
    X(CLIENT_APPLY, "client_apply", FAKE, "the tab applied an event, whatever its seq") \
    X(CLIENT_TOLD, "client_told", FAKE, "what the tab was told of a run or a question") \
    X(RESYNC, "resync", FAKE, "a snapshot up to `to` replaced the tab's state") /* resynced */ \
    X(GAP_TOLD, "gap_told", FAKE, "the tab was told that from..to are gone") /* gaps */ \
    X(ACK, "ack", FAKE, "the tab acknowledged everything up to seq") \
    X(DETACH, "detach", FAKE, "the transport tells the core that a connection is gone") \
    X(DETACHED, "detached", FAKE, "the core has taken note of it") \
    X(HEARTBEAT, "heartbeat", FAKE, "a heartbeat told the tab a head, and what it was sent") \
    /* Pages of the log: subject is the backend that reads. */ \
    X(PAGE_CALL, "page_call", FAKE, "a page of the log is asked for") \
    X(PAGE_EVENT, "page_event", FAKE, "an event of that page") \
    X(PAGE, "page", FAKE, "the page has ended, and where the next one begins") \
    /* Runs: RUN_CALL and RUN_REQ of whoever asked; the others of the agent. */ \
    X(CANCEL_CALL, "cancel_call", FAKE, "somebody is about to cancel, or to end the session") \
    X(RUN_CALL, "run_call", FAKE, "somebody is about to ask for a run") \
    X(RUN_REQ, "run_req", FAKE, "a run was asked for") \
    X(RUN_START, "run_start", FAKE, "the agent's thread began") /* started */ \
    X(RUN_STOP_ASKED, "run_stop_asked", FAKE, "the agent was asked to stop") \
    X(RUN_END, "run_end", FAKE, "the agent returned") /* finished: outcome=completed */ \
    X(REPORTED, "reported", FAKE, "the core told a value about itself; what is true, at least") \
    X(CALL_REFUSED, "call_refused", FAKE, "a call of the core was refused") /* refused */ \
    /* Prompts: OPEN and DONE of the agent; the others of the tab. */ \
    X(PROMPT_OPEN, "prompt_open", FAKE, "the agent asks") /* asked */ \
    X(PROMPT_SHOWN, "prompt_shown", FAKE, "a tab learned of the question") \
    X(ANSWER, "answer", FAKE, "a tab answered") \
    X(ANSWER_REFUSED, "answer_refused", FAKE, "a tab was told that its answer does not count") \
    X(PROMPT_DONE, "prompt_done", FAKE, "the agent learned the outcome") \
    /* ^ settled; answered: approved or rejected; expired; cancelled */ \
    /* Locks: subject is store.locks; `from` is the core. `lock` is the whole key, `key` what \
     * stands before its first colon ("dev_server_start:box:web"): that is what filters name. */ \
    X(LK_TRY, "lk_try", FAKE, "a lock is asked for") \
    X(LK_GRANT, "lk_grant", FAKE, "a lock was granted") /* granted; held +1 */ \
    X(LK_REFUSE, "lk_refuse", FAKE, "a lock call was refused") /* refused: op=acquire */ \
    X(LK_RENEW, "lk_renew", FAKE, "a grant was extended") \
    X(LK_EXPIRE, "lk_expire", FAKE, "a grant ended by time") /* expired; held -1 */ \
    X(LK_RELEASE, "lk_release", FAKE, "a grant was given back") /* released; held -1 */ \
    X(LEASE_CALL, "lease_call", FAKE, "a backend asks for a lease, and would wait so long") \
    X(LEASE_REFUSED, "lease_refused", FAKE, "a backend did not get the lease it asked for") \
    X(LEASE_HELD, "lease_held", FAKE, "a backend got the lease it asked for") \
    X(LEASE_USED, "lease_used", FAKE, "a backend asked its core whether it still holds it") \
    X(LEASE_LOST, "lease_lost", FAKE, "a backend is told that its lease is lost") \
    X(LEASE_RETURN, "lease_return", FAKE, "a backend gives its lease back") \
    X(LEASE_ENDED, "lease_ended", FAKE, "a backend's lease was released or lost") \
    X(ALERT, "alert", FAKE, "a core tells that something is wrong, or no longer") /* alerts */ \
    /* Sandboxes: subject is the sandbox actor, or PARTY_NOBODY for one that is none. */ \
    X(SB_CREATE, "sb_create", FAKE, "a sandbox was made") \
    X(SB_ASSIGN, "sb_assign", FAKE, "a sandbox was given to an owner") \
    X(SB_RELEASE, "sb_release", FAKE, "a sandbox went back to the pool") \
    X(SB_DESTROY, "sb_destroy", FAKE, "a sandbox was destroyed, processes and all") \
    X(SB_CRASH, "sb_crash", FAKE, "the machine died with its processes") /* crashed */ \
    X(SB_REFUSE, "sb_refuse", FAKE, "the provider refused a call") \
    X(PR_SPAWN, "pr_spawn", FAKE, "a dev server was spawned") /* started; servers, processes +1 */ \
    X(PR_LISTEN, "pr_listen", FAKE, "it began to listen") /* listening */ \
    X(PR_SIGNAL, "pr_signal", FAKE, "a process group was signalled") \
    X(PR_CHILD, "pr_child", FAKE, "a process made a child in its group") /* processes +1 */ \
    X(PR_EXIT, "pr_exit", FAKE, "a process ended") /* child=0: stopped; servers, processes -1 */ \
    X(PROBE, "probe", FAKE, "a port was probed; instance answered, 0: nobody") \
    X(SRV_STATE, "srv_state", FAKE, "a tab learned the state of the dev server") \
    /* The run of the scenario itself. Subject: the actor; of faults, their target. */ \
    X(STEP_BEGIN, "step_begin", WORLD, "a step of a script began") \
    X(STEP_END, "step_end", WORLD, "a step of a script ended") \
    X(FAULT_BEGIN, "fault_begin", WORLD, "a fault struck") \
    X(FAULT_END, "fault_end", WORLD, "a fault was healed") \
    X(CORE_STARTED, "core_started", WORLD, "a core began its life") \
    X(CORE_KILLED, "core_killed", WORLD, "a core lost its threads and memory") /* killed */ \
    X(CORE_RESTARTED, "core_restarted", WORLD, "a killed core came back") /* restarted */ \
    X(CORE_DRAINED, "core_drained", WORLD, "a core has drained") \
    X(POINT, "point", CORE, "the core passed a named point") \
    X(CALM, "calm", WORLD, "scripts have ended and faults are healed: calm begins") \
    X(QUIESCE, "quiesce", WORLD, "the calm is over: liveness is judged now")

enum record_kind {
#define RECORD_ENUM(kind, ...) RECORD_##kind,
    RECORD_KINDS(RECORD_ENUM)
#undef RECORD_ENUM
    RECORD_KIND_COUNT
};

enum record_type { RECORD_WORD, RECORD_INT, RECORD_TIME, RECORD_SPAN, RECORD_FLAG };

/* struct record_values_PUB_CALL { int64_t session, kind, ...; } and so on. */
#define RECORD_MEMBER(name, type) int64_t name;
#define RECORD_STRUCT(kind, ...)                                                                   \
    struct record_values_##kind {                                                                  \
        RECORD_FIELDS_##kind(RECORD_MEMBER)                                                        \
    };
RECORD_KINDS(RECORD_STRUCT)
#undef RECORD_STRUCT
#undef RECORD_MEMBER

enum { RECORD_VALUES_MAX = 9 };

union record_values {
    int64_t at[RECORD_VALUES_MAX];
#define RECORD_ALTERNATIVE(kind, ...) struct record_values_##kind kind;
    RECORD_KINDS(RECORD_ALTERNATIVE)
#undef RECORD_ALTERNATIVE
};
_Static_assert(sizeof(union record_values) == RECORD_VALUES_MAX * sizeof(int64_t),
               "no kind has more than RECORD_VALUES_MAX values");

struct record {
    uint64_t time_ns;          /* virtual, since the start */
    uint32_t number;           /* from 1, within the execution */
    uint32_t step;             /* steps of the world so far */
    uint32_t cause;            /* number of the record that led to this one (its departure), or 0 */
    uint16_t entity;           /* thread or task of the world that was running */
    uint16_t subject;          /* party that it is about */
    uint16_t from, to;         /* ends of the arrow; both PARTY_NOBODY when there is none */
    uint8_t kind;              /* enum record_kind */
    union record_values values;
};

/* What a kind is called, and its values in order. */
struct record_field {
    const char *name;
    enum record_type type;
};

struct record_info {
    const char *word;
    const char *help;
    enum record_witness witness;
    uint32_t field_count;
    const struct record_field *fields;
};

const struct record_info *record_info_of(enum record_kind kind);

/* Position of a value by its name ("kind"), or -1. For compiling filters once, not per record. */
int record_field_find(enum record_kind kind, const char *name);

/* --- words --- */

/* The word of a name, made if it is new. Not for use in a hot path with constant names: keep it. */
record_word record_intern(const char *name);
record_word record_intern_bytes(const char *name, size_t length);

/* The name of a word; valid until the next reset, for ever when it was kept. */
const char *record_text(record_word word);

/* From now on all words so far survive every reset. Call it outside executions, once a scenario's
 * own names are interned; words of executions do not accumulate. */
void record_keep_words(void);

/* 64 bits of the content of an event: a payload's bytes. */
int64_t record_digest(const char *bytes, size_t length);

/* --- the trace --- */

/* Forgets the records of the execution before, and its words. */
void record_reset(void);

/* Records so far, in order; record number n is at [n - 1]. Valid until the next reset. */
const struct record *record_all(uint32_t *count);

/* Called for every record as soon as it is written, in order of subscription, on the thread that
 * wrote it. It may read everything, may end the execution (world_fail), and may not block. */
typedef void (*record_listener)(void *context, const struct record *record);
enum { RECORD_LISTENERS_MAX = 8 };
void record_subscribe(record_listener listener, void *context);
void record_unsubscribe(record_listener listener, void *context);

/* Writes one record: RECORD(LK_GRANT, PARTY_LOCKS, core, PARTY_LOCKS, 0, .key = key, ...).
 * Gives its number. Values that are not named are 0. */
#define RECORD(kind, subject, from, to, cause, ...) \
    record_write(RECORD_##kind, (subject), (from), (to), (cause), \
                 &(const union record_values){ .kind = { __VA_ARGS__ } })

uint32_t record_write(enum record_kind kind, uint16_t subject, uint16_t from, uint16_t to,
                      uint32_t cause, const union record_values *values);

/* --- parties --- */

/* Tells the names of parties from here on; called by the stage. NULL: nobody has a name. */
void record_scenario(const struct scn_file *file);
const struct scn_file *record_scenario_get(void);

/* "left", "core", "store.locks", "core/jobs[2]"; "" for PARTY_NOBODY. */
const char *record_party_name(uint16_t party);

/* The entity's party: the core or actor that a thread or task acts for is not known here, so this
 * is the thread itself. */
static inline uint16_t record_party_thread(uint16_t entity)
{
    return (uint16_t)(PARTY_THREAD + entity);
}

#endif
