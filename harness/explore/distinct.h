/* How many different executions there were: exact to 2^20, then a sketch, so that memory
 * stays flat (HyperLogLog: Flajolet, Fusy, Gandouet, Meunier, 2007; error about 1 %). */
#ifndef HARNESS_EXPLORE_DISTINCT_H
#define HARNESS_EXPLORE_DISTINCT_H

#include <stdbool.h>
#include <stdint.h>

enum { DISTINCT_SLOTS = 1 << 21, DISTINCT_EXACT_MAX = 1 << 20, DISTINCT_REGISTERS = 1 << 14 };

struct distinct {
    uint64_t *slots; /* DISTINCT_SLOTS; 0 is empty */
    uint32_t used;
    uint8_t registers[DISTINCT_REGISTERS];
};

bool distinct_init(struct distinct *distinct);
void distinct_free(struct distinct *distinct);
/* Adds a hash; true when it was certainly not there before. */
bool distinct_add(struct distinct *distinct, uint64_t hash);
/* *exact tells whether the count is exact. */
uint64_t distinct_count(const struct distinct *distinct, bool *exact);

#endif
