/* Between tabs and cores: links, sockets, and the thread that owns them at the core. */
#ifndef FAKES_WIRE_H
#define FAKES_WIRE_H

#include "fakes/common.h"
#include "fakes/stage.h"
#include "fakes/tally.h"
#include "fakes/server/server_api.h"
#include "fakes/http/client.h"
#include "fakes/websocket/client.h"
#include "harness/net/outside.h"

/* What is too long for a tab, and the room for a request of one, with its token. */
enum { MESSAGE_MAX = 64 << 20, REQUEST_ROOM = 2048 };

/* --- links: frames on their way (link.c) --- */

/* With transport=sockets, bytes: MESSAGE is a frame of a WebSocket or its beginning, BYTES anything
 * else (the handshake, the rest of a frame), CLOSE may hold some, and ends them. */
enum frame_kind { FRAME_OPEN, FRAME_MESSAGE, FRAME_CLOSE, FRAME_BYTES };

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
    bool partial;           /* the rest of the message follows as BYTES */
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
    uint64_t taken;         /* frames that left it by arriving, or were lost at its head */
    struct frame *head, **tail;
};

/* What the tab has said about itself. */
struct hello_note {
    bool said, known;       /* known: with this cursor */
    uint64_t epoch, cursor;
};

/* How far a connection has come, by the frames that arrived (tab_course.c). */
struct course {
    bool blind;             /* frames are missing, or nobody knows the hello: no more is judged */
    bool ready, begun;      /* connection_ready, initial_state */
    bool skipped;           /* by a gap, and no new beginning has followed */
    bool replays, over;     /* a replay is under way; taken_over */
    const char *mode;       /* that the first replay has to have, */
    uint64_t from;          /* and its first event */
    uint64_t epoch, head, floor;
    uint64_t cursor;        /* the newest event that came or was left out */
    uint64_t to;            /* end of the replay */
    uint32_t notices;       /* of what closes the newest control frame says the reason */
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
    bool closed;            /* conn_closed was called */
    bool left;              /* the tab has closed it in good order */
    bool cut;               /* nothing passes any more */
    bool write_queued, close_queued;
    uint64_t closed_ns;     /* when */
    uint64_t wanted_ns;     /* since when the core wants to write; 0: it does not */
    uint32_t close_code;
    struct conn_ref conn;
    struct conn_frame held;                /* in flight until there is room; bytes NULL: none */
    uint32_t frames_in, frames_out;        /* sent by the tab, by the core */
    uint64_t wakes, silences;              /* calls of want_write; of conn_next, for nothing */
    bool cut_short;                        /* closed before its last frames had room */
    uint32_t frames_seen;                  /* newest number that arrived at the tab */
    uint64_t frames_mask;                  /* which of the 64 up to that one did */
    bool lossy;                            /* one came without its predecessor */
    struct hello_note hello;               /* of the tab itself */
    struct course course;                  /* as far as the tab has followed it */
    uint32_t pages_asked, pages_got;       /* by the tab: requests and answers */
    bool pages_unclear;                    /* and it cannot tell which belong together */
    uint32_t delivered[2];                 /* frames that arrived at the core, at the tab */
    uint64_t bytes[2];
    struct byte_ends *ends;                /* transport=sockets only */
};

