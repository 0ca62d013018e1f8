/*
 * Sessions, and what lives inside one: connections, runs, prompts. Everything in this file is
 * guarded by the session's lock unless a field says otherwise; functions taking a session want the
 * lock held by the caller's turn.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "core/log.h"
#include "core/store.h"
#include "core/timer.h"
#include "core/turn.h"

#include <jansson.h>

/* ---- connections ---- */

enum conn_phase {
    CONN_GREETING,   /* open, hello not seen; guarded by core->table_lock in this phase */
    CONN_LOADING,    /* hello seen, its session is being loaded */
    CONN_REPLAYING,  /* attached; events up to replay_to belong to the replay */
    CONN_LIVE,       /* attached; replay complete */
    CONN_DROPPED     /* the core asked for its close */
};

struct hello {
    bool has_cursor;
    uint64_t epoch, cursor;
    uint64_t previous;       /* name of the connection that this one replaces, or 0 */
};

/* A frame about the connection itself, waiting to be pulled. */
struct control {
    struct control *next;
    enum wire_message kind;
    uint64_t number;         /* an offered prompt, or 0 */
    size_t length;
    char *text;              /* owned; the frame takes it over */
};

struct conn {
    uint32_t slot;           /* never change: slot, generation, handle, user */
    uint64_t generation;
    uint64_t handle;
    char user[CORE_NAME_MAX];
    struct session *session; /* set once, under table_lock and session->lock */
    enum conn_phase phase;
    struct hello hello;
    bool acknowledged;
    bool write_wanted;       /* the transport was told and has not been given "nothing" since */
    uint64_t cursor;         /* newest event handed to the transport, or skipped with notice */
    uint64_t replay_to;      /* head at the attach or resync */
    uint64_t attach_cursor;  /* cursor at the attach: prompts up to here are offered again */
    uint64_t acked;          /* newest event that the client has acknowledged */
    struct control *controls, *controls_tail;
    size_t controls_count;
    uint64_t frames;         /* frames given so far */
    bool in_flight;          /* frame `frames` was given, conn_sent not seen */
    bool failed;             /* the core asked for its close because something was wrong */
    uint64_t paced_us;       /* when its messages so far were due at max_message_rate */
    uint64_t waiting_us;     /* since when the transport owes a step, 0 if it does not */
    uint64_t opened_us, heard_us, attached_us;
    uint64_t heartbeat_us;   /* when the next heartbeat is due */
    bool paging;             /* a page of history is being read for it */
    uint64_t timer, timer_due_us, timer_number;
};

/* ---- runs ---- */

struct run_context {
    struct run *run;
};

struct run {
    struct run *next;        /* ordered by number */
    struct session *session; /* never changes; pinned by session->users while the run is live */
    uint64_t number;
    char agent[CORE_NAME_MAX];
    char key[CORE_NAME_MAX];
    char *input;
    enum start_gate gate;
    enum run_state state;
    bool pinned;             /* live, or its thread still uses it */
    bool ended;              /* the terminal state is decided; nothing is accepted any more */
    bool stop_asked;
    bool fail_asked;         /* a prompt expired and the policy is to fail */
    char reason[CORE_NAME_MAX];
    uint64_t gate_timer;
    struct waiter *pausing;  /* thread in run_pause, or NULL */
    struct waiter *settling; /* its thread, waiting until all its prompts are told */
    struct run_hold *lock;   /* held, or NULL (run_lock.c) */
    struct waiter *locking;  /* its thread, waiting for that */
    uint64_t token;          /* of the lock, or 0 */
    uint64_t limit_us;       /* its own run_timeout, or 0 */
    uint64_t limit_timer;
    uint64_t told_seq;       /* of its newest run_state in the store, 0 if it has none */
    bool end_told;           /* and that was its last: the store may forget it */
    uint64_t states_pending; /* run_state events on their way to the store */
    bool retelling;          /* the same state is on its way once more */
    struct run_context context;
};

/* ---- prompts ---- */

