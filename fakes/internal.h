/* Shared by the files of fakes/ only: the state of one execution of a scenario.
 *
 * Everything below `struct play` lives in scratch memory and is gone with the execution. Actors are
 * fibers; deliveries, expiries and faults are tasks, which must not block.
 */
#ifndef FAKES_INTERNAL_H
#define FAKES_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fakes/core_api.h"
#include "fakes/scratch.h"
#include "fakes/stage.h"
#include "harness/check/record.h"
#include "harness/check/require.h"
#include "harness/scenario/ast.h"
#include "harness/world/world.h"

enum {
    SOCKETS_MAX = 1024,     /* of one execution */
    SESSIONS_MAX = SCN_ACTORS_MAX,
    PROMPTS_MAX = 64,       /* that one tab has heard of */
    LOCKS_MAX = 24,
    SANDBOXES_MAX = 32,
    PROCESSES_MAX = 64,     /* of one sandbox */
    POINTS_MAX = 128,
    PROBLEM_MAX = 400,      /* characters of what is wrong with a scenario's settings */
    KINDS_MAX = 32,         /* of events, from one producer */
    LINK_WINDOW = 8,        /* frames that fit into a socket */
};

struct play;
struct actor;
struct tab;
struct fault;
struct socket;

static inline uint64_t us_ns(uint64_t time_us)
{
    return time_us > WORLD_NEVER / 1000 ? WORLD_NEVER : time_us * 1000;
}

static inline uint64_t now_us(void)
{
    return world_now_ns() / 1000;
}

/* The time that lies so far ahead. */
static inline uint64_t ahead_ns(uint64_t time_us)
{
    return world_now_ns() + us_ns(time_us);
}

/* Joins three texts, cut to what a name of the world may have. */
const char *name_of(char name[WORLD_NAME_MAX], const char *one, const char *two, const char *three);

/* --- links: frames on their way (link.c) --- */

enum frame_kind { FRAME_OPEN, FRAME_MESSAGE, FRAME_CLOSE };

struct frame {
    struct frame *next;
    struct socket *socket;
    enum frame_kind kind;
    uint64_t due_ns;
    const char *bytes;
    size_t length;
    record_word word;       /* its "type" */
    uint64_t seq;
    uint32_t number;        /* on this socket and direction, from 1 */
    uint32_t code;          /* FRAME_CLOSE */
    uint32_t cause;         /* record of its departure */
};

/* One direction between a tab and its core. Messages arrive in order, one task step each. */
struct link {
    struct play *play;
    struct tab *tab;
    bool to_core;
    bool stalled;           /* nothing is delivered */
    uint16_t task;
    uint16_t from, to;      /* parties */
    uint64_t slow_us;       /* every message sent now takes that long */
    uint64_t last_due_ns;
    uint32_t count;
    struct frame *head, **tail;
};

/* A socket as both ends see it. The core's end is worked on by core/ws alone. */
struct socket {
    struct tab *tab;
    struct instance *instance;
    uint64_t handle;        /* index in play->sockets */
    uint32_t serial;        /* of its tab, from 1 */
    uint32_t life;          /* of the core that it leads to */
    bool tab_open;          /* the tab has not heard or caused its end */
    bool core_open;         /* the core knows it: conn_open succeeded, conn_closed not called */
    bool cut;               /* nothing passes any more */
    bool write_queued, close_queued;
    uint32_t close_code;
    struct conn_ref conn;
    uint32_t frames_in, frames_out;        /* sent by the tab, by the core */
    uint32_t frames_seen;                  /* newest number that arrived at the tab */
    uint64_t frames_mask;                  /* which of the 64 up to that one did */
    bool lossy;                            /* one came without its predecessor */
    uint32_t delivered[2];                 /* frames that arrived at the core, at the tab */
    uint64_t bytes[2];
};

