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

/* Whether leaving the thread that made the last transition is a preemption. */
static bool preempts(const struct bound *self, const struct place *place, uint32_t next)
{
    if (next == place->last || place->last == REDUCED_THREADS) return false;
    const struct bound_event *left = next_of(self, place, place->last);
    if (left == NULL || left->wait == BOUND_UNKNOWN || next == REDUCED_TIME) return false;
    return left->wait == BOUND_NEVER_WAITS || mutex_is_free(self, place, left);
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
        cost += preempts(self, &place, thread);
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
        uint32_t cost = self->costs[depth] + preempts(self, place, thread);
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
