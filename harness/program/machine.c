/* The machine that a program sees: the same everywhere, with one user, no other processes, and no
 * time zone. What has no meaning there fails as it does on a machine without it, or is a
 * finding that names the call. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "harness/world/world.h"

enum { USER = 1000, PAGE = 4096, TICKS_A_SECOND = 100 };

int world_getpid(void);
int world_gettid(void);
int world_get_nprocs(void);
int world_pthread_setname_np(pthread_t thread, const char *name);
int world_pthread_getname_np(pthread_t thread, char *name, size_t bytes);
pthread_t world_pthread_self(void);
time_t world_time(time_t *out);

static int refuse(int reason)
{
    errno = reason;
    return -1;
}

/* --- who one is --- */

uid_t world_getuid(void)
{
    return USER;
}

uid_t world_geteuid(void)
{
    return USER;
}

gid_t world_getgid(void)
{
    return USER;
}

gid_t world_getegid(void)
{
    return USER;
}

pid_t world_getppid(void)
{
    return 1;
}

int world_gethostname(char *name, size_t bytes)
{
    static const char own[] = "harness";
    if (bytes < sizeof own) return refuse(ENAMETOOLONG);
    memcpy(name, own, sizeof own);
    return 0;
}

int world_uname(struct utsname *out)
{
    *out = (struct utsname){.sysname = "Linux", .nodename = "harness", .release = "6.1.0",
                            .version = "#1", .machine = "x86_64"};
    return 0;
}

/* --- the hour --- */

static uint64_t ticks(void)
{
    return world_now_ns() / (1000000000 / TICKS_A_SECOND);
}

clock_t world_clock(void)
{
    return (clock_t)(world_now_ns() / (1000000000 / CLOCKS_PER_SEC));
}

/* One processor, always busy with the program: its time is the time that has passed. */
clock_t world_times(struct tms *out)
{
    if (out) *out = (struct tms){.tms_utime = (clock_t)ticks()};
    return (clock_t)ticks();
}

int world_getrusage(int who, struct rusage *out)
{
    *out = (struct rusage){.ru_maxrss = PAGE};
    if (who == RUSAGE_CHILDREN) return 0;
    out->ru_utime.tv_sec = (time_t)(world_now_ns() / 1000000000);
    out->ru_utime.tv_usec = (suseconds_t)(world_now_ns() / 1000 % 1000000);
    return 0;
}

struct tm *world_localtime_r(const time_t *at, struct tm *out)
{
    return gmtime_r(at, out);
}

struct tm *world_localtime(const time_t *at)
{
    static struct tm kept;
    return gmtime_r(at, &kept);
}

struct tm *world_gmtime(const time_t *at)
{
    return world_localtime(at);
}

time_t world_mktime(struct tm *parts)
{
    return timegm(parts);
}

char *world_ctime_r(const time_t *at, char *out)
{
    struct tm parts;
    return gmtime_r(at, &parts) ? asctime_r(&parts, out) : NULL;
}

char *world_ctime(const time_t *at)
{
    static char kept[64];
    return world_ctime_r(at, kept);
}

void world_tzset(void)
{
}

/* As it sets them for UTC; nobody is expected to change them. */
long world_timezone;
int world_daylight;
char *world_tzname[2] = {(char *)(uintptr_t) "UTC", (char *)(uintptr_t) "UTC"};

/* --- processors and priorities: there to be set, without effect --- */

int world_sched_getcpu(void)
{
    return 0;
}

int world_sched_setaffinity(pid_t pid, size_t bytes, const cpu_set_t *set)
{
    (void)pid, (void)bytes, (void)set;
    return 0;
}

int world_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set)
{
    (void)pid;
    CPU_ZERO_S(bytes, set);
    for (int i = 0; i < world_get_nprocs(); i++) CPU_SET_S(i, bytes, set);
    return 0;
}

int world_nice(int by)
{
    (void)by;
    return 0;
}

int world_getpriority(int which, unsigned who)
{
    (void)which, (void)who;
    return 0;
}

int world_setpriority(int which, unsigned who, int priority)
{
    (void)which, (void)who, (void)priority;
    return 0;
}

/* What makes no difference here is accepted; of the rest, this kernel is too old to know. */
int world_prctl(int option, ...)
{
    va_list list;
    va_start(list, option);
    char *name = va_arg(list, char *);
    va_end(list);
    if (option == PR_SET_NAME) {
        char kept[16] = "";
        strncpy(kept, name, sizeof kept - 1);
        return world_pthread_setname_np(world_pthread_self(), kept);
    }
    switch (option) {
    case PR_GET_NAME:
        return world_pthread_getname_np(world_pthread_self(), name, 16);
    case PR_SET_DUMPABLE:
    case PR_SET_NO_NEW_PRIVS:
    case PR_SET_PDEATHSIG:
    case PR_SET_TIMERSLACK:
        return 0;
    default:
        errno = EINVAL;
        return -1;
    }
}

/* --- memory by the page --- */

int world_madvise(void *at, size_t bytes, int advice)
{
    if (advice == MADV_DONTNEED) memset(at, 0, bytes);
    return 0;
}

int world_mlock(const void *at, size_t bytes)
{
    (void)at, (void)bytes;
    return 0;
}

int world_munlock(const void *at, size_t bytes)
{
    (void)at, (void)bytes;
    return 0;
}

int world_mlockall(int flags)
{
    (void)flags;
    return 0;
}

int world_munlockall(void)
{
    return 0;
}

int world_mallopt(int what, int value)
{
    (void)what, (void)value;
    return 1;
}

int world_malloc_trim(size_t keep)
{
    (void)keep;
    return 0;
}
