/* Read-write locks: sharing, exclusion, try and timed forms, recursion of readers. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <time.h>

enum { ROUNDS = 2, NO_SUCH = 77 };

struct pair {
    pthread_rwlock_t lock;
    struct posix_gate gate;
    uint32_t left;
    uint32_t right;
};

static void pair_init(struct pair *pair)
{
    CHECK_OK(pthread_rwlock_init(&pair->lock, NULL));
    posix_gate_init(&pair->gate);
    pair->left = 0;
    pair->right = 0;
}

static void pair_destroy(struct pair *pair)
{
    CHECK_OK(pthread_rwlock_destroy(&pair->lock));
    posix_gate_destroy(&pair->gate);
}

static void *read_together(void *argument)
{
    struct pair *pair = argument;

    CHECK_OK(pthread_rwlock_rdlock(&pair->lock));
    posix_gate_raise(&pair->gate);
    /* Passed only if the other reader is inside as well. */
    posix_gate_wait(&pair->gate, 2);
    CHECK_OK(pthread_rwlock_unlock(&pair->lock));
    return NULL;
}

void posix_rwlock_readers_share(void)
{
    struct pair pair;
    pthread_t thread;

    pair_init(&pair);
    thread = posix_start(read_together, &pair);
    read_together(&pair);
    posix_finish(thread);
    pair_destroy(&pair);
}

static void *write_pair(void *argument)
{
    struct pair *pair = argument;

    for (int round = 0; round < ROUNDS; round++) {
        CHECK_OK(pthread_rwlock_wrlock(&pair->lock));
        pair->left++;
        CHECK_OK(sched_yield());
        pair->right++;
        CHECK_OK(pthread_rwlock_unlock(&pair->lock));
    }
    return NULL;
}

static void *read_pair(void *argument)
{
    struct pair *pair = argument;

    for (int round = 0; round < ROUNDS; round++) {
        uint32_t left;

        CHECK_OK(pthread_rwlock_rdlock(&pair->lock));
        left = pair->left;
        CHECK_OK(sched_yield());
        CHECK_EQ(left, pair->right);
        CHECK_EQ(left, pair->left);
        CHECK_OK(pthread_rwlock_unlock(&pair->lock));
    }
    return NULL;
}

/* No writer beside a writer, no reader beside a writer. */
void posix_rwlock_writers_exclude(void)
{
    struct pair pair;
    pthread_t threads[4];

    pair_init(&pair);
    threads[0] = posix_start(write_pair, &pair);
    threads[1] = posix_start(read_pair, &pair);
    threads[2] = posix_start(write_pair, &pair);
    threads[3] = posix_start(read_pair, &pair);
    for (size_t i = 0; i < 4; i++)
        posix_finish(threads[i]);
    CHECK_EQ(pair.left, 2 * ROUNDS);
    CHECK_EQ(pair.right, 2 * ROUNDS);
    pair_destroy(&pair);
}

static void *expect_all_busy(void *argument)
{
    struct pair *pair = argument;

    CHECK_EQ(pthread_rwlock_tryrdlock(&pair->lock), EBUSY);
    CHECK_EQ(pthread_rwlock_trywrlock(&pair->lock), EBUSY);
    return NULL;
}

static void *expect_readable(void *argument)
{
    struct pair *pair = argument;

    CHECK_OK(pthread_rwlock_tryrdlock(&pair->lock));
    CHECK_OK(pthread_rwlock_unlock(&pair->lock));
    CHECK_EQ(pthread_rwlock_trywrlock(&pair->lock), EBUSY);
    return NULL;
}

static void *expect_free(void *argument)
{
    struct pair *pair = argument;

    CHECK_OK(pthread_rwlock_trywrlock(&pair->lock));
    CHECK_OK(pthread_rwlock_unlock(&pair->lock));
    CHECK_OK(pthread_rwlock_tryrdlock(&pair->lock));
    CHECK_OK(pthread_rwlock_unlock(&pair->lock));
    return NULL;
}

void posix_rwlock_try(void)
{
    struct pair pair;

    pair_init(&pair);
    CHECK_OK(pthread_rwlock_trywrlock(&pair.lock));
    posix_finish(posix_start(expect_all_busy, &pair));
    CHECK_OK(pthread_rwlock_unlock(&pair.lock));
    CHECK_OK(pthread_rwlock_tryrdlock(&pair.lock));
    posix_finish(posix_start(expect_readable, &pair));
    CHECK_EQ(pthread_rwlock_trywrlock(&pair.lock), EBUSY);
    CHECK_OK(pthread_rwlock_unlock(&pair.lock));
    posix_finish(posix_start(expect_free, &pair));
    pair_destroy(&pair);
}