void link_init(struct play *play, struct tab *tab, struct link *link, bool to_core);
void link_push(struct link *link, struct frame *frame);
struct frame *link_frame(struct socket *socket, enum frame_kind kind);
/* Forgets what is under way on that socket (NULL: on all). */
void link_drop(struct link *link, const struct socket *socket, const char *why);
bool link_has_message(const struct link *link, const struct scn_attr *kind);
void link_lose_head(struct link *link);
void link_duplicate_head(struct link *link);
bool link_can_reorder(const struct link *link);
void link_reorder(struct link *link);
void link_stall(struct link *link, bool stalled);

/* --- the transport of one core (ws.c) --- */

enum work_kind { WORK_OPEN, WORK_INPUT, WORK_WRITE, WORK_CLOSE, WORK_CLOSED };

struct work {
    struct work *next;
    struct socket *socket;
    enum work_kind kind;
    struct frame *frame;
    const char *why;
};

struct ws {
    struct work *head, **tail;
    struct world_queue queue;
    struct world_queue done;
    bool stop, stopped;
};

void ws_post(struct instance *instance, struct socket *socket, enum work_kind kind,
             struct frame *frame, const char *why);
void ws_body(void *instance);
void ws_want_write(void *instance, uint64_t handle, struct conn_ref conn);
void ws_close(void *instance, uint64_t handle, struct conn_ref conn, enum core_close_code code);
/* There is room in the socket again. */
void ws_resume(struct socket *socket);

/* --- core instances (instance.c) --- */

struct instance {
    struct play *play;
    uint32_t index;
    uint16_t party;
    uint8_t group;
    uint32_t life;          /* 0 before the first */
    bool alive;             /* started, not killed, not draining */
    bool coming;            /* being started, or will be */
    bool draining;
    struct core *core;
    struct ws ws;
    char ws_name[WORLD_NAME_MAX];
    char keeper_name[WORLD_NAME_MAX];
    char main_name[WORLD_NAME_MAX];
    bool submitting;        /* a thread of its process is about to submit runs */
    uint16_t restart_task;
    uint64_t drain_us;      /* what its keeper has to do */
    uint64_t restart_us;    /* WORLD_NEVER: leave it */
    struct world_queue changed;
};

void instance_init(struct play *play, uint32_t index);
/* Makes and starts a life of this core; the caller is a fiber that may block. */
void instance_start(struct instance *instance);
/* Drains and destroys it; leaks are reported. The caller is a fiber that may block. */
void instance_stop(struct instance *instance, uint64_t deadline_us);
/* Starts it again that much later; WORLD_NEVER: not at all. */
void instance_kill(struct instance *instance, uint64_t restart_us);
/* Drains it in a thread of its own, then starts it again; restart_us WORLD_NEVER: or not. */
void instance_drain_aside(struct instance *instance, uint64_t deadline_us, uint64_t restart_us);
/* Submits the runs that no script starts and that were not submitted before. Does not block. */
void instance_submit_runs(struct instance *instance);
/* The newest thread of that name that belongs to this life of the core; WORLD_NOBODY: none. */
uint16_t instance_thread(const struct instance *instance, const char *name);

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

void actor_busy(struct actor *actor, bool busy);
/* The fiber is gone or will not go on: whoever waits for its steps must not wait for ever. */
void actor_abandon(struct actor *actor);

bool ref_ended(const struct play *play, const struct scn_ref *ref);
bool ref_open(const struct play *play, const struct scn_ref *ref);
/* It has not ended and never will. */
bool ref_dead(const struct play *play, const struct scn_ref *ref);
enum readiness { NOT_YET, READY, NEVER };
enum readiness modifiers_ready(const struct play *play, const struct scn_modifiers *modifiers);
/* A step or fault began or ended: wakes those who waited for it. */
void progress(struct play *play);

/* --- expectations (expect.c) --- */

/* Adds a copy to the inbox and wakes the script. */
void inbox_add(struct actor *actor, const struct arrival *arrival);
/* One time of an `expect`; reports a violation when the deadline passes. */
void expect_step(struct actor *actor, const struct scn_step *step);
/* Reports that a step was not fulfilled. Does not return. */
_Noreturn void expect_broken(struct actor *actor, const struct scn_step *step, const char *text);

