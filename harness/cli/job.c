#include "job.h"

#include "harness/cli/interrupt.h"
#include "harness/cli/pinning.h"
#include "harness/cli/scene.h"
#include "harness/explore/crew.h"
#include "harness/explore/worker.h"
#include "harness/scenario/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Where an endless loop is at stake, each execution takes seconds, so there are few. */
enum { SHRINK_TRIES = 2000, LOOP_TRIES = 4, LOOP_CONFIRM_SECONDS = 2, PROBLEM = 1 };

static struct pin pins[PINS_MAX];

static enum explore_kind kind_of(enum scn_strategy strategy)
{
    switch (strategy) {
    case SCN_STRATEGY_RANDOM:
        return EXPLORE_RANDOM;
    case SCN_STRATEGY_PCT:
        return EXPLORE_PCT;
    case SCN_STRATEGY_DFS:
        return EXPLORE_DFS;
    case SCN_STRATEGY_POS:
        return EXPLORE_POS;
    case SCN_STRATEGY_SURW:
        return EXPLORE_SURW;
    case SCN_STRATEGY_DELAY:
        return EXPLORE_DELAY;
    case SCN_STRATEGY_EXHAUSTIVE:
        return EXPLORE_EXHAUSTIVE;
    case SCN_STRATEGY_AUTO:
    case SCN_STRATEGY_COUNT:
        return EXPLORE_AUTO;
    }
    return EXPLORE_AUTO;
}

static enum explore_bound bound_of(const struct scn_explore *explore)
{
    if (explore->strategy != SCN_STRATEGY_EXHAUSTIVE) return EXPLORE_UNBOUNDED;
    if (explore->delays != SCN_UNBOUNDED) return EXPLORE_DELAYS;
    return explore->preemptions != SCN_UNBOUNDED ? EXPLORE_PREEMPTIONS : EXPLORE_UNBOUNDED;
}

/* --- exploring --- */

struct explore_options job_explore_options(const struct job *job)
{
    const struct scn_explore *explore = &job->file->explore;
    const struct cli_options *cli = job->options;
    struct explore_options options = {
        .strategy = {.kind = kind_of(explore->strategy),
                     .seed = explore->seed,
                     .depth = explore->depth,
                     .deviations = explore->preemptions,
                     .bound = bound_of(explore),
                     .brute_force = true, /* there are more entities than the reduction takes */
                     .delays = explore->delays},
        .runs_max = explore->runs_max,
    };
    if (cli->given[CLI_STRATEGY]) options.strategy.kind = cli->strategy;
    if (cli->given[CLI_SEED]) options.strategy.seed = cli->seed;
    if (cli->given[CLI_DEPTH]) {
        options.strategy.depth = options.strategy.deviations = options.strategy.delays = cli->depth;
        options.strategy.bound = EXPLORE_PREEMPTIONS;
    }
    if (cli->given[CLI_RUNS]) options.runs_max = cli->runs;
    if (options.strategy.depth == 0) options.strategy.depth = 3;
    return options;
}

static bool any_left(const struct job *job)
{
    for (uint32_t i = 0; i < job->file->directive_count; i++) {
        if (job->file->directives[i].kind == SCN_DIRECTIVE_RUN_ANY) return true;
    }
    return false;
}

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

struct wall {
    uint64_t until_us; /* 0: no cap */
};

static bool in_time(void *context, const struct explore_stats *stats)
{
    const struct wall *wall = context;
    (void)stats;
    return wall->until_us == 0 || clock_us() < wall->until_us;
}

/* The choices that the user gave, as a strategy of one run. */
static struct strategy *given_choices(struct job *job)
{
    static uint16_t choices[TOKEN_CHOICES_MAX];
    uint32_t count;
    size_t where;
    const char *token = job->token ? job->token : job->options->choices;
    const char *problem = token_read(token, choices, &count, &where);
    if (problem == NULL) return strategy_replay(choices, count, job->token == NULL);
    snprintf(job->shared->problem, sizeof job->shared->problem, "%s\n  %s\n  %*s^\n", problem,
             token, (int)where, "");
    return NULL;
}

struct strategy *job_follow_schedule(const struct job *job, struct strategy *rest)
{
    return pinning_strategy(job->file, pins, pinning_read(job->file, pins), rest);
}

static struct strategy *pinned(struct job *job, struct explore_options *options)
{
    struct strategy *rest = NULL;
    if (any_left(job)) {
        rest = strategy_new(&options->strategy);
    } else {
        options->runs_max = 1;
    }
    return job_follow_schedule(job, rest);
}

