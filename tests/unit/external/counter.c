#include "counter.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int value;

int counter_value(void)
{
    pthread_mutex_lock(&lock);
    int now = value;
    pthread_mutex_unlock(&lock);
    return now;
}

void counter_add(void)
{
#ifdef FIXED
    pthread_mutex_lock(&lock);
    value++;
#else
    int now = counter_value();
    pthread_mutex_lock(&lock);
    value = now + 1;
#endif
    pthread_mutex_unlock(&lock);
}
