/* What a program that explores itself tells of its failure: one screen. */
#ifndef HARNESS_PROGRAM_TELL_H
#define HARNESS_PROGRAM_TELL_H

#include <stdio.h>

#include "capture.h"
#include "harness/explore/decisive.h"
#include "life.h"
#include "options.h"

struct tell {
    const char *path;          /* of the program, as the user called it */
    char **words;              /* and its arguments */
    int word_count;
    const struct program_options *options;
    const struct world_limits *limits; /* that the choices belong to */
    const struct explore_failure *failure;
    uint32_t choices_found;    /* deviations before shrinking */
    const struct life *life;   /* of the execution, which has just run */
    const struct decisive *decisive;
    const struct capture *output;
    const char *corpus;        /* the file that the choices came from; NULL: none */
};

/* Deviations from the default among the choices. */
uint32_t tell_deviations(const struct explore_failure *failure);

/* The exit status of a program with that finding. */
int tell_status(enum world_finding_kind kind);

void tell_failure(FILE *out, const struct tell *tell);

/* The finding alone, for a program without threads: sentence, detail and stack. */
void tell_finding(FILE *out, const char *path, const struct life *life);

/* One line that repeats the execution. */
void tell_replay(FILE *out, const struct tell *tell);

#endif
