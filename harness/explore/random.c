/* Random walk. In a program of plain threads every option is equally likely; see plan.h for
 * what need not happen now. */
#include "plan.h"
#include "strategy.h"

#include <stdlib.h>

struct random {
    struct strategy strategy;
    uint64_t seed;
    uint32_t length;
    bool calm;
    struct chance chance;
    struct world_stream stream; /* of choices among threads alone */
    struct plan plan;
};

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct random *self = (struct random *)chooser;
    if (chooser->plain) return world_stream_below(&self->stream, count);
    uint16_t index[WORLD_ENTITIES_MAX], entity[WORLD_ENTITIES_MAX];
    uint32_t forced;
    uint32_t usable = plan_options(&self->plan, count, index, entity, WORLD_ENTITIES_MAX, &forced);
    if (forced != UINT32_MAX) return forced;
    return usable == 1 ? index[0] : index[chance_below(&self->chance, usable)];
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    (void)label;
    return chance_below(&((struct random *)chooser)->chance, count);
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct random *self = (struct random *)strategy;
    self->chance = chance_for(self->seed, n);
    world_stream_begin(&self->stream, chance_next(&self->chance));
    plan_begin(&self->plan, &self->chance, n, self->length, self->calm);
    return true;
}

static const char *describe(struct strategy *strategy, uint64_t n)
{
    (void)n;
    return ((struct random *)strategy)->calm ? "random walk without faults" : "random walk";
}

static void destroy(struct strategy *strategy)
{
    free(strategy);
}

struct strategy *strategy_random(uint64_t seed, uint32_t length, bool calm)
{
    struct random *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value, .uniform = &self->stream},
        .begin = begin,
        .describe = describe,
        .free = destroy,
    };
    self->seed = seed;
    self->length = length;
    self->calm = calm;
    return &self->strategy;
}
