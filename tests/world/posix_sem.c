/* Semaphores. They fail through errno, unlike the rest of the thread functions. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stddef.h>

enum { THREADS = 3 };

static void expect_value(sem_t *sem, int expected)
{
    int value = -1;

    CHECK_OK(sem_getvalue(sem, &value));
    CHECK_EQ(value, expected);
}

/* The call failed, and for this reason. */
static void expect_error(int rc, int expected)
{
    int reason = errno;

    CHECK_EQ(rc, -1);
    CHECK_EQ(reason, expected);
}

void posix_sem_counts(void)
{
    sem_t sem;

    CHECK_OK(sem_init(&sem, 0, 2));
    expect_value(&sem, 2);
    CHECK_OK(sem_wait(&sem));
    expect_value(&sem, 1);
    CHECK_OK(sem_trywait(&sem));
    expect_value(&sem, 0);
    expect_error(sem_trywait(&sem), EAGAIN);
    expect_value(&sem, 0);
    CHECK_OK(sem_post(&sem));
    expect_value(&sem, 1);
    CHECK_OK(sem_wait(&sem));
    CHECK_OK(sem_destroy(&sem));
}

void posix_sem_initial_value(void)
{
    sem_t sem;

    CHECK_OK(sem_init(&sem, 0, SEM_VALUE_MAX));
    expect_value(&sem, SEM_VALUE_MAX);
    CHECK_OK(sem_destroy(&sem));
    expect_error(sem_init(&sem, 0, (unsigned int)SEM_VALUE_MAX + 1U), EINVAL);
}

struct handed {
    sem_t sem;
    uint32_t cell;
};

static void *write_and_post(void *argument)
{
    struct handed *handed = argument;

    handed->cell = 7;
    CHECK_OK(sem_post(&handed->sem));
    return NULL;
}

/* What was written before the post is seen after the wait. */
void posix_sem_hands_over_memory(void)
{
    struct handed handed = {.cell = 0};
    pthread_t thread;

    CHECK_OK(sem_init(&handed.sem, 0, 0));
    thread = posix_start(write_and_post, &handed);
    CHECK_OK(sem_wait(&handed.sem));
    CHECK_EQ(handed.cell, 7);
    posix_finish(thread);
    CHECK_OK(sem_destroy(&handed.sem));
}

static void *wait_once(void *sem)
{
    CHECK_OK(sem_wait(sem));
    return NULL;
}

/* As many posts as waiters: every one of them gets through. */
void posix_sem_every_post_counts(void)
{
    sem_t sem;
    pthread_t threads[THREADS];

    CHECK_OK(sem_init(&sem, 0, 0));
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = posix_start(wait_once, &sem);
    for (size_t i = 0; i < THREADS; i++)
        CHECK_OK(sem_post(&sem));
    for (size_t i = 0; i < THREADS; i++)
        posix_finish(threads[i]);
    expect_value(&sem, 0);
    CHECK_OK(sem_destroy(&sem));
}

void posix_sem_timed_out(void)
{
    sem_t sem;
    struct timespec deadline = posix_deadline(CLOCK_REALTIME, POSIX_SHORT_US);
    struct timespec past = posix_past(CLOCK_REALTIME);
    struct timespec malformed = posix_malformed(CLOCK_REALTIME);

    CHECK_OK(sem_init(&sem, 0, 0));
    expect_error(sem_timedwait(&sem, &deadline), ETIMEDOUT);
    CHECK(posix_passed(CLOCK_REALTIME, &deadline));
    expect_error(sem_timedwait(&sem, &past), ETIMEDOUT);
    expect_error(sem_timedwait(&sem, &malformed), EINVAL);
    expect_value(&sem, 0);
    CHECK_OK(sem_post(&sem));
    CHECK_OK(sem_timedwait(&sem, &past));
    expect_value(&sem, 0);
    CHECK_OK(sem_destroy(&sem));
}

void posix_sem_timed_by_clock(void)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
    sem_t sem;

    CHECK_OK(sem_init(&sem, 0, 0));
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct timespec deadline = posix_deadline(clocks[i], POSIX_SHORT_US);
        struct timespec past = posix_past(clocks[i]);

        expect_error(sem_clockwait(&sem, clocks[i], &deadline), ETIMEDOUT);
        CHECK(posix_passed(clocks[i], &deadline));
        CHECK_OK(sem_post(&sem));
        CHECK_OK(sem_clockwait(&sem, clocks[i], &past));
        expect_error(sem_clockwait(&sem, clocks[i], &past), ETIMEDOUT);
    }
    CHECK_OK(sem_destroy(&sem));
}

void posix_sem_timed_wrong_clock(void)
{
    sem_t sem;
    struct timespec far = posix_deadline(CLOCK_REALTIME, POSIX_FAR_US);

    CHECK_OK(sem_init(&sem, 0, 1));
    expect_error(sem_clockwait(&sem, CLOCK_PROCESS_CPUTIME_ID, &far), EINVAL);
    expect_value(&sem, 1);
    CHECK_OK(sem_destroy(&sem));
}

static void *post_once(void *sem)
{
    CHECK_OK(sem_post(sem));
    return NULL;
}

void posix_sem_timed_posted(void)
{
    sem_t sem;
    struct timespec far = posix_deadline(CLOCK_REALTIME, POSIX_FAR_US);
    pthread_t thread;

    CHECK_OK(sem_init(&sem, 0, 0));
    thread = posix_start(post_once, &sem);
    CHECK_OK(sem_timedwait(&sem, &far));
    posix_finish(thread);
    expect_value(&sem, 0);
    CHECK_OK(sem_destroy(&sem));
}

/* By name there is one semaphore, until it is unlinked; who has it open keeps it. */
void posix_sem_named(void)
{
    static const char name[] = "/harness-posix-sem";
    sem_t *first, *second;

    sem_unlink(name);
    CHECK(sem_open(name, 0) == SEM_FAILED && errno == ENOENT);
    CHECK(sem_open("/", O_CREAT, 0600, 0) == SEM_FAILED && errno == EINVAL);
    first = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    CHECK(first != SEM_FAILED);
    CHECK(sem_open(name, O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED && errno == EEXIST);
    second = sem_open(name, O_CREAT, 0600, 7);
    CHECK(second == first);
    expect_value(second, 1);
    CHECK_OK(sem_wait(second));
    CHECK_OK(sem_close(second));
    CHECK_OK(sem_unlink(name));
    expect_error(sem_unlink(name), ENOENT);
    second = sem_open(name, O_CREAT, 0600, 3);
    CHECK(second != SEM_FAILED && second != first);
    expect_value(first, 0);
    expect_value(second, 3);
    CHECK_OK(sem_close(first));
    CHECK_OK(sem_close(second));
    CHECK_OK(sem_unlink(name));
}

/* It keeps its value while nobody has it open. */
void posix_sem_named_stays(void)
{
    static const char name[] = "/harness-posix-sem-stays";
    sem_t *sem;

    sem_unlink(name);
    sem = sem_open(name, O_CREAT, 0600, 2);
    CHECK(sem != SEM_FAILED);
    CHECK_OK(sem_wait(sem));
    CHECK_OK(sem_close(sem));
    sem = sem_open(name, 0);
    CHECK(sem != SEM_FAILED);
    expect_value(sem, 1);
    CHECK_OK(sem_close(sem));
    CHECK_OK(sem_unlink(name));
}
