/* Robust mutexes: the owner's death is told to the next one that locks. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <stddef.h>

struct robust {
    pthread_mutex_t mutex;
    struct posix_gate gate;
};

static void robust_init(struct robust *robust)
{
    pthread_mutexattr_t attributes;

    CHECK_OK(pthread_mutexattr_init(&attributes));
    CHECK_OK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
    CHECK_OK(pthread_mutex_init(&robust->mutex, &attributes));
    CHECK_OK(pthread_mutexattr_destroy(&attributes));
    posix_gate_init(&robust->gate);
}

static void robust_destroy(struct robust *robust)
{
    CHECK_OK(pthread_mutex_destroy(&robust->mutex));
    posix_gate_destroy(&robust->gate);
}

static void *lock_and_die(void *argument)
{
    struct robust *robust = argument;

    CHECK_OK(pthread_mutex_lock(&robust->mutex));
    posix_gate_raise(&robust->gate);
    return NULL;
}

/* Told by a lock that finds the owner dead, or that was blocked when it died. */
void posix_robust_lock_after_death(void)
{
    struct robust robust;
    pthread_t thread;

    robust_init(&robust);
    thread = posix_start(lock_and_die, &robust);
    posix_gate_wait(&robust.gate, 1);
    CHECK_EQ(pthread_mutex_lock(&robust.mutex), EOWNERDEAD);
    CHECK_OK(pthread_mutex_consistent(&robust.mutex));
    CHECK_OK(pthread_mutex_unlock(&robust.mutex));
    CHECK_OK(pthread_mutex_lock(&robust.mutex));
    CHECK_OK(pthread_mutex_unlock(&robust.mutex));
    posix_finish(thread);
    robust_destroy(&robust);
}

void posix_robust_trylock_after_death(void)
{
    struct robust robust;

    robust_init(&robust);
    posix_finish(posix_start(lock_and_die, &robust));
    CHECK_EQ(pthread_mutex_trylock(&robust.mutex), EOWNERDEAD);
    CHECK_OK(pthread_mutex_consistent(&robust.mutex));
    CHECK_OK(pthread_mutex_unlock(&robust.mutex));
    robust_destroy(&robust);
}

/* Unlocked without being made consistent, it is lost for good. */
void posix_robust_not_recoverable(void)
{
    struct robust robust;

    robust_init(&robust);
    posix_finish(posix_start(lock_and_die, &robust));
    CHECK_EQ(pthread_mutex_lock(&robust.mutex), EOWNERDEAD);
    CHECK_OK(pthread_mutex_unlock(&robust.mutex));
    CHECK_EQ(pthread_mutex_lock(&robust.mutex), ENOTRECOVERABLE);
    CHECK_EQ(pthread_mutex_trylock(&robust.mutex), ENOTRECOVERABLE);
    robust_destroy(&robust);
}

void posix_robust_consistent_without_need(void)
{
    struct robust robust;
    pthread_mutex_t stalled = PTHREAD_MUTEX_INITIALIZER;

    robust_init(&robust);
    CHECK_EQ(pthread_mutex_consistent(&robust.mutex), EINVAL);
    CHECK_EQ(pthread_mutex_consistent(&stalled), EINVAL);
    CHECK_OK(pthread_mutex_destroy(&stalled));
    robust_destroy(&robust);
}

/* Robust and recursive at once: each keeps its own promise. */
void posix_robust_recursive(void)
{
    pthread_mutexattr_t attributes;
    struct robust robust;

    CHECK_OK(pthread_mutexattr_init(&attributes));
    CHECK_OK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE));
    CHECK_OK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
    CHECK_OK(pthread_mutex_init(&robust.mutex, &attributes));
    CHECK_OK(pthread_mutexattr_destroy(&attributes));
    posix_gate_init(&robust.gate);
    CHECK_OK(pthread_mutex_lock(&robust.mutex));
    CHECK_OK(pthread_mutex_lock(&robust.mutex));
    CHECK_OK(pthread_mutex_unlock(&robust.mutex));
    CHECK_OK(pthread_mutex_unlock(&robust.mutex));
    posix_finish(posix_start(lock_and_die, &robust));
    CHECK_EQ(pthread_mutex_lock(&robust.mutex), EOWNERDEAD);
    CHECK_OK(pthread_mutex_consistent(&robust.mutex));
    CHECK_OK(pthread_mutex_unlock(&robust.mutex));
    CHECK_EQ(pthread_mutex_unlock(&robust.mutex), EPERM);
    robust_destroy(&robust);
}
