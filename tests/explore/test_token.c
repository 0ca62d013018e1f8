/* Tokens: written, read back, and refused with the place and the reason. */
#include "harness/explore/token.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static uint16_t choices[TOKEN_CHOICES_MAX];

static void check_written(const uint16_t *list, uint32_t count, const char *expected)
{
    char *token = token_write(list, count);
    assert_string_equal(token, expected);
    free(token);
}

static void test_write(void **state)
{
    (void)state;
    check_written(NULL, 0, "sync:0");
    check_written((uint16_t[]){0, 0, 0}, 3, "sync:0");
    check_written((uint16_t[]){2, 0, 1}, 3, "sync:2.0.1");
    check_written((uint16_t[]){1, 0, 0, 2, 0}, 5, "sync:1.0.0.2");
    check_written((uint16_t[]){0, 0, 0, 65535}, 4, "sync:z3.65535");
}

static void check_read(const char *text, const uint16_t *expected, uint32_t expected_count)
{
    uint32_t count;
    size_t where;
    assert_null(token_read(text, choices, &count, &where));
    assert_int_equal(count, expected_count);
    assert_memory_equal(choices, expected, expected_count * sizeof *expected);
}

static void test_read(void **state)
{
    (void)state;
    check_read("sync:2.0.1", (uint16_t[]){2, 0, 1}, 3);
    check_read("2.0.1", (uint16_t[]){2, 0, 1}, 3);
    check_read("sync:z3.65535", (uint16_t[]){0, 0, 0, 65535}, 4);
    check_read("sync:0", (uint16_t[]){0}, 1);
}

/* Every list of up to five choices below three. */
static void test_round_trip(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 243; n++) {
        uint16_t list[5];
        for (uint32_t i = 0, rest = n; i < 5; i++, rest /= 3) list[i] = (uint16_t)(rest % 3);
        uint32_t length = 5, count;
        while (length > 0 && list[length - 1] == 0) length--;
        size_t where;
        char *token = token_write(list, 5);
        assert_null(token_read(token, choices, &count, &where));
        if (n > 0) assert_int_equal(count, length);
        assert_memory_equal(choices, list, count * sizeof *list);
        free(token);
    }
}

static void test_longest(void **state)
{
    (void)state;
    static uint16_t list[TOKEN_CHOICES_MAX];
    uint32_t count;
    size_t where;
    for (uint32_t i = 0; i < TOKEN_CHOICES_MAX; i++) list[i] = UINT16_MAX;
    char *token = token_write(list, TOKEN_CHOICES_MAX);
    assert_null(token_read(token, choices, &count, &where));
    assert_int_equal(count, TOKEN_CHOICES_MAX);
    assert_memory_equal(choices, list, sizeof list);
    free(token);
}

static void check_refused(const char *text, const char *expected_problem, size_t expected_where)
{
    uint32_t count;
    size_t where;
    const char *problem = token_read(text, choices, &count, &where);
    assert_non_null(problem);
    assert_string_equal(problem, expected_problem);
    assert_int_equal(where, expected_where);
}

static void test_refused(void **state)
{
    (void)state;
    const char *numbers = "a token is numbers separated by '.'";
    check_refused("", numbers, 0);
    check_refused("sync:", numbers, 5);
    check_refused("sync:1..2", numbers, 7);
    check_refused("sync:1.2x", numbers, 8);
    check_refused("sync:1.", numbers, 7);
    check_refused("-1", numbers, 0);
    check_refused("sync:1.65536", "an option's number is at most 65535", 7);
    check_refused("1.z0", "'z' is followed by how many zeros there are", 2);
    check_refused("1.z65536", "the token has too many choices", 2);
    check_refused("1.z99999999999999999999", "the token has too many choices", 2);
    check_refused("memory:1", "this token is of another level of instrumentation (memory) than "
                              "what is explored (sync)", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),   cmocka_unit_test(test_read),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_longest),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
