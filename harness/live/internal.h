/* Everything of one live run. Internal to harness/live. */
#ifndef HARNESS_LIVE_INTERNAL_H
#define HARNESS_LIVE_INTERNAL_H

#include "fakes/witness.h"
#include "harness/live/live.h"
#include "harness/net/outside.h"
#include "harness/world/world.h"
#include "include/session_settings.h"

#include <jansson.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/types.h>

/* --- waiting (loop.c) --- */

enum { WATCHES_MAX = 256 };

/* A descriptor that is waited for. `ready` is called in a step of its own, and may do what a task
 * of the world may. */
struct watch {
    int fd;                 /* -1: free */
    short events;           /* 0: not now */
    short ready_events;
    void (*ready)(void *context, short events);
    void *context;
};

struct loop {
    struct watch watches[WATCHES_MAX];
    uint32_t count;
    uint64_t start_ns;      /* of the clock */
    uint64_t until_ns;      /* of the clock: the run is given up */
    double speed;
    uint64_t wake_ns;       /* the chooser wants to be asked then; of the scenario */
    uint16_t task;          /* tells what is ready */
    bool held;
    void (*before)(void *context); /* see loop_look */
    void (*last)(void *context); /* before the run is given up */
    void *context;
    struct world_clock clock;
};

void loop_init(struct loop *loop, double speed, uint64_t wall_us);
/* Inside the execution, before anything is watched. */
void loop_enter(struct loop *loop);
struct watch *loop_watch(struct loop *loop, int fd, short events,
                         void (*ready)(void *context, short events), void *context);
/* Forgets it, and closes the descriptor. */
void loop_close(struct watch *watch);
/* Something has come from a daemon, and nobody knows what it says yet: what led to it is looked at
 * now, for it may have come since anybody looked last. */
void loop_look(const struct loop *loop);
/* While it is held, the scenario's time has not begun. */
void loop_hold(struct loop *loop, bool held);
/* The clock's own time, which never goes back. */
uint64_t loop_clock_ns(void);
/* How long something of the scenario takes by the clock. */
uint64_t loop_real_us(const struct loop *loop, uint64_t time_us);

/* --- chance (choose.c) --- */

struct drawn {
    bool drawn, never;
    uint64_t since_ns, when_ns;
};

struct chance {
    struct world_chooser chooser;
    uint64_t state;
    struct loop *loop;
    struct drawn drawn[WORLD_ENTITIES_MAX];
};

void chance_init(struct chance *chance, struct loop *loop, uint64_t seed, uint64_t run);

/* --- daemons (daemon.c, config.c) --- */

enum { LINE_MAX_BYTES = 1 << 16, COMPLAINTS_MAX = 1 << 15 };

struct daemon {
    struct live *live;
    uint32_t index;         /* of the core */
    const char *name;
    uint8_t group;          /* of the world, of this life */
    struct core_settings settings;
    struct agent_runner_port agents;
    uint32_t life;          /* from 1 */
    pid_t pid;              /* 0: it does not run */
    uint16_t port;          /* 0: it does not listen yet */
    bool stopping, in_time, ended;
    int status;             /* as waitpid has it, once it has ended */
    struct watch *output, *process, *door;
    char *line;             /* of its output, that has not come as a whole */
    size_t line_length;
    enum world_finding_kind reported; /* by a sanitizer in it, in this life: what, */
    char report[256];       /* and the line that says so */
    struct world_queue changed;
    struct agent_run *runs;
};

/* Starts the process and waits until it listens. A fiber. */
enum core_result daemon_start(struct daemon *daemon);
/* Asks it to end and waits until it has. A fiber. */
enum core_result daemon_drain(struct daemon *daemon);
/* What its agents get to end by themselves then, by the clock. */
uint64_t daemon_drain_us(const struct live *live);
/* Now, without asking. */
void daemon_kill(struct daemon *daemon);
/* Reads what it has written so far; a sanitizer's report among it ends the execution. */
void daemon_hear(struct daemon *daemon);
/* Writes the file of its options; false: `problem` of the run says why not. */
bool daemon_configure(const struct daemon *daemon, const char *path);
/* The settings of every core by their numbers, and their names. */
size_t live_setting_count(void);
const char *live_setting_name(size_t number);
/* What a daemon is to be set to for a scenario, by the clock; of a policy *word, otherwise NULL. */
uint64_t live_wanted(const struct scn_file *file, const struct core_setting *setting, double speed,
                     const char **word);

