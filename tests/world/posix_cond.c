/* Condition variables: waking, ownership of the mutex, life time. Every wait is in a loop over
 * its predicate, so a spurious wakeup is always allowed. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

enum { WAITERS = 3, NO_SUCH = 77 };

struct room {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    struct posix_gate gate;
    uint32_t tokens;
    uint32_t woken;
    bool open;
};

static void room_init(struct room *room)
{
    pthread_mutexattr_t attributes;

    *room = (struct room){.tokens = 0};
    CHECK_OK(pthread_mutexattr_init(&attributes));
    CHECK_OK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK));
    CHECK_OK(pthread_mutex_init(&room->mutex, &attributes));
    CHECK_OK(pthread_mutexattr_destroy(&attributes));
    CHECK_OK(pthread_cond_init(&room->cond, NULL));
    posix_gate_init(&room->gate);
}

static void room_destroy(struct room *room)
{
    posix_gate_destroy(&room->gate);
    CHECK_OK(pthread_cond_destroy(&room->cond));
    CHECK_OK(pthread_mutex_destroy(&room->mutex));
}

static void *take_token(void *argument)
{
    struct room *room = argument;

    CHECK_OK(pthread_mutex_lock(&room->mutex));
    posix_gate_raise(&room->gate);
    while (room->tokens == 0) {
        CHECK_OK(pthread_cond_wait(&room->cond, &room->mutex));
        /* An error-checking mutex says whose it is. */
        CHECK_EQ(pthread_mutex_lock(&room->mutex), EDEADLK);
    }
    room->tokens--;
    room->woken++;
    CHECK_OK(pthread_mutex_unlock(&room->mutex));
    return NULL;
}

static void put_token(struct room *room, bool signal_inside)
{
    CHECK_OK(pthread_mutex_lock(&room->mutex));
    room->tokens++;
    if (signal_inside)
        CHECK_OK(pthread_cond_signal(&room->cond));
    CHECK_OK(pthread_mutex_unlock(&room->mutex));
    if (!signal_inside)
        CHECK_OK(pthread_cond_signal(&room->cond));
}

/* Each waiter announced itself holding the mutex: who gets it after the last knows all blocked. */
static void wait_until_blocked(struct room *room)
{
    posix_gate_wait(&room->gate, WAITERS);
    CHECK_OK(pthread_mutex_lock(&room->mutex));
    CHECK_OK(pthread_mutex_unlock(&room->mutex));
}

/* One signal a token: were a signal to wake none of the blocked, a waiter would be left. */
static void hand_out_tokens(bool signal_inside, bool all_blocked)
{
    struct room room;
    pthread_t threads[WAITERS];

    room_init(&room);
    for (size_t i = 0; i < WAITERS; i++)
        threads[i] = posix_start(take_token, &room);
    if (all_blocked)
        wait_until_blocked(&room);
    for (size_t i = 0; i < WAITERS; i++)
        put_token(&room, signal_inside);
    for (size_t i = 0; i < WAITERS; i++)
        posix_finish(threads[i]);
    CHECK_EQ(room.woken, WAITERS);
    CHECK_EQ(room.tokens, 0);
    room_destroy(&room);
}

void posix_cond_signal_with_mutex(void)
{
    hand_out_tokens(true, false);
}

void posix_cond_signal_without_mutex(void)
{
    hand_out_tokens(false, false);
}

void posix_cond_signal_to_blocked(void)
{
    hand_out_tokens(true, true);
    hand_out_tokens(false, true);
}

static void *wait_until_open(void *argument)
{
    struct room *room = argument;

    CHECK_OK(pthread_mutex_lock(&room->mutex));
    posix_gate_raise(&room->gate);
    while (!room->open) {
        CHECK_OK(pthread_cond_wait(&room->cond, &room->mutex));
        CHECK_EQ(pthread_mutex_lock(&room->mutex), EDEADLK);
    }
    room->woken++;
    CHECK_OK(pthread_mutex_unlock(&room->mutex));
    return NULL;
}

/* One broadcast frees all that are blocked, and those that come late do not block. */
static void open_for_all(bool all_blocked)
{
    struct room room;
    pthread_t threads[WAITERS];

    room_init(&room);
    for (size_t i = 0; i < WAITERS; i++)
        threads[i] = posix_start(wait_until_open, &room);
    if (all_blocked)
        wait_until_blocked(&room);
    CHECK_OK(pthread_mutex_lock(&room.mutex));
    room.open = true;
    CHECK_OK(pthread_cond_broadcast(&room.cond));
    CHECK_OK(pthread_mutex_unlock(&room.mutex));
    for (size_t i = 0; i < WAITERS; i++)
        posix_finish(threads[i]);
    CHECK_EQ(room.woken, WAITERS);
    room_destroy(&room);
}

