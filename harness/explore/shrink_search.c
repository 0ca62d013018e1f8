/* The end of shrinking: a failure from which nothing can be left out may still not be the best, for
 * quite a different one may be better. So executions are enumerated, those only that can be better
 * than the best one known:
 *
 * - those that make the same steps in an order that is equivalent (rules.h): where a thread that
 *   may not go on yet is not blocked, it would be preempted, so there are few;
 * - all with one choice that is not the default, then all with two, and so on;
 * - all without preemptions, then all with one, and so on (iterative context bounding).
 *
 * Each as long as it takes no more than its share of the steps. */
#include "rules.h"
#include "shrink.h"

#include <stdlib.h>

enum { OPTIONS_MAX = 1 << 20, WAYS = 3 };

struct option {
    uint16_t index;
    uint16_t kind; /* enum cost_kind */
};

/* A choice: its options lie in one heap for all; the first ones are those of the first choice. */
struct node {
    uint32_t first, count, at;
};

struct search {
    struct strategy strategy;
    const struct explore_cost *best;
    struct rules *rules;       /* NULL: every order is allowed */
    struct node *path;
    struct option *options;
    uint32_t length, at;       /* what is followed, and where it stands */
    struct explore_cost cost;  /* up to there */
    uint32_t choices_max, preemptions_max;
    bool lost;                 /* nothing that is allowed was left: the rest does not matter */
    bool more, complete;       /* some were left out because of these bounds; none is left */
    uint32_t share;            /* steps that each way of searching may spend */
};

/* --- one execution --- */

/* Whether the execution, with one more choice of that kind, can be better. */
static bool is_allowed(struct search *self, enum cost_kind kind)
{
    struct explore_cost cost = self->cost;
    if (kind == COST_NONE) return true;
    cost.of[kind]++;
    cost.steps = UINT32_MAX;
    if (!cost_less(&cost, self->best)) return false;
    bool within = cost_choices(&cost) <= self->choices_max &&
                  cost.of[COST_PREEMPTION] <= self->preemptions_max;
    self->more |= !within;
    return within;
}

/* The first option from `at` on that is allowed; the count: none. */
static uint32_t find_option(struct search *self, const struct node *node, uint32_t at)
{
    while (at < node->count &&
           !is_allowed(self, (enum cost_kind)self->options[node->first + at].kind)) {
        at++;
    }
    return at;
}

static const struct option *chosen(const struct search *self, const struct node *node)
{
    return &self->options[node->first + node->at];
}

static uint32_t options_used(const struct search *self)
{
    const struct node *last = &self->path[self->length - 1];
    return self->length == 0 ? 0 : last->first + last->count;
}

/* The options at a choice that is made for the first time; false: none is allowed. */
static bool add_node(struct search *self, uint32_t count, bool is_value)
{
    struct node node = {.first = options_used(self)};
    uint16_t option[WORLD_ENTITIES_MAX + 1], ends[WORLD_CLASSES];
    if (node.first + count > OPTIONS_MAX) return false;
    if (!is_value) world_options(option, ends);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_value && self->rules && !rules_permit(self->rules, option[i])) continue;
        enum cost_kind kind = i == 0 ? COST_NONE : COST_OTHER;
        if (!is_value && i > 0) kind = cost_of_other(option[0], option[i]);
        self->options[node.first + node.count++] = (struct option){(uint16_t)i, (uint16_t)kind};
    }
    node.at = find_option(self, &node, 0);
    if (node.at == node.count) return false;
    self->path[self->length++] = node;
    return true;
}

static uint32_t take(struct search *self, uint32_t count, bool is_value)
{
    if (self->lost || self->at == TOKEN_CHOICES_MAX) return 0;
    if (self->at == self->length && !add_node(self, count, is_value)) {
        self->lost = true;
        return 0;
    }
    const struct option *option = chosen(self, &self->path[self->at++]);
    self->cost.of[option->kind]++;
    return option->index;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct search *self = (struct search *)chooser;
    if (self->rules) rules_update(self->rules);
    return take(self, count, false);
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    (void)label;
    return take((struct search *)chooser, count, true);
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct search *self = (struct search *)strategy;
    (void)n;
    if (self->rules) rules_reset(self->rules);
    self->cost = (struct explore_cost){0};
    self->at = 0;
    self->lost = false;
    return true;
}

