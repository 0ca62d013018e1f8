/* C11 threads: life, values, thread-specific storage, one-time calls, sleeping. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <stddef.h>
#include <threads.h>

enum { THREADS = 3 };

static int return_seven(void *argument)
{
    (void)argument;
    return 7;
}

static int exit_with_eight(void *argument)
{
    (void)argument;
    thrd_exit(8);
}

void posix_c11_thread_values(void)
{
    thrd_t thread;
    int value = -1;

    CHECK_EQ(thrd_create(&thread, return_seven, NULL), thrd_success);
    CHECK_EQ(thrd_join(thread, &value), thrd_success);
    CHECK_EQ(value, 7);
    CHECK_EQ(thrd_create(&thread, exit_with_eight, NULL), thrd_success);
    CHECK_EQ(thrd_join(thread, &value), thrd_success);
    CHECK_EQ(value, 8);
    CHECK_EQ(thrd_create(&thread, return_seven, NULL), thrd_success);
    CHECK_EQ(thrd_join(thread, NULL), thrd_success);
}

static int store_self(void *argument)
{
    *(thrd_t *)argument = thrd_current();
    return 0;
}

void posix_c11_thread_identity(void)
{
    thrd_t seen[2];
    thrd_t threads[2];

    CHECK_EQ(thrd_create(&threads[0], store_self, &seen[0]), thrd_success);
    CHECK_EQ(thrd_create(&threads[1], store_self, &seen[1]), thrd_success);
    CHECK(!thrd_equal(threads[0], threads[1]));
    CHECK(thrd_equal(thrd_current(), thrd_current()));
    CHECK_EQ(thrd_join(threads[0], NULL), thrd_success);
    CHECK_EQ(thrd_join(threads[1], NULL), thrd_success);
    CHECK(thrd_equal(seen[0], threads[0]));
    CHECK(thrd_equal(seen[1], threads[1]));
}

static int raise_gate(void *argument)
{
    posix_gate_raise(argument);
    return 0;
}

void posix_c11_thread_detach(void)
{
    struct posix_gate gate;
    thrd_t thread;

    posix_gate_init(&gate);
    CHECK_EQ(thrd_create(&thread, raise_gate, &gate), thrd_success);
    CHECK_EQ(thrd_detach(thread), thrd_success);
    posix_gate_wait(&gate, 1);
    posix_gate_destroy(&gate);
}

void posix_c11_thread_sleep(void)
{
    struct timespec span = posix_span(POSIX_SHORT_US);
    struct timespec deadline = posix_deadline(CLOCK_MONOTONIC, POSIX_SHORT_US);

    CHECK_EQ(thrd_sleep(&span, NULL), 0);
    CHECK(posix_passed(CLOCK_MONOTONIC, &deadline));
    thrd_yield();
    span.tv_nsec = -1;
    /* Minus one is kept for an interruption by a signal. */
    CHECK(thrd_sleep(&span, NULL) < -1);
}

static once_flag flag = ONCE_FLAG_INIT;
static uint32_t calls;

static void count_call(void)
{
    calls++;
    thrd_yield();
}

static int call_it(void *argument)
{
    (void)argument;
    call_once(&flag, count_call);
    CHECK_EQ(calls, 1);
    return 0;
}

void posix_c11_call_once(void)
{
    thrd_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        CHECK_EQ(thrd_create(&threads[i], call_it, NULL), thrd_success);
    call_it(NULL);
    for (size_t i = 0; i < THREADS; i++)
        CHECK_EQ(thrd_join(threads[i], NULL), thrd_success);
    CHECK_EQ(calls, 1);
}

struct stored {
    tss_t key;
    uint32_t destroyed;
};

static void count_destroyed(void *value)
{
    struct stored *stored = value;

    stored->destroyed++;
    if (stored->destroyed < TSS_DTOR_ITERATIONS)
        CHECK_EQ(tss_set(stored->key, stored), thrd_success);
}

static int set_value(void *argument)
{
    struct stored *stored = argument;

    CHECK(tss_get(stored->key) == NULL);
    CHECK_EQ(tss_set(stored->key, stored), thrd_success);
    CHECK(tss_get(stored->key) == stored);
    return 0;
}

static int set_and_clear(void *argument)
{
    struct stored *stored = argument;

    set_value(stored);
    CHECK_EQ(tss_set(stored->key, NULL), thrd_success);
    return 0;
}

void posix_c11_tss(void)
{
    struct stored stored = {.destroyed = 0};
    thrd_t thread;

    CHECK_EQ(tss_create(&stored.key, count_destroyed), thrd_success);
    CHECK_EQ(thrd_create(&thread, set_and_clear, &stored), thrd_success);
    CHECK_EQ(thrd_join(thread, NULL), thrd_success);
    CHECK_EQ(stored.destroyed, 0);
    CHECK_EQ(thrd_create(&thread, set_value, &stored), thrd_success);
    CHECK_EQ(thrd_join(thread, NULL), thrd_success);
    CHECK_EQ(stored.destroyed, TSS_DTOR_ITERATIONS);
    CHECK(tss_get(stored.key) == NULL);
    tss_delete(stored.key);
}
