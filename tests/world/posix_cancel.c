/* Cancellation: where it acts, what runs on the way out, and what it must not touch. A request
 * may arrive before the thread reaches its cancellation point or while it is blocked there. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stddef.h>

enum { NO_SUCH = 77 };

struct victim {
    struct posix_gate gate;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    sem_t sem;
    uint32_t cleanups;
    uint32_t survived;
};

static void victim_init(struct victim *victim)
{
    pthread_mutexattr_t attributes;

    posix_gate_init(&victim->gate);
    /* Error-checking, so that an unlock by a cleanup handler proves ownership. */
    CHECK_OK(pthread_mutexattr_init(&attributes));
    CHECK_OK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK));
    CHECK_OK(pthread_mutex_init(&victim->mutex, &attributes));
    CHECK_OK(pthread_mutexattr_destroy(&attributes));
    CHECK_OK(pthread_cond_init(&victim->cond, NULL));
    CHECK_OK(sem_init(&victim->sem, 0, 0));
    victim->cleanups = 0;
    victim->survived = 0;
}

static void victim_destroy(struct victim *victim)
{
    CHECK_OK(sem_destroy(&victim->sem));
    CHECK_OK(pthread_cond_destroy(&victim->cond));
    CHECK_OK(pthread_mutex_destroy(&victim->mutex));
    posix_gate_destroy(&victim->gate);
}

/* Starts, waits until the victim has raised its gate, cancels, joins. */
static void cancel_and_join(struct victim *victim, void *(*entry)(void *))
{
    pthread_t thread = posix_start(entry, victim);

    posix_gate_wait(&victim->gate, 1);
    CHECK_OK(pthread_cancel(thread));
    CHECK(posix_finish(thread) == PTHREAD_CANCELED);
    CHECK_EQ(victim->survived, 0);
}

static void unlock_and_count(void *argument)
{
    struct victim *victim = argument;

    victim->cleanups++;
    CHECK_OK(pthread_mutex_unlock(&victim->mutex));
}

static void *wait_on_cond(void *argument)
{
    struct victim *victim = argument;

    CHECK_OK(pthread_mutex_lock(&victim->mutex));
    pthread_cleanup_push(unlock_and_count, victim);
    posix_gate_raise(&victim->gate);
    for (;;)
        CHECK_OK(pthread_cond_wait(&victim->cond, &victim->mutex));
    pthread_cleanup_pop(0);
    return NULL;
}

/* The mutex is owned again by the time the first handler runs. */
void posix_cancel_cond_wait(void)
{
    struct victim victim;

    victim_init(&victim);
    cancel_and_join(&victim, wait_on_cond);
    CHECK_EQ(victim.cleanups, 1);
    CHECK_OK(pthread_mutex_trylock(&victim.mutex));
    CHECK_OK(pthread_mutex_unlock(&victim.mutex));
    victim_destroy(&victim);
}

static void *timedwait_on_cond(void *argument)
{
    struct victim *victim = argument;
    struct timespec far = posix_deadline(CLOCK_REALTIME, POSIX_FAR_US);

    CHECK_OK(pthread_mutex_lock(&victim->mutex));
    pthread_cleanup_push(unlock_and_count, victim);
    posix_gate_raise(&victim->gate);
    for (;;)
        CHECK_OK(pthread_cond_timedwait(&victim->cond, &victim->mutex, &far));
    pthread_cleanup_pop(0);
    return NULL;
}

void posix_cancel_cond_timedwait(void)
{
    struct victim victim;

    victim_init(&victim);
    cancel_and_join(&victim, timedwait_on_cond);
    CHECK_EQ(victim.cleanups, 1);
    victim_destroy(&victim);
}

static void *wait_on_sem(void *argument)
{
    struct victim *victim = argument;

    posix_gate_raise(&victim->gate);
    sem_wait(&victim->sem);
    victim->survived = 1;
    return NULL;
}

/* The wait that was cancelled took nothing: a later post is still there. */
void posix_cancel_sem_wait(void)
{
    struct victim victim;
    int value = -1;

    victim_init(&victim);
    cancel_and_join(&victim, wait_on_sem);
    CHECK_OK(sem_post(&victim.sem));
    CHECK_OK(sem_getvalue(&victim.sem, &value));
    CHECK_EQ(value, 1);
    victim_destroy(&victim);
}

static void *sleep_long(void *argument)
{
    struct victim *victim = argument;
    struct timespec span = posix_span(POSIX_FAR_US);

    posix_gate_raise(&victim->gate);
    nanosleep(&span, NULL);
    victim->survived = 1;
    return NULL;
}

void posix_cancel_sleep(void)
{
    struct victim victim;

    victim_init(&victim);
    cancel_and_join(&victim, sleep_long);
    victim_destroy(&victim);
}

struct joiner {
    struct victim victim;
    pthread_t target;
    struct posix_gate target_gate;
};

static void *wait_for_gate(void *argument)
{
    posix_gate_wait(argument, 1);
    return argument;
}

static void *join_target(void *argument)
{
    struct joiner *joiner = argument;

    posix_gate_raise(&joiner->victim.gate);
    pthread_join(joiner->target, NULL);
    joiner->victim.survived = 1;
    return NULL;
}

/* A thread whose joiner was cancelled stays joinable. */
void posix_cancel_join(void)
{
    struct joiner joiner;

    victim_init(&joiner.victim);
    posix_gate_init(&joiner.target_gate);
    joiner.target = posix_start(wait_for_gate, &joiner.target_gate);
    cancel_and_join(&joiner.victim, join_target);
    posix_gate_raise(&joiner.target_gate);
    CHECK(posix_finish(joiner.target) == &joiner.target_gate);
    posix_gate_destroy(&joiner.target_gate);
    victim_destroy(&joiner.victim);
}

