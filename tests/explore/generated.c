/* Runs a generated program. Whatever is done to an object leaves a trace in its value, so that
 * the final values tell executions apart whose order of dependent operations differs. */
#include "generated.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

enum { SHORT_US = 1000 };

struct shared {
    pthread_mutex_t mutex, flag_mutex;
    pthread_rwlock_t rwlock;
    pthread_cond_t cond;
    sem_t sem;
    int flag;
    uint64_t by_mutex, by_rwlock, by_sem, by_flag;
};

static struct shared shared[GENERATED_OBJECTS];
static uint64_t seen[GENERATED_THREADS];

static void mark(uint64_t *value, uint32_t who)
{
    *value = *value * 31 + who + 1;
}

static void set_flag(struct shared *on, uint32_t who, int all)
{
    pthread_mutex_lock(&on->flag_mutex);
    on->flag = 1;
    mark(&on->by_flag, who);
    if (all) pthread_cond_broadcast(&on->cond);
    else pthread_cond_signal(&on->cond);
    pthread_mutex_unlock(&on->flag_mutex);
}

static void await_flag(struct shared *on, uint32_t who)
{
    pthread_mutex_lock(&on->flag_mutex);
    while (!on->flag) pthread_cond_wait(&on->cond, &on->flag_mutex);
    mark(&on->by_flag, who + 7);
    pthread_mutex_unlock(&on->flag_mutex);
}

static void nested(uint32_t object, uint32_t who)
{
    struct shared *first = &shared[object], *second = &shared[(object + 1) % GENERATED_OBJECTS];
    pthread_mutex_lock(&first->mutex);
    pthread_mutex_lock(&second->mutex);
    mark(&first->by_mutex, who);
    mark(&second->by_mutex, who);
    pthread_mutex_unlock(&second->mutex);
    pthread_mutex_unlock(&first->mutex);
}

static void try_section(struct shared *on, uint32_t who)
{
    if (pthread_mutex_trylock(&on->mutex) != 0) {
        mark(&seen[who], 9);
        return;
    }
    mark(&on->by_mutex, who);
    pthread_mutex_unlock(&on->mutex);
}

static void lock_section(struct shared *on, uint32_t who)
{
    pthread_mutex_lock(&on->mutex);
    mark(&on->by_mutex, who);
    pthread_mutex_unlock(&on->mutex);
}

static void rw_section(struct shared *on, uint32_t who, int write)
{
    if (write) {
        pthread_rwlock_wrlock(&on->rwlock);
        mark(&on->by_rwlock, who);
    } else {
        pthread_rwlock_rdlock(&on->rwlock);
        seen[who] = seen[who] * 31 + on->by_rwlock;
    }
    pthread_rwlock_unlock(&on->rwlock);
}

/* --- with time --- */

static struct timespec soon(void)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += SHORT_US * 1000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

static void see_time(uint32_t who)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    seen[who] = seen[who] * 31 + (uint64_t)at.tv_nsec / 1000;
}

static void timed_section(struct shared *on, uint32_t who)
{
    struct timespec until = soon();
    if (pthread_mutex_timedlock(&on->mutex, &until) != 0) {
        mark(&seen[who], 3);
        return;
    }
    mark(&on->by_mutex, who);
    pthread_mutex_unlock(&on->mutex);
}

static void hold(struct shared *on, uint32_t who)
{
    pthread_mutex_lock(&on->mutex);
    usleep(SHORT_US);
    mark(&on->by_mutex, who);
    pthread_mutex_unlock(&on->mutex);
}

static void timed_rw(struct shared *on, uint32_t who, int write)
{
    struct timespec until = soon();
    int rc = write ? pthread_rwlock_timedwrlock(&on->rwlock, &until)
                   : pthread_rwlock_timedrdlock(&on->rwlock, &until);
    if (rc != 0) {
        mark(&seen[who], 4);
        return;
    }
    if (write) mark(&on->by_rwlock, who);
    else seen[who] = seen[who] * 31 + on->by_rwlock;
    usleep(SHORT_US / 2);
    pthread_rwlock_unlock(&on->rwlock);
}

