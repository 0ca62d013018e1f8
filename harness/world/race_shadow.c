/* What was accessed by whom: for each word of the program's memory, the accesses that a later one
 * may still race with. An access is dropped when one after it races with whatever it races with. */
#include "race.h"

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

enum { NODES_MAX = 1 << 22, RANGE_MAX = 1 << 20 };

struct node {
    struct race_record record;
    uint32_t next; /* index + 1 */
};

static struct node *nodes;
static uint32_t node_count; /* of this execution */
static uint32_t node_run;
static uint32_t node_free;  /* index + 1 */

static uint32_t node_take(void)
{
    if (nodes == NULL) nodes = race_reserve(NODES_MAX * sizeof *nodes);
    if (node_run != R.run) {
        node_run = R.run;
        node_count = node_free = 0;
    }
    if (node_free != 0) {
        uint32_t index = node_free - 1;
        node_free = nodes[index].next;
        return index;
    }
    if (node_count == NODES_MAX) {
        finding_raise(WORLD_FOUND_MEMORY, 0, "more accesses may race than can be kept (%u)",
                      NODES_MAX);
    }
    return node_count++;
}

/* The access being made. Most are over after a few comparisons, and what is stored in parts takes
 * long to load as a whole: so its parts are kept in registers, and only copies have an address. */
struct access {
    const struct race_clock *known;
    struct race_record record;
    uintptr_t address, pc;
};

static inline bool is_ordered(const struct access *access, const struct race_record *before)
{
    return before->slot == access->record.slot ||
           (before->slot < access->known->count &&
            before->clock <= access->known->at[before->slot]);
}

/* Whatever races with the former, races with the latter, which comes after it. */
static inline bool replaces(const struct race_record *record, const struct race_record *before)
{
    return (before->flags & RACE_FREE) == 0 &&
           (record->flags & RACE_WRITE || !(before->flags & RACE_WRITE)) &&
           (!(record->flags & RACE_ATOMIC) || before->flags & RACE_ATOMIC);
}

/* The bytes of the former that are of no use any more are taken off it. */
static inline void meet(const struct access *access, struct race_record *before)
{
    const struct race_record *record = &access->record;
    if ((before->mask & record->mask) == 0) return;
    bool writes = (before->flags | record->flags) & RACE_WRITE;
    bool atomic = before->flags & record->flags & RACE_ATOMIC;
    bool ordered = is_ordered(access, before);
    if (UNLIKELY((!ordered && writes && !atomic) || before->flags & RACE_FREE)) {
        struct race_record now = *record;
        race_found(before, &now, access->address, access->pc);
    }
    if (ordered && replaces(record, before)) before->mask &= (uint8_t)~record->mask;
}

static __attribute__((noinline)) void meet_list(struct access access, uint32_t *link)
{
    while (*link != 0) {
        uint32_t index = *link - 1;
        struct node *node = &nodes[index];
        meet(&access, &node->record);
        if (node->record.mask == 0) {
            *link = node->next;
            node->next = node_free;
            node_free = index + 1;
        } else {
            link = &node->next;
        }
    }
}

/* Neighbouring bytes, accessed one after the other by the same call, are kept as one access. */
static inline bool extends(const struct race_record *record, const struct race_record *before)
{
    return before->clock == record->clock && before->slot == record->slot && before->mask != 0 &&
           before->flags == record->flags && race_same_where(before->where, record->where);
}

static __attribute__((noinline)) void insert_node(struct race_cell *cell, struct race_record record)
{
    uint32_t index = node_take();
    nodes[index] = (struct node){record, cell->more};
    cell->more = index + 1;
}

static inline void put(struct race_record *place, const struct race_record *record)
{
    place->clock = record->clock;
    place->where = record->where;
    place->slot = record->slot;
    place->mask = record->mask;
    place->flags = record->flags;
}

/* `again`: the thread has accessed the cell before in this epoch. */
static inline void insert(struct race_cell *cell, const struct race_record *record, bool again)
{
    struct race_record *place = NULL;
    for (int i = RACE_RECORDS; i-- > 0;) {
        if (cell->at[i].mask == 0) place = &cell->at[i];
    }
    for (int i = 0; UNLIKELY(again) && i < RACE_RECORDS; i++) {
        if (!extends(record, &cell->at[i])) continue;
        cell->at[i].mask |= record->mask;
        return;
    }
    if (LIKELY(place != NULL)) {
        put(place, record);
    } else {
        insert_node(cell, *record);
    }
}

