/* Threads that are interrupted: what the machine has to know of signals. Which there are, and what
 * they do, is up to whoever simulates them (harness/program/signals.c).
 *
 * A thread that is interrupted leaves what it waits in at once, and can run. When it is chosen it
 * runs what it is interrupted for, on its own stack, and then goes back to where it waited. */
#ifndef HARNESS_WORLD_SIGNAL_H
#define HARNESS_WORLD_SIGNAL_H

#include <pthread.h>

#include "world.h"

#pragma GCC visibility push(hidden)

/* What became of an interruption. */
enum world_resume {
    WORLD_RESUME_ALL,  /* nothing was run: every call goes on as if nothing had happened */
    WORLD_RESUME_SOME, /* calls that can be restarted go on */
    WORLD_RESUME_NONE, /* all calls end, but for those that are never interrupted */
};

struct world_signals {
    /* Runs what the running thread was interrupted for and does not block. */
    enum world_resume (*run)(void);
    /* Whether there is anything to run. */
    bool (*pending)(void);
    /* The running thread called abort(): a handler may have the last word. */
    void (*aborts)(void);
};
/* Call before an execution; they must stay. */
void world_signals_set(const struct world_signals *signals);

/* The signals that a thread blocks: bit n - 1 for signal n. Threads get that of their creator. */
uint64_t *world_signal_mask(uint16_t entity);

/* Whether it is a thread of the program that has not ended, and waits for nothing that cannot be
 * interrupted: what the environment does, or the end of all others. */
bool world_can_interrupt(uint16_t entity);
/* Interrupt such a thread, which is not the running one. Twice before it runs is once. */
void world_interrupt(uint16_t entity);

bool world_thread_ended(uint16_t entity);

/* From here on others may go first before each unlock, so that a signal can come while a lock is
 * held. */
void world_release_points(void);

/* The thread with that handle; WORLD_NOBODY: there never was one. */
uint16_t world_thread_entity(pthread_t thread);

#pragma GCC visibility pop

#endif
