/* Shrinking by wandering. Where no single change makes a failure better, several may: executions
 * that are as good as the last one are gone on from, too. A change moves steps of one thread that
 * stand before or after an interruption across what interrupts them, or exchanges what follows one
 * another; which one is drawn. */
#include "chance.h"
#include "row.h"
#include "shrink.h"

#include <stdlib.h>

enum { SEED = 1 };
enum { PARTS = 4 };     /* of the steps that are left: spent here */
enum { DETOUR_MAX = 3 }; /* choices, beside faults and preemptions, more than the best one has */

struct wander {
    struct row row;           /* where it stands */
    struct explore_cost cost; /* of that */
    struct chance chance;
};

/* The execution that has just ended is where it stands. */
static bool stand_here(struct wander *self, const struct shrink *shrink)
{
    self->cost = shrink->meter.cost;
    row_free(&self->row);
    return row_take(&self->row);
}

/* The last steps before an interruption wait until what interrupts them is over. */
static void begin_earlier(struct row *row, uint32_t at, uint32_t steps)
{
    uint32_t most = at - row_run_begin(row, at - 1);
    row_exchange(row, at - (steps < most ? steps : most), at, row_next_run(row, at));
}

/* The thread that is interrupted makes some more steps before. */
static void begin_later(struct row *row, uint32_t at, uint32_t steps)
{
    uint32_t next = row_next_run(row, at);
    if (next == row->count) return;
    uint32_t most = row_run_end(row, next) - next;
    row_exchange(row, at, next, next + (steps < most ? steps : most));
}

/* A place where another thread goes on; 0: there is none. */
static uint32_t draw_place(struct wander *self)
{
    const struct row *row = &self->row;
    if (row->count < 2) return 0;
    uint32_t at = row_run_begin(row, 1 + chance_below(&self->chance, row->count - 1));
    return at > 0 ? at : row_run_end(row, 0) % row->count;
}

static void change(struct wander *self)
{
    uint32_t at = draw_place(self);
    uint32_t steps = 1u << chance_below(&self->chance, 8);
    if (at == 0) return;
    switch (chance_below(&self->chance, 3)) {
    case 0:
        begin_earlier(&self->row, at, steps);
        break;
    case 1:
        begin_later(&self->row, at, steps);
        break;
    default:
        row_exchange(&self->row, row_run_begin(&self->row, at - 1), at,
                     row_run_end(&self->row, at));
    }
}

/* Whether to go on from there. */
static bool is_as_good(const struct wander *self, const struct shrink *shrink)
{
    const struct explore_cost *cost = &shrink->meter.cost, *best = &shrink->best->cost;
    for (int kind = COST_FAULT; kind > COST_OTHER; kind--) {
        if (cost->of[kind] != self->cost.of[kind]) return cost->of[kind] < self->cost.of[kind];
    }
    return cost->of[COST_OTHER] <= best->of[COST_OTHER] + DETOUR_MAX;
}

/* One execution. False when memory is used up. */
static bool step(struct wander *self, struct shrink *shrink)
{
    row_reset(&self->row);
    do change(self);
    while (chance_below(&self->chance, 2) == 0);
    if (!shrink_run(shrink, row_strategy(&self->row)) || !is_as_good(self, shrink)) return true;
    shrink_keep(shrink);
    return stand_here(self, shrink);
}

bool shrink_wander(struct shrink *shrink)
{
    const struct explore_failure *best = shrink->best;
    struct wander *self = calloc(1, sizeof *self);
    uint32_t kept = shrink->kept, left = shrink->steps_left - shrink->steps_left / PARTS;
    if (self == NULL) return false;
    self->chance = chance_for(SEED, 0);
    if (best->cost.of[COST_PREEMPTION] > 0) {
        shrink_run(shrink, order_recorder(best->choices, best->count, &self->row.values));
        bool going = stand_here(self, shrink);
        while (going && shrink->steps_left > left) going = step(self, shrink);
    }
    row_free(&self->row);
    free(self);
    return shrink->kept > kept;
}
