/* Other processes, of which there are none, and what a process says about itself: its classes of
 * scheduling, which are accepted without effect, its users, and what the kernel told it. */
#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/world/world.h"

int world_getpid(void);
int world_gettid(void);
uid_t world_getuid(void);
int world_get_nprocs(void);
void *world_malloc(size_t bytes);
void world_free(void *block);

static int refuse(int reason)
{
    errno = reason;
    return -1;
}

/* --- children --- */

/* harness-cc gives wait() this name: world_wait() is something else. */
pid_t program_wait(int *status)
{
    (void)status;
    return refuse(ECHILD);
}

pid_t world_waitpid(pid_t pid, int *status, int options)
{
    (void)pid, (void)status, (void)options;
    return refuse(ECHILD);
}

int world_waitid(idtype_t type, id_t id, siginfo_t *information, int options)
{
    (void)type, (void)id, (void)information, (void)options;
    return refuse(ECHILD);
}

pid_t world_wait3(int *status, int options, struct rusage *usage)
{
    (void)status, (void)options, (void)usage;
    return refuse(ECHILD);
}

pid_t world_wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    (void)pid, (void)status, (void)options, (void)usage;
    return refuse(ECHILD);
}

/* Who calls it goes on as the child. */
int world_daemon(int stays_in_folder, int keeps_streams)
{
    (void)stays_in_folder, (void)keeps_streams;
    return 0;
}

/* --- scheduling --- */

/* The process itself, or a thread of it; 0 is the caller. */
static bool is_here(pid_t pid)
{
    return pid >= 0 && (pid == 0 || (pid >= world_getpid() &&
                                     pid < world_getpid() + (pid_t)world_entity_count()));
}

int world_sched_getscheduler(pid_t pid)
{
    return is_here(pid) ? SCHED_OTHER : refuse(ESRCH);
}

int world_sched_setscheduler(pid_t pid, int policy, const struct sched_param *param)
{
    if (!is_here(pid)) return refuse(ESRCH);
    int low = sched_get_priority_min(policy & ~SCHED_RESET_ON_FORK);
    int high = sched_get_priority_max(policy & ~SCHED_RESET_ON_FORK);
    bool known = low >= 0 && param->sched_priority >= low && param->sched_priority <= high;
    return known ? 0 : refuse(EINVAL);
}

int world_sched_getparam(pid_t pid, struct sched_param *out)
{
    if (!is_here(pid)) return refuse(ESRCH);
    out->sched_priority = 0;
    return 0;
}

int world_sched_setparam(pid_t pid, const struct sched_param *param)
{
    return world_sched_setscheduler(pid, SCHED_OTHER, param);
}

int world_sched_rr_get_interval(pid_t pid, struct timespec *out)
{
    if (!is_here(pid)) return refuse(ESRCH);
    *out = (struct timespec){.tv_nsec = 100 * 1000 * 1000};
    return 0;
}

/* What CPU_ALLOC() and CPU_FREE() expand to. */
cpu_set_t *world___sched_cpualloc(size_t count)
{
    return world_malloc(CPU_ALLOC_SIZE(count));
}

void world___sched_cpufree(cpu_set_t *set)
{
    world_free(set);
}

/* --- users --- */

int world_getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    *real = *effective = *saved = world_getuid();
    return 0;
}

int world_getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
    *real = *effective = *saved = world_getuid();
    return 0;
}

/* --- what the kernel tells --- */

unsigned long world_getauxval(unsigned long type)
{
    switch (type) {
    case AT_PAGESZ:
        return 4096;
    case AT_CLKTCK:
        return 100;
    case AT_UID:
    case AT_EUID:
    case AT_GID:
    case AT_EGID:
        return world_getuid();
    default: /* of the processor, nothing that not every one has */
        errno = ENOENT;
        return 0;
    }
}

int world_sysinfo(struct sysinfo *out)
{
    *out = (struct sysinfo){.uptime = (long)(world_now_ns() / 1000000000),
                            .totalram = 4ul << 30, .freeram = 2ul << 30, .procs = 1,
                            .mem_unit = 1};
    return 0;
}

void world_sync(void)
{
}
