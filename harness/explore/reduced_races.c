/* The races of an execution, for the reduced search.
 *
 * Two transitions of different threads race when they conflict and nothing else orders them.
 * For each race (e, f) the other order has to be tried: at the node before e, one of the
 * initials of "everything after e that does not depend on e, then f" (its source set) must
 * be among the threads to be tried. Where none of them could run there - f waits for a lock
 * that e gives back - the other order does not exist, and what came before e on that object
 * is looked at instead: that is how the acquisitions of a lock are found to race. */
#include "reduced.h"

#include <stddef.h>
#include <string.h>

/* Accesses to one object, newest first. */
struct access {
    uint32_t node;
    uint32_t before; /* index + 1 in the list of accesses; 0: none */
    uint32_t step;   /* the first one of that transition on that object */
    bool write;
    uint8_t how;     /* enum world_how */
};

/* Beside the objects of the world, those that stand for the spurious wakeups that are left, and for
 * what the environment knows. */
enum {
    OBJECTS_OF_ONE = 4096,
    SPURIOUS_LEFT = WORLD_OBJECTS_MAX,
    ENVIRONMENT,
    OBJECTS = ENVIRONMENT + REDUCED_PLACES,
};

/* At most two for each step, and what was met of the environment. */
enum { ACCESSES_MAX = 2 * WORLD_STEPS_MAX + REDUCED_TOUCHES_MAX };
static struct access accesses[ACCESSES_MAX];
static uint32_t access_count;
static uint32_t newest[OBJECTS]; /* by object: index + 1 */

/* Something that a thread did, or was about to do, after the nodes before `at`. */
struct event {
    uint32_t at;
    uint32_t thread;
    const uint32_t *clock;
    bool gave_up;
};

/* Where the scan of the execution stands. */
struct scan {
    struct reduced *self;
    const struct world_step *steps;
    uint32_t step_count;
    uint32_t last_node[REDUCED_THREADS]; /* newest transition of each thread: node + 1 */
    uint32_t times[REDUCED_THREADS];     /* transitions of each thread so far */
    uint32_t made_by[REDUCED_THREADS];   /* node + 1 of the transition that created or woke it */
    uint32_t waits_on[REDUCED_THREADS];  /* condition that it waits on; 0: none */
    uint32_t waits_since[REDUCED_THREADS];
    uint32_t waits;                      /* begun so far */
    reduced_clock fence;                 /* everything before time last passed */
    uint32_t objects[OBJECTS_OF_ONE];    /* of the transition at hand */
    uint32_t first_steps[OBJECTS_OF_ONE];
    bool writes[OBJECTS_OF_ONE];
    bool looks[OBJECTS_OF_ONE]; /* at whether it is ready */
    uint8_t hows[OBJECTS_OF_ONE];
    uint32_t object_count;
};

enum { WIDTH_STEP = 8 };

static void join(const struct scan *scan, uint32_t *clock, const uint32_t *other)
{
    for (uint32_t i = 0; i < scan->self->width; i += WIDTH_STEP) {
        for (uint32_t k = i; k < i + WIDTH_STEP; k++) {
            clock[k] = clock[k] < other[k] ? other[k] : clock[k];
        }
    }
}

static uint32_t own_time(const struct scan *scan, uint32_t node)
{
    return scan->self->clocks[node][scan->self->nodes[node].thread];
}

/* --- what a transition depends on --- */

/* The clocks of what an access to that object comes after, one node left out. */
static void join_object(const struct scan *scan, uint32_t object, bool write, uint32_t node_out,
                        uint32_t *clock)
{
    for (uint32_t at = newest[object]; at != 0; at = accesses[at - 1].before) {
        const struct access *access = &accesses[at - 1];
        bool counts = (write || access->write) && access->node != node_out;
        if (counts) join(scan, clock, scan->self->clocks[access->node]);
        if (access->write) return;
    }
}

enum { NOTHING = UINT32_MAX };

