/* A deque of tasks: its owner takes at the tail, a thief at the head. For the last task both ends
 * meet, and the owner that does not compete for the head runs a task that was stolen. The fix: it
 * does. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { TASKS = 3, NONE = -1 };

static _Atomic int head, tail = TASKS;
static _Atomic int runs[TASKS];

static int steal(void)
{
    int first = head;
    if (first >= tail) return NONE;
    return atomic_compare_exchange_strong(&head, &first, first + 1) ? first : NONE;
}

static int take(void)
{
    int last = --tail;
    int first = head;
#ifdef FIXED
    if (first < last) return last;
    int won = first == last && atomic_compare_exchange_strong(&head, &first, first + 1);
    tail = last + 1;
    return won ? last : NONE;
#else
    if (first <= last) return last;
    tail = last + 1;
    return NONE;
#endif
}

static void *own(void *argument)
{
    for (int task = take(); task != NONE; task = take()) runs[task]++;
    return argument;
}

static void *rob(void *argument)
{
    for (int i = 0; i < 2; i++) {
        int task = steal();
        if (task != NONE) runs[task]++;
    }
    return argument;
}

int main(void)
{
    pthread_t owner, thief;
    pthread_create(&owner, NULL, own, NULL);
    pthread_create(&thief, NULL, rob, NULL);
    pthread_join(owner, NULL);
    pthread_join(thief, NULL);
    for (int i = 0; i < TASKS; i++) assert(runs[i] == 1);
    return 0;
}