/* What a socket is besides, if bytes pass over it (sockets.c). */
struct byte_ends {
    struct outside *outside;  /* NULL: its handshake has not reached the core */
    uint64_t server_handle;   /* of the server */
    struct websocket websocket;
    struct http http;         /* in its place, if the tab speaks otherwise */
    uint32_t pages;           /* of a tab that polls: answers that came */
    bool over;                /* the server has ended it, and the tab has not begun another */
    uint8_t head_seen;        /* bytes of the empty line behind the response's head: 4, all */
    bool line_ended;          /* the last byte of the server was a line feed */
    struct frame *given, **given_tail; /* messages that arrived at the server, and were not read */
    uint32_t input;           /* record of the message that the core looks at */
    uint32_t input_frame;     /* and its number */
    struct frame *sent, **sent_tail; /* messages that the server sends; length: bytes to come */
    struct frame receiving;   /* the message of which the tab hears */
    struct distant *distant;  /* of a core that runs elsewhere */
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
    uint64_t posted, taken; /* so much work, so far */
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

/* Tells the stage's owner what happened on that socket (ws.c); `frame` may be NULL. */
void wire_tell(const struct socket *socket, enum stage_wire_kind kind, const struct frame *frame);

/* Whether the core that it was opened to still runs. */
bool socket_is_current(const struct socket *socket);

/* --- the real server in the place of it (sockets.c): transport=sockets --- */

/* The core's port, and its server, which listens from sockets_start on. */
struct transport_port sockets_create(struct instance *instance);
void sockets_start(struct instance *instance);
void sockets_stop(struct instance *instance);
void sockets_destroy(struct instance *instance);

/* The handshake of a new socket, to be sent. */
void sockets_greet(struct socket *socket, struct frame *open);
/* Whom a request of the tab on that socket names, and by which token. */
const char *sockets_host(const struct socket *socket);
const char *sockets_token(const struct socket *socket);
/* Puts a frame of the tab around the message. */
void sockets_wrap(struct socket *socket, struct frame *frame, enum websocket_opcode opcode);
/* The goodbye of the tab. */
void sockets_part(struct frame *close, uint32_t code);
/* A frame of the link has arrived. */
void sockets_at_core(struct frame *frame);
void sockets_at_tab(struct frame *frame);
/* The core's end hears that the connection broke. */
void sockets_reset(struct socket *socket);
/* There is room in the link to the tab, or nobody is at its end. */
void sockets_resume(struct socket *socket);

/* --- sockets whose core is a process elsewhere (distant.c) --- */

/* What comes back on a socket that was greeted like that will be read along. */
void distant_greet(struct socket *socket, const struct websocket_request *request,
                   size_t message_max);
/* That message of the tab leaves for the core. */
void distant_input(struct socket *socket, const struct frame *frame);
/* The connection ends; nothing if it has, or never began. */
void distant_detach(struct socket *socket, const char *why);
extern const struct outside_calls distant_calls;

/* A close is reported twice, if the tab's fault says so (ws.c). */
void ws_repeat_close(struct socket *socket);
/* The "type" of a message, 0 if there is none. */
record_word ws_type_of(const char *bytes, size_t length);

/* --- core instances (instance.c) --- */

struct instance {
    struct play *play;
    uint32_t index;
    uint16_t party;
    uint8_t group;
    uint32_t life;          /* 0 before the first */
    bool alive;             /* started, not killed, not draining */
    bool coming;            /* being started, or will be */
    uint32_t callers;       /* backends inside its functions: it is not destroyed meanwhile */
    struct core *core;
    bool eager;             /* its transport asks for frames before it is their time */
    bool sockets;           /* served by the real server; otherwise by `ws` */
    struct ws_transport *server;
    struct transport_port server_port;
    struct ws ws;
    char ws_name[WORLD_NAME_MAX];
    char keeper_name[WORLD_NAME_MAX];
    char main_name[WORLD_NAME_MAX];
    char relay_name[WORLD_NAME_MAX];
    char alert_point[WORLD_NAME_MAX];
    bool submitting;        /* a thread of its process is about to submit runs */
    uint16_t restart_task;
    uint64_t drain_us;      /* what its keeper has to do */
    uint64_t draining_us;   /* since then, */
    uint16_t overdue;       /* and who tells that it takes too long; 0: nobody */
    uint64_t restart_us;    /* WORLD_NEVER: leave it */
    struct world_queue changed;
    struct tally tallies[TALLIES_MAX];
    bool unwell;               /* as it has told of itself */
    uint32_t health_told;      /* how often it has, either way */
    uint32_t tally_count;
    struct world_queue started;      /* nobody waits here: what was done before is known after */
};

void instance_init(struct play *play, uint32_t index);
/* The relay port: to every other core of the scenario (relay.c). */
void relay_pass(void *instance, const char *session, const char *message, size_t length);
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

#endif
