/* Agents sell the seats of a flight as long as there are any. Looking and selling are two steps,
 * and the last seat is sold twice. The fix: one step. */
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

enum { AGENTS = 3, SEATS = 3 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int sold;

static bool sell(void)
{
    pthread_mutex_lock(&lock);
    bool left = sold < SEATS;
#ifndef FIXED
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&lock);
#endif
    if (left) sold++;
    pthread_mutex_unlock(&lock);
    return left;
}

static void *work(void *argument)
{
    while (sell()) continue;
    return argument;
}

int main(void)
{
    pthread_t agents[AGENTS];
    for (int i = 0; i < AGENTS; i++) pthread_create(&agents[i], NULL, work, NULL);
    for (int i = 0; i < AGENTS; i++) pthread_join(agents[i], NULL);
    assert(sold == SEATS);
    return 0;
}
