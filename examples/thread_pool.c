/* A pool of threads that work off a list of tasks, until it is stopped.
 *
 * The race: a worker that finds both a task and the order to stop, stops. The pause before that
 * order makes this rare, and a loaded machine makes it happen.
 * The fix: a worker stops when it is told to and nothing is left. */
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORKERS = 2, TASKS = 3 };

struct task {
    struct task *next;
    int number;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct task *tasks;
    bool stopping;
    int done;
    pthread_t workers[WORKERS];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* The next task; NULL: stop. */
static struct task *pool_next(void)
{
    pthread_mutex_lock(&pool.lock);
    while (pool.tasks == NULL && !pool.stopping) pthread_cond_wait(&pool.changed, &pool.lock);
    struct task *task = pool.tasks;
#ifndef FIXED
    if (pool.stopping) task = NULL;
#endif
    if (task) pool.tasks = task->next;
    pthread_mutex_unlock(&pool.lock);
    return task;
}

static void *work(void *argument)
{
    struct task *task;
    while ((task = pool_next()) != NULL) {
        free(task);
        pthread_mutex_lock(&pool.lock);
        pool.done++;
        pthread_mutex_unlock(&pool.lock);
    }
    return argument;
}

static void pool_add(int number)
{
    struct task *task = malloc(sizeof *task);
    pthread_mutex_lock(&pool.lock);
    *task = (struct task){pool.tasks, number};
    pool.tasks = task;
    pthread_cond_signal(&pool.changed);
    pthread_mutex_unlock(&pool.lock);
}

static void pool_stop(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.stopping = true;
    pthread_cond_broadcast(&pool.changed);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < WORKERS; i++) pthread_join(pool.workers[i], NULL);
}

int main(void)
{
    for (int i = 0; i < WORKERS; i++) pthread_create(&pool.workers[i], NULL, work, NULL);
    for (int i = 0; i < TASKS; i++) pool_add(i);
    usleep(2000); /* they will be done by then */
    pool_stop();
    printf("%d tasks done\n", pool.done);
    assert(pool.done == TASKS);
    return 0;
}
