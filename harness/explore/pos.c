/* Partial order sampling (Yuan, Yang, Gu, "Partial Order Aware Concurrency Sampling", CAV 2018):
 * every operation that is about to happen has a random priority, and the highest one happens.
 * Those in conflict with it get new ones, so that each order of two operations that touch
 * the same is as likely as the other, whatever else happens between them. */
#include "sampler.h"

#include <string.h>

struct pos {
    struct sampler sampler;
    uint64_t priority[WORLD_ENTITIES_MAX + 1]; /* 0: not drawn; the last is time */
};

struct next {
    const void *place;
    enum world_access access;
};

static uint64_t *priority_of(struct pos *self, uint16_t entity)
{
    uint64_t *priority = &self->priority[sampler_slot(entity)];
    if (*priority == 0) *priority = chance_next(&self->sampler.chance) | 1;
    return priority;
}

static struct next next_of(uint16_t entity)
{
    struct next next = {.access = WORLD_NONE};
    if (entity != WORLD_ADVANCE) next.place = world_next_place(entity, &next.access);
    return next;
}

static bool conflict(struct next a, struct next b)
{
    return a.place != NULL && a.place == b.place &&
           (a.access == WORLD_WRITE || b.access == WORLD_WRITE);
}

/* The chosen one happens: it and those in conflict with it are drawn again. */
static void happen(struct pos *self, const struct offer *offer, uint32_t chosen)
{
    struct next next = next_of(offer->entity[chosen]);
    for (uint32_t i = 0; i < offer->count; i++) {
        uint16_t entity = offer->entity[i];
        if (i == chosen || conflict(next_of(entity), next)) *priority_of(self, entity) = 0;
    }
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct pos *self = (struct pos *)chooser;
    struct offer offer;
    uint32_t forced = sampler_offer(&self->sampler, count, &offer);
    if (forced != UINT32_MAX) return forced;
    uint32_t best = 0;
    for (uint32_t i = 1; i < offer.count; i++) {
        if (*priority_of(self, offer.entity[i]) > *priority_of(self, offer.entity[best])) best = i;
    }
    happen(self, &offer, best);
    return offer.index[best];
}

/* What it waits for has to get its turn. */
static void yielded(struct world_chooser *chooser, uint16_t entity)
{
    *priority_of((struct pos *)chooser, entity) = 1;
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct pos *self = (struct pos *)strategy;
    memset(self->priority, 0, sizeof self->priority);
    return sampler_begin(strategy, n);
}

struct strategy *strategy_pos(uint64_t seed, uint32_t length)
{
    struct pos *self = sampler_new(sizeof *self, seed, length);
    if (self == NULL) return NULL;
    struct strategy *strategy = &self->sampler.strategy;
    strategy->chooser.schedule = schedule;
    strategy->chooser.yielded = yielded;
    strategy->begin = begin;
    strategy->text = "partial order sampling";
    return strategy;
}
