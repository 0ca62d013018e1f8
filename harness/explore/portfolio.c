/* The portfolio: members take turns from the first execution on, by its number. What one learns all
 * know; those that know nothing have more than half of the budget, for what was learned may be
 * beside the point. */
#include "learn.h"
#include "strategy.h"

#include <stdlib.h>

enum { SURW, WALK, PCT_3, CALM, POS, PCT_2, PCT_6, MEMBERS };

static const uint8_t turns[] = { SURW, WALK, SURW, PCT_3, SURW, CALM, SURW, POS, PCT_2, PCT_6 };

struct portfolio {
    struct strategy strategy;
    struct strategy *members[MEMBERS];
    struct strategy *now;
    struct learned *learned;
    uint64_t execution;
};

static struct strategy *member(struct portfolio *self, uint64_t n)
{
    return self->members[turns[n % (sizeof turns / sizeof turns[0])]];
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
    self->execution = n;
    self->strategy.chooser.uniform = self->now->chooser.uniform;
    strategy->text = self->now->text;
    return self->now->begin(self->now, n);
}

static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    struct portfolio *self = (struct portfolio *)strategy;
    (void)choices, (void)count;
    learn(self->learned, self->execution);
}

static void destroy(struct strategy *strategy)
{
    struct portfolio *self = (struct portfolio *)strategy;
    for (int i = 0; i < MEMBERS; i++) {
        if (self->members[i]) self->members[i]->free(self->members[i]);
    }
    learned_free(self->learned);
    free(self);
}

static void make_members(struct portfolio *self, uint64_t seed, uint32_t length)
{
    self->members[SURW] = strategy_surw(seed, length, self->learned);
    self->members[WALK] = strategy_random(seed, length, false);
    self->members[PCT_3] = strategy_pct(seed, 3, length);
    self->members[CALM] = strategy_random(seed, length, true);
    self->members[POS] = strategy_pos(seed, length);
    self->members[PCT_2] = strategy_pct(seed, 2, length);
    self->members[PCT_6] = strategy_pct(seed, 6, length);
}

struct strategy *strategy_portfolio(uint64_t seed, uint32_t length)
{
    struct portfolio *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value, .yielded = yielded},
        .begin = begin,
        .end = end,
        .free = destroy,
        .learns = LEARN_RUNS,
    };
    self->learned = learned_new();
    if (self->learned) make_members(self, seed, length);
    for (int i = 0; i < MEMBERS; i++) {
        if (self->members[i]) continue;
        destroy(&self->strategy);
        return NULL;
    }
    return &self->strategy;
}

void strategy_free(struct strategy *strategy)
{
    free(strategy);
}

bool explore_is_search(enum explore_kind kind)
{
    return kind == EXPLORE_DFS || kind == EXPLORE_EXHAUSTIVE;
}

static struct strategy *strategy_exhaustive(const struct strategy_options *options)
{
    bool delays = options->bound == EXPLORE_DELAYS;
    uint32_t limit = delays ? options->delays : options->deviations;
    bool reduced = options->bound == EXPLORE_UNBOUNDED || !options->brute_force;
    return reduced ? strategy_reduced(options->bound, limit) : strategy_dfs(limit, delays);
}

struct strategy *strategy_new(const struct strategy_options *options)
{
    switch (options->kind) {
    case EXPLORE_AUTO:
        return strategy_portfolio(options->seed, options->length);
    case EXPLORE_RANDOM:
        return strategy_random(options->seed, options->length, false);
    case EXPLORE_POS:
        return strategy_pos(options->seed, options->length);
    case EXPLORE_SURW:
        return strategy_surw(options->seed, options->length, NULL);
    case EXPLORE_RF:
        return strategy_rf(options->seed, options->length);
    case EXPLORE_DELAY:
        return strategy_delay(options->seed, options->delays, options->length);
    case EXPLORE_PCT:
        return strategy_pct(options->seed, options->depth, options->length);
    case EXPLORE_EXHAUSTIVE:
        return strategy_exhaustive(options);
    case EXPLORE_DFS:
        return strategy_dfs(options->deviations, false);
    case EXPLORE_KINDS:
        break;
    }
    return NULL;
}
