/* Shards: one exploration divided among several machines, by the numbers of its executions. */
#ifndef HARNESS_EXPLORE_SHARD_H
#define HARNESS_EXPLORE_SHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHARDS_MAX = 10000 };

struct shard {
    uint32_t index, count; /* from 1; count 1: all of it */
};

/* "2/4", the second of four. False: *problem says what is wrong. */
bool shard_read(const char *text, struct shard *shard, char *problem, size_t bytes);

/* The same from the variables of a job array (docs/CI.md), and *variable is the one that says
 * which; {1, 1} and NULL when there are none. */
bool shard_environment(struct shard *shard, const char **variable, char *problem, size_t bytes);

/* The numbers of its executions among so many. */
void shard_range(struct shard shard, uint64_t runs, uint64_t *first, uint64_t *count);

#endif
