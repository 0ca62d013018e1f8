/* Clocks and sleeps. Only lower bounds are checked: a machine may always be late. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

enum { READINGS = 20, NO_SUCH_CLOCK = 1000, US_PER_S = 1000000, NS_PER_S = 1000000000 };

void posix_clock_never_goes_back(void)
{
    struct timespec before;

    CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &before));
    for (int i = 0; i < READINGS; i++) {
        struct timespec now;

        CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &now));
        CHECK(now.tv_nsec >= 0);
        CHECK(now.tv_nsec < NS_PER_S);
        CHECK(posix_passed(CLOCK_MONOTONIC, &before));
        before = now;
    }
}

static void sleep_relative(clockid_t clock)
{
    struct timespec span = posix_span(POSIX_SHORT_US);
    struct timespec before;
    struct timespec after;

    CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &before));
    CHECK_OK(clock_nanosleep(clock, 0, &span, NULL));
    CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &after));
    CHECK(posix_between_us(&before, &after) >= POSIX_SHORT_US);
}

void posix_clock_sleep_relative(void)
{
    sleep_relative(CLOCK_MONOTONIC);
    sleep_relative(CLOCK_REALTIME);
}

void posix_clock_nanosleep(void)
{
    struct timespec span = posix_span(POSIX_SHORT_US);
    struct timespec rest = {.tv_sec = 0};
    struct timespec deadline = posix_deadline(CLOCK_MONOTONIC, POSIX_SHORT_US);

    CHECK_OK(nanosleep(&span, &rest));
    CHECK(posix_passed(CLOCK_MONOTONIC, &deadline));
    deadline = posix_deadline(CLOCK_MONOTONIC, POSIX_SHORT_US);
    CHECK_OK(nanosleep(&span, NULL));
    CHECK(posix_passed(CLOCK_MONOTONIC, &deadline));
    span = posix_span(0);
    CHECK_OK(nanosleep(&span, NULL));
}

void posix_clock_short_sleeps(void)
{
    struct timespec deadline = posix_deadline(CLOCK_MONOTONIC, POSIX_SHORT_US);

    CHECK_OK(usleep(POSIX_SHORT_US));
    CHECK(posix_passed(CLOCK_MONOTONIC, &deadline));
    CHECK_OK(usleep(0));
    CHECK_EQ(sleep(0), 0);
}

void posix_clock_sleep_absolute(void)
{
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME};

    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct timespec deadline = posix_deadline(clocks[i], POSIX_SHORT_US);
        struct timespec past = posix_past(clocks[i]);

        CHECK_OK(clock_nanosleep(clocks[i], TIMER_ABSTIME, &deadline, NULL));
        CHECK(posix_passed(clocks[i], &deadline));
        /* In the past: returns, and at once, or the runner's own limit would strike. */
        CHECK_OK(clock_nanosleep(clocks[i], TIMER_ABSTIME, &past, NULL));
    }
}

/* clock_nanosleep returns the error; nanosleep sets errno. */
void posix_clock_sleep_malformed(void)
{
    struct timespec negative = {.tv_sec = 0, .tv_nsec = -1};
    struct timespec too_large = {.tv_sec = 0, .tv_nsec = NS_PER_S};
    struct timespec before_zero = {.tv_sec = -1, .tv_nsec = 0};

    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &negative, NULL), EINVAL);
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &too_large, NULL), EINVAL);
    CHECK_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &negative, NULL), EINVAL);
    errno = 0;
    CHECK_EQ(nanosleep(&negative, NULL), -1);
    CHECK_EQ(errno, EINVAL);
    errno = 0;
    CHECK_EQ(nanosleep(&too_large, NULL), -1);
    CHECK_EQ(errno, EINVAL);
    errno = 0;
    CHECK_EQ(nanosleep(&before_zero, NULL), -1);
    CHECK_EQ(errno, EINVAL);
}

void posix_clock_unknown(void)
{
    struct timespec now;

    errno = 0;
    CHECK_EQ(clock_gettime(NO_SUCH_CLOCK, &now), -1);
    CHECK_EQ(errno, EINVAL);
    errno = 0;
    CHECK_EQ(clock_getres(NO_SUCH_CLOCK, &now), -1);
    CHECK_EQ(errno, EINVAL);
}

void posix_clock_resolution(void)
{
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME};

    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct timespec resolution = {.tv_sec = -1};

        CHECK_OK(clock_getres(clocks[i], &resolution));
        CHECK_EQ(resolution.tv_sec, 0);
        CHECK(resolution.tv_nsec > 0);
        CHECK_OK(clock_getres(clocks[i], NULL));
    }
}

/* Every way to ask for the wall clock lies between two readings of it; time() may be read
 * from a coarser clock, which is behind by less than a second. */
void posix_clock_wall_readings_agree(void)
{
    struct timespec before;
    struct timespec after;
    struct timespec utc;
    struct timeval day;
    time_t stored = 0;
    time_t seconds;

    CHECK_OK(clock_gettime(CLOCK_REALTIME, &before));
    seconds = time(&stored);
    CHECK_OK(gettimeofday(&day, NULL));
    CHECK_EQ(timespec_get(&utc, TIME_UTC), TIME_UTC);
    CHECK_OK(clock_gettime(CLOCK_REALTIME, &after));
    CHECK_EQ(seconds, stored);
    CHECK(seconds + 1 >= before.tv_sec);
    CHECK(seconds <= after.tv_sec);
    CHECK(day.tv_usec >= 0);
    CHECK(day.tv_usec < US_PER_S);
    CHECK((int64_t)day.tv_sec * US_PER_S + day.tv_usec >=
          (int64_t)before.tv_sec * US_PER_S + before.tv_nsec / 1000);
    CHECK((int64_t)utc.tv_sec * NS_PER_S + utc.tv_nsec >=
          (int64_t)before.tv_sec * NS_PER_S + before.tv_nsec);
    CHECK((int64_t)utc.tv_sec * NS_PER_S + utc.tv_nsec <=
          (int64_t)after.tv_sec * NS_PER_S + after.tv_nsec);
}

void posix_clock_wall_advances_with_sleep(void)
{
    struct timespec span = posix_span(POSIX_SHORT_US);
    struct timespec deadline = posix_deadline(CLOCK_REALTIME, POSIX_SHORT_US);

    CHECK_OK(clock_nanosleep(CLOCK_REALTIME, 0, &span, NULL));
    CHECK(posix_passed(CLOCK_REALTIME, &deadline));
}

struct sleeper {
    struct timespec deadline;
    uint64_t after_us;
};

static void *sleep_until(void *argument)
{
    struct sleeper *sleeper = argument;

    sleeper->deadline = posix_deadline(CLOCK_MONOTONIC, sleeper->after_us);
    CHECK_OK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &sleeper->deadline, NULL));
    CHECK(posix_passed(CLOCK_MONOTONIC, &sleeper->deadline));
    return NULL;
}

/* Several sleep at once; time passes for all of them together. */
void posix_clock_sleepers_side_by_side(void)
{
    struct sleeper sleepers[3] = {{.after_us = 3000}, {.after_us = 1000}, {.after_us = 2000}};
    pthread_t threads[3];

    for (size_t i = 0; i < 3; i++)
        threads[i] = posix_start(sleep_until, &sleepers[i]);
    for (size_t i = 0; i < 3; i++)
        posix_finish(threads[i]);
    for (size_t i = 0; i < 3; i++)
        CHECK(posix_passed(CLOCK_MONOTONIC, &sleepers[i].deadline));
}
