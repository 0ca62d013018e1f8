/* Ends in the way that its argument says. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *volatile kept;
static bool locked;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *lose(void *argument)
{
    void *volatile lost = malloc(40);
    kept = malloc(24);
    return lost ? argument : NULL;
}

static void *keep(void *argument)
{
    kept = malloc(24);
    return argument;
}

static void *crash(void *argument)
{
    int *volatile nowhere = NULL;
    pthread_mutex_lock(&lock);
    *nowhere = 1;
    return argument;
}

static void *spin(void *argument)
{
    for (volatile int forever = 1; forever;) continue;
    return argument;
}

static void *print_late(void *argument)
{
    pthread_mutex_lock(&lock);
    puts("the last thread");
    locked = true;
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *never_unlock(void *argument)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&lock);
    return argument;
}

static void *abandon(void *argument)
{
    (void)argument;
    exit(0);
}

static void *sleep_on(void *argument)
{
    for (;;) sleep(1000);
    return argument;
}

static void farewell(void)
{
    puts(locked ? "the last thread has ended" : "too early");
}

static void *nothing(void *argument)
{
    return argument;
}

static const struct {
    const char *word;
    void *(*body)(void *);
} ways[] = {{"lose", lose},      {"keep", keep},   {"crash", crash}, {"spin", spin},
            {"print", print_late}, {"relock", never_unlock}, {"abandon", abandon},
            {"beside", sleep_on}};

int main(int argc, char **argv)
{
    pthread_t thread;
    const char *word = argc > 1 ? argv[1] : "";
    void *(*body)(void *) = nothing;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (strcmp(ways[i].word, word) == 0) body = ways[i].body;
    }
    if (strcmp(word, "alone") == 0) return atoi(argv[2]);
    pthread_create(&thread, NULL, body, NULL);
    if (body == print_late) {
        atexit(farewell);
        pthread_exit(NULL);
    }
    if (body == sleep_on) return lose(NULL) != NULL;
    pthread_join(thread, NULL);
    if (strcmp(word, "status") == 0) return atoi(argv[2]);
    if (strcmp(word, "abort") == 0) abort();
    return 0;
}
