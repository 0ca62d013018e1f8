/* Timed waits on condition variables, by either clock. A spurious wakeup returns zero, so only
 * a loop can wait for the timeout. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

struct timed {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    clockid_t clock;
    bool open;
};

/* The mutex is error-checking, so that ownership can be asked for. */
static void timed_init(struct timed *timed, clockid_t clock)
{
    pthread_condattr_t attributes;
    pthread_mutexattr_t checking;

    *timed = (struct timed){.clock = clock};
    CHECK_OK(pthread_mutexattr_init(&checking));
    CHECK_OK(pthread_mutexattr_settype(&checking, PTHREAD_MUTEX_ERRORCHECK));
    CHECK_OK(pthread_mutex_init(&timed->mutex, &checking));
    CHECK_OK(pthread_mutexattr_destroy(&checking));
    CHECK_OK(pthread_condattr_init(&attributes));
    CHECK_OK(pthread_condattr_setclock(&attributes, clock));
    CHECK_OK(pthread_cond_init(&timed->cond, &attributes));
    CHECK_OK(pthread_condattr_destroy(&attributes));
}

static void timed_destroy(struct timed *timed)
{
    CHECK_OK(pthread_cond_destroy(&timed->cond));
    CHECK_OK(pthread_mutex_destroy(&timed->mutex));
}

static void wait_for_timeout(clockid_t clock)
{
    struct timed timed;
    struct timespec deadline;
    int rc = 0;

    timed_init(&timed, clock);
    CHECK_OK(pthread_mutex_lock(&timed.mutex));
    deadline = posix_deadline(clock, POSIX_SHORT_US);
    while (rc == 0)
        rc = pthread_cond_timedwait(&timed.cond, &timed.mutex, &deadline);
    CHECK_EQ(rc, ETIMEDOUT);
    CHECK(posix_passed(clock, &deadline));
    CHECK_EQ(pthread_mutex_lock(&timed.mutex), EDEADLK);
    CHECK_OK(pthread_mutex_unlock(&timed.mutex));
    timed_destroy(&timed);
}

void posix_cond_timed_out_realtime(void)
{
    wait_for_timeout(CLOCK_REALTIME);
}

void posix_cond_timed_out_monotonic(void)
{
    wait_for_timeout(CLOCK_MONOTONIC);
}

/* A deadline that has already passed is an error, not a wait; the mutex is held as before. */
static void wait_with_past_deadline(clockid_t clock)
{
    struct timed timed;
    struct timespec past = posix_past(clock);

    timed_init(&timed, clock);
    CHECK_OK(pthread_mutex_lock(&timed.mutex));
    CHECK_EQ(pthread_cond_timedwait(&timed.cond, &timed.mutex, &past), ETIMEDOUT);
    CHECK_EQ(pthread_mutex_lock(&timed.mutex), EDEADLK);
    CHECK_OK(pthread_mutex_unlock(&timed.mutex));
    timed_destroy(&timed);
}

void posix_cond_timed_past(void)
{
    wait_with_past_deadline(CLOCK_REALTIME);
    wait_with_past_deadline(CLOCK_MONOTONIC);
}

void posix_cond_timed_malformed(void)
{
    struct timed timed;
    struct timespec deadline = posix_malformed(CLOCK_REALTIME);

    timed_init(&timed, CLOCK_REALTIME);
    CHECK_OK(pthread_mutex_lock(&timed.mutex));
    CHECK_EQ(pthread_cond_timedwait(&timed.cond, &timed.mutex, &deadline), EINVAL);
    deadline.tv_nsec = -1;
    CHECK_EQ(pthread_cond_timedwait(&timed.cond, &timed.mutex, &deadline), EINVAL);
    CHECK_EQ(pthread_mutex_lock(&timed.mutex), EDEADLK);
    CHECK_OK(pthread_mutex_unlock(&timed.mutex));
    timed_destroy(&timed);
}

static void *open_it(void *argument)
{
    struct timed *timed = argument;

    CHECK_OK(pthread_mutex_lock(&timed->mutex));
    timed->open = true;
    CHECK_OK(pthread_cond_signal(&timed->cond));
    CHECK_OK(pthread_mutex_unlock(&timed->mutex));
    return NULL;
}

static void wait_for_signal(clockid_t clock)
{
    struct timed timed;
    struct timespec far = posix_deadline(clock, POSIX_FAR_US);
    pthread_t thread;

    timed_init(&timed, clock);
    CHECK_OK(pthread_mutex_lock(&timed.mutex));
    thread = posix_start(open_it, &timed);
    while (!timed.open)
        CHECK_OK(pthread_cond_timedwait(&timed.cond, &timed.mutex, &far));
    CHECK_OK(pthread_mutex_unlock(&timed.mutex));
    posix_finish(thread);
    timed_destroy(&timed);
}

