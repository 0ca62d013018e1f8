/* Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A
 * randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010).
 *
 * Threads get random priorities; the highest enabled one runs. At depth-1 choices, drawn over
 * a typical length, the running thread falls below all others. A thread that yields falls
 * too, so that spinning cannot starve the one it waits for. */
#include "plan.h"
#include "strategy.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_MAX = 16 };

struct pct {
    struct strategy strategy;
    uint64_t seed;
    uint32_t depth, length;
    struct chance chance;
    struct plan plan;
    uint64_t execution;
    uint32_t change_at[DEPTH_MAX];
    uint32_t choice;
    uint32_t lowest; /* the next priority to fall to: counts down */
    struct {
        uint64_t execution;
        uint32_t priority;
    } of[WORLD_ENTITIES_MAX + 1]; /* the last is time */
    uint16_t last;
    char text[32];
};

static uint32_t slot_of(uint16_t entity)
{
    return entity == WORLD_ADVANCE ? WORLD_ENTITIES_MAX : entity;
}

static uint32_t *priority_of(struct pct *self, uint16_t entity)
{
    uint32_t slot = slot_of(entity);
    if (self->of[slot].execution != self->execution) {
        self->of[slot].execution = self->execution;
        self->of[slot].priority = 1u << 30 | chance_below(&self->chance, 1u << 30);
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
    uint16_t index[WORLD_ENTITIES_MAX], entity[WORLD_ENTITIES_MAX];
    uint32_t forced;
    uint32_t usable = plan_options(&self->plan, count, index, entity, WORLD_ENTITIES_MAX, &forced);
    if (forced != UINT32_MAX) return forced;
    for (uint32_t i = 0; i + 1 < self->depth; i++) {
        if (self->change_at[i] == self->choice) fall(self, self->last);
    }
    self->choice++;
    uint32_t best = 0, best_priority = 0;
    for (uint32_t i = 0; i < usable; i++) {
        uint32_t priority = *priority_of(self, entity[i]);
        if (i > 0 && priority <= best_priority) continue;
        best = i;
        best_priority = priority;
    }
    self->last = entity[best];
    return index[best];
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    (void)label;
    return chance_below(&((struct pct *)chooser)->chance, count);
}

static void yielded(struct world_chooser *chooser, uint16_t entity)
{
    fall((struct pct *)chooser, entity);
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct pct *self = (struct pct *)strategy;
    self->execution = n + 1;
    self->chance = chance_for(self->seed, n);
    self->choice = 0;
    self->lowest = 1u << 29;
    self->last = 0;
    uint32_t length = self->length < 16 ? 16 : self->length;
    for (uint32_t i = 0; i + 1 < self->depth; i++) {
        self->change_at[i] = chance_below(&self->chance, length);
    }
    plan_begin(&self->plan, &self->chance, n, self->length, false);
    return true;
}

static const char *describe(struct strategy *strategy, uint64_t n)
{
    (void)n;
    return ((struct pct *)strategy)->text;
}

static void destroy(struct strategy *strategy)
{
    free(strategy);
}

struct strategy *strategy_pct(uint64_t seed, uint32_t depth, uint32_t length)
{
    struct pct *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value, .yielded = yielded},
        .begin = begin,
        .describe = describe,
        .free = destroy,
    };
    self->seed = seed;
    self->depth = depth < 1 ? 1 : depth > DEPTH_MAX ? DEPTH_MAX : depth;
    self->length = length;
    snprintf(self->text, sizeof self->text, "pct depth=%u", self->depth);
    return &self->strategy;
}
