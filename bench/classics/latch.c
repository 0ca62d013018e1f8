/* Threads count a latch down, and who waits for it takes it apart. The last one to arrive signals
 * after it has given back the lock: by then the latch may be gone. The fix: signal before that. */
#include <pthread.h>
#include <stdlib.h>

enum { ARRIVALS = 2 };

struct latch {
    pthread_mutex_t lock;
    pthread_cond_t zero;
    int left;
};

static void *arrive(void *argument)
{
    struct latch *latch = argument;
    pthread_mutex_lock(&latch->lock);
    int last = --latch->left == 0;
#ifdef FIXED
    if (last) pthread_cond_signal(&latch->zero);
    pthread_mutex_unlock(&latch->lock);
#else
    pthread_mutex_unlock(&latch->lock);
    if (last) pthread_cond_signal(&latch->zero);
#endif
    return NULL;
}

static void wait_for_all(struct latch *latch)
{
    pthread_mutex_lock(&latch->lock);
    while (latch->left > 0) pthread_cond_wait(&latch->zero, &latch->lock);
    pthread_mutex_unlock(&latch->lock);
    pthread_cond_destroy(&latch->zero);
    pthread_mutex_destroy(&latch->lock);
    free(latch);
}

int main(void)
{
    pthread_t threads[ARRIVALS];
    struct latch *latch = malloc(sizeof *latch);
    pthread_mutex_init(&latch->lock, NULL);
    pthread_cond_init(&latch->zero, NULL);
    latch->left = ARRIVALS;
    for (int i = 0; i < ARRIVALS; i++) pthread_create(&threads[i], NULL, arrive, latch);
    wait_for_all(latch);
    for (int i = 0; i < ARRIVALS; i++) pthread_join(threads[i], NULL);
    return 0;
}
