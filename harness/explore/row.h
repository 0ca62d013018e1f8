/* An execution as a row of steps that can be rearranged. A run is a part of it that one thread
 * makes without being interrupted. */
#ifndef HARNESS_EXPLORE_ROW_H
#define HARNESS_EXPLORE_ROW_H

#include "order.h"

struct row {
    struct order_names names;
    struct order_values values;
    struct order_step *steps, *order; /* as they were made; rearranged */
    uint32_t count;
};

/* The steps of the execution that has just ended in this process; the values are those that
 * order_recorder() was given. False when out of memory. Call row_free() in any case. */
bool row_take(struct row *row);
void row_free(struct row *row);

/* As it was. */
void row_reset(struct row *row);
/* The execution in that order, as far as it is possible. NULL when out of memory. */
struct strategy *row_strategy(struct row *row);

/* The run that has that step: from where on, and behind which step it ends. */
uint32_t row_run_begin(const struct row *row, uint32_t at);
uint32_t row_run_end(const struct row *row, uint32_t at);
/* Where the thread that makes the step before that one goes on; the count: nowhere. */
uint32_t row_next_run(const struct row *row, uint32_t at);
/* The steps first..middle and middle..end, each without its end, change places. */
void row_exchange(struct row *row, uint32_t first, uint32_t middle, uint32_t end);

#endif
