#include <harness_cmocka.h>
#include <pthread.h>

#include "counter.h"

static void *add(void *argument)
{
    counter_add();
    return argument;
}

HARNESS_TEST(adds_twice)
{
    pthread_t thread;
    (void)state;
    pthread_create(&thread, NULL, add, NULL);
    counter_add();
    pthread_join(thread, NULL);
    assert_int_equal(counter_value(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(adds_twice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
