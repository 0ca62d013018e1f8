/* Clocks and sleeping. Monotonic time is the virtual time since the start of the execution,
 * plus one second so that no program meets a zero; the wall clock can jump, it cannot. */
#include "livelock.h"
#include "spin.h"

#include <sched.h>
#include <sys/time.h>
#include <unistd.h>

#define BOOT_NS SECOND_NS

uint64_t clock_read(clockid_t clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        return WORLD_WALL_START_NS + W.now_ns + (uint64_t)W.wall_offset_ns;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        return BOOT_NS + W.now_ns;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        return W.now_ns; /* computing takes no time here */
    default:
        return WORLD_NEVER;
    }
}

void world_looked_outside(void)
{
    W.outside++;
}

/* By the program itself. */
static uint64_t look_at(clockid_t clock)
{
    world_looked_outside();
    W.clock_looks++;
    return clock_read(clock);
}

bool clock_can_wait(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

bool clock_deadline(clockid_t clock, const struct timespec *at, uint64_t *deadline_ns)
{
    if (at->tv_nsec < 0 || at->tv_nsec >= (long)SECOND_NS) return false;
    uint64_t now_ns = clock_read(clock);
    if (now_ns == WORLD_NEVER) return false;
    if (at->tv_sec < 0) {
        *deadline_ns = W.now_ns;
        return true;
    }
    uint64_t seconds = (uint64_t)at->tv_sec;
    if (seconds > UINT64_MAX / SECOND_NS / 2) seconds = UINT64_MAX / SECOND_NS / 2;
    uint64_t at_ns = seconds * SECOND_NS + (uint64_t)at->tv_nsec;
    *deadline_ns = at_ns <= now_ns ? W.now_ns : W.now_ns + (at_ns - now_ns);
    return true;
}

static void write_time(uint64_t ns, struct timespec *out)
{
    out->tv_sec = (time_t)(ns / SECOND_NS);
    out->tv_nsec = (long)(ns % SECOND_NS);
}

int world_clock_gettime(clockid_t clock, struct timespec *out)
{
    uint64_t ns = look_at(clock);
    if (ns == WORLD_NEVER) {
        errno = EINVAL;
        return -1;
    }
    write_time(ns, out);
    return 0;
}

int world_clock_getres(clockid_t clock, struct timespec *out)
{
    if (clock_read(clock) == WORLD_NEVER) {
        errno = EINVAL;
        return -1;
    }
    if (out) write_time(1, out);
    return 0;
}

int world_gettimeofday(struct timeval *out, void *zone)
{
    (void)zone;
    uint64_t us = look_at(CLOCK_REALTIME) / 1000;
    out->tv_sec = (time_t)(us / 1000000);
    out->tv_usec = (suseconds_t)(us % 1000000);
    return 0;
}

time_t world_time(time_t *out)
{
    time_t seconds = (time_t)(look_at(CLOCK_REALTIME) / SECOND_NS);
    if (out) *out = seconds;
    return seconds;
}

int world_timespec_get(struct timespec *out, int base)
{
    if (base != TIME_UTC) return 0;
    write_time(look_at(CLOCK_REALTIME), out);
    return base;
}

int world_pthread_getcpuclockid(pthread_t thread, clockid_t *clock)
{
    bool detached;
    if (!thread_exists(thread, &detached)) return ESRCH;
    *clock = CLOCK_THREAD_CPUTIME_ID;
    return 0;
}

/* A sleep ends at its deadline, by cancellation, or by a signal: false. */
static bool sleep_until(uint64_t when_ns, uintptr_t pc)
{
    thread_test_cancel();
    if (when_ns <= W.now_ns) {
        sched_point(NULL, WORLD_NONE);
        return true;
    }
    struct entity *self = W.self;
    self->wait = WAIT_SLEEP;
    self->reason = WOKEN;
    entity_disable(self);
    timer_add(self, TIMER_WAKE, when_ns);
    sched_pass();
    timer_remove(self, TIMER_WAKE);
    self->wait = WAIT_NONE;
    bool interrupted = self->reason == WOKEN_SIGNAL;
    step_record(WORLD_OP_SLEEP, 0, WORLD_NONE, interrupted ? EINTR : 0);
    if (UNLIKELY(W.probing)) livelock_look(WORLD_OP_SLEEP, 0, pc);
    thread_test_cancel();
    return !interrupted;
}

static uint64_t left_until(uint64_t when_ns)
{
    return when_ns > W.now_ns ? when_ns - W.now_ns : 0;
}

static int nap(clockid_t clock, int flags, const struct timespec *request, struct timespec *remain,
               uintptr_t pc)
{
    if (request->tv_nsec < 0 || request->tv_nsec >= (long)SECOND_NS) return EINVAL;
    if (clock == CLOCK_THREAD_CPUTIME_ID || clock_read(clock) == WORLD_NEVER) return EINVAL;
    uint64_t when_ns;
    if (flags & TIMER_ABSTIME) {
        clock_deadline(clock, request, &when_ns);
    } else {
        if (request->tv_sec < 0) return EINVAL;
        when_ns = W.now_ns + (uint64_t)request->tv_sec * SECOND_NS + (uint64_t)request->tv_nsec;
    }
    if (sleep_until(when_ns, pc)) return 0;
    if (remain && !(flags & TIMER_ABSTIME)) write_time(left_until(when_ns), remain);
    return EINTR;
}

int world_clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
                          struct timespec *remain)
{
    return nap(clock, flags, request, remain, CALLER);
}

int world_nanosleep(const struct timespec *request, struct timespec *remain)
{
    int rc = nap(CLOCK_MONOTONIC, 0, request, remain, CALLER);
    if (rc == 0) return 0;
    errno = rc;
    return -1;
}

int world_usleep(useconds_t us)
{
    if (sleep_until(W.now_ns + us * 1000ull, CALLER)) return 0;
    errno = EINTR;
    return -1;
}

unsigned world_sleep(unsigned seconds)
{
    uint64_t when_ns = W.now_ns + seconds * SECOND_NS;
    if (sleep_until(when_ns, CALLER)) return 0;
    return (unsigned)(left_until(when_ns) / SECOND_NS);
}

int world_sched_yield(void)
{
    spin_yield(CALLER);
    return 0;
}

int world_pthread_yield(void)
{
    spin_yield(CALLER);
    return 0;
}
