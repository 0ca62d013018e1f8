/* The context switch. Where no hand-written one exists, ucontext does it (slower: a system
 * call for the signal mask). */
#ifndef HARNESS_WORLD_SWITCH_H
#define HARNESS_WORLD_SWITCH_H

#include <stddef.h>

#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(HARNESS_PORTABLE_SWITCH)
#define SWITCH_NATIVE 1
#else
#define SWITCH_NATIVE 0
#endif

/* Leave the running stack, remembering it in *save, and continue on `load`. */
void world_switch(void **save, void *load);
/* The same, and faster where `load` was left by this function, too, called at the same place. */
#if SWITCH_NATIVE && defined(__x86_64__)
void world_switch_back(void **save, void *load);
#else
#define world_switch_back world_switch
#endif
/* Lay out a fresh stack [low, low + bytes) so that switching to the result calls entry(),
 * which must never return. */
void *world_switch_prepare(void *low, size_t bytes, void (*entry)(void));
/* The frame pointer that a thread which was switched away from will continue with. */
void *world_switch_frame(void *saved);

#endif
