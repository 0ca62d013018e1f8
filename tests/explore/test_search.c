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

static void keep_hash(void *context, uint64_t class_hash)
{
    uint64_t **next = context;
    *(*next)++ = class_hash;
}

static void test_pos_reaches_all(void **state)
{
    (void)state;
    sample(EXPLORE_POS);
}

static void test_surw_reaches_all(void **state)
{
    (void)state;
    sample(EXPLORE_SURW);
}

static void test_rf_reaches_all(void **state)
{
    (void)state;
    sample(EXPLORE_RF);
}

/* How often the rarest and the most frequent of the six orders came in 6,000 executions. */
static void spread(enum explore_kind kind, uint32_t *rarest, uint32_t *most)
{
    static struct explore_failure failure;
    struct explore_stats stats;
    struct explore_subject subject = rig_subject(rig_programs->one_and_five_sections);
    struct explore_options options = {.strategy = {.kind = kind, .seed = 1}, .runs_max = 6000};
    assert_int_equal(explore_run(&subject, &options, &stats, &failure), 0);
    assert_int_equal(rig_orders.count, 6);
    *rarest = UINT32_MAX;
    *most = 0;
    for (uint32_t i = 0; i < rig_orders.count; i++) {
        if (rig_orders.times[i] < *rarest) *rarest = rig_orders.times[i];
        if (rig_orders.times[i] > *most) *most = rig_orders.times[i];
    }
}

/* A thousand each, within four standard deviations (29); a random walk is far from that. */
static void test_surw_is_uniform(void **state)
{
    (void)state;
    uint32_t rarest, most;
    spread(EXPLORE_SURW, &rarest, &most);
    assert_in_range(rarest, 880, 1000);
    assert_in_range(most, 1000, 1120);
    spread(EXPLORE_RANDOM, &rarest, &most);
    assert_true(rarest < 500 && most > 2000);
}

/* An execution by its number is the same, whether or not it is the first of its part. */
static void test_parts_are_the_whole(void **state)
{
    (void)state;
    static const enum explore_kind kinds[] = { EXPLORE_AUTO, EXPLORE_SURW, EXPLORE_POS,
                                               EXPLORE_RF, EXPLORE_DELAY };
    static struct explore_failure failure;
    static uint64_t hashes[3][64];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (int part = 0; part < 3; part++) {
            struct explore_stats stats;
            struct explore_subject subject = rig_subject(rig_programs->ten_sections);
            uint64_t *next = hashes[part];
            struct explore_options options = {
                .strategy = {.kind = kinds[i], .seed = 1, .delays = 3, .length = 20},
                .first_run = part == 2 ? 32 : 0, .runs_max = part == 0 ? 64 : 32,
                .counted = keep_hash, .counted_context = &next};
            assert_int_equal(explore_run(&subject, &options, &stats, &failure), 0);
        }
        assert_memory_equal(hashes[0], hashes[1], 32 * sizeof hashes[0][0]);
        assert_memory_equal(hashes[0] + 32, hashes[2], 32 * sizeof hashes[0][0]);
    }
}

static struct explore_failure find_lost_update(enum explore_kind kind)
{
    static struct explore_failure failure;
    struct explore_stats stats;
    struct explore_subject subject = rig_subject(rig_programs->lost_update);
    struct explore_options options = {
        .strategy = {.kind = kind, .seed = 1, .depth = 2, .deviations = 1, .delays = 1},
        .runs_max = 1000};
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
        cmocka_unit_test(test_pos_reaches_all),
        cmocka_unit_test(test_surw_reaches_all),
        cmocka_unit_test(test_rf_reaches_all),
        cmocka_unit_test(test_surw_is_uniform),
        cmocka_unit_test(test_parts_are_the_whole),
        cmocka_unit_test(test_every_strategy_finds_it),
    };
    return cmocka_run_group_tests_name("search", tests, rig_begin, NULL);
}
