/* Data races, along every execution: who may know what of whom (race_clock.c), what was accessed by
 * whom (race_shadow.c), which accesses teach nothing new (race_recent.c), and how two accesses that
 * nothing orders are told (race_tell.c).
 *
 * After Flanagan and Freund, "FastTrack: efficient and precise dynamic race detection" (PLDI 2009):
 * a thread's clock counts its releases, an access is kept as one count (an epoch), and whole
 * vectors are only compared where threads synchronise. Other than there, a word keeps every access
 * that a later one may race with, byte by byte, so that no race of the execution is lost. */
#ifndef HARNESS_WORLD_RACE_H
#define HARNESS_WORLD_RACE_H

#include "internal.h"

#pragma GCC visibility push(hidden)

enum { RACE_WORD = 8, RACE_RECORDS = 4, RACE_STACKS_MAX = 1 << 20, RACE_LOCKS_MAX = 4 };

/* How an access touches memory. */
enum race_access { RACE_READ = 0, RACE_WRITE = 1, RACE_ATOMIC = 2, RACE_FREE = 4 };

/* For each thread, by slot, how many of its releases are known; at and above `count`: none. */
struct race_clock {
    uint32_t run;    /* valid in this execution only, and empty in any other */
    uint16_t count;
    uint16_t owner;  /* of an atomic word: slot of whom released to it, WORLD_NOBODY: several */
    uint32_t at[WORLD_ENTITIES_MAX];
};

/* An access: nothing after it made it irrelevant. */
struct race_record {
    uint32_t clock;  /* epoch of the thread */
    uint16_t slot;
    uint8_t mask;    /* bytes of the word; 0: the place is free */
    uint8_t flags;   /* enum race_access */
    uint32_t where;  /* return address in the program; while stacks are kept, their index */
};

/* What is known of eight bytes of the program's memory. */
struct __attribute__((aligned(64))) race_cell {
    uint32_t run;
    uint32_t more;   /* further records, in a list: index + 1 */
    uint32_t masks;  /* of the records, which have those in their stead: eight bits for each */
    uint32_t last;   /* place of the last access, where it stands for all: see race_cell.h */
    struct race_record at[RACE_RECORDS];
};
_Static_assert(sizeof(struct race_cell) == 64, "a cell is a cache line");

/* What is known of so many words in a row, in heap, stacks and globals: most of a large block is
 * accessed as a whole, if at all, when it is cleared or freed, and costs no cell then. */
enum { RACE_REGION = 64 };
struct __attribute__((aligned(32))) race_region {
    uint64_t used;            /* by word: its cell tells; of the other words `whole` does */
    uint32_t run;             /* valid in this execution only; in any other nothing was accessed */
    struct race_record whole; /* mask 0: no access */
};

struct race {
    uint32_t run;                /* of this execution, from 1 */
    bool blind;                  /* in this execution, no access is of interest to anybody */
    bool notes;                  /* nor is one that repeats another */
    bool assembler;              /* some words are ordered as the processor does: instrument.h */
    bool quick;                  /* nor are such words or stacks to be thought of, but `notes` */
    struct race_clock *threads;  /* by slot; NULL: never used in this process */
    struct race_clock *objects;  /* by object */
    struct race_clock *readers;  /* by object: releases of a rwlock by its readers */
    struct race_clock *seen;     /* by slot: what an acquire fence would make known */
    struct race_clock *fenced;   /* by slot: what was known at the last release fence */
    struct race_region *regions; /* those of heap, stacks and data, as their cells lie */
    uint32_t region_count;
    struct race_cell *heap, *stacks, *data; /* one behind the other */
    struct race_cell *locals;    /* thread-local variables, thread by thread; NULL: none yet */
    uintptr_t data_from;
    size_t data_bytes;
};
extern struct race R;

/* Zeroed memory for as long as the process lasts. */
void *race_reserve(size_t bytes);

/* Before an execution: nothing is known. */
void race_begin(void);
/* W.keep_stacks or R.assembler may have changed. */
void race_look(void);

/* --- order (race_clock.c) --- */

/* A step was recorded: what it orders. */
void race_step(const struct world_step *step);
/* An atomic operation that reads what that was released to, by a memory order of the compiler,
 * before the access itself is checked; and one that stores to that object, after it. */
void race_atomic_acquire(const struct race_clock *released, int order);
void race_atomic_release(uint32_t object, int order, bool update);
void race_fence(int order);
/* The epoch that the running thread is in. */
uint32_t race_epoch(void);
void race_clock_copy(struct race_clock *to, const struct race_clock *from);
/* Annotations: everything before a release is known after an acquire of the same object. */
void race_acquire(uint32_t object);
void race_release(uint32_t object);

/* --- accesses (race_shadow.c) --- */

/* The running thread accesses these bytes; ends the execution when that is a race. */
void race_access(uintptr_t address, size_t bytes, uint32_t flags, uintptr_t pc);
/* As that, for at most eight bytes of one word, with the cell of the word. */
void race_access_word(struct race_cell *cell, uintptr_t address, uint8_t mask, uint32_t flags,
                      uintptr_t pc);
/* The running thread ends, and its variables with it. */
void race_stack_ends(void);
/* A block is handed out again: who had it before is of no interest. */
void race_forget(uintptr_t address, size_t bytes);

