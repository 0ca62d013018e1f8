/* pthread_*attr_*: setters check, getters return what was set. Scheduling parameters and
 * stack sizes are kept but have no effect: the explorer schedules, and stacks are large. */
#include "attributes.h"
#include "internal.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define STACK_DEFAULT ((size_t)8 << 20)

/* Lives in the 56 bytes of pthread_attr_t. */
struct thread_attributes {
    size_t stack_bytes;
    size_t guard_bytes;
    void *stack;
    int32_t priority;
    uint8_t detached, policy, explicit_sched, scope;
};
_Static_assert(sizeof(struct thread_attributes) <= sizeof(pthread_attr_t), "room for attributes");

static struct thread_attributes *of(pthread_attr_t *attributes)
{
    return (struct thread_attributes *)(void *)attributes;
}

static const struct thread_attributes *cof(const pthread_attr_t *attributes)
{
    return (const struct thread_attributes *)(const void *)attributes;
}

bool attributes_detached(const pthread_attr_t *attributes)
{
    return attributes && cof(attributes)->detached;
}

int world_pthread_attr_init(pthread_attr_t *attributes)
{
    memset(attributes, 0, sizeof *attributes);
    of(attributes)->stack_bytes = STACK_DEFAULT;
    of(attributes)->guard_bytes = (size_t)sysconf(_SC_PAGESIZE);
    return 0;
}

int world_pthread_attr_destroy(pthread_attr_t *attributes)
{
    (void)attributes;
    return 0;
}

int world_pthread_getattr_default_np(pthread_attr_t *attributes)
{
    return world_pthread_attr_init(attributes);
}

int world_pthread_setattr_default_np(const pthread_attr_t *attributes)
{
    return cof(attributes)->detached ? EINVAL : 0;
}

int world_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    bool detached;
    if (!thread_exists(thread, &detached)) return ESRCH;
    uintptr_t low, high;
    world_pthread_attr_init(attributes);
    thread_stack_range(thread, &low, &high);
    of(attributes)->stack = (void *)low;
    of(attributes)->stack_bytes = high - low;
    of(attributes)->detached = detached;
    return 0;
}

int world_pthread_attr_setdetachstate(pthread_attr_t *attributes, int state)
{
    if (state != PTHREAD_CREATE_JOINABLE && state != PTHREAD_CREATE_DETACHED) return EINVAL;
    of(attributes)->detached = state == PTHREAD_CREATE_DETACHED;
    return 0;
}

int world_pthread_attr_getdetachstate(const pthread_attr_t *attributes, int *state)
{
    *state = cof(attributes)->detached ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE;
    return 0;
}

int world_pthread_attr_setstacksize(pthread_attr_t *attributes, size_t bytes)
{
    if (bytes < (size_t)PTHREAD_STACK_MIN) return EINVAL;
    of(attributes)->stack_bytes = bytes;
    return 0;
}

int world_pthread_attr_getstacksize(const pthread_attr_t *attributes, size_t *bytes)
{
    *bytes = cof(attributes)->stack_bytes;
    return 0;
}

int world_pthread_attr_setguardsize(pthread_attr_t *attributes, size_t bytes)
{
    of(attributes)->guard_bytes = bytes;
    return 0;
}

int world_pthread_attr_getguardsize(const pthread_attr_t *attributes, size_t *bytes)
{
    *bytes = cof(attributes)->guard_bytes;
    return 0;
}

int world_pthread_attr_setstack(pthread_attr_t *attributes, void *stack, size_t bytes)
{
    if (bytes < (size_t)PTHREAD_STACK_MIN) return EINVAL;
    of(attributes)->stack = stack;
    of(attributes)->stack_bytes = bytes;
    return 0;
}

int world_pthread_attr_getstack(const pthread_attr_t *attributes, void **stack, size_t *bytes)
{
    *stack = cof(attributes)->stack;
    *bytes = cof(attributes)->stack_bytes;
    return 0;
}

int world_pthread_attr_setstackaddr(pthread_attr_t *attributes, void *stack)
{
    of(attributes)->stack = stack;
    return 0;
}

int world_pthread_attr_getstackaddr(const pthread_attr_t *attributes, void **stack)
{
    *stack = cof(attributes)->stack;
    return 0;
}

int world_pthread_attr_setschedparam(pthread_attr_t *attributes, const struct sched_param *param)
{
    int policy = cof(attributes)->policy;
    if (param->sched_priority < sched_get_priority_min(policy)) return EINVAL;
    if (param->sched_priority > sched_get_priority_max(policy)) return EINVAL;
    of(attributes)->priority = param->sched_priority;
    return 0;
}

int world_pthread_attr_getschedparam(const pthread_attr_t *attributes, struct sched_param *param)
{
    param->sched_priority = cof(attributes)->priority;
    return 0;
}

int world_pthread_attr_setschedpolicy(pthread_attr_t *attributes, int policy)
{
    if (policy != SCHED_OTHER && policy != SCHED_FIFO && policy != SCHED_RR) return EINVAL;
    of(attributes)->policy = (uint8_t)policy;
    return 0;
}

