/* Linearizability: is there an order of the operations that explains all results?
 *
 * The search is that of Wing and Gong, "Testing and verifying concurrent objects" (1993): take any
 * operation that no other one, by returning, came before, and go on with the rest; with Lowe's
 * addition, "Testing for linearizability" (2017): what was tried with the same operations taken and
 * the same state reached is not tried again. */
#ifndef HARNESS_PROGRAM_LINEAR_H
#define HARNESS_PROGRAM_LINEAR_H

#include "include/harness.h"

/* An operation in a history, whose events are numbered from 1. */
struct linear_operation {
    struct harness_operation what;
    uint32_t called, returned; /* numbers of the events; returned 0: it has not */
    uint16_t thread;
    char name[32];
};

/* Whether the history up to and with that event is linearizable. Operations are in the order of
 * their calls, at most HARNESS_OPERATIONS_MAX. */
bool linear_holds(const struct harness_model *model, const struct linear_operation *operations,
                  uint32_t count, uint32_t until);

#endif
