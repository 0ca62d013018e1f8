/* What was accessed by whom: for each word of the program's memory, the accesses that a later one
 * may still race with. An access is dropped when one after it races with whatever it races with. */
#include "race_cell.h"
#include "weak.h"

/* Where thread-local variables lie is the operating system's choice, so it decides nothing else. */
static struct race_cell *local_cell_of(const struct entity *entity, uintptr_t address)
{
    size_t bytes;
    if (entity->slot == WORLD_NOBODY) return NULL;
    uintptr_t from = (uintptr_t)world_locals(entity->id, &bytes);
    if (address - from >= bytes) return NULL;
    size_t cells = bytes / RACE_WORD + 2; /* the first and the last may be in use in part */
    if (R.locals == NULL) R.locals = race_reserve(cells * WORLD_ENTITIES_MAX * sizeof *R.locals);
    return &R.locals[entity->slot * cells + address / RACE_WORD - from / RACE_WORD];
}

struct race_cell *race_local_cell(uintptr_t address, uint16_t *entity)
{
    struct race_cell *cell = local_cell_of(W.self, address);
    *entity = W.self->id;
    for (uint16_t id = 0; cell == NULL && id < W.entity_count; id++) {
        cell = local_cell_of(entity_of(id), address);
        *entity = id;
    }
    return cell;
}

enum { RANGE_MAX = 1 << 20 };

/* The access being made. Most are over after a few comparisons, and what is stored in parts takes
 * long to load as a whole: so its parts are kept in registers, and only copies have an address. */
struct access {
    const struct race_clock *known;
    struct race_record record;
    uintptr_t address, pc;
};

/* What is left of the former. */
static uint8_t meet(const struct access *access, const struct race_record *before)
{
    uint32_t left = race_meet(before, access->known, &access->record, access->record.flags);
    if (left == RACE_MET) race_found(before, &access->record, access->address, access->pc);
    return (uint8_t)left;
}

/* Neighbouring bytes, by the same call: see race_extend(), which knows of no stacks. */
static bool extend(struct race_cell *cell, const struct race_record *record)
{
    for (uint32_t i = 0; i < RACE_RECORDS; i++) {
        struct race_record before = race_at(cell, i);
        if (!race_extends(record, &before)) continue;
        if (!race_same_where(before.where, record->where)) continue;
        cell->masks |= (uint32_t)record->mask << 8 * i;
        cell->last = RACE_RECORDS;
        return true;
    }
    return false;
}

static inline struct access begin(uint32_t flags, uintptr_t pc)
{
    uint16_t slot = W.self->slot;
    const struct race_clock *known = &R.threads[slot];
    struct race_record record = {.clock = known->at[slot], .slot = slot, .flags = (uint8_t)flags};
    return (struct access){known, record, 0, pc};
}

/* One place for all words of a range. */
static inline void find_place(struct access *access)
{
    if (access->record.where == 0) access->record.where = race_where(access->pc);
}

static __attribute__((noinline)) void access_cell_at_length(struct access *access,
                                                            struct race_cell *cell)
{
    struct race_record *record = &access->record;
    bool again = race_is_again(cell, record);
    if (again && race_is_known(cell, record)) return;
    find_place(access);
    for (uint32_t i = 0; i < RACE_RECORDS; i++) {
        struct race_record before = race_at(cell, i);
        cell->masks ^= (uint32_t)(before.mask ^ meet(access, &before)) << 8 * i;
    }
    struct race_record *before = race_list_meet(cell, access->known, record);
    if (before != NULL) race_found(before, record, access->address, access->pc);
    if (again && extend(cell, record)) return;
    if (race_add(cell, access->known, record, false)) return;
    finding_raise(WORLD_FOUND_MEMORY, 0, "more accesses may race than can be kept");
}

static __attribute__((always_inline)) inline void access_cell(struct access *access,
                                                              struct race_cell *cell)
{
    const struct race_record *record = &access->record;
    if (cell->run != R.run) race_open_cell(cell);
    if (LIKELY(!W.keep_stacks)) {
        find_place(access);
        uint64_t own = record->clock | (uint64_t)record->slot << 32;
        uint32_t home = race_home(record->flags, record->mask);
        if (LIKELY(race_keep(cell, access->known, own, record->mask, record->flags, home,
                             record->where))) {
            return;
        }
    }
    access_cell_at_length(access, cell);
}

