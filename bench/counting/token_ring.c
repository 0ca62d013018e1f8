/* N threads wait for a token, each for its turn; every move wakes all. */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int holder;

static void *pass(void *argument)
{
    pthread_mutex_lock(&lock);
    while (holder != *(const int *)argument) pthread_cond_wait(&moved, &lock);
    holder++;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(void)
{
    static int own[N];
    pthread_t threads[N];
    for (int i = 0; i < N; i++) {
        own[i] = i;
        pthread_create(&threads[i], NULL, pass, &own[i]);
    }
    for (int i = 0; i < N; i++) pthread_join(threads[i], NULL);
    return holder != N;
}
