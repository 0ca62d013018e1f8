/* Delay bounding (Emmi, Qadeer, Rakamaric, "Delay-bounded scheduling", POPL 2011), sampled: threads
 * take turns without being preempted, and at `delays` choices, drawn over a typical length,
 * the one that would go on is put off and the next one in the circle goes on instead. */
#include "plan.h"
#include "strategy.h"

#include <stdio.h>
#include <stdlib.h>

enum { DELAYS_MAX = 64 };

struct delay {
    struct strategy strategy;
    uint64_t seed;
    uint32_t delays, length;
    struct chance chance;
    struct plan plan;
    uint32_t delay_at[DELAYS_MAX];
    uint32_t choice;
    uint16_t last;
    char text[32];
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
    uint16_t index[WORLD_ENTITIES_MAX], entity[WORLD_ENTITIES_MAX];
    uint32_t forced, put_off = 0;
    uint32_t usable = plan_options(&self->plan, count, index, entity, WORLD_ENTITIES_MAX, &forced);
    if (forced != UINT32_MAX) return forced;
    for (uint32_t i = 0; i < self->delays; i++) put_off += self->delay_at[i] == self->choice;
    self->choice++;
    uint32_t at = nearest(self, entity, usable, put_off);
    if (entity[at] != WORLD_ADVANCE) self->last = entity[at];
    return index[at];
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    (void)label;
    return chance_below(&((struct delay *)chooser)->chance, count);
}

/* The next one begins the circle. */
static void yielded(struct world_chooser *chooser, uint16_t entity)
{
    ((struct delay *)chooser)->last = (uint16_t)((entity + 1u) % WORLD_ENTITIES_MAX);
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct delay *self = (struct delay *)strategy;
    uint32_t length = self->length < 16 ? 16 : self->length;
    self->chance = chance_for(self->seed, n);
    self->choice = 0;
    self->last = 0;
    for (uint32_t i = 0; i < self->delays; i++) {
        self->delay_at[i] = chance_below(&self->chance, length);
    }
    plan_begin(&self->plan, &self->chance, n, self->length, false);
    return true;
}

static const char *describe(struct strategy *strategy, uint64_t n)
{
    (void)n;
    return ((struct delay *)strategy)->text;
}

static void destroy(struct strategy *strategy)
{
    free(strategy);
}

struct strategy *strategy_delay(uint64_t seed, uint32_t delays, uint32_t length)
{
    struct delay *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value, .yielded = yielded},
        .begin = begin,
        .describe = describe,
        .free = destroy,
    };
    self->seed = seed;
    self->delays = delays > DELAYS_MAX ? DELAYS_MAX : delays;
    self->length = length;
    snprintf(self->text, sizeof self->text, "delays=%u", self->delays);
    return &self->strategy;
}
