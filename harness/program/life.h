/* One execution of the program: its main, and what was wrong with it. */
#ifndef HARNESS_PROGRAM_LIFE_H
#define HARNESS_PROGRAM_LIFE_H

#include "harness/explore/explore.h"

/* Beside the kinds of findings: see explore.h. Failed assertions, aborts and exit statuses are
 * told apart by their text, above these. */
enum { LIFE_LEAK = EXPLORE_CHECKS, LIFE_DESCRIPTORS, LIFE_DIVERGED, LIFE_TEXTS };

struct life {
    struct explore_subject subject;
    uint32_t status_expected;
    void (*function)(void *argument); /* what is run instead of main; NULL: main */
    void *argument;
    bool may_leak;           /* what nobody can reach any more is not looked for */
    bool live;               /* print what does not fit, and getopt()'s complaints */
    /* Of the last execution: */
    bool returned;           /* main did, or it left and all others ended */
    int status;              /* -1: there is none, it failed */
    struct world_finding finding; /* kind WORLD_FOUND_NONE: it passed */
    uint64_t bytes_reachable;
    uint32_t descriptors_known; /* left open, but no leak */
};

/* What main is called with; they must stay. */
void life_arguments(int argc, char **argv, char **envp);

/* Prepares `life` for executions in this process; the world must be ready. */
void life_init(struct life *life, uint32_t status_expected);

#endif
