/* Three threads under one lock, and the third believes to run first. Every access is in order,
 * the order of the sections is not. The fix: it is joined before the last of the others starts. */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int data;

static void *add(void *amount)
{
    pthread_mutex_lock(&lock);
    data += *(const int *)amount;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *check(void *argument)
{
    pthread_mutex_lock(&lock);
    assert(data < 3);
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(void)
{
    static const int amounts[] = {1, 2};
    pthread_t first, second, checker;
    pthread_create(&checker, NULL, check, NULL);
    pthread_create(&first, NULL, add, (void *)&amounts[0]);
#ifdef FIXED
    pthread_join(checker, NULL);
#endif
    pthread_create(&second, NULL, add, (void *)&amounts[1]);
#ifndef FIXED
    pthread_join(checker, NULL);
#endif
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    return 0;
}