struct prompt {
    struct prompt *next;     /* ordered by number */
    uint64_t number;
    uint64_t run;
    enum prompt_kind kind;
    char id[CORE_NAME_MAX];
    char *text;              /* JSON string literal, quotes included, or NULL */
    bool opened;             /* the store has answered for its opening event */
    uint64_t seq;            /* of that event; 0 until it is in the log */
    enum prompt_outcome outcome;
    char *values;
    uint64_t by;             /* the connection that has answered it, or 0 */
    bool clock_on;
    uint64_t deadline_us;    /* while the clock is on */
    uint64_t remaining_us;   /* while it is off */
    uint64_t timer;
    struct waiter *waiter;   /* blocking form, with where the answer goes; or */
    struct prompt_answer *answer;
    prompt_done done;        /* callback form */
    void *context;
};

/* ---- the session ---- */

enum session_phase { SESSION_LOADING, SESSION_OPEN, SESSION_CLOSED };

struct open_waiter {
    struct open_waiter *next;
    session_open_done done;
    void *context;
    char owner[CORE_NAME_MAX];
};

struct session {
    struct core *core;       /* never change: core, slot, generation, key */
    uint32_t slot;
    uint64_t generation;
    char key[CORE_NAME_MAX];
    struct core_lock lock;   /* RANK_SESSION */
    struct core_settings settings; /* its own; those of the whole core are the core's */
    char owner[CORE_NAME_MAX];
    enum session_phase phase;
    bool create;             /* while loading: make it if the store has none */
    bool draining;           /* no new runs */
    bool moved;              /* another core has opened its stream: appends are refused */
    bool looking;            /* a STORE_LOOK is queued */
    bool look_again;         /* and another one is wanted after it */
    uint64_t poll_us;        /* until the next look, while another core writes; 0: none */
    uint64_t poll_timer, poll_number;
    uint64_t users;          /* live runs, queued appends, loads: keep it from being freed */
    struct log log;
    uint64_t tenure, next_number, pending;
    uint64_t stored_floor;   /* of the message store, as far as this core knows */
    struct open_waiter *opening;
    struct conn **conns;     /* in order of arrival */
    size_t conns_count, conns_capacity;
    uint64_t attached, acknowledged;
    struct run *runs;
    uint64_t last_run, runs_live;
    struct prompt *prompts;  /* open, or settled and not yet told */
    uint64_t last_prompt;
    uint64_t grace_timer, grace_number;
    uint64_t retain_timer, retain_number;
    struct core_stats counted;  /* events_appended, events_trimmed, frames_sent, resyncs */
};

/* session.c */

struct session_ref session_ref_of(const struct session *session);
/* That of the session of this key in memory; generation 0 if there is none. No lock held. */
struct session_ref session_ref_by_key(struct turn *turn, const char *key);

/* Finds and locks; NULL if it is gone. The table lock is held only meanwhile. */
struct session *session_enter(struct turn *turn, struct session_ref ref);
void session_leave(struct turn *turn, struct session *session);

/*
 * Finds the session of this key or begins to open it, with these settings if it is made here (NULL:
 * the core's); it comes back locked (phase LOADING or OPEN), or NULL with *result. Table lock held
 * before and after.
 */
struct session *session_begin(struct turn *turn, const char *key, const char *owner, bool create,
                              const struct core_settings *settings, enum core_result *result);
/* Called by the store thread, or at once without a store: loading ended with this result. */
void session_loaded(struct turn *turn, struct session *session, enum core_result result);
/* Ends the session: runs are asked to stop, connections dropped. Idempotent. */
void session_end(struct turn *turn, struct session *session, enum core_close_code code);
/* One user or connection less: frees the session (later, as an effect) if it is closed. */
void session_check_unused(struct turn *turn, struct session *session);
/* Carries out EFFECT_REMOVE_SESSION. No lock held. */
void session_remove(struct turn *turn, struct session_ref ref);
/* After a change in runs or connections: begin or end the retention of a finished session. */
void session_check_retention(struct turn *turn, struct session *session);
void session_free(struct session *session);

/* publish.c */

/*
 * Queues an event for the log, or appends it at once without a store. Takes the payload as it is (a
 * JSON object). `owed` events skip the limits of max_pending_publishes. On failure nothing happens.
 */
