/* A core that one backend has for itself, a step `alone`: nobody else calls it, so each of its
 * answers follows from the calls before. Beside it stands a model of its sessions with one thread;
 * its message store, if it has one, is the backend's own. */
#ifndef FAKES_ALONE_H
#define FAKES_ALONE_H

#include "fakes/backend.h"

enum {
    ALONE_KEYS = 4,          /* names of sessions, and of runs in each */
    ALONE_EVENTS = 400,      /* of one session */
    ALONE_RUNS = 100,
    ALONE_RETIRED = 100,
    ALONE_SESSIONS_MAX = 3,  /* that the core may have: one less than there are names */
    ALONE_RUNS_KEPT = 2,
    ALONE_BYTES_MAX = 1024,  /* of a log in memory, and of what waits for a connection */
    ALONE_EVENT_MAX = 600,
    ALONE_REPLAY_MAX = 3,
    /* No sums of pauses, which are whole milliseconds: two things at once have no order. */
    ALONE_RETAIN_US = 10000500,
    ALONE_RETAIN_STORE_US = 17300250,
    ALONE_HEARTBEAT_US = 4000000,
    ALONE_FRAME_MAX = 256,   /* of a message of a client */
    ALONE_RATE = 8,          /* of its messages, in a second */
    ALONE_FIRST_EPOCH = 7,
    ALONE_SLOW_US = 5000000, /* a run that does not stop when it is asked to */
    ALONE_GATE_US = 3000000, /* gate_timeout */
    ALONE_LIMIT_US = 2000000, /* how long a run may pause */
    ALONE_TTL_US = 5000000,  /* lease_ttl */
    ALONE_GRACE_US = 700250, /* detach_grace */
    ALONE_STALL_US = 900100,     /* send_stall: much less than a heartbeat, */
    ALONE_PATIENCE_US = 6000100, /* or more */
    ALONE_WORK_US = 5000,    /* of an agent, between two calls */
    ALONE_SETTLE_US = 1000   /* long enough for whatever has to be done at once */
};

/* What is answered to a question for values. */
#define ALONE_VALUES "{\"a\":1}"

struct line;   /* a connection */
struct alone_points;

struct alone_event {
    const char *type, *payload;
    size_t length;
    uint64_t key;            /* in the store: its idempotency key */
};

/* What the store has of a session. */
struct alone_stream {
    char owner[CORE_NAME_MAX];   /* empty: nothing */
    uint64_t epoch, tenure, head, floor;
    struct alone_event events[ALONE_EVENTS];
};

struct alone_run {
    const char *key;
    uint64_t number, first_seq, last_seq;   /* of its events */
    enum run_state state, said;             /* as it was, and as its log says since */
    bool kept, live;
};

/* What a run of it asks, while that is open. */
struct alone_question {
    bool open;
    const char *word;        /* of its event */
    uint64_t number, seq;
    uint64_t due_us;         /* when it expires, as far as is told */
};

/* What the core has to have of a session. */
struct alone_session {
    const char *name;
    bool open;
    struct session_ref ref;
    const char *owner;
    uint64_t epoch, head, floor;
    uint64_t stored, stored_floor;   /* what its store has to have */
    uint64_t known_floor;            /* 0: the core knows it; or what it takes for that */
    uint64_t tenure;
    uint64_t most;                   /* its history_max_events */
    uint64_t idle_us;                /* since when it is finished, if it is */
    uint64_t grace_us;               /* when nobody's coming back is noticed; 0: never */
    bool attached;
    struct alone_question question;
    struct alone_run runs[ALONE_RUNS];
    uint32_t run_count;
    struct alone_event events[ALONE_EVENTS];
};

/* A stream that its session has left behind. */
struct alone_retired {
    uint32_t session;
    uint64_t tenure, floor, due_us;
    bool over;
};

/* What a run does that takes its time. */
enum alone_kind {
    ALONE_GATED, ALONE_PAUSES, ALONE_ASKS, ALONE_ASKS_TWICE, ALONE_ASKS_AND_GOES, ALONE_LOCKED,
    ALONE_TALKS, ALONE_RETURNS
};
enum { ALONE_KINDS = ALONE_RETURNS + 1 };

struct alone_task {
    enum alone_kind kind;
    struct alone_session *session;
    struct run_ref ref;
    enum start_gate gate;
    bool waiting;            /* there, for whoever comes */
    bool works;              /* behind its gate, for a while */
    bool cancelled;          /* while it worked */
    enum core_result result; /* what its agent comes back with */
    uint64_t note_seq;       /* of the event that it published, as it was told */
    bool input;              /* it asks for values, not for a yes */
    uint64_t time_us;        /* how long it would pause, or wait for an answer */
    uint64_t begun_us, over_us;          /* over_us: when it has to end */
    enum core_result rc;     /* what its agent was told, */
    uint64_t ended_us;       /* and when that ended */
    enum prompt_outcome told[2];
    uint32_t outcomes;
    uint64_t told_us;        /* the newest of them */
    bool valued;             /* with the values that were given */
};

/* An event of a run: its type, the state or outcome, and the reason. */
struct alone_line {
    const char *type, *said, *why;
};