void posix_cond_broadcast(void)
{
    open_for_all(false);
}

void posix_cond_broadcast_to_blocked(void)
{
    open_for_all(true);
}

void posix_cond_nobody_waits(void)
{
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

    CHECK_OK(pthread_cond_signal(&cond));
    CHECK_OK(pthread_cond_broadcast(&cond));
    CHECK_OK(pthread_cond_destroy(&cond));
    CHECK_OK(pthread_cond_init(&cond, NULL));
    CHECK_OK(pthread_cond_signal(&cond));
    CHECK_OK(pthread_cond_destroy(&cond));
}

struct entry {
    pthread_mutex_t *mutex;
    pthread_cond_t *cond;
    bool open;
};

static void *wait_for_entry(void *argument)
{
    struct entry *entry = argument;

    CHECK_OK(pthread_mutex_lock(entry->mutex));
    while (!entry->open)
        CHECK_OK(pthread_cond_wait(entry->cond, entry->mutex));
    CHECK_OK(pthread_mutex_unlock(entry->mutex));
    return NULL;
}

static void open_entry(struct entry *entry)
{
    CHECK_OK(pthread_mutex_lock(entry->mutex));
    entry->open = true;
    CHECK_OK(pthread_cond_broadcast(entry->cond));
    CHECK_OK(pthread_mutex_unlock(entry->mutex));
}

/* The standard's own example: once its waiters are awakened the object may go, although they
 * have not got the mutex back yet. */
void posix_cond_destroyed_after_broadcast(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t *cond = malloc(sizeof *cond);
    struct entry entry = {.mutex = &mutex, .cond = cond};
    pthread_t thread;

    CHECK_OK(pthread_cond_init(cond, NULL));
    thread = posix_start(wait_for_entry, &entry);
    open_entry(&entry);
    /* A waiter that saw `open` never waits again; one that waited has been awakened. */
    CHECK_OK(pthread_cond_destroy(cond));
    free(cond);
    posix_finish(thread);
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

/* One mutex at a time is the rule, not one mutex for ever. */
void posix_cond_another_mutex_later(void)
{
    pthread_mutex_t mutexes[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

    for (size_t i = 0; i < 2; i++) {
        struct entry entry = {.mutex = &mutexes[i], .cond = &cond};
        pthread_t thread = posix_start(wait_for_entry, &entry);

        open_entry(&entry);
        posix_finish(thread);
    }
    CHECK_OK(pthread_cond_destroy(&cond));
    CHECK_OK(pthread_mutex_destroy(&mutexes[0]));
    CHECK_OK(pthread_mutex_destroy(&mutexes[1]));
}

/* Held once, a recursive mutex can be waited with like any other. */
void posix_cond_recursive_mutex(void)
{
    pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    struct entry entry = {.mutex = &mutex, .cond = &cond};
    pthread_t thread = posix_start(wait_for_entry, &entry);

    open_entry(&entry);
    posix_finish(thread);
    CHECK_OK(pthread_cond_destroy(&cond));
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

void posix_cond_attributes(void)
{
    pthread_condattr_t attributes;
    clockid_t clock = -1;
    int shared = -1;

    CHECK_OK(pthread_condattr_init(&attributes));
    CHECK_OK(pthread_condattr_getclock(&attributes, &clock));
    CHECK_EQ(clock, CLOCK_REALTIME);
    CHECK_OK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
    CHECK_EQ(pthread_condattr_setclock(&attributes, CLOCK_PROCESS_CPUTIME_ID), EINVAL);
    CHECK_OK(pthread_condattr_getclock(&attributes, &clock));
    CHECK_EQ(clock, CLOCK_MONOTONIC);
    CHECK_OK(pthread_condattr_getpshared(&attributes, &shared));
    CHECK_EQ(shared, PTHREAD_PROCESS_PRIVATE);
    CHECK_OK(pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
    CHECK_OK(pthread_condattr_getpshared(&attributes, &shared));
    CHECK_EQ(shared, PTHREAD_PROCESS_SHARED);
    CHECK_EQ(pthread_condattr_setpshared(&attributes, NO_SUCH), EINVAL);
    CHECK_OK(pthread_condattr_destroy(&attributes));
}
