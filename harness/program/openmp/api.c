/* What programs call themselves: omp.h. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "openmp.h"
#include "user.h"

enum { LEVELS_MAX = 8, THREADS_MAX = 256, MONOTONIC = (int)0x80000000 };

/* 0: as the environment says. */
static uint32_t threads_set, levels_set;
static enum schedule schedule_set;
static uint64_t chunk_set;
static int dynamic;

static uint32_t number_of(const char *name, uint32_t standard)
{
    const char *text = getenv(name);
    long value = text ? strtol(text, NULL, 10) : 0;
    return value > 0 && value <= THREADS_MAX ? (uint32_t)value : standard;
}

int omp_get_num_procs(void)
{
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

int omp_get_max_threads(void)
{
    if (threads_set > 0) return (int)threads_set;
    return (int)number_of("OMP_NUM_THREADS", (uint32_t)omp_get_num_procs());
}

int omp_get_max_active_levels(void)
{
    if (levels_set > 0) return (int)levels_set;
    const char *nested = getenv("OMP_NESTED");
    uint32_t standard = nested && strcasecmp(nested, "true") == 0 ? LEVELS_MAX : 1;
    return (int)number_of("OMP_MAX_ACTIVE_LEVELS", standard);
}

uint32_t openmp_threads(uint32_t wanted)
{
    if (openmp_self()->team->active >= (uint32_t)omp_get_max_active_levels()) return 1;
    if (wanted == 0) wanted = (uint32_t)omp_get_max_threads();
    return wanted < THREADS_MAX ? wanted : THREADS_MAX;
}

/* --- the schedule of loops with schedule(runtime) --- */

static enum schedule schedule_named(const char *text)
{
    const char *modifier = strchr(text, ':');
    if (modifier) text = modifier + 1;
    return strncasecmp(text, "static", 6) == 0   ? SCHEDULE_STATIC
           : strncasecmp(text, "guided", 6) == 0 ? SCHEDULE_GUIDED
                                                 : SCHEDULE_DYNAMIC;
}

void openmp_schedule(enum schedule *kind, uint64_t *chunk)
{
    const char *text = getenv("OMP_SCHEDULE"), *comma = text ? strchr(text, ',') : NULL;
    *kind = schedule_set ? schedule_set : text ? schedule_named(text) : SCHEDULE_DYNAMIC;
    *chunk = schedule_set ? chunk_set : comma ? strtoul(comma + 1, NULL, 10) : 0;
}

void omp_set_schedule(int kind, int chunk)
{
    kind &= ~MONOTONIC;
    schedule_set = kind == SCHEDULE_STATIC || kind == SCHEDULE_GUIDED ? (enum schedule)kind
                                                                      : SCHEDULE_DYNAMIC;
    chunk_set = chunk > 0 ? (uint64_t)chunk : 0;
}

void omp_get_schedule(int *kind, int *chunk)
{
    enum schedule found;
    uint64_t size;
    openmp_schedule(&found, &size);
    *kind = (int)found;
    *chunk = (int)size;
}

/* --- where a thread is --- */

int omp_get_thread_num(void)
{
    return (int)openmp_self()->id;
}

int omp_get_num_threads(void)
{
    return (int)openmp_self()->team->size;
}

int omp_in_parallel(void)
{
    return openmp_self()->team->active > 0;
}

int omp_in_final(void)
{
    return openmp_self()->task->final;
}

int omp_get_level(void)
{
    return (int)openmp_self()->team->level;
}

int omp_get_active_level(void)
{
    return (int)openmp_self()->team->active;
}

/* The thread of that level that the calling one descends from; NULL: there is no such level. */
static const struct thread *ancestor(int level)
{
    const struct thread *thread = openmp_self();
    if (level < 0 || (uint32_t)level > thread->team->level) return NULL;
    while (thread->team->level > (uint32_t)level) thread = thread->team->creator;
    return thread;
}

int omp_get_ancestor_thread_num(int level)
{
    const struct thread *thread = ancestor(level);
    return thread ? (int)thread->id : -1;
}

int omp_get_team_size(int level)
{
    const struct thread *thread = ancestor(level);
    return thread ? (int)thread->team->size : -1;
}

void omp_set_num_threads(int count)
{
    if (count > 0) threads_set = count < THREADS_MAX ? (uint32_t)count : THREADS_MAX;
}

int omp_get_thread_limit(void)
{
    return THREADS_MAX;
}

void omp_set_max_active_levels(int levels)
{
    if (levels > 0) levels_set = (uint32_t)levels;
}

int omp_get_supported_active_levels(void)
{
    return LEVELS_MAX;
}

void omp_set_nested(int nested)
{
    levels_set = nested ? LEVELS_MAX : 1;
}

int omp_get_nested(void)
{
    return omp_get_max_active_levels() > 1;
}

/* Teams have as many threads as asked for, whatever is set. */
void omp_set_dynamic(int set)
{
    dynamic = set;
}

int omp_get_dynamic(void)
{
    return dynamic;
}

int omp_get_cancellation(void)
{
    return 0;
}

int omp_get_proc_bind(void)
{
    return 0;
}

int omp_get_num_devices(void)
{
    return 0;
}

int omp_is_initial_device(void)
{
    return 1;
}

int omp_get_num_teams(void)
{
    return 1;
}

int omp_get_team_num(void)
{
    return 0;
}

double omp_get_wtime(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double omp_get_wtick(void)
{
    return 1e-9;
}

/* --- locks: theirs have four bytes, which say which one --- */

static pthread_mutex_t **locks;
static uint32_t locks_used;

static uint32_t add_lock(bool recursive)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t **more = realloc(locks, (locks_used + 1) * sizeof(*more));
    if (more == NULL) abort();
    locks = more;
    locks[locks_used] = openmp_memory(sizeof(pthread_mutex_t));
    pthread_mutexattr_init(&attributes);
    if (recursive) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(locks[locks_used], &attributes);
    pthread_mutexattr_destroy(&attributes);
    return ++locks_used;
}

static pthread_mutex_t *lock_of(uint32_t number)
{
    if (number > 0 && number <= locks_used && locks[number - 1]) return locks[number - 1];
    fprintf(stderr, "OpenMP: a lock is used that was not initialised, or is destroyed\n");
    abort();
}

static void remove_lock(uint32_t *number)
{
    pthread_mutex_t *lock = lock_of(*number);
    pthread_mutex_destroy(lock);
    free(lock);
    locks[*number - 1] = NULL;
    *number = 0;
}

void omp_init_lock(uint32_t *lock)
{
    *lock = add_lock(false);
}

void omp_init_lock_with_hint(uint32_t *lock, int hint)
{
    (void)hint;
    *lock = add_lock(false);
}

void omp_destroy_lock(uint32_t *lock)
{
    remove_lock(lock);
}

void omp_set_lock(uint32_t *lock)
{
    pthread_mutex_lock(lock_of(*lock));
}

void omp_unset_lock(uint32_t *lock)
{
    pthread_mutex_unlock(lock_of(*lock));
}

int omp_test_lock(uint32_t *lock)
{
    return pthread_mutex_trylock(lock_of(*lock)) == 0;
}

void omp_init_nest_lock(struct nest_lock *lock)
{
    *lock = (struct nest_lock){add_lock(true), 0};
}

void omp_init_nest_lock_with_hint(struct nest_lock *lock, int hint)
{
    (void)hint;
    omp_init_nest_lock(lock);
}

void omp_destroy_nest_lock(struct nest_lock *lock)
{
    remove_lock(&lock->number);
}

void omp_set_nest_lock(struct nest_lock *lock)
{
    pthread_mutex_lock(lock_of(lock->number));
    lock->depth++;
}

void omp_unset_nest_lock(struct nest_lock *lock)
{
    lock->depth--;
    pthread_mutex_unlock(lock_of(lock->number));
}

int omp_test_nest_lock(struct nest_lock *lock)
{
    if (pthread_mutex_trylock(lock_of(lock->number)) != 0) return 0;
    return (int)++lock->depth;
}
