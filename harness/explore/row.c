#include "row.h"

#include <stdlib.h>
#include <string.h>

bool row_take(struct row *row)
{
    row->steps = order_take(&row->names, &row->count);
    row->order = calloc(row->count + 1, sizeof *row->order);
    if (row->steps == NULL || row->order == NULL) return false;
    row_reset(row);
    return true;
}

void row_free(struct row *row)
{
    free(row->steps);
    free(row->order);
    row->steps = row->order = NULL;
}

void row_reset(struct row *row)
{
    memcpy(row->order, row->steps, row->count * sizeof *row->order);
}

struct strategy *row_strategy(struct row *row)
{
    return order_strategy(&row->names, row->order, row->count, &row->values);
}

uint32_t row_run_end(const struct row *row, uint32_t at)
{
    uint32_t end = at + 1;
    while (end < row->count && row->order[end].thread == row->order[at].thread) end++;
    return end;
}

uint32_t row_run_begin(const struct row *row, uint32_t at)
{
    while (at > 0 && row->order[at - 1].thread == row->order[at].thread) at--;
    return at;
}

uint32_t row_next_run(const struct row *row, uint32_t at)
{
    uint32_t next = at;
    while (next < row->count && row->order[next].thread != row->order[at - 1].thread) next++;
    return next;
}

void row_exchange(struct row *row, uint32_t first, uint32_t middle, uint32_t end)
{
    struct order_step *order = row->order;
    struct order_step *copy = malloc((middle - first) * sizeof *copy + 1);
    if (copy == NULL) return;
    memcpy(copy, order + first, (middle - first) * sizeof *order);
    memmove(order + first, order + middle, (end - middle) * sizeof *order);
    memcpy(order + first + (end - middle), copy, (middle - first) * sizeof *order);
    free(copy);
}
