/* Thread-specific data: values per thread, destructors, deletion. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

struct one_key {
    pthread_key_t key;
    struct posix_gate gate;
    uint32_t calls;
};

static void *own_value_only(void *argument)
{
    struct one_key *data = argument;
    int mine;

    CHECK(pthread_getspecific(data->key) == NULL);
    CHECK_OK(pthread_setspecific(data->key, &mine));
    posix_gate_raise(&data->gate);
    posix_gate_wait(&data->gate, 2);
    CHECK(pthread_getspecific(data->key) == &mine);
    return NULL;
}

/* The gate holds both threads until both have set their value. */
void posix_keys_value_per_thread(void)
{
    struct one_key data = {.calls = 0};
    pthread_t threads[2];
    int mine;

    posix_gate_init(&data.gate);
    CHECK_OK(pthread_key_create(&data.key, NULL));
    CHECK(pthread_getspecific(data.key) == NULL);
    CHECK_OK(pthread_setspecific(data.key, &mine));
    threads[0] = posix_start(own_value_only, &data);
    threads[1] = posix_start(own_value_only, &data);
    posix_finish(threads[0]);
    posix_finish(threads[1]);
    CHECK(pthread_getspecific(data.key) == &mine);
    CHECK_OK(pthread_key_delete(data.key));
    posix_gate_destroy(&data.gate);
}

static void *wait_then_read(void *argument)
{
    struct one_key *data = argument;

    posix_gate_wait(&data->gate, 1);
    CHECK(pthread_getspecific(data->key) == NULL);
    CHECK_OK(pthread_setspecific(data->key, data));
    CHECK(pthread_getspecific(data->key) == data);
    return NULL;
}

/* A key created later is NULL in threads that already run. */
void posix_keys_null_in_running_threads(void)
{
    struct one_key data = {.calls = 0};
    pthread_t thread;

    posix_gate_init(&data.gate);
    thread = posix_start(wait_then_read, &data);
    CHECK_OK(pthread_key_create(&data.key, NULL));
    posix_gate_raise(&data.gate);
    posix_finish(thread);
    CHECK_OK(pthread_key_delete(data.key));
    posix_gate_destroy(&data.gate);
}

static void count_call(void *value)
{
    struct one_key *data = value;

    /* The value is NULL again before its destructor runs. */
    CHECK(pthread_getspecific(data->key) == NULL);
    data->calls++;
}

static void *set_and_return(void *argument)
{
    struct one_key *data = argument;

    CHECK_OK(pthread_setspecific(data->key, data));
    return NULL;
}

static void *set_and_exit(void *argument)
{
    struct one_key *data = argument;

    CHECK_OK(pthread_setspecific(data->key, data));
    pthread_exit(NULL);
}

static void *set_and_clear(void *argument)
{
    struct one_key *data = argument;

    CHECK_OK(pthread_setspecific(data->key, data));
    CHECK_OK(pthread_setspecific(data->key, NULL));
    return NULL;
}

void posix_keys_destructor_at_exit(void)
{
    struct one_key data = {.calls = 0};

    CHECK_OK(pthread_key_create(&data.key, count_call));
    posix_finish(posix_start(set_and_return, &data));
    CHECK_EQ(data.calls, 1);
    posix_finish(posix_start(set_and_exit, &data));
    CHECK_EQ(data.calls, 2);
    posix_finish(posix_start(set_and_clear, &data));
    CHECK_EQ(data.calls, 2);
    CHECK_OK(pthread_key_delete(data.key));
}

static void set_again(void *value)
{
    struct one_key *data = value;

    data->calls++;
    if (data->calls < PTHREAD_DESTRUCTOR_ITERATIONS)
        CHECK_OK(pthread_setspecific(data->key, data));
}

/* A destructor that sets its value again is called again, up to the guaranteed number. */
void posix_keys_destructor_iterations(void)
{
    struct one_key data = {.calls = 0};

    CHECK_OK(pthread_key_create(&data.key, set_again));
    posix_finish(posix_start(set_and_return, &data));
    CHECK_EQ(data.calls, PTHREAD_DESTRUCTOR_ITERATIONS);
    CHECK_OK(pthread_key_delete(data.key));
}

