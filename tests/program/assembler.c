/* Locks that a program makes by assembler code: what they order is no race, what they do not is.
 *
 *   assembler LOCK [broken] */
#include <assert.h>
#include <pthread.h>
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

static const struct kind {
    const char *name;
    void (*lock)(void), (*unlock)(void);
} kinds[] = {
    {"exchange", exchange_lock, plain_unlock},
    {"compare", compare_lock, moved_unlock},
    {"ticket", ticket_lock, ticket_unlock},
};

static void *work(void *argument)
{
    const struct kind *kind = argument;
    for (int i = 0; i < 2; i++) {
        kind->lock();
        count++;
        kind->unlock();
    }
    if (broken) count++;
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
        assert(count == 4 + 2 * broken);
    }
    return 0;
}
