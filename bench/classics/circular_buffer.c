/* A ring between one producer and one consumer: each has an index of its own, but both count the
 * items by reading and writing back. One count gets lost. The fix: one operation. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { ROOM = 2, ITEMS = 3 };

static _Atomic int count;
static _Atomic int slots[ROOM];

static void change_count(int change)
{
#ifdef FIXED
    count += change;
#else
    int before = count;
    count = before + change;
#endif
}

static void *produce(void *argument)
{
    for (int i = 0; i < ITEMS; i++) {
        while (count == ROOM) sched_yield();
        slots[i % ROOM] = i;
        change_count(1);
    }
    return argument;
}

static void *consume(void *argument)
{
    for (int i = 0; i < ITEMS; i++) {
        while (count == 0) sched_yield();
        assert(slots[i % ROOM] == i);
        change_count(-1);
    }
    return argument;
}

int main(void)
{
    pthread_t producer, consumer;
    pthread_create(&producer, NULL, produce, NULL);
    pthread_create(&consumer, NULL, consume, NULL);
    pthread_join(producer, NULL);
    pthread_join(consumer, NULL);
    assert(count == 0);
    return 0;
}
