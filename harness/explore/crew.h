/* Exploring with several processes, with the result of one.
 *
 * Samplers decide by the number of an execution alone, so the numbers are cut into blocks, and
 * workers take them in order. What they find is put together in the order of blocks, up to the
 * first that failed: the failure is the one with the lowest number, and what later blocks found
 * is not counted. Searches depend on what came before, so parts of what is left to be searched go
 * from one worker to another. */
#ifndef HARNESS_EXPLORE_CREW_H
#define HARNESS_EXPLORE_CREW_H

#include "explore.h"
#include "worker.h"

enum { CREW_JOBS_MAX = 64 };
#define CREW_RUNS_MAX (1ull << 26) /* results of all blocks are kept until the end */

struct crew {
    uint32_t jobs;
    /* A sampler, and the numbers of its executions: from first_run on, runs_max of them; or a
     * search, which begins with 0.
     * `counted` is told in this process, of every execution that counts, in order. */
    struct explore_options how;
    size_t found_bytes, block_bytes; /* what a worker keeps of its failure; of each block */
    void *context;
    /* In a worker, once: get ready for executions, with that log. 0, or what it returns. */
    int (*begin)(void *context, struct explore_log *log, const struct explore_subject **subject);
    /* In a worker, before and after each block; may be NULL. */
    void (*block_begins)(void *context);
    void (*block_ends)(void *context, void *block);
    /* In a worker, of every execution that counts, with its class hash; may be NULL. */
    void (*counted_here)(void *context, uint64_t class_hash);
    /* In a worker, after the execution that failed; may be NULL. */
    void (*failed)(void *context, const struct explore_failure *failure, void *found);
    /* In this process, for each block that counts, in order; may be NULL. */
    void (*add)(void *context, const void *block);
    /* In this process, a few times a second; may be NULL. */
    void (*tick)(void *context, uint64_t runs);
};

/* Where the outcome goes: memory of the caller. */
struct crew_outcome {
    struct explore_stats *explored;
    struct explore_failure *failure;
    struct explore_log *log; /* filled from a worker that died */
    void *found;             /* found_bytes, filled if there is a failure; may be NULL */
    char *stop_text;         /* WORLD_TEXT_MAX, of a search that could not go on; may be NULL */
};

/* Returns what one worker would have: 0, or the first other result or bad end. */
struct worker_result crew_explore(const struct crew *crew, const struct crew_outcome *outcome);

/* --- of crew*.c only --- */

/* Executions in a row, as a worker left them. */
struct crew_part {
    const struct explore_stats *explored;
    uint32_t hash_count;
    const uint64_t *hashes;
    const void *extra; /* block_bytes */
};
/* In this process: they come next. */
void crew_add(const struct crew *crew, const struct crew_part *part, struct explore_stats *sum,
              struct distinct *distinct);

/* crew_explore() for a search. */
struct worker_result crew_search(const struct crew *crew, const struct crew_outcome *outcome);

#endif
