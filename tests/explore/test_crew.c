/* Explorations by several processes: what one process finds, in the same order. */
#include "rig.h"

#include "harness/explore/crew.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { HASHES_MAX = 1 << 18 };

static struct explore_subject subject;

/* All that is told of an exploration. */
static struct told {
    struct explore_stats stats;
    struct explore_failure failure;
    uint64_t hashes[HASHES_MAX]; /* of its executions, in order */
    uint64_t hash_count;
} alone, together;

static void count(void *context, uint64_t class_hash)
{
    struct told *told = context;
    if (told->hash_count < HASHES_MAX) told->hashes[told->hash_count++] = class_hash;
}

static int begin(void *context, struct explore_log *log, const struct explore_subject **out)
{
    (void)context;
    explore_log_set(log);
    *out = &subject;
    return 0;
}

static void explore_alone(struct explore_options how)
{
    memset(&alone, 0, sizeof alone);
    how.counted = count;
    how.counted_context = &alone;
    assert_int_equal(explore_run(&subject, &how, &alone.stats, &alone.failure), 0);
}

static void explore_together(struct explore_options how, uint32_t jobs)
{
    static struct explore_log log;
    struct crew crew = {.jobs = jobs, .how = how, .begin = begin};
    crew.how.counted = count;
    crew.how.counted_context = &together;
    memset(&together, 0, sizeof together);
    char why[WORLD_TEXT_MAX] = "";
    const struct crew_outcome outcome = {&together.stats, &together.failure, &log, NULL, why};
    struct worker_result result = crew_explore(&crew, &outcome);
    assert_int_equal(result.end, WORKER_RETURNED);
    assert_int_equal(result.code, 0);
    assert_string_equal(why, "");
}

static void compare_stats(const struct explore_stats *one, const struct explore_stats *other)
{
    assert_int_equal(one->runs, other->runs);
    assert_int_equal(one->distinct, other->distinct);
    assert_int_equal(one->new_lately, other->new_lately);
    assert_int_equal(one->cut, other->cut);
    assert_int_equal(one->steps_sum, other->steps_sum);
    assert_int_equal(one->choices_sum, other->choices_sum);
    assert_int_equal(one->steps_min, other->steps_min);
    assert_int_equal(one->steps_max, other->steps_max);
    assert_int_equal(one->complete, other->complete);
    assert_int_equal(one->searched, other->searched);
    assert_int_equal(one->bound, other->bound);
    assert_int_equal(one->bound_count, other->bound_count);
    if (one->complete) assert_int_equal(one->redundant, other->redundant);
}

static void compare_failures(const struct explore_failure *one, const struct explore_failure *other)
{
    assert_int_equal(one->id, other->id);
    if (one->id == EXPLORE_PASSED) return;
    assert_int_equal(one->run, other->run);
    assert_int_equal(one->run_hash, other->run_hash);
    assert_string_equal(one->strategy, other->strategy);
    assert_int_equal(one->count, other->count);
    assert_memory_equal(one->choices, other->choices, one->count * sizeof *one->choices);
}

static void compare(void (*program)(void), struct strategy_options strategy, uint64_t runs_max)
{
    struct explore_options how = {.strategy = strategy, .runs_max = runs_max};
    subject = rig_subject(program);
    explore_alone(how);
    for (uint32_t jobs = 1; jobs <= 4; jobs++) {
        explore_together(how, jobs);
        compare_stats(&alone.stats, &together.stats);
        compare_failures(&alone.failure, &together.failure);
        assert_int_equal(alone.hash_count, together.hash_count);
        assert_memory_equal(alone.hashes, together.hashes,
                            alone.hash_count * sizeof *alone.hashes);
    }
}

/* To the end, and with budgets that end in the first block, at its end, and in a later part. */
static void compare_budgets(void (*program)(void), struct strategy_options strategy)
{
    static const uint64_t budgets[] = {1, 63, 64, 65, 1000, 20000};
    enum { COUNT = sizeof budgets / sizeof *budgets - (SMALLER ? 2 : 0) };
    for (uint32_t i = 0; i < COUNT; i++) {
        compare(program, strategy, budgets[i]);
    }
}

static const struct strategy_options reduced = {.kind = EXPLORE_EXHAUSTIVE};
static const struct strategy_options bounded = {
    .kind = EXPLORE_EXHAUSTIVE, .bound = EXPLORE_PREEMPTIONS, .deviations = 4};
static const struct strategy_options delays = {
    .kind = EXPLORE_EXHAUSTIVE, .bound = EXPLORE_DELAYS, .delays = 4};
static const struct strategy_options deviations = {
    .kind = EXPLORE_EXHAUSTIVE, .bound = EXPLORE_DELAYS, .delays = 4, .brute_force = true};
static const struct strategy_options dfs = {.kind = EXPLORE_DFS, .deviations = 3};

static void test_budgets(void **state)
{
    (void)state;
    compare_budgets(rig_programs->ten_sections, reduced);
    compare_budgets(rig_programs->ten_sections, bounded);
    compare_budgets(rig_programs->ten_sections, delays);
    compare_budgets(rig_programs->ten_sections, deviations);
    compare_budgets(rig_programs->ten_sections, dfs);
}

static void test_failures(void **state)
{
    (void)state;
    compare(rig_programs->lost_update, reduced, 1000000);
    compare(rig_programs->lost_update, dfs, 1000000);
    compare(rig_programs->late_failure, reduced, 1000000);
    compare(rig_programs->late_failure, bounded, 1000000);
    compare(rig_programs->late_failure, dfs, 1000000);
    assert_true(alone.failure.run > 100); /* or it would not come from a part */
}

static _Atomic uint64_t *begun; /* executions, by whatever process */

static void count_begun(void *context)
{
    (void)context;
    ++*begun;
}

/* A part depends on the first executions of all; a process runs these once, not for each part. */
static void test_samplers(void **state)
{
    enum { RUNS = 2 * 512 + 100 };
    static const enum explore_kind kinds[] = {EXPLORE_RF, EXPLORE_SURW, EXPLORE_AUTO};
    (void)state;
    begun = worker_shared(sizeof *begun);
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct strategy_options how = {.kind = kinds[i], .seed = 1, .depth = 3, .length = 20};
        compare(rig_programs->ten_sections, how, RUNS);
        subject.before = count_begun;
        *begun = 0;
        explore_alone((struct explore_options){.strategy = how, .runs_max = RUNS});
        uint64_t once = *begun;
        explore_together((struct explore_options){.strategy = how, .runs_max = RUNS}, 1);
        assert_int_equal(*begun, 2 * once);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budgets),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_samplers),
    };
    return cmocka_run_group_tests_name("explorations by several processes", tests, rig_begin, NULL);
}
