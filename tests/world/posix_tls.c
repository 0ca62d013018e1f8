/* What each thread has of its own: errno and thread-local variables. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <stddef.h>

enum { THREADS = 2, LARGE = 1024 };

static _Thread_local uint32_t with_value = 41;
static _Thread_local uint32_t zeroed;
static _Thread_local unsigned char large[LARGE];
static _Thread_local const char *pointer = "start";
static _Thread_local _Alignas(64) uint64_t aligned = 5;

struct own {
    struct posix_gate gate;
    pthread_mutex_t mutex;
    uint32_t next;
    const uint32_t *addresses[THREADS];
};

static void own_init(struct own *own)
{
    posix_gate_init(&own->gate);
    CHECK_OK(pthread_mutex_init(&own->mutex, NULL));
    own->next = 0;
}

static void own_destroy(struct own *own)
{
    CHECK_OK(pthread_mutex_destroy(&own->mutex));
    posix_gate_destroy(&own->gate);
}

static uint32_t take_number(struct own *own)
{
    uint32_t number;

    CHECK_OK(pthread_mutex_lock(&own->mutex));
    number = own->next++;
    CHECK_OK(pthread_mutex_unlock(&own->mutex));
    return number;
}

/* Both threads have set theirs before either looks again. */
static void meet(struct own *own)
{
    posix_gate_raise(&own->gate);
    posix_gate_wait(&own->gate, THREADS);
}

static void *keep_own_errno(void *argument)
{
    struct own *own = argument;
    int mine = 1000 + (int)take_number(own);

    errno = mine;
    meet(own);
    CHECK_EQ(errno, mine);
    return NULL;
}

void posix_tls_errno_is_per_thread(void)
{
    struct own own;
    pthread_t threads[THREADS];

    own_init(&own);
    errno = EDOM;
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = posix_start(keep_own_errno, &own);
    for (size_t i = 0; i < THREADS; i++)
        posix_finish(threads[i]);
    CHECK_EQ(errno, EDOM);
    own_destroy(&own);
}

static void *fail_a_call(void *argument)
{
    struct timespec malformed = {.tv_sec = 0, .tv_nsec = -1};

    errno = 0;
    CHECK_EQ(nanosleep(&malformed, NULL), -1);
    CHECK_EQ(errno, EINVAL);
    return argument;
}

/* A call that fails on one thread leaves the others' errno alone. */
void posix_tls_errno_of_failing_call(void)
{
    errno = ERANGE;
    posix_finish(posix_start(fail_a_call, NULL));
    CHECK_EQ(errno, ERANGE);
}

/* The thread functions return their errors, and need not touch errno to do so. */
void posix_tls_errno_of_thread_functions(void)
{
    pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

    errno = ERANGE;
    CHECK_EQ(pthread_mutex_unlock(&mutex), EPERM);
    CHECK_EQ(errno, ERANGE);
    CHECK_OK(pthread_mutex_destroy(&mutex));
}

static void check_initial_values(void)
{
    CHECK_EQ(with_value, 41);
    CHECK_EQ(zeroed, 0);
    CHECK_EQ(aligned, 5);
    CHECK_EQ((uintptr_t)&aligned % 64, 0);
    CHECK_EQ(pointer[0], 's');
    for (size_t i = 0; i < LARGE; i++)
        CHECK_EQ(large[i], 0);
}

static void *start_fresh_and_change(void *argument)
{
    struct own *own = argument;
    uint32_t number = take_number(own);

    check_initial_values();
    with_value = number;
    zeroed = number + 10;
    aligned = number + 20;
    pointer = "changed";
    large[LARGE - 1] = (unsigned char)(number + 30);
    own->addresses[number] = &with_value;
    meet(own);
    CHECK_EQ(with_value, number);
    CHECK_EQ(zeroed, number + 10);
    CHECK_EQ(aligned, number + 20);
    CHECK_EQ(pointer[0], 'c');
    CHECK_EQ(large[LARGE - 1], number + 30);
    /* Both threads are alive here, so their variables cannot share a place. */
    CHECK(own->addresses[0] != own->addresses[1]);
    posix_gate_raise(&own->gate);
    posix_gate_wait(&own->gate, 2 * THREADS);
    return NULL;
}

void posix_tls_variables(void)
{
    struct own own;
    pthread_t threads[THREADS];

    own_init(&own);
    check_initial_values();
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = posix_start(start_fresh_and_change, &own);
    for (size_t i = 0; i < THREADS; i++)
        posix_finish(threads[i]);
    check_initial_values();
    own_destroy(&own);
}

static void *change_only(void *argument)
{
    check_initial_values();
    with_value = 7;
    zeroed = 7;
    large[0] = 7;
    pointer = "changed";
    aligned = 7;
    return argument;
}

/* A thread starts fresh even where it takes the place of one that has ended. */
void posix_tls_variables_after_another_thread(void)
{
    posix_finish(posix_start(change_only, NULL));
    posix_finish(posix_start(change_only, NULL));
    check_initial_values();
}
