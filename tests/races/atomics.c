/* Atomic operations: what they compute, and that each is a place where another thread may go on. */
#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "cases.h"

/* --- values, of every size --- */

#define VALUES(name, type)                                                                         \
    static void values_##name(void)                                                                \
    {                                                                                              \
        static _Atomic(type) word;                                                                 \
        type expected = 9, ones = (type)-1;                                                        \
        atomic_store(&word, 5);                                                                    \
        assert(atomic_load(&word) == 5);                                                           \
        assert(atomic_exchange(&word, 6) == 5);                                                    \
        assert(atomic_fetch_add(&word, 10) == 6 && atomic_fetch_sub(&word, 2) == 16);              \
        assert(atomic_fetch_and(&word, 12) == 14 && atomic_fetch_or(&word, 3) == 12);              \
        assert(atomic_fetch_xor(&word, ones) == 15);                                               \
        assert(__atomic_fetch_nand((type *)(void *)&word, 16, __ATOMIC_SEQ_CST) ==                 \
               (type)(ones - 15));                                                                 \
        assert(atomic_load(&word) == (type)(ones - 16));                                           \
        assert(!atomic_compare_exchange_strong(&word, &expected, 1));                              \
        assert(expected == (type)(ones - 16));                                                     \
        assert(atomic_compare_exchange_strong(&word, &expected, 1));                               \
        assert(atomic_compare_exchange_weak(&word, &(type){1}, 2) && word == 2);                   \
        assert(__sync_val_compare_and_swap((type *)(void *)&word, 2, 3) == 2);                     \
        assert(__sync_bool_compare_and_swap((type *)(void *)&word, 3, 4));                         \
        assert(__sync_add_and_fetch((type *)(void *)&word, 1) == 5);                               \
        assert(__sync_lock_test_and_set((type *)(void *)&word, 7) == 5);                           \
        __sync_lock_release((type *)(void *)&word);                                                \
        assert(atomic_load(&word) == 0);                                                           \
    }

VALUES(8, uint8_t)
VALUES(16, uint16_t)
VALUES(32, uint32_t)
VALUES(64, uint64_t)

#ifndef SMALL /* without instrumentation, these are libatomic's */
struct triple {
    uint64_t a, b, c; /* too large for an instruction, and without padding */
};

static void values_large(void)
{
    static _Atomic(struct triple) word;
    struct triple one = {1, 2, 3}, seen;
    atomic_store(&word, one);
    seen = atomic_load(&word);
    assert(seen.a == 1 && seen.b == 2 && seen.c == 3);
    seen = atomic_exchange(&word, ((struct triple){4, 5, 6}));
    assert(seen.c == 3);
    assert(!atomic_compare_exchange_strong(&word, &seen, one) && seen.c == 6);
    assert(atomic_compare_exchange_strong(&word, &seen, one));
}
#endif

static void *nothing(void *argument)
{
    return argument;
}

static void run_values(void)
{
    run_both(nothing, nothing);
    values_8();
    values_16();
    values_32();
    values_64();
#ifndef SMALL
    values_large();
#endif
}

/* --- two flags: at least one sees the other --- */

static atomic_int flags[2], inside;
static int order = memory_order_seq_cst;

OPAQUE static void raise_and_look(int self)
{
    if (order == memory_order_seq_cst) {
        atomic_store(&flags[self], 1);
        if (atomic_load(&flags[1 - self]) == 0) atomic_fetch_add(&inside, 1);
    } else {
        atomic_store_explicit(&flags[self], 1, memory_order_relaxed);
        if (atomic_load_explicit(&flags[1 - self], memory_order_relaxed) == 0) {
            atomic_fetch_add(&inside, 1);
        }
    }
}

static void *left_flag(void *argument)
{
    raise_and_look(0);
    return argument;
}

static void *right_flag(void *argument)
{
    raise_and_look(1);
    return argument;
}

static void run_flags(void)
{
    run_both(left_flag, right_flag);
    assert(atomic_load(&inside) <= 1);
}

static void run_flags_relaxed(void)
{
    order = memory_order_relaxed;
    run_flags();
}

/* Looking first is too late. */
static void *left_looks_first(void *argument)
{
    bool free = atomic_load(&flags[1]) == 0;
    atomic_store(&flags[0], 1);
    if (free) atomic_fetch_add(&inside, 1);
    return argument;
}

static void run_flags_late(void)
{
    run_both(left_looks_first, right_flag);
    assert(atomic_load(&inside) <= 1);
}

/* --- locks made of atomics --- */

static atomic_int held;
static atomic_int users;

static void use(void)
{
    assert(atomic_fetch_add(&users, 1) == 0);
    atomic_fetch_sub(&users, 1);
}