/* --- agents (agents.c, agent_calls.c) --- */

struct question {
    struct question *next;
    const char *id;
    prompt_done done;       /* NULL: somebody waits */
    void *context;
    bool answered, closed;  /* the daemon has said so, its log has */
    bool settled;
    struct prompt_answer answer;
};

/* A process of the daemon that stands for an agent. Its address is the core's run_context. */
struct agent_run {
    struct agent_run *next;
    struct daemon *daemon;
    struct watch *watch;    /* NULL: the connection has ended */
    char *bytes;            /* that came, and were not read */
    size_t length, capacity;
    char *out;              /* what the process has not taken yet */
    size_t out_length, out_capacity;
    bool begun, stop, over; /* over: nobody is at work any more */
    const char *agent, *session, *input;
    uint64_t number, token;
    uint64_t asked;         /* number of the last line that wants an answer */
    uint64_t answered;      /* and of the last that has one */
    enum core_result code;
    uint64_t seq;
    struct question *questions, **questions_tail;
    struct world_queue changed;
};

/* The socket on which agents of this life of the daemon report; one that a life before has started
 * finds it no more. */
void agents_path(const struct daemon *daemon, char path[LIVE_PATH_MAX]);
void agents_open(struct daemon *daemon);
/* The daemon is gone, and all of its agents. */
void agents_close(struct daemon *daemon);
/* The daemon goes on without them: they are asked to stop, and have when this returns. A fiber. */
void agents_dismiss(struct daemon *daemon);
/* The log says how that question ended. */
void agents_settle(struct live *live, const char *session, uint64_t run, const char *id,
                   const char *outcome);
/* The line goes out as the process has room for it. False: the connection has ended. */
bool agent_write(struct agent_run *run, json_t *line);
void agents_calls(struct core_api *api);

/* --- what is stored (store.c) --- */

struct store_watch;
struct store_watch *store_watch_new(struct live *live, const char *path);
void store_watch_free(struct store_watch *watch);
/* Tells the stage what is new. */
void store_look(struct store_watch *watch);
/* A question's end is told to its agent here if the daemon could not. */
void store_tell_agents(struct live *live, const char *session, const struct store_event *event);

/* --- dev servers (servers.c) --- */

struct servers;
struct servers *servers_new(struct live *live);
void servers_free(struct servers *servers);
/* The socket on which they report. Inside the execution. */
void servers_open(struct servers *servers);

/* --- the run's folder (folder.c) --- */

void folder_empty(const char *folder);

/* --- sockets of the run's folder (door.c): a descriptor, or -1 with errno --- */

int door_open(const char *path);
int door_knock(const char *path);
/* Who has knocked; -1 if he has left again. Where nobody can be let in any more, as for lack of
 * descriptors, the run cannot go on: the next look would find him there again, and so for ever. */
int door_welcome(struct live *live, int door);

/* --- requests over HTTP (request.c) --- */

struct reply {
    int status;             /* 0: there was none */
    const char *body;
    size_t length;
};

/* Sends it to the daemon and waits for the answer, in scratch memory. A fiber. */
struct reply request_make(struct daemon *daemon, const char *method, const char *path,
                          const char *user, const char *body);

/* --- a daemon that runs already (elsewhere.c, ask.c, history.c) --- */

enum { PLACES_MAX = 16 };

struct place {
    struct sockaddr_storage storage;
    socklen_t length;
};

struct address {
    struct place places[PLACES_MAX]; /* of the host's name */
    uint32_t count;
    char host[256];
    bool secure;            /* it speaks TLS */
};

/* GET of that path with that token. Waits for the answer, until then by loop_clock_ns; returns its
 * status, 0 if there is none, and what it says as JSON, or NULL. `problem`, if it is not NULL, gets
 * why there is none. */
int elsewhere_ask(const struct address *address, const char *token, const char *path,
                  uint64_t until_ns, json_t **body, const char **problem);

