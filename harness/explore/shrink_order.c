/* Shrinking by order. An execution is a row of runs, each of steps that one thread makes without
 * being interrupted. Where a thread was preempted, its next run is moved forward, so that it goes
 * on at once, or the one before it is moved back, so that it waits (as Jalbert and Sen do, "A trace
 * simplification technique for effective debugging of concurrent programs", FSE 2010); runs that
 * follow one another are exchanged. The new order is followed as far as that is possible. */
#include "order.h"
#include "shrink.h"

#include <stdlib.h>
#include <string.h>

struct order_shrink {
    struct order_names names;
    struct order_values values;
    struct order_step *steps, *order; /* of the best execution; of the candidate */
    uint32_t count;
    uint32_t *places;                 /* steps that a choice of that kind led to */
    uint32_t place_count;
};

static void forget(struct order_shrink *self)
{
    if (self == NULL) return;
    free(self->steps);
    free(self->order);
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
        if (at == 0 || at == self->count) continue;
        self->places[self->place_count++] = at;
    }
}

/* NULL when out of memory. */
static struct order_shrink *take(struct shrink *shrink, enum cost_kind kind)
{
    const struct explore_failure *best = shrink->best;
    struct order_shrink *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    shrink_run(shrink, order_recorder(best->choices, best->count, &self->values));
    self->steps = order_take(&self->names, &self->count);
    self->order = calloc(self->count + 1, sizeof *self->order);
    self->places = calloc(shrink->meter.at + 1, sizeof *self->places);
    if (self->steps && self->order && self->places) {
        find_places(self, &shrink->meter, kind);
        return self;
    }
    forget(self);
    return NULL;
}

/* --- moves --- */

static uint32_t run_end(const struct order_shrink *self, uint32_t at)
{
    uint32_t end = at + 1;
    while (end < self->count && self->order[end].thread == self->order[at].thread) end++;
    return end;
}

static uint32_t run_begin(const struct order_shrink *self, uint32_t at)
{
    while (at > 0 && self->order[at - 1].thread == self->order[at].thread) at--;
    return at;
}

/* The steps first..middle and middle..end, each without its end, change places. */
static void exchange(struct order_shrink *self, uint32_t first, uint32_t middle, uint32_t end)
{
    struct order_step *order = self->order;
    struct order_step *copy = malloc((middle - first) * sizeof *copy + 1);
    if (copy == NULL) return;
    memcpy(copy, order + first, (middle - first) * sizeof *order);
    memmove(order + first, order + middle, (end - middle) * sizeof *order);
    memcpy(order + first + (end - middle), copy, (middle - first) * sizeof *order);
    free(copy);
}

/* The thread that was preempted before that step: its next run. */
static uint32_t next_run(const struct order_shrink *self, uint32_t at)
{
    uint32_t next = at;
    while (next < self->count && self->order[next].thread != self->order[at - 1].thread) next++;
    return next;
}

static void let_go_on(struct order_shrink *self, uint32_t at)
{
    uint32_t next = next_run(self, at);
    if (next < self->count) exchange(self, at, next, run_end(self, next));
}

static void let_wait(struct order_shrink *self, uint32_t at)
{
    exchange(self, run_begin(self, at - 1), at, next_run(self, at));
}

/* What stands before a step, and what begins with it. */
static void swap(struct order_shrink *self, uint32_t at)
{
    exchange(self, run_begin(self, at - 1), at, run_end(self, at));
}

static void copy_best(struct order_shrink *self)
{
    memcpy(self->order, self->steps, self->count * sizeof *self->order);
}

/* --- attempts --- */

typedef void move(struct order_shrink *self, uint32_t at);

static bool try_order(struct shrink *shrink, struct order_shrink *self)
{
    return shrink_try(shrink,
                      order_strategy(&self->names, self->order, self->count, &self->values));
}

/* That move at the places first..last, both included; true when it is better. */
static bool try_move(struct shrink *shrink, struct order_shrink *self, move *how, uint32_t first,
                     uint32_t last)
{
    copy_best(self);
    for (uint32_t i = last + 1; i-- > first;) how(self, self->places[i]);
    return try_order(shrink, self);
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
static bool try_later(struct shrink *shrink, struct order_shrink *self, uint32_t at)
{
    uint32_t begin = run_begin(self, at - 1), last = next_run(self, at);
    for (uint32_t end = at; end < last;) {
        copy_best(self);
        end = run_end(self, end);
        exchange(self, begin, at, end);
        if (try_order(shrink, self)) return true;
    }
    return false;
}

bool shrink_delays(struct shrink *shrink)
{
    struct order_shrink *self = take(shrink, COST_PREEMPTION);
    bool better = false;
    for (uint32_t i = self ? self->place_count : 0; i-- > 0 && !better;) {
        copy_best(self);
        better = try_later(shrink, self, self->places[i]);
    }
    forget(self);
    return better;
}
