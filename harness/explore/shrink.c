/* Shrinking a failing execution: cost.h says what is better.
 *
 * Coarse steps first, each tried in the order of what is cheap: deviations are set back to the
 * default by number, are left out by name (shrink_pins.c), preempted threads go on or wait
 * (shrink_order.c); then smaller stretches of them, down to single ones. Every candidate is run;
 * what it really did, not what was asked, is kept. */
#include "shrink.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 20000000 };
enum { PARTS_FIRST = 8 }; /* of the steps that are left: for what is soon enumerated */

static uint64_t weight(const uint16_t *choices, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += choices[i];
    return sum;
}

static uint32_t length_of(const uint16_t *choices, uint32_t count)
{
    while (count > 0 && choices[count - 1] == 0) count--;
    return count;
}

/* Of equal cost: a shorter list, then smaller numbers. */
static bool better(const struct explore_cost *cost, const uint16_t *choices, uint32_t count,
                   const struct explore_failure *best)
{
    if (cost_less(cost, &best->cost)) return true;
    if (cost_less(&best->cost, cost)) return false;
    uint32_t length = length_of(best->choices, best->count);
    if (count != length) return count < length;
    return weight(choices, count) < weight(best->choices, best->count);
}

/* What the last execution did. */
static uint32_t take_choices(uint16_t *done)
{
    uint32_t used;
    const struct world_choice *choices = explore_choices(&used);
    for (uint32_t i = 0; i < used; i++) done[i] = choices[i].index;
    return length_of(done, used);
}

static void replace_best(struct shrink *shrink, const uint16_t *choices, uint32_t count)
{
    memcpy(shrink->best->choices, choices, count * sizeof *choices);
    shrink->best->count = count;
    shrink->best->run_hash = world_run_hash();
    shrink->best->cost = shrink->meter.cost;
    shrink->kept++;
}

bool shrink_keep(struct shrink *shrink)
{
    static uint16_t done[TOKEN_CHOICES_MAX];
    uint32_t used = take_choices(done);
    if (!better(&shrink->meter.cost, done, used, shrink->best)) return false;
    replace_best(shrink, done, used);
    return true;
}

bool shrink_run(struct shrink *shrink, struct strategy *strategy)
{
    struct world_result result;
    if (strategy == NULL) return false;
    meter_init(&shrink->meter, strategy);
    uint32_t id = explore_execute(shrink->subject, &shrink->meter.strategy, &result);
    shrink->meter.cost.steps = result.steps;
    shrink->executions++;
    shrink->spent = result.steps < shrink->toll ? shrink->toll : result.steps;
    shrink->steps_left -= shrink->spent < shrink->steps_left ? shrink->spent : shrink->steps_left;
    strategy->free(strategy);
    return id == shrink->best->id;
}

bool shrink_may_try(const struct shrink *shrink)
{
    return shrink->tries < shrink->tries_max && shrink->steps_left > 0;
}

bool shrink_try(struct shrink *shrink, struct strategy *strategy)
{
    if (!shrink_may_try(shrink)) {
        if (strategy) strategy->free(strategy);
        return false;
    }
    shrink->tries++;
    return shrink_run(shrink, strategy) && shrink_keep(shrink);
}

static bool attempt(struct shrink *shrink, uint32_t count)
{
    return shrink_try(shrink, strategy_replay(shrink->candidate, count, false));
}

static void copy_best(struct shrink *shrink)
{
    memcpy(shrink->candidate, shrink->best->choices, shrink->best->count * sizeof(uint16_t));
}

/* Zeros from some place on: the failure often needs only the beginning. */
static bool cut_tail(struct shrink *shrink)
{
    bool any = false;
    uint32_t low = 0, high = shrink->best->count;
    while (low < high && shrink_may_try(shrink)) {
        uint32_t middle = low + (high - low) / 2;
        copy_best(shrink);
        if (attempt(shrink, middle)) {
            any = true;
            high = middle < shrink->best->count ? middle : shrink->best->count;
        } else {
            low = middle + 1;
        }
    }
    return any;
}

/* The stretch that ends before `end` and has so many deviations; 0: there is none. */
static uint32_t stretch(const struct explore_failure *best, uint32_t end, uint32_t deviations)
{
    while (end > 0 && deviations > 0) deviations -= best->choices[--end] != 0;
    return end;
}

