/* Programs that can come to a stop, or rely on an order that nothing keeps. */
#include "misuse_list.h"
#include "posix_support.h"

#include <assert.h>
#include <stddef.h>

enum { SEATS = 3 };

struct locks {
    pthread_mutex_t first;
    pthread_mutex_t second;
    struct posix_gate gate;
};

static void locks_init(struct locks *locks)
{
    pthread_mutex_init(&locks->first, NULL);
    pthread_mutex_init(&locks->second, NULL);
    posix_gate_init(&locks->gate);
}

static void locks_destroy(struct locks *locks)
{
    posix_gate_destroy(&locks->gate);
    pthread_mutex_destroy(&locks->second);
    pthread_mutex_destroy(&locks->first);
}

static void lock_both(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
    pthread_mutex_lock(outer);
    pthread_mutex_lock(inner);
    pthread_mutex_unlock(inner);
    pthread_mutex_unlock(outer);
}

static void *first_then_second(void *argument)
{
    struct locks *locks = argument;

    lock_both(&locks->first, &locks->second);
    return NULL;
}

static void *second_then_first(void *argument)
{
    struct locks *locks = argument;

    lock_both(&locks->second, &locks->first);
    return NULL;
}

void misuse_deadlock_opposite_orders(void)
{
    struct locks locks;
    pthread_t threads[2];

    locks_init(&locks);
    threads[0] = posix_start(first_then_second, &locks);
    threads[1] = posix_start(second_then_first, &locks);
    posix_finish(threads[0]);
    posix_finish(threads[1]);
    locks_destroy(&locks);
}

static void *lock_first(void *argument)
{
    struct locks *locks = argument;

    pthread_mutex_lock(&locks->first);
    pthread_mutex_unlock(&locks->first);
    return NULL;
}

void misuse_deadlock_join_with_lock_held(void)
{
    struct locks locks;

    locks_init(&locks);
    pthread_mutex_lock(&locks.first);
    posix_finish(posix_start(lock_first, &locks));
    pthread_mutex_unlock(&locks.first);
    locks_destroy(&locks);
}

static void *hold_second_want_first(void *argument)
{
    struct locks *locks = argument;

    pthread_mutex_lock(&locks->second);
    posix_gate_raise(&locks->gate);
    pthread_mutex_lock(&locks->first);
    pthread_mutex_unlock(&locks->first);
    pthread_mutex_unlock(&locks->second);
    return NULL;
}

static void *lock_second(void *argument)
{
    struct locks *locks = argument;

    pthread_mutex_lock(&locks->second);
    pthread_mutex_unlock(&locks->second);
    return NULL;
}

/* Three in a ring: main joins one, which waits for a lock of another, which waits for main's. */
void misuse_deadlock_of_three_with_join(void)
{
    struct locks locks;
    pthread_t holder;

    locks_init(&locks);
    pthread_mutex_lock(&locks.first);
    holder = posix_start(hold_second_want_first, &locks);
    posix_gate_wait(&locks.gate, 1);
    posix_finish(posix_start(lock_second, &locks));
    pthread_mutex_unlock(&locks.first);
    posix_finish(holder);
    locks_destroy(&locks);
}

struct philosopher {
    pthread_mutex_t *left;
    pthread_mutex_t *right;
};

static void *dine(void *argument)
{
    struct philosopher *self = argument;

    lock_both(self->left, self->right);
    return NULL;
}

void misuse_deadlock_of_philosophers(void)
{
    pthread_mutex_t forks[SEATS];
    struct philosopher philosophers[SEATS];
    pthread_t threads[SEATS];

    for (size_t i = 0; i < SEATS; i++)
        pthread_mutex_init(&forks[i], NULL);
    for (size_t i = 0; i < SEATS; i++) {
        philosophers[i] = (struct philosopher){&forks[i], &forks[(i + 1) % SEATS]};
        threads[i] = posix_start(dine, &philosophers[i]);
    }
    for (size_t i = 0; i < SEATS; i++)
        posix_finish(threads[i]);
    for (size_t i = 0; i < SEATS; i++)
        pthread_mutex_destroy(&forks[i]);
}

struct late {
    pthread_mutex_t mutex;
    uint32_t value;
};

static void *set_value(void *argument)
{
    struct late *late = argument;

    pthread_mutex_lock(&late->mutex);
    late->value = 1;
    pthread_mutex_unlock(&late->mutex);
    return NULL;
}

/* A sleep as synchronisation: right until the thread is delayed for longer than that. */
void misuse_order_by_sleeping(void)
{
    struct late late = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct timespec span = posix_span(POSIX_SHORT_US);
    pthread_t thread = posix_start(set_value, &late);

    nanosleep(&span, NULL);
    pthread_mutex_lock(&late.mutex);
    assert(late.value == 1);
    pthread_mutex_unlock(&late.mutex);
    posix_finish(thread);
    pthread_mutex_destroy(&late.mutex);
}

/* No sleep at all: the thread may simply not have run yet. */
void misuse_order_by_hope(void)
{
    struct late late = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread = posix_start(set_value, &late);

    pthread_mutex_lock(&late.mutex);
    assert(late.value == 1);
    pthread_mutex_unlock(&late.mutex);
    posix_finish(thread);
    pthread_mutex_destroy(&late.mutex);
}
