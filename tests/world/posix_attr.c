/* Thread attributes: defaults, round trips, refusals, and what a running thread reports. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stddef.h>

enum { STACK_BYTES = 1 << 20, GUARD_BYTES = 1 << 14, NO_SUCH = 77 };

void posix_attr_detachstate(void)
{
    pthread_attr_t attributes;
    int state = -1;

    CHECK_OK(pthread_attr_init(&attributes));
    CHECK_OK(pthread_attr_getdetachstate(&attributes, &state));
    CHECK_EQ(state, PTHREAD_CREATE_JOINABLE);
    CHECK_OK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
    CHECK_OK(pthread_attr_getdetachstate(&attributes, &state));
    CHECK_EQ(state, PTHREAD_CREATE_DETACHED);
    CHECK_EQ(pthread_attr_setdetachstate(&attributes, NO_SUCH), EINVAL);
    CHECK_OK(pthread_attr_getdetachstate(&attributes, &state));
    CHECK_EQ(state, PTHREAD_CREATE_DETACHED);
    CHECK_OK(pthread_attr_destroy(&attributes));
}

void posix_attr_sizes(void)
{
    pthread_attr_t attributes;
    size_t size = 0;

    CHECK_OK(pthread_attr_init(&attributes));
    CHECK_OK(pthread_attr_getstacksize(&attributes, &size));
    CHECK(size >= (size_t)PTHREAD_STACK_MIN);
    CHECK_OK(pthread_attr_setstacksize(&attributes, STACK_BYTES));
    CHECK_OK(pthread_attr_getstacksize(&attributes, &size));
    CHECK_EQ(size, STACK_BYTES);
    CHECK_EQ(pthread_attr_setstacksize(&attributes, 1), EINVAL);
    CHECK_OK(pthread_attr_getstacksize(&attributes, &size));
    CHECK_EQ(size, STACK_BYTES);
    CHECK_OK(pthread_attr_setguardsize(&attributes, GUARD_BYTES));
    CHECK_OK(pthread_attr_getguardsize(&attributes, &size));
    CHECK_EQ(size, GUARD_BYTES);
    CHECK_OK(pthread_attr_destroy(&attributes));
}

void posix_attr_scheduling(void)
{
    pthread_attr_t attributes;
    struct sched_param parameters = {.sched_priority = NO_SUCH};
    int value = -1;

    CHECK_OK(pthread_attr_init(&attributes));
    CHECK_OK(pthread_attr_getschedparam(&attributes, &parameters));
    CHECK_EQ(parameters.sched_priority, 0);
    CHECK_OK(pthread_attr_setschedparam(&attributes, &parameters));
    CHECK_OK(pthread_attr_setschedpolicy(&attributes, SCHED_OTHER));
    CHECK_OK(pthread_attr_getschedpolicy(&attributes, &value));
    CHECK_EQ(value, SCHED_OTHER);
    CHECK_EQ(pthread_attr_setschedpolicy(&attributes, NO_SUCH), EINVAL);
    CHECK_OK(pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED));
    CHECK_OK(pthread_attr_getinheritsched(&attributes, &value));
    CHECK_EQ(value, PTHREAD_EXPLICIT_SCHED);
    CHECK_OK(pthread_attr_setscope(&attributes, PTHREAD_SCOPE_SYSTEM));
    CHECK_OK(pthread_attr_getscope(&attributes, &value));
    CHECK_EQ(value, PTHREAD_SCOPE_SYSTEM);
    CHECK_OK(pthread_attr_destroy(&attributes));
}

static void *check_own_attributes(void *argument)
{
    const char *frame = __builtin_frame_address(0);
    pthread_attr_t attributes;
    void *lowest = NULL;
    size_t size = 0;
    int state = -1;

    CHECK_OK(pthread_getattr_np(pthread_self(), &attributes));
    CHECK_OK(pthread_attr_getdetachstate(&attributes, &state));
    CHECK_EQ(state, PTHREAD_CREATE_JOINABLE);
    CHECK_OK(pthread_attr_getstack(&attributes, &lowest, &size));
    CHECK((const char *)lowest <= frame);
    CHECK(frame < (const char *)lowest + size);
    CHECK_OK(pthread_attr_destroy(&attributes));
    return argument;
}

void posix_attr_of_running_thread(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    CHECK_OK(pthread_attr_init(&attributes));
    CHECK_OK(pthread_attr_setstacksize(&attributes, STACK_BYTES));
    CHECK_OK(pthread_create(&thread, &attributes, check_own_attributes, NULL));
    CHECK_OK(pthread_attr_destroy(&attributes));
    posix_finish(thread);
}

static void *use_much_stack(void *argument)
{
    volatile char bytes[STACK_BYTES / 4];

    for (size_t i = 0; i < sizeof bytes; i += 512)
        bytes[i] = (char)i;
    CHECK_EQ(bytes[512 * 5], (char)(512 * 5));
    return argument;
}

/* The size asked for is there to be used. */
void posix_attr_stack_is_usable(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    CHECK_OK(pthread_attr_init(&attributes));
    CHECK_OK(pthread_attr_setstacksize(&attributes, STACK_BYTES));
    CHECK_OK(pthread_create(&thread, &attributes, use_much_stack, NULL));
    CHECK_OK(pthread_attr_destroy(&attributes));
    posix_finish(thread);
}

void posix_attr_schedparam_of_thread(void)
{
    struct sched_param parameters = {.sched_priority = NO_SUCH};
    int policy = -1;

    CHECK_OK(pthread_getschedparam(pthread_self(), &policy, &parameters));
    CHECK_EQ(policy, SCHED_OTHER);
    CHECK_EQ(parameters.sched_priority, 0);
    CHECK_OK(pthread_setschedparam(pthread_self(), policy, &parameters));
}
