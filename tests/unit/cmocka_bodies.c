/* Unit tests of cmocka, some of them explored; those named by a verb fail. */
#include <harness_cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

static int count;
static __thread int mine = 5;

static void *increment(void *limit)
{
    int now = count;
    sched_yield();
    count = now + 1;
    assert_int_equal(++mine, 6);
    if (limit) assert_true(count < *(int *)limit);
    return NULL;
}

static void start(int threads, void *limit)
{
    pthread_t ids[4];
    for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, increment, limit);
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
}

HARNESS_TEST(loses, .no_races = true)
{
    (void)state;
    start(2, NULL);
    assert_int_equal(count, 2);
}

HARNESS_TEST(exceeds)
{
    int limit = 1;
    (void)state;
    start(1, &limit);
}

HARNESS_TEST(alone, .runs = 100)
{
    assert_int_equal(*(int *)state, 9);
    assert_int_equal(count, 0);
    start(1, NULL);
    assert_int_equal(count, 1);
    *(int *)state = 0;
}

HARNESS_TEST(races)
{
    (void)state;
    start(2, NULL);
}

HARNESS_TEST(misses)
{
    (void)state;
    harness_sometimes(false, "a miracle");
}

static void plain(void **state)
{
    (void)state;
    assert_int_equal(count, 0);
    start(2, NULL);
    assert_int_equal(count, 2);
    count = 0;
}

static void fails(void **state)
{
    (void)state;
    assert_string_equal("one", "two");
}

static int set_up(void **state)
{
    int *value = malloc(sizeof *value);
    *value = 9;
    *state = value;
    return 0;
}

static int tear_down(void **state)
{
    int value = *(int *)*state;
    free(*state);
    return value == 9 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(loses),
        cmocka_unit_test(exceeds),
        cmocka_unit_test(fails),
        cmocka_unit_test_setup_teardown(alone, set_up, tear_down),
        cmocka_unit_test(races),
        cmocka_unit_test(misses),
        cmocka_unit_test(plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
