/* One execution in this very process, stopped at a step: for people and debuggers. */
#ifndef HARNESS_PROGRAM_DEBUG_H
#define HARNESS_PROGRAM_DEBUG_H

#include "life.h"

/* Runs these choices up to the step of that number, as a failure's rows count them. Under a
 * debugger it stops there, with the stack of the thread that made it, and can go on; otherwise it
 * prints where every thread stands and ends the process with status 0. Returns if the step is
 * never reached, or after going on. */
void debug_until(const struct life *life, const uint16_t *choices, uint32_t count, uint32_t step);

#endif
