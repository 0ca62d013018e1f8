/* Reduced exhaustive search: every behaviour once.
 *
 * Source-set dynamic partial-order reduction with sleep sets (Abdulla, Aronis, Jonsson,
 * Sagonas, "Optimal dynamic partial order reduction", POPL 2014, algorithm 1). Of executions
 * that differ only in the order of independent transitions one is completed; some may be
 * begun and given up as redundant. For programs of at most 64 threads and nothing else:
 * events of an environment have no footprints that could be compared. */
#include "reduced.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static uint64_t bit(uint32_t thread)
{
    return 1ull << thread;
}

/* --- footprints --- */

static bool clash(const struct reduced *self, uint32_t a, uint32_t a_count, uint32_t b,
                  uint32_t b_count)
{
    for (uint32_t i = 0; i < a_count; i++) {
        const struct touch *left = &self->pool[a + i];
        for (uint32_t k = 0; k < b_count; k++) {
            const struct touch *right = &self->pool[b + k];
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

/* The last transition has ended: what it did is known now. Time that passed meanwhile is
 * something that everybody touches. */
static void close_transition(struct reduced *self)
{
    uint32_t step_count;
    const struct world_step *steps = world_steps(&step_count);
    uint32_t at = self->count;
    while (at > 0 && self->nodes[at - 1].kind == NODE_VALUE) at--;
    if (at == 0) return;
    struct node *node = &self->nodes[at - 1];
    uint32_t before = node->touches, before_count = at < self->count ? node->touch_count : 0;
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
    }
    node->print[node->thread].touches = node->touches;
    node->print[node->thread].count = node->touch_count;
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
    if (before == NULL) return;
    uint64_t asleep = (before->sleep | before->done) & ~bit(before->thread);
    for (; asleep != 0; asleep &= asleep - 1) {
        uint32_t thread = (uint32_t)__builtin_ctzll(asleep);
        if (clash(self, before->print[thread].touches, before->print[thread].count,
                  before->touches, before->touch_count)) {
            continue;
        }
        node->sleep |= bit(thread);
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

static uint32_t index_of(const uint16_t *options, uint32_t count, uint32_t thread)
{
    uint32_t index = 0;
    while (index < count && options[index] != thread) index++;
    if (index == count) world_stop("the search lost its way: an execution did not repeat");
    return index;
}

static void run(struct node *node, uint32_t thread)
{
    node->thread = (uint8_t)thread;
    node->backtrack |= bit(thread);
}

/* Beyond the prefix: the default option, or the first that is not asleep. */
static void choose_new(struct reduced *self, struct node *node, const uint16_t *options,
                       uint32_t count)
{
    inherit_sleep(self, node);
    for (uint32_t i = 0; i < count; i++) {
        if (options[i] >= REDUCED_THREADS) {
            world_stop("the reduced search takes programs of at most %d threads",
                       REDUCED_THREADS);
        }
        node->options |= bit(options[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (node->sleep & bit(options[i])) continue;
        run(node, options[i]);
        return;
    }
    self->redundant = true;
    world_stop("covered by another execution");
}

static uint32_t take(struct reduced *self, enum node_kind kind, const uint16_t *options,
                     uint32_t count)
{
    if (self->overflow) world_stop("a transition touches too many objects for the search");
    if (self->count < self->depth) {
        struct node *node = &self->nodes[self->count++];
        return index_of(options, count, node->thread);
    }
    close_transition(self);
    struct node *node = add(self, kind);
    choose_new(self, node, options, count);
    self->count++;
    return index_of(options, count, node->thread);
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    uint16_t options[WORLD_ENTITIES_MAX + 1];
    world_options(options);
    if (!chooser->plain) {
        world_stop("the reduced search takes programs of threads, without an environment");
    }
    return take((struct reduced *)chooser, NODE_SCHEDULE, options, count);
}

static void forced(struct world_chooser *chooser, uint16_t entity)
{
    take((struct reduced *)chooser, NODE_FORCED, &entity, 1);
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
    self->redundant = false;
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
            node->done |= bit(node->thread);
            uint64_t left = node->backtrack & ~node->done & ~node->sleep;
            if (left != 0) {
                node->thread = (uint8_t)__builtin_ctzll(left);
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
    free(self->clocks);
    free(self);
}

struct strategy *strategy_reduced(void)
{
    struct reduced *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->nodes = malloc(REDUCED_NODES_MAX * sizeof *self->nodes);
    self->pool = malloc(REDUCED_TOUCHES_MAX * sizeof *self->pool);
    self->clocks = calloc(REDUCED_NODES_MAX, sizeof *self->clocks); /* zero beyond the width */
    if (self->nodes == NULL || self->pool == NULL || self->clocks == NULL) {
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