static void *use_spinlock(void *argument)
{
    for (int i = 0; i < 2; i++) {
        while (atomic_exchange(&held, 1)) continue;
        use();
        atomic_store(&held, 0);
    }
    return argument;
}

static void run_spinlock(void)
{
    run_both(use_spinlock, use_spinlock);
}

static void *use_broken_spinlock(void *argument)
{
    while (atomic_load(&held)) continue;
    atomic_store(&held, 1);
    use();
    atomic_store(&held, 0);
    return argument;
}

static void run_broken_spinlock(void)
{
    run_both(use_broken_spinlock, use_broken_spinlock);
}

static atomic_uint next_ticket, served;

static void *use_tickets(void *argument)
{
    for (int i = 0; i < 2; i++) {
        unsigned own = atomic_fetch_add(&next_ticket, 1);
        while (atomic_load(&served) != own) continue;
        use();
        atomic_fetch_add(&served, 1);
    }
    return argument;
}

static void run_ticket_lock(void)
{
    pthread_t third;
    pthread_create(&third, NULL, use_tickets, NULL);
    run_both(use_tickets, use_tickets);
    pthread_join(third, NULL);
}

/* --- a stack without locks, whose nodes come back --- */

enum { NODES = 2, EMPTY = NODES };
static atomic_int top = EMPTY;
static atomic_int below[NODES];
static atomic_int owners[NODES];

static int pop(void)
{
    int node = atomic_load(&top);
    while (node != EMPTY) {
        int next = atomic_load(&below[node]);
        if (atomic_compare_exchange_strong(&top, &node, next)) break;
    }
    return node;
}

static void push(int node)
{
    int old = atomic_load(&top);
    do {
        atomic_store(&below[node], old);
    } while (!atomic_compare_exchange_strong(&top, &old, node));
}

static void own(int node)
{
    if (node != EMPTY) assert(atomic_fetch_add(&owners[node], 1) == 0);
}

static void *pop_one(void *argument)
{
    own(pop());
    return argument;
}

/* Between the load and the exchange of the other thread, the top is the same, but what was below
 * it is not there any more. */
static void *pop_two_push_one(void *argument)
{
    int first = pop();
    own(pop());
    if (first != EMPTY) push(first);
    own(pop());
    return argument;
}

static void run_aba(void)
{
    push(0);
    push(1);
    run_both(pop_one, pop_two_push_one);
    for (int node = pop(); node != EMPTY; node = pop()) own(node);
}

/* --- what never ends by itself --- */

static atomic_int go;

static void *wait_for_go(void *argument)
{
    while (atomic_load(&go) == 0) continue;
    return argument;
}

static void *give_go(void *argument)
{
    atomic_store(&go, 1);
    return argument;
}

static void run_spinning(void)
{
    run_both(wait_for_go, give_go);
}

/* The same of a loop that looks under a lock, and yields. */
static pthread_mutex_t flag_lock = PTHREAD_MUTEX_INITIALIZER;
static int flag;

static int flag_is_up(void)
{
    pthread_mutex_lock(&flag_lock);
    int up = flag;
    pthread_mutex_unlock(&flag_lock);
    return up;
}

static void *wait_for_flag(void *argument)
{
    while (!flag_is_up()) sched_yield();
    return argument;
}

static void *raise_flag(void *argument)
{
    pthread_mutex_lock(&flag_lock);
    flag = 1;
    pthread_mutex_unlock(&flag_lock);
    return argument;
}

static void run_yielding(void)
{
    run_both(wait_for_flag, raise_flag);
}

/* Whoever was set aside goes on as soon as there is something new. */
static void *see_last(void *argument)
{
    while (atomic_load(&go) == 0) continue;
    assert(atomic_load(&go) == 2);
    return argument;
}

static void run_resumed(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, see_last, NULL);
    usleep(1000);
    atomic_store(&go, 1);
    atomic_store(&go, 2);
    pthread_join(thread, NULL);
}

/* Gives up at last, when nobody else can run. */
static void *try_long(void *argument)
{
    for (int i = 0; i < 100 && atomic_load(&go) == 0; i++) continue;
    return argument;
}

static void run_giving_up(void)
{
    run_both(try_long, nothing);
}

static const struct test_case cases[] = {
    {"values", run_values},
    {"flags", run_flags},
    {"flags_relaxed", run_flags_relaxed},
    {"flags_late", run_flags_late},
    {"spinlock", run_spinlock},
    {"broken_spinlock", run_broken_spinlock},
    {"ticket_lock", run_ticket_lock},
    {"aba", run_aba},
    {"spinning", run_spinning},
    {"yielding", run_yielding},
    {"resumed", run_resumed},
    {"giving_up", run_giving_up},
};

MAIN(cases)
