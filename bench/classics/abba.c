/* Two locks in two orders: each thread has what the other one waits for. The fix: one order. */
#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t b = PTHREAD_MUTEX_INITIALIZER;

static void *a_then_b(void *argument)
{
    pthread_mutex_lock(&a);
    pthread_mutex_lock(&b);
    pthread_mutex_unlock(&b);
    pthread_mutex_unlock(&a);
    return argument;
}

#ifndef FIXED
static void *b_then_a(void *argument)
{
    pthread_mutex_lock(&b);
    pthread_mutex_lock(&a);
    pthread_mutex_unlock(&a);
    pthread_mutex_unlock(&b);
    return argument;
}
#else
#define b_then_a a_then_b
#endif

int main(void)
{
    pthread_t one, other;
    pthread_create(&one, NULL, a_then_b, NULL);
    pthread_create(&other, NULL, b_then_a, NULL);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    return 0;
}
