/* A consumer that was woken takes for granted that there is an item, but another one can come
 * between the signal and its return from the wait. The fix: while instead of if. */
#include <assert.h>
#include <pthread.h>

enum { CONSUMERS = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;
static int items;

static void *consume(void *argument)
{
    pthread_mutex_lock(&lock);
#ifdef FIXED
    while (items == 0) pthread_cond_wait(&not_empty, &lock);
#else
    if (items == 0) pthread_cond_wait(&not_empty, &lock);
#endif
    assert(items > 0);
    items--;
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *produce(void *argument)
{
    for (int i = 0; i < CONSUMERS; i++) {
        pthread_mutex_lock(&lock);
        items++;
        pthread_cond_signal(&not_empty);
        pthread_mutex_unlock(&lock);
    }
    return argument;
}

int main(void)
{
    pthread_t producer, consumers[CONSUMERS];
    for (int i = 0; i < CONSUMERS; i++) pthread_create(&consumers[i], NULL, consume, NULL);
    pthread_create(&producer, NULL, produce, NULL);
    for (int i = 0; i < CONSUMERS; i++) pthread_join(consumers[i], NULL);
    pthread_join(producer, NULL);
    return 0;
}
