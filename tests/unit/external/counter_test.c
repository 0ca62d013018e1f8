#include <harness.h>
#include <pthread.h>
#include <stdio.h>

#include "counter.h"

static void *add(void *argument)
{
    counter_add();
    return argument;
}

static void two_threads(void *argument)
{
    pthread_t threads[2];
    (void)argument;
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, add, NULL);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    HARNESS_ASSERT(counter_value() == 2);
}

int main(void)
{
    struct harness_result result = harness_explore(NULL, two_threads, NULL);
    printf("%lu executions\n", (unsigned long)result.runs);
    return result.verdict != HARNESS_HELD;
}
