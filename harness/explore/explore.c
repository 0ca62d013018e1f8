/* The main loop. */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROGRESS_EVERY = 256, LATELY = 1000 };
/* Each of the acts that tell a failure: seconds. */
enum { ACCESSES_MAX = 1 << 30, STEPS_MAX = 1 << 25 };

static struct explore_log private_log;
static struct explore_log *log_now;

void explore_log_set(struct explore_log *log)
{
    log_now = log ? log : &private_log;
    world_choice_log(log_now->choices, TOKEN_CHOICES_MAX, &log_now->used);
}

const struct world_choice *explore_choices(uint32_t *count)
{
    *count = log_now->used;
    return log_now->choices;
}

static uint32_t execute(const struct explore_subject *subject, struct strategy *strategy,
                        struct world_result *result)
{
    if (subject->before) subject->before(subject->context);
    *result = world_run(&strategy->chooser, subject->name, subject->body, subject->context);
    if (result->end != WORLD_STOPPED && strategy->is_left_out && strategy->is_left_out(strategy)) {
        result->end = WORLD_STOPPED;
        return EXPLORE_PASSED;
    }
    if (subject->judge) return subject->judge(subject->context, result);
    return result->end == WORLD_FINDING ? (uint32_t)world_finding_get()->kind : EXPLORE_PASSED;
}

uint32_t explore_execute(const struct explore_subject *subject, struct strategy *strategy,
                         struct world_result *result)
{
    strategy->begin(strategy, 0);
    uint32_t id = execute(subject, strategy, result);
    if (strategy->end) strategy->end(strategy, log_now->choices, log_now->used);
    return id;
}

uint32_t explore_replay(const struct explore_subject *subject, const uint16_t *choices,
                        uint32_t count, bool strict, struct world_result *result)
{
    struct strategy *strategy = strategy_replay(choices, count, strict);
    uint32_t id = explore_execute(subject, strategy, result);
    strategy->free(strategy);
    return id;
}

bool explore_verify(const struct explore_subject *subject, struct explore_failure *failure)
{
    struct world_result result;
    struct strategy *strategy = strategy_replay(failure->choices, failure->count, true);
    struct meter *meter = malloc(sizeof *meter);
    uint32_t id = EXPLORE_PASSED;
    if (strategy && meter) {
        meter_init(meter, strategy);
        world_count_accesses(true);
        id = explore_execute(subject, &meter->strategy, &result);
        world_count_accesses(false);
        failure->accesses = world_accesses();
        failure->cost = meter->cost;
        failure->cost.steps = result.steps;
    }
    if (strategy) strategy->free(strategy);
    free(meter);
    return id != EXPLORE_PASSED && id == failure->id && world_run_hash() == failure->run_hash;
}

uint32_t explore_affordable(const struct explore_failure *failure, uint32_t executions)
{
    uint64_t most = executions, accesses = failure->accesses, steps = failure->cost.steps;
    if (accesses > 0 && ACCESSES_MAX / accesses < most) most = ACCESSES_MAX / accesses + 1;
    if (steps > 0 && STEPS_MAX / steps < most) most = STEPS_MAX / steps + 1;
    return (uint32_t)most;
}

/* --- repeating an execution must give the same --- */

static void describe_step(const struct world_step *step, char *out, size_t bytes)
{
    snprintf(out, bytes, "%s %s object %u result %u", world_entity_name(step->entity),
             world_op_words[step->op], step->object, step->result);
}

static _Noreturn void differ(const struct world_step *before, uint32_t before_count, uint64_t run)
{
    uint32_t count;
    const struct world_step *steps = world_steps(&count);
    uint32_t at = 0;
    while (at < count && at < before_count && before[at].entity == steps[at].entity &&
           before[at].op == steps[at].op && before[at].object == steps[at].object &&
           before[at].result == steps[at].result) {
        at++;
    }
    char first[128] = "(ended)", second[128] = "(ended)";
    if (at < before_count) describe_step(&before[at], first, sizeof first);
    if (at < count) describe_step(&steps[at], second, sizeof second);
    fflush(stdout);
    fprintf(stderr,
            "harness fault: run %llu is not deterministic\n"
            "  step %u was:        %s\n"
            "  its repetition did: %s\n",
            (unsigned long long)run, at, first, second);
    _exit(5);
}

