/* Who needs three locks against their order tries for the second and the third, and gives back what
 * it has when it cannot have one; but forgets the second. From then on it is in its own way. The
 * fix: it gives that back, too. */
#include <pthread.h>
#include <sched.h>

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t third = PTHREAD_MUTEX_INITIALIZER;
static int done;

static void work(void)
{
    done++;
    pthread_mutex_unlock(&first);
    pthread_mutex_unlock(&second);
    pthread_mutex_unlock(&third);
}

static void *in_order(void *argument)
{
    pthread_mutex_lock(&first);
    pthread_mutex_lock(&second);
    pthread_mutex_lock(&third);
    work();
    return argument;
}

static int try_others(void)
{
    if (pthread_mutex_trylock(&second) != 0) return 0;
    if (pthread_mutex_trylock(&first) == 0) return 1;
#ifdef FIXED
    pthread_mutex_unlock(&second);
#endif
    return 0;
}

static void *against_order(void *argument)
{
    pthread_mutex_lock(&third);
    while (!try_others()) {
        pthread_mutex_unlock(&third);
        sched_yield();
        pthread_mutex_lock(&third);
    }
    work();
    return argument;
}

int main(void)
{
    pthread_t up, down;
    pthread_create(&up, NULL, in_order, NULL);
    pthread_create(&down, NULL, against_order, NULL);
    pthread_join(up, NULL);
    pthread_join(down, NULL);
    return 0;
}
