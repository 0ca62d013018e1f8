/* N threads set a and then b, one thread expects to see both or none. It must come between the
 * two writes of the first setter that runs, before any other one has finished. The fix: a lock. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef N
#define N 3
#endif

static _Atomic int a, b;

#ifdef FIXED
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#define LOCK() pthread_mutex_lock(&lock)
#define UNLOCK() pthread_mutex_unlock(&lock)
#else
#define LOCK()
#define UNLOCK()
#endif

static void *set(void *argument)
{
    LOCK();
    a = 1;
    b = -1;
    UNLOCK();
    return argument;
}

static void *check(void *argument)
{
    LOCK();
    int first = a, second = b;
    UNLOCK();
    assert((first == 0 && second == 0) || (first == 1 && second == -1));
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
