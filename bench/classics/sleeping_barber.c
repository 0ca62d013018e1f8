/* The barber looks for customers, and finding none lies down. A customer who comes in between
 * sees him on his feet, wakes nobody, and waits for a barber who sleeps. The fix: both at once. */
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

enum { CUSTOMERS = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t wake, done;
static int waiting;
static bool asleep;

static void *cut(void *argument)
{
    for (int served = 0; served < CUSTOMERS;) {
        pthread_mutex_lock(&lock);
        bool found = waiting > 0;
        waiting -= found;
#ifndef FIXED
        pthread_mutex_unlock(&lock);
        pthread_mutex_lock(&lock);
#endif
        asleep = !found;
        pthread_mutex_unlock(&lock);
        sem_t *next = found ? &done : &wake;
        if (found) sem_post(next);
        else sem_wait(next);
        served += found;
    }
    return argument;
}

static void *visit(void *argument)
{
    pthread_mutex_lock(&lock);
    waiting++;
    if (asleep) sem_post(&wake);
    asleep = false;
    pthread_mutex_unlock(&lock);
    sem_wait(&done);
    return argument;
}

int main(void)
{
    pthread_t barber, customers[CUSTOMERS];
    sem_init(&wake, 0, 0);
    sem_init(&done, 0, 0);
    pthread_create(&barber, NULL, cut, NULL);
    for (int i = 0; i < CUSTOMERS; i++) pthread_create(&customers[i], NULL, visit, NULL);
    pthread_join(barber, NULL);
    for (int i = 0; i < CUSTOMERS; i++) pthread_join(customers[i], NULL);
    return 0;
}
