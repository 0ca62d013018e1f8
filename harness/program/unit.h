/* Between harness_explore() and the course of its exploration, which main.c has. */
#ifndef HARNESS_PROGRAM_UNIT_H
#define HARNESS_PROGRAM_UNIT_H

#include "options.h"
#include "promises.h"

/* What is explored, from where main stands. */
struct course {
    struct program_options options;
    const char *name;    /* in reports */
    uint32_t number;     /* of the call, from 1 */
    void (*function)(void *argument);
    void *argument;
    bool quiet;          /* print no failure */
};

/* What came of it. The texts stay until the next course. */
struct course_result {
    uint64_t runs, distinct, cut;
    bool complete, failed;
    enum world_finding_kind kind; /* of the failure */
    const char *text, *screen;
    char *token;                  /* malloc'ed; NULL unless it failed */
    const struct promises *promises;
};

/* The options of the environment. */
const struct program_options *course_options(void);

/* Whether the program can be explored in that way; if not, that was printed. */
bool course_fits(const struct program_options *options);

/* Explores; call it outside of main's execution (world_outside). Returns the exit status of a
 * program that was explored as a whole: 0 if it holds. */
int course_explore(const struct course *course, struct course_result *result);

#endif
