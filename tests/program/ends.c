/* Ends in the way that its argument says. */
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
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

/* What main knows of when somebody ends the process is no leak. */
static void *leave(void *argument)
{
    lose(NULL);
    exit(0);
    return argument;
}

static void *sleep_on(void *argument)
{
    for (;;) sleep(1000);
    return argument;
}

static ucontext_t back, there;
static sem_t never;
static bool ends_again;
static FILE *shared_log;

static void wait_there(void)
{
    sem_wait(&never);
}

/* Waits on a stack of its own, which is none of the machine's. */
static void *elsewhere(void *argument)
{
    enum { BYTES = 64 << 10 };
    sem_init(&never, 0, 0);
    getcontext(&there);
    there.uc_stack.ss_sp = kept = malloc(BYTES);
    there.uc_stack.ss_size = BYTES;
    there.uc_link = &back;
    makecontext(&there, wait_there, 0);
    swapcontext(&back, &there);
    return argument;
}

static void *end_again(void *argument)
{
    ends_again = true;
    return argument;
}

__attribute__((destructor)) static void at_the_end(void)
{
    if (ends_again) exit(0);
}

/* Whoever is first opens it, for all; what was in it is gone. */
static void *open_log(void *argument)
{
    shared_log = fopen("ends.log", "w");
    fputs("begun", shared_log);
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
            {"leave", leave},
            {"beside", sleep_on}, {"elsewhere", elsewhere}, {"again", end_again},
            {"log", open_log}};

int main(int argc, char **argv)
{
    pthread_t thread;
    const char *word = argc > 1 ? argv[1] : "";
    void *(*body)(void *) = nothing;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (strcmp(ways[i].word, word) == 0) body = ways[i].body;
    }
    if (strcmp(word, "alone") == 0) return atoi(argv[2]);
    void *volatile known = malloc(16);
    pthread_create(&thread, NULL, body, NULL);
    if (body == print_late) {
        atexit(farewell);
        free(known);
        pthread_exit(NULL);
    }
    if (body == leave) pthread_join(thread, NULL);
    free(known);
    if (body == sleep_on) return lose(NULL) != NULL;
    if (body == elsewhere) {
        sleep(1);
        return 0;
    }
    pthread_join(thread, NULL);
    if (strcmp(word, "status") == 0) return atoi(argv[2]);
    if (strcmp(word, "abort") == 0) abort();
    return 0;
}