/* --- tabs (tab.c, tab_receive.c, tab_script.c) --- */

struct cursor_store {
    bool known;
    uint64_t epoch, cursor;
};

struct prompt_note {
    const char *id;
    uint64_t number;
    bool input;
    bool open;
};

/* A message that the script wants sent, kept until the handshake holds. */
struct outgoing {
    struct outgoing *next;
    const char *bytes, *kind, *id;
    size_t length;
    uint64_t port;
};

enum tab_phase { TAB_OFFLINE, TAB_CONNECTING, TAB_READY, TAB_ONLINE };

struct tab {
    struct actor *actor;
    enum tab_phase phase;
    struct socket *socket;      /* NULL when offline */
    struct link to_core, to_tab;
    struct cursor_store own, *store;
    uint64_t gen;               /* of the newest connection_ready; 0: none */
    uint64_t head_heard;        /* of the newest heartbeat */
    bool fetching;              /* has asked for the tail */
    uint64_t acked;
    uint32_t sockets;           /* opened so far */
    uint32_t failures;          /* in a row, without a handshake */
    bool reconnecting;          /* counted in play->busy */
    bool closed_for_good;
    uint16_t reconnect_task, closer_task;
    struct outgoing *outgoing, **outgoing_tail;
    struct prompt_note prompts[PROMPTS_MAX];
    uint32_t prompt_count;
    uint64_t run;               /* newest run it has heard of */
    /* Faults that wait for their moment. */
    bool double_hello, wrong_epoch, reset_cursor, cursor_ahead, lose_ack;
    uint64_t late_close_us;
    struct socket *late_socket;
    uint64_t away_until_ns;     /* half-open: no network until then */
    uint64_t frozen_until_ns;
};

void tab_init(struct actor *actor);
void tab_body(void *actor);
void tab_connect(struct tab *tab);
void tab_deliver(struct tab *tab, struct frame *frame);
/* The tab's end of its socket is gone. */
void tab_offline(struct tab *tab, const char *why, uint32_t code);
void tab_close(struct tab *tab);
void tab_fresh(struct tab *tab);
/* Both ends learn that the socket is gone. */
void tab_cut(struct tab *tab, const char *why);
void tab_halfopen(struct tab *tab, uint64_t until_ns);
void tab_back(struct tab *tab);
/* The handshake holds: nothing is left to do by itself. */
void tab_online(struct tab *tab);
void tab_flush(struct tab *tab);
/* {"type":kind} or {"type":kind,name:number}, at once, if there is a socket. */
void tab_tell(struct tab *tab, const char *kind, const char *name, uint64_t number);
/* A message of the script: now if the handshake holds, otherwise as soon as it does. */
void tab_queue(struct tab *tab, const json_t *body, const char *kind, const char *id,
               uint64_t port);
/* A message of the script, whatever the handshake says. */
void tab_send(struct tab *tab, const json_t *body, const char *kind);
struct prompt_note *tab_prompt(struct tab *tab, const char *id, bool open_only);
void tab_stale_answer(struct tab *tab);
/* A tab that wants to be connected and is not: it will try. */
void tab_reconnect_later(struct tab *tab);
bool tab_wants_back(const struct tab *tab);

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

/* --- stores (store_calls.c, locks.c, messages.c) --- */

enum store_part { STORE_LOCKS, STORE_MESSAGES, STORE_PARTS };

/* What a fault has in store for the call that is being made. */
struct store_call {
    struct store_call *next;
    enum store_part part;
    uint16_t core;          /* party */
    uint32_t number;
    uint32_t record;
    record_word op, key;
    uint64_t delay_us;
    bool timeout, applied;
};

struct stores {
    uint32_t calls;
    struct store_call *open[STORE_PARTS]; /* calls under way */
    uint64_t latency_low_us, latency_high_us;
    uint64_t delay_us[STORE_PARTS];       /* every call, while a fault with `for` lasts */
};

