/* What is called where clang compiled the comparison in place (race_inline.c), and the access is
 * none of those that the thread has made before. To the code around it, nothing changes by that:
 * so it need not keep anything elsewhere. Therefore this is compiled for general registers only,
 * and what it cannot do without calls is done with all others put aside. */
#include "instrument.h"
#include "race_cell.h"

/* Of all registers, those of the arguments are the ones that these may change. */
#define APART __attribute__((no_caller_saved_registers))

/* As instrument_slow(), whatever that does and whoever runs meanwhile. */
#pragma GCC visibility push(hidden)
APART void instrument_apart(uintptr_t address, uint32_t code, uintptr_t pc);
#pragma GCC visibility pop

static __attribute__((always_inline)) inline bool keep(uintptr_t address, uint32_t size,
                                                       uint32_t flags, uintptr_t pc)
{
    struct race_cell *cell = race_shared_cell(address);
    if (UNLIKELY(cell == NULL || W.keep_stacks || R.assembler)) return false;
    uint32_t mask = size < 3 ? ((1u << (1u << size)) - 1) << (address % RACE_WORD) : UINT8_MAX;
    const struct entity *self = W.self;
    const struct race_clock *known = self->race_known;
    struct race_record record = {.clock = self->race_clock, .slot = self->slot,
                                 .mask = (uint8_t)mask, .flags = (uint8_t)flags,
                                 .where = (uint32_t)pc};
    return race_keep(cell, known, &record, flags) &&
           (size < 4 || race_keep(cell + 1, known, &record, flags));
}

/* As instrument_first(). False: it could not. */
static __attribute__((always_inline)) inline bool first(uintptr_t address, uint32_t size,
                                                        bool write, uintptr_t pc)
{
    uint64_t key;
    if (UNLIKELY(!R.notes || !(W.find_races || R.blind))) return false;
    if (UNLIKELY(!race_recent_key_try(&key))) return false;
    if (LIKELY(W.find_races)) {
        if (UNLIKELY(!keep(address, size, write ? RACE_WRITE : RACE_READ, pc))) return false;
    }
    W.accesses++;
    race_recent_note(write, size, address, key);
    return true;
}

/* Called by world___tsan_first_*, which keeps the other ones: apart_x86_64.S. */
#define FIRST(name, size, write)                                                                   \
    APART void instrument_##name(uintptr_t address, uintptr_t pc);                                 \
    APART void instrument_##name(uintptr_t address, uintptr_t pc)                                  \
    {                                                                                              \
        if (LIKELY(first(address, size, write, pc))) return;                                       \
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
