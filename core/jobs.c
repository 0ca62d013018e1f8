#include "core/jobs.h"

#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>

enum core_result jobs_create(struct core *core)
{
    struct jobs *jobs = &core->jobs;
    jobs->workers = calloc(core->settings.job_threads, sizeof *jobs->workers);
    if (jobs->workers == NULL)
        return CORE_NO_MEMORY;
    enum core_result rc = core_lock_init(&jobs->lock, RANK_JOBS);
    if (rc == CORE_OK) {
        rc = core_cond_init(&jobs->ready);
        if (rc == CORE_OK)
            return CORE_OK;
        core_lock_destroy(&jobs->lock);
    }
    free(jobs->workers);
    return rc;
}

void jobs_destroy(struct core *core)
{
    struct jobs *jobs = &core->jobs;
    REQUIRE(jobs->shorts.count == 0);
    REQUIRE(jobs->longs.count == 0);
    pthread_cond_destroy(&jobs->ready);
    core_lock_destroy(&jobs->lock);
    free(jobs->workers);
}

static void push(struct job_queue *queue, struct job *job)
{
    job->next = NULL;
    if (queue->tail != NULL)
        queue->tail->next = job;
    else
        queue->head = job;
    queue->tail = job;
    queue->count++;
}

static struct job *pop(struct job_queue *queue)
{
    struct job *job = queue->head;
    REQUIRE(job != NULL);
    queue->head = job->next;
    if (queue->head == NULL)
        queue->tail = NULL;
    queue->count--;
    return job;
}

enum core_result job_post(struct turn *turn, struct job *job, enum job_kind kind)
{
    struct jobs *jobs = &turn->core->jobs;
    struct job_queue *queue = kind == JOB_SHORT ? &jobs->shorts : &jobs->longs;
    enum core_result rc = CORE_OK;
    turn_lock(turn, &jobs->lock);
    if (jobs->working == 0) {
        rc = CORE_DRAINING;
    } else if (kind == JOB_LONG && queue->count >= turn->core->settings.max_jobs) {
        rc = CORE_LIMIT;
    } else {
        push(queue, job);
        pthread_cond_signal(&jobs->ready);
    }
    turn_unlock(turn, &jobs->lock);
    return rc;
}

/* ---- the workers ---- */

static bool long_allowed(const struct core *core)
{
    return core->jobs.longs.count > 0 &&
           core->jobs.longs_running + 1 < core->settings.job_threads;
}

/* The next job for this worker, or NULL to stop. Lock held. */
static struct job *await_job(struct turn *turn, bool *is_long)
{
    struct jobs *jobs = &turn->core->jobs;
    for (;;) {
        *is_long = jobs->shorts.count == 0 && long_allowed(turn->core);
        if (jobs->shorts.count > 0)
            return pop(&jobs->shorts);
        if (*is_long)
            return pop(&jobs->longs);
        /* Long jobs that nobody may take yet go to the worker that ends one. */
        if (jobs->stop)
            return NULL;
        turn_wait(turn, &jobs->ready, &jobs->lock, 0);
    }
}

static void *worker_main(void *context)
{
    struct job_worker *worker = context;
    struct core *core = worker->core;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->jobs.lock);
    struct job *job;
    bool is_long;
    while ((job = await_job(&turn, &is_long)) != NULL) {
        core->jobs.longs_running += is_long;
        turn_unlock(&turn, &core->jobs.lock);
        job->run(core, job);
        reserve_refill(core);   /* where whoever spent it could not */
        turn_lock(&turn, &core->jobs.lock);
        core->jobs.longs_running -= is_long;
    }
    core->jobs.working--;   /* in one step with having seen the queue empty */
    turn_unlock(&turn, &core->jobs.lock);
    turn_end(&turn);
    return NULL;
}

/* So many workers will never be. */
static void count_out(struct core *core, uint64_t missing)
{
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->jobs.lock);
    core->jobs.working -= (uint32_t)missing;
    turn_unlock(&turn, &core->jobs.lock);
    turn_end(&turn);
}

enum core_result jobs_start(struct core *core)
{
    struct jobs *jobs = &core->jobs;
    uint32_t count = (uint32_t)core->settings.job_threads;
    jobs->working = count;
    for (uint32_t i = 0; i < count; i++) {
        struct job_worker *worker = &jobs->workers[i];
        worker->core = core;
        char role[CORE_THREAD_NAME_MAX];
        snprintf(role, sizeof role, "jobs[%hhu]", (unsigned char)(i + 1));
        enum core_result rc =
            core_thread_create(&worker->thread, core->name, role, worker_main, worker);
        if (rc != CORE_OK) {
            count_out(core, count - i);
            return rc;
        }
        jobs->started++;
    }
    return CORE_OK;
}

void jobs_stop(struct core *core)
{
    struct jobs *jobs = &core->jobs;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &jobs->lock);
    jobs->stop = true;
    pthread_cond_broadcast(&jobs->ready);
    turn_unlock(&turn, &jobs->lock);
    turn_end(&turn);
    for (uint32_t i = 0; i < jobs->started; i++)
        REQUIRE(pthread_join(jobs->workers[i].thread, NULL) == 0);
}
