/* Signals are sent and waited for. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "harness/net/descriptor.h"
#include "harness/world/world.h"
#include "signals.h"

enum { SECOND_NS = 1000000000, USER = 1000 };

pid_t world_getpid(void);

static int failed(int error)
{
    errno = error;
    return -1;
}

/* --- sending --- */

static siginfo_t from_self(int number, int code)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = number;
    info.si_code = code;
    info.si_pid = world_getpid();
    info.si_uid = USER;
    return info;
}

/* 0, or what is wrong. */
static int send(uint16_t target, const siginfo_t *info)
{
    if (info->si_signo == 0) return 0;
    return signal_send(target, info) ? 0 : EAGAIN;
}

/* There is one process, which is its own group; others, such as its parent, belong to others. */
int world_kill(pid_t pid, int number)
{
    pid_t own = world_getpid();
    siginfo_t info = from_self(number, SI_USER);
    if (number != 0 && !signal_is_valid(number)) return failed(EINVAL);
    if (pid == 1) return failed(EPERM);
    if (pid != own && pid != 0 && pid != -own && pid != -1) return failed(ESRCH);
    place_point(NULL, WORLD_NONE);
    int rc = send(WORLD_NOBODY, &info);
    return rc ? failed(rc) : 0;
}

int world_killpg(pid_t group, int number)
{
    if (group < 0) return failed(EINVAL);
    return world_kill(-group, number);
}

static int send_to_thread(uint16_t target, const siginfo_t *info)
{
    if (info->si_signo != 0 && !signal_is_valid(info->si_signo)) return EINVAL;
    if (target == WORLD_NOBODY) return ESRCH;
    place_point(NULL, WORLD_NONE);
    if (world_thread_ended(target)) return 0;
    return send(target, info);
}

int world_raise(int number)
{
    siginfo_t info = from_self(number, SI_TKILL);
    int rc = send_to_thread(world_self(), &info);
    return rc ? failed(rc) : 0;
}

int world_pthread_kill(pthread_t thread, int number)
{
    siginfo_t info = from_self(number, SI_TKILL);
    return send_to_thread(world_thread_entity(thread), &info);
}

int world_tgkill(pid_t process, pid_t thread, int number)
{
    siginfo_t info = from_self(number, SI_TKILL);
    if (process <= 0 || thread <= 0) return failed(EINVAL);
    uint16_t target = world_thread_entity((pthread_t)(thread - world_getpid() + 1));
    int rc = process != world_getpid() ? ESRCH : send_to_thread(target, &info);
    return rc ? failed(rc) : 0;
}

int world_pthread_sigqueue(pthread_t thread, int number, const union sigval value)
{
    siginfo_t info = from_self(number, SI_QUEUE);
    info.si_value = value;
    return send_to_thread(world_thread_entity(thread), &info);
}

int world_sigqueue(pid_t pid, int number, const union sigval value)
{
    siginfo_t info = from_self(number, SI_QUEUE);
    info.si_value = value;
    if (number != 0 && !signal_is_valid(number)) return failed(EINVAL);
    if (pid != world_getpid()) return failed(pid == 1 ? EPERM : ESRCH);
    place_point(NULL, WORLD_NONE);
    int rc = send(WORLD_NOBODY, &info);
    return rc ? failed(rc) : 0;
}

/* --- waiting --- */

/* The number, or an error below 0. */
static int wait_for(const sigset_t *set, siginfo_t *info, uint64_t deadline_ns, const char *verb,
                    uintptr_t site)
{
    uint64_t wanted = signal_set(set);
    siginfo_t own;
    place_enter(site);
    place_point(NULL, WORLD_NONE);
    if (!signal_wait(&wanted, NULL, deadline_ns, verb)) {
        return gate_interrupted() ? -EINTR : -EAGAIN;
    }
    if (!signal_take(wanted, info ? info : &own)) return -EINTR;
    return info ? info->si_signo : own.si_signo;
}

int world_sigwait(const sigset_t *set, int *number)
{
    int rc;
    do {
        rc = wait_for(set, NULL, WORLD_NEVER, "sigwait", CALL_SITE);
    } while (rc == -EINTR);
    *number = rc;
    return 0;
}

int world_sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    return (int)result_of(wait_for(set, info, WORLD_NEVER, "sigwaitinfo", CALL_SITE));
}

int world_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *length)
{
    uint64_t deadline_ns = WORLD_NEVER;
    if (length) {
        if (length->tv_sec < 0 || length->tv_nsec < 0 || length->tv_nsec >= SECOND_NS) {
            return failed(EINVAL);
        }
        deadline_ns = world_now_ns() + (uint64_t)length->tv_sec * SECOND_NS +
                      (uint64_t)length->tv_nsec;
    }
    return (int)result_of(wait_for(set, info, deadline_ns, "sigtimedwait", CALL_SITE));
}

static int wait_for_handler(const sigset_t *mask, const char *verb, uintptr_t site)
{
    uint64_t blocked = mask ? signal_set(mask) : 0;
    place_enter(site);
    place_point(NULL, WORLD_NONE);
    (void)signal_wait(NULL, mask ? &blocked : NULL, WORLD_NEVER, verb);
    return failed(EINTR);
}

int world_pause(void)
{
    return wait_for_handler(NULL, "pause", CALL_SITE);
}

int world_sigsuspend(const sigset_t *mask)
{
    return wait_for_handler(mask, "sigsuspend", CALL_SITE);
}
