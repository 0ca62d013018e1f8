/* Variables of a thread that are used when it has ended, or may have. */
#include <semaphore.h>
#include <stdlib.h>

#include "cases.h"

static sem_t lent;
static volatile int *volatile kept;

static void *return_own(void *argument)
{
    volatile int own = argument ? 1 : 2;
    kept = &own;
    return (void *)kept;
}

static void run_ended(void)
{
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, return_own, NULL);
    pthread_join(thread, &result);
    exit(*(volatile int *)result == 2 ? 0 : 3);
}

static void *lend_own(void *argument)
{
    volatile int own = 1;
    kept = &own;
    sem_post(&lent);
    return argument;
}

static void *use_lent(void *argument)
{
    sem_wait(&lent);
    return *kept == 1 ? argument : NULL;
}

static void run_ends(void)
{
    sem_init(&lent, 0, 0);
    run_both(lend_own, use_lent);
}

static const struct test_case cases[] = {
    {"ended", run_ended},
    {"ends", run_ends},
};

MAIN(cases)
