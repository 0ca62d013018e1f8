/* One-time initialisation. The controls are static, as the standard demands. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <sched.h>
#include <stddef.h>

enum { THREADS = 3 };

static pthread_once_t concurrent_once = PTHREAD_ONCE_INIT;
static uint32_t concurrent_calls;
static uint32_t concurrent_product;

/* It yields in the middle, so that another caller could see half of it. */
static void initialise_slowly(void)
{
    concurrent_calls++;
    CHECK_OK(sched_yield());
    concurrent_product = 42;
}

static void *call_and_look(void *argument)
{
    CHECK_OK(pthread_once(&concurrent_once, initialise_slowly));
    CHECK_EQ(concurrent_product, 42);
    CHECK_EQ(concurrent_calls, 1);
    return argument;
}

void posix_once_concurrent(void)
{
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        threads[i] = posix_start(call_and_look, NULL);
    call_and_look(NULL);
    for (size_t i = 0; i < THREADS; i++)
        posix_finish(threads[i]);
    CHECK_EQ(concurrent_calls, 1);
}

static pthread_once_t outer_once = PTHREAD_ONCE_INIT;
static pthread_once_t inner_once = PTHREAD_ONCE_INIT;
static uint32_t inner_calls;
static uint32_t outer_calls;

static void count_inner(void)
{
    inner_calls++;
}

static void count_outer(void)
{
    CHECK_OK(pthread_once(&inner_once, count_inner));
    outer_calls++;
}

void posix_once_nested(void)
{
    CHECK_OK(pthread_once(&outer_once, count_outer));
    CHECK_OK(pthread_once(&outer_once, count_outer));
    CHECK_OK(pthread_once(&inner_once, count_inner));
    CHECK_EQ(outer_calls, 1);
    CHECK_EQ(inner_calls, 1);
}

static pthread_once_t left_once = PTHREAD_ONCE_INIT;
static pthread_once_t right_once = PTHREAD_ONCE_INIT;
static uint32_t shared_calls;

static void count_shared(void)
{
    shared_calls++;
}

/* It is the control that counts, not the routine. */
void posix_once_per_control(void)
{
    CHECK_OK(pthread_once(&left_once, count_shared));
    CHECK_OK(pthread_once(&right_once, count_shared));
    CHECK_OK(pthread_once(&left_once, count_shared));
    CHECK_EQ(shared_calls, 2);
}

static pthread_once_t cancelled_once = PTHREAD_ONCE_INIT;
static uint32_t started_calls;
static uint32_t finished_calls;

static void initialise_or_die(void)
{
    started_calls++;
    pthread_testcancel();
    finished_calls++;
}

static void *cancel_self_in_once(void *argument)
{
    CHECK_OK(pthread_cancel(pthread_self()));
    CHECK_OK(pthread_once(&cancelled_once, initialise_or_die));
    CHECK(!"survived its cancellation");
    return argument;
}

/* A routine that was cancelled counts as never called. */
void posix_once_cancelled(void)
{
    CHECK(posix_finish(posix_start(cancel_self_in_once, NULL)) == PTHREAD_CANCELED);
    CHECK_EQ(started_calls, 1);
    CHECK_EQ(finished_calls, 0);
    CHECK_OK(pthread_once(&cancelled_once, initialise_or_die));
    CHECK_EQ(started_calls, 2);
    CHECK_EQ(finished_calls, 1);
}
