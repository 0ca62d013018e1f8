/* Spin locks. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <stddef.h>

enum { THREADS = 3, ROUNDS = 3 };

struct counter {
    pthread_spinlock_t lock;
    uint32_t count;
};

static void *count_up(void *argument)
{
    struct counter *counter = argument;

    for (int round = 0; round < ROUNDS; round++) {
        CHECK_OK(pthread_spin_lock(&counter->lock));
        counter->count++;
        CHECK_OK(pthread_spin_unlock(&counter->lock));
    }
    return NULL;
}

void posix_spin_excludes(void)
{
    struct counter counter = {.count = 0};
    pthread_t threads[THREADS];

    CHECK_OK(pthread_spin_init(&counter.lock, PTHREAD_PROCESS_PRIVATE));
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = posix_start(count_up, &counter);
    for (size_t i = 0; i < THREADS; i++)
        posix_finish(threads[i]);
    CHECK_EQ(counter.count, THREADS * ROUNDS);
    CHECK_OK(pthread_spin_destroy(&counter.lock));
}

static void *expect_busy(void *argument)
{
    struct counter *counter = argument;

    CHECK_EQ(pthread_spin_trylock(&counter->lock), EBUSY);
    return NULL;
}

void posix_spin_trylock(void)
{
    struct counter counter = {.count = 0};

    CHECK_OK(pthread_spin_init(&counter.lock, PTHREAD_PROCESS_SHARED));
    CHECK_OK(pthread_spin_trylock(&counter.lock));
    posix_finish(posix_start(expect_busy, &counter));
    CHECK_OK(pthread_spin_unlock(&counter.lock));
    posix_finish(posix_start(count_up, &counter));
    CHECK_EQ(counter.count, ROUNDS);
    CHECK_OK(pthread_spin_destroy(&counter.lock));
}
