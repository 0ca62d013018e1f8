/* A lock made of a futex, after the usual three states. BROKEN: the one that unlocks forgets that
 * somebody may wait. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FREE, TAKEN, CONTENDED, ROUNDS = 2 };

static _Atomic uint32_t word;
static int counter;

static long futex(int operation, uint32_t value, const struct timespec *limit)
{
    return syscall(SYS_futex, &word, operation, value, limit, NULL, 0);
}

/* Programs that know the thread sanitizer tell it of their locks. */
#ifdef TOLD
void __tsan_mutex_create(void *lock, unsigned flags);
void __tsan_mutex_pre_lock(void *lock, unsigned flags);
void __tsan_mutex_post_lock(void *lock, unsigned flags, int recursion);
int __tsan_mutex_pre_unlock(void *lock, unsigned flags);
void __tsan_mutex_post_unlock(void *lock, unsigned flags);
void AnnotateHappensBefore(const char *file, int line, void *memory);
void AnnotateHappensAfter(const char *file, int line, void *memory);
#define TELL(call) call
#else
#define TELL(call) ((void)0)
#endif

static void lock(void)
{
    TELL(__tsan_mutex_pre_lock(&word, 0));
    uint32_t seen = FREE;
    if (atomic_compare_exchange_strong(&word, &seen, TAKEN)) return;
    if (seen != CONTENDED) seen = atomic_exchange(&word, CONTENDED);
    while (seen != FREE) {
        futex(FUTEX_WAIT_PRIVATE, CONTENDED, NULL);
        seen = atomic_exchange(&word, CONTENDED);
    }
    TELL(__tsan_mutex_post_lock(&word, 0, 0));
}

static void unlock(void)
{
    TELL(__tsan_mutex_pre_unlock(&word, 0));
#ifdef BROKEN
    atomic_store(&word, FREE);
#else
    if (atomic_exchange(&word, FREE) == CONTENDED) futex(FUTEX_WAKE_PRIVATE, 1, NULL);
#endif
    TELL(__tsan_mutex_post_unlock(&word, 0));
}

static void *work(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        lock();
        counter++;
        unlock();
    }
    return argument;
}

static void check_errors(void)
{
    struct timespec limit = {.tv_nsec = 5000000}, before, after;
    assert(futex(FUTEX_WAIT, 1, NULL) == -1 && errno == EAGAIN);
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert(futex(FUTEX_WAIT, 0, &limit) == -1 && errno == ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 5000000);
    limit.tv_nsec = -1;
    assert(futex(FUTEX_WAIT, 0, &limit) == -1 && errno == EINVAL);
    assert(futex(FUTEX_WAKE, 1, NULL) == 0);
}

/* --- out of a wait by a jump: whoever wakes finds nobody there --- */

static sigjmp_buf out;

static void leave(int number)
{
    siglongjmp(out, number);
}

static __attribute__((noinline)) void wait_once(void)
{
    if (sigsetjmp(out, 1) == 0) futex(FUTEX_WAIT, 0, NULL);
}

/* What lies now where the wait had its place stays as it is. */
static __attribute__((noinline)) bool is_left_alone(void)
{
    volatile uint64_t there[256];
    bool same = true;
    for (int i = 0; i < 256; i++) there[i] = UINT64_MAX / 3;
    futex(FUTEX_WAKE, 1, NULL);
    for (int i = 0; i < 256; i++) same = same && there[i] == UINT64_MAX / 3;
    return same;
}

static void *jump(void *argument)
{
    struct sigaction action = {.sa_handler = leave};
    assert(sigaction(SIGUSR1, &action, NULL) == 0);
    wait_once();
    assert(is_left_alone());
    return argument;
}

static void check_jump(void)
{
    pthread_t thread;
    assert(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
    pthread_create(&thread, NULL, jump, NULL);
    usleep(1000);
    pthread_kill(thread, SIGUSR1);
    usleep(1000);
    word = 1; /* who comes late does not wait */
    futex(FUTEX_WAKE, 1, NULL);
    pthread_join(thread, NULL);
    word = FREE;
}

/* --- an order that only an annotation tells --- */

#ifdef TOLD
static int handed;
static _Atomic uint32_t ready;

static void *hand(void *argument)
{
    handed = 1;
    AnnotateHappensBefore(__FILE__, __LINE__, &handed);
    atomic_store_explicit(&ready, 1, memory_order_relaxed);
    return argument;
}

static void check_told(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, hand, NULL);
    while (atomic_load_explicit(&ready, memory_order_relaxed) == 0) sched_yield();
    AnnotateHappensAfter(__FILE__, __LINE__, &handed);
    assert(handed == 1);
    pthread_join(thread, NULL);
}
#else
static void check_told(void)
{
}
#endif

int main(void)
{
    pthread_t threads[3];
    check_errors();
    check_jump();
    check_told();
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    assert(counter == 3 * ROUNDS && word == FREE);
    return 0;
}
