/* Six threads that arrive in the opposite order: one of 720, and not among the first. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 6 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int next = THREADS;
static int in_order = 1;

static void *arrive(void *number)
{
    pthread_mutex_lock(&lock);
    in_order &= --next == *(int *)number;
    pthread_mutex_unlock(&lock);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, arrive, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    printf("in order: %d\n", in_order);
    assert(!in_order);
    return 0;
}
