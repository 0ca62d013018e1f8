/* Those who act: scripts, what they expect, tabs, agents and backends. */
#ifndef FAKES_ACTORS_H
#define FAKES_ACTORS_H

#include "fakes/wire.h"

/* --- scripts (script.c) --- */

struct actor {
    struct play *play;
    const struct scn_actor *scn;
    uint32_t index;
    uint16_t party;
    uint16_t entity;        /* of its fiber; WORLD_NOBODY while it has none */
    struct instance *instance;
    const char *user, *session, *project; /* session is never NULL for tabs and agents */
    record_word user_word, session_word;
    uint32_t *begun, *ended; /* per step, occurrences so far */
    bool busy;              /* counted in play->busy */
    bool over;              /* its script has ended */
    bool dead;              /* its fiber is gone: steps that did not end never will */
    const struct scn_modifiers *awaits; /* blocked on after or during */
    struct world_queue turn;    /* waits for `awaits` */
    struct world_queue arrival; /* waits for something to expect */
    uint64_t step_since_ns;     /* when the first of its times began */
    uint32_t step_time;         /* which of its times it is, from 1 */
    /* What arrived, in order, as seen by `expect`. */
    struct arrival *inbox;
    uint32_t inbox_count, inbox_capacity, inbox_next;
    const struct scn_step *expected; /* what is waited for where waits are silent */
    struct run_ref run;     /* of a backend: that it asked for last */
    struct sandbox_ref held; /* of a backend: the sandbox that it was given last */
    struct sandbox_ref stale; /* the one that it was told last is not its own any more */
    uint32_t box_life;      /* in that life of its core; 0: none yet */
    uint64_t read_epoch, read_seq; /* of a backend: where its last page of the log ended */
    union {
        struct tab *tab;
        struct agent *agent;
        struct box *box;
        struct counter *published; /* of a backend */
    };
};

/* Something that an actor can expect. */
struct arrival {
    const char *kind;
    const json_t *fields;   /* looked up by name; both may be NULL */
    const json_t *more;
    uint64_t seq;           /* 0: it has none */
    uint64_t ordinal;       /* n-th of its kind from its producer; 0: not known */
    record_word by;         /* that producer, or 0 */
};

/* Runs the actor's script from the beginning. `perform` acts out one occurrence of one step; false
 * ends the script. */
typedef bool (*step_performer)(struct actor *actor, const struct scn_step *step);
void script_run(struct actor *actor, step_performer perform);

/* Sleeps as the actor's own timer: longer, if that stands still meanwhile. */
void script_sleep(struct actor *actor, uint64_t until_ns);
void actor_busy(struct actor *actor, bool busy);
/* The fiber is gone or will not go on: whoever waits for its steps must not wait for ever. */
void actor_abandon(struct actor *actor);

bool ref_ended(const struct play *play, const struct scn_ref *ref);
bool ref_open(const struct play *play, const struct scn_ref *ref);
/* It has not ended and never will. */
bool ref_dead(const struct play *play, const struct scn_ref *ref);
enum readiness { NOT_YET, READY, NEVER };
enum readiness modifiers_ready(const struct play *play, const struct scn_modifiers *modifiers);
/* A step of that actor began or ended, or (NULL) a fault: wakes those who waited for it. */
void progress(struct play *play, const struct actor *actor);
/* Nobody waits in the actor's queues. */
void actor_queues_init(struct actor *actor);

/* --- expectations (expect.c) --- */

/* Adds a copy to the inbox and wakes the script. */
void inbox_add(struct actor *actor, const struct arrival *arrival);
/* What has arrived is expected no more. */
void inbox_forget(struct actor *actor);
/* One time of an `expect`; reports a violation when the deadline passes. */
void expect_step(struct actor *actor, const struct scn_step *step);
/* Reports that a step was not fulfilled. Does not return. */
_Noreturn void expect_broken(struct actor *actor, const struct scn_step *step, const char *text);

/* --- tabs (tab.c, tab_frames.c, tab_receive.c, tab_script.c) --- */

struct cursor_store {
    bool known;
    uint64_t epoch, cursor;
};

/* What a run is called. */
struct run_note {
    uint64_t run, epoch;
    record_word key;
};

struct prompt_note {
    const char *id;
    uint64_t number;
    uint64_t run, epoch;
    bool input;
    bool open;
};

