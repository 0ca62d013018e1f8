/* The consumer stops when the queue is empty and the producer is done. It asks in this order, so
 * that an item that comes in between is left behind. The fix: the other order. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { ITEMS = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int queued, consumed;
static _Atomic bool done;

static bool take(void)
{
    pthread_mutex_lock(&lock);
    bool taken = queued > 0;
    queued -= taken;
    consumed += taken;
    pthread_mutex_unlock(&lock);
    return taken;
}

static void *produce(void *argument)
{
    for (int i = 0; i < ITEMS; i++) {
        pthread_mutex_lock(&lock);
        queued++;
        pthread_mutex_unlock(&lock);
    }
    done = true;
    return argument;
}

static void *consume(void *argument)
{
    for (;;) {
#ifdef FIXED
        bool last = done;
        if (take()) continue;
        if (last) return argument;
#else
        if (take()) continue;
        if (done) return argument;
#endif
        sched_yield();
    }
}

int main(void)
{
    pthread_t producer, consumer;
    pthread_create(&producer, NULL, produce, NULL);
    pthread_create(&consumer, NULL, consume, NULL);
    pthread_join(producer, NULL);
    pthread_join(consumer, NULL);
    assert(consumed == ITEMS);
    return 0;
}
