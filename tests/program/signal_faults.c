/* Programs that signals break: which one, the argument says. */
#define _GNU_SOURCE
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile sig_atomic_t stop;
static pthread_t main_thread, taker;
static int total;

static void add(int number)
{
    (void)number;
    pthread_mutex_lock(&lock);
    total++;
    pthread_mutex_unlock(&lock);
}

static void set_stop(int number)
{
    (void)number;
    stop = 1;
    taker = pthread_self();
}

static void *adds(void *argument)
{
    for (int i = 0; i < 3; i++) add(0);
    return argument;
}

static void *stops(void *argument)
{
    pthread_kill(main_thread, SIGUSR1);
    return argument;
}

static void *ends(void *argument)
{
    kill(getpid(), SIGTERM);
    return argument;
}

static void *sleeps(void *argument)
{
    usleep(1);
    return argument;
}

static void run(void *(*body)(void *), int number)
{
    pthread_t thread;
    pthread_create(&thread, NULL, body, NULL);
    if (number) kill(getpid(), number);
    pthread_join(thread, NULL);
}

/* Between the look and pause() the signal may come, and nobody waits for it any more. */
static void wait_for_stop(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, stops, NULL);
    while (!stop) pause();
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "";
    main_thread = pthread_self();
    signal(SIGUSR1, strcmp(which, "lock") == 0 ? add : set_stop);
    if (strcmp(which, "lock") == 0) {
        run(adds, SIGUSR1);
    } else if (strcmp(which, "lost") == 0) {
        wait_for_stop();
    } else if (strcmp(which, "end") == 0) {
        run(ends, 0);
    } else if (strcmp(which, "taker") == 0) {
        run(sleeps, SIGUSR1);
        assert(pthread_equal(taker, main_thread));
    } else {
        alarm(3); /* no thread: it ends as it would */
        pause();
    }
    return 0;
}
