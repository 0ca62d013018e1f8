/* Mutual exclusion by two flags and a turn (Peterson). Who gives the turn away before raising the
 * flag lets both in. The fix: the flag first. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

static _Atomic int wants[2], turn, inside;

static void enter(int self)
{
    int other = 1 - self;
#ifdef FIXED
    wants[self] = 1;
    turn = other;
#else
    turn = other;
    wants[self] = 1;
#endif
    while (wants[other] && turn == other) sched_yield();
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
