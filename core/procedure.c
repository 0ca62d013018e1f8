#include "core/procedure.h"

/* When the job queue is full, a procedure waits for room this long. */
enum { QUEUE_FULL_US = 100000 };

static void nap(struct turn *turn, struct procedure *procedure, uint64_t delay_us)
{
    REQUIRE(procedure->timer == 0);
    procedure->timer =
        timer_arm(turn, core_now_us() + delay_us, procedure->wake, procedure->target);
}

static void run(struct core *core, struct job *job)
{
    struct procedure *procedure = (struct procedure *)job;
    struct core_lock *lock = procedure->lock;
    uint64_t delay_us;
    struct turn turn;
    turn_begin(&turn, core);
    for (;;) {
        delay_us = procedure->step(&turn, procedure);
        turn_flush(&turn);
        turn_lock(&turn, lock);
        bool more = procedure->again || delay_us == PROCEDURE_NOW;
        procedure->again = false;
        if (!more)
            break;
        turn_unlock(&turn, lock);
    }
    procedure->active = false;
    if (delay_us != PROCEDURE_PARK)
        nap(&turn, procedure, delay_us);
    procedure->rest(&turn, procedure);
    turn_unlock(&turn, lock);
    turn_end(&turn);
}

void procedure_init(struct procedure *procedure, struct core_lock *lock, procedure_step step,
                    procedure_rest rest, timer_expired wake)
{
    procedure->job.run = run;
    procedure->lock = lock;
    procedure->step = step;
    procedure->rest = rest;
    procedure->wake = wake;
}

void procedure_kick(struct turn *turn, struct procedure *procedure)
{
    REQUIRE(turn_holds(turn, procedure->lock->rank));
    if (procedure->active) {
        procedure->again = true;
        return;
    }
    procedure->target.number++;   /* a nap that is on its way to its end means nothing */
    timer_cancel(turn, procedure->timer);
    procedure->timer = 0;
    procedure->active = job_post(turn, &procedure->job, JOB_LONG) == CORE_OK;
    if (!procedure->active)
        nap(turn, procedure, QUEUE_FULL_US);
}

void procedure_woken(struct turn *turn, struct procedure *procedure, uint64_t number)
{
    if (procedure->target.number == number)
        procedure_kick(turn, procedure);
}

bool procedure_in_doubt(enum core_result result)
{
    return result == CORE_UNKNOWN || result == CORE_EXPIRED || result == CORE_UNAVAILABLE;
}