/* A message that the script wants sent, kept until the handshake holds. */
struct outgoing {
    struct outgoing *next;
    const char *bytes, *kind, *id;
    size_t length;
    uint64_t port, run;
};

/* How it is told of events: speaks=... */
enum speech { SPEECH_WEBSOCKET, SPEECH_EVENTS, SPEECH_POLLING };

enum tab_phase { TAB_OFFLINE, TAB_CONNECTING, TAB_READY, TAB_ONLINE };

struct tab {
    struct actor *actor;
    enum speech speech;
    enum tab_phase phase;
    struct socket *socket;      /* NULL when offline */
    struct link to_core, to_tab;
    struct cursor_store page;   /* what this page knows */
    struct cursor_store *kept;  /* where it keeps that for others, NULL: nowhere */
    uint64_t gen;               /* of the newest connection_ready; 0: none */
    uint64_t head_heard;        /* of the newest heartbeat */
    bool fetching;              /* has asked for the tail */
    uint64_t put_off;           /* newest event left to the next page, on this connection */
    uint64_t paged;             /* newest event that came in a page, on this connection */
    uint64_t acked;
    uint32_t sockets;           /* opened so far */
    uint32_t failures;          /* in a row, without a handshake */
    bool reconnecting;          /* counted in play->busy */
    bool closed_for_good;
    uint16_t reconnect_task, closer_task;
    uint16_t poll_task;         /* of one that polls */
    bool asking;                /* a question of it is under way; */
    bool hurried;               /* the stage waits for all that there is, counted in play->busy */
    struct outgoing *outgoing, **outgoing_tail;
    bool hello_waits;           /* for the WebSocket to be open; */
    struct outgoing *sayings;   /* these, too */
    struct prompt_note prompts[PROMPTS_MAX];
    uint32_t prompt_count;
    struct run_note run_notes[RUNS_NOTED];
    uint32_t run_note_count;
    uint64_t run;               /* newest run it has heard of */
    /* Faults that wait for their moment. */
    bool repeat_close, double_hello, wrong_epoch, reset_cursor, cursor_ahead, lose_ack;
    uint64_t late_close_us;
    struct socket *late_socket;
    uint64_t away_until_ns;     /* half-open: no network until then */
    bool frozen;                /* its timers stand still, */
    uint64_t frozen_since_ns;   /* since then, */
    uint64_t frozen_until_ns;   /* until then; WORLD_NEVER: until the calm */
    uint64_t frozen_ns;         /* how long they did before */
    struct world_queue thawed;
};

void tab_init(struct actor *actor);
void tab_body(void *actor);
void tab_connect(struct tab *tab);
/* The handshake of its WebSocket is under way, which no message may overtake. */
bool tab_is_opening(const struct tab *tab);
/* The first message on its socket, unless its script says it. */
void tab_greet(struct tab *tab);
void tab_hello(struct tab *tab);
/* Where it goes on, as it tells the core now: faults may have it tell something else. */
struct hello_note tab_place(struct tab *tab);
/* Frames are missing, and nobody can be asked for them: it connects anew with what it has. */
void tab_renew(struct tab *tab);
/* A page that it had polled has come in that frame. */
void tab_takes_page(struct tab *tab, const struct frame *frame, const json_t *body);
void tab_deliver(struct tab *tab, struct frame *frame);
/* The tab's end of its socket is gone. */
void tab_offline(struct tab *tab, const char *why, uint32_t code);
void tab_close(struct tab *tab);
void tab_fresh(struct tab *tab);
/* Both ends learn that the socket is gone. */
void tab_cut(struct tab *tab, const char *why);
void tab_halfopen(struct tab *tab, uint64_t until_ns);
void tab_back(struct tab *tab);
/* Forgets its failures: it tries to connect again, also if it had given up. */
void tab_try_anew(struct tab *tab);
void tab_freeze(struct tab *tab, uint64_t until_ns);
void tab_thaw(struct tab *tab);
/* How long its timers have stood still so far. */
uint64_t tab_frozen_ns(const struct tab *tab);
/* The handshake holds: nothing is left to do by itself. */
void tab_online(struct tab *tab);
void tab_flush(struct tab *tab);
/* The page's cursor has moved: into the store that it shares with other pages, if it does. */
void tab_keep_cursor(struct tab *tab);
/* There is a cursor to say hello with. */
bool tab_knows_cursor(const struct tab *tab);
/* {"type":kind} or {"type":kind,name:number}, at once, if there is a socket. */
void tab_tell(struct tab *tab, const char *kind, const char *name, uint64_t number);
/* A message of the script: now if the handshake holds, otherwise as soon as it does. */
void tab_queue(struct tab *tab, const json_t *body, const char *kind, const char *id,
               uint64_t port);
