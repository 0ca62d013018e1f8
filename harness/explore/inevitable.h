/* The point of no return of a failure: the choice after which nothing that was tried could
 * prevent it any more.
 *
 * The first k choices of the failing execution are kept, and what follows is chosen anew. If one
 * such continuation does not break the same promise, neither k nor any smaller number is a point
 * of no return: it is a continuation of those, too. So escapes are proofs, and the largest
 * k with an escape is searched by halving; that there is none beyond is only as good as the
 * number of continuations tried. */
#ifndef HARNESS_EXPLORE_INEVITABLE_H
#define HARNESS_EXPLORE_INEVITABLE_H

#include "explore.h"

struct inevitable {
    bool found;         /* false: the budget of executions was used up */
    uint32_t kept;      /* choices after which it was inevitable; 0: from the very beginning */
    uint32_t total;     /* choices of the failing execution */
    uint32_t tried;     /* continuations from there: all broke the same promise */
};

/* Looks for it, in this process, within a few hundred executions, as far as they are affordable.
 * The same failure gives the same answer. An execution cut by a bound is neither an escape nor a
 * failure, and is not counted. */
void explore_inevitable(const struct explore_subject *subject,
                        const struct explore_failure *failure, struct inevitable *out);

/* The index of the first step after so many choices, among the steps of the failing execution,
 * which has just ended in this process. */
uint32_t inevitable_step(const struct inevitable *inevitable);

#endif
