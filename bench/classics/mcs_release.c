/* A lock whose waiters queue (Mellor-Crummey, Scott). Who finds nobody behind it sets the tail back
 * and goes; but one may have become the tail and not be linked yet, and then waits for ever. The
 * fix: only if it is the tail still, or else wait for the link. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { THREADS = 2 };

struct node {
    struct node *_Atomic next;
    _Atomic bool waits;
};
static struct node nodes[THREADS];
static struct node *_Atomic tail;
static _Atomic int count;

static void take(struct node *self)
{
    self->waits = true;
    struct node *before = atomic_exchange(&tail, self);
    if (before == NULL) return;
    before->next = self;
    while (self->waits) sched_yield();
}

static void give(struct node *self)
{
    if (self->next == NULL) {
#ifdef FIXED
        struct node *expected = self;
        if (atomic_compare_exchange_strong(&tail, &expected, NULL)) return;
        while (self->next == NULL) sched_yield();
#else
        tail = NULL;
        return;
#endif
    }
    self->next->waits = false;
}

static void *work(void *argument)
{
    take(argument);
    count++;
    give(argument);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, &nodes[i]);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
