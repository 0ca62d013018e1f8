/* Whether the address sanitizer is linked in (WITH_ASAN), and what it is told then. */
#ifndef HARNESS_WORLD_ASAN_H
#define HARNESS_WORLD_ASAN_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WITH_ASAN 1
#endif

/* Memory that nobody may touch from now on, and memory that everybody may. */
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define HIDE(address, bytes) __asan_poison_memory_region(address, bytes)
#define SHOW(address, bytes) __asan_unpoison_memory_region(address, bytes)
#else
#define HIDE(address, bytes) ((void)(address), (void)(bytes))
#define SHOW(address, bytes) ((void)(address), (void)(bytes))
#endif

#endif
