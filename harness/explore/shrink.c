/* Shrinking a failing execution: the fewest deviations from choice 0, then the shortest.
 *
 * In the order of what reads worst in a report: a shorter prefix, optional faults, time
 * jumps and windows, then single switches, then whole stretches taken out (which shifts what
 * follows). Every candidate is run; what it really did, not what was asked, is kept. */
#include "shrink.h"

#include <stdlib.h>
#include <string.h>

static uint32_t deviations(const uint16_t *choices, uint32_t count)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) n += choices[i] != 0;
    return n;
}

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

/* Fewer deviations, then a shorter list, then smaller numbers. */
static bool better(const uint16_t *a, uint32_t a_count, const struct explore_failure *b)
{
    uint32_t left = deviations(a, a_count), right = deviations(b->choices, b->count);
    if (left != right) return left < right;
    left = length_of(a, a_count);
    right = length_of(b->choices, b->count);
    if (left != right) return left < right;
    return weight(a, a_count) < weight(b->choices, b->count);
}

bool shrink_may_try(struct shrink *shrink)
{
    if (shrink->tries == shrink->tries_max) return false;
    shrink->tries++;
    return true;
}

bool shrink_keep(struct shrink *shrink, uint32_t id)
{
    static uint16_t done[TOKEN_CHOICES_MAX];
    uint32_t used;
    if (id != shrink->best->id) return false;
    const struct world_choice *choices = explore_choices(&used);
    for (uint32_t i = 0; i < used; i++) done[i] = choices[i].index;
    used = length_of(done, used);
    if (!better(done, used, shrink->best)) return false;
    memcpy(shrink->best->choices, done, used * sizeof *done);
    shrink->best->count = used;
    shrink->best->run_hash = world_run_hash();
    return true;
}

static bool attempt(struct shrink *shrink, uint32_t count)
{
    struct world_result result;
    if (!shrink_may_try(shrink)) return false;
    return shrink_keep(shrink, explore_replay(shrink->subject, shrink->candidate, count, false,
                                              &result));
}

static void copy_best(struct shrink *shrink)
{
    memcpy(shrink->candidate, shrink->best->choices, shrink->best->count * sizeof(uint16_t));
}

/* Zeros from some place on: the failure often needs only the beginning. */
static bool cut_tail(struct shrink *shrink)
{
    bool any = false;
    uint32_t low = 0, high = length_of(shrink->best->choices, shrink->best->count);
    while (low < high && shrink->tries < shrink->tries_max) {
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

/* Stretches of deviations back to zero: halves, quarters, ..., single ones, from the end. */
static bool zero_stretches(struct shrink *shrink)
{
    bool any = false;
    for (uint32_t size = (shrink->best->count + 1) / 2; size >= 1; size /= 2) {
        for (uint32_t end = shrink->best->count; end > 0; end = end > size ? end - size : 0) {
            uint32_t from = end > size ? end - size : 0;
            if (end > shrink->best->count) continue;
            if (deviations(shrink->best->choices + from, end - from) == 0) continue;
            copy_best(shrink);
            memset(shrink->candidate + from, 0, (end - from) * sizeof(uint16_t));
            any |= attempt(shrink, shrink->best->count);
        }
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

uint32_t explore_shrink(const struct explore_subject *subject, struct explore_failure *failure,
                        uint32_t tries)
{
    struct shrink *shrink = calloc(1, sizeof *shrink);
    if (shrink == NULL) return 0;
    shrink->subject = subject;
    shrink->best = failure;
    shrink->tries_max = tries;
    bool any = true;
    while (any && shrink->tries < tries) {
        any = cut_tail(shrink);
        any |= shrink_deviations(shrink);
        any |= zero_stretches(shrink);
        any |= lower_each(shrink);
        if (!any) any = remove_each(shrink);
    }
    if (shrink->tries < tries) shrink_search(shrink);
    uint32_t spent = shrink->tries;
    free(shrink);
    return spent;
}
