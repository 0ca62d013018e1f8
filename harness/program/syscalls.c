/* syscall(2): what programs call without the C library. Answered by what stands in for the function
 * of that name. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "harness/world/futex.h"
#include "harness/world/world.h"

int world_getpid(void);
int world_gettid(void);
int world_getppid(void);
uid_t world_getuid(void);
gid_t world_getgid(void);
uid_t world_geteuid(void);
gid_t world_getegid(void);
_Noreturn void world__exit(int status);
int world_open(const char *path, int flags, ...);
int world_openat(int folder, const char *path, int flags, ...);
int world_close(int number);
ssize_t world_read(int number, void *out, size_t bytes);
ssize_t world_write(int number, const void *bytes, size_t count);
int world_eventfd(unsigned value, int flags);
int world_pipe2(int ends[2], int flags);
ssize_t world_getrandom(void *out, size_t bytes, unsigned flags);
int world_tgkill(pid_t process, pid_t thread, int number);
int world_sched_yield(void);
int world_sched_getaffinity(pid_t thread, size_t bytes, cpu_set_t *set);
int world_sched_setaffinity(pid_t thread, size_t bytes, const cpu_set_t *set);
int world_clock_gettime(clockid_t clock, struct timespec *out);
int world_gettimeofday(struct timeval *out, void *zone);
int world_nanosleep(const struct timespec *length, struct timespec *left);
int world_madvise(void *at, size_t bytes, int advice);

enum { ARGUMENTS_MAX = 6 };

static void *pointer(long argument)
{
    return (void *)argument;
}

/* As the kernel does, which tells how many bytes the set has there. */
static long get_affinity(const long *with)
{
    enum { BYTES = 8 };
    if (with[1] < BYTES) {
        errno = EINVAL;
        return -1;
    }
    return world_sched_getaffinity((pid_t)with[0], BYTES, pointer(with[2])) == 0 ? BYTES : -1;
}

static long ask_who(long number)
{
    switch (number) {
    case SYS_gettid:
        return world_gettid();
    case SYS_getpid:
        return world_getpid();
    case SYS_getppid:
        return world_getppid();
    case SYS_getuid:
        return world_getuid();
    case SYS_getgid:
        return world_getgid();
    case SYS_geteuid:
        return world_geteuid();
    default:
        return world_getegid();
    }
}

static long use_descriptor(long number, const long *with)
{
    switch (number) {
#ifdef SYS_open /* newer architectures have none */
    case SYS_open:
        return world_open(pointer(with[0]), (int)with[1], (mode_t)with[2]);
#endif
    case SYS_openat:
        return world_openat((int)with[0], pointer(with[1]), (int)with[2], (mode_t)with[3]);
    case SYS_close:
        return world_close((int)with[0]);
    case SYS_read:
        return world_read((int)with[0], pointer(with[1]), (size_t)with[2]);
    case SYS_write:
        return world_write((int)with[0], pointer(with[1]), (size_t)with[2]);
    case SYS_pipe2:
        return world_pipe2(pointer(with[0]), (int)with[1]);
    default:
        return world_eventfd((unsigned)with[0], (int)with[1]);
    }
}

static long wait_or_wake(const long *with, uintptr_t site)
{
    return world_futex(pointer(with[0]), (int)with[1], (uint32_t)with[2], pointer(with[3]),
                       (uint32_t)with[5], site);
}

long world_syscall(long number, ...)
{
    long with[ARGUMENTS_MAX];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < ARGUMENTS_MAX; i++) with[i] = va_arg(list, long);
    va_end(list);
    switch (number) {
    case SYS_futex:
        return wait_or_wake(with, (uintptr_t)__builtin_return_address(0));
    case SYS_gettid:
    case SYS_getpid:
    case SYS_getppid:
    case SYS_getuid:
    case SYS_getgid:
    case SYS_geteuid:
    case SYS_getegid:
        return ask_who(number);
#ifdef SYS_open
    case SYS_open:
#endif
    case SYS_openat:
    case SYS_close:
    case SYS_read:
    case SYS_write:
    case SYS_pipe2:
    case SYS_eventfd2:
        return use_descriptor(number, with);
    case SYS_exit_group:
        world__exit((int)with[0]);
    case SYS_getrandom:
        return world_getrandom(pointer(with[0]), (size_t)with[1], (unsigned)with[2]);
    case SYS_tgkill:
        return world_tgkill((pid_t)with[0], (pid_t)with[1], (int)with[2]);
    case SYS_sched_yield:
        return world_sched_yield();
    case SYS_sched_getaffinity:
        return get_affinity(with);
    case SYS_sched_setaffinity:
        return world_sched_setaffinity((pid_t)with[0], (size_t)with[1], pointer(with[2]));
    case SYS_clock_gettime:
        return world_clock_gettime((clockid_t)with[0], pointer(with[1]));
    case SYS_gettimeofday:
        return world_gettimeofday(pointer(with[0]), pointer(with[1]));
    case SYS_nanosleep:
        return world_nanosleep(pointer(with[0]), pointer(with[1]));
    case SYS_madvise:
        return world_madvise(pointer(with[0]), (size_t)with[1], (int)with[2]);
    case SYS_membarrier: /* not there: an old kernel, as far as a program can tell */
    case SYS_rseq:
    case SYS_sched_setattr:
    case SYS_sched_getattr:
    case SYS_getcpu:
    case SYS_get_mempolicy:
    case SYS_set_mempolicy:
    case SYS_mbind:
    case SYS_io_uring_setup:
        errno = ENOSYS;
        return -1;
    default:
        world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled call: syscall %ld", number);
    }
}
