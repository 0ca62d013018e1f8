/* Teams, barriers, shares, critical sections. */
#include "openmp.h"

#include <semaphore.h>
#include <stdlib.h>

#include "calls.h"

static _Thread_local struct thread *self;
static _Thread_local struct team alone_team;
static _Thread_local struct thread alone;

void *openmp_memory(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (memory == NULL) abort();
    return memory;
}

static void begin_thread(struct thread *thread, struct team *team, uint32_t id)
{
    *thread = (struct thread){.team = team, .id = id, .task = &thread->initial};
    thread->initial.users = 1;
    thread->share = team->shares; /* of a loop that is a region of its own */
    thread->shares = team->shares ? 1 : 0;
}

static void begin_team(struct team *team, struct team *outer, uint32_t size)
{
    *team = (struct team){.outer = outer, .size = size,
                          .level = outer ? outer->level + 1 : 0,
                          .active = outer ? outer->active + (size > 1) : 0,
                          .creator = self,
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .changed = PTHREAD_COND_INITIALIZER};
}

struct thread *openmp_self(void)
{
    if (self != NULL) return self;
    begin_team(&alone_team, NULL, 1);
    begin_thread(&alone, &alone_team, 0);
    return self = &alone;
}

/* --- parallel regions --- */

/* Threads outlive the regions they are created for, and with them what is `threadprivate`. */
struct worker {
    struct worker *next; /* of those that have nothing to do */
    struct thread thread;
    sem_t begin, done;
    void (*body)(void *);
    void *data;
};

/* The first ones are no memory that the program has not freed. */
enum { FEW = 16 };
static struct worker few[FEW];
static uint32_t workers_made;
static struct worker *idle;

static struct worker *idle_or_new(void)
{
    struct worker *worker = idle;
    if (worker == NULL) {
        uint32_t number = workers_made++;
        return number < FEW ? &few[number] : openmp_memory(sizeof *worker);
    }
    idle = worker->next;
    return worker;
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    for (;;) {
        self = &worker->thread;
        worker->body(worker->data);
        openmp_barrier();
        self = NULL;
        sem_post(&worker->done);
        while (sem_wait(&worker->begin) != 0) continue;
    }
    return NULL;
}

static struct worker *hire(struct team *team, uint32_t id, void (*body)(void *), void *data)
{
    struct worker *worker = idle_or_new();
    bool new = worker->body == NULL;
    begin_thread(&worker->thread, team, id);
    worker->body = body;
    worker->data = data;
    if (!new) {
        sem_post(&worker->begin);
        return worker;
    }
    pthread_t thread;
    sem_init(&worker->begin, 0, 0);
    sem_init(&worker->done, 0, 0);
    if (pthread_create(&thread, NULL, run, worker) != 0) abort();
    return worker;
}

static void dismiss(struct worker *worker)
{
    while (sem_wait(&worker->done) != 0) continue;
    worker->next = idle;
    idle = worker;
}

static void copy_share(struct team *team, const struct share *pattern)
{
    team->shares = openmp_memory(sizeof *team->shares);
    *team->shares = *pattern;
    team->shares->number = 1;
}

/* Those of a team are given back at its end, when nobody can come to them any more. */
static void free_shares(struct team *team)
{
    while (team->shares) {
        struct share *share = team->shares;
        team->shares = share->next;
        free(share);
    }
}

void openmp_parallel(void (*body)(void *), void *data, uint32_t threads,
                     const struct share *prepare)
{
    struct thread *outer = openmp_self();
    uint32_t size = openmp_threads(threads);
    struct team team;
    begin_team(&team, outer->team, size);
    if (prepare) copy_share(&team, prepare);
    struct worker **workers = openmp_memory(size * sizeof(*workers));
    for (uint32_t i = 1; i < size; i++) workers[i] = hire(&team, i, body, data);
    struct thread own;
    begin_thread(&own, &team, 0);
    self = &own;
    body(data);
    openmp_barrier();
    /* The next region has the same thread in the same place. */
    for (uint32_t i = size - 1; i > 0; i--) dismiss(workers[i]);
    self = outer;
    free_shares(&team);
    free(workers);
    pthread_mutex_destroy(&team.lock);
    pthread_cond_destroy(&team.changed);
}

