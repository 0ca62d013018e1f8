/* Mutexes: exclusion, the types and their errors, life time, attributes. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>

enum { THREADS = 3, ROUNDS = 3, NO_SUCH = 77 };

static void init_of_type(pthread_mutex_t *mutex, int type)
{
    pthread_mutexattr_t attributes;

    CHECK_OK(pthread_mutexattr_init(&attributes));
    CHECK_OK(pthread_mutexattr_settype(&attributes, type));
    CHECK_OK(pthread_mutex_init(mutex, &attributes));
    CHECK_OK(pthread_mutexattr_destroy(&attributes));
}

struct counter {
    pthread_mutex_t mutex;
    uint32_t count;
    uint32_t inside;
};

static void *count_up(void *argument)
{
    struct counter *counter = argument;

    for (int round = 0; round < ROUNDS; round++) {
        uint32_t seen;

        CHECK_OK(pthread_mutex_lock(&counter->mutex));
        CHECK_EQ(counter->inside++, 0);
        seen = counter->count;
        CHECK_OK(sched_yield());
        counter->count = seen + 1;
        CHECK_EQ(--counter->inside, 0);
        CHECK_OK(pthread_mutex_unlock(&counter->mutex));
    }
    return NULL;
}

/* The counter's mutex is ready for use; destroys it. */
static void count_in_threads(struct counter *counter)
{
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        threads[i] = posix_start(count_up, counter);
    for (size_t i = 0; i < THREADS; i++)
        posix_finish(threads[i]);
    CHECK_EQ(counter->count, THREADS * ROUNDS);
    CHECK_OK(pthread_mutex_destroy(&counter->mutex));
}

void posix_mutex_excludes(void)
{
    static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_DEFAULT,
                                PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                                PTHREAD_MUTEX_ADAPTIVE_NP};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct counter counter = {.count = 0};

        init_of_type(&counter.mutex, types[i]);
        count_in_threads(&counter);
    }
}

static void *count_up_in_time(void *argument)
{
    struct counter *counter = argument;
    struct timespec deadline = posix_deadline(CLOCK_REALTIME, POSIX_SHORT_US);

    if (pthread_mutex_timedlock(&counter->mutex, &deadline) != 0)
        return NULL;
    counter->count++;
    CHECK_OK(pthread_mutex_unlock(&counter->mutex));
    return counter;
}

/* More than the simulated world keeps in one word. */
void posix_mutex_crowd(void)
{
    enum { CROWD = 70, IN_TIME = 7 };
    struct counter counter = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[CROWD];
    uint32_t counted = 0;

    CHECK_OK(pthread_mutex_lock(&counter.mutex));
    for (int i = 0; i < CROWD; i++)
        threads[i] = posix_start(i % IN_TIME ? count_up : count_up_in_time, &counter);
    CHECK_OK(pthread_mutex_unlock(&counter.mutex));
    for (int i = 0; i < CROWD; i++) {
        bool timed_out = posix_finish(threads[i]) == NULL && i % IN_TIME == 0;
        counted += timed_out ? 0 : i % IN_TIME ? ROUNDS : 1;
    }
    CHECK_EQ(counter.count, counted);
    CHECK_OK(pthread_mutex_destroy(&counter.mutex));
}

void posix_mutex_static_initialisers(void)
{
    struct counter normal = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct counter recursive = {.mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP};
    struct counter checking = {.mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP};
    struct counter adaptive = {.mutex = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP};

    CHECK_OK(pthread_mutex_lock(&recursive.mutex));
    CHECK_OK(pthread_mutex_lock(&recursive.mutex));
    CHECK_OK(pthread_mutex_unlock(&recursive.mutex));
    CHECK_OK(pthread_mutex_unlock(&recursive.mutex));
    CHECK_OK(pthread_mutex_lock(&checking.mutex));
    CHECK_EQ(pthread_mutex_lock(&checking.mutex), EDEADLK);
    CHECK_OK(pthread_mutex_unlock(&checking.mutex));
    count_in_threads(&normal);
    count_in_threads(&recursive);
    count_in_threads(&checking);
    count_in_threads(&adaptive);
}