/* Without one object and one node: by program order, creation, time, and all other objects. Who
 * looks at several descriptors goes on when any is ready: another one may have been ready before,
 * so that none of them is a reason for the order of another. */
static void clock_without(const struct scan *scan, uint32_t thread, uint32_t object_out,
                          uint32_t node_out, uint32_t *clock)
{
    bool looks_out = object_out != NOTHING && scan->looks[object_out];
    memcpy(clock, scan->fence, scan->self->width * sizeof *clock);
    if (scan->last_node[thread]) {
        join(scan, clock, scan->self->clocks[scan->last_node[thread] - 1]);
    }
    if (scan->made_by[thread]) join(scan, clock, scan->self->clocks[scan->made_by[thread] - 1]);
    for (uint32_t i = 0; i < scan->object_count; i++) {
        if (i == object_out || (looks_out && scan->looks[i])) continue;
        join_object(scan, scan->objects[i], scan->writes[i], node_out, clock);
    }
}

static void collect(struct scan *scan, uint32_t object, bool write, uint32_t step)
{
    uint32_t at = 0;
    while (at < scan->object_count && scan->objects[at] != object) at++;
    if (at == OBJECTS_OF_ONE) {
        scan->self->overflow = true;
        return;
    }
    if (at == scan->object_count) {
        scan->objects[scan->object_count++] = object;
        scan->first_steps[at] = step;
        scan->writes[at] = scan->looks[at] = false;
        scan->hows[at] = WORLD_CHANGES;
    }
    scan->writes[at] |= write;
}

static void note_look(struct scan *scan, uint32_t object)
{
    for (uint32_t i = 0; i < scan->object_count; i++) {
        if (scan->objects[i] == object) scan->looks[i] = true;
    }
}

static void collect_objects(struct scan *scan, const struct node *node, uint32_t end)
{
    scan->object_count = 0;
    for (uint32_t s = node->step; s < end; s++) {
        const struct world_step *step = &scan->steps[s];
        if (reduced_is_apart(step)) continue;
        collect(scan, step->object, step->access == WORLD_WRITE, s);
        if (step->op == WORLD_OP_POLL) note_look(scan, step->object);
        if (reduced_is_spurious(step)) collect(scan, SPURIOUS_LEFT, true, s);
        if (step->op == WORLD_OP_WAIT) collect(scan, SPURIOUS_LEFT, false, s);
    }
    for (uint32_t i = 0; scan->self->meets && i < node->touch_count; i++) {
        const struct touch *touch = &scan->self->pool[node->touches + i];
        uintptr_t place = (uintptr_t)touch->place - (uintptr_t)reduced_places;
        if (place >= REDUCED_PLACES) continue;
        collect(scan, ENVIRONMENT + (uint32_t)place, touch->write, node->step);
        scan->hows[scan->object_count - 1] = touch->how;
    }
}

/* --- reversing a race --- */

/* The threads that could begin what follows e without depending on it, f included. */
static uint64_t initials(const struct scan *scan, uint32_t e, const struct event *f)
{
    const struct reduced *self = scan->self;
    uint32_t first[REDUCED_THREADS];
    uint64_t seen = 0, result = 0;
    uint32_t e_thread = self->nodes[e].thread, e_time = own_time(scan, e);
    for (uint32_t g = e + 1; g <= f->at; g++) {
        if (g < f->at && self->nodes[g].kind == NODE_VALUE) continue;
        const uint32_t *clock = g == f->at ? f->clock : self->clocks[g];
        if (g != f->at && clock[e_thread] >= e_time) continue;
        uint32_t thread = g == f->at ? f->thread : self->nodes[g].thread;
        if (seen & reduced_bit(thread)) continue;
        bool initial = true;
        for (uint64_t left = seen; left != 0 && initial; left &= left - 1) {
            uint32_t other = (uint32_t)__builtin_ctzll(left);
            initial = clock[other] < first[other];
        }
        if (initial) result |= reduced_bit(thread);
        seen |= reduced_bit(thread);
        first[thread] = clock[thread];
    }
    return result;
}

