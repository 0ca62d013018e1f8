/* An update is lost where another thread runs between a read and the write that follows. */
#include <assert.h>
#include <pthread.h>
#include <stddef.h>

int counter;

static void *count(void *argument)
{
    counter++;
    return argument;
}

int main(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, count, NULL);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert(counter == 2);
    return 0;
}
