/* Lamport's bakery: who comes draws a number greater than all, and the lowest one goes first. Two
 * may draw the same, and then the lower index counts; but while one still draws it is seen with
 * none, and overtaken by it. The fix: to wait for whoever is drawing. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

enum { THREADS = 2 };

static _Atomic int drawing[THREADS], number[THREADS], inside;

static void draw(int self)
{
    int highest = 0;
    drawing[self] = 1;
    for (int i = 0; i < THREADS; i++) {
        int seen = number[i];
        if (seen > highest) highest = seen;
    }
    number[self] = highest + 1;
    drawing[self] = 0;
}

static int goes_first(int other, int self)
{
    int seen = number[other];
    return seen != 0 && (seen < number[self] || (seen == number[self] && other < self));
}

static void *work(void *argument)
{
    int self = (int)(intptr_t)argument;
    draw(self);
    for (int i = 0; i < THREADS; i++) {
#ifdef FIXED
        while (drawing[i]) sched_yield();
#endif
        while (goes_first(i, self)) sched_yield();
    }
    assert(++inside == 1);
    inside--;
    number[self] = 0;
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
