#include "bound.h"

#include "bound_order.h"

#include <stdlib.h>
#include <string.h>

/* A thread that has looked so often in a row may have been set aside, so that others went on
 * without a preemption (harness/world/spin.c). */
enum { LOOKS_MAX = 15 };

/* --- events --- */

static bool is_look(enum world_op op)
{
    switch (op) {
    case WORLD_OP_TRYLOCK:
    case WORLD_OP_TRYRDLOCK:
    case WORLD_OP_TRYWRLOCK:
    case WORLD_OP_SEM_TRY:
    case WORLD_OP_SEM_READ:
    case WORLD_OP_ATOMIC_LOAD:
    case WORLD_OP_ATOMIC_UPDATE:
    case WORLD_OP_COMPARE_EXCHANGE:
    case WORLD_OP_READ:
    case WORLD_OP_YIELD:
        return true;
    default:
        return false;
    }
}

static enum bound_wait wait_of(enum world_op op, uint32_t looks)
{
    switch (op) {
    case WORLD_OP_LOCK:
        return BOUND_WAITS_FOR_MUTEX;
    case WORLD_OP_START: /* once it is made */
    case WORLD_OP_UNLOCK:
    case WORLD_OP_RWUNLOCK:
    case WORLD_OP_SEM_POST:
    case WORLD_OP_SIGNAL:
    case WORLD_OP_BROADCAST:
    case WORLD_OP_ATOMIC_STORE:
    case WORLD_OP_WRITE:
        return BOUND_NEVER_WAITS;
    default:
        return is_look(op) && looks < LOOKS_MAX ? BOUND_NEVER_WAITS : BOUND_UNKNOWN;
    }
}

/* Beside the objects of the world: what is left of the wakeups without a reason, and what the
 * environment knows. */
enum { SPURIOUS_LEFT = WORLD_OBJECTS_MAX, ENVIRONMENT };

static struct bound_touch *find_touch(const struct bound *self, const struct bound_event *event,
                                      uint32_t object)
{
    for (uint32_t i = 0; i < event->touch_count; i++) {
        struct bound_touch *touch = &self->touches[event->touches + i];
        if (touch->object == object) return touch;
    }
    return NULL;
}

static void add_touch(struct bound *self, struct bound_event *event, uint32_t object, bool write,
                      bool frees)
{
    struct bound_touch *touch = find_touch(self, event, object);
    if (touch == NULL) {
        if (self->touches_used == BOUND_TOUCHES_MAX) {
            world_stop("the search needs too much memory");
        }
        touch = &self->touches[self->touches_used++];
        *touch = (struct bound_touch){.object = object};
        event->touch_count++;
    }
    touch->write |= write;
    touch->frees = frees;
}

static void add_touches(struct bound *self, const struct node *node, const struct touch *pool,
                        struct bound_event *event)
{
    uint32_t count = world_steps_chosen();
    const struct world_step *steps = world_steps(&(uint32_t){0});
    for (uint32_t s = node->step; s < count; s++) {
        const struct world_step *step = &steps[s];
        if (reduced_is_apart(step)) continue;
        add_touch(self, event, step->object, step->access == WORLD_WRITE,
                  step->op == WORLD_OP_UNLOCK || step->op == WORLD_OP_INIT);
        if (reduced_is_spurious(step)) add_touch(self, event, SPURIOUS_LEFT, true, false);
        if (step->op == WORLD_OP_WAIT) add_touch(self, event, SPURIOUS_LEFT, false, false);
    }
    for (uint32_t i = 0; node->meets && i < node->touch_count; i++) {
        const struct touch *touch = &pool[node->touches + i];
        uintptr_t place = (uintptr_t)touch->place - (uintptr_t)reduced_places;
        if (place < REDUCED_PLACES)
            add_touch(self, event, ENVIRONMENT + (uint32_t)place, touch->write, false);
    }
    event->all = node->met == WORLD_MET_ALL || node->thread == REDUCED_TIME;
}

/* Who had the mutex before. */
static void add_links(struct bound *self, struct bound_event *event, uint32_t mutex)
{
    for (uint32_t at = self->count; at-- > 0;) {
        const struct bound_touch *touch = find_touch(self, &self->events[at], mutex);
        if (touch == NULL) continue;
        if (self->links_used == BOUND_LINKS_MAX) {
            event->wait = BOUND_UNKNOWN;
            return;
        }
        self->links[self->links_used++] = (struct bound_link){at, touch->frees};
        event->link_count++;
    }
}

/* --- what has to come before --- */

static void join(const struct bound *self, uint32_t *clock, const uint32_t *other)
{
    for (uint32_t i = 0; i < self->width; i++) {
        clock[i] = clock[i] < other[i] ? other[i] : clock[i];
    }
}

static bool depends(const struct bound *self, const struct bound_event *one,
                    const struct bound_event *other)
{
    if (one->thread == other->thread || one->all || other->all) return true;
    for (uint32_t i = 0; i < one->touch_count; i++) {
        const struct bound_touch *touch = &self->touches[one->touches + i];
        const struct bound_touch *same = find_touch(self, other, touch->object);
        if (same && (same->write || touch->write)) return true;
    }
    return false;
}

