/* Shrinking by beginning anew. Leaving out what can be left out ends in an execution from which
 * nothing can be left out, and there are several of these; which one is reached depends on the one
 * that shrinking began with. So failures of the same kind are sampled: random walks that preempt a
 * thread a few times only, at random places. One with fewer preemptions than the best one is
 * better; one with as many may be, after it has been shrunk, too. */
#include "sampler.h"
#include "shrink.h"

enum { PREEMPTIONS_MAX = 16, SEED = 1 };
enum { PARTS = 8 };          /* of the steps that are left: spent here */
enum { BEGINNINGS_MAX = 12 }; /* failures that are shrunk, of each number of preemptions */

struct few {
    struct sampler sampler;
    uint32_t preemptions;
    uint32_t places[PREEMPTIONS_MAX];
    uint64_t executions;
    uint32_t at;   /* choices so far at which a thread could go on */
    uint32_t lazy; /* of so many choices without preemption all but one are the default */
};

static bool is_place(const struct few *self)
{
    for (uint32_t i = 0; i < self->preemptions; i++) {
        if (self->places[i] == self->at) return true;
    }
    return false;
}

/* Without those that are worse than a preemption, where none is wanted. */
static void leave_out_faults(const struct few *self, struct offer *offer)
{
    uint32_t count = 0;
    for (uint32_t i = 0; self->sampler.calm && i < offer->count; i++) {
        if (cost_of_option(offer->index[i]) != COST_FAULT) offer->index[count++] = offer->index[i];
    }
    if (count > 0) offer->count = count;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct few *self = (struct few *)chooser;
    struct chance *chance = &self->sampler.chance;
    struct offer offer;
    uint32_t forced = sampler_offer(&self->sampler, count, &offer);
    if (forced != UINT32_MAX) return forced;
    leave_out_faults(self, &offer);
    if (!world_option_continues()) {
        if (offer.count == 1 || chance_below(chance, self->lazy) != 0) return offer.index[0];
        return offer.index[chance_below(chance, offer.count)];
    }
    bool leave = is_place(self) && offer.count > 1;
    self->at++;
    return offer.index[leave ? 1 + chance_below(chance, offer.count - 1) : 0];
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct few *self = (struct few *)strategy;
    (void)n;
    sampler_begin(strategy, self->executions++);
    self->at = 0;
    self->lazy = 1u << chance_below(&self->sampler.chance, 4);
    for (uint32_t i = 0; i < self->preemptions; i++) {
        self->places[i] = sampler_draw_place(&self->sampler);
    }
    return true;
}

/* The sampler itself is kept. */
static void keep(struct strategy *strategy)
{
    (void)strategy;
}

/* Whether the execution that failed in the meter has no more faults than the best one. */
static bool is_worth_it(const struct shrink *shrink)
{
    const struct explore_cost *cost = &shrink->meter.cost, *best = &shrink->best->cost;
    return cost->of[COST_FAULT] <= best->of[COST_FAULT] &&
           cost->of[COST_PREEMPTION] <= best->of[COST_PREEMPTION];
}

/* With so many preemptions at most. True when that led to something better. */
static bool sample(struct shrink *shrink, struct few *self, uint32_t preemptions, uint32_t steps)
{
    uint32_t left = shrink->steps_left > steps ? shrink->steps_left - steps : 0, begun = 0;
    self->preemptions = preemptions;
    while (shrink->steps_left > left && begun < BEGINNINGS_MAX) {
        self->sampler.calm = shrink->best->cost.of[COST_FAULT] == 0 || (self->executions & 1);
        if (!shrink_run(shrink, &self->sampler.strategy) || !is_worth_it(shrink)) continue;
        begun++;
        if (shrink_from_here(shrink)) return true;
    }
    return false;
}

bool shrink_sample(struct shrink *shrink)
{
    const struct explore_failure *best = shrink->best;
    bool better = false;
    if (cost_choices(&best->cost) == 0) return false;
    shrink_run(shrink, strategy_replay(best->choices, best->count, false));
    struct few *self = sampler_new(sizeof *self, SEED, shrink->meter.at);
    if (self == NULL) return false;
    self->sampler.strategy.chooser.schedule = schedule;
    self->sampler.strategy.begin = begin;
    self->sampler.strategy.free = keep;
    uint32_t last = best->cost.of[COST_PREEMPTION];
    if (last > PREEMPTIONS_MAX) last = PREEMPTIONS_MAX;
    uint32_t steps = shrink->steps_left / PARTS / (last + 1);
    for (uint32_t n = 0; n <= last && !better; n++) better = sample(shrink, self, n, steps);
    strategy_free(&self->sampler.strategy);
    return better;
}
