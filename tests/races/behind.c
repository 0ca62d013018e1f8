/* Data races with an access that is not the last one to its word. */
#include <sched.h>
#include <stdatomic.h>

#include "cases.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

_Alignas(8) struct {
    int first, second;
} fields;

/* Always the first access, which orders nothing. */
atomic_int first_written;

static void *write_first(void *argument)
{
    fields.first = 1;
    atomic_store_explicit(&first_written, 1, memory_order_relaxed);
    return argument;
}

static void wait_for_first(void)
{
    while (!atomic_load_explicit(&first_written, memory_order_relaxed)) sched_yield();
}

/* The last one is its own. */
static void *write_both(void *argument)
{
    wait_for_first();
    fields.second = 1;
    fields.first = 1;
    return argument;
}

static void run_own(void)
{
    run_both(write_first, write_both);
}

/* The last one is of an epoch that it knows. */
static void *write_both_apart(void *argument)
{
    wait_for_first();
    pthread_mutex_lock(&lock);
    fields.second = 1;
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&lock);
    fields.first = 1;
    pthread_mutex_unlock(&lock);
    return argument;
}

static void run_known(void)
{
    run_both(write_first, write_both_apart);
}

static const struct test_case cases[] = {
    {"own", run_own},
    {"known", run_known},
};

MAIN(cases)