/* A step on a descriptor that could only be made because that one opened a gate. */
static bool passes_what_opened(const struct world_step *f, const struct world_step *e)
{
    return f->op >= WORLD_OP_OPEN && e->op >= WORLD_OP_OPEN &&
           (f->result >> 30 & e->result >> 28 & 3) != 0;
}

/* False: the other order does not exist at e. */
static bool reverse(const struct scan *scan, uint32_t e, const struct event *f)
{
    return reduced_demand(scan->self, e, initials(scan, e, f), f->thread);
}

/* Whether step f waits, where it must, for something that only a step like e gives: then it
 * cannot come before e, whatever else is done. */
static bool waits_for(const struct world_step *f, const struct world_step *e)
{
    switch ((enum world_op)f->op) {
    case WORLD_OP_LOCK:
    case WORLD_OP_TIMEDLOCK:
    case WORLD_OP_WAKE:
        return f->result == 0 && (e->op == WORLD_OP_UNLOCK || e->op == WORLD_OP_BARRIER ||
                                  e->op == WORLD_OP_BROADCAST);
    case WORLD_OP_WRLOCK:
        return e->op == WORLD_OP_RWUNLOCK && f->result == 0;
    case WORLD_OP_RDLOCK:
        return e->op == WORLD_OP_RWUNLOCK && e->result == 0 && f->result == 0;
    case WORLD_OP_SEM_WAIT:
        return e->op == WORLD_OP_SEM_POST && e->result == 0 && f->result == 0;
    case WORLD_OP_JOIN:
        return e->op == WORLD_OP_EXIT && f->result == 0;
    case WORLD_OP_ONCE:
        return e->op == WORLD_OP_ONCE && e->result == 2;
    default:
        return passes_what_opened(f, e);
    }
}

/* Whether e comes before f for another reason than that object. */
static bool is_ordered(const struct scan *scan, uint32_t e, const struct event *f, uint32_t index,
                       const uint32_t *others)
{
    reduced_clock exactly;
    uint32_t e_thread = scan->self->nodes[e].thread;
    if (e_thread == f->thread) return true;
    if (own_time(scan, e) > others[e_thread]) return false;
    if (scan->object_count == 1) return true;
    clock_without(scan, f->thread, index, e, exactly); /* it may be e itself, by two objects */
    return own_time(scan, e) <= exactly[e_thread];
}

static void find_races(const struct scan *scan, const struct event *f, uint32_t index,
                       const struct world_step *f_step)
{
    reduced_clock others;
    clock_without(scan, f->thread, index, NOTHING, others);
    for (uint32_t at = newest[scan->objects[index]]; at != 0; at = accesses[at - 1].before) {
        const struct access *access = &accesses[at - 1];
        if (!access->write && !scan->writes[index]) continue;
        bool ordered = is_ordered(scan, access->node, f, index, others);
        if (ordered && access->write) return;
        if (ordered) continue;
        if (access->how == WORLD_GIVES && scan->hows[index] == WORLD_TAKES) continue;
        bool known = scan->objects[index] < WORLD_OBJECTS_MAX && !f->gave_up;
        if (known && waits_for(f_step, &scan->steps[access->step])) continue;
        if (reverse(scan, access->node, f) && access->write) return;
    }
}

/* Races of what depends on everything: with the last thing that each thread did, unless that
 * came before it anyway, by `known`. */
static void find_races_with_all(const struct scan *scan, const struct event *f,
                                const uint32_t *known)
{
    for (uint32_t t = 1; t < scan->self->width; t++) {
        uint32_t e = scan->last_node[t] - 1;
        if (scan->last_node[t] == 0 || t == f->thread) continue;
        bool ordered = own_time(scan, e) <= known[t];
        for (uint32_t u = 1; u < scan->self->width && !ordered; u++) {
            if (u == t || scan->last_node[u] == 0) continue;
            ordered = own_time(scan, e) <= scan->self->clocks[scan->last_node[u] - 1][t];
        }
        if (!ordered) reverse(scan, e, f);
    }
}

