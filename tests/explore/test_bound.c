/* The reduced search within a bound on preemptions against brute force within the same bound. */
#include "family.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { PROGRAMS = SMALLER ? 20 : 320, PREEMPTIONS = 3 };

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
static bool compare_one(uint32_t preemptions, struct sums *sums)
{
    static struct outcomes brute, bounded, all;
    struct explore_stats many = family_search(EXPLORE_DFS, preemptions, &brute, BRUTE_MAX);
    if (!many.complete) return true;
    family_search(EXPLORE_EXHAUSTIVE, UINT32_MAX, &all, UINT64_MAX);
    struct explore_stats few =
        family_search(EXPLORE_EXHAUSTIVE, preemptions, &bounded, UINT64_MAX);
    sums->executions += many.runs;
    sums->classes += many.distinct;
    sums->found += few.runs;
    sums->given_up += few.redundant;
    sums->extra += bounded.count - brute.count;
    if (few.complete && contains(&bounded, &brute) && contains(&all, &bounded) &&
        few.distinct >= many.distinct) {
        return true;
    }
    print_error("%u preemptions: %u outcomes by brute force, %llu classes; %u within the bound, "
                "%llu classes in %llu executions; %u in all\n",
                preemptions, brute.count, (unsigned long long)many.distinct, bounded.count,
                (unsigned long long)few.distinct, (unsigned long long)few.runs, all.count);
    return false;
}

static void compare_family(const struct family *family)
{
    struct sums sums[PREEMPTIONS] = {{0}};
    family_limit(family);
    for (uint64_t seed = 1; seed <= family->programs; seed++) {
        family_generate(family, seed);
        for (uint32_t k = 0; k < PREEMPTIONS; k++) {
            if (compare_one(k, &sums[k])) continue;
            family_print(family, seed);
            fail();
        }
    }
    for (uint32_t k = 0; k < PREEMPTIONS; k++) {
        print_message("%u programs %s, %u preemptions: %llu executions, %llu classes; reduced: "
                      "%llu (and %llu given up), %llu outcomes beyond\n",
                      family->programs, family->name, k, (unsigned long long)sums[k].executions,
                      (unsigned long long)sums[k].classes, (unsigned long long)sums[k].found,
                      (unsigned long long)sums[k].given_up, (unsigned long long)sums[k].extra);
    }
}

static void test_against_brute_force(void **state)
{
    enum { FEW = PROGRAMS / 4 };
    static const struct family families[] = {
        {"without time", PROGRAMS, OP_UNTIMED_COUNT, 3, 0, 0, 0, false, true, false},
        {"with time", PROGRAMS, OP_COUNT, 3, 0, 0, 0, false, true, false},
        {"with an early end", FEW, OP_COUNT, 3, 1, 0, 0, false, true, false},
        {"with delays", FEW, OP_COUNT, 3, 0, 1, 0, false, true, false},
    };
    (void)state;
    for (uint32_t i = 0; i < sizeof families / sizeof *families; i++) compare_family(&families[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_brute_force)};
    return cmocka_run_group_tests_name("reduced search within a bound", tests, rig_begin, NULL);
}