/* Brackets a call: begin waits for the latency; performed says whether the effect takes place; end
 * waits for what a fault wants and gives the answer. */
void store_begin(struct instance *instance, struct store_call *call, enum store_part part,
                 const char *op, const char *key);
bool store_performed(const struct store_call *call);
enum core_result store_end(struct instance *instance, struct store_call *call,
                           enum core_result result);
/* The core's threads are gone, their calls with them. */
void store_calls_killed(struct play *play, uint16_t core);
bool store_call_open(const struct play *play, const struct scn_ref *target);
void store_call_delay(struct play *play, const struct scn_ref *target, uint64_t by_us);
void store_call_timeout(struct play *play, const struct scn_ref *target, bool applied);

struct lock_entry {
    char key[CORE_NAME_MAX];
    char owner[CORE_NAME_MAX];
    record_word key_word, lock_word, owner_word;
    bool held;
    uint64_t token;         /* of the newest grant */
    uint64_t until_ns;
    bool undo_valid;        /* the write before can be taken back */
    bool undo_held;
    char undo_owner[CORE_NAME_MAX];
    record_word undo_owner_word;
    uint64_t undo_token, undo_until_ns;
};

struct locks {
    struct play *play;
    struct lock_entry entries[LOCKS_MAX];
    uint32_t count;
    struct lock_entry *written;  /* last */
    uint64_t tokens;             /* handed out so far */
    uint16_t task;               /* expiry */
};

void locks_init(struct play *play);
struct lock_store_port locks_port(struct instance *instance);
bool locks_expirable(const struct play *play, const struct scn_ref *target);
void locks_expire(struct play *play, const struct scn_ref *target);
bool locks_lose_last(struct play *play);

struct stored_event {
    uint64_t key, tenure;
    const char *type, *payload;
    size_t length;
};

struct stream {
    const char *name;
    record_word word;
    char owner[CORE_NAME_MAX];
    uint64_t epoch, tenure, head, floor;
    bool lost;              /* acknowledged events are gone: the next load starts a new epoch */
    struct stored_event *events; /* seq 1 is at [0] */
    uint64_t capacity;
};

struct messages {
    struct stream *streams[SESSIONS_MAX];
    uint32_t count;
    uint64_t epochs;
    struct stream *written; /* last */
};

struct message_store_port messages_port(struct instance *instance);
bool messages_lose_last(struct play *play);

/* --- sandboxes (sandbox.c, process.c) --- */

struct process {
    uint64_t instance, pgid, token, fence;
    const char *request;
    record_word app_word;
    enum app_type app;
    uint16_t port, listening; /* asked for; where it listens, 0: nowhere yet */
    bool alive;             /* the server itself */
    bool ghost;             /* ended, and still answers */
    uint32_t children;      /* alive, in its group */
    bool reaped;
    uint64_t listen_ns;     /* when it will begin to; WORLD_NEVER: not any more */
};

struct box {
    struct play *play;
    struct actor *actor;    /* NULL: a sandbox that the scenario does not name */
    const char *id;
    record_word word;
    uint16_t party;
    bool made, destroyed, down;
    char owner[CORE_NAME_MAX];
    const char *request;
    enum app_type app;
    uint64_t token, fence[APP_TYPE_COUNT];
    uint64_t boot_low_us, boot_high_us;
    struct process processes[PROCESSES_MAX];
    uint32_t process_count;
    uint16_t task;          /* next server begins to listen */
    struct world_queue changed;
    uint32_t calls;         /* of the provider, under way */
    /* Faults that wait for their moment. */
    bool fail_exec, leave_child, move_port, ghost_server, reuse_pid, list_clients, refuse_call,
        return_stopped;
};

struct provider {
    struct box *boxes[SANDBOXES_MAX];
    uint32_t count;
    uint64_t instances;
};

