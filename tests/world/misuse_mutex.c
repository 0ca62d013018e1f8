/* Mutexes and spin locks used as the standard forbids. One defect each. */
#include "misuse_list.h"
#include "posix_support.h"

#include <stddef.h>
#include <string.h>

static void *unlock_it(void *mutex)
{
    pthread_mutex_unlock(mutex);
    return NULL;
}

void misuse_mutex_unlocked_by_another(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&mutex);
    posix_finish(posix_start(unlock_it, &mutex));
    pthread_mutex_destroy(&mutex);
}

void misuse_mutex_unlocked_twice(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    pthread_mutex_unlock(&mutex);
    pthread_mutex_destroy(&mutex);
}

void misuse_mutex_never_locked(void)
{
    pthread_mutex_t mutex;

    pthread_mutex_init(&mutex, NULL);
    pthread_mutex_unlock(&mutex);
    pthread_mutex_destroy(&mutex);
}

void misuse_mutex_locked_twice(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    pthread_mutex_destroy(&mutex);
}

void misuse_mutex_destroyed_by_holder(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&mutex);
    pthread_mutex_destroy(&mutex);
}

struct shared {
    pthread_mutex_t mutex;
    struct posix_gate gate;
};

static void *hold_for_a_while(void *argument)
{
    struct shared *shared = argument;

    pthread_mutex_lock(&shared->mutex);
    posix_gate_raise(&shared->gate);
    posix_gate_wait(&shared->gate, 2);
    pthread_mutex_unlock(&shared->mutex);
    return NULL;
}

void misuse_mutex_destroyed_while_another_holds(void)
{
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;

    posix_gate_init(&shared.gate);
    thread = posix_start(hold_for_a_while, &shared);
    posix_gate_wait(&shared.gate, 1);
    pthread_mutex_destroy(&shared.mutex);
    posix_gate_raise(&shared.gate);
    posix_finish(thread);
    posix_gate_destroy(&shared.gate);
}

void misuse_mutex_locked_after_destroy(void)
{
    pthread_mutex_t mutex;

    pthread_mutex_init(&mutex, NULL);
    pthread_mutex_destroy(&mutex);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
}

void misuse_mutex_destroyed_twice(void)
{
    pthread_mutex_t mutex;

    pthread_mutex_init(&mutex, NULL);
    pthread_mutex_destroy(&mutex);
    pthread_mutex_destroy(&mutex);
}

void misuse_mutex_copied(void)
{
    pthread_mutex_t original = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_t copy;

    pthread_mutex_lock(&original);
    pthread_mutex_unlock(&original);
    memcpy(&copy, &original, sizeof copy);
    pthread_mutex_lock(&copy);
    pthread_mutex_unlock(&copy);
    pthread_mutex_destroy(&original);
}

void misuse_mutex_never_initialised(void)
{
    pthread_mutex_t mutex;

    memset(&mutex, 0x5a, sizeof mutex);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
}

static void *lock_and_leave(void *mutex)
{
    pthread_mutex_lock(mutex);
    return NULL;
}

void misuse_mutex_held_at_thread_end(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    posix_finish(posix_start(lock_and_leave, &mutex));
}

static void *wait_without_handler(void *argument)
{
    struct shared *shared = argument;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

    pthread_mutex_lock(&shared->mutex);
    posix_gate_raise(&shared->gate);
    for (;;)
        pthread_cond_wait(&cond, &shared->mutex);
    return NULL;
}

/* Cancelled in a wait, it takes the mutex back and dies with it: there is no cleanup handler. */
void misuse_mutex_held_by_cancelled_waiter(void)
{
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;

    posix_gate_init(&shared.gate);
    thread = posix_start(wait_without_handler, &shared);
    posix_gate_wait(&shared.gate, 1);
    pthread_cancel(thread);
    posix_finish(thread);
    posix_gate_destroy(&shared.gate);
}

static void *spin_unlock_it(void *lock)
{
    pthread_spin_unlock(lock);
    return NULL;
}

void misuse_spin_unlocked_by_another(void)
{
    pthread_spinlock_t lock;

    pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
    pthread_spin_lock(&lock);
    posix_finish(posix_start(spin_unlock_it, (void *)(uintptr_t)&lock));
    pthread_spin_destroy(&lock);
}

void misuse_spin_locked_twice(void)
{
    pthread_spinlock_t lock;

    pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
    pthread_spin_lock(&lock);
    pthread_spin_lock(&lock);
    pthread_spin_unlock(&lock);
    pthread_spin_destroy(&lock);
}
