/* Locks that a program makes by assembler code: what they order is no race, what they do not is.
 *
 *   assembler LOCK [broken] */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool broken;
static volatile int word;
static uint64_t tickets; /* the next one above, who is served below */
static int count;

static int exchange(volatile int *at, int value)
{
    __asm__ volatile("xchgl %0, %1" : "+r"(value), "+m"(*at)::"memory");
    return value;
}

static void exchange_lock(void)
{
    while (exchange(&word, 1)) __asm__ volatile("rep; nop");
}

static void plain_unlock(void)
{
    __asm__ volatile("" ::: "memory");
    word = 0;
}

static bool compare(volatile int *at, int old, int value)
{
    unsigned char done;
    __asm__ volatile("lock; cmpxchgl %3, %1\n\tsete %0"
                     : "=q"(done), "+m"(*at), "+a"(old)
                     : "r"(value)
                     : "memory", "cc");
    return done;
}

static void compare_lock(void)
{
    while (!compare(&word, 0, 1)) continue;
}

static void moved_unlock(void)
{
    __asm__ volatile("movl $0, %0" : "=m"(word)::"memory");
}

static void ticket_lock(void)
{
    uint64_t mine = (uint64_t)1 << 32, now;
    __asm__ volatile("lock xaddq %0, %1" : "+r"(mine), "+m"(tickets)::"memory", "cc");
    do {
        __asm__ volatile("movq %1, %0" : "=r"(now) : "m"(tickets) : "memory");
    } while ((uint32_t)now != mine >> 32);
}

static void ticket_unlock(void)
{
    __asm__ volatile("lock; incl %0" : "+m"(*(uint32_t *)&tickets)::"memory", "cc");
}

/* As in an old kernel, with a label before the instruction. */
static int slots = 1;

static void label_lock(void)
{
    __asm__ volatile("1:\tlock; decl %0\n\tjs 1b" : "+m"(slots)::"memory", "cc");
}

static void label_unlock(void)
{
    slots = 1;
    __asm__ volatile("" ::: "memory");
}

/* What it guards is in the same word. */
static struct {
    _Alignas(8) volatile int lock;
    int count;
} beside;

static void beside_lock(void)
{
    while (exchange(&beside.lock, 1)) continue;
}

static void beside_unlock(void)
{
    __asm__ volatile("" ::: "memory");
    beside.lock = 0;
}

/* Drawn as a whole, and served by its upper half. */
static union {
    uint64_t both;
    uint32_t half[2];
} halves;

static uint32_t draw(void)
{
    uint64_t mine = 1;
    __asm__ volatile("lock xaddq %0, %1" : "+r"(mine), "+m"(halves.both)::"memory", "cc");
    return (uint32_t)mine;
}

static void half_lock(void)
{
    uint32_t mine = draw();
    uint64_t now;
    do {
        __asm__ volatile("movq %1, %0" : "=r"(now) : "m"(halves.both) : "memory");
    } while (now >> 32 != mine);
}

static void half_unlock(void)
{
    halves.half[1]++;
    __asm__ volatile("" ::: "memory");
}

/* Whoever waits looks plainly, the same again and again, and before anybody can know that it is a
 * lock. */
static uint32_t next;
static _Alignas(8) uint32_t serving;

static void late_lock(void)
{
    uint32_t mine = 1;
    __asm__ volatile("lock xaddl %0, %1" : "+r"(mine), "+m"(next)::"memory", "cc");
    while (serving != mine) sched_yield();
}

static void late_unlock(void)
{
    __asm__ volatile("lock; incl %0" : "+m"(serving)::"memory", "cc");
}

/* Taken with the word beside it, and given back alone. */
static struct {
    _Alignas(16) uint64_t words[2];
} wide;

static void wide_lock(void)
{
    unsigned char done;
    do {
        uint64_t low = 0, high = 0;
        __asm__ volatile("lock; cmpxchg16b %1\n\tsete %0"
                         : "=q"(done), "+m"(wide), "+a"(low), "+d"(high)
                         : "b"(UINT64_C(0)), "c"(UINT64_C(1))
                         : "memory", "cc");
    } while (!done);
}

static void wide_unlock(void)
{
    wide.words[1] = 0;
    __asm__ volatile("" ::: "memory");
}

static const struct kind {
    const char *name;
    void (*lock)(void), (*unlock)(void);
    int *count;
} kinds[] = {
    {"exchange", exchange_lock, plain_unlock, &count},
    {"compare", compare_lock, moved_unlock, &count},
    {"ticket", ticket_lock, ticket_unlock, &count},
    {"label", label_lock, label_unlock, &count},
    {"beside", beside_lock, beside_unlock, &beside.count},
    {"half", half_lock, half_unlock, &count},
    {"late", late_lock, late_unlock, &count},
    {"wide", wide_lock, wide_unlock, &count},
};

static void *work(void *argument)
{
    const struct kind *kind = argument;
    for (int i = 0; i < 2; i++) {
        kind->lock();
        ++*kind->count;
        kind->unlock();
    }
    if (broken) ++*kind->count;
    return NULL;
}

int main(int argc, char **argv)
{
    broken = argc > 2;
    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++) {
        pthread_t threads[2];
        struct kind kind = kinds[i];
        if (strcmp(kind.name, argv[1]) != 0) continue;
        for (int j = 0; j < 2; j++) assert(!pthread_create(&threads[j], NULL, work, &kind));
        for (int j = 0; j < 2; j++) assert(!pthread_join(threads[j], NULL));
        assert(*kind.count == 4 + 2 * broken);
    }
    return 0;
}
