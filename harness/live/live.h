/* A scenario against real daemons, in real time (docs/LIVE.md).
 *
 * The stage of fakes/ acts it out, as in a simulation, but follows a real clock, and what stands
 * for the core is a process: tabs reach it over real sockets (between them are the stage's links,
 * so their faults act as a proxy's do), agents are processes that the daemon starts and whose other
 * end is the scenario's script, and what the daemon stores is read from its file.
 *
 *     live = live_begin(&options, file, api, problem);    for each run
 *     ... a stage with live_api(), live_server() and live_stage(), told by live_attach() ...
 *     ... world_follow_clock(live_clock(live)), world_run(live_chooser(live), ...) ...
 *     live_end(live);
 *
 * All of it belongs to the OS thread of the world. There is one run at a time in a process.
 */
#ifndef HARNESS_LIVE_LIVE_H
#define HARNESS_LIVE_LIVE_H

#include "fakes/stage.h"

#include <stdio.h>

/* How late the machine may be, by the clock, before a deadline that was not met is a fault. */
enum { LIVE_MARGIN_US = 2000000 };
enum { LIVE_PATH_MAX = 4096, LIVE_PROBLEM_MAX = 512, LIVE_DELAYS_MAX = 8 };

struct live_options {
    const char *folder;     /* of live_folder_make */
    const char *daemon;     /* path of sessiond; not looked at with `connect` */
    const char *connect;    /* HOST:PORT of one that runs already, or NULL: one is started */
    const char *ca;         /* with it: whose certificates are believed, or NULL: the system's */
    const char *tokens;     /* with it: file of what users show, or NULL, */
    const char *agents;     /* the socket on which its agents report, or NULL: nobody does, */
    const char *tag;        /* and what its sessions' names end with, in front of `run` */
    const char *helper;     /* path of the harness, which agents and dev servers are */
    double speed;           /* the scenario's time runs so much faster than the clock */
    uint64_t wall_us;       /* a run that takes longer is given up, in real time */
    uint64_t seed;          /* of delays and other chance, */
    uint64_t run;           /* with the number of the run */
    const char *preload;    /* library that holds threads of the daemon back, or NULL */
    const char *delays;     /* where and how long: its variable */
};

/* Makes a folder below TMPDIR, for one run after the other. It belongs to a process that outlives
 * the runs, whatever becomes of them. False: `problem` says why not, and what to do. */
bool live_folder_make(char folder[LIVE_PATH_MAX], char problem[LIVE_PROBLEM_MAX]);
/* With all that is in it. Who was killed while he wrote there may take a moment to be gone: it is
 * tried for two seconds. */
void live_folder_remove(const char *folder);

struct live;

/* Asks the daemon of options->connect what it can be asked for, before any run: tells whatever of
 * the scenario cannot be done with its settings and tokens. False: `problem` says why nobody knows.
 * Waits for the network. */
bool live_ask_elsewhere(const struct live_options *options, const struct scn_file *file,
                        const struct core_api *api, stage_tell tell, void *context,
                        char problem[LIVE_PROBLEM_MAX]);

/* Writes the options of a daemon for that scenario at that speed, as its file has them: all
 * settings of its core. */
void live_write_settings(FILE *out, const struct scn_file *file, const struct core_api *api,
                         double speed);

/* Makes what a run needs. NULL: `problem` says why not. */
struct live *live_begin(const struct live_options *options, const struct scn_file *file,
                        const struct core_api *api, char problem[LIVE_PROBLEM_MAX]);

/* Ends every process of the run and empties its folder. */
void live_end(struct live *live);

/* What a stage of this run is given: the functions of its core, its server, and the rest. */
const struct core_api *live_api(const struct live *live);
const struct server_api *live_server(void);
const struct stage_live *live_stage(const struct live *live);
/* The stage, once it is made: what is seen outside is told to it. */
void live_attach(struct live *live, struct stage *stage);

/* Time and chance of the run. */
const struct world_clock *live_clock(const struct live *live);
struct world_chooser *live_chooser(struct live *live);

/* What the daemons wrote that is no line of their log, such as a sanitizer's report; "" if nothing.
 * Valid until live_end. */
const char *live_complaints(const struct live *live);

/* --- the processes that daemons start --- */

/* An agent: connects input and output to the run's socket. Returns the exit status. */
int live_agent_main(const char *socket);
/* A dev server of the sandbox that its environment names. Returns the exit status. */
int live_server_main(const char *socket, const char *port);

#endif
