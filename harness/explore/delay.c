/* Delay bounding (Emmi, Qadeer, Rakamaric, "Delay-bounded scheduling", POPL 2011), sampled: threads
 * take turns without being preempted, and at `delays` choices, drawn over a typical length,
 * the one that would go on is put off and the next one in the circle goes on instead. */
#include "sampler.h"

#include <stdio.h>

enum { DELAYS_MAX = 64 };

struct delay {
    struct sampler sampler;
    uint32_t delays;
    uint32_t delay_at[DELAYS_MAX];
    uint32_t choice;
    uint16_t last;
};

/* Distance in the circle: who made the last step first, then those after it. Time comes last. */
static uint32_t distance(const struct delay *self, uint16_t entity)
{
    if (entity == WORLD_ADVANCE) return UINT32_MAX;
    return (entity + 2u * WORLD_ENTITIES_MAX - self->last) % WORLD_ENTITIES_MAX;
}

/* The n-th nearest. */
static uint32_t nearest(const struct delay *self, const uint16_t *entity, uint32_t count,
                        uint32_t n)
{
    uint32_t best = 0, above = 0;
    for (uint32_t round = 0; round <= n % count; round++) {
        best = UINT32_MAX;
        for (uint32_t i = 0; i < count; i++) {
            if (round > 0 && distance(self, entity[i]) <= above) continue;
            if (best == UINT32_MAX || distance(self, entity[i]) < distance(self, entity[best])) {
                best = i;
            }
        }
        above = distance(self, entity[best]);
    }
    return best;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct delay *self = (struct delay *)chooser;
    struct offer offer;
    uint32_t put_off = 0, forced = sampler_offer(&self->sampler, count, &offer);
    if (forced != UINT32_MAX) return forced;
    for (uint32_t i = 0; i < self->delays; i++) put_off += self->delay_at[i] == self->choice;
    self->choice++;
    uint32_t at = nearest(self, offer.entity, offer.count, put_off);
    if (offer.entity[at] != WORLD_ADVANCE) self->last = offer.entity[at];
    return offer.index[at];
}

/* The next one begins the circle. */
static void yielded(struct world_chooser *chooser, uint16_t entity)
{
    ((struct delay *)chooser)->last = (uint16_t)((entity + 1u) % WORLD_ENTITIES_MAX);
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct delay *self = (struct delay *)strategy;
    sampler_begin(strategy, n);
    self->choice = 0;
    self->last = 0;
    for (uint32_t i = 0; i < self->delays; i++) {
        self->delay_at[i] = sampler_draw_place(&self->sampler);
    }
    return true;
}

struct strategy *strategy_delay(uint64_t seed, uint32_t delays, uint32_t length)
{
    struct delay *self = sampler_new(sizeof *self, seed, length);
    if (self == NULL) return NULL;
    struct strategy *strategy = &self->sampler.strategy;
    strategy->chooser.schedule = schedule;
    strategy->chooser.yielded = yielded;
    strategy->begin = begin;
    self->delays = delays > DELAYS_MAX ? DELAYS_MAX : delays;
    snprintf(self->sampler.text, sizeof self->sampler.text, "delays=%u", self->delays);
    return strategy;
}
