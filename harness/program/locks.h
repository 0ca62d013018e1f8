/* Locks of files: flock(), which belongs to what a descriptor leads to. */
#ifndef HARNESS_PROGRAM_LOCKS_H
#define HARNESS_PROGRAM_LOCKS_H

#include "harness/net/descriptor.h"

/* Before every execution: nothing is locked. */
void locks_begin(void);
/* Nobody holds that description any more: its lock is free. */
void locks_release(const struct description *self);

#endif
