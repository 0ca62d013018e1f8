/* Shared by the shrinking files of explore/ only. */
#ifndef HARNESS_EXPLORE_SHRINK_H
#define HARNESS_EXPLORE_SHRINK_H

#include "explore.h"

struct pin_shrink;

struct shrink {
    const struct explore_subject *subject;
    struct explore_failure *best;
    struct meter meter;         /* of the last execution */
    uint16_t candidate[TOKEN_CHOICES_MAX];
    uint32_t tries, tries_max;
    uint32_t steps_left;        /* of all executions */
    uint32_t toll;              /* each one counts as at least so many steps */
    uint32_t spent;             /* what the last one counted */
    uint32_t executions;
    uint32_t kept;              /* how often the best one was replaced */
    struct pin_shrink *pins;    /* the best one by names; NULL: not told yet */
};

/* One execution, metered. The strategy is freed; NULL: out of memory, nothing happens. True when it
 * fails like the best one. */
bool shrink_run(struct shrink *shrink, struct strategy *strategy);
/* The same, as a try: false, too, when the tries or the steps are used up. True when the execution
 * was better than the best one, and is kept as that. */
bool shrink_try(struct shrink *shrink, struct strategy *strategy);
bool shrink_may_try(const struct shrink *shrink);
/* An execution just ended in shrink->meter, failing like the best one: keep it if it is better. */
bool shrink_keep(struct shrink *shrink);

/* Leave out deviations by name: stretches of `size` of them. True when that made it better. */
bool shrink_deviations(struct shrink *shrink, uint32_t size);
/* Leave out every two. */
bool shrink_pairs(struct shrink *shrink);
void shrink_pins_free(struct shrink *shrink);

/* Let threads go on that were preempted, or wait: stretches of `size` preemptions. */
bool shrink_preemptions(struct shrink *shrink, uint32_t size);
/* Let one of them wait, for any number of the others. */
bool shrink_delays(struct shrink *shrink);
/* Exchange what follows one another. */
bool shrink_swaps(struct shrink *shrink);

/* The execution that has just ended in shrink->meter fails like the best one: makes it smaller, in
 * small steps. True when it became better than the best one, and is that now. */
bool shrink_from_here(struct shrink *shrink);

/* Quite another failure of the same kind that is better; true when one was found. Each spends some
 * of the steps that are left. */
bool shrink_sample(struct shrink *shrink);
bool shrink_wander(struct shrink *shrink);

enum shrink_found { SHRINK_NOT_KNOWN, SHRINK_NOTHING, SHRINK_BETTER };
/* The same by enumeration, with so many steps. SHRINK_NOTHING: there is nothing better. */
enum shrink_found shrink_search(struct shrink *shrink, uint32_t steps);

#endif
