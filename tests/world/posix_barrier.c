/* Barriers: nobody leaves before all have come, one of each round is told so. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <stddef.h>

enum { THREADS = 3, ROUNDS = 3, NO_SUCH = 77 };

struct party {
    pthread_barrier_t barrier;
    pthread_mutex_t mutex;
    uint32_t arrived;
    uint32_t serial;
};

static void meet(struct party *party)
{
    int rc = pthread_barrier_wait(&party->barrier);

    CHECK(rc == 0 || rc == PTHREAD_BARRIER_SERIAL_THREAD);
    if (rc != PTHREAD_BARRIER_SERIAL_THREAD)
        return;
    CHECK_OK(pthread_mutex_lock(&party->mutex));
    party->serial++;
    CHECK_OK(pthread_mutex_unlock(&party->mutex));
}

/* Two meetings a round: one before the count is looked at, one before it grows again. */
static void *come_every_round(void *argument)
{
    struct party *party = argument;

    for (uint32_t round = 1; round <= ROUNDS; round++) {
        CHECK_OK(pthread_mutex_lock(&party->mutex));
        party->arrived++;
        CHECK_OK(pthread_mutex_unlock(&party->mutex));
        meet(party);
        CHECK_EQ(party->arrived, round * THREADS);
        meet(party);
    }
    return NULL;
}

void posix_barrier_rounds(void)
{
    struct party party = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[THREADS - 1];

    CHECK_OK(pthread_barrier_init(&party.barrier, NULL, THREADS));
    for (size_t i = 0; i < THREADS - 1; i++)
        threads[i] = posix_start(come_every_round, &party);
    come_every_round(&party);
    for (size_t i = 0; i < THREADS - 1; i++)
        posix_finish(threads[i]);
    CHECK_EQ(party.arrived, ROUNDS * THREADS);
    CHECK_EQ(party.serial, 2 * ROUNDS);
    CHECK_OK(pthread_barrier_destroy(&party.barrier));
    CHECK_OK(pthread_mutex_destroy(&party.mutex));
}

void posix_barrier_of_one(void)
{
    pthread_barrier_t barrier;

    CHECK_OK(pthread_barrier_init(&barrier, NULL, 1));
    for (int round = 0; round < ROUNDS; round++)
        CHECK_EQ(pthread_barrier_wait(&barrier), PTHREAD_BARRIER_SERIAL_THREAD);
    CHECK_OK(pthread_barrier_destroy(&barrier));
}

void posix_barrier_of_none(void)
{
    pthread_barrier_t barrier;

    CHECK_EQ(pthread_barrier_init(&barrier, NULL, 0), EINVAL);
}

void posix_barrier_attributes(void)
{
    pthread_barrierattr_t attributes;
    pthread_barrier_t barrier;
    int value = -1;

    CHECK_OK(pthread_barrierattr_init(&attributes));
    CHECK_OK(pthread_barrierattr_getpshared(&attributes, &value));
    CHECK_EQ(value, PTHREAD_PROCESS_PRIVATE);
    CHECK_EQ(pthread_barrierattr_setpshared(&attributes, NO_SUCH), EINVAL);
    CHECK_OK(pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
    CHECK_OK(pthread_barrierattr_getpshared(&attributes, &value));
    CHECK_EQ(value, PTHREAD_PROCESS_SHARED);
    CHECK_OK(pthread_barrier_init(&barrier, &attributes, 1));
    CHECK_OK(pthread_barrierattr_destroy(&attributes));
    CHECK_EQ(pthread_barrier_wait(&barrier), PTHREAD_BARRIER_SERIAL_THREAD);
    CHECK_OK(pthread_barrier_destroy(&barrier));
}
