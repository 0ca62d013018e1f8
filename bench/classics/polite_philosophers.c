/* Who cannot have both forks puts the first one back, and tries once more before going home. All
 * may go home hungry. The fix: take the forks in the order of their numbers, and wait. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { SEATS = 3, TRIES = 2 };

static pthread_mutex_t forks[SEATS];
static _Atomic int meals;

static int eat(pthread_mutex_t *first, pthread_mutex_t *second)
{
    pthread_mutex_lock(first);
#ifdef FIXED
    pthread_mutex_lock(second);
#else
    if (pthread_mutex_trylock(second) != 0) {
        pthread_mutex_unlock(first);
        return 0;
    }
#endif
    meals++;
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
    return 1;
}

static void *dine(void *number)
{
    int seat = (int)(long)number, left = seat, right = (seat + 1) % SEATS;
#ifdef FIXED
    if (right < left) {
        left = right;
        right = seat;
    }
#endif
    for (int i = 0; i < TRIES && !eat(&forks[left], &forks[right]); i++) {}
    return NULL;
}

int main(void)
{
    pthread_t threads[SEATS];
    for (int i = 0; i < SEATS; i++) pthread_mutex_init(&forks[i], NULL);
    for (long i = 0; i < SEATS; i++) pthread_create(&threads[i], NULL, dine, (void *)i);
    for (int i = 0; i < SEATS; i++) pthread_join(threads[i], NULL);
    assert(meals > 0);
    return 0;
}
