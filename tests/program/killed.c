/* Ends its process by a signal that nobody catches, in one of two orders. */
#include <pthread.h>

static int first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void die(void)
{
#ifdef __x86_64__
    __asm__ volatile("int3");
#else
    __asm__ volatile("brk #0");
#endif
}

static void *enter(void *argument)
{
    pthread_mutex_lock(&lock);
    if (first == 0) first = argument ? 1 : 2;
#ifndef FIXED
    if (first == 2) die();
#endif
    pthread_mutex_unlock(&lock);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, enter, NULL);
    enter(&thread);
    pthread_join(thread, NULL);
    return 0;
}
