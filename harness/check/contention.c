/* A lock is called contended if, of the last acquisitions that were ready to wait for it, more than
 * a share gave up: counted once more, for locks that backends alone ask for. */
#include "harness/check/internal.h"

#include <string.h>

void check_outcome(struct hold_fact *hold, uint64_t now_us, bool failed)
{
    uint32_t at = hold->outcome_count++ % OUTCOMES_MAX;
    hold->outcomes[at].failed = failed;
    hold->outcomes[at].at_us = now_us;
}

/* The n-th newest, from 0. */
static uint32_t newest(const struct hold_fact *hold, uint32_t n)
{
    return (hold->outcome_count - 1 - n) % OUTCOMES_MAX;
}

/* Those that ended at one moment have an order that only the core knows. */
static bool is_certain(const struct hold_fact *hold, uint32_t samples)
{
    if (hold->outcome_count <= samples) return true;
    return samples < OUTCOMES_MAX && hold->outcomes[newest(hold, samples - 1)].at_us !=
                                         hold->outcomes[newest(hold, samples)].at_us;
}

void check_contention_told(struct check_set *set, const struct hold_fact *hold, int32_t core)
{
    uint64_t samples = set->policies[core].contention_min_samples, failed = 0;
    const char *lock = record_text(hold->entry.key.at[0]);

    if (hold->unsure || samples > OUTCOMES_MAX || strchr(lock, ':') != NULL) return;
    if (!is_certain(hold, (uint32_t)samples)) return;
    for (uint32_t i = 0; i < samples && i < hold->outcome_count; i++)
        failed += hold->outcomes[newest(hold, i)].failed;
    bool due = hold->outcome_count >= samples &&
               failed * 100 > samples * set->policies[core].contention_percent;
    if (hold->contended == due) return;
    check_break(set, SCN_INVARIANT_ALERTS_ARE_TRUE, NULL,
                "%llu of the last %llu acquisitions of %s that waited gave up, and %s %s",
                (unsigned long long)failed, (unsigned long long)samples, lock,
                record_party_name((uint16_t)(PARTY_CORE + core)),
                due ? "does not tell that it is contended" : "still tells that it is contended");
}
