/* The budget in parts, without delays and with them; each explored by one process or by several. */
#include "course.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "endless.h"
#include "harness/explore/crew.h"
#include "history.h"
#include "progress.h"
#include "reports/shard.h"
#include "reports/trail.h"

/* Executions that tell how long those of a program are. */
enum { MEASURED = 64, PROBLEM = 1 };

/* Of the budget, the part after which executions with delays have their first turn. */
enum { EARLY = 20 };

static struct report_shard parts[PHASES]; /* where the executions are divided */

/* What needs neither a delay nor a wakeup without reason should need no late arrival either. */
static uint32_t late_of(uint32_t stalls, uint32_t spurious)
{
    return options.given[PROGRAM_LATE] || stalls + spurious > 0 ? options.late : 0;
}

/* Nor an older value; but a search that claims to be complete may not leave them out. */
static uint32_t weak_of(uint32_t stalls, uint32_t spurious)
{
    bool always = options.given[PROGRAM_WEAK] || !program_is_sampler(options.strategy);
    return always || stalls + spurious > 0 ? options.weak : 0;
}

static struct world_limits limits_of(uint32_t stalls, uint32_t spurious)
{
    return (struct world_limits){
        .steps_max = options.steps,
        .time_max_ns = UINT64_MAX / 2,
        .spurious_max = spurious,
        .stalls_max = stalls,
        .late_max = late_of(stalls, spurious),
        .weak_max = weak_of(stalls, spurious),
        .every_release = options.strategy == EXPLORE_EXHAUSTIVE,
        .lag_max_ns = options.lag_ns,
        .seed = options.seed,
        .check_memory = true,
        .find_races = options.races,
        .may_exit = true,
    };
}

/* Nothing is counted yet. Its memory is shared with workers, and mostly never touched. */
static void begin_tally(void)
{
    size_t bytes = DISTINCT_SLOTS * sizeof(uint64_t);
    if (shared->tally.distinct.slots) munmap(shared->tally.distinct.slots, bytes);
    shared->tally = (struct tally){.distinct.slots = worker_shared(bytes)};
}

static void add_phase(struct world_limits limits, uint64_t runs)
{
    if (runs == 0) return;
    const struct phase *last = &shared->phases[shared->phase_count];
    uint64_t first = shared->phase_count > 0 ? last[-1].first_run + last[-1].runs : 0;
    shared->phases[shared->phase_count++] = (struct phase){limits, first, runs, {0}};
}

/* Half of the budget with delays. A failure that needs nobody to be delayed is the better one, so
 * those are looked for first; but who looks for one of the others need not wait for half of the
 * budget, if it is a frequent one. */
static void plan_halves(void)
{
    struct world_limits plain = limits_of(0, 0);
    struct world_limits strained = limits_of(options.stalls, options.spurious);
    uint64_t later = options.runs / 2, sooner = options.runs - later, early = options.runs / EARLY;
    plain.late_max = plain.weak_max = 0;
    add_phase(plain, early);
    add_phase(strained, early);
    add_phase(plain, sooner - early);
    add_phase(strained, later - early);
}

/* Searches that claim to be complete count no delays unless told to. */
void phases_plan(void)
{
    bool one = options.choices || options.step; /* execution */
    bool sampler = program_is_sampler(options.strategy) || one;
    uint32_t stalls = sampler || options.given[PROGRAM_STALLS] ? options.stalls : 0;
    uint32_t spurious = sampler || options.given[PROGRAM_SPURIOUS] ? options.spurious : 0;
    bool two = options.strategy == EXPLORE_AUTO && !one && stalls + spurious > 0 &&
               options.runs > 1;
    begin_tally();
    shared->length = shared->phase_count = 0;
    if (two) plan_halves();
    else add_phase(limits_of(stalls, spurious), options.runs);
}

/* What all executions together may cost, and what a step costs besides its threads: so that a
 * program with hundreds of them takes as long as others. */
