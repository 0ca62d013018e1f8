/* C11 threads, over the same objects as the POSIX ones. */
#include "internal.h"

#include <threads.h>

static int status(int rc)
{
    switch (rc) {
    case 0:
        return thrd_success;
    case ENOMEM:
        return thrd_nomem;
    case ETIMEDOUT:
        return thrd_timedout;
    case EBUSY:
        return thrd_busy;
    default:
        return thrd_error;
    }
}

int world_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int world_pthread_mutex_destroy(pthread_mutex_t *mutex);
int world_pthread_mutex_trylock(pthread_mutex_t *mutex);
int world_pthread_mutex_unlock(pthread_mutex_t *mutex);
int world_pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *at);
int world_pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes);
int world_pthread_cond_destroy(pthread_cond_t *cond);
int world_pthread_cond_signal(pthread_cond_t *cond);
int world_pthread_cond_broadcast(pthread_cond_t *cond);
int world_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int world_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                 const struct timespec *at);
int world_pthread_detach(pthread_t thread);
_Noreturn void world_pthread_exit(void *result);
int world_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int world_pthread_key_delete(pthread_key_t key);
int world_pthread_setspecific(pthread_key_t key, const void *value);
void *world_pthread_getspecific(pthread_key_t key);
int world_sched_yield(void);
int world_clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
                          struct timespec *remain);

static pthread_mutex_t *mutex_of(mtx_t *mutex)
{
    return (pthread_mutex_t *)(void *)mutex;
}

static pthread_cond_t *cond_of(cnd_t *cond)
{
    return (pthread_cond_t *)(void *)cond;
}

int world_mtx_init(mtx_t *mutex, int type)
{
    if (type & ~(mtx_timed | mtx_recursive)) return thrd_error;
    uint32_t attributes = type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL;
    return status(world_pthread_mutex_init(mutex_of(mutex),
                                           (const pthread_mutexattr_t *)(void *)&attributes));
}

void world_mtx_destroy(mtx_t *mutex)
{
    world_pthread_mutex_destroy(mutex_of(mutex));
}

int world_mtx_lock(mtx_t *mutex)
{
    return status(mutex_lock(mutex_at(mutex_of(mutex), CALLER), WORLD_NEVER, false, CALLER));
}

int world_mtx_timedlock(mtx_t *mutex, const struct timespec *at)
{
    return status(world_pthread_mutex_timedlock(mutex_of(mutex), at));
}

int world_mtx_trylock(mtx_t *mutex)
{
    return status(world_pthread_mutex_trylock(mutex_of(mutex)));
}

int world_mtx_unlock(mtx_t *mutex)
{
    return status(world_pthread_mutex_unlock(mutex_of(mutex)));
}

int world_cnd_init(cnd_t *cond)
{
    return status(world_pthread_cond_init(cond_of(cond), NULL));
}

void world_cnd_destroy(cnd_t *cond)
{
    world_pthread_cond_destroy(cond_of(cond));
}

int world_cnd_signal(cnd_t *cond)
{
    return status(world_pthread_cond_signal(cond_of(cond)));
}

int world_cnd_broadcast(cnd_t *cond)
{
    return status(world_pthread_cond_broadcast(cond_of(cond)));
}

int world_cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    return status(world_pthread_cond_wait(cond_of(cond), mutex_of(mutex)));
}

int world_cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *at)
{
    return status(world_pthread_cond_timedwait(cond_of(cond), mutex_of(mutex), at));
}

int world_thrd_create(thrd_t *thread, thrd_start_t start, void *argument)
{
    return status(thread_create_c11(thread, start, argument));
}

thrd_t world_thrd_current(void)
{
    return (thrd_t)(W.self->id + 1u);
}

int world_thrd_equal(thrd_t a, thrd_t b)
{
    return a == b;
}

int world_thrd_detach(thrd_t thread)
{
    return status(world_pthread_detach(thread));
}

int world_thrd_join(thrd_t thread, int *result)
{
    void *value;
    int rc = thread_join(thread, &value, WORLD_NEVER, CALLER);
    if (rc == 0 && result) *result = (int)(intptr_t)value;
    return status(rc);
}

void world_thrd_exit(int result)
{
    world_pthread_exit((void *)(intptr_t)result);
}

int world_thrd_sleep(const struct timespec *duration, struct timespec *remaining)
{
    return world_clock_nanosleep(CLOCK_REALTIME, 0, duration, remaining) == 0 ? 0 : -2;
}

void world_thrd_yield(void)
{
    world_sched_yield();
}

int world_tss_create(tss_t *key, tss_dtor_t destructor)
{
    return status(world_pthread_key_create(key, destructor));
}

void world_tss_delete(tss_t key)
{
    world_pthread_key_delete(key);
}

int world_tss_set(tss_t key, void *value)
{
    return status(world_pthread_setspecific(key, value));
}

void *world_tss_get(tss_t key)
{
    return world_pthread_getspecific(key);
}
