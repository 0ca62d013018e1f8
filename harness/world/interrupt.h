/* Interruptions, as far as the other files of the machine know of them (signal.c). */
#ifndef HARNESS_WORLD_INTERRUPT_H
#define HARNESS_WORLD_INTERRUPT_H

#include "contend.h"
#include "gate.h"
#include "signal.h"
#include "spin.h"

#pragma GCC visibility push(hidden)

/* The running thread was interrupted: do what for, and wait again for what it waited for. Returns
 * when it is chosen to go on with that, or when the call is to end (WOKEN_SIGNAL). */
void signal_arrive(void);

/* Whether the running thread has something to do before it blocks; and do it now, at no wait. */
bool signal_pending(void);
enum world_resume signal_run(void);
/* It called abort(). */
void signal_aborts(void);

/* The thread no longer stands at its gate, which is kept; and stands there again: whether it is
 * open. */
void gate_leave(const struct entity *entity, struct world_gate *kept);
bool gate_enter(const struct entity *entity, const struct world_gate *kept);

bool rwlock_can_go(const struct object *lock, bool write);
bool once_is_open(const struct object *once);

#pragma GCC visibility pop

#endif
