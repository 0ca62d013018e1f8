/* A reader that finds nothing gives its lock back, takes it again as a writer, and fills the
 * cache - which another one has filled in between. The fix: the writer looks once more. */
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

enum { THREADS = 2 };

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int loads;

static void *use(void *argument)
{
    pthread_rwlock_rdlock(&lock);
    bool filled = loads > 0;
    pthread_rwlock_unlock(&lock);
    if (filled) return argument;
    pthread_rwlock_wrlock(&lock);
#ifdef FIXED
    filled = loads > 0;
#endif
    if (!filled) loads++;
    assert(loads == 1);
    pthread_rwlock_unlock(&lock);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, use, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
