/* Signals that come when a time has come: alarm(), setitimer(), timer_create(). Processor time is
 * the time that has passed, so all clocks are one. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "harness/world/world.h"
#include "signals.h"

enum { TIMERS_MAX = 64, INTERVALS = 3, SECOND_NS = 1000000000, USER = 1000, PID = 1000 };

/* The first three are those of setitimer(). */
static struct timer {
    bool used;
    uint16_t task; /* WORLD_NOBODY until it is set */
    int notify;    /* SIGEV_... */
    uint16_t target;
    siginfo_t info;
    clockid_t clock;
    uint64_t due_ns, interval_ns; /* WORLD_NEVER: not set; 0: once */
    void (*function)(union sigval);
} timers[TIMERS_MAX];

int world_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*start)(void *),
                         void *argument);
int world_pthread_detach(pthread_t thread);
int world_clock_gettime(clockid_t clock, struct timespec *out);

static int failed(int error)
{
    errno = error;
    return -1;
}

static const struct timer fresh_timer = {.task = WORLD_NOBODY, .due_ns = WORLD_NEVER,
                                         .target = WORLD_NOBODY};

static void prepare(struct timer *timer, int number, int code)
{
    uint16_t task = timer->task; /* events are as few as threads: they are used again */
    *timer = fresh_timer;
    timer->task = task;
    timer->used = true;
    timer->notify = SIGEV_SIGNAL;
    timer->info.si_signo = number;
    timer->info.si_code = code;
    if (code == SI_TIMER) return;
    timer->info.si_pid = PID;
    timer->info.si_uid = USER;
}

void signal_timers_begin(void)
{
    static const int numbers[INTERVALS] = {SIGALRM, SIGVTALRM, SIGPROF};
    for (int i = 0; i < TIMERS_MAX; i++) timers[i] = fresh_timer;
    for (int i = 0; i < INTERVALS; i++) prepare(&timers[i], numbers[i], SI_KERNEL);
}

/* --- the time has come --- */

static void *notify(void *argument)
{
    const struct timer *timer = argument;
    timer->function(timer->info.si_value);
    return NULL;
}

static void begin_thread(struct timer *timer)
{
    pthread_t thread;
    if (world_pthread_create(&thread, NULL, notify, timer) == 0) world_pthread_detach(thread);
}

static void expire(void *argument)
{
    struct timer *timer = argument;
    if (timer->interval_ns > 0) {
        timer->due_ns += timer->interval_ns;
        world_task_arm(timer->task, timer->due_ns);
    } else {
        timer->due_ns = WORLD_NEVER;
    }
    if (timer->notify == SIGEV_THREAD) {
        begin_thread(timer);
    } else if (timer->notify != SIGEV_NONE) {
        (void)signal_send(timer->target, &timer->info);
    }
}

static void set(struct timer *timer, uint64_t due_ns, uint64_t interval_ns)
{
    if (timer->task == WORLD_NOBODY) {
        timer->task = world_task("timer", WORLD_FAULT, expire, timer);
        world_task_prompt(timer->task);
    }
    world_task_disarm(timer->task);
    timer->due_ns = due_ns;
    timer->interval_ns = interval_ns;
    if (due_ns != WORLD_NEVER) world_task_arm(timer->task, due_ns);
}

static uint64_t left_ns(const struct timer *timer)
{
    if (timer->due_ns == WORLD_NEVER) return 0;
    uint64_t now_ns = world_now_ns();
    return timer->due_ns > now_ns ? timer->due_ns - now_ns : 1; /* 0 would say that it is not set */
}

/* --- alarm and setitimer --- */

