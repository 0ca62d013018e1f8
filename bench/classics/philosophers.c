/* N philosophers, each with the left fork in hand, wait for the right one. The fix: the last one
 * takes the forks the other way round. */
#include <pthread.h>
#include <stdint.h>

#ifndef N
#define N 3
#endif

static pthread_mutex_t forks[N];

static void *dine(void *number)
{
    intptr_t first = (intptr_t)number, second = (first + 1) % N;
#ifdef FIXED
    if (second < first) {
        second = first;
        first = 0;
    }
#endif
    pthread_mutex_lock(&forks[first]);
    pthread_mutex_lock(&forks[second]);
    pthread_mutex_unlock(&forks[second]);
    pthread_mutex_unlock(&forks[first]);
    return NULL;
}

int main(void)
{
    pthread_t threads[N];
    for (int i = 0; i < N; i++) pthread_mutex_init(&forks[i], NULL);
    for (intptr_t i = 0; i < N; i++) pthread_create(&threads[i], NULL, dine, (void *)i);
    for (int i = 0; i < N; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < N; i++) pthread_mutex_destroy(&forks[i]);
    return 0;
}