static void *expect_busy(void *mutex)
{
    CHECK_EQ(pthread_mutex_trylock(mutex), EBUSY);
    return NULL;
}

static void *expect_free(void *mutex)
{
    CHECK_OK(pthread_mutex_trylock(mutex));
    CHECK_OK(pthread_mutex_unlock(mutex));
    return NULL;
}

void posix_mutex_trylock(void)
{
    pthread_mutex_t mutex;

    init_of_type(&mutex, PTHREAD_MUTEX_NORMAL);
    CHECK_OK(pthread_mutex_trylock(&mutex));
    CHECK_EQ(pthread_mutex_trylock(&mutex), EBUSY);
    posix_finish(posix_start(expect_busy, &mutex));
    CHECK_OK(pthread_mutex_unlock(&mutex));
    posix_finish(posix_start(expect_free, &mutex));
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

static void *expect_not_owner(void *mutex)
{
    CHECK_EQ(pthread_mutex_unlock(mutex), EPERM);
    return NULL;
}

/* It takes as many unlocks as locks, of whatever kind, until another thread gets in. */
void posix_mutex_recursive(void)
{
    pthread_mutex_t mutex;
    struct timespec far = posix_deadline(CLOCK_REALTIME, POSIX_FAR_US);

    init_of_type(&mutex, PTHREAD_MUTEX_RECURSIVE);
    CHECK_OK(pthread_mutex_lock(&mutex));
    CHECK_OK(pthread_mutex_trylock(&mutex));
    CHECK_OK(pthread_mutex_timedlock(&mutex, &far));
    for (int held = 3; held > 0; held--) {
        posix_finish(posix_start(expect_busy, &mutex));
        CHECK_OK(pthread_mutex_unlock(&mutex));
    }
    posix_finish(posix_start(expect_free, &mutex));
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

void posix_mutex_recursive_errors(void)
{
    pthread_mutex_t mutex;

    init_of_type(&mutex, PTHREAD_MUTEX_RECURSIVE);
    CHECK_EQ(pthread_mutex_unlock(&mutex), EPERM);
    CHECK_OK(pthread_mutex_lock(&mutex));
    posix_finish(posix_start(expect_not_owner, &mutex));
    posix_finish(posix_start(expect_busy, &mutex));
    CHECK_OK(pthread_mutex_unlock(&mutex));
    CHECK_EQ(pthread_mutex_unlock(&mutex), EPERM);
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

void posix_mutex_errorcheck(void)
{
    pthread_mutex_t mutex;
    struct timespec far = posix_deadline(CLOCK_REALTIME, POSIX_FAR_US);

    init_of_type(&mutex, PTHREAD_MUTEX_ERRORCHECK);
    CHECK_EQ(pthread_mutex_unlock(&mutex), EPERM);
    CHECK_OK(pthread_mutex_lock(&mutex));
    CHECK_EQ(pthread_mutex_lock(&mutex), EDEADLK);
    CHECK_EQ(pthread_mutex_timedlock(&mutex, &far), EDEADLK);
    CHECK_EQ(pthread_mutex_trylock(&mutex), EBUSY);
    posix_finish(posix_start(expect_not_owner, &mutex));
    posix_finish(posix_start(expect_busy, &mutex));
    CHECK_OK(pthread_mutex_unlock(&mutex));
    CHECK_EQ(pthread_mutex_unlock(&mutex), EPERM);
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

void posix_mutex_destroy_and_init_again(void)
{
    pthread_mutex_t mutex;

    init_of_type(&mutex, PTHREAD_MUTEX_NORMAL);
    expect_free(&mutex);
    CHECK_OK(pthread_mutex_destroy(&mutex));
    init_of_type(&mutex, PTHREAD_MUTEX_RECURSIVE);
    CHECK_OK(pthread_mutex_lock(&mutex));
    CHECK_OK(pthread_mutex_lock(&mutex));
    CHECK_OK(pthread_mutex_unlock(&mutex));
    CHECK_OK(pthread_mutex_unlock(&mutex));
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

struct counted {
    pthread_mutex_t mutex;
    uint32_t references;
};

static void *drop_reference(void *argument)
{
    struct counted *counted = argument;
    uint32_t left;

    CHECK_OK(pthread_mutex_lock(&counted->mutex));
    left = --counted->references;
    CHECK_OK(pthread_mutex_unlock(&counted->mutex));
    if (left == 0) {
        CHECK_OK(pthread_mutex_destroy(&counted->mutex));
        free(counted);
    }
    return NULL;
}

/* The standard's own example: the last user may destroy a mutex at once, although the one
 * before it may still be on its way out of its unlock. */
void posix_mutex_destroyed_by_last_user(void)
{
    struct counted *counted = malloc(sizeof *counted);
    pthread_t threads[2];

    init_of_type(&counted->mutex, PTHREAD_MUTEX_NORMAL);
    counted->references = 3;
    threads[0] = posix_start(drop_reference, counted);
    threads[1] = posix_start(drop_reference, counted);
    drop_reference(counted);
    posix_finish(threads[0]);
    posix_finish(threads[1]);
}

void posix_mutex_attributes(void)
{
    pthread_mutexattr_t attributes;
    int value = -1;

    CHECK_OK(pthread_mutexattr_init(&attributes));
    CHECK_OK(pthread_mutexattr_gettype(&attributes, &value));
    CHECK_EQ(value, PTHREAD_MUTEX_DEFAULT);
    CHECK_OK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK));
    CHECK_OK(pthread_mutexattr_gettype(&attributes, &value));
    CHECK_EQ(value, PTHREAD_MUTEX_ERRORCHECK);
    CHECK_EQ(pthread_mutexattr_settype(&attributes, NO_SUCH), EINVAL);
    CHECK_OK(pthread_mutexattr_getpshared(&attributes, &value));
    CHECK_EQ(value, PTHREAD_PROCESS_PRIVATE);
    CHECK_OK(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
    CHECK_OK(pthread_mutexattr_getpshared(&attributes, &value));
    CHECK_EQ(value, PTHREAD_PROCESS_SHARED);
    CHECK_EQ(pthread_mutexattr_setpshared(&attributes, NO_SUCH), EINVAL);
    CHECK_OK(pthread_mutexattr_destroy(&attributes));
}

void posix_mutex_attributes_protocol(void)
{
    pthread_mutexattr_t attributes;
    int value = -1;

    CHECK_OK(pthread_mutexattr_init(&attributes));
    CHECK_OK(pthread_mutexattr_getprotocol(&attributes, &value));
    CHECK_EQ(value, PTHREAD_PRIO_NONE);
    CHECK_OK(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
    CHECK_OK(pthread_mutexattr_getprotocol(&attributes, &value));
    CHECK_EQ(value, PTHREAD_PRIO_INHERIT);
    CHECK_EQ(pthread_mutexattr_setprotocol(&attributes, NO_SUCH), EINVAL);
    CHECK_OK(pthread_mutexattr_getrobust(&attributes, &value));
    CHECK_EQ(value, PTHREAD_MUTEX_STALLED);
    CHECK_OK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
    CHECK_OK(pthread_mutexattr_getrobust(&attributes, &value));
    CHECK_EQ(value, PTHREAD_MUTEX_ROBUST);
    CHECK_EQ(pthread_mutexattr_setrobust(&attributes, NO_SUCH), EINVAL);
    CHECK_OK(pthread_mutexattr_destroy(&attributes));
}
