/* What a capture tells of a session core and its clients (docs/PROTOCOL.md): which tabs and agents
 * there were, and what each of them did. Internal to harness/capture.
 *
 * A story is made of a capture and refers to it; all of it lies in one arena.
 */
#ifndef HARNESS_CAPTURE_STORY_H
#define HARNESS_CAPTURE_STORY_H

#include <jansson.h>

#include "harness/capture/capture.h"
#include "harness/scenario/arena.h"

/* The language has 32 actors; beyond these limits, what is said is left out, or is another's. */
enum {
    STORY_TABS_MAX = 16,
    STORY_ACTORS_MAX = 10,      /* agents and backends; more where there are fewer tabs */
    STORY_SESSIONS_MAX = 6,
    STORY_CORES_MAX = 4,
    STORY_NAME_MAX = 24,
    STORY_VALUE_MAX = 32,       /* of an attribute; lines have at most 100 columns */
};

/* A step of a script, or a remark in it. */
struct story_step {
    uint64_t time_us;           /* since the story's beginning */
    uint64_t latest_us;         /* it may have been as late as that; 0: it was then */
    uint32_t packet;            /* that shows it; 0: none does */
    bool remark;
    const char *text;
};

struct story_steps {
    struct story_step *items;
    uint32_t count, room;
};

/* A message that was said on a connection. */
struct story_message {
    const struct capture_message *message;
    uint32_t link;              /* index in story.links */
    uint32_t order;             /* among those of one packet */
    json_t *body;               /* NULL: it is no JSON object with a type */
    const char *type;
    uint64_t time_us;           /* since the capture's first message; see story.clock_us */
};

/* A request over HTTP. */
struct story_asked {
    uint32_t session;
    bool goes_on;               /* where a page before it has ended: its events are new */
};

/* A connection, and what was learned of it. */
struct story_link {
    const struct capture_connection *connection;
    int tab;                    /* index in story.tabs; -1: nobody said hello on it */
    uint32_t core;
    uint64_t gen, epoch;        /* 0: it was never ready */
    bool replayed, acknowledged;
    bool joined;                /* its hello is not in the capture, and was made up; */
    uint64_t past;              /* up to there its client knew the log then */
    bool client_closed, server_closed, over;
    uint32_t code;              /* of the server's close */
    uint64_t begin_us, end_us;  /* end: of the close, else of TCP; UINT64_MAX: none */
    uint64_t said_us;           /* its first message */
    uint64_t hello_us;
    uint64_t cursor;            /* that its client came with */
    uint32_t unheard;           /* messages of the client before its hello */
    uint64_t replay_to;         /* what comes behind that one is live, also during the replay */
    uint32_t unanswered;        /* heartbeats since the last message of the client, */
    uint64_t ignored_us;        /* the first of them */
    uint64_t alive_us;          /* the last packet of the client's machine; 0: unknown */
    uint64_t heard_us;          /* the last message of the client */
    const char *said;           /* type of that one */
    struct story_asked *asked;  /* requests over HTTP */
    uint32_t asked_count, asked_room, answered;
};

struct story_event;

struct story_tab {
    char name[STORY_NAME_MAX];
    uint32_t session, core;
    const char *user;           /* NULL: unknown */
    int link;                   /* its newest connection */
    bool ready;                 /* it has a cursor */
    bool returns;               /* by itself, this long after it lost a connection: */
    uint64_t soonest_us, latest_us;
    bool shares;                /* that another tab of its user knew, too */
    uint64_t cursor, run;
    uint64_t gone_us;           /* when its last connection ended; UINT64_MAX: it did not */
    struct story_steps steps;
    uint64_t *answered;         /* prompts, each once */
    uint32_t answered_count, answered_room;
    uint32_t answer;            /* the step of its last answer, from 1; 0: there is none */
    struct story_event *received;   /* what it was given, each once, in order */
    uint32_t received_count, received_room;
};

/* An event of a session's log. */
struct story_event {
    uint64_t epoch, seq;
    const char *type;
    const json_t *payload;
    uint64_t time_us;           /* the earliest at which it was seen live, or what is known of it */
    bool live;
    bool unseen;                /* nobody was sent it (story_fill.c) */
    uint64_t latest_us;         /* when a client came and was told of it, if it is not live */
    uint32_t packet, core;
};

/* The log of that epoch was known to go up to there. */
struct story_head {
    uint64_t epoch, seq, time_us;
};

struct story_run {
    uint64_t number, epoch;     /* numbers begin anew with an epoch; 0: unknown so far */
    const char *agent, *key;    /* as on the wire */
    int actor;                  /* index in story_session.actors; -1: none does what it did */
    bool asked;                 /* a tab asked for it, */
    uint32_t tab, step;         /* that one, by this step */
    bool began, live;           /* it was told of as running; it is, as far as was read */
    bool repeats;               /* there is no room for what it did: it does what one before did */
    uint64_t seen_us;           /* when it was first told of, or posted */
    uint32_t packet;            /* that posted it; 0: none did */
};

/* Who publishes into a session: an agent, or a backend. */
struct story_actor {
    char name[STORY_NAME_MAX];
    const char *called;         /* on the wire; "" for the backend that has no name there */
    bool agent;
    uint32_t core;
    struct story_steps steps;
};

