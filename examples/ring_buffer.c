/* A bounded buffer between two producers and two consumers.
 *
 * The race: one condition for two reasons to wait. A producer's signal can wake the other producer
 * instead of a consumer; that one finds the buffer still full and sleeps on, and with it everybody.
 * The fix: a condition for each reason. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

enum { ROOM = 1, ITEMS = 2 };

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t changed;   /* the race: for both */
    pthread_cond_t not_full;  /* the fix: for producers */
    pthread_cond_t not_empty; /* and for consumers */
    int items[ROOM];
    int first, count;
};

static struct ring ring = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .changed = PTHREAD_COND_INITIALIZER,
    .not_full = PTHREAD_COND_INITIALIZER,
    .not_empty = PTHREAD_COND_INITIALIZER,
};

#ifdef FIXED
#define WAIT_FOR(reason) pthread_cond_wait(&ring.reason, &ring.lock)
#define ANNOUNCE(reason) pthread_cond_signal(&ring.reason)
#else
#define WAIT_FOR(reason) pthread_cond_wait(&ring.changed, &ring.lock)
#define ANNOUNCE(reason) pthread_cond_signal(&ring.changed)
#endif

static void ring_put(int item)
{
    pthread_mutex_lock(&ring.lock);
    while (ring.count == ROOM) WAIT_FOR(not_full);
    ring.items[(ring.first + ring.count) % ROOM] = item;
    ring.count++;
    ANNOUNCE(not_empty);
    pthread_mutex_unlock(&ring.lock);
}

static int ring_take(void)
{
    pthread_mutex_lock(&ring.lock);
    while (ring.count == 0) WAIT_FOR(not_empty);
    int item = ring.items[ring.first];
    ring.first = (ring.first + 1) % ROOM;
    ring.count--;
    ANNOUNCE(not_full);
    pthread_mutex_unlock(&ring.lock);
    return item;
}

static void *produce(void *argument)
{
    for (int i = 1; i <= ITEMS; i++) ring_put(i);
    return argument;
}

static void *consume(void *sum)
{
    for (int i = 0; i < ITEMS; i++) *(int *)sum += ring_take();
    return NULL;
}

int main(void)
{
    pthread_t producers[2], consumers[2];
    int sums[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        pthread_create(&producers[i], NULL, produce, NULL);
        pthread_create(&consumers[i], NULL, consume, &sums[i]);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(producers[i], NULL);
        pthread_join(consumers[i], NULL);
    }
    printf("%d\n", sums[0] + sums[1]);
    assert(sums[0] + sums[1] == 6);
    return 0;
}
