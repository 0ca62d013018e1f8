/* One thread changes a value under its lock and expects to be alone with it; N others hold
 * another lock. The fix: the same one. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef N
#define N 2
#endif

static pthread_mutex_t value_lock = PTHREAD_MUTEX_INITIALIZER;
#ifdef FIXED
#define other_lock value_lock
#else
static pthread_mutex_t other_lock = PTHREAD_MUTEX_INITIALIZER;
#endif
static _Atomic int value;

static void *change(void *argument)
{
    pthread_mutex_lock(&value_lock);
    int before = value;
    value = before + 1;
    assert(value == before + 1);
    pthread_mutex_unlock(&value_lock);
    return argument;
}

static void *change_otherwise(void *argument)
{
    pthread_mutex_lock(&other_lock);
    value++;
    pthread_mutex_unlock(&other_lock);
    return argument;
}

int main(void)
{
    pthread_t threads[N + 1];
    pthread_create(&threads[0], NULL, change, NULL);
    for (int i = 1; i <= N; i++) pthread_create(&threads[i], NULL, change_otherwise, NULL);
    for (int i = 0; i <= N; i++) pthread_join(threads[i], NULL);
    return 0;
}