enum { STEP_COST = 30, RUNS_MIN = 100 };
#define COST_MAX 2000000000ull

void phases_moderate(void)
{
    uint64_t cost = (uint64_t)shared->once_steps * (shared->threads + STEP_COST);
    if (options.given[PROGRAM_RUNS] || !program_is_sampler(options.strategy)) return;
    if (cost * options.runs <= COST_MAX) return;
    options.runs = COST_MAX / cost < RUNS_MIN ? RUNS_MIN : COST_MAX / cost;
    phases_plan();
}

/* What both the phase and the shard have. */
static void cut_out(struct phase *phase, uint64_t first, uint64_t runs)
{
    uint64_t end = first + runs, phase_end = phase->first_run + phase->runs;
    if (end > phase_end) end = phase_end;
    if (first < phase->first_run) first = phase->first_run;
    phase->first_run = first;
    phase->runs = end > first ? end - first : 0;
    phase->stats.distinct_exact = true;
}

/* As a job array says; who did not think of that sees a note. */
static bool read_array(void)
{
    char problem[256];
    const char *variable;
    if (options.given[PROGRAM_SHARD] || options.choices) return true;
    if (!shard_environment(&options.shard, &variable, problem, sizeof problem)) {
        fprintf(stderr, "harness: %s; HARNESS_SHARD says which\n", problem);
        return false;
    }
    if (variable) {
        fprintf(stderr, "harness: note: shard %u/%u, by %s; HARNESS_SHARD=1/1 explores "
                "everything\n", options.shard.index, options.shard.count, variable);
    }
    return true;
}

/* What the shards of an exploration have in common. */
static const char *key(void)
{
    static char text[256];
    snprintf(text, sizeof text, "strategy %d, seed %" PRIu64 ", depth %u, delays %u, runs %" PRIu64
             ", stalls %u, spurious %u, lag %" PRIu64 " ns, steps %u, points %d, status %u",
             (int)options.strategy, options.seed, options.depth, options.delays, options.runs,
             options.stalls, options.spurious, options.lag_ns, options.steps,
             options.memory_points, options.status);
    return text;
}

static bool begin_part(uint32_t phase)
{
    if (!shard_begin(&parts[phase])) return false;
    parts[phase].key = key();
    parts[phase].shard = options.shard;
    parts[phase].first_run = shared->phases[phase].first_run;
    return true;
}

bool phases_divide(int *status)
{
    uint64_t first, runs;
    *status = 2;
    if (!read_array()) return false;
    *status = (int)options.status;
    shared->first_phase_runs = shared->phases[0].runs;
    if (options.shard.count == 1 || options.choices) return true;
    if (!program_is_sampler(options.strategy)) {
        fprintf(stderr, "harness: note: a search is not divided: shard 1 has it\n");
        if (!begin_part(0)) return false;
        parts[0].shard = (struct shard){1, 1};
        return options.shard.index == 1;
    }
    shard_range(options.shard, options.runs, &first, &runs);
    for (uint32_t i = 0; i < shared->phase_count; i++) {
        cut_out(&shared->phases[i], first, runs);
        if (!begin_part(i)) return false;
    }
    return true;
}

const struct report_shard *phases_part(uint32_t phase)
{
    parts[phase].stats = shared->phases[phase].stats;
    return parts[phase].shard.count > 0 ? &parts[phase] : NULL;
}

/* --- counting --- */

static void count(void *context, uint64_t class_hash)
{
    struct tally *tally = &shared->tally;
    (void)context;
    tally->stats.runs++;
    explore_count_class(&tally->stats, &tally->distinct, tally->stats.runs, class_hash);
    struct report_shard *part = &parts[shared->phase];
    if (part->shard.count > 1) shard_count(part, class_hash);
}

static void count_here(void *context, uint64_t class_hash)
{
    promises_count(context, class_hash);
    count(context, class_hash);
}

