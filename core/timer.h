/*
 * The timer thread: one queue of deadlines, ordered by time and then by birth. An expiry is not run
 * here but posted as a short job, with the target it was armed for; whoever handles it looks the
 * target up by generation and checks again whether the deadline still means anything (L3, L11).
 */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "core/jobs.h"
#include "core/turn.h"

/* Whom a timer is for: a slot with its generation, and a number of the owner's choice. */
struct timer_target {
    uint32_t slot;
    uint64_t generation;
    uint64_t number;
};

/* Runs on a job thread, no lock held. */
typedef void (*timer_expired)(struct core *core, struct timer_target target);

struct timer;

struct timers {
    struct core_lock lock;       /* RANK_TIMERS; guards all below */
    pthread_cond_t changed;      /* the earliest deadline moved, or stop */
    pthread_t thread;
    bool running, stop;
    uint64_t births;
    struct timer **heap;         /* least (due, birth) first */
    size_t count, capacity;
};

enum core_result timers_create(struct core *core);
enum core_result timers_start(struct core *core);
void timers_stop(struct core *core);    /* cancels every timer, joins the thread */
void timers_destroy(struct core *core);

/*
 * Calls fn at due_us (monotonic), not earlier. Returns the timer's id, never 0. Any lock of an
 * earlier rank may be held. After timers_stop nothing fires any more; the id is still valid.
 */
uint64_t timer_arm(struct turn *turn, uint64_t due_us, timer_expired fn,
                   struct timer_target target);

/*
 * True if the timer was still waiting: it will not fire. False: it fired, or its job is queued, or
 * the id is 0.
 */
bool timer_cancel(struct turn *turn, uint64_t id);

#endif