int world_pthread_attr_getschedpolicy(const pthread_attr_t *attributes, int *policy)
{
    *policy = cof(attributes)->policy;
    return 0;
}

int world_pthread_attr_setinheritsched(pthread_attr_t *attributes, int inherit)
{
    if (inherit != PTHREAD_INHERIT_SCHED && inherit != PTHREAD_EXPLICIT_SCHED) return EINVAL;
    of(attributes)->explicit_sched = inherit == PTHREAD_EXPLICIT_SCHED;
    return 0;
}

int world_pthread_attr_getinheritsched(const pthread_attr_t *attributes, int *inherit)
{
    *inherit = cof(attributes)->explicit_sched ? PTHREAD_EXPLICIT_SCHED : PTHREAD_INHERIT_SCHED;
    return 0;
}

int world_pthread_attr_setscope(pthread_attr_t *attributes, int scope)
{
    if (scope == PTHREAD_SCOPE_PROCESS) return ENOTSUP;
    if (scope != PTHREAD_SCOPE_SYSTEM) return EINVAL;
    of(attributes)->scope = (uint8_t)scope;
    return 0;
}

int world_pthread_attr_getscope(const pthread_attr_t *attributes, int *scope)
{
    *scope = cof(attributes)->scope;
    return 0;
}

int world_pthread_attr_setaffinity_np(pthread_attr_t *attributes, size_t bytes,
                                      const cpu_set_t *cpus)
{
    (void)attributes, (void)bytes, (void)cpus;
    return 0;
}

int world_pthread_attr_getaffinity_np(const pthread_attr_t *attributes, size_t bytes,
                                      cpu_set_t *cpus)
{
    (void)attributes;
    memset(cpus, 0xff, bytes);
    return 0;
}

int world_pthread_attr_setsigmask_np(pthread_attr_t *attributes, const sigset_t *mask)
{
    (void)attributes, (void)mask;
    return 0;
}

int world_pthread_attr_getsigmask_np(const pthread_attr_t *attributes, sigset_t *mask)
{
    (void)attributes;
    sigemptyset(mask);
    return -1 /* PTHREAD_ATTR_NO_SIGMASK_NP: none was set */;
}

/* --- mutex attributes: type in bits 0-1, robust 2, shared 3, protocol 4-5, ceiling 8-15 --- */

static int field_set(uint32_t *word, uint32_t shift, uint32_t mask, int value)
{
    *word = (*word & ~(mask << shift)) | (uint32_t)value << shift;
    return 0;
}

static int field_get(const void *attributes, uint32_t shift, uint32_t mask, int *value)
{
    *value = (int)(*(const uint32_t *)attributes >> shift & mask);
    return 0;
}

int world_pthread_mutexattr_init(pthread_mutexattr_t *attributes)
{
    *(uint32_t *)attributes = 0;
    return 0;
}

int world_pthread_mutexattr_destroy(pthread_mutexattr_t *attributes)
{
    (void)attributes;
    return 0;
}

int world_pthread_mutexattr_settype(pthread_mutexattr_t *attributes, int type)
{
    if (type == PTHREAD_MUTEX_ADAPTIVE_NP) type = PTHREAD_MUTEX_NORMAL;
    if (type < PTHREAD_MUTEX_NORMAL || type > PTHREAD_MUTEX_ERRORCHECK) return EINVAL;
    return field_set((uint32_t *)attributes, 0, 3, type);
}

int world_pthread_mutexattr_gettype(const pthread_mutexattr_t *attributes, int *type)
{
    return field_get(attributes, 0, 3, type);
}

int world_pthread_mutexattr_setrobust(pthread_mutexattr_t *attributes, int robust)
{
    if (robust != PTHREAD_MUTEX_STALLED && robust != PTHREAD_MUTEX_ROBUST) return EINVAL;
    return field_set((uint32_t *)attributes, 2, 1, robust);
}

int world_pthread_mutexattr_getrobust(const pthread_mutexattr_t *attributes, int *robust)
{
    return field_get(attributes, 2, 1, robust);
}

static int shared_set(uint32_t *word, uint32_t shift, int shared)
{
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED) return EINVAL;
    return field_set(word, shift, 1, shared);
}

int world_pthread_mutexattr_setpshared(pthread_mutexattr_t *attributes, int shared)
{
    return shared_set((uint32_t *)attributes, 3, shared);
}

int world_pthread_mutexattr_getpshared(const pthread_mutexattr_t *attributes, int *shared)
{
    return field_get(attributes, 3, 1, shared);
}

int world_pthread_mutexattr_setprotocol(pthread_mutexattr_t *attributes, int protocol)
{
    /* Priorities have no effect here. */
    if (protocol < PTHREAD_PRIO_NONE || protocol > PTHREAD_PRIO_PROTECT) return EINVAL;
    return field_set((uint32_t *)attributes, 4, 3, protocol);
}

int world_pthread_mutexattr_getprotocol(const pthread_mutexattr_t *attributes, int *protocol)
{
    return field_get(attributes, 4, 3, protocol);
}

