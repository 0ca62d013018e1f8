/* Depth-first search over choices, with a bound on deviations from choice 0 (preemptions,
 * optional faults, time that passes early). Switches that are forced because the running
 * thread cannot go on cost nothing, as in context bounding (Musuvathi, Qadeer, "Iterative
 * context bounding for systematic testing of multithreaded programs", PLDI 2007). */
#include "split.h"
#include "strategy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    uint16_t index, count;
    uint16_t costless; /* options below this one are no deviation */
    bool given;        /* its other options are searched elsewhere */
};

enum { NODES_MAX = 1 << 20 };

struct dfs {
    struct strategy strategy;
    struct node *path;
    uint32_t length; /* of the prefix to follow */
    uint32_t floor;  /* so much of it stays as it is */
    uint32_t paused; /* at that choice, counted from 1 */
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
        *node = (struct node){0, (uint16_t)count, (uint16_t)costless, false};
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
    return !self->complete && self->paused == 0;
}

static uint32_t deviates(const struct node *node)
{
    return node->index >= node->costless;
}

static uint32_t deviations(const struct dfs *self, uint32_t count)
{
    uint32_t spent = 0;
    for (uint32_t i = 0; i < count; i++) spent += deviates(&self->path[i]);
    return spent;
}

/* Whether that choice has another option within the bound, after so many deviations. Options that
 * are none come first. */
static bool has_next(const struct dfs *self, const struct node *node, uint32_t spent)
{
    struct node next = *node;
    return ++next.index < next.count && spent + deviates(&next) <= self->deviations_max;
}

/* The next path: the deepest of the first choices that has another option within the bound. */
static void go_on(struct dfs *self, uint32_t choices)
{
    uint32_t spent = deviations(self, choices);
    for (uint32_t i = choices; i-- > self->floor;) {
        struct node *node = &self->path[i];
        spent -= deviates(node);
        if (node->given) {
            self->paused = i + 1;
            return;
        }
        if (!has_next(self, node, spent)) continue;
        node->index++;
        self->length = i + 1;
        return;
    }
    self->complete = true;
}

static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    struct dfs *self = (struct dfs *)strategy;
    (void)choices, (void)count;
    go_on(self, self->at);
}

/* --- dividing it: the other options of one choice are a part --- */

static uint32_t give(struct strategy *strategy, struct parcel *part)
{
    struct dfs *self = (struct dfs *)strategy;
    uint32_t at = self->floor, spent = deviations(self, at);
    uint32_t end = self->paused ? self->paused - 1 : self->length;
    for (; at < end; at++) {
        struct node *node = &self->path[at];
        if (!node->given && has_next(self, node, spent)) break;
        spent += deviates(node);
    }
    if (at >= end) return 0;
    uint32_t count = at + 1;
    parcel_put(part, &count, sizeof count);
    parcel_put(part, self->path, count * sizeof *self->path);
    if (part->overflow) return 0;
    self->path[at].given = true;
    return count;
}

static void adopt(struct strategy *strategy, struct parcel *part)
{
    struct dfs *self = (struct dfs *)strategy;
    parcel_get(part, &self->length, sizeof self->length);
    parcel_get(part, self->path, self->length * sizeof *self->path);
    for (uint32_t i = 0; i < self->length; i++) self->path[i].given = false;
    self->floor = self->length - 1;
    self->path[self->floor].index++;
}

/* Whatever was found there makes no difference to the rest. */
static void say_nothing(struct strategy *strategy, struct parcel *parcel)
{
    (void)strategy, (void)parcel;
}

static uint32_t paused(struct strategy *strategy)
{
    return ((struct dfs *)strategy)->paused;
}

static void resume(struct strategy *strategy, struct parcel *report)
{
    struct dfs *self = (struct dfs *)strategy;
    uint32_t at = self->paused;
    self->paused = 0;
    self->path[at - 1].given = false;
    go_on(self, report ? at - 1 : at);
}

static const struct split split = {
    .give = give,
    .adopt = adopt,
    .tell = say_nothing,
    .report = say_nothing,
    .paused = paused,
    .hear = say_nothing,
    .resume = resume,
};

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
        .split = &split,
    };
    self->deviations_max = deviations;
    self->any_switch = any_switch;
    snprintf(self->text, sizeof self->text, "dfs preemptions=%u", deviations);
    return &self->strategy;
}
