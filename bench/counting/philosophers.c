/* N philosophers, each takes the fork of lower number first and eats once. Neighbours eat in one
 * order or the other, but not all in a circle: 2^N - 2. */
#include <pthread.h>

static pthread_mutex_t forks[N];

static void *eat(void *argument)
{
    int left = *(const int *)argument, right = (left + 1) % N;
    pthread_mutex_t *first = &forks[left < right ? left : right];
    pthread_mutex_t *second = &forks[left < right ? right : left];
    pthread_mutex_lock(first);
    pthread_mutex_lock(second);
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
    return argument;
}

int main(void)
{
    static int own[N];
    pthread_t philosophers[N];
    for (int i = 0; i < N; i++) pthread_mutex_init(&forks[i], NULL);
    for (int i = 0; i < N; i++) {
        own[i] = i;
        pthread_create(&philosophers[i], NULL, eat, &own[i]);
    }
    for (int i = 0; i < N; i++) pthread_join(philosophers[i], NULL);
    return 0;
}
