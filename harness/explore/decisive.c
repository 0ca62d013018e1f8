/* Finding the decisive pair. The failing execution F is compared with a passing one P: it lacks
 * a single deviation or, where that gives nothing, is a random walk. Between them are the
 * executions that begin as F does and go on in the order of P: the more of F, the later they leave
 * it. Where these turn from passing to failing, one step of F has come too early. That step is
 * then moved back, past one step of the others after another, until the execution passes: the
 * last one it was moved past is its partner.
 *
 * The idea of mixing a failing and a passing schedule until one difference is left is Choi's and
 * Zeller's (ISSTA 2002). */
#include "decisive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"

enum { EXECUTIONS_MAX = 2000, STRIDES = 64, WALKS = 32 };
enum outcome { PASSES, FAILS, NEITHER };

struct list {
    struct order_step *steps;
    uint32_t count;
};

struct search {
    const struct explore_subject *subject;
    const struct explore_failure *failure;
    struct order_names names;
    struct order_values values;
    struct list failing, passing;
    struct order_step *order;  /* of the execution that is tried */
    uint32_t kept[ORDER_NAMES_MAX];
    uint32_t executions;
};

static enum outcome outcome_of(const struct search *self, uint32_t id)
{
    if (id == EXPLORE_PASSED) return PASSES;
    return id == self->failure->id ? FAILS : NEITHER;
}

static bool is_same(const struct order_step *one, const struct order_step *other)
{
    return one->thread == other->thread && one->number == other->number;
}

/* Steps of each thread among the first ones of F. */
static void count_kept(struct search *self, uint32_t kept)
{
    memset(self->kept, 0, sizeof self->kept);
    for (uint32_t i = 0; i < kept; i++) self->kept[self->failing.steps[i].thread]++;
}

/* --- mixed orders --- */

/* self->order = the first `kept` steps of F, then the rest of P, in which that step of F stands
 * behind `late` others (UINT32_MAX: where P has it). Returns the count; *partner is the one that
 * follows the step. */
static uint32_t mix(struct search *self, uint32_t kept, uint32_t late,
                    const struct order_step **partner)
{
    const struct order_step *moved = &self->failing.steps[kept]; /* there is room for one more */
    uint32_t count = 0, before = 0;
    bool placed = late == UINT32_MAX;
    memcpy(self->order, self->failing.steps, kept * sizeof *self->order);
    count_kept(self, kept);
    count = kept;
    if (partner) *partner = NULL;
    for (uint32_t i = 0; i < self->passing.count; i++) {
        const struct order_step *step = &self->passing.steps[i];
        if (step->number < self->kept[step->thread]) continue;
        if (!placed && before == late) {
            self->order[count++] = *moved;
            if (partner) *partner = step;
            placed = true;
        }
        if (late != UINT32_MAX && is_same(step, moved)) continue;
        self->order[count++] = *step;
        before++;
    }
    if (!placed) self->order[count++] = *moved;
    return count;
}

static enum outcome run_order(struct search *self, uint32_t count)
{
    struct world_result result;
    struct strategy *strategy =
        order_strategy(&self->names, self->order, count, &self->values);
    if (strategy == NULL) return NEITHER;
    self->executions++;
    uint32_t id = explore_execute(self->subject, strategy, &result);
    strategy->free(strategy);
    return outcome_of(self, id);
}

/* --- where the outcome turns --- */

/* The more of F, or the later the step: one of a row of executions. */
struct row {
    uint32_t low, high;   /* the first and the last */
    enum outcome from, to;
    uint32_t kept;        /* UINT32_MAX: the row is of how much is kept */
};

static enum outcome run_at(struct search *self, const struct row *row, uint32_t at)
{
    if (self->executions > EXECUTIONS_MAX) return NEITHER;
    if (row->kept == UINT32_MAX) return run_order(self, mix(self, at, UINT32_MAX, NULL));
    return run_order(self, mix(self, row->kept, at, NULL));
}

/* In strides, and then one by one: *turn is the first of that kind after one of the other. */
static bool find_turn(struct search *self, const struct row *row, uint32_t *turn)
{
    uint32_t stride = (row->high - row->low) / STRIDES + 1;
    for (uint32_t at = row->low; at < row->high; at += stride) {
        uint32_t end = row->high - at < stride ? row->high : at + stride;
        if (run_at(self, row, end) != row->to) continue;
        enum outcome before = run_at(self, row, at), now = before;
        for (*turn = at; now != row->to && *turn < end;) {
            before = now;
            now = run_at(self, row, ++*turn);
        }
        if (now == row->to && before == row->from) return true;
    }
    return false;
}

/* The first step of F that must not come so early: with it, in the order of P from there on, it
 * fails; without it, it passes. */
static bool find_step(struct search *self, uint32_t *at)
{
    struct row row = {.high = self->failing.count, .from = PASSES, .to = FAILS,
                      .kept = UINT32_MAX};
    while (row.low < self->failing.count && row.low < self->passing.count &&
           is_same(&self->failing.steps[row.low], &self->passing.steps[row.low])) {
        row.low++;
    }
    if (!find_turn(self, &row, at)) return false;
    --*at;
    return true;
}

/* How far that step can be moved back while it still fails; *partner is the one behind which it
 * passes. */
