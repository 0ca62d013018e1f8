/* Waiting on a word of memory, as locks are made of that a program writes for itself. */
#ifndef HARNESS_WORLD_FUTEX_H
#define HARNESS_WORLD_FUTEX_H

#include <stdint.h>
#include <time.h>

/* futex(2): waiting and waking, with and without a set of bits; who waited longest is woken
 * first. `limit` is the timeout of a wait, relative or absolute as the operation has it; `site` is
 * where the program calls it. Returns what the system call does; -1 and errno on error. Any other
 * operation is a finding. */
long world_futex(uint32_t *word, int operation, uint32_t value, const struct timespec *limit,
                 uint32_t bits, uintptr_t site);

/* Whoever waits in the queue of that object is interrupted: no wake is for him any more, until he
 * waits again. */
void futex_leave(const void *object);

#endif
