/* A bound on preemptions, or on delays, for the reduced search, which explores classes of
 * executions and not single ones: a class is within the bound if one of its executions is. So what
 * is asked of the beginning of an execution is whether its steps, in some order that respects what
 * depends on what, need no more of them. They need no fewer when more steps follow: what is beyond
 * stays beyond.
 *
 * A preemption is a switch away from a thread that goes on later and could have gone on at once.
 * Where that is not known for sure it does not count, so that nothing within the bound is left out:
 * only threads that are about to begin, to take a mutex, or to do what never has to wait, could go
 * on for sure.
 *
 * A delay is a switch away from such a thread, too; or, where nobody is left like that, a step of
 * another thread than the oldest one that goes on later and could have gone on at once. */
#ifndef HARNESS_EXPLORE_BOUND_H
#define HARNESS_EXPLORE_BOUND_H

#include "strategy.h"

struct bound;
struct reduced;

/* NULL: no memory. */
struct bound *bound_new(enum explore_bound kind, uint32_t limit);
void bound_free(struct bound *bound);

/* The transition of that node, the last one of the execution, is known. */
void bound_add(struct bound *bound, const struct reduced *search, uint32_t node);
/* The search has gone back: forgets the transition of its last node and what came after. */
void bound_retreat(struct bound *bound, const struct reduced *search);
/* Whether what was added is within the bound; also when it would take too long to tell. */
bool bound_holds(struct bound *bound);

#endif
