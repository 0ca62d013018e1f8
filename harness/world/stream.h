/* Uniform random numbers: one 64-bit state; splitmix64 (Steele, Lea, Flood, "Fast splittable
 * pseudorandom number generators", 2014). */
#ifndef HARNESS_WORLD_STREAM_H
#define HARNESS_WORLD_STREAM_H

#include <stdint.h>

static inline uint64_t stream_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ull);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* Uniform below n (n >= 1), by multiplication (Lemire, "Fast random integer generation in an
 * interval", 2019, without the rejection: n is far below 2^32). */
static inline uint32_t stream_scale(uint64_t drawn, uint32_t n)
{
    return (uint32_t)((drawn >> 32) * n >> 32);
}

/* A stream that is one number ahead, for those who cannot wait for the next one. */
struct world_stream {
    uint64_t state;
    uint64_t drawn;
};

static inline void world_stream_begin(struct world_stream *stream, uint64_t state)
{
    stream->state = state;
    stream->drawn = stream_next(&stream->state);
}

static inline uint32_t world_stream_below(struct world_stream *stream, uint32_t n)
{
    uint64_t drawn = stream->drawn;
    stream->drawn = stream_next(&stream->state);
    return stream_scale(drawn, n);
}

#endif