/* Each read lock of one thread takes its own unlock. */
void posix_rwlock_reader_recursion(void)
{
    struct pair pair;

    pair_init(&pair);
    CHECK_OK(pthread_rwlock_rdlock(&pair.lock));
    CHECK_OK(pthread_rwlock_rdlock(&pair.lock));
    CHECK_OK(pthread_rwlock_tryrdlock(&pair.lock));
    for (int held = 3; held > 0; held--) {
        posix_finish(posix_start(expect_readable, &pair));
        CHECK_OK(pthread_rwlock_unlock(&pair.lock));
    }
    posix_finish(posix_start(expect_free, &pair));
    pair_destroy(&pair);
}

static void *write_once(void *argument)
{
    struct pair *pair = argument;

    posix_gate_raise(&pair->gate);
    CHECK_OK(pthread_rwlock_wrlock(&pair->lock));
    pair->left++;
    CHECK_OK(pthread_rwlock_unlock(&pair->lock));
    return NULL;
}

/* By default readers are preferred here, so a reader may lock again past a blocked writer. */
void posix_rwlock_reader_recursion_past_writer(void)
{
    struct pair pair;
    pthread_t thread;

    pair_init(&pair);
    CHECK_OK(pthread_rwlock_rdlock(&pair.lock));
    thread = posix_start(write_once, &pair);
    posix_gate_wait(&pair.gate, 1);
    CHECK_OK(sched_yield());
    CHECK_OK(pthread_rwlock_rdlock(&pair.lock));
    CHECK_EQ(pair.left, 0);
    CHECK_OK(pthread_rwlock_unlock(&pair.lock));
    CHECK_EQ(pair.left, 0);
    CHECK_OK(pthread_rwlock_unlock(&pair.lock));
    posix_finish(thread);
    CHECK_EQ(pair.left, 1);
    pair_destroy(&pair);
}

static void *expect_timeouts(void *argument)
{
    struct pair *pair = argument;
    struct timespec deadline = posix_deadline(CLOCK_REALTIME, POSIX_SHORT_US);
    struct timespec past = posix_past(CLOCK_REALTIME);
    struct timespec malformed = posix_malformed(CLOCK_REALTIME);

    CHECK_EQ(pthread_rwlock_timedrdlock(&pair->lock, &deadline), ETIMEDOUT);
    CHECK(posix_passed(CLOCK_REALTIME, &deadline));
    CHECK_EQ(pthread_rwlock_timedrdlock(&pair->lock, &past), ETIMEDOUT);
    CHECK_EQ(pthread_rwlock_timedrdlock(&pair->lock, &malformed), EINVAL);
    deadline = posix_deadline(CLOCK_REALTIME, POSIX_SHORT_US);
    CHECK_EQ(pthread_rwlock_timedwrlock(&pair->lock, &deadline), ETIMEDOUT);
    CHECK(posix_passed(CLOCK_REALTIME, &deadline));
    CHECK_EQ(pthread_rwlock_timedwrlock(&pair->lock, &past), ETIMEDOUT);
    CHECK_EQ(pthread_rwlock_timedwrlock(&pair->lock, &malformed), EINVAL);
    return NULL;
}

void posix_rwlock_timed_out(void)
{
    struct pair pair;

    pair_init(&pair);
    CHECK_OK(pthread_rwlock_wrlock(&pair.lock));
    posix_finish(posix_start(expect_timeouts, &pair));
    CHECK_OK(pthread_rwlock_unlock(&pair.lock));
    posix_finish(posix_start(expect_free, &pair));
    pair_destroy(&pair);
}

static void *expect_write_timeout(void *argument)
{
    struct pair *pair = argument;
    struct timespec deadline = posix_deadline(CLOCK_REALTIME, POSIX_SHORT_US);
    struct timespec past = posix_past(CLOCK_REALTIME);

    CHECK_EQ(pthread_rwlock_timedwrlock(&pair->lock, &deadline), ETIMEDOUT);
    /* A writer that gave up leaves nothing behind; and a free place ignores the deadline. */
    CHECK_OK(pthread_rwlock_timedrdlock(&pair->lock, &past));
    CHECK_OK(pthread_rwlock_unlock(&pair->lock));
    return NULL;
}

void posix_rwlock_timed_against_reader(void)
{
    struct pair pair;
    struct timespec past = posix_past(CLOCK_REALTIME);

    pair_init(&pair);
    CHECK_OK(pthread_rwlock_rdlock(&pair.lock));
    posix_finish(posix_start(expect_write_timeout, &pair));
    CHECK_OK(pthread_rwlock_unlock(&pair.lock));
    CHECK_OK(pthread_rwlock_timedwrlock(&pair.lock, &past));
    CHECK_OK(pthread_rwlock_unlock(&pair.lock));
    pair_destroy(&pair);
}

