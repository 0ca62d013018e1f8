/* A token goes around: who has it hands it to the next one and signals. All wait on one
 * condition, and the signal may wake somebody whose turn it is not. The fix: a broadcast. */
#include <pthread.h>
#include <stdint.h>

enum { THREADS = 3 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;
static intptr_t holder;

static void *pass_on(void *number)
{
    pthread_mutex_lock(&lock);
    while (holder != (intptr_t)number) pthread_cond_wait(&passed, &lock);
    holder = (holder + 1) % THREADS;
#ifdef FIXED
    pthread_cond_broadcast(&passed);
#else
    pthread_cond_signal(&passed);
#endif
    pthread_mutex_unlock(&lock);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, pass_on, (void *)i);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
