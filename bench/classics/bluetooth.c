/* A driver is stopped while requests come in: a request looks whether it is stopping, and only
 * then counts itself, so the driver can be gone in between. The fix: first count, then look. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

static _Atomic bool stopping, stopped;
static _Atomic int pending = 1; /* requests, and one for the driver itself */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;

static void leave(void)
{
    if (--pending > 0) return;
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&idle);
    pthread_mutex_unlock(&lock);
}

static bool enter(void)
{
#ifdef FIXED
    pending++;
    if (!stopping) return true;
    leave();
    return false;
#else
    if (stopping) return false;
    pending++;
    return true;
#endif
}

static void *request(void *argument)
{
    if (!enter()) return argument;
    assert(!stopped);
    leave();
    return argument;
}

static void *stop(void *argument)
{
    stopping = true;
    leave();
    pthread_mutex_lock(&lock);
    while (pending > 0) pthread_cond_wait(&idle, &lock);
    pthread_mutex_unlock(&lock);
    stopped = true;
    return argument;
}

int main(void)
{
    pthread_t requester, stopper;
    pthread_create(&requester, NULL, request, NULL);
    pthread_create(&stopper, NULL, stop, NULL);
    pthread_join(requester, NULL);
    pthread_join(stopper, NULL);
    return 0;
}
