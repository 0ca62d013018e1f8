/* Mostly memory: two threads sort numbers of their own, then add them to what they share. */
#include <assert.h>
#include <pthread.h>
#include <stddef.h>

enum { COUNT = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned numbers[2][COUNT];
static unsigned totals[COUNT];

static void sort(unsigned *values)
{
    for (int i = 1; i < COUNT; i++) {
        for (int k = i; k > 0 && values[k - 1] > values[k]; k--) {
            unsigned value = values[k];
            values[k] = values[k - 1];
            values[k - 1] = value;
        }
    }
}

static void *work(void *argument)
{
    unsigned *values = argument;
    for (unsigned i = 0; i < COUNT; i++) values[i] = i * 7919 % COUNT;
    sort(values);
    for (int i = 0; i < COUNT; i++) {
        if (i % 8 == 0) pthread_mutex_lock(&lock);
        totals[i] += values[i];
        if (i % 8 == 7) pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, work, numbers[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert(totals[COUNT - 1] == 2 * (COUNT - 1));
    return 0;
}
