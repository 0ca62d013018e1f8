/* The reduced search against brute force, for programs that talk over pipes and sockets. */
#include "family.h"
#include "wired.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { PROGRAMS = SMALLER ? 10 : 160, MANY = SMALLER ? 2000 : 400000 };
enum { SEVERAL = SMALLER ? 10 : 40 };

/* Whether both find the same outcomes. */
static bool compare_one(struct explore_stats sums[2], uint64_t brute_max)
{
    static struct outcomes brute, reduced;
    struct explore_stats all = family_search(EXPLORE_DFS, UINT32_MAX, &brute, brute_max);
    if (!all.complete) return true;
    struct explore_stats few = family_search(EXPLORE_EXHAUSTIVE, UINT32_MAX, &reduced, UINT64_MAX);
    sums[0].runs += all.runs;
    sums[0].distinct += all.distinct;
    sums[1].runs += few.runs;
    sums[1].redundant += few.redundant;
    sums[1].distinct++; /* programs that were compared */
    bool good = few.complete && brute.count == reduced.count &&
                memcmp(brute.of, reduced.of, brute.count * sizeof *brute.of) == 0;
    if (good) return true;
    print_error("brute force: %llu executions, %llu classes, %u outcomes; reduced: %llu "
                "executions, %u outcomes\n",
                (unsigned long long)all.runs, (unsigned long long)all.distinct, brute.count,
                (unsigned long long)few.runs, reduced.count);
    return false;
}

static void print_sums(const char *name, const struct explore_stats sums[2])
{
    print_message("%llu programs %s: %llu executions in %llu (and %llu given up), %llu classes\n",
                  (unsigned long long)sums[1].distinct, name, (unsigned long long)sums[0].runs,
                  (unsigned long long)sums[1].runs, (unsigned long long)sums[1].redundant,
                  (unsigned long long)sums[0].distinct);
}

static void compare_family(const struct family *family)
{
    struct explore_stats sums[2] = {{0}};
    uint32_t wrong = 0;
    family_limit(family);
    for (uint64_t seed = 1; seed <= family->programs; seed++) {
        family_generate(family, seed);
        if (compare_one(sums, BRUTE_MAX)) continue;
        family_print(family, seed);
        wrong++;
    }
    print_sums(family->name, sums);
    assert_int_equal(wrong, 0);
}

/* What is closed in them may still be used, by its number, which may be somebody else's then. */
static void test_generated(void **state)
{
    static const struct family two = {
        .name = "of two threads", .programs = PROGRAMS, .ops = WIRED_COUNT, .threads = 2,
        .wired = true};
    static const struct family three = {
        .name = "of up to three", .programs = PROGRAMS, .ops = WIRED_COUNT, .threads = 3,
        .wired = true};
    (void)state;
    compare_family(&two);
    compare_family(&three);
}

/* Calls that wait for several descriptors. */
static void test_several(void **state)
{
    static const struct family two = {
        .name = "that wait for several, of two threads", .programs = SEVERAL, .ops = WIRED_ALL,
        .threads = 2, .wired = true};
    static const struct family three = {
        .name = "that wait for several, of up to three", .programs = SEVERAL, .ops = WIRED_ALL,
        .threads = 3, .wired = true};
    (void)state;
    compare_family(&two);
    compare_family(&three);
}

static const struct {
    const char *name;
    struct generated_program program;
} known[] = {
    {"two acceptors", {3, 0, {{{WIRED_CONNECT, 0}}, {{WIRED_ACCEPT, 0}}, {{WIRED_ACCEPT, 0}}}}},
    {"two acceptors that do not wait", {3, 0, {{{WIRED_CONNECT, 1}},
                                               {{WIRED_ACCEPT, 1}}, {{WIRED_ACCEPT, 1}}}}},
    {"two who connect", {3, 0, {{{WIRED_ACCEPT, 0}, {WIRED_ACCEPT, 0}},
                                {{WIRED_CONNECT, 0}}, {{WIRED_CONNECT, 0}}}}},
    {"two readers", {3, 0, {{{WIRED_WRITE, 0}, {WIRED_WRITE, 0}},
                            {{WIRED_READ, 0}}, {{WIRED_READ, 0}}}}},
    {"two who look for one byte", {3, 0, {{{WIRED_WRITE, 1}}, {{WIRED_POLL, 0}, {WIRED_READ, 1}},
                                          {{WIRED_POLL, 1}, {WIRED_READ, 1}}}}},
    {"a reader, and the end", {3, 0, {{{WIRED_READ, 0}, {WIRED_READ, 0}},
                                      {{WIRED_WRITE, 0}}, {{WIRED_CLOSE_OUT, 0}}}}},
    {"a reader whose end is closed", {2, 0, {{{WIRED_READ, 0}}, {{WIRED_CLOSE_IN, 0}}}}},
    {"a poll, and the end", {3, 0, {{{WIRED_POLL, 0}},
                                    {{WIRED_WRITE, 0}, {WIRED_CLOSE_OUT, 0}},
                                    {{WIRED_READ, 0}}}}},
    {"sent before the shutdown", {3, 0, {{{WIRED_RECV, 0}, {WIRED_RECV, 0}},
                                         {{WIRED_SEND, 0}}, {{WIRED_SHUTDOWN, 0}}}}},
    {"a poll of both, of which one is read before the other is written",
     {2, 0, {{{WIRED_POLL_BOTH, 0}}, {{WIRED_WRITE, 1}, {WIRED_READ, 1}, {WIRED_WRITE, 0}}}}},
    {"an epoll, the same",
     {2, 0, {{{WIRED_EPOLL, 0}}, {{WIRED_WRITE, 1}, {WIRED_READ, 1}, {WIRED_WRITE, 0}}}}},
    {"a select, and a number that is closed",
     {2, 0, {{{WIRED_SELECT, 0}}, {{WIRED_CLOSE_IN, 0}, {WIRED_SEND, 1}}}}},
    {"two who draw a number", {2, 0, {{{WIRED_WRITE, 0}, {WIRED_CHANCE, 0}},
                                      {{WIRED_CONNECT, 0}, {WIRED_CHANCE, 0}}}}},
    {"two epolls for two bytes", {3, 0, {{{WIRED_EPOLL, 0}, {WIRED_READ, 1}},
                                         {{WIRED_EPOLL, 0}, {WIRED_READ, 1}},
                                         {{WIRED_WRITE, 1}}}}},
};

static void test_known(void **state)
{
    static const struct family family = {.wired = true};
    uint32_t wrong = 0;
    (void)state;
    family_limit(&family);
    for (uint32_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct explore_stats sums[2] = {{0}};
        family_set(&family, &known[i].program);
        bool good = compare_one(sums, MANY);
        print_sums(known[i].name, sums);
        wrong += !good || (sums[1].distinct == 0 && !SMALLER);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_generated),
        cmocka_unit_test(test_several),
    };
    return cmocka_run_group_tests_name("reduced search, descriptors", tests, rig_begin, NULL);
}