struct publish_order {
    const char *type;
    const char *payload;
    size_t length;
    bool owed;
    uint64_t prompt, run;    /* which this is about, or 0 */
    publish_done done;
    void *context;
    struct waiter *waiter;
};
enum core_result session_publish(struct turn *turn, struct session *session,
                                 const struct publish_order *order);
/* Room in the log for one more event, with the reserve if need be. Session lock held. */
enum core_result session_reserve(struct session *session);
/* The store has it: into the log, and tell everybody. Takes the append's event over. */
void session_append(struct turn *turn, struct session *session, struct append *append);
/* An event of somebody else that the store has at head + 1. Takes the event over. */
void session_adopt(struct turn *turn, struct session *session, struct log_event *event);
/* Answers an append (OK after session_append) and frees it; the session may become unused. */
void append_finish(struct turn *turn, struct append *append, enum core_result result);

/*
 * An event decided by the core (a server_state), from any module: no lock of rank SESSION or
 * earlier is held. Repeated until stored. STALE if the session is gone.
 */
enum core_result session_publish_owed(struct turn *turn, struct session_ref ref,
                                      enum wire_message type, const char *payload);

void waiter_init(struct waiter *waiter);
void waiter_destroy(struct waiter *waiter);
void waiter_finish(struct waiter *waiter, enum core_result result);
/* Flushes what is owed, then waits until done; session lock held before and after. */
void waiter_wait(struct turn *turn, struct session *session, struct waiter *waiter);

/* conn.c, attach.c, frame.c, client.c */

/* The session is open: attach a loading connection in one atomic step (L2). */
void conn_attach(struct turn *turn, struct session *session, struct conn *conn);
/* The core wants this connection closed; it detaches now. Idempotent. */
void conn_drop(struct turn *turn, struct conn *conn, enum core_close_code code);
/* Tell the transport, once per silence, that there is something to pull. */
void conn_wake(struct turn *turn, struct conn *conn);
/* After an append: wake every attached connection, handle those that are too slow. */
void conns_announce(struct turn *turn, struct session *session);
/* Jumps to the tail that begins at from, with notice (L10). */
void conn_resync(struct turn *turn, struct session *session, struct conn *conn, uint64_t from);
/* Those of its session, or the core's while it has none. The connection is entered. */
const struct core_settings *conn_settings(const struct turn *turn, const struct conn *conn);
/* One more message: false if max_message_rate does not allow it. The connection is entered. */
bool conn_may_speak(const struct turn *turn, struct conn *conn, uint64_t now_us);
/* Arms the connection's timer for its earliest deadline. */
void conn_rearm(struct turn *turn, struct conn *conn);
bool conn_is_attached(const struct conn *conn);
/* Is there a frame to give? */
bool conn_has_frame(const struct session *session, const struct conn *conn);
/*
 * Finds the connection and takes the lock that guards it: its session's, or the table lock while it
 * has none. NULL if the handle is stale.
 */
struct conn *conn_enter(struct turn *turn, struct conn_ref ref);
void conn_leave(struct turn *turn, struct conn *conn);
struct conn_ref conn_ref_of(const struct conn *conn);
/* The first message; the connection is entered (table lock), and left by this call. */
void conn_handle_hello(struct turn *turn, struct conn *conn, const json_t *body);
void conn_handle_acknowledged(struct turn *turn, struct conn *conn, const json_t *body);
void conn_free(struct conn *conn);
/* Queues a control frame and takes the object; drops a connection that has too many of them. */
void conn_control(struct turn *turn, struct conn *conn, enum wire_message kind, json_t *body,
                  uint64_t number);
/* An `error` frame: the request, the code and a sentence. */
void conn_error(struct turn *turn, struct conn *conn, const char *about, enum core_result result,
                const char *sentence);

/* run.c, agent.c */

/* Starts every waiting run whose gate holds now. */
void runs_check_gates(struct turn *turn, struct session *session, uint64_t generation);
enum core_result run_submit_locked(struct turn *turn, struct session *session,
                                   const struct run_spec *spec, struct run **run, bool *created);
