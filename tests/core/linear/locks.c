/* Histories of a lock: two cores over one lock store, which takes its time and loses an answer.
 * What the cores' leases tell has to be what a single thread would be told by a lock. */
#include <harness.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "session_core.h"

enum { CORES = 2, THREADS = 3, GOT = 1, TAKEN = 0, UNCLEAR = -1 };

/* --- the lock of a single thread --- */

static bool step_lock(void *state, const struct harness_operation *operation)
{
    int64_t *holder = state;

    if (strcmp(operation->name, "release") == 0) {
        bool held = *holder == operation->argument;
        *holder = 0;
        return held && (!operation->returned || operation->result == GOT);
    }
    if (operation->returned && operation->result == TAKEN)
        return *holder != 0;
    /* The key was free and taken by turns, whenever it was looked for: it was never ours. */
    if (operation->returned && operation->result == UNCLEAR)
        return true;
    bool is_free = *holder == 0;
    *holder = operation->argument;
    return is_free;
}

static const struct harness_model model = { sizeof(int64_t), NULL, step_lock };

/* --- the lock store: one key, whose grants do not run out --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char owner[CORE_NAME_MAX];
static uint64_t token;
static bool held, lost;

/* Once in an execution a call gets no answer, be it that it took effect or not. */
static bool takes_effect(bool *answered)
{
    harness_point("lock store");
    uint32_t fate = lost ? 0 : harness_choose(3);
    lost = lost || fate != 0;
    *answered = fate == 0;
    return fate != 2;
}

static bool is_current(const char *who, uint64_t which)
{
    return held && token == which && strcmp(owner, who) == 0;
}

static enum core_result try_acquire(void *context, const char *key, const char *who,
                                    uint64_t ttl_us, uint64_t *granted)
{
    enum core_result rc = CORE_CONFLICT;
    bool answered;
    (void)context, (void)key, (void)ttl_us;
    pthread_mutex_lock(&lock);
    if (takes_effect(&answered) && !held) {
        held = true;
        (void)snprintf(owner, sizeof owner, "%s", who);
        *granted = ++token;
        rc = CORE_OK;
    }
    pthread_mutex_unlock(&lock);
    return answered ? rc : CORE_UNKNOWN;
}

static enum core_result renew(void *context, const char *key, const char *who, uint64_t which,
                              uint64_t ttl_us)
{
    (void)context, (void)key, (void)ttl_us;
    pthread_mutex_lock(&lock);
    bool current = is_current(who, which);
    pthread_mutex_unlock(&lock);
    return current ? CORE_OK : CORE_STALE;
}

static enum core_result release(void *context, const char *key, const char *who, uint64_t which)
{
    bool answered, effect;
    (void)context, (void)key;
    pthread_mutex_lock(&lock);
    effect = takes_effect(&answered);
    bool current = is_current(who, which);
    if (effect && current)
        held = false;
    pthread_mutex_unlock(&lock);
    if (!answered)
        return CORE_UNKNOWN;
    return current ? CORE_OK : CORE_STALE;
}

static enum core_result read_grant(void *context, const char *key, struct lock_grant *grant)
{
    (void)context, (void)key;
    pthread_mutex_lock(&lock);
    *grant = (struct lock_grant){ .held = held, .token = token, .remaining_us = 60000000 };
    memcpy(grant->owner, owner, sizeof owner);
    pthread_mutex_unlock(&lock);
    return CORE_OK;
}

static const struct lock_store_port store = { NULL, try_acquire, renew, release, read_grant };

/* --- the cores --- */

static struct core *cores[CORES];

static void want_write(void *context, uint64_t handle, struct conn_ref conn)
{
    (void)context, (void)handle, (void)conn;
}

static void close_conn(void *context, uint64_t handle, struct conn_ref conn,
                       enum core_close_code code)
{
    (void)context, (void)handle, (void)conn, (void)code;
}

struct answer {
    sem_t there;
    enum core_result rc;
    struct lease_ref lease;
};

static void on_answer(void *context, enum core_result rc, struct lease_ref lease, uint64_t number)
{
    struct answer *answer = context;
    (void)number;
    answer->rc = rc;
    answer->lease = lease;
    sem_post(&answer->there);
}

static void give_back(struct core *core, int64_t who, struct answer *answer)
{
    uint32_t operation = harness_call("release", who);

    HARNESS_ASSERT(lease_release(core, answer->lease, on_answer, answer) == CORE_OK);
    sem_wait(&answer->there);
    harness_return(operation, answer->rc == CORE_OK ? GOT : TAKEN);
}

static void *works(void *argument)
{
    int64_t who = (int64_t)(intptr_t)argument;
    struct core *core = cores[who % CORES];
    struct answer answer;

    sem_init(&answer.there, 0, 0);
    for (int i = 0; i < 2; i++) {
        uint32_t operation = harness_call("acquire", who);
        HARNESS_ASSERT(lease_acquire(core, "key", 0, NULL, on_answer, &answer) == CORE_OK);
        sem_wait(&answer.there);
        HARNESS_ASSERT(answer.rc == CORE_OK || answer.rc == CORE_CONFLICT ||
                       answer.rc == CORE_UNKNOWN);
        harness_return(operation, answer.rc == CORE_OK ? GOT :
                                  answer.rc == CORE_CONFLICT ? TAKEN : UNCLEAR);
        if (answer.rc == CORE_OK)
            give_back(core, who, &answer);
    }
    sem_destroy(&answer.there);
    return NULL;
}

static void body(void *argument)
{
    static const char *const names[CORES] = { "one", "two" };
    pthread_t threads[THREADS];
    struct core_config config;
    (void)argument;

    core_config_default(&config);
    config.hash_seed = config.jitter_seed = 1;
    config.transport = (struct transport_port){ NULL, want_write, close_conn };
    config.locks = &store;
    for (int i = 0; i < CORES; i++) {
        config.name = names[i];
        HARNESS_ASSERT(core_create(&config, &cores[i]) == CORE_OK);
        HARNESS_ASSERT(core_start(cores[i]) == CORE_OK);
    }
    harness_history_begin(&model);
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, works, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    harness_history_check();
    for (int i = 0; i < CORES; i++)
        core_destroy(cores[i]);
}

int main(void)
{
    /* A lease that stands still for as long as it lives is over: no delays. */
    struct harness_options options = { .name = "locks", .runs = 1500, .no_delays = true };
    struct harness_result result = harness_explore(&options, body, NULL);

    printf("%s: %llu executions, %s\n", options.name, (unsigned long long)result.runs,
           result.verdict == HARNESS_HELD ? "linearizable" : result.kind);
    return result.verdict != HARNESS_HELD;
}