/* The cell of a thread-local variable of any thread, and that thread; NULL: it is none. */
struct race_cell *race_local_cell(uintptr_t address, uint16_t *entity);

/* Of any other variable; NULL: it lies in none of the three. */
static inline struct race_cell *race_shared_cell(uintptr_t address)
{
    uintptr_t offset = address - ARENA_FROM;
    if (LIKELY(offset < ARENA_BYTES)) return &R.heap[offset / RACE_WORD];
    offset = address - R.data_from;
    if (LIKELY(offset < R.data_bytes)) return &R.data[offset / RACE_WORD];
    offset = address - STACKS_FROM;
    return LIKELY(offset < STACKS_BYTES) ? &R.stacks[offset / RACE_WORD] : NULL;
}

static inline struct race_cell *race_cell_at(uintptr_t address)
{
    uint16_t entity;
    struct race_cell *cell = race_shared_cell(address);
    if (LIKELY(cell != NULL)) return cell;
    return W.uses_tls ? race_local_cell(address, &entity) : NULL;
}

/* These bytes of the heap are about to be accessed: their cells, which are seldom in the cache by
 * then, are fetched meanwhile. Those of large blocks are not needed one by one. */
static inline void race_expect(const void *memory, size_t bytes)
{
    enum { CELLS_MAX = 16 };
    if (LIKELY(!W.find_races) || bytes > CELLS_MAX * RACE_WORD) return;
    const struct race_cell *cell = &R.heap[((uintptr_t)memory - ARENA_FROM) / RACE_WORD];
    for (size_t at = 0; at < bytes; at += RACE_WORD) __builtin_prefetch(cell++, 1);
}

/* Where the running thread stands, to be kept with an access: a call, while no stacks are kept. */
uint32_t race_place(uintptr_t pc);
static inline uint32_t race_where(uintptr_t pc)
{
    return LIKELY(!W.keep_stacks) ? (uint32_t)pc : race_place(pc);
}

/* An access within one word. */
static inline void race_access_small(uintptr_t address, size_t bytes, uint32_t flags, uintptr_t pc)
{
    struct race_cell *cell = race_cell_at(address);
    if (UNLIKELY(cell == NULL)) return;
    uint8_t mask = (uint8_t)(((1u << bytes) - 1) << (address % RACE_WORD));
    race_access_word(cell, address, mask, flags, pc);
}

/* --- repeated accesses (race_recent.c) ---
 *
 * A thread that did the same to the same bytes before, in the same epoch, adds nothing: whatever
 * races with the second access races with the first. Most accesses are of that kind, so they are
 * told by one comparison, of address and epoch, in a table that may forget. */

enum { RECENT_SIZES = 5, RECENT_MAX = 1 << 15, RECENT_RANGES_MAX = 1 << 10 };
extern uint64_t race_recent[2][RECENT_SIZES][RECENT_MAX]; /* reads, writes; by log2 of the size */

/* The place of an aligned access of 2^size bytes. */
static inline uint64_t *race_recent_at(bool write, uint32_t size, uintptr_t address)
{
    return &race_recent[write][size][(address >> size) % RECENT_MAX];
}

static inline bool race_is_recent(bool write, uint32_t size, uintptr_t address)
{
    return LIKELY((*race_recent_at(write, size, address) ^ W.self->race_key) == address);
}

/* Epochs have numbers; a key is an address, below 2^47, and above it the number. */
enum { RACE_NUMBER_SHIFT = 47, RACE_NUMBERS = 1 << 17 };
extern uint32_t race_number; /* the last one given */

/* The key of the running thread's epoch. False: it has none yet, and numbers are used up. */
static inline bool race_recent_key_try(uint64_t *key)
{
    *key = W.self->race_key;
    if (LIKELY(*key != 0)) return true;
    if (UNLIKELY(race_number + 1 == RACE_NUMBERS)) return false;
    struct entity *self = W.self;
    if (LIKELY(W.find_races)) {
        self->race_known = &R.threads[self->slot];
        self->race_own = (uint64_t)self->slot << 32 | self->race_known->at[self->slot];
    }
    *key = self->race_key = (uint64_t)++race_number << RACE_NUMBER_SHIFT;
    return true;
}

/* As that; when numbers are used up, what was kept under them is forgotten. */
uint64_t race_recent_key(void);

/* That access of the running thread was kept, or need not be: in the epoch of that key. */
static inline void race_recent_note(bool write, uint32_t size, uintptr_t address, uint64_t key)
{
    *race_recent_at(false, size, address) = address + key;
    if (write) *race_recent_at(true, size, address) = address + key;
}

/* As both of those, for any number of bytes. */
bool race_range_is_recent(bool write, uintptr_t address, size_t bytes);
void race_range_note(bool write, uintptr_t address, size_t bytes);

/* What that thread does from here on is something new. */
static inline void race_recent_end(struct entity *entity)
{
    entity->race_key = 0;
}

/* --- words (race_tell.c) --- */

/* Whether two of these are the same call, as far as an address tells. */
bool race_same_where(uint32_t where, uint32_t other);
/* The access of the running thread to the word of that address, and one that was made before. */
_Noreturn void race_found(const struct race_record *before, const struct race_record *now,
                          uintptr_t address, uintptr_t pc);

#pragma GCC visibility pop

#endif
