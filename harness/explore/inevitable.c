#include "inevitable.h"

#include <stdlib.h>

/* Continuations of a prefix that only narrow the search, and of the one that is told. */
enum { QUICK = 8, SURE = 100, RUNS_MAX = 500, SEED = 1 };

/* Keeps a prefix, then leaves the choices to another strategy; NULL: the default ones. */
struct continuation {
    struct strategy strategy;
    const uint16_t *choices;
    uint32_t count, at;
    struct strategy *rest;
    uint64_t number;
};

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct continuation *self = (struct continuation *)chooser;
    if (self->at < self->count) return self->choices[self->at++];
    if (self->rest == NULL) return 0;
    self->rest->chooser.plain = chooser->plain;
    return self->rest->chooser.schedule(&self->rest->chooser, count);
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    struct continuation *self = (struct continuation *)chooser;
    if (self->at < self->count) return self->choices[self->at++];
    if (self->rest == NULL) return 0;
    return self->rest->chooser.value(&self->rest->chooser, count, label);
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct continuation *self = (struct continuation *)strategy;
    (void)n;
    self->at = 0;
    return self->rest == NULL || self->rest->begin(self->rest, self->number);
}

struct search {
    const struct explore_subject *subject;
    uint32_t id;               /* the broken promise */
    const uint16_t *choices;   /* all of the failing execution's */
    uint32_t count;
    struct strategy *walk, *calm_walk;
    uint32_t runs, runs_max;
    uint32_t open;             /* shortest prefix without a known escape */
};

/* By default; then random walks, every other one without optional faults. */
static struct strategy *rest_of(const struct search *search, uint32_t i)
{
    if (i == 0) return NULL;
    return i % 2 == 1 ? search->calm_walk : search->walk;
}

/* The last execution escaped: no prefix that it shares is a point of no return. */
static void keep_escape(struct search *search)
{
    uint32_t used, shared = 0;
    const struct world_choice *made = explore_choices(&used);
    while (shared < used && shared < search->count &&
           made[shared].index == search->choices[shared]) {
        shared++;
    }
    if (shared + 1 > search->open) search->open = shared + 1;
}

/* Whether one of so many continuations escapes; *tried counts those that fail. */
static bool escapes(struct search *search, uint32_t kept, uint32_t tries, uint32_t *tried)
{
    *tried = 0;
    for (uint32_t i = 0; i < tries && search->runs < search->runs_max; i++, search->runs++) {
        struct world_result result;
        struct continuation continuation = {
            .strategy = {.chooser = {.schedule = schedule, .value = value}, .begin = begin},
            .choices = search->choices,
            .count = kept,
            .rest = rest_of(search, i),
            .number = (uint64_t)kept * SURE + i,
        };
        uint32_t id = explore_execute(search->subject, &continuation.strategy, &result);
        if (result.end == WORLD_CUT) continue;
        if (id != search->id) {
            keep_escape(search);
            return true;
        }
        ++*tried;
    }
    return false;
}

/* The shortest prefix without an escape, as far as a few continuations each can tell. */
static uint32_t narrow(struct search *search)
{
    uint32_t closed = search->count, tried; /* by construction */
    while (search->open < closed) {
        uint32_t middle = search->open + (closed - search->open) / 2;
        if (!escapes(search, middle, QUICK, &tried)) {
            closed = middle;
        } else if (search->open > closed) {
            closed = search->count; /* an escape from further on */
        }
    }
    return closed;
}

static void find(struct search *search, struct inevitable *out)
{
    do {
        out->kept = narrow(search);
        out->found = out->kept == search->count ||
                     !escapes(search, out->kept, SURE, &out->tried);
    } while (!out->found && search->runs < search->runs_max);
    if (out->kept < search->count && search->runs == search->runs_max) out->found = false;
}

void explore_inevitable(const struct explore_subject *subject,
                        const struct explore_failure *failure, struct inevitable *out)
{
    static uint16_t choices[TOKEN_CHOICES_MAX];
    struct world_result result;
    struct search search = {.subject = subject, .id = failure->id, .choices = choices,
                            .runs_max = explore_affordable(failure, RUNS_MAX)};
    *out = (struct inevitable){0};
    explore_replay(subject, failure->choices, failure->count, false, &result);
    const struct world_choice *made = explore_choices(&search.count);
    for (uint32_t i = 0; i < search.count; i++) choices[i] = made[i].index;
    out->total = search.count;
    search.walk = strategy_random(SEED, search.count + 1, false);
    search.calm_walk = strategy_random(SEED, search.count + 1, true);
    if (search.walk && search.calm_walk) find(&search, out);
    free(search.walk);
    free(search.calm_walk);
}

uint32_t inevitable_step(const struct inevitable *inevitable)
{
    uint32_t count, at = 0;
    const struct world_step *steps = world_steps(&count);
    while (at + 1 < count && steps[at].choices < inevitable->kept) at++;
    return at;
}
