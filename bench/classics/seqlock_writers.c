/* A sequence lock keeps readers from what a writer has only begun, but not one writer from another:
 * with two, the count is even in the middle. The fix: a lock among writers. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static _Atomic int sequence, left, right;
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *change(void *number)
{
    int own = (int)(long)number;
#ifdef FIXED
    pthread_mutex_lock(&lock);
#endif
    sequence++;
    left = own;
    right = own;
    sequence++;
#ifdef FIXED
    pthread_mutex_unlock(&lock);
#endif
    return NULL;
}

static void *look(void *argument)
{
    int before = sequence, seen_left = left, seen_right = right;
    if (before % 2 == 0 && sequence == before) assert(seen_left == seen_right);
    return argument;
}

int main(void)
{
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, change, (void *)1);
    pthread_create(&threads[1], NULL, change, (void *)2);
    pthread_create(&threads[2], NULL, look, NULL);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    return 0;
}