static void repeat(const struct explore_subject *subject, uint64_t run)
{
    uint64_t before = world_run_hash();
    uint32_t count, steps_count;
    const struct world_choice *choices = explore_choices(&count);
    const struct world_step *steps = world_steps(&steps_count);
    uint16_t *list = malloc(count * sizeof *list + 1);
    struct world_step *copy = malloc(steps_count * sizeof *copy + 1);
    if (list == NULL || copy == NULL) return;
    memcpy(copy, steps, steps_count * sizeof *copy);
    for (uint32_t i = 0; i < count; i++) list[i] = choices[i].index;
    struct world_result again;
    explore_replay(subject, list, count, true, &again);
    if (world_run_hash() != before) differ(copy, steps_count, run);
    free(copy);
    free(list);
}

/* --- the loop --- */

void explore_count_class(struct explore_stats *stats, struct distinct *distinct, uint64_t runs,
                         uint64_t class_hash)
{
    if (runs % LATELY == 1) stats->new_lately = 0;
    stats->new_lately += distinct_add(distinct, class_hash);
}

static void count_run(const struct explore_options *options, struct explore_stats *stats,
                      struct distinct *distinct, uint64_t run, const struct world_result *result)
{
    stats->runs++;
    stats->cut += result->end == WORLD_CUT;
    if (stats->cut == 1 && stats->first_cut == 0 && !explore_is_search(options->strategy.kind)) {
        stats->first_cut = run + 1;
    }
    stats->steps_sum += result->steps;
    stats->choices_sum += result->choices;
    if (result->steps < stats->steps_min) stats->steps_min = result->steps;
    if (result->steps > stats->steps_max) stats->steps_max = result->steps;
    if (!options->count_no_classes) {
        explore_count_class(stats, distinct, stats->runs, result->class_hash);
    }
    if (options->counted) options->counted(options->counted_context, result->class_hash);
}

void explore_stats_add(struct explore_stats *sum, const struct explore_stats *more,
                       struct distinct *distinct, const uint64_t *hashes)
{
    for (uint64_t i = 0; i < more->runs; i++) {
        explore_count_class(sum, distinct, sum->runs + i + 1, hashes[i]);
    }
    explore_stats_sum(sum, more);
    sum->distinct = distinct_count(distinct, &sum->distinct_exact);
}

void explore_stats_sum(struct explore_stats *sum, const struct explore_stats *more)
{
    sum->redundant += more->redundant;
    if (more->runs == 0) return;
    sum->runs += more->runs;
    if (sum->cut == 0) sum->first_cut = more->first_cut;
    sum->cut += more->cut;
    sum->steps_sum += more->steps_sum;
    sum->choices_sum += more->choices_sum;
    if (more->steps_min < sum->steps_min) sum->steps_min = more->steps_min;
    if (more->steps_max > sum->steps_max) sum->steps_max = more->steps_max;
    sum->out_of_time |= more->out_of_time;
}

static void keep_failure(struct explore_failure *failure, uint32_t id, uint64_t run,
                         struct strategy *strategy)
{
    uint32_t count;
    const struct world_choice *choices = explore_choices(&count);
    failure->run = run;
    failure->run_hash = world_run_hash();
    failure->count = count;
    for (uint32_t i = 0; i < count; i++) failure->choices[i] = choices[i].index;
    snprintf(failure->strategy, sizeof failure->strategy, "%s",
             run == 0 ? "the default schedule" : strategy->text);
    failure->id = id;
}

static bool power_of_two(uint64_t n)
{
    return (n & (n - 1)) == 0;
}

/* Execution 0 takes option 0 everywhere; it also tells how long executions are. */
static uint32_t first_execution(const struct explore_subject *subject,
                                const struct explore_options *options, struct distinct *distinct,
                                struct explore_stats *stats, struct explore_failure *failure)
{
    struct world_result result;
    struct strategy *plain = strategy_replay(NULL, 0, false);
    plain->begin(plain, 0);
    log_now->run = 0;
    uint32_t id = execute(subject, plain, &result);
    count_run(options, stats, distinct, 0, &result);
    if (id != EXPLORE_PASSED) keep_failure(failure, id, 0, plain);
    if (id == EXPLORE_PASSED) repeat(subject, 0);
    plain->free(plain);
    return result.choices;
}

/* What a later part of an exploration has to know of its first executions: they are run again,
 * and are neither judged nor counted. */
