/* Counting different executions: exact at first, a sketch beyond. */
#include "harness/explore/distinct.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct distinct distinct;

static int begin(void **state)
{
    (void)state;
    return distinct_init(&distinct) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    distinct_free(&distinct);
    return 0;
}

static uint64_t count_exact(void)
{
    bool exact;
    uint64_t count = distinct_count(&distinct, &exact);
    assert_true(exact);
    return count;
}

static void test_none(void **state)
{
    (void)state;
    assert_int_equal(count_exact(), 0);
}

static void test_repetitions_count_once(void **state)
{
    (void)state;
    assert_true(distinct_add(&distinct, 7));
    assert_false(distinct_add(&distinct, 7));
    assert_true(distinct_add(&distinct, 0)); /* as good a hash as any */
    assert_false(distinct_add(&distinct, 0));
    assert_int_equal(count_exact(), 2);
}

static void test_exact(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 100000; i++) {
            assert_int_equal(distinct_add(&distinct, i << 40), round == 0);
        }
    }
    assert_int_equal(count_exact(), 100000);
}

/* Four standard errors of 1.04 / sqrt(2^14) each are 3.3 %. */
static void test_sketch(void **state)
{
    (void)state;
    bool exact;
    const uint64_t many = 3000000;
    for (uint64_t i = 0; i < many; i++) distinct_add(&distinct, i);
    uint64_t count = distinct_count(&distinct, &exact);
    assert_false(exact);
    assert_in_range(count, many / 1000 * 967, many / 1000 * 1033);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_none, begin, end),
        cmocka_unit_test_setup_teardown(test_repetitions_count_once, begin, end),
        cmocka_unit_test_setup_teardown(test_exact, begin, end),
        cmocka_unit_test_setup_teardown(test_sketch, begin, end),
    };
    return cmocka_run_group_tests_name("distinct", tests, NULL, NULL);
}
