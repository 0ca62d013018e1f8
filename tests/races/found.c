/* One data race each, or memory that is used when it is gone. The values come out right in most
 * orders or in all: only what nothing orders is wrong. */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "cases.h"

/* Shared data is not static, or else the compiler would know all that happens to it. */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t other_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t shared_lock = PTHREAD_RWLOCK_INITIALIZER;

/* --- without any lock, with the wrong one, with one of two --- */

int counter;

static void *count(void *argument)
{
    counter++;
    return argument;
}

static void run_counter(void)
{
    run_both(count, count);
}

static void *count_locked(void *argument)
{
    pthread_mutex_lock(&lock);
    counter++;
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *count_locked_otherwise(void *argument)
{
    pthread_mutex_lock(&other_lock);
    counter++;
    pthread_mutex_unlock(&other_lock);
    return argument;
}

static void run_wrong_lock(void)
{
    run_both(count_locked, count_locked_otherwise);
}

static void run_one_locks(void)
{
    run_both(count_locked, count);
}

static void *count_as_reader(void *argument)
{
    pthread_rwlock_rdlock(&shared_lock);
    counter++;
    pthread_rwlock_unlock(&shared_lock);
    return argument;
}

static void run_writes_as_reader(void)
{
    run_both(count_as_reader, count_as_reader);
}

/* --- published without a release --- */

struct point {
    int x, y;
};
struct point *plain_pointer;
static struct point *_Atomic atomic_pointer;

OPAQUE static struct point *make_point(void)
{
    struct point *point = malloc(sizeof *point);
    point->x = 1;
    point->y = 2;
    return point;
}

static void *get_double_checked(void *argument)
{
    if (plain_pointer == NULL) {
        pthread_mutex_lock(&lock);
        if (plain_pointer == NULL) plain_pointer = make_point();
        pthread_mutex_unlock(&lock);
    }
    return plain_pointer->x == 1 ? argument : NULL;
}

static void run_double_checked(void)
{
    run_both(get_double_checked, get_double_checked);
    free(plain_pointer);
}

static void *publish_relaxed(void *argument)
{
    atomic_store_explicit(&atomic_pointer, make_point(), memory_order_relaxed);
    return argument;
}

static void *read_published(void *argument)
{
    struct point *point = atomic_load_explicit(&atomic_pointer, memory_order_acquire);
    return point && point->x + point->y == 3 ? argument : NULL;
}

static void run_publish_relaxed(void)
{
    run_both(publish_relaxed, read_published);
    free(atomic_load(&atomic_pointer));
}

static void *publish_released(void *argument)
{
    atomic_store_explicit(&atomic_pointer, make_point(), memory_order_release);
    return argument;
}

static void *read_relaxed(void *argument)
{
    struct point *point = atomic_load_explicit(&atomic_pointer, memory_order_relaxed);
    return point && point->x + point->y == 3 ? argument : NULL;
}

static void run_read_relaxed(void)
{
    run_both(publish_released, read_relaxed);
    free(atomic_load(&atomic_pointer));
}

/* The store of another thread ends what was released before. */
static atomic_int stage;
int prepared;

static void *prepare(void *argument)
{
    prepared = 1;
    atomic_store_explicit(&stage, 1, memory_order_release);
    return argument;
}

static void *pass_on(void *argument)
{
    if (atomic_load_explicit(&stage, memory_order_relaxed) == 1) {
        atomic_store_explicit(&stage, 2, memory_order_relaxed);
    }
    return argument;
}

static void run_broken_sequence(void)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, prepare, NULL);
    pthread_create(&threads[1], NULL, pass_on, NULL);
    if (atomic_load_explicit(&stage, memory_order_acquire) == 2) prepared++;
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

/* --- ordered in many executions, but not by anything that means it --- */

int hidden;

static void *write_then_lock(void *argument)
{
    hidden = 1;
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *lock_then_write(void *argument)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    hidden = 2;
    return argument;
}

