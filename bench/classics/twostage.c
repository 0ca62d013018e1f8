/* Two values that belong together, each under a lock of its own. N threads write one and then the
 * other; a reader between the two stages sees the first without the second. The fix: the first
 * lock is kept until the second value is there. */
#include <assert.h>
#include <pthread.h>

#ifndef N
#define N 1
#endif

static pthread_mutex_t first_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t second_lock = PTHREAD_MUTEX_INITIALIZER;
static int first, second;

static void *set(void *argument)
{
    pthread_mutex_lock(&first_lock);
    first = 1;
#ifndef FIXED
    pthread_mutex_unlock(&first_lock);
#endif
    pthread_mutex_lock(&second_lock);
    second = 2;
    pthread_mutex_unlock(&second_lock);
#ifdef FIXED
    pthread_mutex_unlock(&first_lock);
#endif
    return argument;
}

static void *check(void *argument)
{
    pthread_mutex_lock(&first_lock);
    int seen = first;
    pthread_mutex_unlock(&first_lock);
    if (seen == 0) return argument;
    pthread_mutex_lock(&second_lock);
    assert(second == seen + 1);
    pthread_mutex_unlock(&second_lock);
    return argument;
}

int main(void)
{
    pthread_t setters[N], checker;
    for (int i = 0; i < N; i++) pthread_create(&setters[i], NULL, set, NULL);
    pthread_create(&checker, NULL, check, NULL);
    for (int i = 0; i < N; i++) pthread_join(setters[i], NULL);
    pthread_join(checker, NULL);
    return 0;
}
