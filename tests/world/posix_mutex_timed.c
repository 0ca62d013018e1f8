/* Timed locking of mutexes. A lock that is free is taken whatever the deadline says. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <stddef.h>

/* A clock that no mutex can be timed by. */
static const clockid_t wrong_clock = CLOCK_PROCESS_CPUTIME_ID;

static void *expect_timeout(void *mutex)
{
    struct timespec deadline = posix_deadline(CLOCK_REALTIME, POSIX_SHORT_US);

    CHECK_EQ(pthread_mutex_timedlock(mutex, &deadline), ETIMEDOUT);
    CHECK(posix_passed(CLOCK_REALTIME, &deadline));
    return NULL;
}

void posix_mutex_timed_out(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    CHECK_OK(pthread_mutex_lock(&mutex));
    posix_finish(posix_start(expect_timeout, &mutex));
    CHECK_OK(pthread_mutex_unlock(&mutex));
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

static void *expect_timeout_at_once(void *mutex)
{
    struct timespec past = posix_past(CLOCK_REALTIME);

    CHECK_EQ(pthread_mutex_timedlock(mutex, &past), ETIMEDOUT);
    return NULL;
}

void posix_mutex_timed_past(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct timespec past = posix_past(CLOCK_REALTIME);

    CHECK_OK(pthread_mutex_timedlock(&mutex, &past));
    posix_finish(posix_start(expect_timeout_at_once, &mutex));
    CHECK_OK(pthread_mutex_unlock(&mutex));
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

static void *expect_malformed(void *mutex)
{
    struct timespec deadline = posix_malformed(CLOCK_REALTIME);

    CHECK_EQ(pthread_mutex_timedlock(mutex, &deadline), EINVAL);
    deadline.tv_nsec = -1;
    CHECK_EQ(pthread_mutex_timedlock(mutex, &deadline), EINVAL);
    return NULL;
}

/* Only judged where the lock is taken: a free one need not look at the deadline. */
void posix_mutex_timed_malformed(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    CHECK_OK(pthread_mutex_lock(&mutex));
    posix_finish(posix_start(expect_malformed, &mutex));
    CHECK_OK(pthread_mutex_unlock(&mutex));
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

struct timed {
    pthread_mutex_t mutex;
    struct posix_gate gate;
    uint32_t entered;
};

static void *lock_patiently(void *argument)
{
    struct timed *timed = argument;
    struct timespec far = posix_deadline(CLOCK_REALTIME, POSIX_FAR_US);

    posix_gate_raise(&timed->gate);
    CHECK_OK(pthread_mutex_timedlock(&timed->mutex, &far));
    timed->entered++;
    CHECK_OK(pthread_mutex_unlock(&timed->mutex));
    return NULL;
}

/* Whether it arrives before or after the unlock, the patient thread gets the lock. */
void posix_mutex_timed_gets_released_lock(void)
{
    struct timed timed = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;

    posix_gate_init(&timed.gate);
    CHECK_OK(pthread_mutex_lock(&timed.mutex));
    thread = posix_start(lock_patiently, &timed);
    posix_gate_wait(&timed.gate, 1);
    CHECK_EQ(timed.entered, 0);
    CHECK_OK(pthread_mutex_unlock(&timed.mutex));
    posix_finish(thread);
    CHECK_EQ(timed.entered, 1);
    CHECK_OK(pthread_mutex_destroy(&timed.mutex));
    posix_gate_destroy(&timed.gate);
}

static void *expect_timeout_by_clock(void *mutex)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};

    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct timespec deadline = posix_deadline(clocks[i], POSIX_SHORT_US);
        struct timespec past = posix_past(clocks[i]);
        struct timespec malformed = posix_malformed(clocks[i]);

        CHECK_EQ(pthread_mutex_clocklock(mutex, clocks[i], &deadline), ETIMEDOUT);
        CHECK(posix_passed(clocks[i], &deadline));
        CHECK_EQ(pthread_mutex_clocklock(mutex, clocks[i], &past), ETIMEDOUT);
        CHECK_EQ(pthread_mutex_clocklock(mutex, clocks[i], &malformed), EINVAL);
    }
    return NULL;
}

void posix_mutex_timed_by_clock(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct timespec past = posix_past(CLOCK_MONOTONIC);

    CHECK_OK(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &past));
    posix_finish(posix_start(expect_timeout_by_clock, &mutex));
    CHECK_OK(pthread_mutex_unlock(&mutex));
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

void posix_mutex_timed_wrong_clock(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct timespec far = posix_deadline(CLOCK_REALTIME, POSIX_FAR_US);

    CHECK_EQ(pthread_mutex_clocklock(&mutex, wrong_clock, &far), EINVAL);
    CHECK_OK(pthread_mutex_trylock(&mutex));
    CHECK_OK(pthread_mutex_unlock(&mutex));
    CHECK_OK(pthread_mutex_destroy(&mutex));
}
