/* Aligned accesses that were told by a call, and are none of those that the thread has made before.
 * See instrument_access.c. */
#include "instrument_first.h"

#define FIRST(name, size, write)                                                                   \
    void instrument_first_##name(uintptr_t address, uintptr_t pc)                                  \
    {                                                                                              \
        if (LIKELY(instrument_try(address, size, write, pc))) return;                              \
        instrument_first((const void *)address, size, write ? RACE_WRITE : RACE_READ, pc);         \
    }

#define FIRSTS(bytes, size)                                                                        \
    FIRST(read##bytes, size, false)                                                                \
    FIRST(write##bytes, size, true)

FIRSTS(1, 0)
FIRSTS(2, 1)
FIRSTS(4, 2)
FIRSTS(8, 3)
FIRSTS(16, 4)
