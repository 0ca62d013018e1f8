/* A condition made of semaphores (Birrell, 2003): who signals counts the waiters down and posts
 * once. One who comes later and waits may take the post that was meant for who waited before. The
 * fix: whoever signals holds on until the one who was meant has come through. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t wakes, came;
static int waiters;
static int phase;

static void wait_for_change(void)
{
    waiters++;
    pthread_mutex_unlock(&lock);
    sem_wait(&wakes);
#ifdef FIXED
    sem_post(&came);
#endif
    pthread_mutex_lock(&lock);
}

static void signal_change(void)
{
    if (waiters == 0) return;
    waiters--;
    sem_post(&wakes);
#ifdef FIXED
    sem_wait(&came);
#endif
}

/* Waits for the first phase only. */
static void *wait_for_first(void *argument)
{
    pthread_mutex_lock(&lock);
    while (phase < 1) wait_for_change();
    pthread_mutex_unlock(&lock);
    return argument;
}

/* Comes when that was signalled, and waits for the second one. */
static void *wait_for_second(void *argument)
{
    pthread_mutex_lock(&lock);
    while (phase == 1) wait_for_change();
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *advance(void *argument)
{
    pthread_mutex_lock(&lock);
    phase = 1;
    signal_change();
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&lock);
    phase = 2;
    signal_change();
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(void)
{
    pthread_t first, second, third;
    sem_init(&wakes, 0, 0);
    sem_init(&came, 0, 0);
    pthread_create(&first, NULL, wait_for_first, NULL);
    pthread_create(&second, NULL, wait_for_second, NULL);
    pthread_create(&third, NULL, advance, NULL);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    pthread_join(third, NULL);
    sem_destroy(&wakes);
    sem_destroy(&came);
    return 0;
}