void job_keep_outcome(struct job *job, const struct scene *scene)
{
    struct job_shared *shared = job->shared;
    shared->endless = shared->failure.id != EXPLORE_PASSED &&
                      world_finding_get()->kind == WORLD_FOUND_ENDLESS_LOOP;
    shared->has_violation = scene->violation != NULL;
    if (scene->violation) shared->violation = *scene->violation;
    if (shared->failure.id == SCENE_DIVERGED) {
        snprintf(shared->problem, sizeof shared->problem, "%s", world_stop_text());
    }
}

/* Whether it is one schedule, or a token, that is executed. */
static bool is_replay(const struct job *job)
{
    return job->token || ((job->options->choices || job->file->has_schedule) && !any_left(job));
}

void job_judge(struct job *job, const struct scene *scene)
{
    struct job_shared *shared = job->shared;
    struct check_circumstances circumstances = {
        .replay = is_replay(job) || (job->part && job->part->shard.count > 1),
        .wall_capped = shared->explored.out_of_time,
    };
    check_verdict(scene->checks, &shared->checks, circumstances, &shared->judged);
}

int job_cannot_go_on(struct job *job, const char *why)
{
    snprintf(job->shared->problem, sizeof job->shared->problem,
             "%s: error: strategy exhaustive: %s\n", job->path, why);
    return PROBLEM;
}

int job_explore(void *argument)
{
    struct job *job = argument;
    struct job_shared *shared = job->shared;
    static struct scene scene;
    struct explore_options options = job_explore_options(job);
    struct wall wall = {0};
    if (job->file->explore.wall_max_us) wall.until_us = clock_us() + job->file->explore.wall_max_us;
    const char *problem = scene_init(&scene, job->file, job->image, &shared->log);
    if (problem) {
        snprintf(shared->problem, sizeof shared->problem, "%s\n", problem);
        return PROBLEM;
    }
    options.progress = in_time;
    options.progress_context = &wall;
    if (job->options->choices || job->token) {
        options.custom = given_choices(job);
        options.runs_max = 1;
        if (options.custom == NULL) return PROBLEM;
    } else if (job->file->has_schedule) {
        options.custom = pinned(job, &options);
    }
    if (explore_run(&scene.subject, &options, &shared->explored, &shared->failure) != 0) return 5;
    if (shared->explored.stopped) return job_cannot_go_on(job, world_stop_text());
    if (shared->failure.id == SCENE_REFUSED) {
        snprintf(shared->problem, sizeof shared->problem, "%s\n", stage_refused(scene.stage));
        return PROBLEM;
    }
    shared->checks = *check_stats_of(scene.checks);
    job_judge(job, &scene);
    job_keep_outcome(job, &scene);
    if (shared->failure.id == EXPLORE_PASSED && job->file->has_schedule && !any_left(job) &&
        !job->options->choices &&
        pins_left(options.custom, shared->problem, sizeof shared->problem)) {
        shared->failure.id = SCENE_DIVERGED;
    }
    if (options.custom) options.custom->free(options.custom);
    return 0;
}

/* --- verifying and shrinking, each in a fresh process --- */

void job_expect_loop(const struct job *job)
{
    if (job->shared->endless) world_watch_loops(LOOP_CONFIRM_SECONDS);
}

static int verify(void *argument)
{
    struct job *job = argument;
    static struct scene scene;
    scene_init(&scene, job->file, job->image, NULL);
    job_expect_loop(job);
    job->shared->replayed = explore_verify(&scene.subject, &job->shared->failure);
    return 0;
}

static int shrink(void *argument)
{
    struct job *job = argument;
    static struct scene scene;
    scene_init(&scene, job->file, job->image, NULL);
    job_expect_loop(job);
    explore_shrink(&scene.subject, &job->shared->failure,
                   job->shared->endless ? LOOP_TRIES : SHRINK_TRIES);
    return 0;
}

static int find_no_return(void *argument)
{
    struct job *job = argument;
    static struct scene scene;
    scene_init(&scene, job->file, job->image, NULL);
    explore_inevitable(&scene.subject, &job->shared->failure, &job->shared->inevitable);
    return 0;
}

/* --- the course of a job --- */

static void tick(void *argument)
{
    const struct job *job = argument;
    report_progress(stderr, job->file->name, &job->shared->explored,
                    job_explore_options(job).runs_max);
}

static struct worker_result work(struct job *job, int (*body)(void *), bool progress)
{
    bool show = progress && isatty(STDERR_FILENO);
    struct worker_result result = worker_run(body, job, show ? tick : NULL, job);
    if (show) report_progress_erase(stderr);
    return result;
}

