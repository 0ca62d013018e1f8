/* Reduced exhaustive search: every behaviour once.
 *
 * Source-set dynamic partial-order reduction with sleep sets (Abdulla, Aronis, Jonsson,
 * Sagonas, "Optimal dynamic partial order reduction", POPL 2014, algorithm 1). Of executions
 * that differ only in the order of independent transitions one is completed; some may be
 * begun and given up as redundant. For at most 63 threads, actors and events.
 *
 * Time acts like a thread whose only operation, to pass, depends on everything. The environment -
 * fakes, actors, deliveries, faults - tells which places of what it knows it meets; where it does
 * not tell, it may be all of them. */
#include "reduced.h"

#include "bound.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { PENDING_MAX = 1 << 16 };

/* Stands for what is left of the spurious wakeups that are allowed. */
static const char spurious_left;
const char reduced_places[REDUCED_PLACES];

/* --- footprints --- */

static bool clash(const struct reduced *self, const struct print *a, const struct print *b)
{
    if (a->all || b->all) return true;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct touch *left = &self->pool[a->touches + i];
        for (uint32_t k = 0; k < b->count; k++) {
            const struct touch *right = &self->pool[b->touches + k];
            if (left->place == right->place && (left->write || right->write)) return true;
        }
    }
    return false;
}

static void touch(struct reduced *self, struct node *node, const void *place, bool write)
{
    for (uint32_t i = 0; i < node->touch_count; i++) {
        struct touch *known = &self->pool[node->touches + i];
        if (known->place != place) continue;
        known->write |= write;
        known->how = WORLD_CHANGES;
        return;
    }
    if (self->pool_used == REDUCED_TOUCHES_MAX) world_stop("the search needs too much memory");
    self->pool[self->pool_used++] = (struct touch){place, write, WORLD_CHANGES};
    node->touch_count++;
}

/* What it met of what the environment knows. `several`: beside what was known of it. */
static void touch_places(struct reduced *self, struct node *node, bool several)
{
    struct world_places met;
    world_met(&met);
    if (node->is_outside && !node->tells && met.what == WORLD_MET_NOTHING)
        met.what = WORLD_MET_FAKES;
    node->met = (uint8_t)(several && node->met > met.what ? node->met : met.what);
    if (met.what == WORLD_MET_NOTHING && met.count == 0) return;
    self->meets = node->meets = true;
    touch(self, node, &reduced_places[0], met.what != WORLD_MET_NOTHING);
    for (uint32_t i = 0; met.what == WORLD_MET_NOTHING && i < met.count; i++) {
        uint32_t before = node->touch_count;
        touch(self, node, &reduced_places[1 + met.at[i].place], met.at[i].how != WORLD_LOOKS);
        if (node->touch_count > before) self->pool[self->pool_used - 1].how = met.at[i].how;
    }
}

/* The last transition has ended: what it did is known now. */
static void close_transition(struct reduced *self)
{
    if (self->closed) return;
    self->closed = true;
    uint32_t step_count = world_steps_chosen();
    const struct world_step *steps = world_steps(&(uint32_t){0});
    uint32_t at = self->count;
    while (at > 0 && self->nodes[at - 1].kind == NODE_VALUE) at--;
    if (at == 0) {
        world_met_forget();
        return;
    }
    struct node *node = &self->nodes[at - 1];
    bool several = at < self->count, all = several && node->print[node->thread].all;
    uint32_t before = node->touches, before_count = several ? node->touch_count : 0;
    node->touches = self->pool_used;
    node->touch_count = 0;
    /* With values chosen on the way, it is what it did with any of them. */
    for (uint32_t i = 0; i < before_count; i++) {
        touch(self, node, self->pool[before + i].place, self->pool[before + i].write);
    }
    for (uint32_t i = node->step; i < step_count; i++) {
        const struct world_step *step = &steps[i];
        if (reduced_is_apart(step)) continue;
        touch(self, node, world_object_address(step->object), step->access == WORLD_WRITE);
        if (reduced_is_spurious(step)) touch(self, node, &spurious_left, true);
        if (step->op == WORLD_OP_WAIT) touch(self, node, &spurious_left, false);
    }
    touch_places(self, node, several);
    all |= node->met == WORLD_MET_ALL;
    const void *mutex = node->thread == REDUCED_TIME || node->is_outside
                            ? NULL
                            : world_mutex_wanted((uint16_t)(node->thread - 1));
    node->print[node->thread] = (struct print){node->touches, node->touch_count, all, mutex};
    if (self->bound) bound_add(self->bound, self, at - 1);
}

static struct node *last_schedule(struct reduced *self)
{
    uint32_t at = self->count;
    while (at > 0 && self->nodes[at - 1].kind == NODE_VALUE) at--;
    return at > 0 ? &self->nodes[at - 1] : NULL;
}

