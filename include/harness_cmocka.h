/* Unit tests of cmocka that explore. It includes <cmocka.h>, and what that needs.
 *
 *   HARNESS_TEST(counts_both, .runs = 5000)
 *   {
 *       ... threads ... assert_int_equal(count, 2); ...
 *   }
 *   ... cmocka_unit_test(counts_both) ...
 *
 * The braces are a body as harness_explore() takes it; `state` in it is what the test's setup left
 * in *state. A failed assertion of cmocka, in any thread, fails that execution alone; when one has
 * failed, the report is printed and the test fails. Expectations and mocked values (expect_*,
 * will_return) and test_malloc() belong outside of bodies: cmocka keeps them between executions. */
#ifndef HARNESS_CMOCKA_H
#define HARNESS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness.h"

/* Fails the running test, at that place, unless the verdict is that all holds. */
static inline void harness_cmocka_check(const struct harness_options *options,
                                        void (*body)(void *argument), void *argument,
                                        const char *file, int line)
{
    struct harness_result result = harness_explore(options, body, argument);
    if (result.verdict == HARNESS_HELD) return;
    if (result.verdict == HARNESS_SKIPPED) _skip(file, line);
    if (result.verdict == HARNESS_FAILED) {
        print_error("ERROR: %s\nHARNESS_CHOICES=%s\n", result.text, result.token);
    } else {
        print_error("ERROR: inconclusive: %s\n", result.text);
    }
    _fail(file, line);
}

/* The options are those of struct harness_options, by name; there may be none. */
#define HARNESS_TEST(test, ...)                                                                    \
    static void test##_body(void *state);                                                          \
    static void test(void **state)                                                                 \
    {                                                                                              \
        struct harness_options options = {.name = #test, ##__VA_ARGS__};                           \
        harness_cmocka_check(&options, test##_body, *state, __FILE__, __LINE__);                   \
    }                                                                                              \
    static void test##_body(void *state)

#endif
