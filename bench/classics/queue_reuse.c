/* A lock-free queue (Michael, Scott, PODC 1996): who takes reads the value of the next node when it
 * has moved the head; by then another one may have taken that node, too, and used it again. The
 * fix: the value is read before the head is moved. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { NODES = 3, USED_AGAIN = -1 };

static _Atomic int value[NODES] = {0, 10, 20};
static _Atomic int head; /* of the nodes 0, 1, 2, in this order */

static int take(void)
{
    for (;;) {
        int first = head;
        if (first + 1 == NODES) return 0;
#ifdef FIXED
        int taken = value[first + 1];
#endif
        if (!atomic_compare_exchange_strong(&head, &first, first + 1)) continue;
#ifndef FIXED
        int taken = value[first + 1];
#endif
        value[first] = USED_AGAIN;
        return taken;
    }
}

static void *consume(void *argument)
{
    assert(take() >= 0);
    return argument;
}

int main(void)
{
    pthread_t one, other;
    pthread_create(&one, NULL, consume, NULL);
    pthread_create(&other, NULL, consume, NULL);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    return 0;
}
