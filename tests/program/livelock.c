/* Threads that wait by looking, in the way that the argument names. Some for ever; others until
 * they have looked often enough, or for long enough, or somebody lets them go. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

atomic_int flag, other, taken, begun;
static int done, looks, turn;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t written = PTHREAD_RWLOCK_INITIALIZER;
static sem_t empty;

static void *look(void *argument)
{
    while (!atomic_load(&flag)) {}
    return argument;
}

static void *look_at_two(void *argument)
{
    while (!atomic_load(&flag) && !atomic_load(&other)) {}
    return argument;
}

static void *look_and_yield(void *argument)
{
    while (!atomic_load(&flag)) sched_yield();
    return argument;
}

static void *look_and_sleep(void *argument)
{
    while (!atomic_load(&flag)) usleep(1000);
    return argument;
}

static void *look_under_lock(void *argument)
{
    int seen;
    do {
        pthread_mutex_lock(&lock);
        seen = done;
        pthread_mutex_unlock(&lock);
    } while (!seen);
    return argument;
}

static void *test_and_set(void *argument)
{
    while (atomic_exchange(&taken, 1)) {}
    return argument;
}

static void *try_lock(void *argument)
{
    while (pthread_mutex_trylock(&held) != 0) {}
    pthread_mutex_unlock(&held);
    return argument;
}

static void *try_read(void *argument)
{
    while (pthread_rwlock_tryrdlock(&written) != 0) {}
    pthread_rwlock_unlock(&written);
    return argument;
}

static void *try_wait(void *argument)
{
    while (sem_trywait(&empty) != 0) {}
    return argument;
}

static void *sleep_only(void *argument)
{
    for (;;) sleep(1);
    return argument;
}

static void *count_looks(void *argument)
{
    for (int i = 0; i < 3000 && !atomic_load(&flag); i++) {}
    return argument;
}

static __attribute__((noinline)) int one_more(void)
{
    return ++looks < 3000;
}

/* The count is on no stack, and in no register. */
static void *count_in_memory(void *argument)
{
    while (one_more() && !atomic_load(&flag)) {}
    return argument;
}

static void *count_naps(void *argument)
{
    for (int i = 0; i < 1000 && !atomic_load(&flag); i++) usleep(1000);
    return argument;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *look_for_long(void *argument)
{
    double end_s = now_s() + 5;
    while (!atomic_load(&flag) && now_s() < end_s) {}
    assert(now_s() < end_s + 5);
    return argument;
}

static void *sleep_for_long(void *argument)
{
    double end_s = now_s() + 60;
    while (!atomic_load(&flag) && now_s() < end_s) usleep(100000);
    return argument;
}

static void *read_file(void *argument)
{
    FILE *file = fopen("letters", "r");
    while (!atomic_load(&flag) && fgetc(file) != EOF) {}
    fclose(file);
    return argument;
}

static void *seek_in_file(void *argument)
{
    FILE *file = fopen("letters", "r");
    while (!atomic_load(&flag) && ftell(file) < 3000) fseek(file, 1, SEEK_CUR);
    fclose(file);
    return argument;
}

/* What one does the other one takes back. */
static void *undo(void *argument)
{
    while (!atomic_load(&flag)) atomic_fetch_xor(&other, 1);
    return argument;
}

static void *undo_and_count(void *argument)
{
    for (volatile long i = 0; !atomic_load(&flag); i++) atomic_fetch_xor(&other, 1);
    return argument;
}

/* Each gives back its lock if the other one is taken, which gets them out sooner or later. */
static void *back_off(void *argument)
{
    static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
    int me = atomic_fetch_add(&other, 1);
    pthread_mutex_lock(&locks[me]);
    while (pthread_mutex_trylock(&locks[!me]) != 0) {
        pthread_mutex_unlock(&locks[me]);
        pthread_mutex_lock(&locks[me]);
    }
    pthread_mutex_unlock(&locks[!me]);
    pthread_mutex_unlock(&locks[me]);
    return argument;
}

/* Each waits for its turn, and gives it away when it has come. */
static void *pass_on(void *argument)
{
    int me = atomic_fetch_add(&begun, 1);
    pthread_mutex_lock(&lock);
    while (!done) {
        while (turn != me && !done) pthread_cond_wait(&turned, &lock);
        turn = !me;
        pthread_cond_broadcast(&turned);
    }
    pthread_mutex_unlock(&lock);
    return argument;
}

static const struct {
    const char *name;
    void *(*body)(void *);
} ways[] = {
    {"look", look},
    {"look_at_two", look_at_two},
    {"look_and_yield", look_and_yield},
    {"look_and_sleep", look_and_sleep},
    {"look_under_lock", look_under_lock},
    {"test_and_set", test_and_set},
    {"try_lock", try_lock},
    {"try_read", try_read},
    {"try_wait", try_wait},
    {"sleep_only", sleep_only},
    {"count_looks", count_looks},
    {"count_in_memory", count_in_memory},
    {"count_naps", count_naps},
    {"look_for_long", look_for_long},
    {"sleep_for_long", sleep_for_long},
    {"read_file", read_file},
    {"seek_in_file", seek_in_file},
    {"undo", undo},
    {"undo_and_count", undo_and_count},
    {"back_off", back_off},
    {"pass_on", pass_on},
};

static void release(void)
{
    for (int i = 0; i < 20; i++) {
        pthread_mutex_lock(&lock);
        done = i == 19;
        pthread_mutex_unlock(&lock);
    }
    atomic_store(&flag, 1);
    atomic_store(&taken, 0);
    pthread_mutex_unlock(&held);
    pthread_rwlock_unlock(&written);
    sem_post(&empty);
}

int main(int argc, char **argv)
{
    size_t way = 0;
    pthread_t one, two;
    while (strcmp(ways[way].name, argv[1]) != 0) way++;
    int threads = argc > 2 ? atoi(argv[2]) : 1;
    sem_init(&empty, 0, 0);
    atomic_store(&taken, 1);
    pthread_mutex_lock(&held);
    pthread_rwlock_wrlock(&written);
    pthread_create(&one, NULL, ways[way].body, NULL);
    if (threads == 2) pthread_create(&two, NULL, ways[way].body, NULL);
    if (argc > 3) release();
    pthread_join(one, NULL);
    if (threads == 2) pthread_join(two, NULL);
    return 0;
}