/* Whether that transition, if it came now, would close a cycle of threads that wait for each other:
 * those that hold what it leads to want what it takes. That ends the execution, although it touches
 * nothing that they touch. */
static bool closes_cycle(const struct reduced *self, const struct print *print)
{
    const void *wanted = print->mutex;
    for (uint32_t i = 0; i < REDUCED_THREADS && wanted != NULL; i++) {
        uint16_t holder = world_mutex_holder(wanted);
        wanted = holder == WORLD_NOBODY ? NULL : world_mutex_wanted(holder);
        for (uint32_t k = 0; k < print->count; k++) {
            if (wanted && self->pool[print->touches + k].place == wanted) return true;
        }
    }
    return false;
}

/* Who still sleeps after the transition of the node before: those that it did not disturb. True:
 * one of them would end the execution now, so that it depends on everything. */
static bool inherit_sleep(struct reduced *self, struct node *node)
{
    bool ends = false;
    const struct node *before = last_schedule(self);
    if (before == NULL || before->thread == REDUCED_TIME) return false;
    uint64_t asleep = (before->sleep | before->done) &
                      ~(reduced_bit(before->thread) | reduced_bit(REDUCED_TIME));
    for (; asleep != 0; asleep &= asleep - 1) {
        uint32_t thread = (uint32_t)__builtin_ctzll(asleep);
        if (clash(self, &before->print[thread], &before->print[before->thread])) continue;
        node->sleep |= reduced_bit(thread);
        node->print[thread] = before->print[thread];
        node->print[thread].all = closes_cycle(self, &before->print[thread]);
        ends |= node->print[thread].all;
    }
    return ends;
}

/* --- what has to be tried --- */

static void demand(struct node *node, uint32_t thread)
{
    if (node->backtrack & reduced_bit(thread)) return;
    node->backtrack |= reduced_bit(thread);
    node->turns[node->turn_count++] = (uint8_t)thread;
}

/* Below the floor others decide; a demand that would be met by an earlier one is not told. */
static void tell(struct reduced *self, uint32_t at, uint64_t threads, uint32_t preferred)
{
    for (uint32_t i = self->demand_count; i-- > 0;) {
        const struct demand *known = &self->demands[i];
        if (known->at == at && known->threads == threads && known->preferred == preferred) return;
    }
    if (self->demand_count == REDUCED_DEMANDS_MAX) {
        self->overflow = true;
        return;
    }
    self->demands[self->demand_count++] = (struct demand){threads, at, preferred};
}

bool reduced_demand(struct reduced *self, uint32_t at, uint64_t threads, uint32_t preferred)
{
    struct node *node = &self->nodes[at];
    uint64_t able = threads & node->options;
    if (able == 0) return false;
    if (self->beyond) return true; /* then all are tried anyway */
    if (able & (node->backtrack | node->sleep)) return true;
    if (at < self->floor) {
        tell(self, at, able, preferred);
        return true;
    }
    bool is_able = (able & reduced_bit(preferred)) != 0;
    demand(node, is_able ? preferred : (uint32_t)__builtin_ctzll(able));
    return true;
}

void reduced_demand_all(struct reduced *self, uint32_t at)
{
    struct node *node = &self->nodes[at];
    if (self->beyond || (node->options & ~node->backtrack) == 0) return;
    if (at < self->floor) {
        tell(self, at, node->options, REDUCED_THREADS);
        return;
    }
    for (uint64_t left = node->options; left != 0; left &= left - 1) {
        demand(node, (uint32_t)__builtin_ctzll(left));
    }
}

/* Where something was left out because of
 * the bound, whatever it would have shown is unknown: unless what follows another thread there was
 * searched in full, all threads are tried. */
uint32_t reduced_turn(struct node *node)
{
    uint64_t barred = node->done | node->sleep;
    for (uint32_t i = 0; i < node->turn_count; i++) {
        if ((barred & reduced_bit(node->turns[i])) == 0) return node->turns[i];
    }
    uint64_t left = node->whole ? 0 : node->options & ~barred;
    if (left == 0) return REDUCED_THREADS;
    demand(node, (uint32_t)__builtin_ctzll(left));
    return node->turns[node->turn_count - 1];
}

/* --- choices --- */

static struct node *add(struct reduced *self, enum node_kind kind)
{
    if (self->count + 1 == REDUCED_NODES_MAX) {
        world_stop("the search is deeper than %d choices", REDUCED_NODES_MAX);
    }
    uint32_t step_count;
    world_steps(&step_count);
    struct node *node = &self->nodes[self->count];
    memset(node, 0, offsetof(struct node, print));
    node->kind = (uint8_t)kind;
    node->step = step_count;
    return node;
}