struct explore_stats phases_total(void)
{
    struct explore_stats total = {.steps_min = UINT32_MAX};
    const struct explore_stats *first = &shared->phases[0].stats;
    for (uint32_t i = 0; i < shared->phase_count; i++) {
        explore_stats_sum(&total, &shared->phases[i].stats);
    }
    if (total.runs == first->runs) return *first;
    total.new_lately = shared->tally.stats.new_lately;
    total.distinct = distinct_count(&shared->tally.distinct, &total.distinct_exact);
    return total;
}

/* --- one process --- */

bool phases_read_choices(uint16_t *choices, uint32_t *count)
{
    size_t where;
    const char *problem = token_read(options.choices, choices, count, &where);
    if (problem == NULL) return true;
    snprintf(shared->problem, sizeof shared->problem, "%s\n  %s\n  %*s^", problem, options.choices,
             (int)where, "");
    return false;
}

static struct strategy *given_choices(void)
{
    static uint16_t choices[TOKEN_CHOICES_MAX];
    uint32_t count;
    return phases_read_choices(choices, &count) ? strategy_replay(choices, count, true) : NULL;
}

static struct phase *phase_now(void)
{
    return &shared->phases[shared->phase];
}

static enum explore_bound bound_given(void)
{
    if (options.given[PROGRAM_DELAYS]) return EXPLORE_DELAYS;
    return options.given[PROGRAM_DEPTH] ? EXPLORE_PREEMPTIONS : EXPLORE_UNBOUNDED;
}

static struct explore_options how(void)
{
    const struct phase *phase = phase_now();
    return (struct explore_options){
        .strategy = {.kind = options.strategy,
                     .seed = options.seed,
                     .depth = options.depth,
                     .deviations = options.depth,
                     .bound = bound_given(),
                     .delays = options.given[PROGRAM_DELAYS] ? options.delays : options.depth,
                     .length = shared->phase > 0 ? shared->length : shared->once_choices},
        .first_run = phase->first_run,
        .runs_max = phase->runs,
    };
}

/* What is told of a search that found nothing is what the default schedule did. */
static void run_default(void)
{
    struct world_result result;
    explore_replay(&life.subject, NULL, 0, false, &result);
}

static int explore(void *argument)
{
    struct phase *phase = phase_now();
    struct explore_options chosen = how();
    (void)argument;
    chosen.counted = count_here;
    course_prepare(&shared->log, &shared->output);
    if (options.choices) {
        chosen.custom = given_choices();
        chosen.runs_max = 1;
        if (chosen.custom == NULL) return PROBLEM;
    }
    if (explore_run(&life.subject, &chosen, &phase->stats, &shared->failure) != 0) return FAULT;
    if (shared->failure.id == LIFE_DIVERGED || phase->stats.stopped) {
        snprintf(shared->problem, sizeof shared->problem, "%s", world_stop_text());
    } else if (shared->failure.id == EXPLORE_PASSED && chosen.custom == NULL &&
               explore_is_search(options.strategy)) {
        run_default();
    }
    shared->life = life;
    return 0;
}

/* The first executions of all, which every process can repeat. */
static int measure(void *argument)
{
    static struct explore_failure failure;
    struct explore_stats stats;
    struct explore_options first = how();
    uint32_t phase = shared->phase;
    (void)argument;
    shared->phase = 0;
    course_prepare(NULL, &shared->output);
    first.strategy.length = shared->once_choices;
    first.first_run = 0;
    first.runs_max = shared->first_phase_runs < MEASURED ? shared->first_phase_runs : MEASURED;
    if (explore_run(&life.subject, &first, &stats, &failure) != 0) return FAULT;
    shared->length = (uint32_t)(stats.choices_sum / stats.runs);
    shared->phase = phase;
    return 0;
}

/* --- several --- */

static int begin(void *context, struct explore_log *log, const struct explore_subject **subject)
{
    static struct capture output; /* each worker has its own */
    (void)context;
    course_prepare(log, &output);
    *subject = &life.subject;
    return 0;
}

