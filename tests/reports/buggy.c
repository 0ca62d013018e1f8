/* Tests name the lines of this file: those that end in a comment are looked up by it. */
#include "buggy.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#define NOT_INLINED __attribute__((noinline))

static pthread_mutex_t first, second;
static pthread_barrier_t both;

NOT_INLINED static void take(pthread_mutex_t *mine, pthread_mutex_t *other)
{
    pthread_mutex_lock(mine); /* acquired */
    pthread_barrier_wait(&both);
    pthread_mutex_lock(other); /* waited for */
    pthread_mutex_unlock(other);
    pthread_mutex_unlock(mine);
}

static void *left(void *argument)
{
    take(&first, &second);
    return argument;
}

static void *right(void *argument)
{
    take(&second, &first);
    return argument;
}

static void deadlock(void)
{
    pthread_t threads[2];

    pthread_mutex_init(&first, NULL);
    pthread_mutex_init(&second, NULL);
    pthread_barrier_init(&both, NULL, 2);
    pthread_create(&threads[0], NULL, left, NULL);
    pthread_setname_np(threads[0], "core/left");
    pthread_create(&threads[1], NULL, right, NULL);
    pthread_setname_np(threads[1], "core/right");
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

NOT_INLINED static int dereference(volatile int *pointer)
{
    return *pointer + 1; /* crash */
}

NOT_INLINED static int middle(volatile int *pointer)
{
    return dereference(pointer) + 1; /* called from */
}

static void crash(void)
{
    volatile int *pointer = NULL;

    if (middle(pointer) == 0) abort();
}

static void *volatile kept;

NOT_INLINED static void allocate(size_t bytes)
{
    kept = malloc(bytes); /* small */
}

static void leak(void)
{
    allocate(10);
    allocate(20);
    kept = malloc(500); /* large */
}

extern const struct buggy buggy_entry;
const struct buggy buggy_entry = {deadlock, crash, leak};
