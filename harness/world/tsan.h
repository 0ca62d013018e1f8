/* Whether the thread sanitizer is linked in (WITH_TSAN), and what it is told then: each stack of a
 * simulated thread is a fiber to it. All of them belong to one OS thread, which orders them. */
#ifndef HARNESS_WORLD_TSAN_H
#define HARNESS_WORLD_TSAN_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define WITH_TSAN 1
#endif

/* Says whose stack runs from now on. It counts the calls of each: so say it in the function that
 * switches, and in none that it calls. */
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#define ENTER_FIBER(fiber) __tsan_switch_to_fiber(fiber, 0)
#else
#define ENTER_FIBER(fiber) ((void)0)
#endif

#endif
