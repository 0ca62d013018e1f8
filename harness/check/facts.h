/* What is known of an execution so far, by subject; each file of check/ fills and judges its
 * own. */
#ifndef HARNESS_CHECK_FACTS_H
#define HARNESS_CHECK_FACTS_H

#include "harness/check/ledger.h"
#include "harness/check/record.h"

/* An event in the store, by (session, epoch, seq). */
struct event_fact {
    struct ledger_entry entry;
    int64_t digest, kind, bytes;
    bool lost;                  /* the store lost it, or trimmed it: nobody can be given it */
};

/* That its publisher was told so, apart: nothing is judged by it. By the same key. */
struct accept_fact {
    struct ledger_entry entry;
    uint16_t producer;          /* who was told */
};

/* A content, by (session, digest, kind): how often it was published and stored. */
struct content_fact {
    struct ledger_entry entry;
    uint32_t calls, refused, appends;
    int64_t epoch;              /* of the newest append */
};

/* A session, by (session). */
struct session_fact {
    struct ledger_entry entry;
    int64_t epoch;              /* the current one */
    int64_t published_seq;      /* newest event of a run */
    int64_t terminal_seq;       /* of the outcome that a tab was told; 0: none */
    int64_t terminal_state;
    uint32_t runs;              /* different runs that began or were asked for */
    uint32_t opened, opens;     /* record in which its stream was opened; how often it was */
    bool unsettled;             /* it has lost something, or refused somebody */
    bool lossy;                 /* it has lost something */
};

/* What else is known of a session, apart: who looks at one of these seldom looks at another. */
struct viewer_fact {
    struct ledger_entry entry;
    int64_t user;               /* who may see it, 0: not known yet */
};
struct head_fact {
    struct ledger_entry entry;
    int64_t seq;                /* largest one that was ever stored */
};
struct work_fact {
    struct ledger_entry entry;
    int32_t running;            /* runs whose agents work */
};
struct promise_fact {           /* by (session, core) */
    struct ledger_entry entry;
    int64_t seq;                /* newest event that a publisher at that core was promised */
};

/* An answered publish of one producer, by (producer, session, epoch): the newest one. */
struct producer_fact {
    struct ledger_entry entry;
    int64_t call;               /* record of the newest call: calls are ordered by it */
    int64_t number, seq;
    record_word kind;
};

/* An event at a tab, by (tab, incarnation, epoch, seq). */
struct arrival_fact {
    struct ledger_entry entry;
    uint32_t applied;           /* number of the record; 0: not applied */
    bool told;                  /* the tab was told that it is gone */
};

/* What a tab knows. */
struct tab_fact {
    int64_t incarnation;        /* a fresh page is a new one */
    int64_t conn;               /* of the socket that is open, 0: none is */
    int64_t ready;              /* of the socket whose handshake was accepted */
    int64_t session, epoch;     /* of the newest accepted handshake */
    int64_t next;               /* larger seqs than this were left out silently */
    int64_t known;              /* everything up to here is settled, in this epoch */
    int64_t newest;             /* newest seq applied on this connection */
    int64_t frame;              /* newest frame of this connection */
    bool disturbed;             /* the network lost or reordered frames of this connection */
    bool opened;                /* it has ever tried to connect */
    bool wants_back;            /* its socket is gone, and neither side had meant it to be */
    int64_t hello_epoch, hello_cursor;
    uint32_t hello;             /* record of the newest hello and resync */
    uint32_t resync;
    int64_t resync_to;
    int64_t sent_conn, sent_seq;   /* newest event that the core gave to the transport */
    bool sent_notice;           /* a gap or a new beginning was announced since */
    int64_t newest_conn;        /* of all the sockets that it opened */
    int64_t head;               /* up to here the replay goes */
    int64_t gap;                /* first event of the newest gap on this connection; 0: none */
    bool live;                  /* the replay has ended */
    int64_t heard_head, heard_sent;   /* of the newest heartbeat on this connection */
    int64_t applied;            /* newest record that it was given: its seq */
    bool left_out;              /* this page was told to do without something */
    int64_t cursor;             /* it has everything up to here, or was told to do without */
    bool fell_behind;           /* it was left with a gap on this connection */
    bool online;                /* its handshake holds, since then */
    uint64_t online_us;
    uint64_t server_us;         /* when it was last told of a server */
};

/* How much of a log a core has to keep, and to give to a tab that comes back. */
struct retention {
    uint64_t events, bytes;
    uint64_t log_events, log_bytes;   /* of the log alone */
};