struct elsewhere;
/* NULL: `problem` says why not. */
struct elsewhere *elsewhere_new(const struct live_options *options, char problem[LIVE_PROBLEM_MAX]);
void elsewhere_free(struct elsewhere *elsewhere);
const struct address *elsewhere_address(const struct elsewhere *elsewhere);
/* What that user shows; NULL: nobody has said. */
const char *elsewhere_token(const struct elsewhere *elsewhere, const char *user);
/* In place of a start, and of a drain. */
enum core_result elsewhere_start(struct daemon *daemon);
enum core_result elsewhere_leave(struct daemon *daemon);

/* --- connections to it (reach.c) --- */

/* A connection that does not block, or -1 with errno: until then all its addresses were tried. */
int reach(const struct address *address, uint64_t until_ns);
/* Waits until the descriptor is ready for that. False: it is not, until then. */
bool reach_wait(int fd, short events, uint64_t until_ns);
/* That port of this machine. */
void reach_loopback(struct address *address, uint16_t port);

/* --- TLS (secure.c): a filter; on the heap --- */

struct secure;
/* Once before the first one: certificates are judged by that file, or by those of the system. */
bool secure_trust(const char *ca, char problem[LIVE_PROBLEM_MAX]);
/* Its certificate has to name that host. */
struct secure *secure_new(const char *host);
void secure_free(struct secure *secure);
/* To be said to the other end. */
void secure_write(struct secure *secure, const char *bytes, size_t count);
/* What came from there. False: it makes no sense, or the certificate is not good. */
bool secure_take(struct secure *secure, const char *bytes, size_t count);
/* What it said: so many bytes, 0: nothing more yet. */
size_t secure_read(struct secure *secure, char *bytes, size_t room);
/* What has to go there: so many bytes, 0: nothing more. To be asked for after each call above. */
size_t secure_sends(struct secure *secure, char *bytes, size_t room);
/* Nothing more will come: it may wait for the same to be said to it before its connection ends. */
bool secure_ended(const struct secure *secure);
/* Why it cannot go on; NULL: it can. Static. */
const char *secure_problem(const struct secure *secure);

/* How far the log of a session was read. */
struct followed {
    const char *name;       /* of the scenario */
    char called[CORE_NAME_MAX]; /* by the daemon */
    uint64_t epoch, head;
};

/* Tells the stage what is new. */
void history_look(struct live *live);

/* --- all of it --- */

struct live {
    struct live_options options;
    const struct scn_file *file;
    struct stage *stage;
    struct core_api api;
    struct stage_live stage_live;
    struct loop loop;
    struct chance chance;
    struct daemon daemons[SCN_CORES_MAX];
    struct store_watch *store;
    struct servers *servers;
    char complaints[COMPLAINTS_MAX];
    size_t complaints_length;
    const char *sessions[SCN_ACTORS_MAX + 1], *owners[SCN_ACTORS_MAX + 1];
    uint32_t session_count;
    struct elsewhere *elsewhere; /* NULL: the run starts its daemon itself */
    struct followed followed[SCN_ACTORS_MAX + 1]; /* by session */
    bool entered;
    char problem[LIVE_PROBLEM_MAX];
};

/* Connections; `loop` is whose descriptors they are from here on. They go to a port of the
 * loopback, or all of them to an address. */
extern const struct outside_network live_network;
void network_begin(struct loop *loop, const struct address *address);
/* Nobody reads from them any more. */
void network_end(void);
/* The run is over, and its descriptors are closed. */
void network_forget(void);

/* FOLDER/NAME, in memory that the run gives up at its end. */
void live_path(const struct live *live, const char *name, char path[LIVE_PATH_MAX]);
/* "token-of-NAME", as the daemon's file of tokens has it, or what the user was given. */
const char *live_token(void *live, const char *user);
/* What the daemon calls a session: one that runs on has those of other runs, too. */
const char *live_session(void *live, const char *name);
/* Of requests. */
const char *live_host(const struct live *live);
/* The run cannot go on: ends the execution, as the harness's fault. */
_Noreturn void live_give_up(struct live *live, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
