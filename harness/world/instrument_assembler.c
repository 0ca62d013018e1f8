/* Operations that a program makes atomic itself, by assembler code of x86 in the source: locked
 * ones, exchanges, and what is moved to and from memory there. harness-cc puts a call before and
 * behind each (program/order-assembler.awk). The compiler does not know what they are for, but what
 * they do to order is known: every access to such bytes, also a plain one, is an acquire or a
 * release, as on the processor. So nothing races with it. */
#include "instrument.h"
#include "word.h"

#include <string.h>

enum { MARKS = 1 << 12 };

/* Words of which that is known, in this execution. */
static struct mark {
    uintptr_t word;
    uint32_t run;
    uint8_t mask; /* of its bytes */
} marks[MARKS];

/* Between the two calls nobody else runs. */
static struct {
    uintptr_t address, pc;
    uint32_t bytes;
    uint64_t before[2];
} now;

/* Its place, or where it would be put; NULL: there is no room. */
static struct mark *find_mark(uintptr_t word)
{
    uint64_t first = mix(word, 0);
    for (uint32_t i = 0; i < MARKS; i++) {
        struct mark *mark = &marks[(first + i) % MARKS];
        if (mark->run != R.run || mark->word == word) return mark;
    }
    return NULL;
}

static uintptr_t word_of(uintptr_t address)
{
    return address & ~(uintptr_t)(RACE_WORD - 1);
}

/* The bytes of that word that an access to `address` is to. */
static uint8_t mask_in(uintptr_t word, uintptr_t address, size_t bytes)
{
    uint64_t all = (UINT64_C(1) << bytes) - 1; /* at most 16 */
    if (address < word) return (uint8_t)(all >> (word - address));
    return (uint8_t)(all << (address - word));
}

/* What a thread did to them before it is known is no reason to leave out what it does after. */
static void mark(uintptr_t word, uint8_t mask)
{
    struct mark *mark = find_mark(word);
    if (mark == NULL) return;
    if (mark->run != R.run) *mark = (struct mark){word, R.run, 0};
    if ((mark->mask & mask) == mask) return;
    mark->mask |= mask;
    R.assembler = true;
    race_look();
    for (uint32_t id = 0; id < W.entity_count; id++) race_recent_end(entity_of((uint16_t)id));
}

static void acquire(uintptr_t address)
{
    race_atomic_acquire(&R.objects[word_object(address)], __ATOMIC_ACQUIRE);
}

static void release(uintptr_t address, bool update)
{
    race_atomic_release(word_object(address), __ATOMIC_RELEASE, update);
}

/* What is ordered is a word, as plain accesses may be to any part of it, and an address, which is
 * what atomic operations know. */
static void order_read(uintptr_t address)
{
    acquire(word_of(address));
    if (word_of(address) != address) acquire(address);
}

static void order_written(uintptr_t address, bool update)
{
    release(word_of(address), update);
    if (word_of(address) != address) release(address, update);
}

/* Whoever writes only a part of what is ordered leaves the order by the rest. */
bool instrument_ordered(uintptr_t address, size_t bytes, uint32_t flags)
{
    if (bytes > RACE_WORD) return false;
    const struct mark *mark = find_mark(word_of(address));
    uint8_t mask = mask_in(word_of(address), address, bytes);
    if (mark == NULL || mark->run != R.run || !(mark->mask & mask)) return false;
    if (flags & RACE_WRITE) {
        order_written(address, (mark->mask & ~mask) != 0);
    } else {
        order_read(address);
    }
    return true;
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
    uintptr_t end = now.address + now.bytes;
    for (uintptr_t word = word_of(now.address); word < end; word += RACE_WORD) {
        mark(word, mask_in(word, now.address, now.bytes));
        uintptr_t from = word < now.address ? now.address : word;
        order_read(from);
        order_written(from, true);
    }
}
