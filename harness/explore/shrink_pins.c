/* Shrinking by names. Indexes of choices shift as soon as one choice is taken out; deviations
 * told as pins ("after this operation of that thread, this one runs") stay what they are. So
 * whole deviations are left out, as many at a time as possible (delta debugging: Zeller,
 * Hildebrandt, "Simplifying and isolating failure-inducing input", 2002), and what is left is
 * followed, each deviation by itself. */
#include "pins.h"
#include "shrink.h"

#include <stdlib.h>
#include <string.h>

enum { PAIRS_OF_MAX = 24 }; /* deviations of which every pair is left out */

struct pin_shrink {
    struct shrink *shrink;
    struct pin_note *notes;
    struct pin *pins;      /* of the best execution so far */
    struct pin *candidate;
    uint32_t count, groups;
};

/* The pins of the best execution; false when they cannot be told. */
static bool tell_best(struct pin_shrink *self)
{
    struct explore_failure *best = self->shrink->best;
    struct world_result result;
    struct strategy *recorder = strategy_recorder(best->choices, best->count, self->notes,
                                                  TOKEN_CHOICES_MAX);
    if (recorder == NULL) return false;
    uint32_t id = explore_execute(self->shrink->subject, recorder, &result);
    recorder->free(recorder);
    self->count = id == best->id ? pins_write(self->notes, self->pins, PINS_MAX) : 0;
    self->groups = self->count > 1 ? self->pins[self->count - 1].group : 0;
    return self->count > 0;
}

/* The best execution without the deviations from..to (both included), and without one more. */
static bool without(struct pin_shrink *self, uint32_t from, uint32_t to, uint32_t also)
{
    struct world_result result;
    uint32_t count = 0;
    if (!shrink_may_try(self->shrink)) return false;
    for (uint32_t i = 0; i < self->count; i++) {
        const struct pin *pin = &self->pins[i];
        bool left_out = (pin->group >= from && pin->group <= to) || pin->group == also;
        if (pin->kind != PIN_FREE && left_out) continue;
        self->candidate[count++] = *pin;
    }
    struct strategy *follower = strategy_deviations(self->candidate, count);
    if (follower == NULL) return false;
    uint32_t id = explore_execute(self->shrink->subject, follower, &result);
    follower->free(follower);
    return shrink_keep(self->shrink, id) && tell_best(self);
}

static bool without_stretches(struct pin_shrink *self)
{
    bool any = false;
    for (uint32_t size = (self->groups + 1) / 2; size >= 1; size /= 2) {
        for (uint32_t last = self->groups; last >= 1 && last <= self->groups;) {
            uint32_t first = last > size ? last - size + 1 : 1;
            any |= without(self, first, last, last);
            last = first - 1;
        }
    }
    return any;
}

/* Two that need each other: one leads somewhere, the other one back. */
static bool without_pairs(struct pin_shrink *self)
{
    bool any = false;
    for (uint32_t last = self->groups; last >= 2 && self->groups <= PAIRS_OF_MAX; last--) {
        for (uint32_t first = last - 1; first >= 1 && last <= self->groups; first--) {
            any |= without(self, first, first, last);
        }
    }
    return any;
}

bool shrink_deviations(struct shrink *shrink)
{
    struct pin_shrink self = {.shrink = shrink};
    self.notes = malloc(TOKEN_CHOICES_MAX * sizeof *self.notes);
    self.pins = malloc(PINS_MAX * sizeof *self.pins);
    self.candidate = malloc(PINS_MAX * sizeof *self.candidate);
    bool any = false;
    if (self.notes && self.pins && self.candidate && tell_best(&self)) {
        any |= without_stretches(&self);
        any |= without_pairs(&self);
    }
    free(self.candidate);
    free(self.pins);
    free(self.notes);
    return any;
}
