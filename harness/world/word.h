/* Words of the program's memory as objects: atomic operations and watched accesses as steps. */
#ifndef HARNESS_WORLD_WORD_H
#define HARNESS_WORLD_WORD_H

#include "internal.h"

#pragma GCC visibility push(hidden)

/* Before an execution. */
void word_reset(void);

/* The object of that address, and only of that one. */
uint32_t word_object(uintptr_t address);

/* A scheduling point before an operation on that address. */
void word_point(uintptr_t address, enum world_access access, uintptr_t pc);

/* The operation was made. `same`: it left the memory as it was; `value`: what it has seen. */
void word_step(uintptr_t address, enum world_op op, enum world_access access, uint32_t result,
               bool same, uint64_t value, uintptr_t pc);

/* A plain access, at level points: both of the above, before it is made. */
void word_access(uintptr_t address, size_t bytes, bool write, uintptr_t pc);

#pragma GCC visibility pop

#endif
