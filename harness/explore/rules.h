/* Which orders of steps are equivalent to that of an execution: those in which steps that are
 * dependent - of one thread, or at one object that one of them writes - come in the same order.
 * Time passes where it did. What threads would have done next in the end is no part of it. */
#ifndef HARNESS_EXPLORE_RULES_H
#define HARNESS_EXPLORE_RULES_H

#include "order.h"

struct rules;

/* Those of the execution that has just ended in this process. Free with rules_free(); NULL when out
 * of memory. */
struct rules *rules_new(void);
void rules_free(struct rules *rules);

/* Before an execution; then, at each choice, before it is asked what is permitted. */
void rules_reset(struct rules *rules);
void rules_update(struct rules *rules);
/* Whether that option makes a step that may come now. */
bool rules_permit(struct rules *rules, uint16_t option);

#endif
