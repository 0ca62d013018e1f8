/* Operations that a program makes atomic itself, by assembler code of x86 in the source: locked
 * ones, exchanges, and what is moved to and from memory there. harness-cc puts a call before and
 * behind each (program/order-assembler.awk). The compiler does not know what they are for, but what
 * they do to order is known: every access to such a word, also a plain one, is an acquire or a
 * release, as on the processor. So nothing races with it. */
#include "instrument.h"
#include "word.h"

#include <string.h>

enum { MARKS = 1 << 12 };

/* Words of which that is known, in this execution. */
static struct {
    uintptr_t word;
    uint32_t run;
} marks[MARKS];

/* Between the two calls nobody else runs. */
static struct {
    uintptr_t address, pc;
    uint32_t bytes;
    uint64_t before[2];
} now;

/* Its place, or where it would be put; MARKS: there is no room. */
static uint32_t find_mark(uintptr_t word)
{
    for (uint32_t i = 0; i < MARKS; i++) {
        uint32_t at = (uint32_t)(word + i) % MARKS;
        if (marks[at].run != R.run || marks[at].word == word) return at;
    }
    return MARKS;
}

bool instrument_is_ordered(uintptr_t address)
{
    uint32_t at = find_mark(address / RACE_WORD);
    return at < MARKS && marks[at].run == R.run;
}

static void mark(uintptr_t address)
{
    uint32_t at = find_mark(address / RACE_WORD);
    if (at == MARKS) return;
    marks[at].word = address / RACE_WORD;
    marks[at].run = R.run;
    R.assembler = true;
}

void instrument_ordered(uintptr_t address, uint32_t flags)
{
    uint32_t object = word_object(address);
    if (flags & RACE_WRITE) {
        race_atomic_release(object, __ATOMIC_RELEASE, false);
    } else {
        race_atomic_acquire(&R.objects[object], __ATOMIC_ACQUIRE);
    }
}

void instrument_assembler_begin(uintptr_t address, uint32_t bytes, uintptr_t pc)
{
    word_point(address, WORLD_WRITE, pc);
    now.address = address;
    now.pc = pc;
    now.bytes = bytes;
    memset(now.before, 0, sizeof now.before);
    memcpy(now.before, (const void *)address, bytes);
}

/* Where nothing has changed it was a load, or a lock that is taken. */
void instrument_assembler_end(void)
{
    bool same = memcmp(now.before, (const void *)now.address, now.bytes) == 0;
    word_step(now.address, same ? WORLD_OP_ATOMIC_LOAD : WORLD_OP_ATOMIC_UPDATE,
              same ? WORLD_READ : WORLD_WRITE, 0, same, now.before[0] ^ now.before[1], now.pc);
    if (!W.find_races) return;
    uint32_t object = word_object(now.address);
    mark(now.address);
    race_atomic_acquire(&R.objects[object], __ATOMIC_SEQ_CST);
    race_atomic_release(object, __ATOMIC_SEQ_CST, true);
}