static void catch_up(const struct explore_subject *subject, const struct explore_options *options,
                     struct strategy *strategy)
{
    struct strategy *plain = strategy_replay(NULL, 0, false);
    for (uint64_t run = 0; run < strategy->learns && run < options->first_run; run++) {
        struct strategy *now = run == 0 ? plain : strategy;
        if (subject->before) subject->before(subject->context);
        log_now->run = run;
        now->begin(now, run);
        world_run(&now->chooser, subject->name, subject->body, subject->context);
        strategy->end(strategy, log_now->choices, log_now->used);
    }
    plain->free(plain);
}

/* A strategy that knows what the first executions taught; NULL: out of memory. */
static struct strategy *begin_strategy(const struct explore_subject *subject,
                                       const struct explore_options *options, uint32_t length)
{
    struct strategy_options how = options->strategy;
    if (options->kept && *options->kept) return *options->kept;
    if (how.length == 0) how.length = length;
    struct strategy *strategy = options->custom ? options->custom : strategy_new(&how);
    if (strategy && strategy->learns > 0) {
        if (options->first_run == 0) strategy->end(strategy, log_now->choices, log_now->used);
        catch_up(subject, options, strategy);
    }
    return strategy;
}

static void end_strategy(const struct explore_options *options, struct strategy *strategy)
{
    if (strategy == NULL || strategy == options->custom) return;
    if (options->kept && strategy->learns > 0) *options->kept = strategy;
    else strategy->free(strategy);
}

/* Searches enumerate by themselves; samplers leave out the default schedule, which comes first. */
static bool starts_plain(const struct explore_options *options)
{
    return options->custom == NULL && !explore_is_search(options->strategy.kind);
}

static void loop(const struct explore_subject *subject, const struct explore_options *options,
                 struct strategy *strategy, struct distinct *distinct, struct explore_stats *stats,
                 struct explore_failure *failure)
{
    uint64_t run = options->first_run + (options->first_run == 0 && starts_plain(options));
    for (; stats->runs < options->runs_max; run++) {
        if (!strategy->begin(strategy, run)) {
            stats->complete = true;
            return;
        }
        struct world_result result;
        log_now->run = run;
        uint32_t id = execute(subject, strategy, &result);
        if (strategy->redundant && result.end == WORLD_STOPPED) {
            stats->redundant++;
            stats->stopped = !strategy->redundant(strategy);
            strategy->end(strategy, log_now->choices, log_now->used);
            if (stats->stopped) return;
            continue;
        }
        count_run(options, stats, distinct, run, &result);
        if (id != EXPLORE_PASSED) keep_failure(failure, id, run, strategy);
        if (strategy->end) strategy->end(strategy, log_now->choices, log_now->used);
        if (id != EXPLORE_PASSED) return;
        if (power_of_two(run)) repeat(subject, run);
        if (stats->runs % PROGRESS_EVERY == 0 && options->progress) {
            if (!options->count_no_classes) {
                stats->distinct = distinct_count(distinct, &stats->distinct_exact);
            }
            if (options->progress(options->progress_context, stats)) continue;
            stats->out_of_time = true;
            return;
        }
    }
}

struct explore_stats explore_stats_begin(const struct explore_options *options)
{
    const struct strategy_options *how = &options->strategy;
    bool exhaustive = options->custom == NULL && how->kind == EXPLORE_EXHAUSTIVE;
    return (struct explore_stats){
        .steps_min = UINT32_MAX,
        .searched = exhaustive,
        .bound = exhaustive ? how->bound : EXPLORE_UNBOUNDED,
        .bound_count = how->bound == EXPLORE_DELAYS ? how->delays : how->deviations,
    };
}

int explore_run(const struct explore_subject *subject, const struct explore_options *options,
                struct explore_stats *stats, struct explore_failure *failure)
{
    struct distinct distinct;
    *stats = explore_stats_begin(options);
    failure->id = EXPLORE_PASSED;
    if (options->count_no_classes) {
        distinct = (struct distinct){0};
    } else if (!distinct_init(&distinct)) {
        return -1;
    }
    uint32_t length = 0;
    if (options->first_run == 0 && starts_plain(options)) {
        length = first_execution(subject, options, &distinct, stats, failure);
    }
    struct strategy *strategy = begin_strategy(subject, options, length);
    if (strategy && failure->id == EXPLORE_PASSED) {
        loop(subject, options, strategy, &distinct, stats, failure);
    }
    if (!options->count_no_classes) {
        stats->distinct = distinct_count(&distinct, &stats->distinct_exact);
    }
    end_strategy(options, strategy);
    distinct_free(&distinct);
    return strategy ? 0 : -1;
}