static void run_hidden_by_lock(void)
{
    run_both(write_then_lock, lock_then_write);
}

static void *write_late(void *argument)
{
    usleep(1000);
    hidden = 2;
    return argument;
}

static void run_hidden_by_sleep(void)
{
    run_both(write_then_lock, write_late);
}

/* --- fields, bytes, calls --- */

struct {
    int first, second;
    unsigned low : 4, high : 4;
} fields;

static void *write_second(void *argument)
{
    fields.second = 1;
    return argument;
}

static void *read_second(void *argument)
{
    return fields.second == 2 ? argument : NULL;
}

static void run_field(void)
{
    run_both(write_second, read_second);
}

static void *write_low(void *argument)
{
    fields.low = 3;
    return argument;
}

static void *write_high(void *argument)
{
    fields.high = 5;
    return argument;
}

static void run_bit_fields(void)
{
    run_both(write_low, write_high);
}

char text[32] = "before";

static void *write_text(void *argument)
{
    strncpy(text, argument ? "argument" : "afterwards", sizeof text);
    return argument;
}

static void *read_text(void *argument)
{
    return strlen(text) > 6 ? argument : NULL;
}

static void run_text(void)
{
    run_both(write_text, read_text);
}

static void *write_byte(void *argument)
{
    text[9] = 'x';
    return argument;
}

struct {
    char bytes[32];
} copy_of_text;

OPAQUE static void copy_text(void)
{
    memcpy(&copy_of_text, text, sizeof text);
}

static void *copy(void *argument)
{
    copy_text();
    return argument;
}

static void run_copy(void)
{
    run_both(write_byte, copy);
}

static atomic_int mixed;

static void *write_atomically(void *argument)
{
    atomic_store(&mixed, 1);
    return argument;
}

static void *write_plainly(void *argument)
{
    *(volatile int *)(void *)&mixed = 2;
    return argument;
}

static void run_mixed(void)
{
    run_both(write_atomically, write_plainly);
}

static void *read_stack(void *argument)
{
    return *(int *)argument == 7 ? argument : NULL;
}

static void run_stack(void)
{
    pthread_t thread;
    int local = 1;
    pthread_create(&thread, NULL, read_stack, &local);
    local++;
    pthread_join(thread, NULL);
}

static void *count_calls(void *argument)
{
    static int calls;
    return calls++ == 7 ? NULL : argument;
}

static void run_static_local(void)
{
    run_both(count_calls, count_calls);
}

static _Thread_local int own;
static int *_Atomic shared_own;

static void *share_own(void *argument)
{
    atomic_store(&shared_own, &own);
    own = 1;
    return argument;
}

static void *read_own(void *argument)
{
    int *of_other = atomic_load(&shared_own);
    return of_other && *of_other == 7 ? argument : NULL;
}

static void run_thread_local(void)
{
    run_both(share_own, read_own);
}

/* --- memory that is gone --- */

int *block;

static void *use_block(void *argument)
{
    *block = 1;
    return argument;
}

static void *free_block(void *argument)
{
    free(block);
    return argument;
}

static void run_freed(void)
{
    block = malloc(sizeof *block);
    run_both(use_block, free_block);
}

static sem_t done;

static void *free_and_post(void *argument)
{
    free(block);
    sem_post(&done);
    return argument;
}

static void *wait_and_read(void *argument)
{
    sem_wait(&done);
    return *block == 1 ? argument : NULL;
}

static void run_freed_before(void)
{
    sem_init(&done, 0, 0);
    block = malloc(sizeof *block);
    *block = 1;
    run_both(free_and_post, wait_and_read);
}

/* What a thread did before is not to be taken for what it does afterwards. */
OPAQUE static void write_block(int value)
{
    *block = value;
}

static void *write_freed(void *argument)
{
    write_block(1);
    free(block);
    write_block(2);
    return argument;
}

