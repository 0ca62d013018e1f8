/* What was accessed by whom: for each word of the program's memory, the accesses that a later one
 * may still race with. An access is dropped when one after it races with whatever it races with. */
#include "race.h"

#include <sys/mman.h>

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
    if (nodes == NULL) {
        nodes = mmap(NULL, NODES_MAX * sizeof *nodes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        REQUIRE(nodes != MAP_FAILED);
    }
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

/* The access being made. */
struct access {
    const struct race_clock *known;
    struct race_record record;
    uintptr_t address, pc;
};

static bool is_ordered(const struct access *access, const struct race_record *before)
{
    return before->slot == access->record.slot ||
           (before->slot < access->known->count &&
            before->clock <= access->known->at[before->slot]);
}

/* Whatever races with the former, races with the latter, which comes after it. */
static bool replaces(const struct race_record *record, const struct race_record *before)
{
    return (before->mask & ~record->mask) == 0 && (before->flags & RACE_FREE) == 0 &&
           (record->flags & RACE_WRITE || !(before->flags & RACE_WRITE)) &&
           (!(record->flags & RACE_ATOMIC) || before->flags & RACE_ATOMIC);
}

/* True if the record is of no use any more. */
static bool meet(const struct access *access, const struct race_record *before)
{
    const struct race_record *record = &access->record;
    if ((before->mask & record->mask) == 0) return false;
    bool writes = (before->flags | record->flags) & RACE_WRITE;
    bool atomic = before->flags & record->flags & RACE_ATOMIC;
    bool ordered = is_ordered(access, before);
    if ((!ordered && writes && !atomic) || before->flags & RACE_FREE) {
        race_found(before, record, access->address, access->pc);
    }
    return ordered && replaces(record, before);
}

static void meet_list(const struct access *access, uint32_t *link)
{
    while (*link != 0) {
        uint32_t index = *link - 1;
        struct node *node = &nodes[index];
        if (meet(access, &node->record)) {
            *link = node->next;
            node->next = node_free;
            node_free = index + 1;
        } else {
            link = &node->next;
        }
    }
}

static void insert(struct race_cell *cell, const struct race_record *record)
{
    for (int i = 0; i < 2; i++) {
        if (cell->at[i].mask != 0) continue;
        cell->at[i] = *record;
        return;
    }
    uint32_t index = node_take();
    nodes[index] = (struct node){*record, cell->more};
    cell->more = index + 1;
}

void race_access_word(struct race_cell *cell, uintptr_t address, uint8_t mask, uint32_t flags,
                      uintptr_t pc)
{
    uint16_t slot = W.self->slot;
    const struct race_clock *known = &R.threads[slot];
    struct access access = {
        known, {known->at[slot], race_where(pc), slot, mask, (uint8_t)flags}, address, pc,
    };
    if (cell->run != R.run) {
        *cell = (struct race_cell){.run = R.run, .at = {access.record}};
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (meet(&access, &cell->at[i])) cell->at[i].mask = 0;
    }
    if (UNLIKELY(cell->more)) meet_list(&access, &cell->more);
    insert(cell, &access.record);
}

void race_access(uintptr_t address, size_t bytes, uint32_t flags, uintptr_t pc)
{
    if (bytes > RANGE_MAX) bytes = RANGE_MAX;
    uintptr_t end = address + bytes;
    while (address < end) {
        size_t part = RACE_WORD - address % RACE_WORD;
        if (part > end - address) part = end - address;
        struct race_cell *cell = race_cell_at(address);
        if (cell == NULL) return;
        uint8_t mask = (uint8_t)(((1u << part) - 1) << (address % RACE_WORD));
        race_access_word(cell, address, mask, flags, pc);
        address += part;
    }
}

void race_forget(uintptr_t address, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += RACE_WORD) race_cell_at(address + at)->run = 0;
}
