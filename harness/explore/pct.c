/* Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A
 * randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010).
 *
 * Threads get random priorities; the highest enabled one runs. At depth-1 choices, drawn over
 * a typical length, the running thread falls below all others. A thread that yields falls
 * too, so that spinning cannot starve the one it waits for. */
#include "sampler.h"

#include <stdio.h>

enum { DEPTH_MAX = 16 };

struct pct {
    struct sampler sampler;
    uint32_t depth;
    uint32_t change_at[DEPTH_MAX];
    uint32_t choice;
    uint32_t lowest; /* the next priority to fall to: counts down */
    struct {
        uint64_t execution; /* of another one: not drawn yet */
        uint32_t priority;
    } of[WORLD_ENTITIES_MAX + 1]; /* the last is time */
    uint16_t last;
};

static uint32_t *priority_of(struct pct *self, uint16_t entity)
{
    uint32_t slot = sampler_slot(entity);
    uint64_t execution = self->sampler.execution + 1;
    if (self->of[slot].execution != execution) {
        self->of[slot].execution = execution;
        self->of[slot].priority = 1u << 30 | chance_below(&self->sampler.chance, 1u << 30);
    }
    return &self->of[slot].priority;
}

static void fall(struct pct *self, uint16_t entity)
{
    *priority_of(self, entity) = self->lowest--;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct pct *self = (struct pct *)chooser;
    struct offer offer;
    uint32_t forced = sampler_offer(&self->sampler, count, &offer);
    if (forced != UINT32_MAX) return forced;
    for (uint32_t i = 0; i + 1 < self->depth; i++) {
        if (self->change_at[i] == self->choice) fall(self, self->last);
    }
    self->choice++;
    uint32_t best = 0, best_priority = 0;
    for (uint32_t i = 0; i < offer.count; i++) {
        uint32_t priority = *priority_of(self, offer.entity[i]);
        if (i > 0 && priority <= best_priority) continue;
        best = i;
        best_priority = priority;
    }
    self->last = offer.entity[best];
    return offer.index[best];
}

static void yielded(struct world_chooser *chooser, uint16_t entity)
{
    fall((struct pct *)chooser, entity);
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct pct *self = (struct pct *)strategy;
    sampler_begin(strategy, n);
    self->choice = 0;
    self->lowest = 1u << 29;
    self->last = 0;
    for (uint32_t i = 0; i + 1 < self->depth; i++) {
        self->change_at[i] = sampler_draw_place(&self->sampler);
    }
    return true;
}

struct strategy *strategy_pct(uint64_t seed, uint32_t depth, uint32_t length)
{
    struct pct *self = sampler_new(sizeof *self, seed, length);
    if (self == NULL) return NULL;
    struct strategy *strategy = &self->sampler.strategy;
    strategy->chooser.schedule = schedule;
    strategy->chooser.yielded = yielded;
    strategy->begin = begin;
    self->depth = depth < 1 ? 1 : depth > DEPTH_MAX ? DEPTH_MAX : depth;
    snprintf(self->sampler.text, sizeof self->sampler.text, "pct depth=%u", self->depth);
    return strategy;
}