/* A question, by (agent, id): counted, for an id may be asked again. */
struct prompt_fact {
    struct ledger_entry entry;
    uint32_t opened, done;
    uint64_t opened_us;
    int64_t timeout;
    int64_t outcome;            /* of the first one, as the agent or a tab learned it */
    int64_t epoch;              /* of the log that it is in; 0: not known */
    uint16_t told;              /* who learned it */
    uint32_t life;              /* of the agent's core when it was asked */
    uint32_t record;            /* then */
    uint64_t clock_us, busy_us; /* its clock then, and how long the store had been busy */
    bool sick;                  /* then something else was to be repeated first */
};

/* Answers to an id: how many tabs said yes, no, or something else. */
struct answer_fact {
    struct ledger_entry entry;
    uint32_t yes, no, other;
};

/* A run, by (session, run, epoch); an agent, by (agent); a request, by (session, key, life, epoch).
 * A store that lost events may have forgotten the run, and gives its number to another. */
struct run_fact {
    struct ledger_entry entry;
    uint32_t started, ended;
    int64_t outcome;            /* that its agent told; 0: none yet */
    bool counted;
};
struct agent_fact {
    struct ledger_entry entry;
    int64_t session, epoch;     /* that it works for */
    int64_t run;                /* 0: none now */
    uint32_t started;           /* record */
    uint64_t started_us;
    uint32_t life;              /* of its core */
    bool stopping;              /* it was asked to stop, */
    uint64_t stop_us;           /* then */
    uint64_t due_us;            /* when the question that it asks has waited enough; 0: none */
};
struct request_fact {
    struct ledger_entry entry;
    int64_t run;
    uint32_t created;
};

/* A lock, by (its whole name). */
struct lock_fact {
    struct ledger_entry entry;
    bool held;
    int64_t owner, token, until;
    int64_t newest;             /* largest token ever granted */
    uint16_t core;              /* who asked for it */
    uint32_t life;              /* of that core at the time */
    uint32_t refused;           /* record of a refusal during the calm, since the grant */
    int64_t leased;             /* token that a backend holds on purpose */
    bool doubtful;              /* the store has not answered a release: it may have done it */
    uint64_t free_us;           /* since when nobody holds it, */
    uint64_t free_busy_us[SCN_CORES_MAX];   /* and how long each core had waited by then */
};

/* What an event of the log says of a run or a question, by (session, epoch, seq). */
struct says_fact {
    struct ledger_entry entry;
    struct record_values_LOG_SAYS said;
};

/* A run or a question as the log tells it, by (session, epoch, what, number); or as a page knows
 * it, by (tab and page, epoch, what, number). */
struct item_fact {
    struct ledger_entry entry;
    int64_t state;              /* of a run; the outcome of a question, 0: open */
    int64_t seq;                /* of the newest event about it */
    int64_t run;                /* whose question it is */
};

/* What a life of a core has to do with a lock, by (lock, core, life): the newest grant, what became
 * of acquisitions that were ready to wait, and the alerts that are up. */
enum { OUTCOMES_MAX = 32 };

struct hold_fact {
    struct ledger_entry entry;
    bool held, robbed;          /* robbed: ended before its time, or refused to be renewed */
    bool doubtful;              /* one was robbed: the core may have two for a while */
    int64_t token;
    uint64_t granted_us, until_us, ttl_us;
    uint64_t called_us, confirmed_us;   /* newest call for it; of those, the newest answered well */
    uint64_t ended_us;          /* 0: it has not */
    uint64_t used_us, used_before_us;   /* its holder looked at it; at an earlier time, too */
    uint64_t gap_us;            /* longest time between two looks */
    uint32_t tries, waiting, gave_up, got;
    bool accused;               /* this grant was called held too long */
    bool stuck, contended;      /* the alerts that are up */
    /* Acquisitions that were ready to wait, by their end: in a ring, the newest of them. */
    struct { bool failed; uint64_t at_us; } outcomes[OUTCOMES_MAX];
    uint32_t outcome_count;
    bool unsure;                /* one ended in a way that may count or not */
};

/* What a core has with its ports: calls of stores under way, and what it says of its health. */
struct port_fact {
    uint32_t calls;
    bool doubtful;              /* some call had no answer */
    bool unwell;                /* the alert is up */
};