static void set_clock(struct bound *self, const struct bound_event *event)
{
    uint32_t *clock = self->clocks[self->count];
    memset(clock, 0, sizeof *self->clocks);
    for (uint32_t at = self->count; at-- > 0;) {
        const struct bound_event *before = &self->events[at];
        if (clock[before->thread] >= before->number) continue;
        if (depends(self, event, before)) join(self, clock, self->clocks[at]);
    }
    clock[event->thread] = event->number;
}

/* Threads do not begin before they are made. */
static void join_creator(struct bound *self, const struct reduced *search,
                         const struct bound_event *event)
{
    uint32_t step_count, end = search->nodes[event->node].step;
    const struct world_step *steps = world_steps(&step_count);
    if (event->number > 1 || event->thread == REDUCED_TIME) return;
    self->makers[event->thread] = UINT32_MAX;
    for (uint32_t at = self->count; at-- > 0;) {
        uint32_t begin = search->nodes[self->events[at].node].step;
        for (uint32_t s = begin; s < end; s++) {
            if (steps[s].op != WORLD_OP_CREATE || steps[s].result + 1 != event->thread) continue;
            join(self, self->clocks[self->count], self->clocks[at]);
            self->makers[event->thread] = at;
            return;
        }
        end = begin;
    }
}

/* --- what the search tells --- */

static void describe(struct bound *self, const struct reduced *search, struct bound_event *event)
{
    uint32_t step_count, thread = event->thread, before = self->lengths[thread];
    const struct world_step *steps = world_steps(&step_count);
    const struct node *node = &search->nodes[event->node];
    if (thread == REDUCED_TIME || node->is_outside || node->step >= step_count) return;
    const struct world_step *first = &steps[node->step];
    const struct bound_event *last =
        before > 0 ? &self->events[self->of_thread[thread][before - 1]] : NULL;
    uint32_t looks = last ? last->looks : 0;
    event->wait = (uint8_t)wait_of((enum world_op)first->op, looks);
    if (is_look((enum world_op)first->op)) event->looks = (uint8_t)(looks < 255 ? looks + 1 : 255);
    if (event->wait != BOUND_WAITS_FOR_MUTEX) return;
    add_links(self, event, first->object);
}

/* The order that is known stays good if the new one can come last. */
static void append(struct bound *self)
{
    if (self->order_count + 1 != self->count) return;
    self->order[self->order_count++] = self->count - 1;
    if (bound_cost(self) > self->limit) self->order_count = 0;
}

void bound_add(struct bound *self, const struct reduced *search, uint32_t node)
{
    struct bound_event *event = &self->events[self->count];
    uint32_t thread = search->nodes[node].thread;
    *event = (struct bound_event){
        .node = node, .thread = (uint8_t)thread, .number = self->lengths[thread] + 1,
        .links = self->links_used, .touches = self->touches_used};
    if (thread >= self->width) self->width = thread + 1;
    add_touches(self, &search->nodes[node], search->pool, event);
    describe(self, search, event);
    set_clock(self, event);
    join_creator(self, search, event);
    self->of_thread[thread][self->lengths[thread]++] = self->count++;
    append(self);
}

void bound_retreat(struct bound *self, const struct reduced *search)
{
    uint32_t at = search->count;
    while (at > 0 && search->nodes[at - 1].kind == NODE_VALUE) at--;
    while (self->count > 0 && (at == 0 || self->events[self->count - 1].node + 1 >= at)) {
        const struct bound_event *event = &self->events[--self->count];
        self->lengths[event->thread]--;
        self->links_used = event->links;
        self->touches_used = event->touches;
    }
    for (uint32_t i = 0; i < self->count; i++) self->order[i] = i; /* the one that was executed */
    self->order_count = self->count;
    if (bound_cost(self) > self->limit) self->order_count = 0;
}

bool bound_holds(struct bound *self)
{
    return self->order_count == self->count || bound_search(self);
}

/* --- memory --- */

void bound_free(struct bound *self)
{
    if (self == NULL) return;
    for (uint32_t i = 0; i < REDUCED_THREADS; i++) free(self->of_thread[i]);
    free(self->events);
    free(self->links);
    free(self->touches);
    free(self->clocks);
    free(self->order);
    free(self->tried);
    free(self->costs);
    free(self);
}

struct bound *bound_new(enum explore_bound kind, uint32_t limit)
{
    struct bound *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->kind = kind;
    self->limit = limit;
    self->events = malloc(REDUCED_NODES_MAX * sizeof *self->events);
    self->links = malloc(BOUND_LINKS_MAX * sizeof *self->links);
    self->touches = malloc(BOUND_TOUCHES_MAX * sizeof *self->touches);
    self->clocks = malloc(REDUCED_NODES_MAX * sizeof *self->clocks);
    self->order = malloc(REDUCED_NODES_MAX * sizeof *self->order);
    self->tried = malloc(REDUCED_NODES_MAX * sizeof *self->tried);
    self->costs = malloc(REDUCED_NODES_MAX * sizeof *self->costs);
    bool good = self->events && self->links && self->touches && self->clocks && self->order &&
                self->tried && self->costs;
    for (uint32_t i = 0; i < REDUCED_THREADS; i++) {
        self->of_thread[i] = malloc(REDUCED_NODES_MAX * sizeof **self->of_thread);
        good = good && self->of_thread[i];
    }
    if (good) return self;
    bound_free(self);
    return NULL;
}
