/* When a sampler lets something happen that need not happen now.
 *
 * Windows and optional faults are offered at every choice while they are open. A sampler that
 * picked them like threads would nearly always pick them at once, so it draws a plan for each
 * when it is first offered: a time within the window, or a number of choices to wait, or
 * never. Until the plan is due the option is passed over. */
#ifndef HARNESS_EXPLORE_PLAN_H
#define HARNESS_EXPLORE_PLAN_H

#include "chance.h"
#include "harness/world/world.h"

struct planned {
    uint64_t execution; /* the plan is of this execution, */
    uint64_t since_ns;  /* and of the opening at this time */
    uint64_t due_ns;    /* windows */
    uint32_t due_choice; /* optional ones; UINT32_MAX: never */
};

struct plan {
    struct chance *chance;
    uint64_t execution;
    uint32_t length;   /* choices of a typical execution */
    uint32_t choice;   /* made so far in this execution */
    bool calm;         /* no optional fault at all */
    struct planned of[WORLD_ENTITIES_MAX];
};

void plan_begin(struct plan *plan, struct chance *chance, uint64_t execution, uint32_t length,
                bool calm);

/* What a sampler may pick at the current choice, of so many options: their indexes, and who is
 * behind them; room for WORLD_ENTITIES_MAX + 1 of each. Sets *forced to an index that the plan
 * wants taken right now, or UINT32_MAX. Counts the choice. */
uint32_t plan_options(struct plan *plan, uint32_t count, uint16_t *index, uint16_t *entity,
                      uint32_t *forced);

#endif
