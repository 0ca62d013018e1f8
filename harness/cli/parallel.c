/* Exploring a scenario with several processes: what a crew has to know of jobs. */
#include "job.h"

#include "harness/cli/scene.h"
#include "harness/explore/crew.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static struct scene scene; /* of the process that executes */
static void (*user_tick)(void *);

static int begin(void *context, struct explore_log *log, const struct explore_subject **subject)
{
    struct job *job = context;
    struct world_result result;
    const char *problem = scene_init(&scene, job->file, job->image, log);
    *subject = &scene.subject;
    if (problem == NULL) {
        explore_replay(&scene.subject, NULL, 0, false, &result);
        problem = stage_refused(scene.stage);
    }
    if (problem == NULL) return 0;
    snprintf(job->shared->problem, sizeof job->shared->problem, "%s\n", problem);
    return 1;
}

static void block_begins(void *context)
{
    (void)context;
    scene_renew_checks(&scene);
}

static void block_ends(void *context, void *block)
{
    (void)context;
    memcpy(block, check_stats_of(scene.checks), sizeof(struct check_stats));
}

static void add(void *context, const void *block)
{
    struct job *job = context;
    check_stats_add(&job->shared->checks, block);
}

static void failed(void *context, const struct explore_failure *failure, void *found)
{
    struct job job = *(struct job *)context;
    job.shared = found;
    job.shared->failure.id = failure->id;
    job_keep_outcome(&job, &scene);
}

static void keep_found(struct job_shared *shared, const struct job_shared *found)
{
    shared->has_violation = found->has_violation;
    shared->violation = found->violation;
    shared->endless = found->endless;
    memcpy(shared->problem, found->problem, sizeof shared->problem);
}

/* In a worker of its own, because checks belong to a process that executes. */
static int judge(void *argument)
{
    struct job *job = argument;
    if (scene_init(&scene, job->file, job->image, NULL) != NULL) return 1;
    job_judge(job, &scene);
    return 0;
}

static void count_progress(void *context, uint64_t runs)
{
    struct job *job = context;
    job->shared->explored.runs = runs;
    user_tick(job);
}

struct worker_result job_judge_apart(struct job *job)
{
    return worker_run(judge, job, NULL, NULL);
}

static struct explore_options part_options(struct job *job)
{
    struct explore_options options = job_explore_options(job);
    if (job->part == NULL) return options;
    shard_range(job->part->shard, options.runs_max, &options.first_run, &options.runs_max);
    options.counted = shard_count;
    options.counted_context = job->part;
    return options;
}

struct worker_result job_explore_parallel(struct job *job, uint32_t jobs, void (*tick)(void *))
{
    struct job_shared *shared = job->shared, *found = worker_shared(sizeof *found);
    const struct crew crew = {
        .jobs = jobs,
        .how = part_options(job),
        .found_bytes = sizeof *found,
        .block_bytes = sizeof(struct check_stats),
        .context = job,
        .begin = begin,
        .block_begins = block_begins,
        .block_ends = block_ends,
        .failed = failed,
        .add = add,
        .tick = tick ? count_progress : NULL,
    };
    char stop_text[WORLD_TEXT_MAX] = "";
    const struct crew_outcome outcome = {&shared->explored, &shared->failure, &shared->log, found,
                                         stop_text};
    user_tick = tick;
    struct worker_result result = crew_explore(&crew, &outcome);
    if (shared->failure.id != EXPLORE_PASSED) keep_found(shared, found);
    munmap(found, sizeof *found);
    if (result.end != WORKER_RETURNED || result.code != 0) return result;
    if (shared->explored.stopped) {
        return (struct worker_result){WORKER_RETURNED, job_cannot_go_on(job, stop_text)};
    }
    return job_judge_apart(job);
}