static void run_freed_by_itself(void)
{
    pthread_t thread;
    block = malloc(sizeof *block);
    pthread_create(&thread, NULL, write_freed, NULL);
    pthread_join(thread, NULL);
}

/* The same bytes again, by the same thread, in a new epoch. */
static void *write_around_unlock(void *argument)
{
    pthread_mutex_lock(&lock);
    hidden = 1;
    pthread_mutex_unlock(&lock);
    hidden = 2;
    return argument;
}

static void run_after_unlock(void)
{
    run_both(write_around_unlock, lock_then_write);
}

/* --- blocks of which most is never accessed by itself --- */

enum { LARGE = 100000, SOMEWHERE = 77777 };

char *large, copies[2][LARGE];

static void *clear_large(void *argument)
{
    memset(large, 0, LARGE);
    return argument;
}

static void *write_somewhere(void *argument)
{
    large[SOMEWHERE] = 1;
    return argument;
}

static void *free_large(void *argument)
{
    free(large);
    return argument;
}

static void *read_large(void *argument)
{
    memcpy(copies[argument != NULL], large, LARGE);
    return argument;
}

/* Only the read of the other thread is not ordered with it. */
static void *read_large_and_write(void *argument)
{
    read_large(large);
    return write_somewhere(argument);
}

static void run_large(void *(*first)(void *), void *(*second)(void *))
{
    large = malloc(LARGE);
    run_both(first, second);
}

static void run_large_cleared(void)
{
    run_large(clear_large, write_somewhere);
}

static void run_large_cleared_after(void)
{
    run_large(write_somewhere, clear_large);
}

static void run_large_freed(void)
{
    run_large(write_somewhere, free_large);
}

static void run_large_gone(void)
{
    run_large(free_large, write_somewhere);
}

static void run_large_read(void)
{
    run_large(read_large, read_large_and_write);
}

/* --- a condition whose flag is set outside of the lock --- */

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
int flag;

static void *set_flag(void *argument)
{
    flag = 1;
    pthread_mutex_lock(&lock);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *await_flag(void *argument)
{
    pthread_mutex_lock(&lock);
    while (flag == 0) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return argument;
}

static void run_flag(void)
{
    run_both(set_flag, await_flag);
}

/* --- known from an execution before, which is another one --- */

int seldom_read;

/* By default the lock is free, and the end of the thread is waited for. */
static void run_seldom(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, count_locked, NULL);
    if (pthread_mutex_trylock(&lock) == 0) pthread_mutex_unlock(&lock);
    else seldom_read = counter;
    pthread_join(thread, NULL);
}

static const struct test_case cases[] = {
    {"counter", run_counter},
    {"wrong_lock", run_wrong_lock},
    {"one_locks", run_one_locks},
    {"writes_as_reader", run_writes_as_reader},
    {"double_checked", run_double_checked},
    {"publish_relaxed", run_publish_relaxed},
    {"read_relaxed", run_read_relaxed},
    {"broken_sequence", run_broken_sequence},
    {"hidden_by_lock", run_hidden_by_lock},
    {"hidden_by_sleep", run_hidden_by_sleep},
    {"field", run_field},
    {"bit_fields", run_bit_fields},
    {"text", run_text},
    {"copy", run_copy},
    {"mixed", run_mixed},
    {"stack", run_stack},
    {"static_local", run_static_local},
    {"thread_local", run_thread_local},
    {"freed", run_freed},
    {"freed_before", run_freed_before},
    {"freed_by_itself", run_freed_by_itself},
    {"after_unlock", run_after_unlock},
    {"large_cleared", run_large_cleared},
    {"large_cleared_after", run_large_cleared_after},
    {"large_freed", run_large_freed},
    {"large_gone", run_large_gone},
    {"large_read", run_large_read},
    {"flag", run_flag},
    {"seldom", run_seldom},
};

MAIN(cases)
