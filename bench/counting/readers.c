/* One writer and N readers of one variable. Each reads before the write or after it: 2^N. */
#include <pthread.h>
#include <stdatomic.h>

static atomic_int shared;

static void *write_it(void *argument)
{
    shared = 1;
    return argument;
}

static void *read_it(void *argument)
{
    return shared < 0 ? NULL : argument;
}

int main(void)
{
    pthread_t writer, readers[N];
    pthread_create(&writer, NULL, write_it, NULL);
    for (int i = 0; i < N; i++) pthread_create(&readers[i], NULL, read_it, NULL);
    for (int i = 0; i < N; i++) pthread_join(readers[i], NULL);
    pthread_join(writer, NULL);
    return 0;
}
