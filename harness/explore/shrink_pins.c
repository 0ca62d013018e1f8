/* Shrinking by names. Indexes of choices shift as soon as one choice is taken out; deviations
 * told as pins ("after this operation of that thread, this one runs") stay what they are. So
 * whole deviations are left out, as many at a time as possible (delta debugging: Zeller,
 * Hildebrandt, "Simplifying and isolating failure-inducing input", 2002), and what is left is
 * followed, each deviation by itself. */
#include "pins.h"
#include "shrink.h"

#include <stdlib.h>

/* Deviations of which every pair is left out; of which single ones are left out: following more of
 * them takes too long for that. */
enum { PAIRS_OF_MAX = 24, SINGLE_OF_MAX = 256, PARTS = 8 };

struct pin_shrink {
    struct pin_note notes[TOKEN_CHOICES_MAX];
    struct pin pins[PINS_MAX], candidate[PINS_MAX]; /* of the best execution */
    uint32_t count, groups;
    uint32_t told; /* which of the best executions that was */
};

/* The pins of the best execution; none when they cannot be told. */
static bool tell_best(struct shrink *shrink)
{
    struct explore_failure *best = shrink->best;
    if (shrink->pins == NULL) {
        shrink->pins = calloc(1, sizeof *shrink->pins);
    } else if (shrink->pins->told == shrink->kept) {
        return shrink->pins->groups > 0;
    }
    struct pin_shrink *self = shrink->pins;
    if (self == NULL) return false;
    bool fails = shrink_run(shrink, strategy_recorder(best->choices, best->count, self->notes,
                                                      TOKEN_CHOICES_MAX));
    self->count = fails ? pins_write(self->notes, self->pins, PINS_MAX) : 0;
    self->groups = self->count > 1 ? self->pins[self->count - 1].group : 0;
    self->told = shrink->kept;
    return self->groups > 0;
}

/* The best execution without the deviations from..to (both included), and without one more. */
static bool without(struct shrink *shrink, uint32_t from, uint32_t to, uint32_t also)
{
    if (!tell_best(shrink)) return false;
    struct pin_shrink *self = shrink->pins;
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        const struct pin *pin = &self->pins[i];
        bool left_out = (pin->group >= from && pin->group <= to) || pin->group == also;
        if (pin->kind == PIN_FREE || !left_out) self->candidate[count++] = *pin;
    }
    return shrink_try(shrink, strategy_deviations(self->candidate, count));
}

bool shrink_deviations(struct shrink *shrink, uint32_t size)
{
    bool any = false;
    if (!tell_best(shrink)) return false;
    if (shrink->pins->groups > SINGLE_OF_MAX && size < shrink->pins->groups / PARTS) return false;
    for (uint32_t last = shrink->pins->groups;
         last >= 1 && last <= shrink->pins->groups && shrink_may_try(shrink);) {
        uint32_t first = last > size ? last - size + 1 : 1;
        any |= without(shrink, first, last, last);
        if (!tell_best(shrink)) break;
        last = first - 1 < shrink->pins->groups ? first - 1 : shrink->pins->groups;
    }
    return any;
}

/* Two that need each other: one leads somewhere, the other one back. */
bool shrink_pairs(struct shrink *shrink)
{
    bool any = false;
    if (!tell_best(shrink)) return false;
    const uint32_t *groups = &shrink->pins->groups;
    for (uint32_t last = *groups; last >= 2 && *groups <= PAIRS_OF_MAX; last--) {
        for (uint32_t first = last - 1; first >= 1 && last <= *groups; first--) {
            any |= without(shrink, first, first, last);
            if (!tell_best(shrink)) return any;
        }
    }
    return any;
}

void shrink_pins_free(struct shrink *shrink)
{
    free(shrink->pins);
}
