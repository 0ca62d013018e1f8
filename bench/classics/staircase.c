/* Two threads climb a staircase: each takes the next step only if the other one has just taken the
 * one before, and goes on to its next attempt otherwise. The top was thought to be out of reach.
 * The fix: nobody begins before the other one has finished. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef N
#define N 3
#endif

static _Atomic int height;
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *climb(void *foot)
{
    int own = (int)(long)foot;
#ifdef FIXED
    pthread_mutex_lock(&lock);
#endif
    for (int i = 0; i < N; i++) {
        int from = 2 * i + own;
        atomic_compare_exchange_strong(&height, &from, from + 1);
    }
#ifdef FIXED
    pthread_mutex_unlock(&lock);
#endif
    return NULL;
}

int main(void)
{
    pthread_t left, right;
    pthread_create(&left, NULL, climb, (void *)0);
    pthread_create(&right, NULL, climb, (void *)1);
    pthread_join(left, NULL);
    pthread_join(right, NULL);
    assert(height < 2 * N);
    return 0;
}
