/* Loops that nobody can end.
 *
 * A livelock is proven, or not told. Every thread that could run was seen twice at the same place
 * with the same registers and the same stack; the memory of the program is the same, too; nobody
 * did anything in between that another one could notice, or looked at the time. So everything goes
 * on like this for ever, whoever is chosen. A loop that counts, or ends at some time, is none. */
#ifndef HARNESS_WORLD_LIVELOCK_H
#define HARNESS_WORLD_LIVELOCK_H

#include "internal.h"

#pragma GCC visibility push(hidden)

/* Before an execution. */
void livelock_reset(void);

/* A step was recorded, at or after W.look_at. */
void livelock_step(const struct world_step *step);

/* While W.probing: the running thread has looked at something, and left everything as it was; or
 * something was changed. */
void livelock_look(enum world_op op, uint32_t object, uintptr_t pc);
void livelock_changed(void);

/* Adds a line about a place that a thread comes back to to the finding about to be raised. */
void livelock_tell_place(uint16_t entity, enum world_op op, uint32_t id, uintptr_t pc);

/* Nobody can go on but threads that spin, and no deadline is to come. */
void livelock_suspect(void);

#pragma GCC visibility pop

#endif
