/*
 * A procedure: something that is done in steps, one at a time, on the long threads of the job pool.
 * Each step makes at most a few port calls; between steps it sleeps or is parked, and holds no
 * thread. Whatever happens meanwhile (an answer, a request, a cancellation) is noted in the object
 * and the procedure is kicked: it looks at the object again and decides anew (L11).
 */
#ifndef CORE_PROCEDURE_H
#define CORE_PROCEDURE_H

#include "core/core.h"

/* What a step returns besides a time to sleep. */
#define PROCEDURE_NOW 0u
#define PROCEDURE_PARK UINT64_MAX

struct procedure;

/* On a job thread, no lock held: how many microseconds until the next step. */
typedef uint64_t (*procedure_step)(struct turn *turn, struct procedure *procedure);

/* The procedure is at rest; lock held. May free the object. */
typedef void (*procedure_rest)(struct turn *turn, struct procedure *procedure);

/* The first member of its object. Guarded by *lock, except what never changes. */
struct procedure {
    struct job job;              /* first: the job is the procedure */
    struct core_lock *lock;      /* never change: lock, step, rest, wake, target.slot */
    procedure_step step;
    procedure_rest rest;
    timer_expired wake;          /* finds the object by its target, then procedure_woken */
    struct timer_target target;  /* number: of the current nap */
    uint64_t timer;              /* 0: not asleep */
    bool active;                 /* its job is queued or running */
    bool again;                  /* kicked while it ran */
};

void procedure_init(struct procedure *procedure, struct core_lock *lock, procedure_step step,
                    procedure_rest rest, timer_expired wake);

/* Something has changed: make a step soon. Lock held. */
void procedure_kick(struct turn *turn, struct procedure *procedure);

/* A timer of this procedure expired; a nap that has ended otherwise means nothing. Lock held. */
void procedure_woken(struct turn *turn, struct procedure *procedure, uint64_t number);

/* Is the effect of a call with this result unknown? */
bool procedure_in_doubt(enum core_result result);

#endif