/* Asks it to stop, as run_cancel. It stays in the list. */
enum core_result run_stop(struct turn *turn, struct session *session, struct run *run,
                          const char *reason);
/* The same with the run of this number, or with all. */
enum core_result run_stop_by_number(struct turn *turn, struct session *session, uint64_t number,
                                    const char *reason);
void runs_stop(struct turn *turn, struct session *session, const char *reason);
struct run *run_find(struct session *session, uint64_t number);
/* Decides the terminal state, once, and publishes it; open prompts are cancelled before. */
void run_finish(struct turn *turn, struct session *session, struct run *run, enum run_state state);
/* It runs from now on: for run_timeout at most. */
void run_limit(struct turn *turn, struct session *session, struct run *run);
/* Tells the same state once more, so that the store may forget where it was told before. */
void run_retell(struct turn *turn, struct session *session, struct run *run);
/* The store has answered for a state of this run. */
void run_state_stored(struct turn *turn, struct session *session, uint64_t number, uint64_t seq);
/* Publishes the run's state and waits until it is stored. Its own thread only. */
enum core_result run_announce(struct turn *turn, struct session *session, struct run *run);
/* A run that ended holds its session no longer. */
void run_retire(struct turn *turn, struct session *session, struct run *run);
/* Carries out EFFECT_START_RUN: makes the thread. No lock held. */
void run_launch(struct turn *turn, struct run *run);
/* A run known from the store. Its state is what the log says last, at seq. NULL without memory. */
struct run *run_restore(struct session *session, uint64_t number, const char *agent,
                        const char *key, enum run_state state, uint64_t seq);
/* Keeps the number of ended runs within its bound. */
void runs_forget_oldest(struct turn *turn, struct session *session);
void run_free(struct run *run);

/* prompt.c */

struct prompt *prompt_find(struct session *session, uint64_t number);
/* Gives an open prompt its one outcome and publishes it. Takes values over. */
void prompt_settle(struct turn *turn, struct session *session, struct prompt *prompt,
                   enum prompt_outcome outcome, char *values);
/*
 * A client's answer, by the generation of its connection; 0: another core has passed it on.
 * Anything but OK was refused and changed nothing, except an overdue expiry.
 */
enum core_result prompt_answer_by(struct turn *turn, struct session *session, uint64_t by,
                                  uint64_t number, enum prompt_kind kind, bool approved,
                                  const char *values);
/* The store has answered for the prompt's event: opening, or closing, then tell and free. */
void prompt_event_stored(struct turn *turn, struct session *session, uint64_t number,
                         enum core_result result, uint64_t seq);
void prompts_cancel_of_run(struct turn *turn, struct session *session, uint64_t run);
/* Attached connections came or went: clocks of policy attached_only start or stop. */
void prompts_check_clocks(struct turn *turn, struct session *session);
/* Shows open prompts, whose events are not in the replay, to a connection. */
void prompts_offer(struct turn *turn, struct session *session, struct conn *conn);
bool prompts_remain(const struct session *session, uint64_t run);
/* A prompt known from the store, open until it is settled. NULL without memory. */
struct prompt *prompt_restore(struct session *session, uint64_t number, uint64_t run,
                              enum prompt_kind kind, const char *id, uint64_t seq);
void prompt_free(struct prompt *prompt);

/* follow.c */

/* The store was looked at for events of another core. */
void follow_looked(struct turn *turn, struct session *session, bool found);
void follow_stop(struct turn *turn, struct session *session);
/* Does the log have this question, and not yet its end? Then another core has asked it. */
bool follow_is_open(const struct session *session, uint64_t prompt);

/* Does the log hold a run of that number that has not ended? */
bool follow_is_live(const struct session *session, uint64_t run);

/* recover.c */

/* The load operation of the store thread. No lock held. */
void session_load(struct turn *turn, struct session *session);
/* What a stored event says about runs and prompts. NO_MEMORY: it was not taken in. */
enum core_result session_fold(struct turn *turn, struct session *session,
                              const struct log_event *event);

#endif
