/* An aligned access that is not known to be repeated: in most cases it is kept like this. */
#ifndef HARNESS_WORLD_INSTRUMENT_FIRST_H
#define HARNESS_WORLD_INSTRUMENT_FIRST_H

#include "instrument.h"
#include "race_cell.h"

#pragma GCC visibility push(hidden)

/* As instrument_first(), while no stacks are kept: no call, but of functions that spoil nothing.
 * False: it could not. */
static inline __attribute__((always_inline)) bool instrument_try(uintptr_t address, uint32_t size,
                                                                 bool write, uintptr_t pc)
{
    const struct entity *self = W.self;
    if (UNLIKELY(!W.find_races)) return race_note_only(address, size, write);
    if (UNLIKELY(!R.quick || (self->race_key == 0 && !race_begin_epoch()))) return false;
    struct race_cell *cell = race_shared_cell(address);
    if (UNLIKELY(cell == NULL)) return false;
    const struct race_clock *known = self->race_known;
    uint64_t own = self->race_own;
    uint32_t flags = write ? RACE_WRITE : RACE_READ, where = (uint32_t)pc;
    uint32_t half = size < 3 && address & RACE_WORD / 2, home = race_home(flags, UINT8_MAX) + half;
    uint32_t mask = size < 3 ? ((1u << (1u << size)) - 1) << (address % RACE_WORD) : UINT8_MAX;
    if (UNLIKELY(!race_keep(cell, known, own, mask, flags, home, where))) return false;
    cell++;
    if (size == 4 && UNLIKELY(!race_keep(cell, known, own, mask, flags, home, where))) return false;
    W.accesses++;
    race_recent_note(write, size, address, self->race_key);
    return true;
}

#pragma GCC visibility pop

#endif
