#include "shard.h"

#include <stdio.h>
#include <stdlib.h>

/* Of which array of jobs, and where it begins to count: at a number, or at a variable's. */
static const struct {
    const char *index, *count, *least, *stride;
    uint64_t first;
} arrays[] = {
    {"CI_NODE_INDEX", "CI_NODE_TOTAL", NULL, NULL, 1},
    {"CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", NULL, NULL, 0},
    {"BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", NULL, NULL, 0},
    {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN",
     "SLURM_ARRAY_TASK_STEP", 0},
};
enum { ARRAYS = sizeof arrays / sizeof *arrays, NUMBER_MAX = 1000000000 };

static bool read_number(const char **at, uint64_t *number)
{
    const char *start = *at;
    *number = 0;
    for (; **at >= '0' && **at <= '9' && *number < NUMBER_MAX; ++*at) {
        *number = *number * 10 + (uint64_t)(**at - '0');
    }
    return *at > start;
}

static bool set(struct shard *shard, uint64_t index, uint64_t count, char *problem, size_t bytes)
{
    *shard = (struct shard){(uint32_t)index, (uint32_t)count};
    if (index >= 1 && index <= count && count <= SHARDS_MAX) return true;
    snprintf(problem, bytes, "there is no part %llu of %llu; parts are numbered from 1, and are at "
             "most %d", (unsigned long long)index, (unsigned long long)count, SHARDS_MAX);
    return false;
}

bool shard_read(const char *text, struct shard *shard, char *problem, size_t bytes)
{
    const char *at = text;
    uint64_t index, count;
    if (read_number(&at, &index) && *at++ == '/' && read_number(&at, &count) && *at == '\0') {
        return set(shard, index, count, problem, bytes);
    }
    snprintf(problem, bytes, "a shard is a part and their number, as 2/4, not '%s'", text);
    return false;
}

/* A variable's number, or that; false when it is no number. */
static bool read_variable(const char *name, uint64_t otherwise, uint64_t *number)
{
    const char *text = name ? getenv(name) : NULL;
    *number = otherwise;
    return text == NULL || (read_number(&text, number) && *text == '\0');
}

bool shard_environment(struct shard *shard, const char **variable, char *problem, size_t bytes)
{
    *shard = (struct shard){1, 1};
    *variable = NULL;
    for (int i = 0; i < ARRAYS; i++) {
        uint64_t index, count, least, stride;
        if (!getenv(arrays[i].index) || !getenv(arrays[i].count)) continue;
        bool good = read_variable(arrays[i].index, 0, &index) &&
                    read_variable(arrays[i].count, 0, &count) &&
                    read_variable(arrays[i].least, arrays[i].first, &least) &&
                    read_variable(arrays[i].stride, 1, &stride) && stride > 0 && index >= least;
        if (good && count == 1) return true;
        *variable = arrays[i].index;
        if (good) return set(shard, (index - least) / stride + 1, count, problem, bytes);
        snprintf(problem, bytes, "%s=%s and %s=%s are no part of an array of jobs",
                 arrays[i].index, getenv(arrays[i].index), arrays[i].count,
                 getenv(arrays[i].count));
        return false;
    }
    return true;
}

void shard_range(struct shard shard, uint64_t runs, uint64_t *first, uint64_t *count)
{
    unsigned __int128 all = runs;
    *first = (uint64_t)(all * (shard.index - 1) / shard.count);
    *count = (uint64_t)(all * shard.index / shard.count) - *first;
}
