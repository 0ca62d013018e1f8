/* An execution whose choices are made by hand, at a prompt. */
#ifndef REPORTS_HAND_H
#define REPORTS_HAND_H

#include <stdio.h>

#include "harness/explore/explore.h"

struct hand {
    const struct explore_subject *subject;
    FILE *in, *out;       /* commands, and what is shown */
    bool echo;            /* nobody sees what is typed: show it */
    uint64_t seed;        /* of continuations at random */
    /* What a step on that object means, or NULL (reports/trail.h). May be NULL. */
    const char *(*words)(uint32_t object);
    /* Prints how an execution has ended. */
    void (*tell_end)(void *context, FILE *out, uint32_t id, const struct world_result *result);
    void *context;
};

/* Begins with choices[0..*count), then asks; when input ends, what is left is decided by default.
 * `choices` has room for TOKEN_CHOICES_MAX; it then holds those of the last execution, which were
 * made if it was given up. Returns what was wrong with it: EXPLORE_PASSED if nothing was, or if it
 * was given up. Call it once, in a process that may execute. */
uint32_t hand_go(const struct hand *hand, uint16_t *choices, uint32_t *count);

/* A line for each command. */
extern const char hand_commands[];

/* What there is to say at a choice: steps since the last one, from number `from` on; options. */
uint32_t hand_show_steps(FILE *out, uint32_t from);
void hand_show_options(FILE *out, uint32_t count);
void hand_show_values(FILE *out, uint32_t count, const char *label);

#endif
