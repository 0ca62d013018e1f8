/* A unit test without a framework: what an exploration does is named by the argument, and what came
 * of it is printed. */
#include <harness.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static int balance, set_by_main;
static char *text_of_main;
static pthread_mutex_t *made_by_main;
static pthread_key_t key_of_main;

static void explore(struct harness_options options, void (*body)(void *), void *argument)
{
    static const char *const words[] = {"held", "failed", "inconclusive", "skipped"};
    struct harness_result result = harness_explore(&options, body, argument);
    printf("%s: %" PRIu64 " runs, %" PRIu64 " cut, %" PRIu64 " assumed%s; %s; %s; %s\n",
           words[result.verdict], result.runs, result.cut, result.assumed,
           result.complete ? ", complete" : "", result.kind, result.token, result.text);
    if (options.quiet) printf("screen: %s", result.screen);
}

static void start_two(void *(*work)(void *), void *argument)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, work, argument);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

/* --- bodies --- */

static void *deposit(void *argument)
{
    pthread_mutex_lock(&lock);
    int now = balance;
    pthread_mutex_unlock(&lock);
    harness_point("between");
    pthread_mutex_lock(&lock);
    balance = now + *(int *)argument;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void lose(void *argument)
{
    start_two(deposit, argument);
    HARNESS_ASSERT(balance == 20);
}

static void *count(void *argument)
{
    pthread_mutex_lock(&lock);
    ++*(int *)argument;
    ++*text_of_main;
    ++balance;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Everything is as main left it, however often this has run. */
static void look(void *argument)
{
    static int here;
    HARNESS_ASSERT(++here == 1 && set_by_main == 7 && balance == 5 && *(int *)argument == 10);
    HARNESS_ASSERT(strcmp(text_of_main, "as it was") == 0 && harness_exploring());
    char *mine = malloc(50);
    memset(mine, 1, 50);
    HARNESS_ASSERT(pthread_getspecific(key_of_main) == NULL);
    HARNESS_ASSERT(pthread_setspecific(key_of_main, mine) == 0);
    pthread_mutex_lock(made_by_main);
    start_two(count, argument);
    pthread_mutex_unlock(made_by_main);
    pthread_mutex_destroy(made_by_main);
    HARNESS_ASSERT(*(int *)argument == 12 && balance == 7 && text_of_main[0] == 'c');
    free(mine);
    free(text_of_main);
}

static void choose(void *argument)
{
    uint32_t value = harness_choose(3);
    (void)argument;
    harness_sometimes(value == 2, "two");
    harness_assume(value != 1);
}

/* What was reached on the way to a cut does not count. */
static void miss(void *argument)
{
    uint32_t value = harness_choose(3);
    (void)argument;
    harness_sometimes(value == 1, "one");
    harness_sometimes(value == 2, "two");
    harness_assume(value != 1);
}

static void assume_nothing(void *argument)
{
    harness_assume(argument != NULL);
}

static void leak(void *argument)
{
    char *volatile lost = malloc(41);
    (void)argument;
    lost = NULL;
    (void)lost;
}

static void keep(void *argument)
{
    *(void **)argument = malloc(41);
}

static void *cross(void *argument)
{
    pthread_mutex_t *first = argument ? &lock : &other, *second = argument ? &other : &lock;
    pthread_mutex_lock(first);
    pthread_mutex_lock(second);
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
    return NULL;
}

static void deadlock(void *argument)
{
    pthread_t thread;
    pthread_create(&thread, NULL, cross, NULL);
    cross(argument);
    pthread_join(thread, NULL);
}

static void crash(void *argument)
{
    *(volatile int *)argument = 1;
}

static void leave(void *argument)
{
    (void)argument;
    exit(3);
}

static void nest(void *argument)
{
    harness_explore(NULL, choose, argument);
}

static void *wait_long(void *argument)
{
    sleep(100);
    return argument;
}

/* Two operations without any step of their own. What the reader sees is old: that can be explained
 * unless the write had returned before the read was called. */
static bool step_of_cell(void *state, const struct harness_operation *operation)
{
    int64_t *cell = state;
    if (operation->name[0] == 'w') *cell = operation->argument;
    return operation->name[0] == 'w' || !operation->returned || operation->result == *cell;
}

static const struct harness_model cell = {.state_bytes = sizeof(int64_t), .step = step_of_cell};

static void *write_cell(void *argument)
{
    harness_return(harness_call("write", 1), 0);
    return argument;
}

static void *read_cell(void *argument)
{
    harness_return(harness_call("read", 0), argument ? 1 : 0);
    return argument;
}

static void read_old(void *argument)
{
    pthread_t threads[2];
    harness_history_begin(&cell);
    pthread_create(&threads[0], NULL, write_cell, NULL);
    pthread_create(&threads[1], NULL, read_cell, argument);
    if (!argument) harness_call("write", 2);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    harness_history_check();
}

/* --- the modes --- */

static void restore(void)
{
    int amount = 10;
    pthread_mutex_t made;
    pthread_mutex_init(&made, NULL);
    made_by_main = &made;
    pthread_key_create(&key_of_main, NULL);
    pthread_setspecific(key_of_main, &made);
    text_of_main = strdup("-s it was");
    start_two(count, &amount);
    set_by_main = 7;
    balance = 5;
    amount = 10;
    text_of_main[0] = 'a';
    explore((struct harness_options){.runs = 200}, look, &amount);
    printf("%d %d %s\n", amount, balance, text_of_main);
    pthread_mutex_lock(&made);
    balance = 0;
    pthread_mutex_unlock(&made);
    printf("%d\n", pthread_getspecific(key_of_main) == &made);
    explore((struct harness_options){.runs = 200, .name = "lost"}, lose, &amount);
    balance = 5;
    explore((struct harness_options){.runs = 200}, look, &amount);
    free(text_of_main);
}

static void numbers(void)
{
    struct harness_options all = {.strategy = "exhaustive", .quiet = true};
    explore(all, choose, NULL);
    explore(all, miss, NULL);
    explore(all, assume_nothing, NULL);
    explore((struct harness_options){.runs = 50}, choose, NULL);
}

static void defects(void)
{
    void *kept = NULL;
    explore((struct harness_options){.quiet = true, .name = "a leak"}, leak, NULL);
    explore((struct harness_options){.quiet = true}, keep, &kept);
    explore((struct harness_options){.quiet = true}, deadlock, "other way");
    explore((struct harness_options){.quiet = true}, crash, NULL);
    explore((struct harness_options){.quiet = true}, leave, NULL);
    printf("still here\n");
}

static void misuse(const char *how)
{
    pthread_t thread;
    struct harness_options options = {.runs = 10};
    if (strcmp(how, "thread") == 0) pthread_create(&thread, NULL, wait_long, NULL);
    if (strcmp(how, "held") == 0) pthread_mutex_lock(&lock);
    if (strcmp(how, "strategy") == 0) options.strategy = "best";
    explore(options, strcmp(how, "nested") == 0 ? nest : choose, NULL);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "restore") == 0) restore();
    if (strcmp(mode, "numbers") == 0) numbers();
    if (strcmp(mode, "defects") == 0) defects();
    if (strcmp(mode, "cell") == 0) {
        explore((struct harness_options){.strategy = "exhaustive"}, read_old, NULL);
        explore((struct harness_options){.strategy = "exhaustive"}, read_old, "new");
    }
    if (strcmp(mode, "misuse") == 0) misuse(argv[2]);
    if (strcmp(mode, "outside") == 0) {
        printf("%u %d\n", harness_choose(5), harness_exploring());
        harness_sometimes(false, "nothing");
        harness_point("nowhere");
        fflush(stdout);
        harness_always(argc > 2, "there are more arguments");
        harness_assume(argc > 3);
    }
    return 0;
}
