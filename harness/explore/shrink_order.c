/* Shrinking by order. An execution is a row of runs, each of steps that one thread makes without
 * being interrupted. Where a thread was preempted, its next run is moved forward, so that it goes
 * on at once, or the one before it is moved back, so that it waits (as Jalbert and Sen do, "A trace
 * simplification technique for effective debugging of concurrent programs", FSE 2010); runs that
 * follow one another are exchanged. The new order is followed as far as that is possible. */
#include "row.h"
#include "shrink.h"

#include <stdlib.h>

struct order_shrink {
    struct row row;   /* the best execution; the candidate */
    uint32_t *places; /* steps that a choice of that kind led to */
    uint32_t place_count;
};

static void forget(struct order_shrink *self)
{
    if (self == NULL) return;
    row_free(&self->row);
    free(self->places);
    free(self);
}

/* Where the choices of that kind, or of a worse one, led. */
static void find_places(struct order_shrink *self, const struct meter *meter, enum cost_kind kind)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < meter->at; i++) {
        if (meter->notes[i].kind < (uint8_t)kind) continue;
        at = meter_step(i, at);
        if (at == 0 || at == self->row.count) continue;
        self->places[self->place_count++] = at;
    }
}

/* NULL when out of memory. */
static struct order_shrink *take(struct shrink *shrink, enum cost_kind kind)
{
    const struct explore_failure *best = shrink->best;
    struct order_shrink *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    shrink_run(shrink, order_recorder(best->choices, best->count, &self->row.values));
    self->places = calloc(shrink->meter.at + 1, sizeof *self->places);
    if (row_take(&self->row) && self->places) {
        find_places(self, &shrink->meter, kind);
        return self;
    }
    forget(self);
    return NULL;
}

/* --- moves --- */

static void let_go_on(struct row *row, uint32_t at)
{
    uint32_t next = row_next_run(row, at);
    if (next < row->count) row_exchange(row, at, next, row_run_end(row, next));
}

static void let_wait(struct row *row, uint32_t at)
{
    row_exchange(row, row_run_begin(row, at - 1), at, row_next_run(row, at));
}

/* What stands before a step, and what begins with it. */
static void swap(struct row *row, uint32_t at)
{
    row_exchange(row, row_run_begin(row, at - 1), at, row_run_end(row, at));
}

/* --- attempts --- */

typedef void move(struct row *row, uint32_t at);

/* That move at the places first..last, both included; true when it is better. */
static bool try_move(struct shrink *shrink, struct order_shrink *self, move *how, uint32_t first,
                     uint32_t last)
{
    row_reset(&self->row);
    for (uint32_t i = last + 1; i-- > first;) how(&self->row, self->places[i]);
    return shrink_try(shrink, row_strategy(&self->row));
}

/* At stretches of places that choices of that kind led to, from the last one on. */
static bool try_moves(struct shrink *shrink, enum cost_kind kind, uint32_t size, move *one,
                      move *other)
{
    bool any = false;
    struct order_shrink *self = take(shrink, kind);
    for (uint32_t left = self ? self->place_count : 0;
         left > 0 && self != NULL && shrink_may_try(shrink);) {
        uint32_t first = left > size ? left - size : 0;
        bool moved = try_move(shrink, self, one, first, left - 1) ||
                     (other && try_move(shrink, self, other, first, left - 1));
        left = first;
        if (!moved) continue;
        any = true;
        forget(self);
        self = take(shrink, kind);
        if (self && left > self->place_count) left = self->place_count;
    }
    forget(self);
    return any;
}

bool shrink_preemptions(struct shrink *shrink, uint32_t size)
{
    return try_moves(shrink, COST_PREEMPTION, size, let_wait, let_go_on);
}

bool shrink_swaps(struct shrink *shrink)
{
    return try_moves(shrink, COST_OTHER, 1, swap, NULL);
}

/* The run that was interrupted at a place, behind each of those that follow. */
static bool try_later(struct shrink *shrink, struct row *row, uint32_t at)
{
    uint32_t begin = row_run_begin(row, at - 1), last = row_next_run(row, at);
    for (uint32_t end = at; end < last;) {
        row_reset(row);
        end = row_run_end(row, end);
        row_exchange(row, begin, at, end);
        if (shrink_try(shrink, row_strategy(row))) return true;
    }
    return false;
}

bool shrink_delays(struct shrink *shrink)
{
    struct order_shrink *self = take(shrink, COST_PREEMPTION);
    bool better = false;
    for (uint32_t i = self ? self->place_count : 0; i-- > 0 && !better;) {
        row_reset(&self->row);
        better = try_later(shrink, &self->row, self->places[i]);
    }
    forget(self);
    return better;
}
