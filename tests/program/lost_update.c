/* Reads in one critical section and writes in another. With an argument: in one. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int balance;
static int safe;

static void *deposit(void *argument)
{
    pthread_mutex_lock(&lock);
    int before = balance;
    if (!safe) {
        pthread_mutex_unlock(&lock);
        pthread_mutex_lock(&lock);
    }
    balance = before + 10;
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(int argc, char **argv)
{
    pthread_t threads[2];
    (void)argv;
    safe = argc > 1;
    puts("two deposits");
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, deposit, NULL);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("balance %d\n", balance);
    assert(balance == 20);
    return 0;
}