void posix_cond_timed_signalled(void)
{
    wait_for_signal(CLOCK_REALTIME);
    wait_for_signal(CLOCK_MONOTONIC);
}

/* The wait's own clock counts, not the one that the object was made with. */
static void clockwait_against(clockid_t made_with, clockid_t waited_with)
{
    struct timed timed;
    struct timespec deadline;
    struct timespec past = posix_past(waited_with);
    int rc = 0;

    timed_init(&timed, made_with);
    CHECK_OK(pthread_mutex_lock(&timed.mutex));
    CHECK_EQ(pthread_cond_clockwait(&timed.cond, &timed.mutex, waited_with, &past), ETIMEDOUT);
    deadline = posix_deadline(waited_with, POSIX_SHORT_US);
    while (rc == 0)
        rc = pthread_cond_clockwait(&timed.cond, &timed.mutex, waited_with, &deadline);
    CHECK_EQ(rc, ETIMEDOUT);
    CHECK(posix_passed(waited_with, &deadline));
    CHECK_EQ(pthread_mutex_lock(&timed.mutex), EDEADLK);
    CHECK_OK(pthread_mutex_unlock(&timed.mutex));
    timed_destroy(&timed);
}

void posix_cond_timed_by_clock(void)
{
    clockwait_against(CLOCK_REALTIME, CLOCK_MONOTONIC);
    clockwait_against(CLOCK_MONOTONIC, CLOCK_REALTIME);
    clockwait_against(CLOCK_MONOTONIC, CLOCK_MONOTONIC);
}

void posix_cond_timed_by_clock_signalled(void)
{
    struct timed timed;
    struct timespec far = posix_deadline(CLOCK_MONOTONIC, POSIX_FAR_US);
    pthread_t thread;

    timed_init(&timed, CLOCK_REALTIME);
    CHECK_OK(pthread_mutex_lock(&timed.mutex));
    thread = posix_start(open_it, &timed);
    while (!timed.open)
        CHECK_OK(pthread_cond_clockwait(&timed.cond, &timed.mutex, CLOCK_MONOTONIC, &far));
    CHECK_OK(pthread_mutex_unlock(&timed.mutex));
    posix_finish(thread);
    timed_destroy(&timed);
}

void posix_cond_timed_by_clock_refused(void)
{
    struct timed timed;
    struct timespec far = posix_deadline(CLOCK_REALTIME, POSIX_FAR_US);
    struct timespec malformed = posix_malformed(CLOCK_MONOTONIC);

    timed_init(&timed, CLOCK_REALTIME);
    CHECK_OK(pthread_mutex_lock(&timed.mutex));
    CHECK_EQ(pthread_cond_clockwait(&timed.cond, &timed.mutex, CLOCK_PROCESS_CPUTIME_ID, &far),
             EINVAL);
    CHECK_EQ(pthread_cond_clockwait(&timed.cond, &timed.mutex, CLOCK_MONOTONIC, &malformed),
             EINVAL);
    CHECK_EQ(pthread_mutex_lock(&timed.mutex), EDEADLK);
    CHECK_OK(pthread_mutex_unlock(&timed.mutex));
    timed_destroy(&timed);
}

static void *wait_a_little(void *argument)
{
    struct timed *timed = argument;
    struct timespec deadline = posix_deadline(timed->clock, POSIX_SHORT_US);
    int rc = 0;

    CHECK_OK(pthread_mutex_lock(&timed->mutex));
    while (!timed->open && rc == 0)
        rc = pthread_cond_timedwait(&timed->cond, &timed->mutex, &deadline);
    CHECK(timed->open || rc == ETIMEDOUT);
    CHECK(rc == 0 || rc == ETIMEDOUT);
    CHECK_OK(pthread_mutex_unlock(&timed->mutex));
    return NULL;
}

/* Signal and deadline race; whichever wins, the waiter owns the mutex and nothing is stuck. */
void posix_cond_timed_race(void)
{
    struct timed timed;
    pthread_t threads[2];

    timed_init(&timed, CLOCK_MONOTONIC);
    threads[0] = posix_start(wait_a_little, &timed);
    threads[1] = posix_start(open_it, &timed);
    posix_finish(threads[0]);
    posix_finish(threads[1]);
    CHECK(timed.open);
    timed_destroy(&timed);
}
