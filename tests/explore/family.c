#include "family.h"

#include "harness/explore/chance.h"
#include "harness/net/net.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct generated_program program;
static bool wired;
static uint64_t last_outcome;

const struct generated_program *generated_now(void)
{
    return &program;
}

static void fakes_note(uint32_t what);

void generated_tell(uint64_t outcome)
{
    last_outcome = outcome;
    fakes_note(world_self());
}

/* --- an environment, which sees in what order everything happens --- */

static struct {
    bool there;
    struct world_queue queue;
    uint32_t noted;
    uint64_t order;
    uint16_t window;
} fakes;

static void fakes_note(uint32_t what)
{
    if (!fakes.there) return;
    world_meet(WORLD_MET_FAKES);
    fakes.order = fakes.order * 31 + what + 1;
    if (++fakes.noted == 2) world_wake(&fakes.queue);
}

/* A fault, which may come or not; and what may happen within a time. */
static void happen(void *argument)
{
    fakes_note(*(const uint32_t *)argument);
}

static void act(void *argument)
{
    while (fakes.noted < 2) world_wait(&fakes.queue, WORLD_NEVER, "two notes");
    fakes_note(70 + world_choose(2, "what to do"));
    happen(argument);
    world_task_window(fakes.window, world_now_ns(), world_now_ns() + 1000000);
}

static void fakes_begin(void)
{
    static const uint32_t numbers[] = {80, 81, 82};
    if (!fakes.there) return;
    fakes.queue = (struct world_queue){0};
    fakes.noted = 0;
    fakes.order = 0;
    fakes.window = world_task("window", WORLD_FAULT, happen, (void *)(uintptr_t)&numbers[0]);
    world_task_arm(world_task("fault", WORLD_OPTIONAL, happen, (void *)(uintptr_t)&numbers[1]), 0);
    world_spawn("actor", WORLD_ACTOR, act, (void *)(uintptr_t)&numbers[2]);
}

/* --- outcomes --- */

static struct outcomes *now;

static void before(void *context)
{
    (void)context;
    last_outcome = 0;
    net_begin();
}

static void body(void *context)
{
    void (**chosen)(void) = context;
    fakes_begin();
    (*chosen)();
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Deadlocks and stuck waiters are outcomes here, not failures. */
static uint32_t judge(void *context, const struct world_result *result)
{
    (void)context;
    if (result->end == WORLD_STOPPED) return EXPLORE_PASSED;
    uint64_t outcome = last_outcome ^ (fakes.there ? fakes.order << 20 : 0);
    if (result->end == WORLD_FINDING) outcome ^= 0x5555 + (uint64_t)world_finding_get()->kind;
    bool finding = result->end == WORLD_FINDING;
    now->deadlocks += finding && world_finding_get()->kind == WORLD_FOUND_DEADLOCK;
    for (uint32_t i = 0; i < now->count; i++) {
        if (now->of[i] == outcome) return EXPLORE_PASSED;
    }
    if (now->count < OUTCOMES_MAX) now->of[now->count++] = outcome;
    return EXPLORE_PASSED;
}

struct explore_stats family_search(enum explore_kind kind, uint32_t preemptions,
                                   struct outcomes *outcomes, uint64_t runs_max)
{
    const struct strategy_options how = {
        .kind = kind,
        .deviations = preemptions,
        .bound = preemptions == UINT32_MAX ? EXPLORE_UNBOUNDED : EXPLORE_PREEMPTIONS};
    return family_explore(&how, outcomes, runs_max);
}

struct explore_stats family_explore(const struct strategy_options *how, struct outcomes *outcomes,
                                    uint64_t runs_max)
{
    static struct explore_failure failure;
    static void (*chosen)(void);
    struct explore_stats stats;
    chosen = wired ? rig_programs->wired : rig_programs->generated;
    struct explore_subject subject = {&chosen, "main", body, before, judge};
    struct explore_options options = {.strategy = *how, .runs_max = runs_max};
    outcomes->count = outcomes->deadlocks = 0;
    now = outcomes;
    assert_int_equal(explore_run(&subject, &options, &stats, &failure), 0);
    assert_int_equal(failure.id, EXPLORE_PASSED);
    if (stats.stopped) print_error("%s\n", world_stop_text());
    assert_false(stats.stopped);
    qsort(outcomes->of, outcomes->count, sizeof *outcomes->of, compare);
    return stats;
}

/* --- programs --- */

void family_set(const struct family *family, const struct generated_program *chosen)
{
    program = *chosen;
    fakes.there = family->fakes;
    wired = family->wired;
}

void family_generate(const struct family *family, uint64_t seed)
{
    struct chance chance = chance_for(seed, 7);
    family_set(family, &(struct generated_program){0});
    program.threads = 2 + chance_below(&chance, family->threads - 1);
    program.left = family->left;
    uint32_t length = program.threads == 2 ? 3 : 2;
    for (uint32_t t = 0; t < program.threads; t++) {
        for (uint32_t i = 0; i < length; i++) {
            program.steps[t][i] = (struct generated_step){
                (uint8_t)(1 + chance_below(&chance, family->ops - 1)),
                (uint8_t)chance_below(&chance, GENERATED_OBJECTS)};
        }
    }
}

void family_print(const struct family *family, uint64_t seed)
{
    print_error("%s program %llu:\n", family->name, (unsigned long long)seed);
    for (uint32_t t = 0; t < program.threads; t++) {
        for (uint32_t i = 0; i < GENERATED_OPS; i++) {
            print_error(" %u.%u", program.steps[t][i].op, program.steps[t][i].object);
        }
        print_error("\n");
    }
}

/* Writing into a closed pipe fails, and nothing else. */
static bool ignored(void)
{
    return true;
}

void family_limit(const struct family *family)
{
    net_on_broken_pipe(ignored);
    world_limits_set(&(struct world_limits){.steps_max = 1000,
                                            .time_max_ns = WORLD_NEVER,
                                            .spurious_max = family->spurious,
                                            .stalls_max = family->stalls,
                                            .lag_max_ns = 1000000000,
                                            .seed = 1,
                                            .check_memory = true,
                                            .every_release = true});
}
