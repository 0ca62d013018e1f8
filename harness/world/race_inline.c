/* What clang makes of an access, in place of a call: the comparison that most calls would end with.
 *
 * Not part of the library. It is compiled to bitcode, and harness-cc has clang link that with the
 * bitcode of a program, after the sanitizer's pass (see program/compile-inline). Names are what a
 * program can have no use for. */
#define W __tsan_world
#define race_recent __tsan_recent
#include "race.h"

/* What is left to do spoils no registers, so that it costs the code around it nothing while it is
 * not called: instrument_quick.c. Calls are not merged: each stands for a line of the program. */
#define FIRST __attribute__((preserve_all, cold, nothrow))

#define ALIGNED(name, first, size, write)                                                          \
    FIRST void first(void *memory);                                                                \
    __attribute__((always_inline, nothrow)) void name(void *memory);                               \
    void name(void *memory)                                                                        \
    {                                                                                              \
        if (race_is_recent(write, size, (uintptr_t)memory)) return;                                \
        __attribute__((nomerge)) first(memory);                                                    \
    }

#define ALIGNED_ACCESSES(bytes, size)                                                              \
    ALIGNED(__tsan_read##bytes, __tsan_first_read##bytes, size, false)                             \
    ALIGNED(__tsan_write##bytes, __tsan_first_write##bytes, size, true)                            \
    ALIGNED(__tsan_read_write##bytes, __tsan_first_write##bytes, size, true)

ALIGNED_ACCESSES(1, 0)
ALIGNED_ACCESSES(2, 1)
ALIGNED_ACCESSES(4, 2)
ALIGNED_ACCESSES(8, 3)
ALIGNED_ACCESSES(16, 4)
