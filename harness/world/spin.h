/* Threads that spin: they look at the same again and again, and do nothing else. They are set
 * aside, so that others go first until something they look at may have changed. That is fairness
 * only; whether such a loop can end at all is another question (livelock.h). */
#ifndef HARNESS_WORLD_SPIN_H
#define HARNESS_WORLD_SPIN_H

#include "internal.h"

#pragma GCC visibility push(hidden)

/* Before an execution. */
void spin_reset(void);

/* A scheduling point before an operation that may see something in that place; `pc` is the return
 * address in the program. A thread that saw the same there often enough is set aside. */
void spin_point(const void *place, enum world_access access, uintptr_t pc);

/* Records a step that left everything as it was, having seen that value. */
void spin_step(enum world_op op, uint32_t object, enum world_access access, uint32_t result,
               uint64_t value, uintptr_t pc);

/* A thread that may be set aside goes on. */
void spin_take_back(const struct entity *entity);

/* Something was changed that a thread may look at while it spins. */
void spin_changed_while(void);
static inline void spin_changed(void)
{
    if (UNLIKELY(W.spinners > 0 || W.probing)) spin_changed_while();
}

/* Somebody gave something back that was taken. */
void spin_released_while(void);
static inline void spin_released(void)
{
    if (UNLIKELY(W.spinners > 0)) spin_released_while();
}

/* Lets others go first. If it is a loop, and nobody did, they have to. */
void spin_yield(uintptr_t pc);

/* A scheduling point of a thread that was seen to spin: others go first. */
void spin_stand_aside(void);

/* Nobody can go on but threads that were set aside, and no deadline is to come: they may. */
void spin_idle(void);
/* Time has passed: those set aside may look again. */
void spin_time_passed(void);

#pragma GCC visibility pop

#endif
