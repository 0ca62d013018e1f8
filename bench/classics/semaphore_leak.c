/* A place in the pool is taken before a job is looked for. Who finds no job leaves without giving
 * the place back; once that has happened, the others wait for it. The fix: it is given back. */
#include <pthread.h>
#include <semaphore.h>

enum { PLACES = 1, WORKERS = 2 };

static sem_t places;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int jobs;

static void *add_jobs(void *argument)
{
    pthread_mutex_lock(&lock);
    jobs = WORKERS;
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *work(void *argument)
{
    sem_wait(&places);
    pthread_mutex_lock(&lock);
    int found = jobs > 0;
    jobs -= found;
    pthread_mutex_unlock(&lock);
#ifndef FIXED
    if (!found) return argument;
#endif
    sem_post(&places);
    return argument;
}

int main(void)
{
    pthread_t source, workers[WORKERS];
    sem_init(&places, 0, PLACES);
    pthread_create(&source, NULL, add_jobs, NULL);
    for (int i = 0; i < WORKERS; i++) pthread_create(&workers[i], NULL, work, NULL);
    pthread_join(source, NULL);
    for (int i = 0; i < WORKERS; i++) pthread_join(workers[i], NULL);
    sem_destroy(&places);
    return 0;
}