static bool find_partner(struct search *self, uint32_t at, uint32_t *late,
                         struct order_step *partner)
{
    struct row row = {.high = self->passing.count, .from = FAILS, .to = PASSES, .kept = at};
    const struct order_step *next;
    if (!find_turn(self, &row, late)) return false;
    mix(self, at, --*late, &next);
    if (next == NULL) return false;
    *partner = *next;
    return partner->thread != self->failing.steps[at].thread;
}

/* --- where the two steps are made --- */

struct watch {
    const struct search *search;
    const struct order_step *step[2];
    struct decisive_step *out[2];
    uint32_t made[ORDER_NAMES_MAX];
    bool seen[2];
};

static void note(struct decisive_step *out, const struct world_step *step)
{
    bool time = step->entity == WORLD_ADVANCE, object = !time && step->object != 0;
    const char *point = object ? world_point_name(step->object) : "";
    snprintf(out->thread, sizeof out->thread, "%s", time ? "" : world_entity_name(step->entity));
    snprintf(out->op, sizeof out->op, "%s", time ? "time passes" : world_op_words[step->op]);
    if (point[0]) {
        snprintf(out->op, sizeof out->op, "%s", point);
    } else if (object) {
        snprintf(out->kind, sizeof out->kind, "%s", world_object_kind(step->object));
        out->object = world_object_address(step->object);
    }
    if (!time) world_stack_here(&out->stack);
}

static void observe(void *context, const struct world_step *step)
{
    struct watch *watch = context;
    const char *name = step->entity == WORLD_ADVANCE ? "(time)" : world_entity_name(step->entity);
    for (uint32_t i = 0; i < 2; i++) {
        const struct order_step *wanted = watch->step[i];
        if (watch->seen[i] || strcmp(order_thread(&watch->search->names, wanted), name) != 0) {
            continue;
        }
        if (watch->made[i]++ < wanted->number) continue;
        note(watch->out[i], step);
        watch->out[i]->number = wanted->number;
        watch->seen[i] = true;
    }
}

static void run_watched(struct search *self, struct watch *watch, uint32_t at, uint32_t late)
{
    memset(watch->made, 0, sizeof watch->made);
    world_observe(observe, watch);
    run_order(self, mix(self, at, late, NULL));
    world_observe(NULL, NULL);
}

/* Of a step that the failing execution never makes, the passing one has the place. */
static bool tell(struct search *self, uint32_t at, uint32_t late, const struct order_step *partner,
                 struct decisive *decisive)
{
    struct watch watch = {.search = self,
                          .step = {&self->failing.steps[at], partner},
                          .out = {&decisive->first, &decisive->second}};
    run_watched(self, &watch, at, late);
    if (watch.seen[0] && !watch.seen[1]) {
        decisive->second.never = true;
        run_watched(self, &watch, at, late + 1);
    }
    return watch.seen[0] && watch.seen[1];
}

/* --- the passing execution --- */

static enum outcome run_strategy(struct search *self, struct strategy *strategy, struct list *list)
{
    struct world_result result;
    list->steps = NULL;
    if (strategy == NULL) return NEITHER;
    uint32_t id = explore_execute(self->subject, strategy, &result);
    strategy->free(strategy);
    list->steps = order_take(&self->names, &list->count);
    return list->steps ? outcome_of(self, id) : NEITHER;
}

static enum outcome run_failing(struct search *self)
{
    const struct explore_failure *failure = self->failure;
    return run_strategy(self, order_recorder(failure->choices, failure->count, &self->values),
                        &self->failing);
}

/* Without the deviation at that choice. */
static enum outcome run_without(struct search *self, uint32_t choice)
{
    const struct explore_failure *failure = self->failure;
    uint16_t *choices = malloc((failure->count + 1) * sizeof *choices);
    if (choices == NULL) return NEITHER;
    memcpy(choices, failure->choices, failure->count * sizeof *choices);
    choices[choice] = 0;
    enum outcome outcome = run_strategy(
        self, strategy_replay(choices, failure->count, false), &self->passing);
    free(choices);
    return outcome;
}

static bool compare(struct search *self, struct decisive *decisive)
{
    struct order_step partner;
    uint32_t at, late;
    self->order = calloc(self->failing.count + self->passing.count + 1, sizeof *self->order);
    bool found = self->order && find_step(self, &at) && find_partner(self, at, &late, &partner) &&
                 tell(self, at, late, &partner, decisive);
    free(self->order);
    return found;
}

/* By the execution that has just run, if it passed. */
static void try(struct search *self, enum outcome outcome, struct decisive *decisive)
{
    if (outcome == PASSES) decisive->found = compare(self, decisive);
    free(self->passing.steps);
}

void explore_decisive(const struct explore_subject *subject, const struct explore_failure *failure,
                      struct decisive *decisive)
{
    struct search *self = calloc(1, sizeof *self);
    *decisive = (struct decisive){0};
    if (self == NULL) return;
    self->subject = subject;
    self->failure = failure;
    bool fails = run_failing(self) == FAILS;
    for (uint32_t choice = failure->count; fails && !decisive->found && choice-- > 0;) {
        if (failure->choices[choice] != 0) try(self, run_without(self, choice), decisive);
    }
    /* The default schedule fails, or what a deviation did is more than an order. */
    for (uint32_t walk = 1; fails && !decisive->found && walk <= WALKS; walk++) {
        struct strategy *strategy = strategy_random(walk, failure->count, true);
        try(self, run_strategy(self, strategy, &self->passing), decisive);
    }
    free(self->failing.steps);
    free(self);
}
