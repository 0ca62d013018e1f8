/* The point of no return of a failure, told: see harness/explore/inevitable.h for what it is. */
#ifndef REPORTS_NO_RETURN_H
#define REPORTS_NO_RETURN_H

#include <stddef.h>

#include "harness/explore/inevitable.h"

struct no_return {
    bool from_start;        /* there is no such step: every execution tried breaks the promise */
    bool last_choice;       /* nothing was left to be chosen after it */
    uint32_t step;          /* from 1 */
    uint64_t time_ns;
    uint32_t tried;         /* continuations; all broke the same promise */
    char thread[WORLD_NAME_MAX];
    char what[96];          /* "lock mutex 3" */
    char place[192];        /* "core/turn.c:51", or "" */
};

/* Names the step. The failing execution has just ended in this process, kept by trail_watch().
 * False: none was found. */
bool no_return_find(const struct inevitable *inevitable, struct no_return *out);

/* One sentence. */
void no_return_write(const struct no_return *no_return, char *out, size_t size);

#endif
