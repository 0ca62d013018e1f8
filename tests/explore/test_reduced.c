/* The reduced search against brute force: the same outcomes, and every class of equivalent
 * executions exactly once. */
#include "generated.h"
#include "rig.h"

#include "harness/explore/chance.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under a sanitizer an execution costs a hundred times as much. */
#if defined(__SANITIZE_ADDRESS__)
#define SMALLER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SMALLER 1
#endif
#endif
#ifndef SMALLER
#define SMALLER 0
#endif

enum {
    PROGRAMS = SMALLER ? 40 : 320,
    BRUTE_MAX = SMALLER ? 1000 : 8000,
    OUTCOMES_MAX = 4096,
};

static struct generated_program program;
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

struct outcomes {
    uint32_t count;
    uint64_t of[OUTCOMES_MAX];
};

static struct outcomes *now;

static void before(void *context)
{
    (void)context;
    last_outcome = 0;
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
    for (uint32_t i = 0; i < now->count; i++) {
        if (now->of[i] == outcome) return EXPLORE_PASSED;
    }
    if (now->count < OUTCOMES_MAX) now->of[now->count++] = outcome;
    return EXPLORE_PASSED;
}

static struct explore_stats search(enum explore_kind kind, struct outcomes *outcomes,
                                   uint64_t runs_max)
{
    static struct explore_failure failure;
    static void (*chosen)(void);
    struct explore_stats stats;
    chosen = rig_programs->generated;
    struct explore_subject subject = {&chosen, "main", body, before, judge};
    struct explore_options options = {.strategy = {.kind = kind, .deviations = UINT32_MAX},
                                      .runs_max = runs_max};
    outcomes->count = 0;
    now = outcomes;
    assert_int_equal(explore_run(&subject, &options, &stats, &failure), 0);
    assert_int_equal(failure.id, EXPLORE_PASSED);
    if (stats.stopped) print_error("%s\n", world_stop_text());
    assert_false(stats.stopped);
    qsort(outcomes->of, outcomes->count, sizeof *outcomes->of, compare);
    return stats;
}

/* --- programs --- */

/* Of what programs are made, and what may happen to them. */
struct family {
    const char *name;
    uint32_t programs;
    uint32_t ops;      /* below that one */
    uint32_t threads;  /* two and more */
    uint32_t left;     /* threads that nobody joins */
    uint32_t stalls, spurious;
    bool fakes;        /* beside them an actor and events */
    bool once;         /* each class is executed once */
};

static void generate(const struct family *family, uint64_t seed)
{
    struct chance chance = chance_for(seed, 7);
    memset(&program, 0, sizeof program);
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

static void print_program(const struct family *family, uint64_t seed)
{
    print_error("%s program %llu:\n", family->name, (unsigned long long)seed);
    for (uint32_t t = 0; t < program.threads; t++) {
        for (uint32_t i = 0; i < GENERATED_OPS; i++) {
            print_error(" %u.%u", program.steps[t][i].op, program.steps[t][i].object);
        }
        print_error("\n");
    }
}

static void limit(const struct family *family)
{
    world_limits_set(&(struct world_limits){.steps_max = 1000,
                                            .time_max_ns = WORLD_NEVER,
                                            .spurious_max = family->spurious,
                                            .stalls_max = family->stalls,
                                            .lag_max_ns = 1000000000,
                                            .seed = 1,
                                            .check_memory = true,
                                            .every_release = true});
}

static void compare_family(const struct family *family)
{
    static struct outcomes brute, reduced;
    uint32_t compared = 0;
    uint64_t executions = 0, classes = 0, redundant = 0;
    limit(family);
    fakes.there = family->fakes;
    for (uint64_t seed = 1; compared < family->programs; seed++) {
        generate(family, seed);
        struct explore_stats all = search(EXPLORE_DFS, &brute, BRUTE_MAX);
        if (!all.complete) continue;
        struct explore_stats few = search(EXPLORE_EXHAUSTIVE, &reduced, UINT64_MAX);
        compared++;
        executions += all.runs;
        classes += few.runs;
        redundant += few.redundant;
        bool good = few.complete &&
                    (few.distinct == all.distinct || family->fakes) &&
                    (few.runs == all.distinct || !family->once) &&
                    brute.count == reduced.count &&
                    memcmp(brute.of, reduced.of, brute.count * sizeof *brute.of) == 0;
        if (good) continue;
        print_program(family, seed);
        print_error("brute force: %llu executions, %llu classes, %u outcomes\n"
                    "reduced:     %llu executions, %llu classes, %u outcomes, %llu redundant\n",
                    (unsigned long long)all.runs, (unsigned long long)all.distinct, brute.count,
                    (unsigned long long)few.runs, (unsigned long long)few.distinct, reduced.count,
                    (unsigned long long)few.redundant);
        fail();
    }
    print_message("%u programs %s: %llu executions in %llu (and %llu given up)\n", compared,
                  family->name, (unsigned long long)executions, (unsigned long long)classes,
                  (unsigned long long)redundant);
}

static void test_against_brute_force(void **state)
{
    enum { HALF = PROGRAMS / 2, FEW = PROGRAMS / 4 };
    static const struct family families[] = {
        {"without time", PROGRAMS, OP_UNTIMED_COUNT, 3, 0, 0, 0, false, true},
        {"with time", PROGRAMS, OP_COUNT, 3, 0, 0, 0, false, true},
        {"with an early end", FEW, OP_COUNT, 3, 1, 0, 0, false, true},
        {"with delays", HALF, OP_COUNT, 3, 0, 1, 0, false, true},
        {"with spurious wakeups", HALF, OP_COUNT, 3, 0, 0, 1, false, false},
        {"with both", FEW, OP_COUNT, 2, 0, 2, 1, false, false},
        {"with an environment", FEW, OP_COUNT, 2, 0, 0, 0, true, false},
    };
    (void)state;
    for (uint32_t i = 0; i < sizeof families / sizeof *families; i++) compare_family(&families[i]);
}

/* n sections in each of two threads: C(2n, n) orders, one execution for each. */
static void count_sections(void (*sections)(void), uint64_t orders)
{
    static struct explore_failure failure;
    struct explore_stats stats;
    struct explore_subject subject = rig_subject(sections);
    struct explore_options options = {.strategy = {.kind = EXPLORE_EXHAUSTIVE},
                                      .runs_max = 1000000};
    assert_int_equal(explore_run(&subject, &options, &stats, &failure), 0);
    assert_true(stats.complete);
    assert_int_equal(stats.runs, orders);
    assert_int_equal(stats.distinct, orders);
    assert_int_equal(stats.redundant, 0);
}

static void test_sections(void **state)
{
    (void)state;
    count_sections(rig_programs->two_sections, 6);
    count_sections(rig_programs->three_sections, 20);
    if (!SMALLER) count_sections(rig_programs->ten_sections, 184756);
}

static int set_up(void **state)
{
    static const struct family plain = {0};
    rig_begin(state);
    limit(&plain);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_against_brute_force),
    };
    return cmocka_run_group_tests_name("reduced search", tests, set_up, NULL);
}
