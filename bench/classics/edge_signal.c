/* A queue with a condition for each side, and a signal only when it was empty, or full: the second
 * of two who wait is never woken. The fix: signal each time. */
#include <pthread.h>

enum { ROOM = 2, EACH = 2, THREADS = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t items = PTHREAD_COND_INITIALIZER, places = PTHREAD_COND_INITIALIZER;
static int count;

static void wake(pthread_cond_t *condition, int edge)
{
#ifdef FIXED
    edge = 1;
#endif
    if (edge) pthread_cond_signal(condition);
}

static void *put(void *argument)
{
    for (int i = 0; i < EACH; i++) {
        pthread_mutex_lock(&lock);
        while (count == ROOM) pthread_cond_wait(&places, &lock);
        count++;
        wake(&items, count == 1);
        pthread_mutex_unlock(&lock);
    }
    return argument;
}

static void *take(void *argument)
{
    for (int i = 0; i < EACH; i++) {
        pthread_mutex_lock(&lock);
        while (count == 0) pthread_cond_wait(&items, &lock);
        count--;
        wake(&places, count == ROOM - 1);
        pthread_mutex_unlock(&lock);
    }
    return argument;
}

int main(void)
{
    pthread_t threads[2 * THREADS];
    for (int i = 0; i < 2 * THREADS; i++) {
        pthread_create(&threads[i], NULL, i % 2 ? put : take, NULL);
    }
    for (int i = 0; i < 2 * THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
