#include "bound_order.h"

#include <string.h>

/* How far each thread has come. */
struct place {
    uint32_t done[REDUCED_THREADS];
    uint32_t last; /* who made the last transition; REDUCED_THREADS: nobody */
    uint64_t hash;
};

static const struct bound_event *next_of(const struct bound *self, const struct place *place,
                                         uint32_t thread)
{
    if (place->done[thread] == self->lengths[thread]) return NULL;
    return &self->events[self->of_thread[thread][place->done[thread]]];
}

static bool is_done(const struct bound *self, const struct place *place, uint32_t at)
{
    return self->events[at].number <= place->done[self->events[at].thread];
}

static bool mutex_is_free(const struct bound *self, const struct place *place,
                          const struct bound_event *event)
{
    for (uint32_t i = 0; i < event->link_count; i++) {
        const struct bound_link *link = &self->links[event->links + i];
        if (is_done(self, place, link->event)) return link->is_free;
    }
    return true; /* nobody had it yet */
}

static bool is_made(const struct bound *self, const struct place *place, uint32_t thread)
{
    uint32_t by = self->makers[thread];
    return by == UINT32_MAX || is_done(self, place, by);
}

/* Whether the thread goes on later, and could do so at once. */
static bool could_go_on(const struct bound *self, const struct place *place, uint32_t thread)
{
    const struct bound_event *next = next_of(self, place, thread);
    if (next == NULL || next->wait == BOUND_UNKNOWN || !is_made(self, place, thread)) return false;
    return next->wait == BOUND_NEVER_WAITS || mutex_is_free(self, place, next);
}

/* Whether in every order of the events the one thread is made before the other one. */
static bool is_older(const struct bound *self, uint32_t one, uint32_t other)
{
    uint32_t by = self->makers[one], other_by = self->makers[other];
    if (by == other_by) return one < other;
    if (by == UINT32_MAX || other_by == UINT32_MAX) return by == UINT32_MAX;
    return self->clocks[other_by][self->events[by].thread] >= self->events[by].number;
}

/* Whether some thread could go on that comes before the next one where nobody is left. */
static bool passes_over(const struct bound *self, const struct place *place, uint32_t next)
{
    for (uint32_t thread = REDUCED_TIME + 1; thread < self->width; thread++) {
        if (thread == next || self->lengths[thread] == 0) continue;
        if (is_older(self, thread, next) && could_go_on(self, place, thread)) return true;
    }
    return false;
}

/* Whether it counts that this thread is next. */
static bool counts(const struct bound *self, const struct place *place, uint32_t next)
{
    if (next == place->last || next == REDUCED_TIME) return false;
    if (place->last != REDUCED_THREADS && could_go_on(self, place, place->last)) return true;
    return self->kind == EXPLORE_DELAYS && passes_over(self, place, next);
}

/* Whether all that has to come before the thread's next one is done. */
static bool is_ready(const struct bound *self, const struct place *place, uint32_t thread)
{
    const struct bound_event *event = next_of(self, place, thread);
    if (event == NULL) return false;
    const uint32_t *clock = self->clocks[event - self->events];
    for (uint32_t t = 0; t < self->width; t++) {
        if (t != thread && clock[t] > place->done[t]) return false;
    }
    return true;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 31) * 0x9e3779b97f4a7c15u;
    value = (value ^ value >> 29) * 0xbf58476d1ce4e5b9u;
    return value ^ value >> 32;
}

static uint64_t part(uint32_t thread, uint32_t done)
{
    return mix((uint64_t)(thread + 1) << 32 | done);
}

static void forward(struct place *place, uint32_t thread)
{
    place->hash += part(thread, place->done[thread] + 1) - part(thread, place->done[thread]);
    place->done[thread]++;
    place->last = thread;
}

uint32_t bound_cost(const struct bound *self)
{
    struct place place = {.last = REDUCED_THREADS};
    uint32_t cost = 0;
    for (uint32_t i = 0; i < self->order_count; i++) {
        uint32_t thread = self->events[self->order[i]].thread;
        cost += counts(self, &place, thread);
        forward(&place, thread);
    }
    return cost;
}

/* --- searching --- */

/* Whether it is worth going on from there: nobody has been there as cheaply. */
static bool visit(struct bound *self, const struct place *place, uint32_t cost)
{
    enum { MASK = 2 * BOUND_STATES_MAX - 1 };
    uint64_t hash = mix(place->hash + place->last + 1);
    uint32_t slot = (uint32_t)hash & MASK;
    while (self->states[slot].search == self->searches && self->states[slot].hash != hash) {
        slot = (slot + 1) & MASK;
    }
    struct bound_state *state = &self->states[slot];
    if (state->search == self->searches && state->cost <= cost) return false;
    self->state_count += state->search != self->searches;
    *state = (struct bound_state){hash, self->searches, cost};
    return true;
}

/* The thread that is tried as number `index`: the one that made the last transition comes first. */
static uint32_t candidate(const struct place *place, uint32_t index)
{
    if (place->last == REDUCED_THREADS) return index;
    if (index == 0) return place->last;
    return index <= place->last ? index - 1 : index;
}

/* Goes one transition further, by a thread that was not tried there. False: there is none. */
static bool step(struct bound *self, struct place *place, uint32_t depth)
{
    while (self->tried[depth] < self->width) {
        uint32_t thread = candidate(place, self->tried[depth]++);
        if (!is_ready(self, place, thread)) continue;
        uint32_t cost = self->costs[depth] + counts(self, place, thread);
        struct place next = *place;
        forward(&next, thread);
        if (cost > self->limit || !visit(self, &next, cost)) continue;
        self->order[depth] = self->of_thread[thread][place->done[thread]];
        self->costs[depth + 1] = cost;
        self->tried[depth + 1] = 0;
        *place = next;
        return true;
    }
    return false;
}

static void back(struct bound *self, struct place *place, uint32_t depth)
{
    uint32_t thread = self->events[self->order[depth]].thread;
    place->hash -= part(thread, place->done[thread]) - part(thread, place->done[thread] - 1);
    place->done[thread]--;
    place->last = depth == 0 ? REDUCED_THREADS : self->events[self->order[depth - 1]].thread;
}

bool bound_search(struct bound *self)
{
    struct place place = {.last = REDUCED_THREADS};
    uint32_t depth = 0;
    self->searches++;
    self->state_count = self->order_count = 0;
    self->costs[0] = self->tried[0] = 0;
    while (depth < self->count) {
        if (step(self, &place, depth)) {
            depth++;
            if (self->state_count >= BOUND_STATES_MAX) return true;
        } else if (depth-- == 0) {
            return false;
        } else {
            back(self, &place, depth);
        }
    }
    self->order_count = self->count;
    return true;
}