int world_pthread_mutexattr_setprioceiling(pthread_mutexattr_t *attributes, int ceiling)
{
    if (ceiling < sched_get_priority_min(SCHED_FIFO)) return EINVAL;
    if (ceiling > sched_get_priority_max(SCHED_FIFO)) return EINVAL;
    return field_set((uint32_t *)attributes, 8, 0xff, ceiling);
}

int world_pthread_mutexattr_getprioceiling(const pthread_mutexattr_t *attributes, int *ceiling)
{
    field_get(attributes, 8, 0xff, ceiling);
    if (*ceiling == 0) *ceiling = sched_get_priority_min(SCHED_FIFO);
    return 0;
}

/* --- condition attributes: clock in bits 0-7, shared 8 --- */

int world_pthread_condattr_init(pthread_condattr_t *attributes)
{
    *(uint32_t *)attributes = 0;
    return 0;
}

int world_pthread_condattr_destroy(pthread_condattr_t *attributes)
{
    (void)attributes;
    return 0;
}

int world_pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) return EINVAL;
    return field_set((uint32_t *)attributes, 0, 0xff, clock);
}

int world_pthread_condattr_getclock(const pthread_condattr_t *attributes, clockid_t *clock)
{
    return field_get(attributes, 0, 0xff, clock);
}

int world_pthread_condattr_setpshared(pthread_condattr_t *attributes, int shared)
{
    return shared_set((uint32_t *)attributes, 8, shared);
}

int world_pthread_condattr_getpshared(const pthread_condattr_t *attributes, int *shared)
{
    return field_get(attributes, 8, 1, shared);
}

/* --- rwlock attributes: shared in bit 0, kind in bits 1-2; barrier attributes: shared --- */

int world_pthread_rwlockattr_init(pthread_rwlockattr_t *attributes)
{
    *(uint32_t *)(void *)attributes = 0;
    return 0;
}

int world_pthread_rwlockattr_destroy(pthread_rwlockattr_t *attributes)
{
    (void)attributes;
    return 0;
}

int world_pthread_rwlockattr_setpshared(pthread_rwlockattr_t *attributes, int shared)
{
    return shared_set((uint32_t *)(void *)attributes, 0, shared);
}

int world_pthread_rwlockattr_getpshared(const pthread_rwlockattr_t *attributes, int *shared)
{
    return field_get(attributes, 0, 1, shared);
}

int world_pthread_rwlockattr_setkind_np(pthread_rwlockattr_t *attributes, int kind)
{
    if (kind < PTHREAD_RWLOCK_PREFER_READER_NP) return EINVAL;
    if (kind > PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) return EINVAL;
    return field_set((uint32_t *)(void *)attributes, 1, 3, kind);
}

int world_pthread_rwlockattr_getkind_np(const pthread_rwlockattr_t *attributes, int *kind)
{
    return field_get(attributes, 1, 3, kind);
}

int world_pthread_barrierattr_init(pthread_barrierattr_t *attributes)
{
    *(uint32_t *)(void *)attributes = 0;
    return 0;
}

int world_pthread_barrierattr_destroy(pthread_barrierattr_t *attributes)
{
    (void)attributes;
    return 0;
}

int world_pthread_barrierattr_setpshared(pthread_barrierattr_t *attributes, int shared)
{
    return shared_set((uint32_t *)(void *)attributes, 0, shared);
}

int world_pthread_barrierattr_getpshared(const pthread_barrierattr_t *attributes, int *shared)
{
    return field_get(attributes, 0, 1, shared);
}

/* --- parameters of threads, which have no effect --- */

int world_pthread_getschedparam(pthread_t thread, int *policy, struct sched_param *param)
{
    bool detached;
    if (!thread_exists(thread, &detached)) return ESRCH;
    *policy = SCHED_OTHER;
    param->sched_priority = 0;
    return 0;
}

int world_pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *param)
{
    bool detached;
    if (!thread_exists(thread, &detached)) return ESRCH;
    if (param->sched_priority < sched_get_priority_min(policy)) return EINVAL;
    return param->sched_priority > sched_get_priority_max(policy) ? EINVAL : 0;
}

int world_pthread_setschedprio(pthread_t thread, int priority)
{
    bool detached;
    if (!thread_exists(thread, &detached)) return ESRCH;
    return priority == 0 ? 0 : EINVAL;
}

int world_pthread_getconcurrency(void)
{
    return 0;
}

int world_pthread_setconcurrency(int level)
{
    return level < 0 ? EINVAL : 0;
}

int world_pthread_getaffinity_np(pthread_t thread, size_t bytes, cpu_set_t *cpus)
{
    bool detached;
    if (!thread_exists(thread, &detached)) return ESRCH;
    memset(cpus, 0, bytes);
    *(unsigned char *)cpus = 1; /* one processor, whatever the real machine has */
    return 0;
}

int world_pthread_setaffinity_np(pthread_t thread, size_t bytes, const cpu_set_t *cpus)
{
    bool detached;
    (void)bytes, (void)cpus;
    return thread_exists(thread, &detached) ? 0 : ESRCH;
}
