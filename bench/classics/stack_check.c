/* A stack whose calls are safe one by one. Between asking whether it is empty and taking from it,
 * somebody else takes. The fix: a pop that says whether there was anything. */
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

enum { THREADS = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int values[1] = {7}, height = 1;

#ifdef FIXED
static bool try_pop(void)
{
    pthread_mutex_lock(&lock);
    bool popped = height > 0;
    height -= popped;
    pthread_mutex_unlock(&lock);
    return popped;
}

static void *drain(void *argument)
{
    while (try_pop()) continue;
    return argument;
}
#else
static bool is_empty(void)
{
    pthread_mutex_lock(&lock);
    bool empty = height == 0;
    pthread_mutex_unlock(&lock);
    return empty;
}

static int pop(void)
{
    pthread_mutex_lock(&lock);
    assert(height > 0);
    int value = values[--height];
    pthread_mutex_unlock(&lock);
    return value;
}

static void *drain(void *argument)
{
    while (!is_empty()) pop();
    return argument;
}
#endif

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, drain, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert(values[height] == 7);
    return 0;
}
