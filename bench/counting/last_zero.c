/* N writers, each of its own place and reader of the one before; a reader that looks for the last
 * zero from behind. */
#include <pthread.h>
#include <stdatomic.h>

static atomic_int places[N + 1];

static void *look(void *argument)
{
    int i = N;
    while (places[i] != 0) i--;
    return argument;
}

static void *add(void *argument)
{
    int i = *(const int *)argument;
    places[i] = places[i - 1] + 1;
    return argument;
}

int main(void)
{
    static int own[N + 1];
    pthread_t threads[N + 1];
    pthread_create(&threads[0], NULL, look, NULL);
    for (int i = 1; i <= N; i++) {
        own[i] = i;
        pthread_create(&threads[i], NULL, add, &own[i]);
    }
    for (int i = 0; i <= N; i++) pthread_join(threads[i], NULL);
    return 0;
}