/* Pinned schedules and wall caps are for one process; searches, too, are for one machine. */
static bool can_split(const struct job *job)
{
    struct explore_options options = job_explore_options(job);
    return !job->options->choices && !job->file->has_schedule &&
           job->file->explore.wall_max_us == 0 && options.runs_max <= CREW_RUNS_MAX;
}

static void fault(struct job *job, const char *what)
{
    if (asprintf(&job->text, "%s\n", what) < 0) job->text = NULL;
    job->report.verdict = REPORT_FAULT;
    job->report.text = job->text;
}

char *job_key(const struct job *job)
{
    const struct explore_options options = job_explore_options(job);
    const struct cli_options *cli = job->options;
    uint64_t hash = 14695981039346656037ull;
    char *text = NULL;
    for (const char *at = job->source; at && *at; at++) {
        hash = (hash ^ (unsigned char)*at) * 1099511628211ull;
    }
    if (asprintf(&text, "text %016llx, strategy %d, seed %llu, depth %u, runs %llu, core %s, "
                 "transport %s",
                 (unsigned long long)hash, (int)options.strategy.kind,
                 (unsigned long long)options.strategy.seed, options.strategy.depth,
                 (unsigned long long)options.runs_max, cli->core ? cli->core : "own",
                 cli->transport ? cli->transport : "own") < 0) {
        return NULL;
    }
    return text;
}

/* False: there is nothing left to be done; the report says why. */
static bool take_part(struct job *job)
{
    struct shard shard = job->options->shard;
    if (shard.count == 1 || job->options->choices) return true;
    bool divided = can_split(job) && !explore_is_search(job_explore_options(job).strategy.kind);
    if (!divided && shard.index > 1) {
        job->report.verdict = REPORT_SKIPPED;
        job->report.text = "a search, a schedule or a wall cap is not divided: shard 1 has it\n";
        return false;
    }
    job->part = calloc(1, sizeof *job->part);
    job->key = job_key(job);
    if (job->part == NULL || job->key == NULL || !shard_begin(job->part)) {
        fault(job, "out of memory");
        return false;
    }
    uint64_t runs;
    job->part->shard = divided ? shard : (struct shard){1, 1};
    shard_range(job->part->shard, job_explore_options(job).runs_max, &job->part->first_run, &runs);
    job->part->key = job->key;
    job->report.shard = job->part;
    return true;
}

static struct worker_result explore_all(struct job *job)
{
    bool several = job->options->jobs > 1 || (job->part && job->part->shard.count > 1);
    if (!can_split(job) || !several) return work(job, job_explore, true);
    bool show = isatty(STDERR_FILENO);
    struct worker_result result =
        job_explore_parallel(job, job->options->jobs > 1 ? job->options->jobs : 1,
                             show ? tick : NULL);
    if (show) report_progress_erase(stderr);
    return result;
}

/* In which execution: "run 3", or the file of the corpus that names it. */
static void name_run(const struct job *job, char *out, size_t size)
{
    if (job->corpus_file) {
        snprintf(out, size, "the run of %s", job->corpus_file);
    } else {
        snprintf(out, size, "run %llu", (unsigned long long)job->shared->failure.run + 1);
    }
}

/* The worker itself died: its log says in which execution. */
static void keep_death(struct job *job, int signal_number)
{
    struct job_shared *shared = job->shared;
    struct check_violation *told = &shared->told;
    char run[320];
    shared->failure.id = (uint32_t)WORLD_FOUND_CRASH;
    shared->failure.run = shared->log.run;
    shared->failure.count = shared->log.used;
    for (uint32_t i = 0; i < shared->log.used; i++) {
        shared->failure.choices[i] = shared->log.choices[i].index;
    }
    name_run(job, run, sizeof run);
    char *token = token_write(shared->failure.choices, shared->failure.count);
    snprintf(told->name, sizeof told->name, "signal-%d", signal_number);
    snprintf(told->text, sizeof told->text, "the process died of signal %d (%s) in %s",
             signal_number, strsignal(signal_number), run);
    char *command = cli_command("replay", job->path, job->options, CLI_SUBJECT, token);
    if (asprintf(&job->text, "%s\n  replay  %s\n", told->text, command) < 0) job->text = NULL;
    free(command);
    free(token);
    job->report.verdict = REPORT_CRASH;
    job->report.text = job->text;
    if (!job->corpus_file) job_keep_failure(job);
}