static inline struct access begin(uint32_t flags, uintptr_t pc)
{
    uint16_t slot = W.self->slot;
    const struct race_clock *known = &R.threads[slot];
    struct race_record record = {.clock = known->at[slot], .slot = slot, .flags = (uint8_t)flags};
    return (struct access){known, record, 0, pc};
}

/* The thread has done as much to these bytes already, in the same epoch. */
static inline bool is_same(const struct race_record *before, const struct race_record *record)
{
    return before->clock == record->clock && before->slot == record->slot &&
           (record->mask & ~before->mask) == 0 &&
           (before->flags == record->flags ||
            (before->flags == RACE_WRITE && !(record->flags & RACE_FREE)));
}

static inline bool is_known(const struct race_cell *cell, const struct race_record *record)
{
    for (int i = 0; i < RACE_RECORDS; i++) {
        if (is_same(&cell->at[i], record)) return true;
    }
    return false;
}

/* Whether one of its accesses to the cell is of this epoch. */
static inline bool is_again(const struct race_cell *cell, const struct race_record *record)
{
    bool again = false;
    for (int i = 0; i < RACE_RECORDS; i++) {
        again |= cell->at[i].clock == record->clock && cell->at[i].slot == record->slot;
    }
    return again;
}

/* One place for all words of a range. */
static inline void find_place(struct access *access)
{
    if (access->record.where == 0) access->record.where = race_where(access->pc);
}

/* NULL: thread-local variables have none. */
static inline struct race_region *region_of(const struct race_cell *cell)
{
    size_t index = ((uintptr_t)cell - (uintptr_t)R.heap) / (RACE_REGION * sizeof *cell);
    return LIKELY(index < R.region_count) ? &R.regions[index] : NULL;
}

static inline uint32_t place_in_region(const struct race_cell *cell)
{
    return (uint32_t)(cell - R.heap) % RACE_REGION;
}

/* From here on the cell tells of its word. True when there is something to tell yet. */
static inline bool begin_cell(struct race_cell *cell)
{
    struct race_region *region = region_of(cell);
    *cell = (struct race_cell){.run = R.run};
    if (UNLIKELY(region == NULL)) return false;
    if (region->run != R.run) *region = (struct race_region){.run = R.run};
    region->used |= 1ull << place_in_region(cell);
    if (region->whole.mask == 0) return false;
    cell->at[0] = region->whole;
    return true;
}

static __attribute__((always_inline)) inline void access_cell(struct access *access,
                                                              struct race_cell *cell)
{
    struct race_record *record = &access->record;
    if (cell->run != R.run && !begin_cell(cell)) {
        find_place(access);
        put(&cell->at[0], record);
        return;
    }
    bool again = is_again(cell, record);
    if (again && is_known(cell, record)) return;
    find_place(access);
    for (int i = 0; i < RACE_RECORDS; i++) meet(access, &cell->at[i]);
    if (UNLIKELY(cell->more)) meet_list(*access, &cell->more);
    insert(cell, record, again);
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
    if (whole->mask != 0 && is_same(whole, &access->record)) return true;
    meet(access, whole);
    if (whole->mask != 0) return false;
    find_place(access);
    *whole = access->record;
    return true;
}

/* All words of a region, whose first cell that is. */
static void access_region(struct access *access, struct race_cell *cell)
{
    struct race_region *region = region_of(cell);
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
           place_in_region(cell) == 0 && region_of(cell) != NULL;
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

void race_forget(uintptr_t address, size_t bytes)
{
    weak_forget(address, bytes);
    for (size_t at = 0; at < bytes; at += RACE_WORD) {
        struct race_cell *cell = race_cell_at(address + at);
        struct race_region *region = region_of(cell);
        if (region->run != R.run) continue;
        region->used |= 1ull << place_in_region(cell);
        *cell = (struct race_cell){.run = R.run};
    }
}
