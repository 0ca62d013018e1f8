/* What is explored is the program's alone: where a compiler puts local variables makes no
 * difference. */
#include "harness/explore/explore.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

/* As a program would be bound to them. */
int world_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*start)(void *),
                         void *argument);
int world_pthread_join(pthread_t thread, void **result);
int world_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int world_pthread_mutex_lock(pthread_mutex_t *mutex);
int world_pthread_mutex_unlock(pthread_mutex_t *mutex);
int world_pthread_cond_signal(pthread_cond_t *cond);
int world_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);

enum { RUNS = 300, CLIENTS = 2 };

/* Who asks waits at what lies on its own stack. */
struct question {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool answered;
    struct question *next;
};

static pthread_mutex_t lock;
static pthread_cond_t asked;
static struct question *open_questions;
static uint32_t clients_left;
static bool is_apart; /* the second question of a client has another place than its first */

static __attribute__((noinline)) void ask(bool initialised)
{
    struct question question = {.cond = PTHREAD_COND_INITIALIZER};
    if (initialised) world_pthread_mutex_init(&question.mutex, NULL);
    world_pthread_mutex_lock(&question.mutex);
    world_pthread_mutex_lock(&lock);
    question.next = open_questions;
    open_questions = &question;
    world_pthread_cond_signal(&asked);
    world_pthread_mutex_unlock(&lock);
    while (!question.answered) world_pthread_cond_wait(&question.cond, &question.mutex);
    world_pthread_mutex_unlock(&question.mutex);
}

static __attribute__((noinline)) void ask_close(bool initialised)
{
    ask(initialised);
    __asm__ volatile("" : : : "memory"); /* it is a call, and no jump */
}

static __attribute__((noinline)) void ask_below(bool initialised)
{
    char above[4096];
    __asm__ volatile("" : : "r"(above) : "memory");
    ask(initialised);
    __asm__ volatile("" : : "r"(above) : "memory");
}

static void *client(void *argument)
{
    ask_close(true);
    if (is_apart) ask_below(false);
    else ask_close(false);
    world_pthread_mutex_lock(&lock);
    clients_left--;
    world_pthread_cond_signal(&asked);
    world_pthread_mutex_unlock(&lock);
    return argument;
}

static void answer(struct question *question)
{
    world_pthread_mutex_lock(&question->mutex);
    question->answered = true;
    world_pthread_cond_signal(&question->cond);
    world_pthread_mutex_unlock(&question->mutex);
}

static void serve(void *argument)
{
    pthread_t threads[CLIENTS];
    (void)argument;
    for (uint32_t i = 0; i < CLIENTS; i++) world_pthread_create(&threads[i], NULL, client, NULL);
    world_pthread_mutex_lock(&lock);
    while (clients_left > 0) {
        struct question *question = open_questions;
        if (question == NULL) {
            world_pthread_cond_wait(&asked, &lock);
            continue;
        }
        open_questions = question->next;
        world_pthread_mutex_unlock(&lock);
        answer(question);
        world_pthread_mutex_lock(&lock);
    }
    world_pthread_mutex_unlock(&lock);
    for (uint32_t i = 0; i < CLIENTS; i++) world_pthread_join(threads[i], NULL);
}

static void before(void *context)
{
    (void)context;
    memset(&lock, 0, sizeof lock);
    memset(&asked, 0, sizeof asked);
    open_questions = NULL;
    clients_left = CLIENTS;
}

struct classes {
    uint64_t of[RUNS];
    uint32_t count;
};

static void count(void *context, uint64_t class_hash)
{
    struct classes *classes = context;
    assert_true(classes->count < RUNS);
    classes->of[classes->count++] = class_hash;
}

static void explore(enum explore_kind kind, bool apart, struct classes *classes)
{
    static struct explore_failure failed;
    struct explore_stats stats;
    struct explore_subject subject = {NULL, "main", serve, before, NULL};
    struct explore_options options = {.strategy = {.kind = kind, .seed = 3},
                                      .runs_max = RUNS,
                                      .counted = count,
                                      .counted_context = classes};
    classes->count = 0;
    is_apart = apart;
    assert_int_equal(explore_run(&subject, &options, &stats, &failed), 0);
    assert_int_equal(failed.id, EXPLORE_PASSED);
    assert_int_equal(classes->count, RUNS);
}

/* In the same place or further down: it is another variable, and learned as one, in both. */
static void test_room_makes_no_difference(void **state)
{
    static struct classes close, apart;
    enum explore_kind kind = *(const enum explore_kind *)*state;
    explore(kind, false, &close);
    explore(kind, true, &apart);
    assert_memory_equal(close.of, apart.of, sizeof close.of);
}

int main(void)
{
    static enum explore_kind surw = EXPLORE_SURW, rf = EXPLORE_RF;
    static const struct CMUnitTest tests[] = {
        {"surw", test_room_makes_no_difference, NULL, NULL, &surw},
        {"rf", test_room_makes_no_difference, NULL, NULL, &rf},
    };
    world_init();
    explore_log_set(NULL);
    return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
