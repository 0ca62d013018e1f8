/* What is ordered, by every means there is: nothing may be found in any of these. */
#include <assert.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

#include "cases.h"

/* Shared data is not static, or else the compiler would know all that happens to it. */

int data;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* --- neighbours --- */

struct {
    char first, second;
    short third;
    int fourth;
} neighbours;

static void *write_first(void *argument)
{
    neighbours.first = 1;
    neighbours.fourth = 4;
    return argument;
}

static void *write_others(void *argument)
{
    neighbours.second = 2;
    neighbours.third = 3;
    return argument;
}

static void run_neighbours(void)
{
    run_both(write_first, write_others);
    assert(neighbours.first == 1 && neighbours.second == 2);
}

/* --- locks --- */

static void *count_locked(void *argument)
{
    pthread_mutex_lock(&lock);
    data++;
    pthread_mutex_unlock(&lock);
    return argument;
}

static void run_mutex(void)
{
    run_both(count_locked, count_locked);
    assert(data == 2);
}

static void *count_if_free(void *argument)
{
    if (pthread_mutex_trylock(&lock) != 0) return argument;
    data++;
    pthread_mutex_unlock(&lock);
    return argument;
}

static void run_trylock(void)
{
    run_both(count_locked, count_if_free);
}

static pthread_spinlock_t spin;

static void *count_spinning(void *argument)
{
    pthread_spin_lock(&spin);
    data++;
    pthread_spin_unlock(&spin);
    return argument;
}

static void run_spin(void)
{
    pthread_spin_init(&spin, 0);
    run_both(count_spinning, count_spinning);
    pthread_spin_destroy(&spin);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void *read_then_write(void *argument)
{
    pthread_rwlock_rdlock(&rwlock);
    int seen = data;
    pthread_rwlock_unlock(&rwlock);
    pthread_rwlock_wrlock(&rwlock);
    data = seen + 1;
    pthread_rwlock_unlock(&rwlock);
    return argument;
}

static void run_rwlock(void)
{
    run_both(read_then_write, read_then_write);
}

static mtx_t c11_lock;

static int count_c11(void *argument)
{
    (void)argument;
    mtx_lock(&c11_lock);
    data++;
    mtx_unlock(&c11_lock);
    return 0;
}

static void run_c11(void)
{
    thrd_t thread;
    mtx_init(&c11_lock, mtx_plain);
    thrd_create(&thread, count_c11, NULL);
    count_c11(NULL);
    thrd_join(thread, NULL);
    assert(data == 2);
}

/* --- handing over --- */

static sem_t full, empty;

static void *produce(void *argument)
{
    for (int i = 0; i < 3; i++) {
        sem_wait(&empty);
        data = i;
        sem_post(&full);
    }
    return argument;
}

static void *consume(void *argument)
{
    for (int i = 0; i < 3; i++) {
        sem_wait(&full);
        assert(data == i);
        sem_post(&empty);
    }
    return argument;
}

static void run_semaphore(void)
{
    sem_init(&full, 0, 0);
    sem_init(&empty, 0, 1);
    run_both(produce, consume);
}

static pthread_barrier_t barrier;
int halves[2];

static void phases(int self)
{
    for (int phase = 0; phase < 3; phase++) {
        halves[self] = phase;
        pthread_barrier_wait(&barrier);
        assert(halves[1 - self] == phase);
        pthread_barrier_wait(&barrier);
    }
}

static void *left_phases(void *argument)
{
    phases(0);
    return argument;
}

static void *right_phases(void *argument)
{
    phases(1);
    return argument;
}

static void run_barrier(void)
{
    pthread_barrier_init(&barrier, NULL, 2);
    run_both(left_phases, right_phases);
    pthread_barrier_destroy(&barrier);
}

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
int ready;

static void *make_ready(void *argument)
{
    data = 5;
    pthread_mutex_lock(&lock);
    ready = 1;
    pthread_mutex_unlock(&lock);
    pthread_cond_signal(&changed);
    return argument;
}

static void *await_ready(void *argument)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    pthread_mutex_lock(&lock);
    while (!ready) {
        at.tv_sec++;
        pthread_cond_timedwait(&changed, &lock, &at);
    }
    pthread_mutex_unlock(&lock);
    assert(data == 5);
    return argument;
}

static void run_condition(void)
{
    run_both(make_ready, await_ready);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void initialise(void)
{
    data = 9;
}

static void *use_once(void *argument)
{
    pthread_once(&once, initialise);
    assert(data == 9);
    return argument;
}

static void run_once(void)
{
    run_both(use_once, use_once);
}

static void *increment(void *argument)
{
    data++;
    return argument;
}

static void run_join(void)
{
    pthread_t thread;
    data = 1;
    for (int i = 0; i < 3; i++) {
        pthread_create(&thread, NULL, increment, NULL);
        pthread_join(thread, NULL);
    }
    assert(++data == 5);
}

/* --- atomics --- */

static atomic_int state;

static void *send_released(void *argument)
{
    data = 42;
    atomic_store_explicit(&state, 1, memory_order_release);
    return argument;
}

static void *receive_acquired(void *argument)
{
    if (atomic_load_explicit(&state, memory_order_acquire)) assert(data == 42);
    return argument;
}

static void run_acquire_release(void)
{
    run_both(send_released, receive_acquired);
}

static void *send_fenced(void *argument)
{
    data = 42;
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&state, 1, memory_order_relaxed);
    return argument;
}

