/* The flag is atomic, so it is set without the lock - and can be set, and signalled, after the
 * waiter has looked at it and before it waits. The fix: the lock around it, atomic or not. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static _Atomic bool ready;

static void *announce(void *argument)
{
#ifdef FIXED
    pthread_mutex_lock(&lock);
#endif
    ready = true;
    pthread_cond_signal(&changed);
#ifdef FIXED
    pthread_mutex_unlock(&lock);
#endif
    return argument;
}

static void *await(void *argument)
{
    pthread_mutex_lock(&lock);
    while (!ready) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(void)
{
    pthread_t waiter, announcer;
    pthread_create(&waiter, NULL, await, NULL);
    pthread_create(&announcer, NULL, announce, NULL);
    pthread_join(waiter, NULL);
    pthread_join(announcer, NULL);
    return 0;
}