/* The next path: the deepest choice that has another option. */
static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    struct search *self = (struct search *)strategy;
    (void)choices, (void)count;
    while (self->at-- > 0) {
        struct node *node = &self->path[self->at];
        self->cost.of[chosen(self, node)->kind]--;
        uint32_t next = find_option(self, node, node->at + 1);
        if (next == node->count) continue;
        node->at = next;
        self->length = self->at + 1;
        return;
    }
    self->complete = true;
}

/* The search itself is kept. */
static void keep(struct strategy *strategy)
{
    (void)strategy;
}

/* --- many --- */

/* All within the bounds. True when that made it better. */
static bool enumerate(struct shrink *shrink, struct search *self, uint32_t *steps)
{
    uint32_t before = shrink->kept;
    self->complete = self->more = false;
    self->length = 0;
    while (!self->complete && *steps > 0) {
        if (shrink_run(shrink, &self->strategy) && !self->lost) shrink_keep(shrink);
        uint32_t spent = shrink->spent + 1;
        *steps -= spent < *steps ? spent : *steps;
    }
    return shrink->kept > before;
}

/* With these bounds, then with wider ones, until something was better or nothing is left. */
static bool widen(struct shrink *shrink, struct search *self, uint32_t *bound)
{
    uint32_t steps = self->share;
    bool better = false;
    for (self->more = true; self->more && !better && steps > 0; ++*bound) {
        better = enumerate(shrink, self, &steps);
    }
    return better;
}

static bool search_equivalent(struct shrink *shrink, struct search *self)
{
    const struct explore_failure *best = shrink->best;
    if (best->cost.of[COST_PREEMPTION] == 0) return false;
    shrink_run(shrink, strategy_replay(best->choices, best->count, false));
    self->rules = rules_new();
    self->choices_max = UINT32_MAX;
    self->preemptions_max = 0;
    bool better = self->rules && widen(shrink, self, &self->preemptions_max);
    rules_free(self->rules);
    self->rules = NULL;
    return better;
}

static bool search_few(struct shrink *shrink, struct search *self)
{
    self->preemptions_max = UINT32_MAX;
    self->choices_max = 1;
    return widen(shrink, self, &self->choices_max);
}

static bool search_by_preemptions(struct shrink *shrink, struct search *self)
{
    self->choices_max = UINT32_MAX;
    self->preemptions_max = 0;
    return widen(shrink, self, &self->preemptions_max);
}

/* Nothing that could be better was left out. */
static bool is_complete(const struct search *self)
{
    return self->complete && !self->more;
}

enum shrink_found shrink_search(struct shrink *shrink, uint32_t steps)
{
    struct search self = {
        .strategy = {.chooser = {.schedule = schedule, .value = value},
                     .begin = begin, .end = end, .free = keep},
        .best = &shrink->best->cost,
        .path = malloc(TOKEN_CHOICES_MAX * sizeof *self.path),
        .options = malloc(OPTIONS_MAX * sizeof *self.options),
        .share = steps / WAYS,
    };
    enum shrink_found found = SHRINK_NOT_KNOWN;
    if (cost_choices(&shrink->best->cost) == 0) {
        found = SHRINK_NOTHING;
    } else if (self.path && self.options) {
        if (search_equivalent(shrink, &self) || search_few(shrink, &self)) {
            found = SHRINK_BETTER;
        } else if (is_complete(&self)) {
            found = SHRINK_NOTHING;
        } else if (search_by_preemptions(shrink, &self)) {
            found = SHRINK_BETTER;
        } else if (is_complete(&self)) {
            found = SHRINK_NOTHING;
        }
    }
    free(self.options);
    free(self.path);
    return found;
}
