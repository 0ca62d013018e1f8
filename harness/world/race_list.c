/* Accesses to a word that the last one does not stand for, and those that its cell has no room for.
 * See race_cell.h.
 *
 * Compiled for general registers only, and calls nothing else: see instrument_quick.c. */
#include "race_cell.h"

enum { NODES_MAX = 1 << 22 };

struct node {
    struct race_record record;
    uint32_t next; /* index + 1 */
};

static struct node *nodes;
static uint32_t node_count; /* of this execution */
static uint32_t node_run;
static uint32_t node_free;  /* index + 1 */

void race_list_begin(void)
{
    nodes = race_reserve(NODES_MAX * sizeof *nodes);
}

static void begin_run(void)
{
    if (node_run == R.run) return;
    node_run = R.run;
    node_count = node_free = 0;
}

static bool list_add(struct race_cell *cell, const struct race_record *record)
{
    uint32_t index;
    begin_run();
    if (node_free != 0) {
        index = node_free - 1;
        node_free = nodes[index].next;
    } else {
        if (node_count == NODES_MAX) return false;
        index = node_count++;
    }
    nodes[index].record = *record;
    nodes[index].next = cell->more;
    cell->more = index + 1;
    return true;
}

struct race_record *race_list_meet(struct race_cell *cell, const struct race_clock *known,
                                   const struct race_record *record)
{
    uint32_t *link = &cell->more;
    while (*link != 0) {
        uint32_t index = *link - 1;
        struct node *node = &nodes[index];
        uint32_t left = race_meet(&node->record, known, record, record->flags);
        if (left == RACE_MET) return &node->record;
        node->record.mask = (uint8_t)left;
        if (left == 0) {
            *link = node->next;
            node->next = node_free;
            node_free = index + 1;
        } else {
            link = &node->next;
        }
    }
    return NULL;
}

void race_begin_cell(struct race_cell *cell)
{
    race_open_cell(cell);
}

static bool is_in_order(const struct race_cell *cell, const struct race_clock *known)
{
    for (uint32_t i = 0; i < RACE_RECORDS; i++) {
        const struct race_record before = race_at(cell, i);
        if (before.mask == 0) continue;
        if (before.flags & RACE_FREE || !race_knows(known, race_who(&cell->at[i]))) return false;
        if (((before.flags & RACE_WRITE) != 0) != (i < 2)) return false;
    }
    return true;
}

/* `place` has the last access: whether the next one may follow it. Reads that nothing orders stay
 * until somebody writes, so it is not looked at before. */
static void settle(struct race_cell *cell, const struct race_clock *known, uint32_t flags,
                   uint32_t place, bool follows)
{
    bool write = (flags & RACE_WRITE) != 0, in_order = false;
    if (!cell->more && !(flags & RACE_FREE)) {
        in_order = follows ? write == (place < 2) : write && is_in_order(cell, known);
    }
    cell->last = in_order ? place : RACE_RECORDS;
}

bool race_add(struct race_cell *cell, const struct race_clock *known,
              const struct race_record *record, bool follows)
{
    uint32_t place = race_home(record->flags, record->mask);
    for (uint32_t i = 0; cell->masks >> 8 * place & 0xff; i++) {
        place = i;
        if (i < RACE_RECORDS) continue;
        cell->last = RACE_RECORDS;
        return list_add(cell, record);
    }
    race_put(cell, place, race_own(record), record->where);
    settle(cell, known, record->flags, place, follows);
    return true;
}

/* Neighbouring bytes, accessed one after the other by the same call, are kept as one access. */
static bool extend(struct race_cell *cell, const struct race_clock *known,
                   const struct race_record *record, bool follows)
{
    for (uint32_t i = 0; i < RACE_RECORDS; i++) {
        const struct race_record before = race_at(cell, i);
        if (!race_extends(record, &before) || before.where != record->where) continue;
        cell->masks |= (uint32_t)record->mask << 8 * i;
        settle(cell, known, record->flags, i, follows);
        return true;
    }
    return false;
}

bool race_keep_own(struct race_cell *cell, uint64_t who, uint32_t home, uint32_t where)
{
    const uint32_t flags = (uint32_t)(who >> 56), mask = (uint8_t)(who >> 48);
    const uint32_t left = cell->masks & ~race_replaced(flags, mask);
    uint32_t place = RACE_RECORDS;
    for (uint32_t i = 0; i < RACE_RECORDS; i++) {
        const uint64_t before = race_who(&cell->at[i]);
        const uint32_t former = (uint32_t)(before >> 56), bytes = (uint8_t)(cell->masks >> 8 * i);
        if (bytes == 0 || (before ^ who) << 16 != 0) continue;
        if (!(mask & ~bytes) && (former == flags || former == RACE_WRITE)) return true;
        if (former != flags || cell->at[i].where != where) continue;
        if (left >> 8 * i & 0xff) place = i;
    }
    if (place == RACE_RECORDS && left >> 8 * home & 0xff) return false;
    cell->masks = left;
    if (place < RACE_RECORDS) {
        cell->masks |= mask << 8 * place;
    } else {
        race_put(cell, place = home, who, where);
    }
    cell->last = place;
    return true;
}

bool race_keep_all(struct race_cell *cell, const struct race_clock *known, uint64_t who,
                   uint32_t where)
{
    const struct race_record record = race_record_of(who, where);
    bool follows = race_follows(cell, known), again = race_is_again(cell, &record);
    if (again && race_is_known(cell, &record)) return true;
    for (uint32_t i = 0; i < RACE_RECORDS; i++) {
        const struct race_record before = race_at(cell, i);
        uint32_t left = race_meet(&before, known, &record, record.flags);
        if (UNLIKELY(left == RACE_MET)) return false;
        cell->masks ^= (before.mask ^ left) << 8 * i;
    }
    if (UNLIKELY(cell->more) && race_list_meet(cell, known, &record) != NULL) return false;
    if (again && extend(cell, known, &record, follows)) return true;
    return race_add(cell, known, &record, follows);
}

bool race_begin_epoch(void)
{
    uint64_t key;
    return race_recent_key_try(&key);
}

bool race_note_only(uintptr_t address, uint32_t size, bool write)
{
    uint64_t key;
    if (!R.notes || !R.blind || !race_recent_key_try(&key)) return false;
    W.accesses++;
    race_recent_note(write, size, address, key);
    return true;
}
