/* eventfd and timerfd. */
#include "posix_list.h"
#include "posix_net.h"
#include "posix_support.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

void posix_counters_eventfd(void)
{
    int events = eventfd(3, EFD_NONBLOCK);
    eventfd_t value = 0;

    CHECK(events >= 0);
    CHECK_OK(eventfd_write(events, 4));
    CHECK_OK(eventfd_read(events, &value));
    CHECK_EQ(value, 7);
    CHECK_ERROR(eventfd_read(events, &value), EAGAIN);
    CHECK_OK(eventfd_write(events, UINT64_MAX - 1));
    CHECK_ERROR(eventfd_write(events, 1), EAGAIN);
    CHECK_ERROR(write(events, &value, 4), EINVAL);
    value = UINT64_MAX;
    CHECK_ERROR(write(events, &value, 8), EINVAL);
    CHECK_ERROR(read(events, &value, 4), EINVAL);
    CHECK_OK(close(events));
}

void posix_counters_eventfd_semaphore(void)
{
    int events = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
    eventfd_t value = 0;

    for (int i = 0; i < 2; i++) {
        CHECK_OK(eventfd_read(events, &value));
        CHECK_EQ(value, 1);
    }
    CHECK_ERROR(eventfd_read(events, &value), EAGAIN);
    CHECK_OK(close(events));
}

static void *wait_for_event(void *events)
{
    eventfd_t value = 0;

    CHECK_OK(eventfd_read(*(int *)events, &value));
    CHECK_EQ(value, 5);
    return NULL;
}

void posix_counters_eventfd_waits(void)
{
    int events = eventfd(0, 0);
    pthread_t thread = posix_start(wait_for_event, &events);

    CHECK_OK(eventfd_write(events, 5));
    posix_finish(thread);
    CHECK_OK(close(events));
}

void posix_counters_timerfd(void)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec once = {.it_value = posix_span(POSIX_SHORT_US)}, left;
    struct pollfd file = {.fd = timer, .events = POLLIN};
    uint64_t times = 0;

    CHECK(timer >= 0);
    CHECK_ERROR(read(timer, &times, sizeof times), EAGAIN);
    CHECK_OK(timerfd_settime(timer, 0, &once, NULL));
    CHECK_EQ(poll(&file, 1, -1), 1);
    CHECK_EQ(read(timer, &times, sizeof times), 8);
    CHECK_EQ(times, 1);
    CHECK_ERROR(read(timer, &times, sizeof times), EAGAIN);
    CHECK_OK(timerfd_gettime(timer, &left));
    CHECK_EQ(left.it_value.tv_sec + left.it_value.tv_nsec, 0);
    once.it_value.tv_nsec = 1000000000;
    CHECK_ERROR(timerfd_settime(timer, 0, &once, NULL), EINVAL);
    CHECK_OK(close(timer));
}

void posix_counters_timerfd_interval(void)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    struct timespec span = posix_span(POSIX_SHORT_US), pause = posix_span(4 * POSIX_SHORT_US);
    struct itimerspec often = {.it_value = span, .it_interval = span}, never = {.it_value = {0}};
    uint64_t times = 0;

    CHECK_OK(timerfd_settime(timer, 0, &often, NULL));
    nanosleep(&pause, NULL);
    CHECK_EQ(read(timer, &times, sizeof times), 8);
    CHECK(times >= 3);
    CHECK_EQ(read(timer, &times, sizeof times), 8);
    CHECK(times >= 1);
    CHECK_OK(timerfd_settime(timer, 0, &never, &often));
    CHECK_EQ(often.it_interval.tv_nsec, POSIX_SHORT_US * 1000);
    CHECK_OK(close(timer));
}
