/* Reduced exhaustive search: every behaviour once.
 *
 * Source-set dynamic partial-order reduction with sleep sets (Abdulla, Aronis, Jonsson,
 * Sagonas, "Optimal dynamic partial order reduction", POPL 2014, algorithm 1). Of executions
 * that differ only in the order of independent transitions one is completed; some may be
 * begun and given up as redundant. For at most 63 threads, actors and events.
 *
 * Time acts like a thread whose only operation, to pass, depends on everything. What the
 * environment does - fakes, actors, deliveries, faults - all depends on each other, because what
 * it touches is not known. */
#include "reduced.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { PENDING_MAX = 1 << 16 };

/* Stand for what is left of the spurious wakeups that are allowed, and for all that the
 * environment knows. */
static const char spurious_left, environment;

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
        return;
    }
    if (self->pool_used == REDUCED_TOUCHES_MAX) world_stop("the search needs too much memory");
    self->pool[self->pool_used++] = (struct touch){place, write};
    node->touch_count++;
}

/* The last transition has ended: what it did is known now. */
static void close_transition(struct reduced *self)
{
    uint32_t step_count;
    const struct world_step *steps = world_steps(&step_count);
    enum world_met met = world_met();
    uint32_t at = self->count;
    while (at > 0 && self->nodes[at - 1].kind == NODE_VALUE) at--;
    if (at == 0) return;
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
        if (step->op == WORLD_OP_ADVANCE || step->access == WORLD_NONE) continue;
        touch(self, node, world_object_address(step->object), step->access == WORLD_WRITE);
        if (reduced_is_spurious(step)) touch(self, node, &spurious_left, true);
        if (step->op == WORLD_OP_WAIT) touch(self, node, &spurious_left, false);
    }
    node->met = (uint8_t)(several && node->met > met ? node->met : met);
    if (node->met != WORLD_MET_NOTHING || node->is_outside) touch(self, node, &environment, true);
    all |= node->met == WORLD_MET_ALL;
    node->print[node->thread] = (struct print){node->touches, node->touch_count, all};
}

static struct node *last_schedule(struct reduced *self)
{
    uint32_t at = self->count;
    while (at > 0 && self->nodes[at - 1].kind == NODE_VALUE) at--;
    return at > 0 ? &self->nodes[at - 1] : NULL;
}

/* Who still sleeps after the transition of the node before: those that it did not disturb. */
static void inherit_sleep(struct reduced *self, struct node *node)
{
    const struct node *before = last_schedule(self);
    if (before == NULL || before->thread == REDUCED_TIME) return;
    uint64_t asleep = (before->sleep | before->done) &
                      ~(reduced_bit(before->thread) | reduced_bit(REDUCED_TIME));
    for (; asleep != 0; asleep &= asleep - 1) {
        uint32_t thread = (uint32_t)__builtin_ctzll(asleep);
        if (clash(self, &before->print[thread], &before->print[before->thread])) continue;
        node->sleep |= reduced_bit(thread);
        node->print[thread] = before->print[thread];
    }
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
    node->gave_up = world_gave_up(id);
}

/* Nothing is known yet of what it will do. */
static void choose(struct node *node, uint32_t thread)
{
    node->thread = (uint8_t)thread;
    node->print[thread] = (struct print){0};
    node->met = WORLD_MET_NOTHING;
}

/* Beyond the prefix: the default option, or the first that is not asleep. Where time may pass or
 * not, both have to be tried, as nothing is independent of it. */
static void choose_new(struct reduced *self, struct node *node, const uint16_t *options,
                       uint32_t count)
{
    inherit_sleep(self, node);
    for (uint32_t i = 0; i < count; i++) node->options |= reduced_bit(thread_of(options[i]));
    if (node->options & reduced_bit(REDUCED_TIME)) node->backtrack = node->options;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t thread = thread_of(options[i]);
        if (node->sleep & reduced_bit(thread)) continue;
        choose(node, thread);
        node->backtrack |= reduced_bit(thread);
        return;
    }
    self->redundant = true;
    world_stop("covered by another execution");
}

static uint32_t take(struct reduced *self, enum node_kind kind, const uint16_t *options,
                     uint32_t count)
{
    struct node *node;
    if (self->overflow) world_stop("a transition touches too many objects for the search");
    if (self->count < self->depth) {
        world_met(); /* what was met before is known */
        node = &self->nodes[self->count++];
    } else {
        close_transition(self);
        node = add(self, kind);
        choose_new(self, node, options, count);
        self->count++;
    }
    /* Before the end of the prefix all is as it was. */
    if (node->thread == REDUCED_TIME) keep_pending(self, node);
    else if (self->count >= self->depth) look_at(node);
    return index_of(options, count, node->thread);
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    uint16_t options[WORLD_ENTITIES_MAX + 1];
    world_options(options);
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
        return 0;
    }
    return self->nodes[self->count++].value;
}

/* --- executions --- */

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct reduced *self = (struct reduced *)strategy;
    (void)n;
    self->count = 0;
    self->pending_used = 0;
    self->redundant = self->idle = false;
    return !self->complete;
}

/* The deepest node where something is left to be tried becomes the end of the prefix. The
 * footprints of what was done there stay in the pool; those of deeper nodes go. */
static bool retreat(struct reduced *self)
{
    while (self->count > 0) {
        struct node *node = &self->nodes[self->count - 1];
        if (node->kind == NODE_VALUE && node->value + 1 < node->values) {
            node->value++;
            const struct node *transition = last_schedule(self);
            self->pool_used = transition ? transition->touches + transition->touch_count : 0;
            break;
        }
        if (node->kind == NODE_SCHEDULE) {
            node->done |= reduced_bit(node->thread);
            uint64_t left = node->backtrack & ~node->done & ~node->sleep;
            if (left != 0) {
                choose(node, (uint32_t)__builtin_ctzll(left));
                self->pool_used = node->touches + node->touch_count;
                node->touch_count = 0;
                break;
            }
        }
        self->count--;
    }
    return self->count > 0;
}

static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    struct reduced *self = (struct reduced *)strategy;
    (void)choices, (void)count;
    if (!self->redundant) close_transition(self);
    if (!self->redundant && !self->idle) {
        struct node *last = last_schedule(self);
        if (last) last->print[last->thread].all = true;
    }
    reduced_races(self);
    self->complete = !retreat(self);
    self->depth = self->count;
}

static bool redundant(struct strategy *strategy)
{
    return ((const struct reduced *)strategy)->redundant;
}

static void destroy(struct strategy *strategy)
{
    struct reduced *self = (struct reduced *)strategy;
    free(self->nodes);
    free(self->pool);
    free(self->pending);
    free(self->clocks);
    free(self);
}

struct strategy *strategy_reduced(void)
{
    struct reduced *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->nodes = malloc(REDUCED_NODES_MAX * sizeof *self->nodes);
    self->pool = malloc(REDUCED_TOUCHES_MAX * sizeof *self->pool);
    self->pending = malloc(PENDING_MAX * sizeof *self->pending);
    self->clocks = calloc(REDUCED_NODES_MAX, sizeof *self->clocks); /* zero beyond the width */
    if (self->nodes == NULL || self->pool == NULL || self->pending == NULL ||
        self->clocks == NULL) {
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
    };
    return &self->strategy;
}

