/* Partial order sampling (Yuan, Yang, Gu, "Partial Order Aware Concurrency Sampling", CAV 2018):
 * every operation that is about to happen has a random priority, and the highest one happens.
 * Those in conflict with it get new ones, so that each order of two operations that touch
 * the same is as likely as the other, whatever else happens between them. */
#include "plan.h"
#include "strategy.h"

#include <stdlib.h>
#include <string.h>

struct pos {
    struct strategy strategy;
    uint64_t seed;
    uint32_t length;
    struct chance chance;
    struct plan plan;
    uint64_t priority[WORLD_ENTITIES_MAX + 1]; /* 0: not drawn; the last is time */
};

struct next {
    const void *place;
    enum world_access access;
};

static uint64_t *priority_of(struct pos *self, uint16_t entity)
{
    uint64_t *priority =
        &self->priority[entity == WORLD_ADVANCE ? WORLD_ENTITIES_MAX : entity];
    if (*priority == 0) *priority = chance_next(&self->chance) | 1;
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
static void happen(struct pos *self, const uint16_t *entity, uint32_t count, uint32_t chosen)
{
    struct next next = next_of(entity[chosen]);
    for (uint32_t i = 0; i < count; i++) {
        if (i == chosen || conflict(next_of(entity[i]), next)) *priority_of(self, entity[i]) = 0;
    }
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct pos *self = (struct pos *)chooser;
    uint16_t index[WORLD_ENTITIES_MAX], entity[WORLD_ENTITIES_MAX];
    uint32_t forced;
    uint32_t usable = plan_options(&self->plan, count, index, entity, WORLD_ENTITIES_MAX, &forced);
    if (forced != UINT32_MAX) return forced;
    uint32_t best = 0;
    for (uint32_t i = 1; i < usable; i++) {
        if (*priority_of(self, entity[i]) > *priority_of(self, entity[best])) best = i;
    }
    happen(self, entity, usable, best);
    return index[best];
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    (void)label;
    return chance_below(&((struct pos *)chooser)->chance, count);
}

/* What it waits for has to get its turn. */
static void yielded(struct world_chooser *chooser, uint16_t entity)
{
    *priority_of((struct pos *)chooser, entity) = 1;
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct pos *self = (struct pos *)strategy;
    self->chance = chance_for(self->seed, n);
    memset(self->priority, 0, sizeof self->priority);
    plan_begin(&self->plan, &self->chance, n, self->length, false);
    return true;
}

static const char *describe(struct strategy *strategy, uint64_t n)
{
    (void)strategy, (void)n;
    return "partial order sampling";
}

static void destroy(struct strategy *strategy)
{
    free(strategy);
}

struct strategy *strategy_pos(uint64_t seed, uint32_t length)
{
    struct pos *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value, .yielded = yielded},
        .begin = begin,
        .describe = describe,
        .free = destroy,
    };
    self->seed = seed;
    self->length = length;
    return &self->strategy;
}
