/* Randomness that a program asks the system for: a fixed stream per execution, from the
 * seed of the limits. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* What comes next depends on who asked before. */
static uint64_t next_chance(void)
{
    world_meet(WORLD_MET_FAKES);
    W.outside++;
    return stream_next(&W.chance);
}

static void fill(void *buffer, size_t bytes)
{
    unsigned char *out = buffer;
    while (bytes > 0) {
        uint64_t word = next_chance();
        size_t part = bytes < sizeof word ? bytes : sizeof word;
        memcpy(out, &word, part);
        out += part;
        bytes -= part;
    }
}

ssize_t world_getrandom(void *buffer, size_t bytes, unsigned flags)
{
    (void)flags;
    fill(buffer, bytes);
    return (ssize_t)bytes;
}

int world_getentropy(void *buffer, size_t bytes)
{
    if (bytes > 256) {
        errno = EIO;
        return -1;
    }
    fill(buffer, bytes);
    return 0;
}

uint32_t world_arc4random(void)
{
    return (uint32_t)next_chance();
}

void world_arc4random_buf(void *buffer, size_t bytes)
{
    fill(buffer, bytes);
}

uint32_t world_arc4random_uniform(uint32_t bound)
{
    return bound < 2 ? 0 : (uint32_t)(next_chance() % bound);
}

int world_rand(void)
{
    return (int)(next_chance() >> 33);
}

long world_random(void)
{
    return (long)(next_chance() >> 33);
}

long world_lrand48(void)
{
    return (long)(next_chance() >> 33);
}

long world_mrand48(void)
{
    return (long)(int32_t)next_chance();
}

double world_drand48(void)
{
    return (double)(next_chance() >> 11) / (double)(1ull << 53);
}

static void seed(uint64_t value)
{
    W.chance = value ^ W.limits.seed;
}

void world_srand(unsigned value)
{
    seed(value);
}

void world_srandom(unsigned value)
{
    seed(value);
}

void world_srand48(long value)
{
    seed((uint64_t)value);
}
