/*
 * The job pool: a fixed number of threads and one queue. Long jobs may block on a port; at least
 * one thread never takes one, so that expiries (short jobs) cannot starve behind them.
 */
#ifndef CORE_JOBS_H
#define CORE_JOBS_H

#include "core/turn.h"

enum job_kind { JOB_SHORT, JOB_LONG };

/* Embedded in whatever the job needs; run owns the memory. */
struct job {
    struct job *next;
    void (*run)(struct core *core, struct job *job);   /* on core/jobs[i], no lock held */
};

struct job_queue {
    struct job *head, *tail;
    uint64_t count;
};

struct job_worker {
    struct core *core;
    pthread_t thread;
};

struct jobs {
    struct core_lock lock;       /* RANK_JOBS; guards all below */
    pthread_cond_t ready;        /* a job that some waiting thread may take, or stop */
    bool stop;
    struct job_queue shorts, longs;
    uint64_t longs_running;
    uint32_t started;
    uint32_t working;            /* workers that will look at the queue again */
    struct job_worker *workers;  /* settings.job_threads of them */
};

enum core_result jobs_create(struct core *core);
enum core_result jobs_start(struct core *core);
void jobs_stop(struct core *core);      /* runs what is queued, joins the threads */
void jobs_destroy(struct core *core);

/*
 * Queues a job; any lock of an earlier rank may be held. The job stays the caller's with
 * CORE_LIMIT, if max_jobs long ones are waiting, and with CORE_DRAINING, if the workers have ended.
 * Until then a short job is always taken (timers and runs bound them).
 */
enum core_result job_post(struct turn *turn, struct job *job, enum job_kind kind);

#endif
