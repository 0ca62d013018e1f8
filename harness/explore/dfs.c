/* Depth-first search over choices, with a bound on deviations from choice 0 (preemptions,
 * optional faults, time that passes early). Switches that are forced because the running
 * thread cannot go on cost nothing, as in context bounding (Musuvathi, Qadeer, "Iterative
 * context bounding for systematic testing of multithreaded programs", PLDI 2007). */
#include "strategy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    uint16_t index, count;
    uint16_t costless; /* options below this one are no deviation */
};

enum { NODES_MAX = 1 << 20 };

struct dfs {
    struct strategy strategy;
    struct node *path;
    uint32_t length; /* of the prefix to follow */
    uint32_t at;
    uint32_t deviations_max;
    bool any_switch; /* a switch away from a thread that cannot go on is a deviation, too */
    uint64_t next; /* number of the next execution */
    bool complete;
    char text[48];
};

static uint32_t take(struct dfs *self, uint32_t count, uint32_t costless)
{
    if (self->at == NODES_MAX) world_stop("the search is deeper than %d choices", NODES_MAX);
    struct node *node = &self->path[self->at++];
    if (self->at > self->length) {
        *node = (struct node){0, (uint16_t)count, (uint16_t)costless};
        self->length = self->at;
    }
    if (node->count != count) {
        world_stop("choice %u has %u options where it had %u before", self->at, count,
                   node->count);
    }
    return node->index;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    uint32_t costless = 1;
    struct dfs *self = (struct dfs *)chooser;
    if (self->any_switch) return take(self, count, costless);
    if (chooser->plain && !world_option_continues()) costless = count;
    while (costless < count && !world_option_continues()) {
        uint16_t option = world_option(costless);
        if (option != WORLD_ADVANCE && world_class_of(option) >= WORLD_SPURIOUS) break;
        costless++;
    }
    return take(self, count, costless);
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    struct dfs *self = (struct dfs *)chooser;
    (void)label;
    return take(self, count, self->any_switch ? 1 : count);
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct dfs *self = (struct dfs *)strategy;
    (void)n;
    self->at = 0;
    return !self->complete;
}

static uint32_t deviates(const struct node *node)
{
    return node->index >= node->costless;
}

/* The next path: the deepest choice that has another option within the bound. */
static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    struct dfs *self = (struct dfs *)strategy;
    (void)choices, (void)count;
    uint32_t spent = 0;
    for (uint32_t i = 0; i < self->at; i++) spent += deviates(&self->path[i]);
    for (uint32_t i = self->at; i-- > 0;) {
        struct node *node = &self->path[i];
        spent -= deviates(node);
        if (node->index + 1 == node->count) continue;
        node->index++;
        if (spent + deviates(node) <= self->deviations_max) {
            self->length = i + 1;
            return;
        }
    }
    self->complete = true;
}

static void destroy(struct strategy *strategy)
{
    free(((struct dfs *)strategy)->path);
    strategy_free(strategy);
}

struct strategy *strategy_dfs(uint32_t deviations, bool any_switch)
{
    struct dfs *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->path = malloc(NODES_MAX * sizeof *self->path);
    if (self->path == NULL) {
        free(self);
        return NULL;
    }
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value},
        .begin = begin,
        .end = end,
        .text = self->text,
        .free = destroy,
    };
    self->deviations_max = deviations;
    self->any_switch = any_switch;
    snprintf(self->text, sizeof self->text, "dfs preemptions=%u", deviations);
    return &self->strategy;
}
