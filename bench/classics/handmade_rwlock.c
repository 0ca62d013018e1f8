/* A lock for readers and writers in a word: readers count themselves, and a writer that comes says
 * so. Who reads looks for a writer, and only then counts itself. The fix: counts itself, looks, and
 * takes it back. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static _Atomic int writer, readers, value, copy;

static void *read_both(void *argument)
{
#ifdef FIXED
    for (;;) {
        readers++;
        if (!writer) break;
        readers--;
        while (writer) sched_yield();
    }
#else
    while (writer) sched_yield();
    readers++;
#endif
    assert(value == copy);
    readers--;
    return argument;
}

static void *write_both(void *argument)
{
    writer = 1;
    while (readers > 0) sched_yield();
    value++;
    copy++;
    writer = 0;
    return argument;
}

int main(void)
{
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, read_both, NULL);
    pthread_create(&threads[1], NULL, read_both, NULL);
    pthread_create(&threads[2], NULL, write_both, NULL);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    return 0;
}
