/* Threads are told their number by the address of the loop's variable, which has gone on before
 * they read it. The fix: each gets an address of its own. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 3 };

static _Atomic int started[THREADS + 1];

static void *start(void *number)
{
    int mine = atomic_load((_Atomic int *)number);
    started[mine]++;
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
#ifdef FIXED
    static _Atomic int own[THREADS];
    for (int i = 0; i < THREADS; i++) {
        own[i] = i;
        pthread_create(&threads[i], NULL, start, &own[i]);
    }
#else
    static _Atomic int loop;
    for (loop = 0; loop < THREADS; loop++) pthread_create(&threads[loop], NULL, start, &loop);
#endif
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) assert(started[i] == 1);
    return 0;
}
