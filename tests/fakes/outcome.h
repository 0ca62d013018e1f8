/* What an execution of a scenario came to, as far as anybody could tell. The order of what does not
 * depend on each other is no part of it. */
#ifndef TESTS_FAKES_OUTCOME_H
#define TESTS_FAKES_OUTCOME_H

#include "harness/check/check.h"

enum { OUTCOME_PARTIES = 64 };

/* For each party and kind of record a hash of those in order, with all that they say; of what cores
 * say of themselves it is without order. */
struct outcome {
    enum world_end end;
    uint64_t verdict;
    uint64_t of[OUTCOME_PARTIES][RECORD_KIND_COUNT];
};

/* Of the execution that has just ended; ends it for the checks. Valid until the next call. */
const struct outcome *outcome_of(struct check_set *checks, const struct world_result *result);
bool outcome_same(const struct outcome *a, const struct outcome *b);
uint64_t outcome_hash(const struct outcome *outcome);
/* Prints which kinds differ, and how the executions ended. */
void outcome_tell(const char *name, const struct outcome *was, const struct outcome *is);

#endif