static void *expect_timeouts_by_clock(void *argument)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
    struct pair *pair = argument;

    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct timespec deadline = posix_deadline(clocks[i], POSIX_SHORT_US);

        CHECK_EQ(pthread_rwlock_clockrdlock(&pair->lock, clocks[i], &deadline), ETIMEDOUT);
        CHECK(posix_passed(clocks[i], &deadline));
        deadline = posix_deadline(clocks[i], POSIX_SHORT_US);
        CHECK_EQ(pthread_rwlock_clockwrlock(&pair->lock, clocks[i], &deadline), ETIMEDOUT);
        CHECK(posix_passed(clocks[i], &deadline));
    }
    return NULL;
}

void posix_rwlock_timed_by_clock(void)
{
    struct pair pair;
    struct timespec past = posix_past(CLOCK_MONOTONIC);

    pair_init(&pair);
    CHECK_OK(pthread_rwlock_clockwrlock(&pair.lock, CLOCK_MONOTONIC, &past));
    posix_finish(posix_start(expect_timeouts_by_clock, &pair));
    CHECK_OK(pthread_rwlock_unlock(&pair.lock));
    CHECK_OK(pthread_rwlock_clockrdlock(&pair.lock, CLOCK_MONOTONIC, &past));
    CHECK_OK(pthread_rwlock_unlock(&pair.lock));
    CHECK_EQ(pthread_rwlock_clockrdlock(&pair.lock, CLOCK_PROCESS_CPUTIME_ID, &past), EINVAL);
    pair_destroy(&pair);
}

void posix_rwlock_static_initialiser(void)
{
    struct pair pair = {.lock = PTHREAD_RWLOCK_INITIALIZER};
    pthread_t thread;

    posix_gate_init(&pair.gate);
    thread = posix_start(write_pair, &pair);
    read_pair(&pair);
    posix_finish(thread);
    CHECK_EQ(pair.right, ROUNDS);
    pair_destroy(&pair);
}

void posix_rwlock_attributes(void)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlock_t lock;
    int value = -1;

    CHECK_OK(pthread_rwlockattr_init(&attributes));
    CHECK_OK(pthread_rwlockattr_getpshared(&attributes, &value));
    CHECK_EQ(value, PTHREAD_PROCESS_PRIVATE);
    CHECK_OK(pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
    CHECK_OK(pthread_rwlockattr_getpshared(&attributes, &value));
    CHECK_EQ(value, PTHREAD_PROCESS_SHARED);
    CHECK_EQ(pthread_rwlockattr_setpshared(&attributes, NO_SUCH), EINVAL);
    CHECK_OK(pthread_rwlockattr_getkind_np(&attributes, &value));
    CHECK_EQ(value, PTHREAD_RWLOCK_PREFER_READER_NP);
    CHECK_OK(pthread_rwlockattr_setkind_np(&attributes,
                                           PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP));
    CHECK_OK(pthread_rwlockattr_getkind_np(&attributes, &value));
    CHECK_EQ(value, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    CHECK_OK(pthread_rwlock_init(&lock, &attributes));
    CHECK_OK(pthread_rwlockattr_destroy(&attributes));
    CHECK_OK(pthread_rwlock_wrlock(&lock));
    CHECK_OK(pthread_rwlock_unlock(&lock));
    CHECK_OK(pthread_rwlock_destroy(&lock));
}

static void *write_first(void *argument)
{
    struct pair *pair = argument;

    CHECK_OK(pthread_rwlock_wrlock(&pair->lock));
    pair->left = 1;
    CHECK_OK(pthread_rwlock_unlock(&pair->lock));
    return NULL;
}

/* Sooner or later the writer waits, and nobody reads any more until it has written. */
static void check_preferred(struct pair *pair)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    pthread_t thread;

    CHECK_OK(pthread_rwlock_rdlock(&pair->lock));
    thread = posix_start(write_first, pair);
    while (pthread_rwlock_tryrdlock(&pair->lock) == 0) {
        CHECK_OK(pthread_rwlock_unlock(&pair->lock));
        nanosleep(&nap, NULL);
    }
    CHECK_OK(pthread_rwlock_unlock(&pair->lock));
    CHECK_OK(pthread_rwlock_rdlock(&pair->lock));
    CHECK_EQ(pair->left, 1);
    CHECK_OK(pthread_rwlock_unlock(&pair->lock));
    posix_finish(thread);
    pair_destroy(pair);
}

void posix_rwlock_writer_preferred(void)
{
    struct pair pair = {.lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP};
    pthread_rwlockattr_t attributes;

    posix_gate_init(&pair.gate);
    check_preferred(&pair);
    pair_init(&pair);
    CHECK_OK(pthread_rwlock_destroy(&pair.lock));
    CHECK_OK(pthread_rwlockattr_init(&attributes));
    CHECK_OK(pthread_rwlockattr_setkind_np(&attributes,
                                           PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP));
    CHECK_OK(pthread_rwlock_init(&pair.lock, &attributes));
    CHECK_OK(pthread_rwlockattr_destroy(&attributes));
    check_preferred(&pair);
}
