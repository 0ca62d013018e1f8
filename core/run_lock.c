#include "core/run_lock.h"

#include "core/core.h"
#include "core/lease.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* What callbacks of the lease refer to: the run itself may be gone by then. */
struct run_hold {
    struct core *core;
    struct run_ref ref;
    struct run *run;          /* of granted only, which its thread waits for */
    struct lease_ref lease;
    _Atomic int holders;      /* the run, and the lease until its last callback */
};

static void drop(struct run_hold *lock)
{
    if (atomic_fetch_sub(&lock->holders, 1) == 1)
        free(lock);
}

/* ---- callbacks of the lease: no lock held ---- */

static void granted(void *context, enum core_result result, struct lease_ref lease, uint64_t token)
{
    struct run_hold *lock = context;
    struct run *run = lock->run;
    struct session *session = run->session;
    struct turn turn;
    turn_begin(&turn, lock->core);
    turn_lock(&turn, &session->lock);
    lock->lease = lease;
    run->token = token;
    waiter_finish(run->locking, result);
    turn_unlock(&turn, &session->lock);
    turn_end(&turn);
    if (result != CORE_OK)
        drop(lock);
}

static void lost(void *context, struct lease_ref lease)
{
    struct run_hold *lock = context;
    struct turn turn;
    (void)lease;
    turn_begin(&turn, lock->core);
    struct session *session = session_enter(&turn, lock->ref.session);
    if (session != NULL) {
        struct run *run = run_find(session, lock->ref.run);
        if (run != NULL)
            run_stop(&turn, session, run, "its lock was lost");
        session_leave(&turn, session);
    }
    turn_end(&turn);
    drop(lock);
}

static void released(void *context, enum core_result result, struct lease_ref lease,
                     uint64_t token)
{
    (void)result, (void)lease, (void)token;
    drop(context);
}

/* ---- acquiring ---- */

static enum core_result begin(struct turn *turn, struct run *run, struct run_hold *lock,
                              struct lease_ref *lease)
{
    const struct core_settings *settings = &turn->core->settings;
    /* Long enough for the lease of a dead holder to run out. */
    struct lease_options options = { .wait_us = 2 * settings->lease_ttl_us, .on_lost = lost,
                                     .context = lock };
    char name[2 * CORE_NAME_MAX], key[CORE_NAME_MAX];
    snprintf(name, sizeof name, "%s/%s", run->session->key, run->key);
    lease_key(key, "run:", name, "");
    return lease_begin(turn, key, 0, &options, granted, lock, lease);
}

/* A run that is asked to stop meanwhile wants no lock any more. */
static void await(struct turn *turn, struct session *session, struct run *run,
                  struct lease_ref lease)
{
    bool abandoned = false;
    turn_lock(turn, &session->lock);
    while (!run->locking->done) {
        if (run->stop_asked && !abandoned) {
            abandoned = true;
            turn_unlock(turn, &session->lock);
            lease_abandon(turn, lease);
            turn_lock(turn, &session->lock);
            continue;
        }
        turn_wait(turn, &run->locking->cond, &session->lock, 0);
    }
    turn_unlock(turn, &session->lock);
}

static enum core_result acquire(struct turn *turn, struct run *run, struct run_hold *lock)
{
    struct session *session = run->session;
    struct lease_ref lease;
    struct waiter waiter;
    waiter_init(&waiter);
    turn_lock(turn, &session->lock);
    run->locking = &waiter;
    turn_unlock(turn, &session->lock);
    enum core_result rc = begin(turn, run, lock, &lease);
    if (rc == CORE_OK) {
        await(turn, session, run, lease);
        rc = waiter.result;
    } else {
        drop(lock);   /* no callback will come */
    }
    turn_lock(turn, &session->lock);
    run->locking = NULL;
    run->lock = rc == CORE_OK ? lock : NULL;
    if (rc != CORE_OK && !run->stop_asked)
        core_set_name(run->reason, rc == CORE_EXPIRED || rc == CORE_CONFLICT
                                       ? "it runs elsewhere" : "its lock is not to be had");
    turn_unlock(turn, &session->lock);
    waiter_destroy(&waiter);
    if (rc != CORE_OK)
        drop(lock);
    return rc;
}

bool run_lock_acquire(struct turn *turn, struct run *run)
{
    struct session *session = run->session;
    turn_lock(turn, &session->lock);
    bool wanted = session->settings.run_lock == RUN_LOCK_ON;
    turn_unlock(turn, &session->lock);
    if (!wanted)
        return true;
    struct run_hold *lock = malloc(sizeof *lock);
    if (lock == NULL)
        return false;
    *lock = (struct run_hold){ .core = turn->core, .run = run,
                               .ref = { session_ref_of(session), run->number } };
    atomic_init(&lock->holders, 2);
    return acquire(turn, run, lock) == CORE_OK;
}

/* ---- releasing ---- */

/* An effect. STALE: the lease was lost, and lost() has been told or will be. */
static void release(struct core *core, void *context, uint64_t number)
{
    struct run_hold *lock = context;
    (void)number;
    (void)lease_release(core, lock->lease, released, lock);
    drop(lock);
}

void run_lock_release(struct turn *turn, struct run *run)
{
    if (run->lock != NULL)
        turn_owe_call(turn, release, run->lock, 0);
    run->lock = NULL;
}
