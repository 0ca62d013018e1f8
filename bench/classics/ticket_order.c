/* Tickets are drawn in one critical section, and their holders line up in the next one: somebody
 * with a later ticket can stand in front. The fix: both at once. */
#include <assert.h>
#include <pthread.h>

enum { THREADS = 3 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int tickets, line[THREADS], length;

static void *line_up(void *argument)
{
    pthread_mutex_lock(&lock);
    int mine = tickets++;
#ifndef FIXED
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&lock);
#endif
    line[length++] = mine;
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, line_up, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) assert(line[i] == i);
    return 0;
}
