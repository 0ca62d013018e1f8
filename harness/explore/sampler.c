#include "sampler.h"

#include <stdlib.h>

/* A failure may need one older value out of thousands, or several in a row: how often there is one
 * is drawn for each execution, from every other time to once in 64. */
static bool reads_older(struct sampler *self)
{
    if (self->older == 0) self->older = 2u << chance_below(&self->chance, 6);
    return chance_below(&self->chance, self->older) == 0;
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    struct sampler *self = (struct sampler *)chooser;
    if (label != world_older_value) return chance_below(&self->chance, count);
    return reads_older(self) ? 1 + chance_below(&self->chance, count - 1) : 0;
}

bool sampler_begin(struct strategy *strategy, uint64_t n)
{
    struct sampler *self = (struct sampler *)strategy;
    self->execution = n;
    self->older = 0;
    self->chance = chance_for(self->seed, n);
    plan_begin(&self->plan, &self->chance, n, self->length, self->calm);
    return true;
}

uint32_t sampler_offer(struct sampler *self, uint32_t count, struct offer *offer)
{
    uint32_t forced;
    offer->count = plan_options(&self->plan, count, offer->index, offer->entity, &forced);
    return forced;
}

uint32_t sampler_draw_place(struct sampler *self)
{
    return chance_below(&self->chance, self->length < 16 ? 16 : self->length);
}

void *sampler_new(size_t bytes, uint64_t seed, uint32_t length)
{
    struct sampler *self = calloc(1, bytes);
    if (self == NULL) return NULL;
    self->strategy.chooser.value = value;
    self->strategy.begin = sampler_begin;
    self->strategy.text = self->text;
    self->strategy.free = strategy_free;
    self->seed = seed;
    self->length = length;
    return self;
}