/* --- the scan --- */

/* The waiter that a signal with that result woke: they are counted in the order they came. */
static uint32_t woken_by_signal(const struct scan *scan, uint32_t cond, uint32_t result)
{
    uint32_t found = REDUCED_THREADS, since = 0;
    while (result-- > 0) {
        uint32_t next = REDUCED_THREADS;
        for (uint32_t t = 0; t < REDUCED_THREADS; t++) {
            if (scan->waits_on[t] != cond || scan->waits_since[t] <= since) continue;
            if (next == REDUCED_THREADS || scan->waits_since[t] < scan->waits_since[next]) next = t;
        }
        if (next == REDUCED_THREADS) return found;
        found = next;
        since = scan->waits_since[next];
    }
    return found;
}

static void note_wakes(struct scan *scan, uint32_t node, const struct world_step *step)
{
    uint32_t only = step->op == WORLD_OP_SIGNAL
                        ? woken_by_signal(scan, step->object, step->result)
                        : REDUCED_THREADS;
    for (uint32_t t = 0; t < REDUCED_THREADS; t++) {
        if (scan->waits_on[t] != step->object) continue;
        if (step->op == WORLD_OP_SIGNAL && t != only) continue;
        scan->waits_on[t] = 0;
        scan->made_by[t] = node + 1;
        /* It could have gone on by itself, and would have done something else. */
        reduced_demand(scan->self, node, reduced_bit(t), t);
    }
}

static void begin_to_wait(struct scan *scan, uint32_t thread, uint32_t object)
{
    scan->waits_on[thread] = object;
    scan->waits_since[thread] = ++scan->waits;
}

/* What a step means beyond its object: births and wakeups. */
static void note_step(struct scan *scan, uint32_t node, const struct world_step *step)
{
    switch ((enum world_op)step->op) {
    case WORLD_OP_CREATE:
        if (step->result + 1 < REDUCED_THREADS) scan->made_by[step->result + 1] = node + 1;
        return;
    case WORLD_OP_WAIT:
        begin_to_wait(scan, scan->self->nodes[node].thread, step->object);
        return;
    case WORLD_OP_WAKE:
    case WORLD_OP_TIMEOUT:
        scan->waits_on[scan->self->nodes[node].thread] = 0;
        return;
    case WORLD_OP_SIGNAL:
    case WORLD_OP_BROADCAST:
        note_wakes(scan, node, step);
        return;
    default:
        return;
    }
}

static void note_effects(struct scan *scan, uint32_t node, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < scan->object_count; i++) {
        uint32_t object = scan->objects[i];
        accesses[access_count++] = (struct access){node, newest[object],
                                                   scan->first_steps[i], scan->writes[i],
                                                   scan->hows[i]};
        newest[object] = access_count;
    }
    for (uint32_t s = from; s < to; s++) note_step(scan, node, &scan->steps[s]);
}

static uint32_t end_of_transition(const struct scan *scan, uint32_t node)
{
    uint32_t next = node + 1;
    while (next < scan->self->count && scan->self->nodes[next].kind == NODE_VALUE) next++;
    return next < scan->self->count ? scan->self->nodes[next].step : scan->step_count;
}

/* What comes after everything so far. */
static void join_all(const struct scan *scan, uint32_t *clock)
{
    memcpy(clock, scan->fence, scan->self->width * sizeof *clock);
    for (uint32_t t = 1; t < scan->self->width; t++) {
        if (scan->last_node[t]) join(scan, clock, scan->self->clocks[scan->last_node[t] - 1]);
    }
}

