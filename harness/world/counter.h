/* The processor's counter of cycles (counter.c). */
#ifndef HARNESS_WORLD_COUNTER_H
#define HARNESS_WORLD_COUNTER_H

#include <signal.h>
#include <stdbool.h>

/* In a handler of signals: whether that was a look at the counter, which has its answer now. */
bool counter_read(const siginfo_t *info, void *context);

#endif
