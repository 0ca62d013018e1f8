/* What a program tells the harness by the calls of harness.h, in one execution and over all. */
#ifndef HARNESS_PROGRAM_PROMISES_H
#define HARNESS_PROGRAM_PROMISES_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/world/world.h"

enum { SOMETIMES_MAX = 64, SOMETIMES_NAME_MAX = 64 };

/* Over all executions; lies in shared memory. */
struct promises {
    bool used;        /* what an execution does depends on more than its threads */
    uint64_t assumed; /* executions that harness_assume() ended */
    uint32_t count;
    struct {
        char name[SOMETIMES_NAME_MAX];
        bool reached;
    } sometimes[SOMETIMES_MAX]; /* in the order of their first call */
};

/* Where they are kept; call once per process. Not exploring: harness_choose() and the like do what
 * they do outside of explorations. */
void promises_use(struct promises *promises, bool exploring);

/* Around every execution. */
void promises_begin(void);
void promises_end(enum world_end end);
/* The last execution is one of those that count; others only repeat. */
void promises_count(void *context, uint64_t class_hash);

/* The first condition that must be true sometimes, and never was; NULL: there is none. */
const char *promises_missing(const struct promises *promises);

#endif