void race_access_word(struct race_cell *cell, uintptr_t address, uint8_t mask, uint32_t flags,
                      uintptr_t pc)
{
    struct access access = begin(flags, pc);
    access.address = address;
    access.record.mask = mask;
    access_cell(&access, cell);
}

/* --- ranges --- */

/* The words that no cell tells of. False: what is known of them must be kept, too. */
static bool access_unused(struct access *access, struct race_region *region)
{
    struct race_record *whole = &region->whole;
    if (whole->mask != 0 && race_is_same(whole, &access->record)) return true;
    whole->mask = meet(access, whole);
    if (whole->mask != 0) return false;
    find_place(access);
    *whole = access->record;
    return true;
}

/* All words of a region, whose first cell that is. */
static void access_region(struct access *access, struct race_cell *cell)
{
    struct race_region *region = race_region_of(cell);
    uintptr_t first = access->address;
    access->record.mask = UINT8_MAX;
    if (region->run != R.run) *region = (struct race_region){.run = R.run};
    bool all = region->used != UINT64_MAX && !access_unused(access, region);
    for (uint64_t left = all ? UINT64_MAX : region->used; left != 0; left &= left - 1) {
        uint32_t at = (uint32_t)__builtin_ctzll(left);
        access->address = first + at * RACE_WORD;
        access_cell(access, cell + at);
    }
}

static bool is_region(const struct race_cell *cell, uintptr_t address, uintptr_t end)
{
    return end - address >= RACE_REGION * RACE_WORD && address % RACE_WORD == 0 &&
           race_place_in_region(cell) == 0 && race_region_of(cell) != NULL;
}

void race_access(uintptr_t address, size_t bytes, uint32_t flags, uintptr_t pc)
{
    if (bytes > RANGE_MAX) bytes = RANGE_MAX;
    struct access access = begin(flags, pc);
    uintptr_t end = address + bytes;
    while (address < end) {
        struct race_cell *cell = race_cell_at(address);
        if (cell == NULL) return;
        access.address = address;
        if (is_region(cell, address, end)) {
            access_region(&access, cell);
            address += RACE_REGION * RACE_WORD;
            continue;
        }
        size_t part = RACE_WORD - address % RACE_WORD;
        if (part > end - address) part = end - address;
        access.record.mask = (uint8_t)(((1u << part) - 1) << (address % RACE_WORD));
        access_cell(&access, cell);
        address += part;
    }
    if (flags & RACE_FREE) race_recent_end(W.self);
}

/* Variables that others use were used by their owner first, and lie near the beginning: so little
 * has to be looked at. */
void race_stack_ends(void)
{
    enum { BYTES = 16384, REGION_BYTES = RACE_REGION * RACE_WORD };
    const struct entity *self = W.self;
    uintptr_t low, high;
    fiber_stack_range(self, &low, &high);
    high = (high + REGION_BYTES - 1) / REGION_BYTES * REGION_BYTES;
    uintptr_t function = self->start ? (uintptr_t)self->start : (uintptr_t)self->start_c11;
    struct access access = begin(RACE_WRITE | RACE_FREE, function + 1);
    for (uintptr_t at = high - BYTES; at < high; at += REGION_BYTES) {
        struct race_cell *cell = race_cell_at(at);
        if (race_region_of(cell)->run != R.run) continue;
        access.address = at;
        access_region(&access, cell);
    }
}

void race_forget(uintptr_t address, size_t bytes)
{
    weak_forget(address, bytes);
    for (size_t at = 0; at < bytes; at += RACE_WORD) {
        struct race_cell *cell = race_cell_at(address + at);
        struct race_region *region = race_region_of(cell);
        if (region->run != R.run) { /* nobody was there */
            at += (RACE_REGION - 1 - race_place_in_region(cell)) * RACE_WORD;
            continue;
        }
        region->used |= 1ull << race_place_in_region(cell);
        race_clear_cell(cell);
    }
}
