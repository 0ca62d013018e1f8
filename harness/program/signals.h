/* Signals of a program, as Linux has them: sent by its own threads and timers. Each thread has a
 * mask; what is pending for the process goes to one of the threads that do not block it, and
 * which one is a choice. Handlers run on the stack of that thread: at once if it sent the signal
 * itself, otherwise when it is scheduled next; what it waited in is interrupted. */
#ifndef HARNESS_PROGRAM_SIGNALS_H
#define HARNESS_PROGRAM_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/world/gate.h"
#include "harness/world/signal.h"

enum { SIGNALS_LAST = 64 };

static inline uint64_t signal_bit(int number)
{
    return 1ull << (number - 1);
}

/* The first word of the C library's type is that of the kernel. */
static inline uint64_t signal_set(const sigset_t *set)
{
    return *(const uint64_t *)set;
}

static inline bool signal_is_valid(int number)
{
    return number > 0 && number <= SIGNALS_LAST;
}

/* "SIGUSR1", "SIGRTMIN+3"; kept until the next call. */
const char *signal_name(int number);

/* No handlers, nothing blocked, nothing pending. */
void signals_begin(void);

/* A signal for a thread, or for the process (WORLD_NOBODY), from the running thread or task. What
 * is for the running thread and not blocked there has been handled on return. False: too many of
 * them are pending. */
bool signal_send(uint16_t target, const siginfo_t *info);

/* Take one of that set which is pending for the running thread. */
bool signal_take(uint64_t set, siginfo_t *out);
/* What is pending for that thread. */
uint64_t signals_pending(uint16_t entity);

/* The running thread waits until one of the set is pending (true), or the deadline has passed, or
 * another one was handled (false). NULL as set: only for those that are handled. `mask`: see
 * world_gate. */
bool signal_wait(const uint64_t *set, const uint64_t *mask, uint64_t deadline_ns, const char *verb);

/* The running thread blocks those from now on; what comes through is handled at once. */
void signal_block(uint64_t mask);

/* The place of what is pending for a thread or, WORLD_NOBODY, for the process. */
struct world_place *signal_place(uint16_t entity);

/* Ends the execution by what a signal does if nobody handles it. */
_Noreturn void signal_fatal(const siginfo_t *info);
/* In which handlers a thread is, from the innermost; a line each. Empty: in none. */
void signals_tell(uint16_t entity, char *out, size_t bytes);

/* --- of these files only --- */

void signal_timers_begin(void);
void signal_files_begin(void);
/* Something is pending now. */
void signal_files_changed(void);
/* The running thread jumps, perhaps out of its handlers. */
void signals_left_handlers(void);

#endif
