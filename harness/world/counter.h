/* The processor's counter of cycles (counter.c). */
#ifndef HARNESS_WORLD_COUNTER_H
#define HARNESS_WORLD_COUNTER_H

#include <signal.h>
#include <stdbool.h>

/* In a handler of signals: whether that was a look at the counter, which has its answer now. */
bool counter_read(const siginfo_t *info, void *context);
/* In a handler of another signal: whether it came while the counter is read for somebody and does
 * not trap. Then the handler has to return, or it never traps again. */
bool counter_open(void);

#endif