/* A transition on which everything depends. */
static void scan_fence(struct scan *scan, uint32_t at)
{
    struct reduced *self = scan->self;
    struct node *node = &self->nodes[at];
    reduced_clock clock;
    const struct event event = {at, node->thread, clock, false};
    join_all(scan, clock);
    if (at + 1 >= self->depth) find_races_with_all(scan, &event, self->clocks[at]);
    reduced_demand_all(self, at);
    memcpy(scan->fence, clock, self->width * sizeof *scan->fence);
}

static void scan_transition(struct scan *scan, uint32_t at)
{
    struct reduced *self = scan->self;
    const struct node *node = &self->nodes[at];
    uint32_t thread = node->thread, end = end_of_transition(scan, at);
    collect_objects(scan, node, end);
    uint32_t *clock = self->clocks[at];
    scan->times[thread]++;
    /* What comes before the last node of the prefix is as it was. */
    if (at + 1 >= self->depth || self->fresh) {
        clock_without(scan, thread, NOTHING, NOTHING, clock);
        clock[thread] = scan->times[thread];
    }
    if (at + 1 >= self->depth) {
        const struct event event = {at, thread, clock, node->gave_up};
        for (uint32_t i = 0; i < scan->object_count; i++) {
            find_races(scan, &event, i, &scan->steps[scan->first_steps[i]]);
        }
    }
    scan->last_node[thread] = at + 1;
    note_effects(scan, at, node->step, end);
    if (node->met == WORLD_MET_ALL) scan_fence(scan, at);
}

/* A thread that still waits never made its step; what it waits for may be what another thread
 * took before it. */
static void scan_pending(struct scan *scan, uint32_t at, const struct pending *pending)
{
    reduced_clock clock;
    const struct event event = {at, pending->thread, clock, false};
    scan->objects[0] = pending->step.object;
    scan->writes[0] = pending->step.access == WORLD_WRITE;
    scan->looks[0] = false; /* places of one wait are looked at one by one */
    scan->hows[0] = WORLD_CHANGES;
    scan->object_count = 1;
    clock_without(scan, pending->thread, NOTHING, NOTHING, clock);
    clock[pending->thread] = scan->times[pending->thread] + 1;
    find_races(scan, &event, 0, &pending->step);
}

/* What time did not have to wait for might as well have come after it. */
static void find_races_with_relaxed(const struct scan *scan, const struct event *time)
{
    for (uint32_t e = time->at; e-- > 0 && scan->self->nodes[e].thread != REDUCED_TIME;) {
        const struct node *node = &scan->self->nodes[e];
        if (node->kind != NODE_VALUE && node->relaxed) reverse(scan, e, time);
    }
}

/* Time passes: a fence. Those that cannot run will do something else now. */
static void scan_time(struct scan *scan, uint32_t at)
{
    struct reduced *self = scan->self;
    const struct node *node = &self->nodes[at];
    const struct event event = {at, REDUCED_TIME, self->clocks[at], false};
    uint32_t time = ++scan->times[REDUCED_TIME];
    if (at + 1 >= self->depth) {
        for (uint32_t i = 0; i < node->pending_count; i++) {
            scan_pending(scan, at, &self->pending[node->pending + i]);
        }
    }
    if (at + 1 >= self->depth || self->fresh) {
        join_all(scan, self->clocks[at]);
        self->clocks[at][REDUCED_TIME] = time;
    }
    if (at + 1 >= self->depth) {
        if (node->stalls) find_races_with_all(scan, &event, scan->fence);
        else find_races_with_relaxed(scan, &event);
    }
    memcpy(scan->fence, self->clocks[at], self->width * sizeof *scan->fence);
}

/* The last transition ended the execution: before anything that others would have done, and
 * maybe it could have done so sooner. */
static void scan_last(struct scan *scan)
{
    struct reduced *self = scan->self;
    uint32_t at = self->count;
    while (at > 0 && self->nodes[at - 1].kind == NODE_VALUE) at--;
    if (at > 0 && self->nodes[at - 1].thread != REDUCED_TIME) scan_fence(scan, at - 1);
}

