/* A barrier made of a turnstile: the last to come lets everybody through. A quick one is back
 * before the others have left, is counted with them, and takes the pass of one of them. The fix:
 * a second turnstile, for leaving. */
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>

enum { THREADS = 2, ROUNDS = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t entrance, leaving;
static int inside;
static int at[THREADS]; /* the round each thread has reached */

static void pass(int change, int complete, sem_t *turnstile)
{
    pthread_mutex_lock(&lock);
    inside += change;
    if (inside == complete) {
        for (int i = 0; i < THREADS; i++) sem_post(turnstile);
    }
    pthread_mutex_unlock(&lock);
    sem_wait(turnstile);
}

static void meet(void)
{
    pass(1, THREADS, &entrance);
#ifdef FIXED
    pass(-1, 0, &leaving);
#else
    pthread_mutex_lock(&lock);
    inside--;
    pthread_mutex_unlock(&lock);
#endif
}

static void *work(void *argument)
{
    int *mine = argument;
    for (int round = 1; round <= ROUNDS; round++) {
        pthread_mutex_lock(&lock);
        *mine = round;
        pthread_mutex_unlock(&lock);
        meet();
        pthread_mutex_lock(&lock);
        for (int i = 0; i < THREADS; i++) assert(at[i] >= round);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    sem_init(&entrance, 0, 0);
    sem_init(&leaving, 0, 0);
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, &at[i]);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    sem_destroy(&entrance);
    sem_destroy(&leaving);
    return 0;
}
