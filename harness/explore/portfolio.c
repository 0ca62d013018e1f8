/* The portfolio: members take turns from the first execution, in numbered batches. */
#include "strategy.h"

#include <stdlib.h>

enum { BATCH = 16, MEMBERS = 5 };

struct portfolio {
    struct strategy strategy;
    struct strategy *members[MEMBERS];
    struct strategy *now;
};

static struct strategy *member(struct portfolio *self, uint64_t n)
{
    return self->members[n / BATCH % MEMBERS];
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct world_chooser *inner = &((struct portfolio *)chooser)->now->chooser;
    inner->plain = chooser->plain;
    return inner->schedule(inner, count);
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    struct world_chooser *inner = &((struct portfolio *)chooser)->now->chooser;
    return inner->value(inner, count, label);
}

static void yielded(struct world_chooser *chooser, uint16_t entity)
{
    struct world_chooser *inner = &((struct portfolio *)chooser)->now->chooser;
    if (inner->yielded) inner->yielded(inner, entity);
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct portfolio *self = (struct portfolio *)strategy;
    self->now = member(self, n);
    self->strategy.chooser.uniform = self->now->chooser.uniform;
    return self->now->begin(self->now, n);
}

static const char *describe(struct strategy *strategy, uint64_t n)
{
    struct strategy *one = member((struct portfolio *)strategy, n);
    return one->describe(one, n);
}

static void destroy(struct strategy *strategy)
{
    struct portfolio *self = (struct portfolio *)strategy;
    for (int i = 0; i < MEMBERS; i++) {
        if (self->members[i]) self->members[i]->free(self->members[i]);
    }
    free(self);
}

struct strategy *strategy_portfolio(uint64_t seed, uint32_t length)
{
    struct portfolio *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value, .yielded = yielded},
        .begin = begin,
        .describe = describe,
        .free = destroy,
    };
    self->members[0] = strategy_random(seed, length, false);
    self->members[1] = strategy_pct(seed, 3, length);
    self->members[2] = strategy_random(seed, length, true);
    self->members[3] = strategy_pct(seed, 2, length);
    self->members[4] = strategy_pct(seed, 6, length);
    for (int i = 0; i < MEMBERS; i++) {
        if (self->members[i]) continue;
        destroy(&self->strategy);
        return NULL;
    }
    return &self->strategy;
}

struct strategy *strategy_new(const struct strategy_options *options)
{
    switch (options->kind) {
    case EXPLORE_AUTO:
        return strategy_portfolio(options->seed, options->length);
    case EXPLORE_RANDOM:
        return strategy_random(options->seed, options->length, false);
    case EXPLORE_PCT:
        return strategy_pct(options->seed, options->depth, options->length);
    case EXPLORE_EXHAUSTIVE:
        return strategy_reduced();
    case EXPLORE_DFS:
        return strategy_dfs(options->deviations);
    case EXPLORE_KINDS:
        break;
    }
    return NULL;
}
