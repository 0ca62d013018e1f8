/* Locks, semaphores and barriers that go away when another thread has called one of their
 * functions, and has not had its turn there. It raises a gate right before: when the other one
 * comes through, the call has begun, and looked at what it is called for. */
#include "misuse_list.h"
#include "posix_support.h"

#include <semaphore.h>
#include <stdlib.h>

struct shared {
    pthread_mutex_t mutex;
    pthread_rwlock_t lock;
    pthread_barrier_t barrier;
    sem_t sem;
};

struct meeting {
    struct posix_gate gate;
    struct shared *shared;
    void (*call)(struct shared *shared);
};

/* Nobody comes between the release and the end: whoever tries finds it held, or gone. */
static void end_lock(struct shared *shared)
{
    pthread_rwlock_unlock(&shared->lock);
    pthread_rwlock_destroy(&shared->lock);
}

static void end_mutex(struct shared *shared)
{
    pthread_mutex_unlock(&shared->mutex);
    pthread_mutex_destroy(&shared->mutex);
}

static void free_mutex(struct shared *shared)
{
    pthread_mutex_unlock(&shared->mutex);
    free(shared);
}

static void end_sem(struct shared *shared)
{
    sem_destroy(&shared->sem);
}

static void end_barrier(struct shared *shared)
{
    pthread_barrier_destroy(&shared->barrier);
}

static void *raise_and_call(void *argument)
{
    struct meeting *meeting = argument;

    posix_gate_raise(&meeting->gate);
    meeting->call(meeting->shared);
    return NULL;
}

static void meet(void (*call)(struct shared *), void (*end)(struct shared *))
{
    struct meeting meeting = {.shared = malloc(sizeof *meeting.shared), .call = call};
    struct shared *shared = meeting.shared;
    pthread_t thread;

    posix_gate_init(&meeting.gate);
    pthread_mutex_init(&shared->mutex, NULL);
    pthread_rwlock_init(&shared->lock, NULL);
    pthread_barrier_init(&shared->barrier, NULL, 1);
    sem_init(&shared->sem, 0, 1);
    if (end == end_mutex || end == free_mutex)
        pthread_mutex_lock(&shared->mutex);
    if (end == end_lock)
        pthread_rwlock_wrlock(&shared->lock);
    thread = posix_start(raise_and_call, &meeting);
    posix_gate_wait(&meeting.gate, 1);
    if (end)
        end(shared);
    else
        free(shared);
    posix_finish(thread);
    if (end && end != free_mutex)
        free(shared);
}

static void try_sem(struct shared *shared)
{
    sem_trywait(&shared->sem);
}

static void expire_sem(struct shared *shared)
{
    struct timespec at = posix_malformed(CLOCK_REALTIME);

    sem_timedwait(&shared->sem, &at);
}

static void read_sem(struct shared *shared)
{
    int value;

    sem_getvalue(&shared->sem, &value);
}

static void wait_sem(struct shared *shared)
{
    sem_wait(&shared->sem);
}

static void come_to_barrier(struct shared *shared)
{
    pthread_barrier_wait(&shared->barrier);
}

static void try_lock(struct shared *shared)
{
    pthread_rwlock_tryrdlock(&shared->lock);
}

static void write_lock(struct shared *shared)
{
    pthread_rwlock_wrlock(&shared->lock);
}

static void try_mutex(struct shared *shared)
{
    pthread_mutex_trylock(&shared->mutex);
}

static void lock_mutex(struct shared *shared)
{
    pthread_mutex_lock(&shared->mutex);
}

void misuse_gone_sem_destroyed_before_try(void)
{
    meet(try_sem, end_sem);
}

void misuse_gone_sem_destroyed_before_expired_wait(void)
{
    meet(expire_sem, end_sem);
}

void misuse_gone_sem_destroyed_before_look(void)
{
    meet(read_sem, end_sem);
}

void misuse_gone_barrier_destroyed_before_wait(void)
{
    meet(come_to_barrier, end_barrier);
}

void misuse_gone_rwlock_destroyed_before_try(void)
{
    meet(try_lock, end_lock);
}

void misuse_gone_mutex_destroyed_before_try(void)
{
    meet(try_mutex, end_mutex);
}

void misuse_gone_sem_freed_before_wait(void)
{
    meet(wait_sem, NULL);
}

void misuse_gone_barrier_freed_before_wait(void)
{
    meet(come_to_barrier, NULL);
}

void misuse_gone_rwlock_freed_before_lock(void)
{
    meet(write_lock, NULL);
}

void misuse_gone_mutex_freed_before_lock(void)
{
    meet(lock_mutex, free_mutex);
}

/* Who has tried it once may see when it is released, so others may run right before that. */
static void *hold_and_release(void *argument)
{
    struct meeting *meeting = argument;

    pthread_mutex_trylock(&meeting->shared->mutex);
    posix_gate_raise(&meeting->gate);
    pthread_mutex_unlock(&meeting->shared->mutex);
    return NULL;
}

void misuse_gone_mutex_freed_before_unlock(void)
{
    struct meeting meeting = {.shared = malloc(sizeof *meeting.shared)};
    pthread_t thread;

    posix_gate_init(&meeting.gate);
    pthread_mutex_init(&meeting.shared->mutex, NULL);
    thread = posix_start(hold_and_release, &meeting);
    posix_gate_wait(&meeting.gate, 1);
    free(meeting.shared);
    posix_finish(thread);
}