struct story_session {
    char name[STORY_NAME_MAX];
    const char *called;
    uint32_t core;
    struct story_event *events;     /* each once, in order */
    uint32_t event_count, event_room;
    struct story_run *runs;
    uint32_t run_count, run_room;
    struct story_actor *actors;
    uint32_t actor_count, actor_room;
    const char *owner;          /* the first user who was let in; NULL: unknown */
    bool cancels;               /* somebody cancelled a run */
    bool closed;                /* the core has closed it, and nobody was let in since */
    bool reopened;              /* after that somebody was: a script opens it, so it must always */
    bool begun;                 /* somebody was ready, first at: */
    uint64_t begin_us;
    bool missing;               /* a client was told that it does not exist, and none was let in */
    uint64_t missed_us;         /* before that; the last one was then, and is: */
    const char *missed_by;      /* NULL: unknown */
    struct story_head *heads;   /* each further than those of its epoch before it */
    uint32_t head_count, head_room;
    uint64_t epoch, floor;      /* as the first one was told, who came; 0: nobody was */
    uint64_t known;             /* up to where clients had come before the capture began */
    bool acknowledged;          /* some tab has acknowledged a handshake */
    bool early;                 /* a run was running before anybody was attached, */
    bool attached;              /* or before anybody had acknowledged */
    bool serves;                /* a dev server was asked for, or told of */
    uint64_t boot_us;           /* how long it took to start; 0: unknown */
};

struct story {
    struct scn_arena *arena;
    bool trace;                 /* it was told by a core, and not by packets */
    struct story_message *messages;
    uint32_t message_count;
    struct story_link *links;
    uint32_t link_count;
    struct story_tab tabs[STORY_TABS_MAX];
    uint32_t tab_count, actor_count;
    struct story_session sessions[STORY_SESSIONS_MAX];
    uint32_t session_count;
    struct packet_address cores[STORY_CORES_MAX];
    char core_names[STORY_CORES_MAX][STORY_NAME_MAX];
    uint32_t core_count;
    struct story_steps faults;
    /* Causes at one instant are told apart: one that comes after another, or after a reply, is put
     * a microsecond later, when all that the other one led to has happened. */
    uint64_t clock_us;
    uint32_t cause;             /* who caused the last thing at that instant; 0: nobody has */
    bool replied;               /* the core has said something at that instant */
    uint32_t homeless;          /* connections beyond the limits, which are left out */
    uint32_t speechless;        /* WebSockets whose clients never said a hello that makes sense */
    uint32_t actors_max;        /* agents and backends that there is room for */
    uint32_t cramped;           /* runs that have no agent of their own for want of room */
    uint64_t lead_us;           /* before the first message, for what was there already */
    uint64_t end_us;            /* of the last message */
};

/* Makes the story. False: there is no session traffic in it; `problem` is a sentence. */
bool story_make(struct story *story, const struct capture *capture,
                char problem[CAPTURE_PROBLEM_MAX]);
void story_free(struct story *story);

/* Who did what, made of the events: after all messages were read (story_agents.c). */
void story_act(struct story *story);

/* Whether a backend has to start a run: not where the stage does, or tabs do. (These four are in
 * story_starts.c.) */
bool story_has_starts(const struct story_session *session);

/* Adds those steps; and names, where tabs start, the agents that do it now. */
void story_start_runs(struct story *story, struct story_session *session);

/* Whether its own user was told that it is not there, before it was. */
bool story_was_missing(const struct story_session *session);

/* Scenarios have the sessions that somebody comes to; where one was closed before, or missing, a
 * backend opens it. */
void story_open(struct story *story, struct story_session *session);

/* Somebody was told that the session's log has a head. */
void story_note_head(struct story *story, struct story_session *session, uint64_t epoch,
                     uint64_t head, uint64_t time_us);

/* Puts events where the log must have had some: before story_act. */
void story_fill(struct story *story, struct story_session *session);

/* Connections that began before the capture get a hello, where it can be known what it said: before
 * messages are read (story_amid.c). */
void story_greet(struct story *story);

/* --- shared by the files of the story --- */

void story_add(struct story *story, struct story_steps *steps, uint64_t time_us, uint32_t packet,
               const char *text);
void story_remark(struct story *story, struct story_steps *steps, uint64_t time_us,
                  uint32_t packet, const char *text);

/* Makes a name of the language of any text: letters, digits, underscores. */
void story_word(const char *text, const char *fallback, char name[STORY_NAME_MAX]);

/* The same, that no actor or core has so far. */
void story_name(struct story *story, const char *text, const char *fallback,
                char name[STORY_NAME_MAX]);

/* The same for an agent, whose first letters no other one has either. */
void story_agent_name(struct story *story, const char *text, char name[STORY_NAME_MAX]);

/* " field=value", if the value can be written in the language; otherwise "". */
const char *story_attr(struct story *story, const char *field, const json_t *value);

/* Whether somebody can emit or publish events of that type. */
bool story_can_emit(const char *type);

/* A duration in the largest unit that is exact. */
const char *story_time(struct story *story, uint64_t time_us);

/* The backend of that name on the wire, made if it is new; NULL: there are too many actors. */
struct story_actor *story_program(struct story *story, struct story_session *session,
                                  const char *called);

/* The run of an event, made if it is new; its agent and key are filled in when they are known. */
struct story_run *story_run_of(struct story *story, struct story_session *session,
                               uint64_t epoch, const json_t *payload);

const char *story_text(const json_t *body, const char *field);
uint64_t story_number(const json_t *body, const char *field);

/* Writes the scenario; `settings` stands where core, store and clock lines do, or is NULL. */
void story_write(FILE *out, struct story *story, const struct capture *capture, const char *name,
                 const char *source, const char *settings);

#endif