static bool verify_failure(struct job *job)
{
    struct job_shared *shared = job->shared;
    struct worker_result result = work(job, verify, false);
    shared->choices_found = cost_choices(&shared->failure.cost);
    if (result.end == WORKER_KILLED) {
        keep_death(job, result.code);
        return false;
    }
    if (result.end == WORKER_RETURNED && shared->replayed) return true;
    fault(job, "the failure did not replay: the core or the harness is not deterministic");
    return false;
}

static void shrink_failure(struct job *job)
{
    if (job->shared->choices_found > 0) work(job, shrink, false);
}

static void explain_failure(struct job *job)
{
    struct job_shared *shared = job->shared;
    const struct cli_options *options = job->options;
    if (!verify_failure(job)) return;
    bool quick = options->given[CLI_NO_SHRINK];
    if (!quick && !options->single) shrink_failure(job);
    if (!quick && !shared->endless) {
        /* A continuation may kill the process: then nothing is known. */
        struct worker_result search = work(job, find_no_return, false);
        if (search.end != WORKER_RETURNED) shared->inevitable.found = false;
    }
    if (!quick && !shared->endless) work(job, job_decide, false);
    struct worker_result result = work(job, job_explain, false);
    if (result.end != WORKER_RETURNED) fault(job, "the failing execution could not be explained");
    job->report.screen = shared->screen;
    job_tell_failure(job);
    if (result.end == WORKER_RETURNED) job_keep_failure(job);
}

/* A pinned scenario does, unless it leaves something open. */
static bool names_execution(const struct job *job)
{
    return job->options->choices || (job->file->has_schedule && !any_left(job));
}

/* True: it failed, which is not told yet. */
static bool find_failure(struct job *job)
{
    struct job_shared *shared = job->shared;
    if (job->options->single && !names_execution(job)) {
        char *text;
        if (asprintf(&text, "%s: error: which execution? --choices TOKEN names it\n",
                     job->path) < 0) {
            text = NULL;
        }
        return job_invalid(job, text);
    }
    job->report.runs_max = job_explore_options(job).runs_max;
    if (!take_part(job)) return false;
    struct worker_result result = {WORKER_RETURNED, 0};
    if (!job_replay_corpus(job, &result)) result = explore_all(job);
    if (job->corpus_damaged) return job_invalid(job, NULL);
    if (result.end == WORKER_KILLED) {
        keep_death(job, result.code);
        return false;
    }
    if (result.end == WORKER_EXITED || result.code > PROBLEM) {
        fault(job, "see the message above");
        return false;
    }
    if (result.code == PROBLEM) return job_invalid(job, strdup(shared->problem));
    if (job->part) {
        job->part->stats = shared->explored;
        job->part->checks = shared->checks;
    }
    job->report.explored = &shared->explored;
    job->report.stats = &shared->checks;
    job->report.judged = &shared->judged;
    const struct check_violation *violation = shared->has_violation ? &shared->violation : NULL;
    job->report.verdict = report_judge(job->file, &shared->judged, violation);
    if (shared->failure.id == SCENE_DIVERGED) {
        /* A token that does not fit is a wrong argument; a schedule that does not fit any more
         * may be the core's doing. */
        job->report.verdict = job->options->choices ? REPORT_INVALID : REPORT_INCONCLUSIVE;
        job->report.text = shared->problem;
        return false;
    }
    return shared->failure.id != EXPLORE_PASSED;
}

/* Who has waited for minutes wants to know how far it was. */
static void find_and_explain(struct job *job)
{
    char before[200], behind[100];
    snprintf(before, sizeof before, "%.100s, after ", job->file->name);
    snprintf(behind, sizeof behind, " of %llu runs",
             (unsigned long long)job_explore_options(job).runs_max);
    interrupt_tell(before, &job->shared->explored.runs, behind);
    if (find_failure(job)) {
        snprintf(before, sizeof before, "%.100s, which fails: making the failure of run ",
                 job->file->name);
        interrupt_tell(before, &job->shared->explored.runs, " smaller");
        explain_failure(job);
    }
    interrupt_tell(NULL, NULL, NULL);
}

void job_run(struct job *job, const char *path, const struct cli_options *options,
             struct report_style style)
{
    if (!job_open(job, path, options)) return;
    job->style = style;
    find_and_explain(job);
}

bool job_shrink(struct job *job, const char *path, const struct cli_options *options)
{
    if (!job_open(job, path, options) || !find_failure(job) || !verify_failure(job)) return false;
    shrink_failure(job);
    return true;
}
