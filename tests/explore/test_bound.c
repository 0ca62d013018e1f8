/* The reduced search within a bound on preemptions or delays against brute force within the same
 * bound. */
#include "family.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { PROGRAMS = SMALLER ? 20 : 320, LIMITS = 3 };

static const char *const words[] = EXPLORE_BOUND_WORDS;

static bool contains(const struct outcomes *all, const struct outcomes *some)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < some->count; i++) {
        while (at < all->count && all->of[at] < some->of[i]) at++;
        if (at == all->count || all->of[at] != some->of[i]) return false;
    }
    return true;
}

struct sums {
    uint64_t executions, classes, found, given_up, extra;
};

/* False: the outcomes differ where they must not. Within the bound nothing may be missing; what
 * is beyond it (where it is not sure what a preemption is) must still be possible. */
static bool compare_one(enum explore_bound bound, uint32_t limit, struct sums *sums)
{
    static struct outcomes brute, bounded, all;
    struct strategy_options how = {
        .kind = EXPLORE_EXHAUSTIVE, .bound = bound, .deviations = limit, .delays = limit,
        .brute_force = true};
    struct explore_stats many = family_explore(&how, &brute, BRUTE_MAX);
    if (!many.complete) return true;
    family_search(EXPLORE_EXHAUSTIVE, UINT32_MAX, &all, UINT64_MAX);
    how.brute_force = false;
    struct explore_stats few = family_explore(&how, &bounded, UINT64_MAX);
    sums->executions += many.runs;
    sums->classes += many.distinct;
    sums->found += few.runs;
    sums->given_up += few.redundant;
    sums->extra += bounded.count - brute.count;
    if (few.complete && contains(&bounded, &brute) && contains(&all, &bounded) &&
        few.distinct >= many.distinct) {
        return true;
    }
    print_error("%u %ss: %u outcomes by brute force, %llu classes; %u within the bound, "
                "%llu classes in %llu executions; %u in all\n",
                limit, words[bound], brute.count, (unsigned long long)many.distinct, bounded.count,
                (unsigned long long)few.distinct, (unsigned long long)few.runs, all.count);
    return false;
}

static void compare_family(const struct family *family, enum explore_bound bound)
{
    struct sums sums[LIMITS] = {{0}};
    family_limit(family);
    for (uint64_t seed = 1; seed <= family->programs; seed++) {
        family_generate(family, seed);
        for (uint32_t k = 0; k < LIMITS; k++) {
            if (compare_one(bound, k, &sums[k])) continue;
            family_print(family, seed);
            fail();
        }
    }
    for (uint32_t k = 0; k < LIMITS; k++) {
        print_message("%u programs %s, %u %ss: %llu executions, %llu classes; reduced: "
                      "%llu (and %llu given up), %llu outcomes beyond\n",
                      family->programs, family->name, k, words[bound],
                      (unsigned long long)sums[k].executions,
                      (unsigned long long)sums[k].classes, (unsigned long long)sums[k].found,
                      (unsigned long long)sums[k].given_up, (unsigned long long)sums[k].extra);
    }
}

static void compare_with_brute_force(enum explore_bound bound)
{
    enum { FEW = PROGRAMS / 4 };
    static const struct family families[] = {
        {"without time", PROGRAMS, OP_UNTIMED_COUNT, 3, 0, 0, 0, false, true, false},
        {"with time", PROGRAMS, OP_COUNT, 3, 0, 0, 0, false, true, false},
        {"with an early end", FEW, OP_COUNT, 3, 1, 0, 0, false, true, false},
        {"with delays", FEW, OP_COUNT, 3, 0, 1, 0, false, true, false},
    };
    for (uint32_t i = 0; i < sizeof families / sizeof *families; i++) {
        compare_family(&families[i], bound);
    }
}

static void test_preemptions(void **state)
{
    (void)state;
    compare_with_brute_force(EXPLORE_PREEMPTIONS);
}

static void test_delays(void **state)
{
    (void)state;
    compare_with_brute_force(EXPLORE_DELAYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preemptions),
        cmocka_unit_test(test_delays),
    };
    return cmocka_run_group_tests_name("reduced search within a bound", tests, rig_begin, NULL);
}