/* Stretches of deviations back to zero, from the end. */
static bool zero_stretches(struct shrink *shrink, uint32_t size)
{
    bool any = false;
    for (uint32_t end = shrink->best->count; end > 0 && end <= shrink->best->count;) {
        uint32_t from = stretch(shrink->best, end, size);
        copy_best(shrink);
        memset(shrink->candidate + from, 0, (end - from) * sizeof(uint16_t));
        any |= attempt(shrink, shrink->best->count);
        end = from < shrink->best->count ? from : shrink->best->count;
    }
    return any;
}

/* Choices taken out altogether, so that later ones move forward. */
static bool remove_each(struct shrink *shrink)
{
    bool any = false;
    for (uint32_t at = shrink->best->count; at-- > 0;) {
        if (at >= shrink->best->count) continue;
        copy_best(shrink);
        uint32_t rest = shrink->best->count - at - 1;
        memmove(shrink->candidate + at, shrink->candidate + at + 1, rest * sizeof(uint16_t));
        any |= attempt(shrink, shrink->best->count - 1);
    }
    return any;
}

/* Smaller option numbers: an earlier thread, a smaller value. */
static bool lower_each(struct shrink *shrink)
{
    bool any = false;
    for (uint32_t at = 0; at < shrink->best->count; at++) {
        for (uint16_t to = 1; at < shrink->best->count && to < shrink->best->choices[at]; to++) {
            copy_best(shrink);
            shrink->candidate[at] = to;
            if (!attempt(shrink, shrink->best->count)) continue;
            any = true;
            break;
        }
    }
    return any;
}

/* By number, by name and by order, first many deviations at a time and then few. */
static bool leave_out(struct shrink *shrink)
{
    bool any = false;
    for (uint32_t size = (cost_choices(&shrink->best->cost) + 1) / 2; size >= 1; size /= 2) {
        any |= zero_stretches(shrink, size);
        any |= shrink_deviations(shrink, size);
        any |= shrink_preemptions(shrink, size);
    }
    return any;
}

static void shrink_step_by_step(struct shrink *shrink)
{
    bool any = true;
    while (any && shrink_may_try(shrink)) {
        any = cut_tail(shrink);
        any |= leave_out(shrink);
        any |= shrink_pairs(shrink);
        any |= shrink_swaps(shrink);
        while (shrink_delays(shrink)) any = true;
        any |= lower_each(shrink);
        if (!any) any = remove_each(shrink);
    }
}

bool shrink_from_here(struct shrink *shrink)
{
    static uint16_t done[TOKEN_CHOICES_MAX];
    uint32_t used = take_choices(done), tries = shrink->tries;
    struct explore_failure *best = shrink->best, *other = malloc(sizeof *other);
    if (other == NULL) return false;
    *other = *best;
    shrink->best = other;
    replace_best(shrink, done, used);
    shrink->tries = 0;
    shrink_step_by_step(shrink);
    shrink->tries = tries;
    shrink->best = best;
    shrink->kept++; /* what was told of the best one is of the other one */
    bool is_better = better(&other->cost, other->choices, other->count, best);
    if (is_better) *best = *other;
    free(other);
    return is_better;
}

/* Quite another one. What is soon enumerated is proven to be the best, and needs no more. */
static bool look_elsewhere(struct shrink *shrink)
{
    enum shrink_found found = shrink_search(shrink, shrink->steps_left / PARTS_FIRST);
    if (found != SHRINK_NOT_KNOWN) return found == SHRINK_BETTER;
    if (shrink_sample(shrink) || shrink_wander(shrink)) return true;
    return shrink_search(shrink, shrink->steps_left) == SHRINK_BETTER;
}

uint32_t explore_shrink(const struct explore_subject *subject, struct explore_failure *failure,
                        uint32_t tries)
{
    struct shrink *shrink = calloc(1, sizeof *shrink);
    if (shrink == NULL) return 0;
    shrink->subject = subject;
    shrink->best = failure;
    shrink->tries_max = tries;
    shrink->steps_left = STEPS_MAX;
    shrink->toll = STEPS_MAX / explore_affordable(failure, STEPS_MAX) + 1;
    if (shrink_run(shrink, strategy_replay(failure->choices, failure->count, false))) {
        failure->cost = shrink->meter.cost;
        do shrink_step_by_step(shrink);
        while (shrink_may_try(shrink) && look_elsewhere(shrink));
    }
    bool ended = shrink->toll > failure->cost.steps && shrink->steps_left == 0;
    failure->ended_after = ended ? shrink->executions : 0;
    uint32_t spent = shrink->tries;
    shrink_pins_free(shrink);
    free(shrink);
    return spent;
}
