/* A service is closed when its queue is empty and its worker is idle. The worker takes a job, and
 * only then says that it is busy. The fix: both at once. */
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int jobs = 2;
static bool busy, closed;

static void *work(void *argument)
{
    pthread_mutex_lock(&lock);
    while (jobs > 0) {
        jobs--;
#ifndef FIXED
        pthread_mutex_unlock(&lock);
        pthread_mutex_lock(&lock);
#endif
        busy = true;
        assert(!closed);
        pthread_mutex_unlock(&lock);
        pthread_mutex_lock(&lock); /* the job was done in between */
        assert(!closed);
        busy = false;
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *shut_down(void *argument)
{
    pthread_mutex_lock(&lock);
    while (jobs > 0 || busy) pthread_cond_wait(&changed, &lock);
    closed = true;
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(void)
{
    pthread_t worker, closer;
    pthread_create(&worker, NULL, work, NULL);
    pthread_create(&closer, NULL, shut_down, NULL);
    pthread_join(worker, NULL);
    pthread_join(closer, NULL);
    return 0;
}
