/* Mutual exclusion by two flags and a turn, as published by Hyman in 1966: who finds that it is not
 * its turn waits for the other one's flag, and takes the turn; but the flag may have gone up again
 * in between. The fix: to look once more whether the turn is still there, and the flag down. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

static _Atomic int wants[2], turn, inside;

static void enter(int self)
{
    int other = 1 - self;
    wants[self] = 1;
#ifdef FIXED
    turn = other;
    while (wants[other] && turn == other) sched_yield();
#else
    while (turn != self) {
        while (wants[other]) sched_yield();
        turn = self;
    }
#endif
}

static void *work(void *number)
{
    int self = (int)(intptr_t)number;
    enter(self);
    assert(++inside == 1);
    inside--;
    wants[self] = 0;
    return NULL;
}

int main(void)
{
    pthread_t one, other;
    pthread_create(&one, NULL, work, (void *)0);
    pthread_create(&other, NULL, work, (void *)1);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    return 0;
}
