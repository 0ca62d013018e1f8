/* Read-write locks, semaphores and barriers used as the standard forbids. */
#include "misuse_list.h"
#include "posix_support.h"

#include <limits.h>
#include <semaphore.h>
#include <stddef.h>
#include <string.h>

static void *unlock_rwlock(void *lock)
{
    pthread_rwlock_unlock(lock);
    return NULL;
}

void misuse_rwlock_write_lock_released_by_another(void)
{
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

    pthread_rwlock_wrlock(&lock);
    posix_finish(posix_start(unlock_rwlock, &lock));
    pthread_rwlock_destroy(&lock);
}

void misuse_rwlock_read_lock_released_by_another(void)
{
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

    pthread_rwlock_rdlock(&lock);
    posix_finish(posix_start(unlock_rwlock, &lock));
    pthread_rwlock_destroy(&lock);
}

void misuse_rwlock_never_locked(void)
{
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

    pthread_rwlock_unlock(&lock);
    pthread_rwlock_destroy(&lock);
}

void misuse_rwlock_destroyed_while_read(void)
{
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

    pthread_rwlock_rdlock(&lock);
    pthread_rwlock_destroy(&lock);
}

void misuse_rwlock_locked_after_destroy(void)
{
    pthread_rwlock_t lock;

    pthread_rwlock_init(&lock, NULL);
    pthread_rwlock_destroy(&lock);
    pthread_rwlock_rdlock(&lock);
    pthread_rwlock_unlock(&lock);
}

void misuse_sem_posted_too_often(void)
{
    sem_t sem;

    sem_init(&sem, 0, SEM_VALUE_MAX);
    sem_post(&sem);
    sem_destroy(&sem);
}

void misuse_sem_never_initialised(void)
{
    sem_t sem;

    memset(&sem, 0, sizeof sem);
    sem_post(&sem);
}

void misuse_sem_posted_after_destroy(void)
{
    sem_t sem;

    sem_init(&sem, 0, 0);
    sem_destroy(&sem);
    sem_post(&sem);
}

/* One post is missing. */
void misuse_sem_never_posted(void)
{
    sem_t sem;

    sem_init(&sem, 0, 1);
    sem_wait(&sem);
    sem_wait(&sem);
    sem_destroy(&sem);
}

static void *come_to_barrier(void *barrier)
{
    pthread_barrier_wait(barrier);
    return NULL;
}

/* The sleep lets the thread arrive first, unless this machine delays it for longer. */
void misuse_barrier_destroyed_with_waiter(void)
{
    struct timespec span = posix_span(POSIX_SHORT_US);
    pthread_barrier_t barrier;
    pthread_t thread;

    pthread_barrier_init(&barrier, NULL, 2);
    thread = posix_start(come_to_barrier, &barrier);
    nanosleep(&span, NULL);
    pthread_barrier_destroy(&barrier);
    posix_finish(thread);
}

/* It was made for three, and two come. */
void misuse_barrier_one_too_few(void)
{
    pthread_barrier_t barrier;
    pthread_t thread;

    pthread_barrier_init(&barrier, NULL, 3);
    thread = posix_start(come_to_barrier, &barrier);
    come_to_barrier(&barrier);
    posix_finish(thread);
    pthread_barrier_destroy(&barrier);
}

void misuse_barrier_never_initialised(void)
{
    pthread_barrier_t barrier;

    memset(&barrier, 0, sizeof barrier);
    come_to_barrier(&barrier);
}