static uint32_t thread_of(uint16_t option)
{
    if (option == WORLD_ADVANCE) return REDUCED_TIME;
    if (option + 1 >= REDUCED_THREADS) {
        world_stop("the reduced search takes programs of at most %d threads",
                   REDUCED_THREADS - 1);
    }
    return option + 1u;
}

static uint32_t index_of(const uint16_t *options, uint32_t count, uint32_t thread)
{
    uint16_t option = (uint16_t)(thread == REDUCED_TIME ? WORLD_ADVANCE : thread - 1);
    uint32_t index = 0;
    while (index < count && options[index] != option) index++;
    if (index == count) world_stop("the search lost its way: an execution did not repeat");
    return index;
}

static void keep_pending(struct reduced *self, struct node *node)
{
    node->stalls = world_stalls_left() > 0;
    node->pending = self->pending_used;
    for (uint16_t id = 0; id < world_entity_count() && id + 1 < REDUCED_THREADS; id++) {
        struct pending pending = {.thread = (uint8_t)(id + 1)};
        if (world_entity_enabled(id)) continue;
        for (uint32_t i = 0; world_pending(id, i, &pending.step); i++) {
            if (self->pending_used == PENDING_MAX) world_stop("the search needs too much memory");
            self->pending[self->pending_used++] = pending;
        }
    }
    node->pending_count = self->pending_used - node->pending;
}

/* What can be said of the chosen thread now only. */
static void look_at(struct node *node)
{
    uint16_t id = (uint16_t)(node->thread - 1);
    enum world_class class_ = world_class_of(id);
    node->relaxed = class_ >= WORLD_WINDOW && class_ != WORLD_FAULT;
    node->is_outside = class_ != WORLD_THREAD && class_ != WORLD_SPURIOUS;
    node->tells = world_tells(id);
    node->gave_up = world_gave_up(id);
}

/* Nothing is known yet of what it will do. */
static void choose(struct node *node, uint32_t thread)
{
    node->thread = (uint8_t)thread;
    node->print[thread] = (struct print){0};
    node->met = WORLD_MET_NOTHING;
    node->meets = false;
}

/* Beyond the prefix: the default option, or the first that is not asleep. Where time may pass or
 * not, both have to be tried, as nothing is independent of it. */
static void choose_new(struct reduced *self, struct node *node, const uint16_t *options,
                       uint32_t count)
{
    bool all = inherit_sleep(self, node);
    for (uint32_t i = 0; i < count; i++) node->options |= reduced_bit(thread_of(options[i]));
    uint32_t first = 0;
    while (first < count && node->sleep & reduced_bit(thread_of(options[first]))) first++;
    if (first == count) {
        self->redundant = true;
        world_stop("covered by another execution");
    }
    choose(node, thread_of(options[first]));
    demand(node, node->thread);
    if (!all && !(node->options & reduced_bit(REDUCED_TIME))) return;
    for (uint32_t i = 0; i < count; i++) demand(node, thread_of(options[i]));
}

static void stop_beyond(struct reduced *self)
{
    if (self->bound == NULL || bound_holds(self->bound)) return;
    self->beyond = self->redundant = true;
    world_stop("beyond the bound");
}

static uint32_t take(struct reduced *self, enum node_kind kind, const uint16_t *options,
                     uint32_t count)
{
    struct node *node;
    if (self->overflow) world_stop("a transition touches too many objects for the search");
    if (self->count < self->depth) {
        if (self->fresh) close_transition(self);
        else world_met_forget(); /* it is known */
        node = &self->nodes[self->count++];
        self->closed = false;
    } else {
        close_transition(self);
        stop_beyond(self);
        node = add(self, kind);
        choose_new(self, node, options, count);
        self->count++;
        self->closed = false;
    }
    /* Before the end of the prefix all is as it was. */
    if (node->thread == REDUCED_TIME) keep_pending(self, node);
    else if (self->count >= self->depth) look_at(node);
    return index_of(options, count, node->thread);
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    uint16_t options[WORLD_ENTITIES_MAX + 1], ends[WORLD_CLASSES];
    world_options(options, ends);
    ((struct reduced *)chooser)->idle = false;
    return take((struct reduced *)chooser, NODE_SCHEDULE, options, count);
}

static void forced(struct world_chooser *chooser, uint16_t entity)
{
    struct reduced *self = (struct reduced *)chooser;
    self->idle = entity == WORLD_ADVANCE && world_next_deadline_ns() == WORLD_NEVER;
    if (!self->idle) take(self, NODE_FORCED, &entity, 1);
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    struct reduced *self = (struct reduced *)chooser;
    (void)label;
    if (self->count >= self->depth) {
        struct node *node = add(self, NODE_VALUE);
        node->values = count;
        self->count++;
        self->closed = false;
        return 0;
    }
    self->closed = false;
    return self->nodes[self->count++].value;
}

