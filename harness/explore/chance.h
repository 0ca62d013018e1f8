/* Randomness of strategies: one 64-bit state, seeded per execution. */
#ifndef HARNESS_EXPLORE_CHANCE_H
#define HARNESS_EXPLORE_CHANCE_H

#include "harness/world/stream.h"

struct chance {
    uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
    return stream_next(&chance->state);
}

/* Uniform below n (n >= 1). */
static inline uint32_t chance_below(struct chance *chance, uint32_t n)
{
    return stream_scale(chance_next(chance), n);
}

static inline struct chance chance_for(uint64_t seed, uint64_t n)
{
    struct chance chance = {seed * 0xd1342543de82ef95ull + n};
    chance.state = chance_next(&chance);
    return chance;
}

#endif