/* The last of all executions, for its output; of a search the default one. */
static int finish(void *argument)
{
    static struct explore_failure failure;
    struct explore_stats stats;
    struct explore_options last = how();
    (void)argument;
    course_prepare(NULL, &shared->output);
    last.first_run += last.runs_max - 1;
    last.runs_max = 1;
    if (explore_is_search(options.strategy)) run_default();
    else if (explore_run(&life.subject, &last, &stats, &failure) != 0) return FAULT;
    shared->life = life;
    return 0;
}

/* --- without an end --- */

/* What the first execution did that was cut; nothing if its threads do not repeat themselves. */
static int tell_endless(void *argument)
{
    static struct capture output;
    static struct explore_failure failure;
    struct explore_stats stats;
    struct world_result result;
    struct explore_options first = how();
    uint64_t number = phase_now()->stats.first_cut;
    (void)argument;
    course_prepare(NULL, &output);
    first.first_run = number - 1;
    first.runs_max = 1;
    if (explore_run(&life.subject, &first, &stats, &failure) != 0) return FAULT;
    uint32_t count;
    const struct world_choice *choices = explore_choices(&count);
    for (uint32_t i = 0; i < count; i++) failure.choices[i] = choices[i].index;
    trail_watch(history_words);
    trail_begin();
    explore_replay(&life.subject, failure.choices, count, false, &result);
    FILE *out = fmemopen(shared->screen, SCREEN_MAX, "w");
    if (out == NULL) return FAULT;
    fprintf(out, "harness: note: run %" PRIu64 " was cut after %u steps; until then\n", number,
            result.steps);
    if (endless_tell(out) == 0) rewind(out);
    fputc('\0', out);
    fclose(out);
    return 0;
}

/* The first of those with, or of those without delays. */
static bool is_first_cut(void)
{
    const struct phase *now = phase_now();
    for (const struct phase *phase = shared->phases; phase < now; phase++) {
        bool same = phase->limits.stalls_max == now->limits.stalls_max;
        if (same && phase->stats.first_cut != 0) return false;
    }
    return now->stats.first_cut != 0;
}

struct worker_result phases_tell_endless(void)
{
    if (!is_first_cut() || options.choices) return (struct worker_result){WORKER_RETURNED, 0};
    struct worker_result result = worker_run(tell_endless, NULL, NULL, NULL);
    fputs(shared->screen, stderr);
    shared->screen[0] = '\0';
    return result;
}

static struct worker_result explore_together(void)
{
    struct crew crew = {.jobs = options.jobs, .how = how(), .begin = begin};
    crew.counted_here = promises_count;
    crew.tick = progress_of_crew();
    crew.how.counted = count;
    const struct crew_outcome outcome = {&phase_now()->stats, &shared->failure, &shared->log, NULL,
                                         shared->problem};
    struct worker_result result = crew_explore(&crew, &outcome);
    progress_end();
    bool all = shared->failure.id == EXPLORE_PASSED && !phase_now()->stats.stopped;
    if (result.end != WORKER_RETURNED || result.code != 0 || !all) return result;
    return worker_run(finish, NULL, NULL, NULL);
}

static bool can_split(void)
{
    bool several = options.jobs > 1 ||
                   (options.shard.count > 1 && program_is_sampler(options.strategy));
    return several && !options.choices && phase_now()->runs <= CREW_RUNS_MAX;
}

struct worker_result phases_explore(void)
{
    if (phase_now()->runs == 0) return (struct worker_result){WORKER_RETURNED, 0};
    if (shared->phase > 0 && shared->length == 0) {
        struct worker_result result = progress_work(measure, NULL);
        if (result.end != WORKER_RETURNED || result.code != 0) return result;
    }
    if (can_split()) return explore_together();
    if (options.jobs > 1 && !options.choices) {
        fprintf(stderr, "harness: note: a budget beyond 2^26 is not divided: one process "
                "explores\n");
    }
    return progress_work(explore, NULL);
}
