#include "crew.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOCK_RUNS = 512, NO_BLOCK = UINT32_MAX, OUT_OF_MEMORY = 5 };

struct block {
    struct explore_stats explored;
    uint32_t hash_count;
    uint64_t hashes[BLOCK_RUNS];
};

/* What one worker leaves besides its blocks. */
struct slot {
    struct explore_log log;
    struct explore_failure failure;
    uint32_t block; /* that it works on */
    bool failed;
};

struct counters {
    _Atomic uint32_t next;   /* block that nobody has taken */
    _Atomic uint32_t failed; /* lowest block that failed */
    _Atomic uint64_t runs;   /* done so far */
};

/* One crew at a time; its workers are copies of this process. */
static struct {
    const struct crew *crew;
    const struct explore_subject *subject;
    struct slot *slots;
    struct block *blocks;
    char *found, *extra; /* the crew's own part of each slot, of each block */
    struct counters *counters;
    uint32_t block_count, own_slot, length;
    struct strategy *kept; /* of a worker: what its blocks have taught it */
} all;

/* --- in workers --- */

static void count_class(void *context, uint64_t class_hash)
{
    struct block *block = context;
    block->hashes[block->hash_count++] = class_hash;
    if (all.crew->counted_here) all.crew->counted_here(all.crew->context, class_hash);
}

static void lower_failed(uint32_t block)
{
    uint32_t known = atomic_load(&all.counters->failed);
    while (block < known &&
           !atomic_compare_exchange_weak(&all.counters->failed, &known, block)) {
        continue;
    }
}

/* Choices of execution 0, which tell every sampler how long executions are. */
static uint32_t typical_length(void)
{
    struct world_result result;
    if (all.crew->how.strategy.length > 0) return all.crew->how.strategy.length;
    explore_replay(all.subject, NULL, 0, false, &result);
    return result.choices;
}

static struct explore_options block_options(uint32_t number)
{
    struct explore_options options = all.crew->how;
    uint64_t before = (uint64_t)number * BLOCK_RUNS, left = options.runs_max - before;
    options.first_run += before;
    options.runs_max = left < BLOCK_RUNS ? left : BLOCK_RUNS;
    options.strategy.length = all.length;
    options.counted = count_class;
    options.counted_context = &all.blocks[number];
    options.count_no_classes = true;
    options.kept = &all.kept;
    return options;
}

/* 0, or what the worker returns. */
static int explore_block(struct slot *slot, uint32_t number)
{
    const struct crew *crew = all.crew;
    struct block *block = &all.blocks[number];
    struct explore_options options = block_options(number);
    slot->block = number;
    if (crew->block_begins) crew->block_begins(crew->context);
    if (explore_run(all.subject, &options, &block->explored, &slot->failure) != 0) {
        return OUT_OF_MEMORY;
    }
    if (crew->block_ends) crew->block_ends(crew->context, all.extra + number * crew->block_bytes);
    atomic_fetch_add(&all.counters->runs, block->explored.runs);
    if (slot->failure.id == EXPLORE_PASSED) return 0;
    if (crew->failed) {
        crew->failed(crew->context, &slot->failure, all.found + all.own_slot * crew->found_bytes);
    }
    slot->failed = true;
    lower_failed(number);
    return 0;
}

/* One worker: block after block, until there are none or an earlier one has failed. */
static int work(void *argument)
{
    struct slot *slot = &all.slots[all.own_slot];
    (void)argument;
    int code = all.crew->begin(all.crew->context, &slot->log, &all.subject);
    if (code == 0) all.length = typical_length();
    while (code == 0 && !slot->failed) {
        uint32_t number = atomic_fetch_add(&all.counters->next, 1);
        if (number >= all.block_count || number > atomic_load(&all.counters->failed)) break;
        code = explore_block(slot, number);
    }
    if (all.kept) all.kept->free(all.kept);
    return code;
}

/* --- putting it together --- */

