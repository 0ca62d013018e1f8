/* Each of N threads writes its settings, one word after the other. The last to write one word is
 * not the last to write the other, and the middle one is written by a third. The fix: one
 * section. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef N
#define N 3
#endif

static _Atomic int name, colour, size;
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *apply(void *number)
{
    int own = (int)(long)number;
#ifdef FIXED
    pthread_mutex_lock(&lock);
#endif
    name = own;
    colour = own;
    size = own;
#ifdef FIXED
    pthread_mutex_unlock(&lock);
#endif
    return NULL;
}

int main(void)
{
    pthread_t threads[N];
    for (long i = 0; i < N; i++) pthread_create(&threads[i], NULL, apply, (void *)(i + 1));
    for (int i = 0; i < N; i++) pthread_join(threads[i], NULL);
    assert(name == colour || colour == size || name == size);
    return 0;
}
