/*
 * The run lock: with run_lock=on a run begins only when its core holds the lease
 * "run:<session>/<key>", and is asked to stop when that is lost. It is given back after the store
 * has the run's end, so that the next one cannot write among its last events (H38). A core that
 * dies leaves a lease that runs out by itself: nobody takes it for stale before (H23).
 */
#ifndef CORE_RUN_LOCK_H
#define CORE_RUN_LOCK_H

#include "core/session.h"

/*
 * Waits for the lock; true if the run may begin. False: it was asked to stop, or has a reason now.
 * The run's own thread, no lock held.
 */
bool run_lock_acquire(struct turn *turn, struct run *run);

/* The end of the run is stored, or never will be. Session lock held. */
void run_lock_release(struct turn *turn, struct run *run);

#endif