struct two_keys {
    pthread_key_t first;
    pthread_key_t second;
    uint32_t first_calls;
    uint32_t second_calls;
};

static void first_sets_second(void *value)
{
    struct two_keys *data = value;

    data->first_calls++;
    CHECK_OK(pthread_setspecific(data->second, data));
}

static void second_counts(void *value)
{
    struct two_keys *data = value;

    data->second_calls++;
}

static void *set_first(void *argument)
{
    struct two_keys *data = argument;

    CHECK_OK(pthread_setspecific(data->first, data));
    return NULL;
}

static void *set_both(void *argument)
{
    struct two_keys *data = argument;

    CHECK_OK(pthread_setspecific(data->second, data));
    return set_first(argument);
}

/* A value that a destructor gives to another key is destroyed too. With both values set the
 * order of the two destructors is open, so the second may run once or twice. */
void posix_keys_destructor_sets_another(void)
{
    struct two_keys data = {.first_calls = 0};

    CHECK_OK(pthread_key_create(&data.first, first_sets_second));
    CHECK_OK(pthread_key_create(&data.second, second_counts));
    posix_finish(posix_start(set_first, &data));
    CHECK_EQ(data.first_calls, 1);
    CHECK_EQ(data.second_calls, 1);
    posix_finish(posix_start(set_both, &data));
    CHECK_EQ(data.first_calls, 2);
    CHECK(data.second_calls == 2 || data.second_calls == 3);
    CHECK_OK(pthread_key_delete(data.first));
    CHECK_OK(pthread_key_delete(data.second));
}

static void *set_then_wait(void *argument)
{
    struct one_key *data = argument;

    CHECK_OK(pthread_setspecific(data->key, data));
    posix_gate_raise(&data->gate);
    posix_gate_wait(&data->gate, 2);
    return NULL;
}

/* Deleting a key calls no destructor, neither now nor at the thread's end. */
void posix_keys_delete_calls_nothing(void)
{
    struct one_key data = {.calls = 0};
    pthread_t thread;

    posix_gate_init(&data.gate);
    CHECK_OK(pthread_key_create(&data.key, count_call));
    thread = posix_start(set_then_wait, &data);
    posix_gate_wait(&data.gate, 1);
    CHECK_OK(pthread_key_delete(data.key));
    CHECK_EQ(data.calls, 0);
    posix_gate_raise(&data.gate);
    posix_finish(thread);
    CHECK_EQ(data.calls, 0);
    posix_gate_destroy(&data.gate);
}

/* A new key is NULL even where it takes the place of a deleted one with a value. */
void posix_keys_new_key_starts_null(void)
{
    pthread_key_t key;
    int cell;

    CHECK_OK(pthread_key_create(&key, NULL));
    CHECK_OK(pthread_setspecific(key, &cell));
    CHECK_OK(pthread_key_delete(key));
    CHECK_OK(pthread_key_create(&key, NULL));
    CHECK(pthread_getspecific(key) == NULL);
    CHECK_OK(pthread_key_delete(key));
}

void posix_keys_exhausted(void)
{
    pthread_key_t keys[PTHREAD_KEYS_MAX + 1];
    size_t count = 0;
    int rc = 0;

    while (count <= PTHREAD_KEYS_MAX && rc == 0) {
        rc = pthread_key_create(&keys[count], NULL);
        count += rc == 0;
    }
    CHECK_EQ(rc, EAGAIN);
    CHECK(count <= PTHREAD_KEYS_MAX);
    CHECK(count > 0);
    CHECK_OK(pthread_key_delete(keys[count - 1]));
    CHECK_OK(pthread_key_create(&keys[count - 1], NULL));
    while (count-- > 0)
        CHECK_OK(pthread_key_delete(keys[count]));
}
