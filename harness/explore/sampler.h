/* What samplers have in common: a seed, and for each execution its randomness and its plan. A
 * sampler begins its own struct with this one, and says what it picks. */
#ifndef HARNESS_EXPLORE_SAMPLER_H
#define HARNESS_EXPLORE_SAMPLER_H

#include "plan.h"
#include "strategy.h"

struct sampler {
    struct strategy strategy; /* first */
    uint64_t seed;
    uint32_t length;    /* choices of a typical execution */
    bool calm;          /* no optional fault at all */
    uint64_t execution; /* begun last */
    uint32_t older;     /* one load in so many reads an older value; 0: not drawn yet */
    struct chance chance;
    struct plan plan;
    char text[48];      /* strategy.text, for those that say a number */
};

/* What may be picked at a choice: indexes of options, and who is behind them. */
struct offer {
    uint32_t count;
    uint16_t index[WORLD_ENTITIES_MAX + 1], entity[WORLD_ENTITIES_MAX + 1];
};

/* A sampler of so many bytes, all zero but for what is common: the caller sets what it picks and
 * what it is called. NULL when out of memory. */
void *sampler_new(size_t bytes, uint64_t seed, uint32_t length);

/* Seeds execution n: strategy.begin, or the first thing that it does. */
bool sampler_begin(struct strategy *strategy, uint64_t n);

/* To be called at every choice of a schedule, as the first thing. UINT32_MAX: pick one of what is
 * offered; otherwise that index has to be taken. */
uint32_t sampler_offer(struct sampler *sampler, uint32_t count, struct offer *offer);

/* A choice drawn over a typical length. */
uint32_t sampler_draw_place(struct sampler *sampler);

/* Something about each entity and about time: where to find it in WORLD_ENTITIES_MAX + 1. */
static inline uint32_t sampler_slot(uint16_t entity)
{
    return entity == WORLD_ADVANCE ? WORLD_ENTITIES_MAX : entity;
}

#endif
