/* Randomness of strategies: one 64-bit state, seeded per execution. */
#ifndef HARNESS_EXPLORE_CHANCE_H
#define HARNESS_EXPLORE_CHANCE_H

#include <stdint.h>

struct chance {
    uint64_t state;
};

/* splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
static inline uint64_t chance_next(struct chance *chance)
{
    uint64_t z = (chance->state += 0x9e3779b97f4a7c15ull);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* Uniform below n (n >= 1), by multiplication (Lemire, "Fast random integer generation in an
 * interval", 2019, without the rejection: n is far below 2^32). */
static inline uint32_t chance_scale(uint64_t drawn, uint32_t n)
{
    return (uint32_t)((drawn >> 32) * n >> 32);
}

static inline uint32_t chance_below(struct chance *chance, uint32_t n)
{
    return chance_scale(chance_next(chance), n);
}

static inline struct chance chance_for(uint64_t seed, uint64_t n)
{
    struct chance chance = {seed * 0xd1342543de82ef95ull + n};
    chance.state = chance_next(&chance);
    return chance;
}

#endif