struct alone {
    struct actor *actor;
    const struct core_api *api;
    struct core *core;
    struct core_settings settings;
    bool stored;
    struct message_store_port port;
    struct alone_stream streams[ALONE_KEYS];
    uint32_t silent;         /* calls of the store that will have no answer */
    uint32_t heard;          /* of those, the one that takes effect, from 1; 0: none */
    uint32_t unheard;        /* that have had none */
    struct alone_session sessions[ALONE_KEYS];
    struct alone_retired retired[ALONE_RETIRED];
    uint32_t retired_count;
    bool draining;           /* patiently, or not */
    bool failing;            /* the last call of the store had no answer */
    uint64_t epochs;         /* that sessions without a store have had */
    uint64_t appended, trimmed, stale, frames, resyncs, published;
    struct alone_points *points;
    uint32_t stops, due_stops;   /* agents that were asked to, and had to be */
    struct alone_task task;
    uint32_t tasks;
    bool locked, rival;      /* runs take a lock; somebody else has it, */
    bool robbed;             /* or has taken it from the one that had it */
    uint64_t locks;          /* that were granted */
    bool called;             /* a completion, with what it told: */
    enum core_result rc;
    struct session_ref told_ref;
    uint64_t told_epoch, told_seq;
    struct history_page page;
    struct world_queue given;    /* by a thread of the core: what the page holds */
};

/* Of sessions and runs. */
extern const char *const alone_names[ALONE_KEYS];

/* A value that the core tells, and the only one that would be right. */
void alone_tell(const struct alone *alone, const char *what, uint64_t told, uint64_t right);
struct alone_session *alone_draw_session(struct alone *alone);
/* Until nobody has anything left to do. */
void alone_settle(void);
static inline bool alone_draw(const char *label)
{
    return world_choose(2, label) != 0;
}

/* --- the store (alone_store.c) --- */

struct message_store_port alone_store(struct alone *alone);
/* Somebody else has written into that stream. */
void alone_store_write(struct alone_stream *stream, const struct alone_event *event);

/* --- the model (alone_model.c) --- */

/* Of the events of a session that are in memory. */
uint64_t alone_bytes_kept(const struct alone_session *session);
/* How many sessions are open. */
uint32_t alone_open_count(const struct alone *alone);
/* Runs that have ended and are remembered; and with the one that goes on. */
uint32_t alone_runs_kept(const struct alone_session *session);
uint32_t alone_runs_listed(const struct alone_session *session);
/* An event comes into the log. */
void alone_take_in(struct alone *alone, struct alone_session *session, struct alone_event event);
/* The session is made, or read from its store; so many events of it are kept in memory. */
void alone_open(struct alone *alone, struct alone_session *session, const char *owner,
                uint64_t most);
void alone_close(struct alone *alone, struct alone_session *session);
/* One more run; at its end the core forgets older ones. */
void alone_begin_run(struct alone_session *session, const char *key, uint64_t number);
void alone_end_run(struct alone_session *session);
/* The last connection of the session is gone, just now. */
void alone_detach(const struct alone *alone, struct alone_session *session);
/* The store is trimmed after an append that it has answered. */
void alone_trim_store(struct alone *alone, struct alone_session *session);
/* What its clocks wait for, connections apart. */
uint64_t alone_deadlines(const struct alone *alone);
/* After a change of runs or connections. */
void alone_note_idle(struct alone_session *session);
/* Sessions and streams whose time is over. */
void alone_pass_time(struct alone *alone);
/* Everything that the core tells is what the model has. */
void alone_compare(struct alone *alone);

struct alone_page {
    uint64_t first, count, next;
    bool back, more, trimmed, renewed;
    bool in_memory; /* all of it, to its limit */
};
struct alone_page alone_expect_page(const struct alone *alone, const struct alone_session *session,
                                    struct history_cursor cursor, size_t limit, bool back,
                                    bool all);

/* --- its trace (alone_points.c) --- */

struct trace_port alone_trace(struct alone *alone);
/* What its points have said is what the model has, with so many of each. */
void alone_compare_points(const struct alone *alone, uint64_t attached, uint64_t live,
                          uint64_t questions);

/* --- what is done to it --- */

void alone_open_one(struct alone *alone);
void alone_close_one(struct alone *alone);
void alone_configure_one(struct alone *alone);
/* Its settings are read and given back, while its run begins. */
void alone_touch(struct alone *alone, const struct alone_session *session);
/* Another core writes into the stream; the core is given notice of it; or it loses the stream. */
void alone_meddle(struct alone *alone, struct alone_session *session);
void alone_refresh_one(struct alone *alone);
void alone_lose_one(struct alone *alone);
/* One event, with or without waiting for the answer. */
enum core_result alone_publish(struct alone *alone, struct session_ref ref,
                               const struct alone_event *event);
void alone_publish_some(struct alone *alone);
void alone_read_one(struct alone *alone);
/* A page of this session. */
void alone_read(struct alone *alone, const struct alone_session *session);
void alone_run_one(struct alone *alone);
/* A run that does not hear that it is to stop; false if there is no session for it. */
bool alone_begin_slow_run(struct alone *alone);
/* The locks of runs (alone_task.c). */
struct lock_store_port alone_locks(struct alone *alone);
/* One that takes its time, and what its agent does (alone_agent.c). */
void alone_task_one(struct alone *alone);
enum core_result alone_task_run(struct alone *alone, struct run_context *run);
/* A run that waits at such a gate, if there is one, has run to its end. */
bool alone_gate_opens(struct alone *alone, enum start_gate gate);
struct agent_runner_port alone_agents(struct alone *alone);
/* Another core, with many deadlines (alone_deadlines.c). */
void alone_deadline_many(struct actor *actor);
/* Another core, for which there is not enough of something (alone_scarce.c). */
void alone_scarce(struct alone *alone);
/* A connection from its hello to its close (alone_conn.c). */
void alone_connect(struct alone *alone, struct alone_session *session);
/* The last one: the core's drain ends it, and nobody tells the core that it is gone. */
struct line *alone_leave_open(struct alone *alone, struct alone_session *session);
void alone_due_close(const struct line *line);
struct transport_port alone_transport(struct alone *alone);
/* The step. */
void backend_alone(struct actor *actor, uint32_t rounds);

#endif
