/* What a program that explores itself tells of its failure: one screen. */
#ifndef HARNESS_PROGRAM_TELL_H
#define HARNESS_PROGRAM_TELL_H

#include <stdio.h>

#include "capture.h"
#include "harness/explore/decisive.h"
#include "life.h"
#include "options.h"
#include "reports/report.h"

struct tell {
    const char *name;          /* of what was explored */
    uint32_t exploration;      /* number of the call of harness_explore(); 0: none, it is main */
    const char *path;          /* of the program, as the user called it */
    char **words;              /* and its arguments */
    int word_count;
    const struct program_options *options;
    const struct world_limits *limits; /* that the choices belong to */
    const struct explore_failure *failure;
    uint32_t choices_found;    /* before shrinking */
    const struct life *life;   /* of the execution, which has just run */
    const struct decisive *decisive;
    const struct capture *output;
    const char *corpus;        /* the file that the choices came from; NULL: none */
    const struct no_return *no_return; /* NULL: not known */
    const char *folder;        /* of the page; NULL: none is written */
};

/* "FAIL", "CRASH" or "REFUSED". */
const char *tell_verdict(enum world_finding_kind kind);

/* The exit status of a program with that finding. */
int tell_status(enum world_finding_kind kind);

void tell_failure(FILE *out, const struct tell *tell);

/* How the failure was found, as reports tell it. */
struct report_failure tell_found_how(const struct tell *tell);

/* Parts of it: how the failure was found and, behind a line break, how a fix would show; who waits
 * for whom, leaked blocks, or a stack. */
void tell_origin(const struct tell *tell, char *out, size_t size);
void tell_found(FILE *out, const struct tell *tell);

/* The finding alone, for a program without threads: sentence, detail and stack. */
void tell_finding(FILE *out, const char *path, const struct life *life);

/* by_hand.c: in a worker that is ready for executions, runs one whose choices are made at a prompt;
 * it begins with those given. Returns the exit status. */
int by_hand(const struct tell *tell, uint16_t *choices, uint32_t count);

/* One line that repeats the execution. */
void tell_replay(FILE *out, const struct tell *tell);

#endif
