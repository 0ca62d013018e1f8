/* The reduced search against brute force: the same outcomes, and every class of equivalent
 * executions exactly once. */
#include "family.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { PROGRAMS = SMALLER ? 40 : 320 };

static void compare_family(const struct family *family)
{
    static struct outcomes brute, reduced;
    uint32_t compared = 0;
    uint64_t executions = 0, classes = 0, redundant = 0;
    family_limit(family);
    for (uint64_t seed = 1; compared < family->programs; seed++) {
        family_generate(family, seed);
        struct explore_stats all = family_search(EXPLORE_DFS, UINT32_MAX, &brute, BRUTE_MAX);
        if (!all.complete) continue;
        struct explore_stats few =
            family_search(EXPLORE_EXHAUSTIVE, UINT32_MAX, &reduced, UINT64_MAX);
        compared++;
        executions += all.runs;
        classes += few.runs;
        redundant += few.redundant;
        bool good = few.complete &&
                    (few.distinct == all.distinct || family->fakes) &&
                    (few.runs - all.distinct <= reduced.deadlocks || !family->once) &&
                    brute.count == reduced.count &&
                    memcmp(brute.of, reduced.of, brute.count * sizeof *brute.of) == 0;
        if (good) continue;
        family_print(family, seed);
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
        {"without time", PROGRAMS, OP_UNTIMED_COUNT, 3, 0, 0, 0, false, true, false},
        {"with time", PROGRAMS, OP_COUNT, 3, 0, 0, 0, false, true, false},
        {"with an early end", FEW, OP_COUNT, 3, 1, 0, 0, false, true, false},
        {"with delays", HALF, OP_COUNT, 3, 0, 1, 0, false, true, false},
        {"with spurious wakeups", HALF, OP_COUNT, 3, 0, 0, 1, false, false, false},
        {"with both", FEW, OP_COUNT, 2, 0, 2, 1, false, false, false},
        {"with an environment", FEW, OP_COUNT, 2, 0, 0, 0, true, false, false},
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
    family_limit(&plain);
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
