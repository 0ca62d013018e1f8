/* An account: the balance is read in one critical section and written back in the next one. What
 * another thread books in between is lost. The fix: one critical section. */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int balance = 100;

static void book(int amount)
{
    pthread_mutex_lock(&lock);
    int before = balance;
#ifndef FIXED
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&lock);
#endif
    balance = before + amount;
    pthread_mutex_unlock(&lock);
}

static void *deposit(void *argument)
{
    book(50);
    return argument;
}

static void *withdraw(void *argument)
{
    book(-30);
    return argument;
}

int main(void)
{
    pthread_t saver, spender;
    pthread_create(&saver, NULL, deposit, NULL);
    pthread_create(&spender, NULL, withdraw, NULL);
    pthread_join(saver, NULL);
    pthread_join(spender, NULL);
    assert(balance == 120);
    return 0;
}
