#include "stock.h"

#include <assert.h>
#include <pthread.h>

static pthread_mutex_t stock_lock = PTHREAD_MUTEX_INITIALIZER;
static int left = 2;

int stock_left(void)
{
    pthread_mutex_lock(&stock_lock);
    int now = left;
    pthread_mutex_unlock(&stock_lock);
    return now;
}

#ifdef FIXED
void stock_take(void)
{
    pthread_mutex_lock(&stock_lock);
    if (left > 0) left--;
    pthread_mutex_unlock(&stock_lock);
}
#else
void stock_take(void)
{
    if (stock_left() == 0) return;
    pthread_mutex_lock(&stock_lock);
    left--;
    assert(left >= 0);
    pthread_mutex_unlock(&stock_lock);
}
#endif
