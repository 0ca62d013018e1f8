/* Threads: creation, values, exit, identity, joining and detaching. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

enum { THREADS = 4 };

static void *return_next(void *argument)
{
    return (char *)argument + 1;
}

void posix_threads_create_join_value(void)
{
    char cells[2];

    CHECK(posix_finish(posix_start(return_next, cells)) == cells + 1);
}

void posix_threads_join_without_value(void)
{
    char cell;

    CHECK_OK(pthread_join(posix_start(return_next, &cell), NULL));
}

static void leave(void *value)
{
    pthread_exit(value);
}

static void *exit_nested(void *argument)
{
    leave(argument);
    CHECK(!"pthread_exit returned");
    return NULL;
}

void posix_threads_exit_value(void)
{
    int cell;

    CHECK(posix_finish(posix_start(exit_nested, &cell)) == &cell);
}

static void *raise_and_return(void *argument)
{
    posix_gate_raise(argument);
    return argument;
}

/* The thread is at its end, or past it; its value must be kept for the joiner. */
void posix_threads_join_after_exit(void)
{
    struct posix_gate gate;
    pthread_t thread;

    posix_gate_init(&gate);
    thread = posix_start(raise_and_return, &gate);
    posix_gate_wait(&gate, 1);
    for (int round = 0; round < 3; round++)
        CHECK_OK(sched_yield());
    CHECK(posix_finish(thread) == &gate);
    posix_gate_destroy(&gate);
}

struct slot {
    uint32_t written;
};

static void *write_slot(void *argument)
{
    struct slot *slot = argument;

    slot->written++;
    return slot;
}

/* What a thread wrote is seen by the one that joined it, without any other synchronisation. */
void posix_threads_many_joined_in_reverse(void)
{
    struct slot slots[THREADS] = {{0}};
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        threads[i] = posix_start(write_slot, &slots[i]);
    for (size_t i = THREADS; i-- > 0;) {
        CHECK(posix_finish(threads[i]) == &slots[i]);
        CHECK_EQ(slots[i].written, 1);
    }
}

static void *store_self(void *argument)
{
    *(pthread_t *)argument = pthread_self();
    return NULL;
}

void posix_threads_self_and_equal(void)
{
    pthread_t seen[2];
    pthread_t first = posix_start(store_self, &seen[0]);
    pthread_t second = posix_start(store_self, &seen[1]);

    /* Both are unjoined, so their identities are alive and differ. */
    CHECK(!pthread_equal(first, second));
    CHECK(!pthread_equal(first, pthread_self()));
    CHECK(pthread_equal(pthread_self(), pthread_self()));
    posix_finish(first);
    posix_finish(second);
    CHECK(pthread_equal(seen[0], first));
    CHECK(pthread_equal(seen[1], second));
}

static void *start_another(void *argument)
{
    pthread_t *inner = argument;

    *inner = posix_start(return_next, argument);
    return NULL;
}

/* Any thread may join a thread, not only its creator, which may be gone. */
void posix_threads_join_by_another(void)
{
    pthread_t inner;

    posix_finish(posix_start(start_another, &inner));
    CHECK(posix_finish(inner) == (char *)&inner + 1);
}

static void *join_it(void *argument)
{
    return posix_finish(*(pthread_t *)argument);
}

void posix_threads_join_chain(void)
{
    char cell;
    pthread_t first = posix_start(return_next, &cell);
    pthread_t second = posix_start(join_it, &first);

    CHECK(posix_finish(second) == &cell + 1);
}

void posix_threads_detach_from_outside(void)
{
    struct posix_gate gate;

    posix_gate_init(&gate);
    CHECK_OK(pthread_detach(posix_start(raise_and_return, &gate)));
    posix_gate_wait(&gate, 1);
    posix_gate_destroy(&gate);
}

static void *detach_self(void *argument)
{
    CHECK_OK(pthread_detach(pthread_self()));
    posix_gate_raise(argument);
    return NULL;
}

void posix_threads_detach_self(void)
{
    struct posix_gate gate;

    posix_gate_init(&gate);
    posix_start(detach_self, &gate);
    posix_gate_wait(&gate, 1);
    posix_gate_destroy(&gate);
}

void posix_threads_created_detached(void)
{
    struct posix_gate gate;
    pthread_attr_t attributes;
    pthread_t thread;

    posix_gate_init(&gate);
    CHECK_OK(pthread_attr_init(&attributes));
    CHECK_OK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
    CHECK_OK(pthread_create(&thread, &attributes, raise_and_return, &gate));
    CHECK_OK(pthread_attr_destroy(&attributes));
    posix_gate_wait(&gate, 1);
    posix_gate_destroy(&gate);
}

struct held {
    struct posix_gate gate;
    char cell;
};

static void *wait_for_gate(void *argument)
{
    struct held *held = argument;

    posix_gate_wait(&held->gate, 1);
    return &held->cell;
}

/* The three waits below fail while the thread runs, leave it joinable, and do not touch value. */
void posix_threads_tryjoin(void)
{
    struct held held;
    pthread_t thread;
    void *value = &value;

    posix_gate_init(&held.gate);
    thread = posix_start(wait_for_gate, &held);
    CHECK_EQ(pthread_tryjoin_np(thread, &value), EBUSY);
    CHECK(value == &value);
    posix_gate_raise(&held.gate);
    CHECK(posix_finish(thread) == &held.cell);
    posix_gate_destroy(&held.gate);
}

void posix_threads_timedjoin(void)
{
    struct held held;
    pthread_t thread;
    void *value = NULL;
    struct timespec deadline = posix_deadline(CLOCK_REALTIME, POSIX_SHORT_US);
    struct timespec far = posix_deadline(CLOCK_REALTIME, POSIX_FAR_US);

    posix_gate_init(&held.gate);
    thread = posix_start(wait_for_gate, &held);
    CHECK_EQ(pthread_timedjoin_np(thread, &value, &deadline), ETIMEDOUT);
    CHECK(posix_passed(CLOCK_REALTIME, &deadline));
    posix_gate_raise(&held.gate);
    CHECK_OK(pthread_timedjoin_np(thread, &value, &far));
    CHECK(value == &held.cell);
    posix_gate_destroy(&held.gate);
}

void posix_threads_clockjoin(void)
{
    struct held held;
    pthread_t thread;
    void *value = NULL;
    struct timespec deadline = posix_deadline(CLOCK_MONOTONIC, POSIX_SHORT_US);
    struct timespec far = posix_deadline(CLOCK_MONOTONIC, POSIX_FAR_US);

    posix_gate_init(&held.gate);
    thread = posix_start(wait_for_gate, &held);
    CHECK_EQ(pthread_clockjoin_np(thread, &value, CLOCK_MONOTONIC, &deadline), ETIMEDOUT);
    CHECK(posix_passed(CLOCK_MONOTONIC, &deadline));
    posix_gate_raise(&held.gate);
    CHECK_OK(pthread_clockjoin_np(thread, &value, CLOCK_MONOTONIC, &far));
    CHECK(value == &held.cell);
    posix_gate_destroy(&held.gate);
}

void posix_threads_yield(void)
{
    char cell;
    pthread_t thread = posix_start(return_next, &cell);

    CHECK_OK(sched_yield());
    CHECK(posix_finish(thread) == &cell + 1);
    CHECK_OK(sched_yield());
}
