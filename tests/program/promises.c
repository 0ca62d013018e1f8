/* Has conditions that are true sometimes; one more, that never is, if its argument names it. */
#include <harness.h>
#include <pthread.h>

static int value;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *choose(void *argument)
{
    pthread_mutex_lock(&lock);
    value = (int)harness_choose(5);
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    pthread_create(&thread, NULL, choose, NULL);
    pthread_mutex_lock(&lock);
    int seen = value;
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    harness_assume(value != 2);
    harness_sometimes(seen == 4, "four");
    if (argc > 1) harness_sometimes(seen == 5, argv[1]);
    return 0;
}