void provider_init(struct play *play);
struct sandbox_provider_port provider_port(struct instance *instance);
void sandbox_body(void *actor);
void box_crash(struct box *box);
void box_recover(struct box *box);
struct box *box_find(struct play *play, const char *id);
/* Tells the script of a sandbox about a call; fields as json_pack says. */
void box_tell(struct box *box, const char *kind, json_t *fields);

struct process *process_spawn(struct box *box, const struct spawn_request *request, uint64_t token);
void process_end(struct box *box, struct process *process, const char *why);
void process_end_child(struct box *box, struct process *process, const char *why);
bool process_group_alive(const struct process *process);
struct process *process_at(struct box *box, uint64_t instance);
uint64_t process_answering(const struct box *box, uint16_t port);
void process_listen_due(void *box);
void process_arm(struct box *box);

/* --- faults (fault.c, fault_act.c) --- */

struct fault {
    struct play *play;
    const struct scn_fault *scn;
    uint32_t index;
    uint16_t party;
    uint16_t task, end_task, close_task;
    uint32_t begun, ended;
    uint32_t left;          /* times that it may still strike */
    bool waits;             /* for after or during */
    bool armed;             /* conditions hold: it strikes when it can */
    bool shown;             /* its task is enabled or has a time */
    bool timed;             /* its task waits for a time or a window */
    bool counted;           /* mandatory and due: in play->busy */
    bool active;            /* with `for`: not healed yet */
    bool lasting;           /* it struck, and was not taken back yet */
    uint64_t cut_frame, cut_byte; /* strikes when so many have passed; 0: not that way */
    uint64_t by_us;
    int64_t jump_us;
};

void faults_init(struct play *play);
/* Conditions may have changed: steps, sockets, calls, locks, frames. */
void faults_refresh(struct play *play);
/* A frame has arrived: cuts at the k-th one. */
void faults_delivered(struct play *play, struct socket *socket, bool to_tab, size_t bytes);
/* Calm: optional ones end, active ones are healed. */
void faults_heal(struct play *play);
bool fault_available(const struct fault *fault);
void fault_act(struct fault *fault);
void fault_undo(struct fault *fault);

/* --- everything of one execution --- */

struct session_plan {
    const char *name, *owner;
    record_word word;
    uint32_t core;          /* which opens it */
    bool by_backend;        /* a script opens it */
};

struct play {
    struct stage *stage;
    const struct scn_file *file;
    const struct core_api *api;
    struct instance *instances;
    struct actor *actors;
    struct fault *faults;
    struct stores stores;
    struct locks locks;
    struct messages messages;
    struct provider provider;
    struct socket *sockets[SOCKETS_MAX];
    uint32_t socket_count;
    uint32_t lives;         /* process groups used */
    uint32_t busy;          /* who will still do something by himself */
    uint64_t progress;      /* steps and faults that began or ended */
    bool setting_up;        /* before the scenario's time begins: no latency, no faults */
    bool calm;              /* no more faults */
    bool ending;            /* cores are drained: nobody comes back */
    struct world_queue stirred;
    uint32_t point_counts[POINTS_MAX];
};

struct stage {
    const struct scn_file *file;
    const struct core_api *api;
    struct stage_hooks hooks;
    uint64_t calm_us;
    struct core_settings settings[SCN_CORES_MAX];
    struct session_plan sessions[SESSIONS_MAX];
    uint32_t session_count;
    bool has_sandboxes;
    struct { const char *name; record_word word; } points[POINTS_MAX];
    uint32_t point_count;
    char problem[PROBLEM_MAX];
    struct play *play;      /* of the execution that runs */
};

/* One more, or one less, who will still do something by himself. */
void play_busy(struct play *play, bool more);

const struct scn_attr *attr_of(const struct scn_attrs *attrs, const char *name);
const char *attr_text(const struct scn_attrs *attrs, const char *name, const char *fallback);
int64_t attr_number(const struct scn_attrs *attrs, const char *name, int64_t fallback);

#endif