/* At the end: what still waits. */
static void scan_end(struct scan *scan)
{
    struct reduced *self = scan->self;
    for (uint16_t id = 0; id < world_entity_count() && id + 1 < REDUCED_THREADS; id++) {
        struct pending pending = {.thread = (uint8_t)(id + 1)};
        for (uint32_t i = 0; world_pending(id, i, &pending.step); i++) {
            scan_pending(scan, self->count, &pending);
        }
    }
    if (!self->idle && !self->redundant) scan_last(scan);
}

/* Before the first choice: all that matters is who waits. */
static void scan_beginning(struct scan *scan)
{
    uint32_t end = scan->self->count > 0 ? scan->self->nodes[0].step : 0;
    for (uint32_t s = 0; s < end; s++) {
        const struct world_step *step = &scan->steps[s];
        if (step->entity + 1u >= REDUCED_THREADS) continue;
        uint32_t woken = step->op == WORLD_OP_SIGNAL
                             ? woken_by_signal(scan, step->object, step->result)
                             : REDUCED_THREADS;
        for (uint32_t t = 0; t < REDUCED_THREADS; t++) {
            bool wakes = step->op == WORLD_OP_BROADCAST && scan->waits_on[t] == step->object;
            if (wakes || t == woken) scan->waits_on[t] = 0;
        }
        if (step->op == WORLD_OP_WAIT) begin_to_wait(scan, step->entity + 1u, step->object);
        if (step->op == WORLD_OP_WAKE || step->op == WORLD_OP_TIMEOUT)
            scan->waits_on[step->entity + 1u] = 0;
    }
}

/* Events that could have happened, and that this transition has prevented, may never happen: there
 * is nothing later that would race with it. */
static void scan_prevented(const struct scan *scan, uint32_t at)
{
    struct reduced *self = scan->self;
    uint32_t next = at + 1;
    while (next < self->count && self->nodes[next].kind == NODE_VALUE) next++;
    if (next == self->count) return;
    uint64_t gone = self->nodes[at].options & ~self->nodes[next].options &
                    ~(reduced_bit(self->nodes[at].thread) | reduced_bit(REDUCED_TIME));
    for (; gone != 0; gone &= gone - 1) {
        uint32_t event = (uint32_t)__builtin_ctzll(gone);
        if (world_is_task((uint16_t)(event - 1)))
            reduced_demand(self, at, reduced_bit(event), event);
    }
}

static void widen(struct reduced *self)
{
    uint32_t threads = world_entity_count() + 1u < REDUCED_THREADS ? world_entity_count() + 1u
                                                                    : REDUCED_THREADS;
    while (self->width < threads) self->width += WIDTH_STEP;
}

void reduced_races(struct reduced *self)
{
    static struct scan scan;
    memset(&scan, 0, offsetof(struct scan, objects)); /* what follows is made per transition */
    scan.self = self;
    scan.steps = world_steps(&scan.step_count);
    scan.step_count = world_steps_chosen();
    widen(self);
    access_count = 0;
    for (uint32_t s = 0; s < scan.step_count; s++) {
        if (scan.steps[s].op != WORLD_OP_ADVANCE) newest[scan.steps[s].object] = 0;
    }
    newest[SPURIOUS_LEFT] = 0;
    if (self->meets) memset(&newest[ENVIRONMENT], 0, REDUCED_PLACES * sizeof *newest);
    scan_beginning(&scan);
    for (uint32_t at = 0; at < self->count; at++) {
        if (self->nodes[at].kind == NODE_VALUE) continue;
        if (self->nodes[at].thread == REDUCED_TIME) scan_time(&scan, at);
        else scan_transition(&scan, at);
        if (at + 1 >= self->depth) scan_prevented(&scan, at);
    }
    if (!reduced_is_cut_off()) scan_end(&scan);
}
