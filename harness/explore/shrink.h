/* Shared by the shrinking files of explore/ only. */
#ifndef HARNESS_EXPLORE_SHRINK_H
#define HARNESS_EXPLORE_SHRINK_H

#include "explore.h"

struct shrink {
    const struct explore_subject *subject;
    struct explore_failure *best;
    uint16_t candidate[TOKEN_CHOICES_MAX];
    uint32_t tries, tries_max;
};

/* Counts a try; false when the budget is used up. */
bool shrink_may_try(struct shrink *shrink);
/* An execution just ended with that id: keep it if it fails like the best one and is better. */
bool shrink_keep(struct shrink *shrink, uint32_t id);
/* Leave out deviations by name; true when that made the failure smaller. */
bool shrink_deviations(struct shrink *shrink);

/* Looks for another failure of the same kind with fewer deviations, within the budget. */
void shrink_search(struct shrink *shrink);

#endif
