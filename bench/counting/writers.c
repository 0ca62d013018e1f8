/* N writers of one variable, in any order: N! */
#include <pthread.h>
#include <stdatomic.h>

static atomic_int shared;

static void *write_it(void *argument)
{
    shared = *(const int *)argument;
    return argument;
}

int main(void)
{
    static int own[N];
    pthread_t writers[N];
    for (int i = 0; i < N; i++) {
        own[i] = i;
        pthread_create(&writers[i], NULL, write_it, &own[i]);
    }
    for (int i = 0; i < N; i++) pthread_join(writers[i], NULL);
    return shared == N; /* read, so that no compiler leaves the writes out */
}
