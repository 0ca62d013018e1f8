#include "distinct.h"

#include <math.h>
#include <sys/mman.h>

bool distinct_init(struct distinct *distinct)
{
    *distinct = (struct distinct){0};
    void *slots = mmap(0, DISTINCT_SLOTS * sizeof *distinct->slots, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slots == MAP_FAILED) return false;
    distinct->slots = slots;
    return true;
}

void distinct_free(struct distinct *distinct)
{
    if (distinct->slots) munmap(distinct->slots, DISTINCT_SLOTS * sizeof *distinct->slots);
}

static uint64_t spread(uint64_t x)
{
    x = (x ^ x >> 31) * 0x7fb5d329728ea185ull;
    x = (x ^ x >> 27) * 0x81dadef4bc2dd44dull;
    x ^= x >> 33;
    return x == 0 ? 1 : x;
}

static void sketch(struct distinct *distinct, uint64_t x)
{
    uint32_t at = (uint32_t)(x % DISTINCT_REGISTERS);
    uint64_t rest = x / DISTINCT_REGISTERS | 1ull << 50;
    uint8_t rank = (uint8_t)(__builtin_ctzll(rest) + 1);
    if (distinct->registers[at] < rank) distinct->registers[at] = rank;
}

bool distinct_add(struct distinct *distinct, uint64_t hash)
{
    uint64_t x = spread(hash);
    sketch(distinct, x);
    if (distinct->used == DISTINCT_EXACT_MAX) return false;
    uint32_t at = (uint32_t)(x % DISTINCT_SLOTS);
    while (distinct->slots[at] != 0) {
        if (distinct->slots[at] == x) return false;
        at = (at + 1) % DISTINCT_SLOTS;
    }
    distinct->slots[at] = x;
    distinct->used++;
    return true;
}

uint64_t distinct_count(const struct distinct *distinct, bool *exact)
{
    *exact = distinct->used < DISTINCT_EXACT_MAX;
    if (*exact) return distinct->used;
    double sum = 0;
    for (uint32_t i = 0; i < DISTINCT_REGISTERS; i++) sum += ldexp(1, -distinct->registers[i]);
    double m = DISTINCT_REGISTERS;
    return (uint64_t)(0.7213 / (1 + 1.079 / m) * m * m / sum);
}