static struct timeval timeval_of(uint64_t ns)
{
    uint64_t us = (ns + 999) / 1000;
    return (struct timeval){(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};
}

static bool read_timeval(const struct timeval *span, uint64_t *ns)
{
    if (span->tv_sec < 0 || span->tv_usec < 0 || span->tv_usec >= 1000000) return false;
    *ns = (uint64_t)span->tv_sec * SECOND_NS + (uint64_t)span->tv_usec * 1000;
    return true;
}

int world_getitimer(__itimer_which_t which, struct itimerval *out)
{
    if ((int)which < 0 || (int)which >= INTERVALS) return failed(EINVAL);
    const struct timer *timer = &timers[which];
    *out = (struct itimerval){timeval_of(timer->interval_ns), timeval_of(left_ns(timer))};
    return 0;
}

int world_setitimer(__itimer_which_t which, const struct itimerval *fresh, struct itimerval *old)
{
    uint64_t first, interval;
    if ((int)which < 0 || (int)which >= INTERVALS) return failed(EINVAL);
    if (!read_timeval(&fresh->it_value, &first) || !read_timeval(&fresh->it_interval, &interval)) {
        return failed(EINVAL);
    }
    if (old) (void)world_getitimer(which, old);
    set(&timers[which], first > 0 ? world_now_ns() + first : WORLD_NEVER, interval);
    return 0;
}

unsigned world_alarm(unsigned seconds)
{
    uint64_t left = left_ns(&timers[ITIMER_REAL]);
    set(&timers[ITIMER_REAL],
        seconds > 0 ? world_now_ns() + (uint64_t)seconds * SECOND_NS : WORLD_NEVER, 0);
    uint64_t rounded = (left + SECOND_NS / 2) / SECOND_NS;
    return left > 0 && rounded == 0 ? 1 : (unsigned)rounded;
}

useconds_t world_ualarm(useconds_t first, useconds_t interval)
{
    uint64_t left = left_ns(&timers[ITIMER_REAL]);
    set(&timers[ITIMER_REAL], first > 0 ? world_now_ns() + first * 1000ull : WORLD_NEVER,
        interval * 1000ull);
    return (useconds_t)(left / 1000);
}

/* --- timer_create --- */

static struct timer *timer_of(timer_t id)
{
    uintptr_t at = (uintptr_t)id;
    if (at >= INTERVALS && at < TIMERS_MAX && timers[at].used) return &timers[at];
    errno = EINVAL;
    return NULL;
}

/* False: what is to happen makes no sense. */
static bool read_event(const struct sigevent *event, struct timer *timer)
{
    timer->notify = event->sigev_notify;
    timer->info.si_value = event->sigev_value;
    timer->info.si_signo = event->sigev_signo;
    switch (event->sigev_notify) {
    case SIGEV_NONE:
        return true;
    case SIGEV_THREAD:
        timer->function = event->sigev_notify_function;
        return timer->function != NULL;
    case SIGEV_THREAD_ID:
        timer->target = world_thread_entity((pthread_t)(event->_sigev_un._tid - PID + 1));
        return timer->target != WORLD_NOBODY && signal_is_valid(event->sigev_signo);
    case SIGEV_SIGNAL:
        return signal_is_valid(event->sigev_signo);
    default:
        return false;
    }
}

int world_timer_create(clockid_t clock, struct sigevent *event, timer_t *out)
{
    struct timespec now;
    uintptr_t at = INTERVALS;
    if (world_clock_gettime(clock, &now) != 0) return -1;
    while (at < TIMERS_MAX && timers[at].used) at++;
    if (at == TIMERS_MAX) return failed(EAGAIN);
    struct timer *timer = &timers[at];
    prepare(timer, SIGALRM, SI_TIMER);
    timer->info.si_timerid = (int)at;
    timer->info.si_value.sival_int = (int)at;
    timer->clock = clock;
    if (event && !read_event(event, timer)) {
        timer->used = false;
        return failed(EINVAL);
    }
    *out = (timer_t)at;
    return 0;
}

static bool read_timespec(const struct timespec *span, uint64_t *ns)
{
    if (span->tv_sec < 0 || span->tv_nsec < 0 || span->tv_nsec >= SECOND_NS) return false;
    *ns = (uint64_t)span->tv_sec * SECOND_NS + (uint64_t)span->tv_nsec;
    return true;
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS)};
}

int world_timer_gettime(timer_t id, struct itimerspec *out)
{
    const struct timer *timer = timer_of(id);
    if (timer == NULL) return -1;
    *out = (struct itimerspec){timespec_of(timer->interval_ns), timespec_of(left_ns(timer))};
    return 0;
}

/* When a time of the timer's clock is, in ns since the start. */
static uint64_t moment_of(const struct timer *timer, uint64_t at_ns)
{
    struct timespec now;
    uint64_t now_ns = 0;
    world_clock_gettime(timer->clock, &now);
    (void)read_timespec(&now, &now_ns);
    return world_now_ns() + (at_ns > now_ns ? at_ns - now_ns : 0);
}

int world_timer_settime(timer_t id, int flags, const struct itimerspec *fresh,
                        struct itimerspec *old)
{
    struct timer *timer = timer_of(id);
    uint64_t first, interval;
    if (timer == NULL) return -1;
    bool good = read_timespec(&fresh->it_value, &first) &&
                read_timespec(&fresh->it_interval, &interval);
    if (!good) {
        return failed(EINVAL);
    }
    if (old) (void)world_timer_gettime(id, old);
    uint64_t due_ns = first == 0                ? WORLD_NEVER
                      : flags & TIMER_ABSTIME ? moment_of(timer, first)
                                                : world_now_ns() + first;
    set(timer, due_ns, interval);
    return 0;
}

/* Whoever handles signals is never so late that a second one comes. */
int world_timer_getoverrun(timer_t id)
{
    return timer_of(id) ? 0 : -1;
}

int world_timer_delete(timer_t id)
{
    struct timer *timer = timer_of(id);
    if (timer == NULL) return -1;
    if (timer->task != WORLD_NOBODY) world_task_disarm(timer->task);
    timer->used = false;
    return 0;
}