static void *disabled_then_enabled(void *argument)
{
    struct victim *victim = argument;
    int before = -1;

    CHECK_OK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before));
    CHECK_EQ(before, PTHREAD_CANCEL_ENABLE);
    CHECK_OK(pthread_cancel(pthread_self()));
    pthread_testcancel();
    CHECK_OK(sem_post(&victim->sem));
    CHECK_OK(sem_wait(&victim->sem));
    victim->cleanups++;
    CHECK_OK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before));
    CHECK_EQ(before, PTHREAD_CANCEL_DISABLE);
    pthread_testcancel();
    victim->survived = 1;
    return NULL;
}

/* A request is held while cancellation is disabled, and acts after it was enabled. */
void posix_cancel_disabled_holds(void)
{
    struct victim victim;

    victim_init(&victim);
    CHECK(posix_finish(posix_start(disabled_then_enabled, &victim)) == PTHREAD_CANCELED);
    CHECK_EQ(victim.cleanups, 1);
    CHECK_EQ(victim.survived, 0);
    victim_destroy(&victim);
}

static void *disabled_to_the_end(void *argument)
{
    CHECK_OK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL));
    CHECK_OK(pthread_cancel(pthread_self()));
    pthread_testcancel();
    return argument;
}

void posix_cancel_never_acted_upon(void)
{
    int cell;

    CHECK(posix_finish(posix_start(disabled_to_the_end, &cell)) == &cell);
}

void posix_cancel_state_and_type(void)
{
    int before = -1;

    CHECK_OK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before));
    CHECK_EQ(before, PTHREAD_CANCEL_ENABLE);
    CHECK_EQ(pthread_setcancelstate(NO_SUCH, &before), EINVAL);
    CHECK_OK(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before));
    CHECK_EQ(before, PTHREAD_CANCEL_DEFERRED);
    CHECK_OK(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &before));
    CHECK_EQ(before, PTHREAD_CANCEL_ASYNCHRONOUS);
    CHECK_EQ(pthread_setcanceltype(NO_SUCH, &before), EINVAL);
    CHECK_OK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before));
    CHECK_EQ(before, PTHREAD_CANCEL_DISABLE);
}

static void count_cleanup(void *argument)
{
    struct victim *victim = argument;

    victim->cleanups++;
}

static void *spin_asynchronously(void *argument)
{
    struct victim *victim = argument;

    pthread_cleanup_push(count_cleanup, victim);
    CHECK_OK(sem_post(&victim->sem));
    CHECK_OK(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
    for (;;) sched_yield();
    pthread_cleanup_pop(1);
    return NULL;
}

/* Yielding is no cancellation point, and need not be one. */
void posix_cancel_asynchronous(void)
{
    struct victim victim;

    victim_init(&victim);
    pthread_t thread = posix_start(spin_asynchronously, &victim);
    CHECK_OK(sem_wait(&victim.sem));
    CHECK_OK(pthread_cancel(thread));
    CHECK(posix_finish(thread) == PTHREAD_CANCELED);
    CHECK_EQ(victim.cleanups, 1);
    victim_destroy(&victim);
}

static void *enable_asynchronously(void *argument)
{
    struct victim *victim = argument;

    CHECK_OK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL));
    CHECK_OK(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
    CHECK_OK(pthread_cancel(pthread_self()));
    victim->cleanups++;
    CHECK_OK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL));
    victim->survived = 1;
    return NULL;
}

/* What was held back acts at once where it is let in, without a cancellation point. */
void posix_cancel_asynchronous_enabled(void)
{
    struct victim victim;

    victim_init(&victim);
    CHECK(posix_finish(posix_start(enable_asynchronously, &victim)) == PTHREAD_CANCELED);
    CHECK_EQ(victim.cleanups, 1);
    CHECK_EQ(victim.survived, 0);
    victim_destroy(&victim);
}

static void *lock_with_request_pending(void *argument)
{
    struct victim *victim = argument;

    CHECK_OK(pthread_cancel(pthread_self()));
    CHECK_OK(pthread_mutex_lock(&victim->mutex));
    CHECK_OK(pthread_cond_signal(&victim->cond));
    CHECK_OK(sem_post(&victim->sem));
    CHECK_OK(sem_trywait(&victim->sem));
    CHECK_OK(pthread_mutex_unlock(&victim->mutex));
    victim->cleanups++;
    pthread_testcancel();
    victim->survived = 1;
    return NULL;
}

/* Locking, unlocking, signalling and posting are no cancellation points. */
void posix_cancel_not_in_lock(void)
{
    struct victim victim;

    victim_init(&victim);
    CHECK(posix_finish(posix_start(lock_with_request_pending, &victim)) == PTHREAD_CANCELED);
    CHECK_EQ(victim.cleanups, 1);
    CHECK_EQ(victim.survived, 0);
    victim_destroy(&victim);
}

static void *raise_and_return(void *argument)
{
    posix_gate_raise(argument);
    return argument;
}

/* Until it is joined, a thread that has ended can be cancelled: no error, and no effect. */
void posix_cancel_after_end(void)
{
    struct posix_gate gate;
    pthread_t thread;

    posix_gate_init(&gate);
    thread = posix_start(raise_and_return, &gate);
    posix_gate_wait(&gate, 1);
    for (int round = 0; round < 3; round++)
        CHECK_OK(sched_yield());
    CHECK_OK(pthread_cancel(thread));
    CHECK(posix_finish(thread) == &gate);
    posix_gate_destroy(&gate);
}
