/* N threads put four numbers each into a hash table with a lock for every place. Up to 11 threads
 * none meets another; each one more meets in three places. */
#include <pthread.h>
#include <stdbool.h>

enum { SIZE = 128, EACH = 4 };

static int table[SIZE];
static pthread_mutex_t locks[SIZE];

static bool put(int place, int number)
{
    bool done = false;
    pthread_mutex_lock(&locks[place]);
    if (table[place] == 0) {
        table[place] = number;
        done = true;
    }
    pthread_mutex_unlock(&locks[place]);
    return done;
}

static void *work(void *argument)
{
    int self = *(const int *)argument;
    for (int i = 1; i <= EACH; i++) {
        int number = i * 11 + self, place = number * 7 % SIZE;
        while (!put(place, number)) place = (place + 1) % SIZE;
    }
    return argument;
}

int main(void)
{
    static int own[N];
    pthread_t threads[N];
    for (int i = 0; i < SIZE; i++) pthread_mutex_init(&locks[i], NULL);
    for (int i = 0; i < N; i++) {
        own[i] = i;
        pthread_create(&threads[i], NULL, work, &own[i]);
    }
    for (int i = 0; i < N; i++) pthread_join(threads[i], NULL);
    return 0;
}