void crew_add(const struct crew *crew, const struct crew_part *part, struct explore_stats *sum,
              struct distinct *distinct)
{
    explore_stats_add(sum, part->explored, distinct, part->hashes);
    if (crew->add) crew->add(crew->context, part->extra);
    for (uint32_t i = 0; crew->how.counted && i < part->hash_count; i++) {
        crew->how.counted(crew->how.counted_context, part->hashes[i]);
    }
}

static void add_block(uint32_t number, struct explore_stats *sum, struct distinct *distinct)
{
    const struct block *block = &all.blocks[number];
    const struct crew_part part = {&block->explored, block->hash_count, block->hashes,
                                   all.extra + number * all.crew->block_bytes};
    crew_add(all.crew, &part, sum, distinct);
}

static bool add_up(const struct crew_outcome *outcome)
{
    struct distinct distinct;
    uint32_t last = atomic_load(&all.counters->failed);
    *outcome->explored = (struct explore_stats){.steps_min = UINT32_MAX, .distinct_exact = true};
    outcome->failure->id = EXPLORE_PASSED;
    if (!distinct_init(&distinct)) return false;
    for (uint32_t i = 0; i < all.block_count && i <= last; i++) {
        add_block(i, outcome->explored, &distinct);
    }
    distinct_free(&distinct);
    for (uint32_t i = 0; i < all.crew->jobs; i++) {
        const struct slot *slot = &all.slots[i];
        if (!slot->failed || slot->block != last) continue;
        *outcome->failure = slot->failure;
        if (outcome->found) {
            memcpy(outcome->found, all.found + i * all.crew->found_bytes, all.crew->found_bytes);
        }
    }
    return true;
}

static void tell_progress(void *argument)
{
    (void)argument;
    all.crew->tick(all.crew->context, atomic_load(&all.counters->runs));
}

static struct worker_result run_workers(const struct crew_outcome *outcome)
{
    struct worker workers[CREW_JOBS_MAX];
    struct worker_result worst = {WORKER_RETURNED, 0};
    uint32_t jobs = all.crew->jobs;
    for (all.own_slot = 0; all.own_slot < jobs; all.own_slot++) {
        workers[all.own_slot] = worker_start(work, NULL);
    }
    for (uint32_t i = 0; i < jobs; i++) {
        struct worker_result result =
            worker_wait(workers[i], all.crew->tick ? tell_progress : NULL, NULL);
        if (result.end == WORKER_RETURNED && result.code == 0) continue;
        worst = result;
        *outcome->log = all.slots[i].log;
    }
    return worst;
}

struct worker_result crew_explore(const struct crew *crew, const struct crew_outcome *outcome)
{
    if (explore_is_search(crew->how.strategy.kind)) return crew_search(crew, outcome);
    all.crew = crew;
    all.kept = NULL;
    all.block_count = (uint32_t)((crew->how.runs_max + BLOCK_RUNS - 1) / BLOCK_RUNS);
    size_t blocks = all.block_count + 1, jobs = crew->jobs;
    all.blocks = worker_shared(blocks * sizeof *all.blocks);
    all.extra = worker_shared(blocks * crew->block_bytes + 1);
    all.slots = worker_shared(jobs * sizeof *all.slots);
    all.found = worker_shared(jobs * crew->found_bytes + 1);
    all.counters = worker_shared(sizeof *all.counters);
    atomic_store(&all.counters->failed, NO_BLOCK);
    struct worker_result result = run_workers(outcome);
    if (!add_up(outcome)) result = (struct worker_result){WORKER_RETURNED, OUT_OF_MEMORY};
    munmap(all.blocks, blocks * sizeof *all.blocks);
    munmap(all.extra, blocks * crew->block_bytes + 1);
    munmap(all.slots, jobs * sizeof *all.slots);
    munmap(all.found, jobs * crew->found_bytes + 1);
    munmap(all.counters, sizeof *all.counters);
    return result;
}
