/* What a system refuses: the n-th of what a process asks for, and nothing else. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "tests/world/explored.h"

/* As a program would be bound to them. */
void *world_malloc(size_t bytes);
void *world_calloc(size_t count, size_t bytes);
void *world_realloc(void *block, size_t bytes);
void *world_memalign(size_t align, size_t bytes);
void world_free(void *block);
int world_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*start)(void *),
                         void *argument);
int world_pthread_join(pthread_t thread, void **result);
int world_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int world_pthread_mutex_destroy(pthread_mutex_t *mutex);
int world_pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes);
int world_pthread_cond_destroy(pthread_cond_t *cond);

enum { OTHER_GROUP = 2 };

static void memory(void *argument)
{
    (void)argument;
    world_refuse(0, WORLD_MEMORY, 3);
    void *first = world_malloc(8), *aside = world_memalign(16, 8), *second = world_calloc(2, 4);
    check(first != NULL && aside != NULL && second != NULL, "there is some left");
    check(world_refusal_waits(0, WORLD_MEMORY), "the third is still to come");
    memcpy(first, "1234567", 8);
    errno = 0;
    check(world_realloc(first, 16) == NULL && errno == ENOMEM, "the third is refused");
    check(memcmp(first, "1234567", 8) == 0, "what could not grow is as it was");
    check(!world_refusal_waits(0, WORLD_MEMORY), "it has come");
    first = world_realloc(first, 16);
    check(first != NULL, "there is memory again");
    world_free(first);
    world_free(aside);
    world_free(second);
}

static void groups(void *argument)
{
    (void)argument;
    world_refuse(OTHER_GROUP, WORLD_MEMORY, 1);
    void *own = world_malloc(8);
    check(own != NULL, "nobody else is refused anything");
    world_group_enter(OTHER_GROUP);
    check(world_malloc(8) == NULL, "the group is");
    world_refuse(OTHER_GROUP, WORLD_MEMORY, 2);
    world_refuse(OTHER_GROUP, WORLD_MEMORY, 0);
    void *block = world_malloc(8), *another = world_malloc(8);
    check(block != NULL && another != NULL, "a refusal can be taken back");
    world_free(block);
    world_free(another);
    world_group_enter(0);
    world_free(own);
    world_refuse(0, WORLD_MEMORY, 1);   /* forgotten with this execution */
}

static void *run(void *argument)
{
    return argument;
}

static void threads(void *argument)
{
    pthread_t thread;
    int value;

    (void)argument;
    world_refuse(0, WORLD_THREADS, 1);
    check(world_pthread_create(&thread, NULL, run, &value) == EAGAIN, "the first is refused");
    check(world_pthread_create(&thread, NULL, run, &value) == 0, "the next one is made");
    check(world_pthread_join(thread, NULL) == 0, "and ends");
}

static void locks(void *argument)
{
    pthread_mutex_t mutex;
    pthread_cond_t cond;

    (void)argument;
    world_refuse(0, WORLD_LOCKS, 2);
    check(world_pthread_mutex_init(&mutex, NULL) == 0, "the first is initialised");
    check(world_pthread_cond_init(&cond, NULL) == ENOMEM, "the second is refused");
    world_refuse(0, WORLD_LOCKS, 1);
    check(world_pthread_cond_init(&cond, NULL) == ENOMEM, "a condition is");
    check(world_pthread_cond_init(&cond, NULL) == 0, "the next one is initialised");
    check(world_pthread_cond_destroy(&cond) == 0, "a condition");
    check(world_pthread_mutex_destroy(&mutex) == 0, "a mutex");
    world_refuse(0, WORLD_LOCKS, 1);
    check(world_pthread_mutex_init(&mutex, NULL) == ENOMEM, "so is a mutex");
}

int main(void)
{
    static struct CMUnitTest tests[] = {EXPLORED_CASE(memory), EXPLORED_CASE(groups),
                                        EXPLORED_CASE(threads), EXPLORED_CASE(locks)};
    explored_begin(NULL);
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
