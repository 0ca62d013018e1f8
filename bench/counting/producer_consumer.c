/* N things go from a producer to a consumer, through a buffer with room for one. */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t empty = PTHREAD_COND_INITIALIZER, full = PTHREAD_COND_INITIALIZER;
static int count;

static void *produce(void *argument)
{
    for (int i = 0; i < N; i++) {
        pthread_mutex_lock(&lock);
        while (count == 1) pthread_cond_wait(&empty, &lock);
        count++;
        pthread_cond_signal(&full);
        pthread_mutex_unlock(&lock);
    }
    return argument;
}

static void *consume(void *argument)
{
    for (int i = 0; i < N; i++) {
        pthread_mutex_lock(&lock);
        while (count == 0) pthread_cond_wait(&full, &lock);
        count--;
        pthread_cond_signal(&empty);
        pthread_mutex_unlock(&lock);
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
    return count;
}