/* --- executions --- */

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct reduced *self = (struct reduced *)strategy;
    (void)n;
    if (self->complete || self->paused) return false;
    self->count = 0;
    self->pending_used = 0;
    self->redundant = self->idle = self->beyond = self->closed = false;
    return true;
}

void reduced_cut(struct reduced *self, uint32_t nodes)
{
    for (uint32_t at = nodes; at > 0 && !self->nodes[at - 1].cut; at--) {
        self->nodes[at - 1].cut = true;
    }
}

/* True: something else is to be tried there. */
static bool take_turn(struct reduced *self, struct node *node)
{
    self->paused = node->given;
    if (self->paused) return true;
    uint32_t next = reduced_turn(node);
    if (next == REDUCED_THREADS) return false;
    choose(node, next);
    node->cut = false;
    self->pool_used = node->touches + node->touch_count;
    node->touch_count = 0;
    return true;
}

/* All that follows what was chosen there has been searched. */
static bool go_on(struct reduced *self, struct node *node)
{
    node->done |= reduced_bit(node->thread);
    node->whole |= !node->cut;
    return take_turn(self, node);
}

/* The deepest node where something is left to be tried becomes the end of the prefix. The
 * footprints of what was done there stay in the pool; those of deeper nodes go. */
static bool retreat(struct reduced *self)
{
    while (self->count > self->floor) {
        struct node *node = &self->nodes[self->count - 1];
        if (node->kind == NODE_VALUE && node->value + 1 < node->values) {
            node->value++;
            const struct node *transition = last_schedule(self);
            self->pool_used = transition ? transition->touches + transition->touch_count : 0;
            break;
        }
        if (node->kind == NODE_SCHEDULE && go_on(self, node)) break;
        self->count--;
    }
    return self->count > self->floor;
}

static void settle(struct reduced *self, bool complete)
{
    self->complete = complete;
    self->depth = self->count;
    if (self->bound) bound_retreat(self->bound, self);
}

void reduced_resume(struct reduced *self)
{
    struct node *node = &self->nodes[self->count - 1];
    node->given = false;
    if (take_turn(self, node)) {
        settle(self, false);
        return;
    }
    self->count--;
    settle(self, !retreat(self));
}

/* What an execution did at its very end may be beyond the bound, too. */
static bool is_left_out(struct strategy *strategy)
{
    struct reduced *self = (struct reduced *)strategy;
    if (self->bound == NULL) return false;
    close_transition(self);
    self->beyond = !bound_holds(self->bound);
    return self->beyond;
}

static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    struct reduced *self = (struct reduced *)strategy;
    (void)choices, (void)count;
    if (!self->redundant) close_transition(self);
    if (!self->redundant && !self->idle && !reduced_is_cut_off()) {
        struct node *last = last_schedule(self);
        if (last) last->print[last->thread].all = true;
    }
    reduced_races(self);
    self->fresh = false;
    if (self->beyond) reduced_cut(self, self->count);
    settle(self, !retreat(self));
}

static bool redundant(struct strategy *strategy)
{
    const struct reduced *self = (const struct reduced *)strategy;
    return self->redundant || self->beyond; /* beyond: maybe at its very end only */
}

static void destroy(struct strategy *strategy)
{
    struct reduced *self = (struct reduced *)strategy;
    free(self->nodes);
    free(self->pool);
    free(self->pending);
    free(self->demands);
    free(self->clocks);
    bound_free(self->bound);
    free(self);
}

struct strategy *strategy_reduced(enum explore_bound kind, uint32_t limit)
{
    struct reduced *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->nodes = malloc(REDUCED_NODES_MAX * sizeof *self->nodes);
    self->pool = malloc(REDUCED_TOUCHES_MAX * sizeof *self->pool);
    self->pending = malloc(PENDING_MAX * sizeof *self->pending);
    self->demands = malloc(REDUCED_DEMANDS_MAX * sizeof *self->demands);
    self->clocks = calloc(REDUCED_NODES_MAX, sizeof *self->clocks); /* zero beyond the width */
    bool bounded = kind != EXPLORE_UNBOUNDED;
    if (bounded) self->bound = bound_new(kind, limit);
    if (self->nodes == NULL || self->pool == NULL || self->pending == NULL ||
        self->clocks == NULL || self->demands == NULL || (bounded && self->bound == NULL)) {
        destroy(&self->strategy);
        return NULL;
    }
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value, .forced = forced},
        .begin = begin,
        .end = end,
        .text = "reduced search",
        .free = destroy,
        .redundant = redundant,
        .is_left_out = is_left_out,
        .split = &reduced_split,
    };
    return &self->strategy;
}

