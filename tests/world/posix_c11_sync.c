/* C11 mutexes and condition variables, by their result codes. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <stdbool.h>
#include <stddef.h>
#include <threads.h>

enum { THREADS = 3, ROUNDS = 3 };

struct counter {
    mtx_t mutex;
    uint32_t count;
};

static int count_up(void *argument)
{
    struct counter *counter = argument;

    for (int round = 0; round < ROUNDS; round++) {
        CHECK_EQ(mtx_lock(&counter->mutex), thrd_success);
        counter->count++;
        CHECK_EQ(mtx_unlock(&counter->mutex), thrd_success);
    }
    return 0;
}

static void join_all(thrd_t *threads, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(thrd_join(threads[i], NULL), thrd_success);
}

void posix_c11_mutex_excludes(void)
{
    static const int types[] = {mtx_plain, mtx_timed, mtx_plain | mtx_recursive,
                                mtx_timed | mtx_recursive};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct counter counter = {.count = 0};
        thrd_t threads[THREADS];

        CHECK_EQ(mtx_init(&counter.mutex, types[i]), thrd_success);
        for (size_t j = 0; j < THREADS; j++)
            CHECK_EQ(thrd_create(&threads[j], count_up, &counter), thrd_success);
        join_all(threads, THREADS);
        CHECK_EQ(counter.count, THREADS * ROUNDS);
        mtx_destroy(&counter.mutex);
    }
}

static int expect_busy(void *mutex)
{
    CHECK_EQ(mtx_trylock(mutex), thrd_busy);
    return 0;
}

static int expect_free(void *mutex)
{
    CHECK_EQ(mtx_trylock(mutex), thrd_success);
    CHECK_EQ(mtx_unlock(mutex), thrd_success);
    return 0;
}

static void run(thrd_start_t entry, void *argument)
{
    thrd_t thread;

    CHECK_EQ(thrd_create(&thread, entry, argument), thrd_success);
    join_all(&thread, 1);
}

void posix_c11_mutex_trylock(void)
{
    mtx_t mutex;

    CHECK_EQ(mtx_init(&mutex, mtx_plain), thrd_success);
    CHECK_EQ(mtx_lock(&mutex), thrd_success);
    run(expect_busy, &mutex);
    CHECK_EQ(mtx_unlock(&mutex), thrd_success);
    run(expect_free, &mutex);
    mtx_destroy(&mutex);
}

void posix_c11_mutex_recursive(void)
{
    mtx_t mutex;
    struct timespec far = posix_deadline(CLOCK_REALTIME, POSIX_FAR_US);

    CHECK_EQ(mtx_init(&mutex, mtx_timed | mtx_recursive), thrd_success);
    CHECK_EQ(mtx_lock(&mutex), thrd_success);
    CHECK_EQ(mtx_trylock(&mutex), thrd_success);
    CHECK_EQ(mtx_timedlock(&mutex, &far), thrd_success);
    for (int held = 3; held > 0; held--) {
        run(expect_busy, &mutex);
        CHECK_EQ(mtx_unlock(&mutex), thrd_success);
    }
    run(expect_free, &mutex);
    mtx_destroy(&mutex);
}

static int expect_timeout(void *mutex)
{
    struct timespec deadline = posix_deadline(CLOCK_REALTIME, POSIX_SHORT_US);
    struct timespec past = posix_past(CLOCK_REALTIME);

    CHECK_EQ(mtx_timedlock(mutex, &deadline), thrd_timedout);
    CHECK(posix_passed(CLOCK_REALTIME, &deadline));
    CHECK_EQ(mtx_timedlock(mutex, &past), thrd_timedout);
    return 0;
}

void posix_c11_mutex_timed(void)
{
    mtx_t mutex;
    struct timespec far = posix_deadline(CLOCK_REALTIME, POSIX_FAR_US);

    CHECK_EQ(mtx_init(&mutex, mtx_timed), thrd_success);
    CHECK_EQ(mtx_timedlock(&mutex, &far), thrd_success);
    run(expect_timeout, &mutex);
    CHECK_EQ(mtx_unlock(&mutex), thrd_success);
    mtx_destroy(&mutex);
}

struct room {
    mtx_t mutex;
    cnd_t cond;
    uint32_t tokens;
    uint32_t taken;
    bool open;
};

static void room_init(struct room *room)
{
    *room = (struct room){.tokens = 0};
    CHECK_EQ(mtx_init(&room->mutex, mtx_plain), thrd_success);
    CHECK_EQ(cnd_init(&room->cond), thrd_success);
}

static void room_destroy(struct room *room)
{
    cnd_destroy(&room->cond);
    mtx_destroy(&room->mutex);
}

static int take_token(void *argument)
{
    struct room *room = argument;

    CHECK_EQ(mtx_lock(&room->mutex), thrd_success);
    while (room->tokens == 0 && !room->open)
        CHECK_EQ(cnd_wait(&room->cond, &room->mutex), thrd_success);
    room->taken++;
    if (!room->open)
        room->tokens--;
    CHECK_EQ(mtx_unlock(&room->mutex), thrd_success);
    return 0;
}

void posix_c11_cond_signal(void)
{
    struct room room;
    thrd_t threads[THREADS];

    room_init(&room);
    for (size_t i = 0; i < THREADS; i++)
        CHECK_EQ(thrd_create(&threads[i], take_token, &room), thrd_success);
    for (size_t i = 0; i < THREADS; i++) {
        CHECK_EQ(mtx_lock(&room.mutex), thrd_success);
        room.tokens++;
        CHECK_EQ(cnd_signal(&room.cond), thrd_success);
        CHECK_EQ(mtx_unlock(&room.mutex), thrd_success);
    }
    join_all(threads, THREADS);
    CHECK_EQ(room.taken, THREADS);
    CHECK_EQ(room.tokens, 0);
    room_destroy(&room);
}

void posix_c11_cond_broadcast(void)
{
    struct room room;
    thrd_t threads[THREADS];

    room_init(&room);
    for (size_t i = 0; i < THREADS; i++)
        CHECK_EQ(thrd_create(&threads[i], take_token, &room), thrd_success);
    CHECK_EQ(mtx_lock(&room.mutex), thrd_success);
    room.open = true;
    CHECK_EQ(cnd_broadcast(&room.cond), thrd_success);
    CHECK_EQ(mtx_unlock(&room.mutex), thrd_success);
    join_all(threads, THREADS);
    CHECK_EQ(room.taken, THREADS);
    room_destroy(&room);
}

void posix_c11_cond_timed(void)
{
    struct room room;
    struct timespec deadline;
    struct timespec past = posix_past(CLOCK_REALTIME);
    int rc = thrd_success;

    room_init(&room);
    CHECK_EQ(mtx_lock(&room.mutex), thrd_success);
    deadline = posix_deadline(CLOCK_REALTIME, POSIX_SHORT_US);
    while (rc == thrd_success)
        rc = cnd_timedwait(&room.cond, &room.mutex, &deadline);
    CHECK_EQ(rc, thrd_timedout);
    CHECK(posix_passed(CLOCK_REALTIME, &deadline));
    CHECK_EQ(cnd_timedwait(&room.cond, &room.mutex, &past), thrd_timedout);
    run(expect_busy, &room.mutex);
    CHECK_EQ(mtx_unlock(&room.mutex), thrd_success);
    room_destroy(&room);
}
