/* A reader reads again while it reads. The lock prefers writers: once one waits, no reader comes
 * any more, not even one that has to be through before the writer can go. The fix: read once. */
#define _GNU_SOURCE
#include <pthread.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static int left, right;

static int read_right(void)
{
    pthread_rwlock_rdlock(&lock);
    int value = right;
    pthread_rwlock_unlock(&lock);
    return value;
}

static void *read_both(void *argument)
{
    int *sum = argument;
    pthread_rwlock_rdlock(&lock);
    *sum = left;
#ifdef FIXED
    pthread_rwlock_unlock(&lock);
    *sum += read_right();
#else
    *sum += read_right();
    pthread_rwlock_unlock(&lock);
#endif
    return NULL;
}

static void *write_both(void *argument)
{
    pthread_rwlock_wrlock(&lock);
    left++;
    right++;
    pthread_rwlock_unlock(&lock);
    return argument;
}

int main(void)
{
    pthread_t threads[3];
    int sums[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, read_both, &sums[i]);
    pthread_create(&threads[2], NULL, write_both, NULL);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    return 0;
}
