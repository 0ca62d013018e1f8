/* Reads-from constraints that have led somewhere: kept, and gone on from. After Wolff, Zhao, Duck,
 * Mathur, Roychoudhury, "Greybox Fuzzing for Concurrency Testing" (ASPLOS 2024): an execution in
 * which an event reads from a write that it never read from before is worth keeping, with the
 * constraints that it was steered by.
 *
 * Only the first RF_EVOLVES executions add to what is kept, so that a later one depends on its
 * number alone. */
#ifndef HARNESS_EXPLORE_RF_KEPT_H
#define HARNESS_EXPLORE_RF_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "chance.h"
#include "learn.h"

enum { RF_EVOLVES = 256, WISHES_MAX = 6 };

/* Of two events at a place, the second is to follow the first, and no other one that writes. */
struct wish {
    const void *place;
    uint64_t path[2]; /* who makes them */
    uint32_t left[2]; /* events that each has to make there until then, this one included */
};

struct wishes {
    uint32_t count;
    struct wish wish[WISHES_MAX];
};

struct rf_kept;

/* NULL: no memory. */
struct rf_kept *rf_kept_new(void);
void rf_kept_free(struct rf_kept *kept);

/* Some that were kept, for execution n, more often those that were drawn less; false: there are
 * none. */
bool rf_kept_draw(struct rf_kept *kept, uint64_t n, struct chance *chance, struct wishes *out);

/* Looks through the last execution of the world, the n-th, which was steered by these: keeps them,
 * and what is new with them, if anything was. Does nothing from RF_EVOLVES on. */
void rf_kept_note(struct rf_kept *kept, const struct learned *learned, uint64_t n,
                  const struct wishes *wishes);

#endif