/* A sandbox, by (sandbox); its servers, by (sandbox, app); an instance, by (sandbox, instance). */
struct sandbox_fact {
    struct ledger_entry entry;
    int64_t owner, token;
    int64_t alive;              /* processes */
    uint64_t idle_us;           /* since when there is none */
    bool gone, crashed;
    int64_t app;
    int64_t last_owner;
    uint64_t given_us;          /* to its present owner */
    bool troubled;              /* its provider has refused a call, */
    uint64_t troubled_us;       /* the newest of them */
};
struct server_fact {
    struct ledger_entry entry;
    int64_t fence;              /* newest that took effect */
    int64_t instance;           /* alive, 0: none is */
    bool late;                  /* its start was told to have failed */
};
struct instance_fact {
    struct ledger_entry entry;
    int64_t app;
    int64_t children;
    bool alive;
    uint32_t kills;             /* of cores, before it was spawned */
    bool late;                  /* its start was told to have failed */
    bool running;               /* a core says so, and has not said otherwise since: */
    int32_t core;               /* this one, */
    uint32_t life;              /* in that life */
    bool asked;                 /* to end, then, by a core in that life */
    uint64_t asked_us;
    uint32_t asked_life;
};

/* An instance that has answered a probe, by (instance); a grant that ran out, by (token). */
struct probe_fact {
    struct ledger_entry entry;
};
struct grant_fact {
    struct ledger_entry entry;
    int64_t until, longest;     /* now, and that was ever told */
    bool over;                  /* the store ended it, for its time was up */
    bool returned;
};

/* The newest state of a server that a session's log tells, by (session, epoch, port). */
struct state_fact {
    struct ledger_entry entry;
    int64_t seq, version;
};

/* A connection as its core knows it, by (tab, conn). */
struct conn_fact {
    struct ledger_entry entry;
    int64_t session;
    uint32_t life;              /* of its core */
    bool hello, acknowledged;   /* the core was given these */
    bool ready;                 /* the core accepted it, and did not end it since */
    bool closing;               /* the core asked for its end */
    bool gone;                  /* the transport told the core of its end */
    int64_t beyond;             /* its replay goes up to here at most */
    int64_t accepted;           /* when it was last sent something: newest event accepted */
    int64_t cancel, cancel_run; /* frame with a cancel, and the run that it names */
};

/* Whether it is sent heartbeats, apart: what the core is given does not depend on it. */
struct beat_fact {
    struct ledger_entry entry;
    bool online;                /* its handshake held */
    uint64_t since_us;          /* then, or when it was sent its newest heartbeat */
};

/* The connections of a session to one life of one core, by (session, core, life), and what else
 * the start and the end of a run hang on. Ends are numbers of records. */
struct gate_fact {
    struct ledger_entry entry;
    uint32_t calls, first_call; /* for a run that has not begun */
    uint64_t first_call_us;
    int64_t attached, acknowledged;              /* at most so many */
    uint32_t attached_end, acknowledged_end;
    int64_t ready;                               /* at least so many, */
    bool emptied;                                /* and none after some: */
    uint64_t empty_us, longest_us;               /* since then; for how long at most */
    bool left;                                   /* one that may have been the last one went */
    uint64_t ready_us, ready_since_us;           /* how long some were, before; and since when */
    bool cancelled;             /* somebody asked for it, */
    int64_t taken;              /* and named this run, and was heard; 0: none */
};

/* A connection by its generation, by (core, life, generation): what its transport told of it. */
struct generation_fact {
    struct ledger_entry entry;
    uint32_t told, closed;
};

/* A publish under way, by (producer). */
struct call_fact {
    struct ledger_entry entry;
    uint64_t called_us, busy_us;
    uint32_t record, life;
    bool sick;                  /* something else was to be repeated first */
};

/* A question at a tab, by (tab, incarnation, epoch, id). */
struct shown_fact {
    struct ledger_entry entry;
    bool open;
};

/* A reader of pages, by (backend). */
struct reader_fact {
    struct ledger_entry entry;
    int64_t epoch, cursor;      /* it asked for what comes after */
    int64_t stored;             /* newest event that its core had accepted by then */
    int64_t last;               /* of the page so far */
    int64_t first, count;
    int64_t limit, bytes;       /* 0: not known; of what it got */
    bool back;                  /* towards older events */
};

/* A connection, by (tab, conn): when it was opened, the core was last given a message of it, and
 * had last taken one. */
struct silence_fact {
    struct ledger_entry entry;
    uint64_t opened_us, given_us, heard_us;
};

#endif