static void *receive_fenced(void *argument)
{
    if (atomic_load_explicit(&state, memory_order_relaxed)) {
        atomic_thread_fence(memory_order_acquire);
        assert(data == 42);
    }
    return argument;
}

static void run_fences(void)
{
    run_both(send_fenced, receive_fenced);
}

static atomic_int flags[2];

/* Only whoever sees that the other one is not there goes in. */
static void enter(int self)
{
    atomic_store(&flags[self], 1);
    if (atomic_load(&flags[1 - self]) == 0) data++;
    atomic_store(&flags[self], 0);
}

static void *enter_left(void *argument)
{
    enter(0);
    return argument;
}

static void *enter_right(void *argument)
{
    enter(1);
    return argument;
}

static void run_flags(void)
{
    run_both(enter_left, enter_right);
}

/* An update by another thread continues what a store has released, whatever its order. */
static void *update_relaxed(void *argument)
{
    atomic_fetch_add_explicit(&state, 10, memory_order_relaxed);
    return argument;
}

static void run_sequence(void)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, send_released, NULL);
    pthread_create(&threads[1], NULL, update_relaxed, NULL);
    if (atomic_load_explicit(&state, memory_order_acquire) == 11) assert(data == 42);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

/* The last one to leave takes all down. */
struct counted {
    atomic_int users;
    int value[2];
};

static void *leave(void *argument)
{
    struct counted *counted = argument;
    int self = atomic_load_explicit(&counted->users, memory_order_relaxed) & 1;
    (void)self;
    if (atomic_fetch_sub_explicit(&counted->users, 1, memory_order_acq_rel) == 1) free(counted);
    return NULL;
}

static void run_reference_count(void)
{
    pthread_t threads[2];
    struct counted *counted = calloc(1, sizeof *counted);
    atomic_init(&counted->users, 2);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, leave, counted);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

/* --- memory of one's own --- */

static _Thread_local int own;

static void *use_own(void *argument)
{
    own++;
    assert(own == 1);
    return argument;
}

static void run_thread_local(void)
{
    run_both(use_own, use_own);
}

OPAQUE static void fill(int *values, int count)
{
    for (int i = 0; i < count; i++) values[i] = i;
}

static void *use_stack(void *argument)
{
    int values[16];
    fill(values, 16);
    return values[3] == 3 ? argument : NULL;
}

static void run_stacks(void)
{
    for (int i = 0; i < 2; i++) run_both(use_stack, use_stack);
    use_stack(NULL);
}

/* More than rests before blocks are handed out again; to another thread, with nothing between. */
enum { BLOCKS = 3000, BYTES = 900 };

OPAQUE static void use_block(char *block)
{
    block[0] = 1;
    block[BYTES - 1] = 2;
}

static void *churn(void *argument)
{
    for (int i = 0; i < BLOCKS; i++) {
        char *block = malloc(BYTES);
        use_block(block);
        free(block);
    }
    return argument;
}

static void run_malloc(void)
{
    run_both(churn, churn);
}

/* As a whole and in part, by turns; freed by somebody else. */
enum { LARGE = 100000, STRIDE = 1111 };
char *large, copy[LARGE];

static void *use_large(void *argument)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < LARGE; i += STRIDE) large[i]++;
    memset(large + STRIDE, 0, LARGE / 2);
    memcpy(copy, large, LARGE);
    pthread_mutex_unlock(&lock);
    return argument;
}

static void run_large(void)
{
    large = calloc(1, LARGE);
    run_both(use_large, use_large);
    assert(large[STRIDE] == 0 && large[STRIDE * 50] == 2);
    free(large);
}

/* --- registers: values that are kept in many of them while others run in between --- */

enum { TERMS = 3, SERIES = 12 };
double series[2][SERIES * TERMS];
long totals[2];

static void *add_series(void *argument)
{
    const double *own = argument;
    double a = 0, b = 0, c = 0, d = 1;
    long e = 0, f = 0, g = 1, h = 0;
    for (int i = 0; i < SERIES; i++, own += TERMS) {
        a += own[0], b += own[1] * 2, c += own[2] * 3, d = a + b - d;
        e += (long)own[0], f ^= e + i, g += f * 3, h += g - e;
    }
    totals[argument == series[1]] = (long)(a + b + c + d) + e + f + g + h;
    return NULL;
}

static void run_registers(void)
{
    pthread_t threads[2];
    for (int i = 0; i < SERIES * TERMS; i++) series[0][i] = series[1][i] = i;
    add_series(series[0]);
    long alone = totals[0];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, add_series, series[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert(totals[0] == alone && totals[1] == alone);
}

static const struct test_case cases[] = {
    {"neighbours", run_neighbours},
    {"mutex", run_mutex},
    {"trylock", run_trylock},
    {"spin", run_spin},
    {"rwlock", run_rwlock},
    {"c11", run_c11},
    {"semaphore", run_semaphore},
    {"barrier", run_barrier},
    {"condition", run_condition},
    {"once", run_once},
    {"join", run_join},
    {"acquire_release", run_acquire_release},
    {"fences", run_fences},
    {"flags", run_flags},
    {"sequence", run_sequence},
    {"reference_count", run_reference_count},
    {"thread_local", run_thread_local},
    {"stacks", run_stacks},
    {"registers", run_registers},
    {"malloc", run_malloc},
    {"large", run_large},
};

MAIN(cases)
