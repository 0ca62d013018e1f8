/* The accesses to a word that its cell has no room for. See race_cell.h.
 *
 * Compiled for general registers only, and calls nothing: see instrument_quick.c. */
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

bool race_list_add(struct race_cell *cell, const struct race_record *record)
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
        if (!race_meet(&node->record, known, record, record->flags)) return &node->record;
        if (node->record.mask == 0) {
            *link = node->next;
            node->next = node_free;
            node_free = index + 1;
        } else {
            link = &node->next;
        }
    }
    return NULL;
}
