/* Whether something is as it was before, by hashes of all of it. For loops under suspicion. */
#ifndef HARNESS_WORLD_RECUR_H
#define HARNESS_WORLD_RECUR_H

#include "internal.h"

#pragma GCC visibility push(hidden)

/* Of the running thread at its call with that return address: the registers that a call keeps, and
 * the stack from *stack up. False: not to be found out. */
bool recur_thread(uintptr_t pc, uint64_t *hash, uintptr_t *stack);

/* The same where the running thread left the program; *pc is that place. */
bool recur_program(uintptr_t *pc, uint64_t *hash);

/* Goes on with a hash over these bytes. */
uint64_t recur_bytes(uint64_t hash, uintptr_t from, uintptr_t to);

/* Of the program's globals and heap. */
uint64_t recur_memory(void);

#pragma GCC visibility pop

#endif
