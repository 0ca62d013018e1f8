/* Two threads add their numbers to each other's, N times each. Only if they take turns from the
 * first step to the last is the sum as large as it can be. The fix: the bound that holds. */
#include <assert.h>
#include <pthread.h>

#ifndef N
#define N 4
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int first = 1, second = 1;

static int fibonacci(int n)
{
    int before = 0, value = 1;
    while (n-- > 1) {
        int next = before + value;
        before = value;
        value = next;
    }
    return value;
}

static void *add_first(void *argument)
{
    for (int i = 0; i < N; i++) {
        pthread_mutex_lock(&lock);
        first += second;
        pthread_mutex_unlock(&lock);
    }
    return argument;
}

static void *add_second(void *argument)
{
    for (int i = 0; i < N; i++) {
        pthread_mutex_lock(&lock);
        second += first;
        pthread_mutex_unlock(&lock);
    }
    return argument;
}

int main(void)
{
    pthread_t one, other;
    int bound = fibonacci(2 * N + 2);
    pthread_create(&one, NULL, add_first, NULL);
    pthread_create(&other, NULL, add_second, NULL);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
#ifdef FIXED
    assert(first <= bound && second <= bound);
#else
    assert(first < bound && second < bound);
#endif
    return 0;
}
