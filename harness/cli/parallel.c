/* Exploring with several processes, with the result of one.
 *
 * Samplers decide by the number of an execution alone, so the budget is cut into numbered
 * blocks, and workers take them in order. Results are put together in the order of blocks, up
 * to the first that failed: the failure is the one with the lowest number, and what later
 * blocks found is not counted. */
#include "job.h"

#include "harness/cli/scene.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOCK_RUNS = 512, NO_BLOCK = UINT32_MAX };

struct block {
    struct explore_stats explored;
    struct check_stats checks;
    uint64_t hashes[BLOCK_RUNS];
    uint32_t hash_count;
};

/* What one worker leaves besides its blocks. */
struct slot {
    struct job_shared found; /* failure and violation, if it met one; its choice log */
    uint32_t block;          /* that it works on */
    bool failed;
};

struct parallel {
    struct job *job;
    struct slot *slots;
    struct block *blocks;
    uint32_t block_count;
    uint64_t runs_max;
    struct shared_counters {
        _Atomic uint32_t next;    /* block that nobody has taken */
        _Atomic uint32_t failed;  /* lowest block that failed */
        _Atomic uint64_t runs;    /* done so far, for the progress line */
    } *counters;
};

static struct parallel all;
static uint32_t own_slot; /* of the worker that this process is */

static void count_class(void *context, uint64_t class_hash)
{
    struct block *block = context;
    block->hashes[block->hash_count++] = class_hash;
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
static uint32_t typical_length(struct scene *scene)
{
    struct world_result result;
    explore_replay(&scene->subject, NULL, 0, false, &result);
    return result.choices;
}

static bool explore_block(struct scene *scene, struct slot *slot, uint32_t number,
                          uint32_t length)
{
    struct explore_options options = job_explore_options(all.job);
    struct block *block = &all.blocks[number];
    uint64_t left = all.runs_max - (uint64_t)number * BLOCK_RUNS;
    scene_renew_checks(scene);
    slot->block = number;
    options.first_run = (uint64_t)number * BLOCK_RUNS;
    options.runs_max = left < BLOCK_RUNS ? left : BLOCK_RUNS;
    options.strategy.length = length;
    options.counted = count_class;
    options.counted_context = block;
    block->hash_count = 0;
    if (explore_run(&scene->subject, &options, &block->explored, &slot->found.failure) != 0) {
        return false;
    }
    block->checks = *check_stats_of(scene->checks);
    atomic_fetch_add(&all.counters->runs, block->explored.runs);
    if (slot->found.failure.id == EXPLORE_PASSED) return true;
    job_keep_outcome(all.job, scene);
    slot->failed = true;
    lower_failed(number);
    return false;
}

/* One worker: block after block, until there are none or an earlier one has failed. */
static int work(void *argument)
{
    static struct scene scene;
    struct slot *slot = &all.slots[own_slot];
    struct job_shared *shared = all.job->shared;
    (void)argument;
    all.job->shared = &slot->found;
    const char *problem = scene_init(&scene, all.job->file, all.job->image, &slot->found.log);
    uint32_t length = problem ? 0 : typical_length(&scene);
    if (problem == NULL) problem = stage_refused(scene.stage);
    if (problem) {
        snprintf(shared->problem, sizeof shared->problem, "%s\n", problem);
        return 1;
    }
    for (;;) {
        uint32_t number = atomic_fetch_add(&all.counters->next, 1);
        if (number >= all.block_count || number > atomic_load(&all.counters->failed)) return 0;
        if (!explore_block(&scene, slot, number, length)) return 0;
    }
}

/* --- putting it together --- */

static const struct slot *failing_slot(uint32_t jobs)
{
    for (uint32_t i = 0; i < jobs; i++) {
        if (all.slots[i].failed && all.slots[i].block == atomic_load(&all.counters->failed)) {
            return &all.slots[i];
        }
    }
    return NULL;
}

static void add_up(struct job_shared *shared, uint32_t jobs)
{
    struct distinct distinct;
    uint32_t last = atomic_load(&all.counters->failed);
    shared->explored = (struct explore_stats){.steps_min = UINT32_MAX};
    if (!distinct_init(&distinct)) return;
    for (uint32_t i = 0; i < all.block_count && i <= last; i++) {
        explore_stats_add(&shared->explored, &all.blocks[i].explored, &distinct,
                          all.blocks[i].hashes);
        check_stats_add(&shared->checks, &all.blocks[i].checks);
    }
    distinct_free(&distinct);
    const struct slot *slot = failing_slot(jobs);
    if (slot == NULL) return;
    shared->failure = slot->found.failure;
    shared->has_violation = slot->found.has_violation;
    shared->violation = slot->found.violation;
    shared->endless = slot->found.endless;
    memcpy(shared->problem, slot->found.problem, sizeof shared->problem);
}

/* In a worker of its own, because checks belong to a process that executes. */
static int judge(void *argument)
{
    static struct scene scene;
    struct job *job = argument;
    struct check_circumstances circumstances = {.wall_capped = job->shared->explored.out_of_time};
    if (scene_init(&scene, job->file, job->image, NULL) != NULL) return 1;
    check_verdict(scene.checks, &job->shared->checks, circumstances, &job->shared->judged);
    return 0;
}

static void (*user_tick)(void *);

static void count_progress(void *argument)
{
    struct job *job = argument;
    job->shared->explored.runs = atomic_load(&all.counters->runs);
    user_tick(job);
}

struct worker_result job_explore_parallel(struct job *job, uint32_t jobs, void (*tick)(void *))
{
    struct worker workers[JOBS_MAX];
    struct worker_result worst = {WORKER_RETURNED, 0};
    user_tick = tick;
    all = (struct parallel){.job = job, .runs_max = job_explore_options(job).runs_max};
    all.block_count = (uint32_t)((all.runs_max + BLOCK_RUNS - 1) / BLOCK_RUNS);
    all.blocks = worker_shared(all.block_count * sizeof *all.blocks);
    all.slots = worker_shared(jobs * sizeof *all.slots);
    all.counters = worker_shared(sizeof *all.counters);
    atomic_store(&all.counters->failed, NO_BLOCK);
    for (own_slot = 0; own_slot < jobs; own_slot++) workers[own_slot] = worker_start(work, job);
    for (uint32_t i = 0; i < jobs; i++) {
        struct worker_result result = worker_wait(workers[i], tick ? count_progress : NULL, job);
        if (result.end == WORKER_RETURNED && result.code == 0) continue;
        worst = result;
        job->shared->log = all.slots[i].found.log;
    }
    add_up(job->shared, jobs);
    if (worst.end == WORKER_RETURNED && worst.code == 0) worst = worker_run(judge, job, NULL, NULL);
    munmap(all.blocks, all.block_count * sizeof *all.blocks);
    munmap(all.slots, jobs * sizeof *all.slots);
    munmap(all.counters, sizeof *all.counters);
    return worst;
}
