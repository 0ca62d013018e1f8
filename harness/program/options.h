/* What the environment asks of a program that explores itself. */
#ifndef HARNESS_PROGRAM_OPTIONS_H
#define HARNESS_PROGRAM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/explore/shard.h"
#include "harness/explore/strategy.h"

/* X(ID, "NAME", default, "help"); the default is what stands in the help. */
#define PROGRAM_OPTIONS(X)                                                                         \
    X(CHOICES, "CHOICES", "none", "replay one execution by its token; no exploring")               \
    X(UNTIL, "UNTIL", "none", "stop that execution at a step, in a debugger if there is one")      \
    X(STEP, "STEP", "none", "choose by hand, with commands from a file; -: standard input")        \
    X(STRATEGY, "STRATEGY", "auto", "how the choices are made")                                    \
    X(SEED, "SEED", "1", "seed of the strategy")                                                   \
    X(RUNS, "RUNS", "10000", "budget of executions")                                               \
    X(JOBS, "JOBS", "1", "explore with so many processes; prints the same")                        \
    X(CORPUS, "CORPUS", "none", "a folder: failing executions are kept and tried first")           \
    X(SHARD, "SHARD", "1/1", "explore this part of the executions")                                \
    X(DEPTH, "DEPTH", "3", "depth of pct; deviations of dfs, exhaustive")                          \
    X(DELAYS, "DELAYS", "DEPTH", "delays of delay; exhaustive: the bound, instead of DEPTH")       \
    X(STALLS, "STALLS", "4", "how often a thread may be delayed, in one execution")                \
    X(LAG, "LAG", "10s", "how long such a delay may be (us, ms, s)")                               \
    X(SPURIOUS, "SPURIOUS", "1", "condition waits that may end without a reason, in one")          \
    X(LATE, "LATE", "1", "times that data of a connection may arrive late or in parts, in one")    \
    X(WEAK, "WEAK", "8", "atomic loads that may read an older value, where their order permits")   \
    X(STEPS, "STEPS", "50000", "bound on the steps of one execution")                              \
    X(STATUS, "STATUS", "0", "exit status of the program when nothing is wrong")                   \
    X(LOOP, "LOOP", "10", "seconds of processor time without a step that are an endless loop")     \
    X(RACES, "RACES", "1", "0: accesses that nothing orders are no failure")                       \
    X(LEAKS, "LEAKS", "1", "0: what nobody can reach any more at the end is no failure")           \
    X(POINTS, "POINTS", "calls", "memory: another thread may go on before every access, too")      \
    X(SHRINK, "SHRINK", "1", "0: report a failure as it was found")                                \
    X(REPORTS, "REPORTS", "none", "folder for pages of failures: DIR/PROGRAM/index.html")          \
    X(JUNIT, "JUNIT", "none", "write JUnit XML there")                                             \
    X(JSON, "JSON", "none", "write a summary as JSON there")                                       \
    X(GITHUB, "GITHUB", "0", "1: print a failure as an annotation of GitHub Actions, too")         \
    X(EXPLORATION, "EXPLORATION", "1", "of a unit test: the call of harness_explore() to replay") \
    X(FULL, "FULL", "0", "1: show every step, and all output of the failing execution")

enum program_option {
#define X(id, name, standard, help) PROGRAM_##id,
    PROGRAM_OPTIONS(X)
#undef X
        PROGRAM_OPTION_COUNT
};

struct program_options {
    bool given[PROGRAM_OPTION_COUNT];
    const char *choices; /* NULL: explore */
    const char *step;    /* where commands come from, "-" for standard input; NULL: nowhere */
    const char *corpus;  /* NULL: none */
    struct shard shard;
    const char *reports; /* NULL: no page is written */
    const char *junit, *json; /* NULL: no such file is written */
    enum explore_kind strategy;
    uint64_t seed, runs;
    uint32_t jobs, depth, delays, stalls, spurious, late, weak, steps, status, loop_seconds, until;
    uint32_t exploration;
    uint64_t lag_ns;
    bool races, leaks, memory_points;
    bool shrink, full, github;
};

/* Reads HARNESS_NAME of every option. False: the reason was printed. */
bool program_options_read(struct program_options *options);

/* Whether it draws executions, rather than searching through them. */
bool program_is_sampler(enum explore_kind kind);

/* The strategy of that name. False: there is none, and that was printed. */
bool program_strategy_read(const char *text, enum explore_kind *kind);

#endif
