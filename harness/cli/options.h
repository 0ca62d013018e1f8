/* What the user asked for on the command line. */
#ifndef HARNESS_CLI_OPTIONS_H
#define HARNESS_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/explore/shard.h"
#include "harness/explore/strategy.h"
#include "reports/report.h"

/* X(ID, "long", argument or NULL, "help") */
#define CLI_OPTIONS(X)                                                                             \
    X(TIMES, "times", "N", "so many runs of each file (1)")                                        \
    X(SPEED, "speed", "N", "let the scenario's time run N times faster than the clock (1)")        \
    X(WALL, "wall", "TIME", "give a run up that takes longer, in real time (60s)")                 \
    X(DAEMON, "daemon", "FILE", "the sessiond to start (default: beside the executable)")          \
    X(CONNECT, "connect", "HOST:PORT",                                                             \
      "a sessiond that runs already, instead of starting one (wss://HOST:PORT: over TLS)")         \
    X(CA, "ca", "FILE", "with --connect: who signs its certificate (default: the system's)")       \
    X(TOKEN, "token", "FILE", "with --connect: lines USER * TOKEN, or a token for everybody")      \
    X(AGENTS, "agents", "SOCKET",                                                                  \
      "with --connect: where the daemon's agents report: harness live-agent SOCKET")               \
    X(CONFIG, "write-config", "FILE",                                                              \
      "write the settings that a daemon needs for the scenario and --speed, and end")              \
    X(CONFIRM, "confirm", "TOKEN",                                                                 \
      "hold a thread back where the order of a simulated failure was decided")                     \
    X(HOLD, "hold", "TIME", "with --confirm: for so long at most, in real time (50ms)")            \
    X(TRACE, "trace", "FILE", "write the records of the last run (docs/TRACE.md)")                 \
    X(CHOICES, "choices", "TOKEN", "one execution, as a report names it; no exploring")            \
    X(STRATEGY, "strategy", "NAME", "how to choose, instead of the file's ('harness words')")      \
    X(DEPTH, "depth", "N", "depth of pct; deviations of dfs, exhaustive")                          \
    X(SEED, "seed", "N", "seed, instead of the file's")                                            \
    X(RUNS, "runs", "N", "budget of runs, instead of the file's")                                  \
    X(JOBS, "jobs", "N", "explore with N processes (-j N); prints the same")                       \
    X(CORPUS, "corpus", "DIR", "keep failing executions there, and replay them first")             \
    X(SHARD, "shard", "I/N", "explore part I of N; 'harness merge' puts the JSON together")        \
    X(CORE, "core", "FILE", "another build of the core: an image, or the name of one in cores/")   \
    X(TRANSPORT, "transport", "KIND", "frames or sockets, instead of the file's")                  \
    X(FULL, "full", NULL, "the whole diagram: every column, every row")                            \
    X(REPORTS, "reports", "DIR",                                                                   \
      "folder for reports of failures (default: reports, beside a build or here)")                 \
    X(JUNIT, "junit", "FILE", "write JUnit XML")                                                   \
    X(JSON, "json", "FILE", "write a summary as JSON")                                             \
    X(GITHUB, "github", NULL, "print what does not hold as annotations of GitHub Actions, too")    \
    X(PCAP, "pcap", "FILE", "write one execution as a packet capture (docs/CAPTURES.md)")          \
    X(FILTER, "filter", "EXPR", "only packets that match, as tcpdump has it: 'port 8080'")         \
    X(SETTINGS, "settings", "FILE", "a scenario whose core, store and clock lines to take")        \
    X(LIST, "list", NULL, "print the messages of the capture")                                     \
    X(OUTPUT, "output", "FILE", "write there (-o FILE)")                                           \
    X(IPV6, "ipv6", NULL, "with --pcap: IPv6 instead of IPv4")                                     \
    X(NO_SHRINK, "no-shrink", NULL, "report a failure as it was found")                            \
    X(GDB, "gdb", NULL, "replay under gdb")                                                        \
    X(UNTIL, "until", "STEP", "stop the replay at that step (a trap under gdb)")                   \
    X(HELP, "help", NULL, "this text")

enum { JOBS_MAX = 64 }; /* at most CREW_JOBS_MAX */

enum cli_option {
#define X(id, word, argument, help) CLI_##id,
    CLI_OPTIONS(X)
#undef X
        CLI_OPTION_COUNT
};

/* A set of options has one bit for each. */
#define OPTION(id) (UINT64_C(1) << CLI_##id)
_Static_assert(CLI_OPTION_COUNT <= 64, "a set of options has 64 bits");

struct cli_options {
    bool given[CLI_OPTION_COUNT];
    const char *text[CLI_OPTION_COUNT]; /* the value as it was written; NULL: none */
    const char *choices;
    const char *core;
    const char *transport; /* NULL: as the file says */
    const char *corpus;
    const char *reports;
    const char *junit;
    const char *json;
    const char *pcap;
    const char *filter;
    const char *settings;
    const char *output;
    enum explore_kind strategy;
    uint32_t depth;
    uint64_t seed;
    uint64_t runs;
    uint32_t jobs; /* 0: not given */
    uint64_t until;
    uint64_t times;
    double speed;
    uint64_t wall_us;
    uint64_t hold_us;
    struct shard shard;
    bool single; /* one execution is asked for, by a token or a schedule, as it is */
    char **files;
    uint32_t file_count;
};

/* Reads the words after the command. `allowed` is a set of OPTION(...). False: the reason was
 * printed to stderr; the exit status is 2. */
bool cli_options_read(const char *command, uint64_t allowed, int argc, char **argv,
                      struct cli_options *options);

/* Where the first word stands that is neither an option nor the value of one, if it is a program
 * that harness-cc has linked: what follows it are its arguments. Otherwise argc. */
int cli_program_at(uint64_t allowed, int argc, char **argv);

/* The word that this process was called by, for cli_command: it has to stay. */
void cli_called(const char *word);

/* How this executable is called again, as a shell reads it: "./harness COMMAND FILE --core FILE
 * --choices TOKEN", with those of the options that have a value, in their order, and the token
 * unless it is NULL. Malloc'ed. */
char *cli_command(const char *command, const char *file, const struct cli_options *options,
                  uint64_t which, const char *token);

/* The options that say what is executed. */
#define CLI_SUBJECT (OPTION(CORE) | OPTION(TRANSPORT))

/* How to print: in colours where standard output is a terminal that can, unless NO_COLOR is set. */
struct report_style cli_style(const struct cli_options *options);

/* One line for each allowed option. */
void cli_options_help(uint64_t allowed);

#endif
