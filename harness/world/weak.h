/* What weaker memory orders permit: an atomic load reads an older value although a newer one has
 * been stored.
 *
 * A word keeps its last stores in the order in which they were executed, which is its modification
 * order. A load may read any that C11 (5.1.2.4, 7.17.3) leaves it: none that its thread knows to be
 * overwritten, by happens-before, by what it read before, or by the order of sequentially
 * consistent operations and fences. After the views of Kang, Hur, Lahav, Garg and Dreyer, "A
 * promising semantics for relaxed-memory concurrency" (POPL 2017), without its promises, and with
 * vector clocks in place of views.
 *
 * All of it is for the running thread, and for executions that begin with W.weak_left > 0. */
#ifndef HARNESS_WORLD_WEAK_H
#define HARNESS_WORLD_WEAK_H

#include "race.h"

#pragma GCC visibility push(hidden)

/* A word of at most eight bytes, and a memory order of the compiler. */
struct weak_access {
    uintptr_t address;
    uint32_t bytes, object;
    int order;
};

/* Before an execution, after race_begin(). */
void weak_reset(void);

/* A load: `*value` is what stands there, and becomes what is read. Returns how many newer stores
 * are not seen; then `*released` is what was released to what is read. */
uint32_t weak_load(const struct weak_access *access, uint64_t *value,
                   const struct race_clock **released);

/* A store or an update is about to be made, or an exchange has failed, and finds that value. */
void weak_find(const struct weak_access *access, uint64_t value);
/* Then that was stored, in that epoch of the thread; what was released to it is known. */
void weak_store(const struct weak_access *access, uint64_t value, uint32_t epoch);

/* A sequentially consistent fence: a step with a scheduling point before it, and then what it
 * orders, after what it acquires and before what it releases. */
void weak_fence_step(uintptr_t pc);
void weak_fence(void);

/* That memory is handed out again. */
void weak_forget(uintptr_t address, size_t bytes);

#pragma GCC visibility pop

#endif
