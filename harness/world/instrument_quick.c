/* What is called where clang compiled the comparison in place (race_inline.c), and the access is
 * none of those that the thread has made before. To the code around it, nothing changes by that:
 * so it need not keep anything elsewhere. Therefore this is compiled for general registers only,
 * and what it cannot do without calls is done with all others put aside. */
#include "instrument_first.h"

/* Of all registers, those of the arguments are the ones that these may change. */
#define APART __attribute__((no_caller_saved_registers))

/* As instrument_slow(), whatever that does and whoever runs meanwhile. */
#pragma GCC visibility push(hidden)
APART void instrument_apart(uintptr_t address, uint32_t code, uintptr_t pc);
#pragma GCC visibility pop

/* Called by world___tsan_first_*, which keeps the other ones: apart_x86_64.S. */
#define FIRST(name, size, write)                                                                   \
    APART void instrument_##name(uintptr_t address, uintptr_t pc);                                 \
    APART void instrument_##name(uintptr_t address, uintptr_t pc)                                  \
    {                                                                                              \
        if (LIKELY(instrument_try(address, size, write, pc))) return;                              \
        instrument_apart(address, size | (write ? INSTRUMENT_WRITE : 0), pc);                      \
    }

#define FIRSTS(bytes, size)                                                                        \
    FIRST(read##bytes, size, false)                                                                \
    FIRST(write##bytes, size, true)

#pragma GCC visibility push(hidden)
FIRSTS(1, 0)
FIRSTS(2, 1)
FIRSTS(4, 2)
FIRSTS(8, 3)
FIRSTS(16, 4)
#pragma GCC visibility pop
