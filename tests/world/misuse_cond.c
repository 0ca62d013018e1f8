/* Condition variables used as the standard forbids, or so that a wakeup gets lost. */
#include "misuse_list.h"
#include "posix_support.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct room {
    pthread_mutex_t mutex;
    pthread_mutex_t other_mutex;
    pthread_cond_t cond;
    struct posix_gate gate;
    uint32_t tokens;
    bool open;
};

static void room_init(struct room *room)
{
    pthread_mutex_init(&room->mutex, NULL);
    pthread_mutex_init(&room->other_mutex, NULL);
    pthread_cond_init(&room->cond, NULL);
    posix_gate_init(&room->gate);
    room->tokens = 0;
    room->open = false;
}

static void room_destroy(struct room *room)
{
    posix_gate_destroy(&room->gate);
    pthread_cond_destroy(&room->cond);
    pthread_mutex_destroy(&room->other_mutex);
    pthread_mutex_destroy(&room->mutex);
}

void misuse_cond_wait_without_mutex(void)
{
    struct room room;

    room_init(&room);
    while (!room.open)
        pthread_cond_wait(&room.cond, &room.mutex);
    room_destroy(&room);
}

static void *wait_with_foreign_mutex(void *argument)
{
    struct room *room = argument;

    while (!room->open)
        pthread_cond_wait(&room->cond, &room->mutex);
    return NULL;
}

void misuse_cond_wait_with_foreign_mutex(void)
{
    struct room room;

    room_init(&room);
    pthread_mutex_lock(&room.mutex);
    posix_finish(posix_start(wait_with_foreign_mutex, &room));
    pthread_mutex_unlock(&room.mutex);
    room_destroy(&room);
}

static void *wait_until_open(void *argument)
{
    struct room *room = argument;

    pthread_mutex_lock(&room->mutex);
    posix_gate_raise(&room->gate);
    while (!room->open)
        pthread_cond_wait(&room->cond, &room->mutex);
    pthread_mutex_unlock(&room->mutex);
    return NULL;
}

/* Having had the mutex after the waiter announced itself, one knows that it waits. */
static pthread_t start_waiter(struct room *room)
{
    pthread_t thread = posix_start(wait_until_open, room);

    posix_gate_wait(&room->gate, 1);
    pthread_mutex_lock(&room->mutex);
    return thread;
}

void misuse_cond_two_mutexes(void)
{
    struct room room;
    pthread_t thread;

    room_init(&room);
    thread = start_waiter(&room);
    pthread_mutex_unlock(&room.mutex);
    pthread_mutex_lock(&room.other_mutex);
    while (!room.open)
        pthread_cond_wait(&room.cond, &room.other_mutex);
    pthread_mutex_unlock(&room.other_mutex);
    posix_finish(thread);
    room_destroy(&room);
}

/* After a spurious wakeup the waiter comes back to a condition that is gone instead. */
void misuse_cond_destroyed_with_waiter(void)
{
    struct room room;
    pthread_t thread;

    room_init(&room);
    thread = start_waiter(&room);
    pthread_cond_destroy(&room.cond);
    pthread_mutex_unlock(&room.mutex);
    posix_finish(thread);
    room_destroy(&room);
}

void misuse_cond_signalled_after_destroy(void)
{
    pthread_cond_t cond;

    pthread_cond_init(&cond, NULL);
    pthread_cond_destroy(&cond);
    pthread_cond_signal(&cond);
}

void misuse_cond_never_initialised(void)
{
    pthread_cond_t cond;

    memset(&cond, 0x5a, sizeof cond);
    pthread_cond_broadcast(&cond);
}

static void *open_silently(void *argument)
{
    struct room *room = argument;

    pthread_mutex_lock(&room->mutex);
    room->open = true;
    pthread_mutex_unlock(&room->mutex);
    return NULL;
}

/* Nobody signals. A waiter that comes late, or wakes for no reason, gets away with it. */
void misuse_cond_never_signalled(void)
{
    struct room room;
    pthread_t threads[2];

    room_init(&room);
    threads[0] = posix_start(wait_until_open, &room);
    threads[1] = posix_start(open_silently, &room);
    posix_finish(threads[0]);
    posix_finish(threads[1]);
    room_destroy(&room);
}

static void *signal_without_predicate(void *argument)
{
    struct room *room = argument;

    pthread_mutex_lock(&room->mutex);
    pthread_cond_signal(&room->cond);
    pthread_mutex_unlock(&room->mutex);
    return NULL;
}

/* A signal is not kept: sent before the wait began, it is lost. */
void misuse_cond_signal_before_wait(void)
{
    struct room room;
    pthread_t thread;

    room_init(&room);
    thread = posix_start(signal_without_predicate, &room);
    pthread_mutex_lock(&room.mutex);
    pthread_cond_wait(&room.cond, &room.mutex);
    pthread_mutex_unlock(&room.mutex);
    posix_finish(thread);
    room_destroy(&room);
}

static void *take_token(void *argument)
{
    struct room *room = argument;

    pthread_mutex_lock(&room->mutex);
    while (room->tokens == 0)
        pthread_cond_wait(&room->cond, &room->mutex);
    room->tokens--;
    pthread_mutex_unlock(&room->mutex);
    return NULL;
}

/* Two tokens, two takers, but one signal, which wakes one of them. */
void misuse_cond_signal_for_broadcast(void)
{
    struct room room;
    pthread_t threads[2];

    room_init(&room);
    threads[0] = posix_start(take_token, &room);
    threads[1] = posix_start(take_token, &room);
    pthread_mutex_lock(&room.mutex);
    room.tokens = 2;
    pthread_cond_signal(&room.cond);
    pthread_mutex_unlock(&room.mutex);
    posix_finish(threads[0]);
    posix_finish(threads[1]);
    room_destroy(&room);
}