/* A message of the script, whatever the handshake says. */
void tab_send(struct tab *tab, const json_t *body, const char *kind);
/* Any text, at once, if there is a socket. */
void tab_say(struct tab *tab, const char *bytes, size_t length);
/* A control frame, or what an event of the core's own says, beside the protocol. */
void tab_checks_frame(struct tab *tab, const char *type, const json_t *body,
                      const json_t *fields);
void tab_checks_fields(const struct tab *tab, const char *type, const json_t *fields);
/* The same frame, or an event, as a step in the course of its connection. */
void tab_follows_frame(struct tab *tab, const char *type, const json_t *body);
void tab_follows_event(struct tab *tab, uint64_t seq);
void tab_follows_close(struct tab *tab, uint32_t code);
/* An error: what it is about, its code, and its sentence. */
void tab_checks_error(const struct tab *tab, const json_t *body);
/* A state of a run, of an event or a list, or `accepted`. */
void tab_checks_run(struct tab *tab, const char *type, const json_t *fields);
/* A question, as an event or shown again. */
void tab_checks_question(const struct tab *tab, bool input, const json_t *fields);
/* What was said of it before, and now. */
void tab_checks_prompt(const struct tab *tab, const struct prompt_note *note,
                       const json_t *fields);
/* This request for a page goes out. */
void tab_asks_page(struct tab *tab, const char *bytes, size_t length);
struct prompt_note *tab_prompt(struct tab *tab, const char *id, bool open_only);
void tab_stale_answer(struct tab *tab);
/* A tab that wants to be connected and is not: it will try. */
void tab_reconnect_later(struct tab *tab);
bool tab_wants_back(const struct tab *tab);

/* --- tabs that speak otherwise (tab_events.c, tab_polling.c) --- */

/* The request of a new socket, to be sent. */
void events_greet(struct socket *socket, struct frame *open);
void events_hear(struct socket *socket, const struct http_event *event);

void polling_init(struct tab *tab);
void polling_greet(struct socket *socket, struct frame *open);
void polling_hears(struct socket *socket, const struct http_event *event);
/* The server has ended the connection: there will be another one when it is time for the next
 * page, unless it had not answered yet. */
void polling_ends(struct socket *socket);
/* Its timer goes on. */
void polling_thaws(struct tab *tab);
/* It asks for nothing more for now. */
void polling_rests(struct tab *tab);
/* It asks at once for all that there is, and is counted as busy until it has it. */
void polling_hurries(struct tab *tab);

/* --- agents and backends (agent.c, backend.c) --- */

struct counter {
    const char *kind;
    uint64_t count;
};

struct agent {
    struct actor *actor;
    struct run_context *run;    /* NULL: not running */
    const struct instance *at;  /* where it runs */
    uint64_t run_number;
    bool submitted;             /* somebody has asked for its run */
    uint64_t asking_us;         /* timeout of the question that is open; 0: none is */
    uint64_t questions;         /* open ones */
    uint64_t token;             /* of its newest run */
    uint64_t ended_ns;          /* when it ended */
    bool stop_asked, finished;
    struct counter emitted[KINDS_MAX]; /* events of each kind so far */
    struct world_queue stopped;
};

/* The number of the next event of that kind. */
uint64_t count_kind(struct counter counters[KINDS_MAX], const char *kind);

void agent_init(struct actor *actor);
/* Of that life of that core: its threads are gone. */
void agents_killed(struct play *play, const struct instance *instance);
enum core_result agent_run(void *instance, const char *agent, struct run_context *run);
void agent_request_stop(void *instance, const char *agent, struct run_ref run);
void backend_body(void *actor);
/* Payload of an event as a script says: who, its ordinal, text, attributes, bytes=N. */
char *event_payload(const struct actor *actor, const struct scn_step *step, uint64_t ordinal,
                    size_t *length);
void backend_killed(struct actor *actor);

#endif