static void timed_await(struct shared *on, uint32_t who)
{
    struct timespec until = soon();
    int rc = 0;
    pthread_mutex_lock(&on->flag_mutex);
    while (!on->flag && rc == 0) rc = pthread_cond_timedwait(&on->cond, &on->flag_mutex, &until);
    mark(&on->by_flag, who + (rc == 0 ? 7 : 11));
    pthread_mutex_unlock(&on->flag_mutex);
}

static void run_timed(const struct generated_step *step, uint32_t who)
{
    struct shared *on = &shared[step->object];
    struct timespec until = soon();
    switch ((enum generated_op)step->op) {
    case OP_SLEEP:
        usleep((step->object + 1u) * SHORT_US);
        return;
    case OP_HOLD:
        hold(on, who);
        return;
    case OP_TIMED:
        timed_section(on, who);
        return;
    case OP_TIMED_READ:
    case OP_TIMED_WRITE:
        timed_rw(on, who, step->op == OP_TIMED_WRITE);
        return;
    case OP_TIMED_TAKE:
        if (sem_timedwait(&on->sem, &until) == 0) mark(&on->by_sem, who);
        else mark(&seen[who], 6);
        return;
    case OP_TIMED_AWAIT:
        timed_await(on, who);
        return;
    case OP_CLOCK:
        lock_section(on, who);
        see_time(who);
        return;
    default:
        return;
    }
}

static void run_step(const struct generated_step *step, uint32_t who)
{
    struct shared *on = &shared[step->object];
    switch ((enum generated_op)step->op) {
    case OP_SECTION:
        lock_section(on, who);
        return;
    case OP_NESTED:
        nested(step->object, who);
        return;
    case OP_TRY:
        try_section(on, who);
        return;
    case OP_READ:
    case OP_WRITE:
        rw_section(on, who, step->op == OP_WRITE);
        return;
    case OP_POST:
        sem_post(&on->sem);
        return;
    case OP_TAKE:
        sem_wait(&on->sem);
        mark(&on->by_sem, who);
        return;
    case OP_TRY_TAKE:
        if (sem_trywait(&on->sem) == 0) mark(&on->by_sem, who);
        else mark(&seen[who], 5);
        return;
    case OP_AWAIT:
        await_flag(on, who);
        return;
    case OP_SET:
    case OP_SET_ALL:
        set_flag(on, who, step->op == OP_SET_ALL);
        return;
    case OP_NOTHING:
        return;
    default:
        run_timed(step, who);
    }
}

static void tell(void)
{
    uint64_t outcome = 17;
    for (uint32_t i = 0; i < GENERATED_OBJECTS; i++) {
        outcome = outcome * 1099511628211u + shared[i].by_mutex;
        outcome = outcome * 1099511628211u + shared[i].by_rwlock;
        outcome = outcome * 1099511628211u + shared[i].by_sem;
        outcome = outcome * 1099511628211u + shared[i].by_flag;
    }
    for (uint32_t i = 0; i < GENERATED_THREADS; i++) outcome = outcome * 1099511628211u + seen[i];
    generated_tell(outcome);
}

static void *work(void *argument)
{
    uint32_t who = *(const uint32_t *)argument;
    for (int i = 0; i < GENERATED_OPS; i++) {
        run_step(&generated_now()->steps[who][i], who);
        tell(); /* an execution that ends in a deadlock leaves an outcome, too */
    }
    return NULL;
}

void program_generated(void)
{
    static uint32_t names[GENERATED_THREADS] = {0, 1, 2};
    pthread_t threads[GENERATED_THREADS];
    for (uint32_t i = 0; i < GENERATED_OBJECTS; i++) {
        pthread_mutex_init(&shared[i].mutex, NULL);
        pthread_mutex_init(&shared[i].flag_mutex, NULL);
        pthread_rwlock_init(&shared[i].rwlock, NULL);
        pthread_cond_init(&shared[i].cond, NULL);
        sem_init(&shared[i].sem, 0, 0);
    }
    uint32_t count = generated_now()->threads, joined = count - generated_now()->left;
    for (uint32_t i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, &names[i]);
    for (uint32_t i = 0; i < joined; i++) pthread_join(threads[i], NULL);
    tell();
}
