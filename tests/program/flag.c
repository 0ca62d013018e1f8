/* Waits for a flag, as textbooks do: one thread sets it, the other one only looks; which of them
 * runs first makes no difference. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile int ready, stop;
static long rounds;

static void *set(void *argument)
{
    ready = 1;
    return argument;
}

static void *work(void *argument)
{
    while (!stop) rounds++;
    return argument;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc > 1 && strcmp(argv[1], "work") == 0) {
        pthread_create(&thread, NULL, work, NULL);
        sleep(1);
        stop = 1;
    } else {
        pthread_create(&thread, NULL, set, NULL);
        while (!ready) continue;
    }
    pthread_join(thread, NULL);
    puts("went on");
    return 0;
}
