/* What the user asked of 'harness live'. */
#ifndef HARNESS_CLI_LIVE_OPTIONS_H
#define HARNESS_CLI_LIVE_OPTIONS_H

#include "harness/cli/options.h"
#include "harness/live/live.h"

/* X(ID, "long", argument or NULL, "help") */
#define LIVE_OPTIONS(X)                                                                            \
    X(TIMES, "times", "N", "so many runs of each file (1)")                                        \
    X(SPEED, "speed", "N", "the scenario's time runs N times faster than the clock (1); 2.5, too") \
    X(SEED, "seed", "N", "seed of delays and other chance, instead of the file's")                 \
    X(WALL, "wall", "TIME", "a run that takes longer is given up, in real time (60s)")             \
    X(DAEMON, "daemon", "FILE", "the sessiond to start (default: beside the executable)")          \
    X(CONNECT, "connect", "HOST:PORT", "a sessiond that runs already, instead of starting one")    \
    X(TOKEN, "token", "FILE", "with --connect: lines USER * TOKEN, or a token for everybody")      \
    X(AGENTS, "agents", "SOCKET",                                                                  \
      "with --connect: where the daemon's agents report: harness live-agent SOCKET")               \
    X(CONFIG, "write-config", "FILE",                                                              \
      "write the settings that a daemon needs for the scenario and --speed, and end")              \
    X(CONFIRM, "confirm", "TOKEN",                                                                 \
      "hold a thread back where the order of a simulated failure was decided")                     \
    X(CORE, "core", "FILE", "with --confirm: the build of the core that failed")                   \
    X(HOLD, "hold", "TIME", "with --confirm: for so long at most, in real time (50ms)")            \
    X(FULL, "full", NULL, "the whole diagram: every column, every row")                            \
    X(REPORTS, "reports", "DIR",                                                                   \
      "folder for reports of failures (default: reports, beside a build or here)")                 \
    X(JUNIT, "junit", "FILE", "write JUnit XML")                                                   \
    X(JSON, "json", "FILE", "write a summary as JSON")                                             \
    X(TRACE, "trace", "FILE", "write the records of the last run (docs/TRACE.md)")                 \
    X(HELP, "help", NULL, "this text")

struct live_words {
    bool help, full;
    uint64_t times;
    const char *speed_word;     /* as it was written */
    double speed;
    bool has_seed;
    uint64_t seed, wall_us;
    const char *wall_word, *hold_word; /* as they were written; NULL: they were not */
    const char *confirm;        /* a token; NULL: none */
    const char *core;           /* that it is of; NULL: the file's */
    uint64_t hold_us;
    const char *trace;          /* NULL: none */
    const char *daemon;         /* NULL: the one beside the executable */
    const char *connect, *tokens, *agents; /* NULL: not said */
    const char *config;         /* NULL: not wanted */
    struct cli_options common;  /* what other parts of the command line want to know */
};

/* Reads the words after the command. False: the reason was printed to stderr; exit status 2. */
bool live_options_read(int argc, char **argv, struct live_words *words);

void live_options_help(void);

#endif
