/* The thread of a running agent, and what the agent may call. */
#include "core/core.h"
#include "core/run_lock.h"
#include "core/wire.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the thread ---- */

/* Made by the launcher, used by the thread, freed by the job that joins it. */
struct launch {
    struct job job;      /* first: the job is the launch */
    struct run *run;
    pthread_t thread;    /* set by the thread itself */
};

static void reap(struct core *core, struct job *job)
{
    struct launch *launch = (struct launch *)job;
    struct turn turn;
    /* The thread has posted this as its last act: the join is short. */
    REQUIRE(pthread_join(launch->thread, NULL) == 0);
    free(launch);
    turn_begin(&turn, core);
    live_runs_remove(&turn);
    turn_end(&turn);
}

static enum run_state outcome_of(const struct run *run, bool started, enum core_result result)
{
    if (run->fail_asked)
        return RUN_FAILED;
    if (started && result == CORE_OK)
        return RUN_COMPLETED;
    if (run->stop_asked || (started && result == CORE_CANCELLED))
        return RUN_CANCELLED;
    return RUN_FAILED;
}

/* Announce before acting (L8): the agent runs only once its start is in the log. */
static bool begin_run(struct turn *turn, struct run *run)
{
    struct session *session = run->session;
    bool started = false;
    turn_lock(turn, &session->lock);
    if (!run->stop_asked) {
        run->state = RUN_RUNNING;
        started = run_announce(turn, session, run) == CORE_OK;
    }
    if (started)
        run_limit(turn, session, run);
    if (started)
        trace_owe(turn, TP_RUN_STARTED, session->key, run->number, 0, 0);
    turn_unlock(turn, &session->lock);
    turn_flush(turn);
    return started;
}

/* Callbacks of prompts refer to memory of the agent: all are told before its end is. */
static void settle_prompts(struct turn *turn, struct session *session, struct run *run)
{
    struct waiter waiter;
    prompts_cancel_of_run(turn, session, run->number);
    waiter_init(&waiter);
    run->settling = &waiter;
    if (prompts_remain(session, run->number))
        waiter_wait(turn, session, &waiter);
    run->settling = NULL;
    waiter_destroy(&waiter);
    turn_unlock(turn, &session->lock);
    turn_flush(turn);
    turn_lock(turn, &session->lock);
}

static void end_run(struct turn *turn, struct run *run, bool started, enum core_result result)
{
    struct session *session = run->session;
    turn_lock(turn, &session->lock);
    settle_prompts(turn, session, run);
    run_finish(turn, session, run, outcome_of(run, started, result));
    run_retire(turn, session, run);
    turn_unlock(turn, &session->lock);
    turn_flush(turn);   /* from here on run and session may be gone */
}

static void *agent_main(void *context)
{
    struct launch *launch = context;
    struct run *run = launch->run;
    struct core *core = run->session->core;
    struct turn turn;
    launch->thread = pthread_self();
    turn_begin(&turn, core);
    turn_lock(&turn, &core->agents_lock);   /* whoever started it is done with it */
    turn_unlock(&turn, &core->agents_lock);
    bool started = run_lock_acquire(&turn, run) && begin_run(&turn, run);
    enum core_result result = CORE_CANCELLED;
    if (started)
        result = core->agents.run(core->agents.context, run->agent, &run->context);
    end_run(&turn, run, started, result);
    REQUIRE(job_post(&turn, &launch->job, JOB_SHORT) == CORE_OK);
    turn_end(&turn);
    return NULL;
}

void run_launch(struct turn *turn, struct run *run)
{
    struct launch *launch = malloc(sizeof *launch);
    pthread_t thread;
    if (launch != NULL)
        *launch = (struct launch){ .job = { .run = reap }, .run = run };
    /* The run pins its session until it is retired: without the lock the thread may be joined, and
     * the run freed, before the thread has got its name. */
    turn_lock(turn, &turn->core->agents_lock);
    bool started = launch != NULL &&
        core_thread_create(&thread, "agent", run->agent, agent_main, launch) == CORE_OK;
    turn_unlock(turn, &turn->core->agents_lock);
    if (started)
        return;
    free(launch);
    struct session *session = run->session;
    turn_lock(turn, &session->lock);
    run_finish(turn, session, run, RUN_FAILED);
    run_retire(turn, session, run);
    turn_unlock(turn, &session->lock);
    live_runs_remove(turn);
}

/* ---- inside an agent ---- */

struct run_ref run_self(const struct run_context *context)
{
    const struct run *run = context->run;
    return (struct run_ref){ .session = session_ref_of(run->session), .run = run->number };
}

const char *run_input(const struct run_context *context)
{
    return context->run->input;
}

uint64_t run_token(const struct run_context *context)
{
    /* None of these changes while the agent works. */
    const struct run *run = context->run;
    const struct session *session = run->session;
    if (run->token != 0)
        return run->token;
    return session->tenure != 0 ? session->tenure : session->log.epoch;
}

enum core_result run_emit(struct run_context *context, const char *type, const char *payload,
                          size_t length, uint64_t *seq)
{
    struct run *run = context->run;
    struct session *session = run->session;
    if (!wire_is_event_type(type) || payload == NULL)
        return CORE_INVALID;
    if (length > session->core->settings.event_max_bytes)
        return CORE_LIMIT;
    if (!wire_is_object(payload, length))
        return CORE_INVALID;
    struct waiter waiter;
    struct publish_order order = { .type = type, .payload = payload, .length = length,
                                   .waiter = &waiter };
    struct turn turn;
    waiter_init(&waiter);
    turn_begin(&turn, session->core);
    turn_lock(&turn, &session->lock);
    enum core_result rc =
        run->stop_asked ? CORE_CANCELLED : session_publish(&turn, session, &order);
    if (rc == CORE_OK) {
        waiter_wait(&turn, session, &waiter);
        rc = waiter.result;
    }
    turn_unlock(&turn, &session->lock);
    turn_end(&turn);
    waiter_destroy(&waiter);
    if (rc == CORE_OK && seq != NULL)
        *seq = waiter.seq;
    return rc;
}

bool run_should_stop(struct run_context *context)
{
    struct session *session = context->run->session;
    struct turn turn;
    turn_begin(&turn, session->core);
    turn_lock(&turn, &session->lock);
    bool stop = context->run->stop_asked;
    turn_unlock(&turn, &session->lock);
    turn_end(&turn);
    return stop;
}

static enum core_result pause_locked(struct turn *turn, struct session *session, struct run *run,
                                     uint64_t until_us)
{
    struct waiter waiter;
    if (run->stop_asked)
        return CORE_CANCELLED;
    if (run->pausing != NULL)
        return CORE_CONFLICT;
    waiter_init(&waiter);
    run->pausing = &waiter;
    while (!waiter.done && core_now_us() < until_us)
        turn_wait(turn, &waiter.cond, &session->lock, until_us);
    run->pausing = NULL;
    waiter_destroy(&waiter);
    return waiter.done ? CORE_CANCELLED : CORE_OK;
}

enum core_result run_pause(struct run_context *context, uint64_t duration_us)
{
    struct session *session = context->run->session;
    struct turn turn;
    turn_begin(&turn, session->core);
    turn_lock(&turn, &session->lock);
    enum core_result rc =
        pause_locked(&turn, session, context->run, core_now_us() + duration_us);
    turn_unlock(&turn, &session->lock);
    turn_end(&turn);
    return rc;
}
