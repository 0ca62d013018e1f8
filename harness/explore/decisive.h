/* The decisive pair of a failure: two steps of different threads on one object, one of which
 * writes, whose order decides. In the failing execution the first comes before the second;
 * without the deviation that put it there it comes after, and the failure is gone. */
#ifndef HARNESS_EXPLORE_DECISIVE_H
#define HARNESS_EXPLORE_DECISIVE_H

#include "explore.h"

struct decisive_step {
    char thread[WORLD_NAME_MAX];
    char what[96];            /* "lock mutex 3", "conn.attached" */
    struct world_stack stack; /* where it was made */
};

struct decisive {
    bool found;               /* false: no single pair decides */
    struct decisive_step first, second; /* as ordered in the failing execution */
};

/* Looks for the pair in a shrunk failure, in this process; runs a few executions. */
void explore_decisive(const struct explore_subject *subject, const struct explore_failure *failure,
                      struct decisive *decisive);

#endif
