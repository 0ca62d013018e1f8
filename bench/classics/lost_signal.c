/* A signal with nothing behind it: if it comes before the wait, nobody keeps it, and the waiter
 * waits for ever. The fix: a flag that is set first, and looked at before waiting. */
#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool ready;

static void *announce(void *argument)
{
    pthread_mutex_lock(&lock);
    ready = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *await(void *argument)
{
    pthread_mutex_lock(&lock);
#ifdef FIXED
    while (!ready) pthread_cond_wait(&changed, &lock);
#else
    pthread_cond_wait(&changed, &lock);
#endif
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
