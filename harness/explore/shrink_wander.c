/* Shrinking by wandering. Where no single change makes a failure better, several may: executions
 * that are hardly worse than the best one are gone on from, too. A change moves steps of one thread
 * that stand before or after an interruption across what interrupts them, or exchanges what follows
 * one another; which one is drawn. */
#include "chance.h"
#include "row.h"
#include "shrink.h"

#include <stdlib.h>

enum { SEED = 1 };
enum { PARTS = 2 };      /* of the steps that are left: spent here */
enum { DETOUR_MAX = 1 }; /* preemptions, and other choices, more than the best one has */

struct wander {
    struct row row; /* where it stands */
    struct chance chance;
};

/* The execution that has just ended is where it stands. */
static bool stand_here(struct wander *self)
{
    row_free(&self->row);
    return row_take(&self->row);
}

/* So many of them, or all. */
static uint32_t draw_some(struct wander *self, uint32_t most)
{
    return chance_below(&self->chance, 2) ? most : 1 + chance_below(&self->chance, most);
}

/* The last steps before an interruption wait until what interrupts them is over. */
static void begin_earlier(struct wander *self, uint32_t at)
{
    struct row *row = &self->row;
    uint32_t steps = draw_some(self, at - row_run_begin(row, at - 1));
    row_exchange(row, at - steps, at, row_next_run(row, at));
}

/* The thread that is interrupted makes some more steps before. */
static void begin_later(struct wander *self, uint32_t at)
{
    struct row *row = &self->row;
    uint32_t next = row_next_run(row, at);
    if (next == row->count) return;
    row_exchange(row, at, next, next + draw_some(self, row_run_end(row, next) - next));
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
    if (at == 0) return;
    switch (chance_below(&self->chance, 3)) {
    case 0:
        begin_earlier(self, at);
        break;
    case 1:
        begin_later(self, at);
        break;
    default:
        row_exchange(&self->row, row_run_begin(&self->row, at - 1), at,
                     row_run_end(&self->row, at));
    }
}

/* Whether to go on from there. */
static bool is_good_enough(const struct shrink *shrink)
{
    const struct explore_cost *cost = &shrink->meter.cost, *best = &shrink->best->cost;
    return cost->of[COST_FAULT] <= best->of[COST_FAULT] &&
           cost->of[COST_PREEMPTION] <= best->of[COST_PREEMPTION] + DETOUR_MAX &&
           cost->of[COST_OTHER] <= best->of[COST_OTHER] + DETOUR_MAX;
}

/* One execution. False when memory is used up. */
static bool step(struct wander *self, struct shrink *shrink)
{
    row_reset(&self->row);
    do change(self);
    while (chance_below(&self->chance, 2) == 0);
    if (!shrink_run(shrink, row_strategy(&self->row)) || !is_good_enough(shrink)) return true;
    shrink_keep(shrink);
    return stand_here(self);
}

bool shrink_wander(struct shrink *shrink)
{
    const struct explore_failure *best = shrink->best;
    struct wander *self = calloc(1, sizeof *self);
    uint32_t kept = shrink->kept, left = shrink->steps_left - shrink->steps_left / PARTS;
    if (self == NULL) return false;
    self->chance = chance_for(SEED, shrink->kept);
    if (best->cost.of[COST_PREEMPTION] > 0) {
        shrink_run(shrink, order_recorder(best->choices, best->count, &self->row.values));
        bool going = stand_here(self);
        while (going && shrink->steps_left > left) going = step(self, shrink);
    }
    row_free(&self->row);
    free(self);
    return shrink->kept > kept;
}
