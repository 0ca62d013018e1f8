/* Searches and samplers against counts made by hand: n sections in each of two threads can be
 * ordered in C(2n, n) ways. */
#include "rig.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct explore_stats search(void (*program)(void), uint32_t deviations)
{
    static struct explore_failure failure;
    struct explore_stats stats;
    struct explore_subject subject = rig_subject(program);
    struct explore_options options = {
        .strategy = {.kind = EXPLORE_DFS, .deviations = deviations}, .runs_max = 100000};
    assert_int_equal(explore_run(&subject, &options, &stats, &failure), 0);
    assert_int_equal(failure.id, EXPLORE_PASSED);
    assert_true(stats.complete);
    return stats;
}

static bool seen(const char *order)
{
    for (uint32_t i = 0; i < rig_orders.count; i++) {
        if (strcmp(rig_orders.of[i], order) == 0) return true;
    }
    return false;
}

/* Nothing but the order of the sections distinguishes executions, so the dependence orders are
 * as many, however many more executions the search needs. */
static void test_two_sections(void **state)
{
    (void)state;
    struct explore_stats stats = search(rig_programs->two_sections, UINT32_MAX);
    assert_int_equal(rig_orders.count, 6);
    assert_true(stats.distinct_exact);
    assert_int_equal(stats.distinct, 6);
}

static void test_three_sections(void **state)
{
    (void)state;
    struct explore_stats stats = search(rig_programs->three_sections, UINT32_MAX);
    assert_int_equal(rig_orders.count, 20);
    assert_int_equal(stats.distinct, 20);
}

/* Who begins, and who goes on when the other has ended, costs nothing. */
static void test_no_preemption(void **state)
{
    (void)state;
    search(rig_programs->two_sections, 0);
    assert_int_equal(rig_orders.count, 2);
    assert_true(seen("1122"));
    assert_true(seen("2211"));
}

static void test_one_preemption(void **state)
{
    (void)state;
    search(rig_programs->two_sections, 1);
    assert_int_equal(rig_orders.count, 4);
    assert_true(seen("1221"));
    assert_true(seen("2112"));
    assert_false(seen("1212"));
}

static void test_two_preemptions(void **state)
{
    (void)state;
    search(rig_programs->two_sections, 2);
    assert_int_equal(rig_orders.count, 6);
}

static void sample(enum explore_kind kind)
{
    static struct explore_failure failure;
    struct explore_stats stats;
    struct explore_subject subject = rig_subject(rig_programs->three_sections);
    struct explore_options options = {
        .strategy = {.kind = kind, .seed = 1, .depth = 6}, .runs_max = 2000};
    assert_int_equal(explore_run(&subject, &options, &stats, &failure), 0);
    assert_int_equal(stats.runs, 2000);
    assert_false(stats.complete);
    assert_int_equal(rig_orders.count, 20);
    assert_int_equal(stats.distinct, 20);
}

static void test_random_reaches_all(void **state)
{
    (void)state;
    sample(EXPLORE_RANDOM);
}

static void test_auto_reaches_all(void **state)
{
    (void)state;
    sample(EXPLORE_AUTO);
}

static struct explore_failure find_lost_update(enum explore_kind kind)
{
    static struct explore_failure failure;
    struct explore_stats stats;
    struct explore_subject subject = rig_subject(rig_programs->lost_update);
    struct explore_options options = {
        .strategy = {.kind = kind, .seed = 1, .depth = 2, .deviations = 1}, .runs_max = 1000};
    assert_int_equal(explore_run(&subject, &options, &stats, &failure), 0);
    return failure;
}

static void test_every_strategy_finds_it(void **state)
{
    (void)state;
    for (int kind = 0; kind < EXPLORE_KINDS; kind++) {
        static struct explore_failure failure;
        failure = find_lost_update((enum explore_kind)kind);
        assert_int_equal(failure.id, WORLD_FOUND_ASSERT);
        assert_true(failure.run > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_sections),
        cmocka_unit_test(test_three_sections),
        cmocka_unit_test(test_no_preemption),
        cmocka_unit_test(test_one_preemption),
        cmocka_unit_test(test_two_preemptions),
        cmocka_unit_test(test_random_reaches_all),
        cmocka_unit_test(test_auto_reaches_all),
        cmocka_unit_test(test_every_strategy_finds_it),
    };
    return cmocka_run_group_tests_name("search", tests, rig_begin, NULL);
}
