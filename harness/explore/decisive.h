/* The decisive pair of a failure: two steps of different threads whose order alone decides. Two
 * executions were seen that make the same steps in the same order up to these two, and go on in the
 * order of the failure as far as they can: with the first before the second one fails like it, the
 * other way round one passes. */
#ifndef HARNESS_EXPLORE_DECISIVE_H
#define HARNESS_EXPLORE_DECISIVE_H

#include "explore.h"

struct decisive_step {
    char thread[WORLD_NAME_MAX];
    char op[64];              /* "lock"; "conn.attached", a named point; "recv 4  1 byte" */
    char kind[24];            /* of the object; "" when there is none to be named */
    const void *object;       /* where that lies, for its name; NULL: nowhere */
    struct world_stack stack; /* where it was made */
    bool never;               /* the failing execution ends before */
    uint32_t number;          /* among the steps of its thread, from 0 */
};

struct decisive {
    bool found;               /* false: no single pair decides, */
    uint32_t ended_after;     /* or, when not 0, executions took too long to try more than these */
    struct decisive_step first, second; /* as ordered in the failing execution */
};

/* Looks for the pair in a shrunk failure, in this process; runs at most two thousand executions,
 * as far as they are affordable. */
void explore_decisive(const struct explore_subject *subject, const struct explore_failure *failure,
                      struct decisive *decisive);

#endif
