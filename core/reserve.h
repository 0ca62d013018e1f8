/*
 * Memory for what is owed: what the core has decided, and cannot take back because an allocation
 * fails - effects, deadlines, alerts, the events by which a run or a question ends. A block put
 * aside when the core is made is given back to the allocator then, and the allocation tried once
 * more. Everything else that an allocator refuses is an error as a value, CORE_NO_MEMORY.
 */
#ifndef CORE_RESERVE_H
#define CORE_RESERVE_H

#include "session_core.h"

#include <stddef.h>

enum core_result reserve_create(struct core *core);
void reserve_destroy(struct core *core);

/*
 * Gives the block back: true if what was refused should be tried again, and reserve_refill called
 * then. Any lock may be held.
 */
bool reserve_spend(struct core *core);

/* Puts a block aside, if there is none and the allocator has one. Any lock may be held. */
void reserve_refill(struct core *core);

/*
 * As realloc, for what is owed. Never NULL: without the reserve the process ends, for to go on
 * would be to break a promise without a word.
 */
void *memory_owed(struct core *core, void *block, size_t size);

#endif
