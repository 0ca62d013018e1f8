/* Random walk. In a program of plain threads every option is equally likely; see plan.h for
 * what need not happen now. */
#include "sampler.h"

struct random {
    struct sampler sampler;
    struct world_stream stream; /* of choices among threads alone */
};

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct random *self = (struct random *)chooser;
    if (chooser->plain) return world_stream_below(&self->stream, count);
    struct offer offer;
    uint32_t forced = sampler_offer(&self->sampler, count, &offer);
    if (forced != UINT32_MAX) return forced;
    return offer.index[offer.count == 1 ? 0 : chance_below(&self->sampler.chance, offer.count)];
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct random *self = (struct random *)strategy;
    sampler_begin(strategy, n);
    world_stream_begin(&self->stream, chance_next(&self->sampler.chance));
    return true;
}

struct strategy *strategy_random(uint64_t seed, uint32_t length, bool calm)
{
    struct random *self = sampler_new(sizeof *self, seed, length);
    if (self == NULL) return NULL;
    struct strategy *strategy = &self->sampler.strategy;
    strategy->chooser.schedule = schedule;
    strategy->chooser.uniform = &self->stream;
    strategy->begin = begin;
    strategy->text = calm ? "random walk without faults" : "random walk";
    self->sampler.calm = calm;
    return strategy;
}