void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags)
{
    (void)flags;
    openmp_parallel(body, data, threads, NULL);
}

bool GOMP_cancel(int which, bool really)
{
    (void)which, (void)really;
    return false;
}

bool GOMP_cancellation_point(int which)
{
    (void)which;
    return false;
}

/* --- barriers --- */

static void barrier_open(struct team *team)
{
    team->arrived = 0;
    team->round++;
    pthread_cond_broadcast(&team->changed);
}

void openmp_barrier(void)
{
    struct team *team = openmp_self()->team;
    if (team->size == 1) return;
    pthread_mutex_lock(&team->lock);
    uint32_t round = team->round;
    team->arrived++;
    while (team->round == round) {
        if (openmp_run_one(team, NULL, NULL)) continue;
        if (team->arrived == team->size && team->unfinished == 0) {
            barrier_open(team);
        } else {
            pthread_cond_wait(&team->changed, &team->lock);
        }
    }
    pthread_mutex_unlock(&team->lock);
}

void GOMP_barrier(void)
{
    openmp_barrier();
}

bool GOMP_barrier_cancel(void)
{
    openmp_barrier();
    return false;
}

/* --- what a team shares --- */

/* Weak, as it is there only where atomic operations are visible. */
__attribute__((weak)) int64_t __tsan_atomic64_fetch_add(volatile int64_t *word, int64_t value,
                                                        int order);

void openmp_point(int64_t *word)
{
    if (__tsan_atomic64_fetch_add) __tsan_atomic64_fetch_add(word, 1, __ATOMIC_RELAXED);
}

static struct share *find_share(struct team *team, uint64_t number)
{
    struct share *share = team->shares;
    while (share && share->number != number) share = share->next;
    return share;
}

static struct share *add_share(struct team *team, const struct share *pattern, uint64_t number)
{
    struct share *share = openmp_memory(sizeof *share);
    *share = *pattern;
    share->number = number;
    share->next = team->shares;
    return team->shares = share;
}

bool openmp_share(const struct share *pattern)
{
    struct thread *thread = openmp_self();
    uint64_t number = ++thread->shares;
    struct share *share = find_share(thread->team, number);
    if (share == NULL) share = add_share(thread->team, pattern, number);
    thread->share = share;
    thread->pieces = 0;
    thread->piece = thread->piece_end = 0;
    openmp_point(&share->taken);
    return share->users++ == 0;
}

void openmp_share_leave(void)
{
    struct thread *thread = openmp_self();
    thread->share = NULL;
    if (thread->team->size == 1) free_shares(thread->team);
}

bool GOMP_single_start(void)
{
    bool first = openmp_share(&(struct share){0});
    openmp_share_leave();
    return first;
}

void *GOMP_single_copy_start(void)
{
    if (openmp_share(&(struct share){0})) return NULL;
    openmp_barrier();
    void *copy = openmp_self()->share->copy;
    openmp_share_leave();
    return copy;
}

void GOMP_single_copy_end(void *copy)
{
    openmp_self()->share->copy = copy;
    openmp_barrier();
    openmp_share_leave();
}

/* --- critical sections --- */

static pthread_mutex_t critical = PTHREAD_MUTEX_INITIALIZER, atomic = PTHREAD_MUTEX_INITIALIZER;

void GOMP_critical_start(void)
{
    pthread_mutex_lock(&critical);
}

void GOMP_critical_end(void)
{
    pthread_mutex_unlock(&critical);
}

void GOMP_critical_name_start(void **name)
{
    if (*name == NULL) {
        pthread_mutex_t *mutex = openmp_memory(sizeof *mutex);
        pthread_mutex_init(mutex, NULL);
        *name = mutex;
    }
    pthread_mutex_lock(*name);
}

void GOMP_critical_name_end(void **name)
{
    pthread_mutex_unlock(*name);
}

void GOMP_atomic_start(void)
{
    pthread_mutex_lock(&atomic);
}

void GOMP_atomic_end(void)
{
    pthread_mutex_unlock(&atomic);
}
