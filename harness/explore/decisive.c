/* Finding the decisive pair. Each candidate is tried in both orders: as many steps of the failing
 * execution as come before the first one; what the others do up to the second one; then the two of
 * them, and what is left. The one fails if they come as they did, the other one passes.
 *
 * Candidates, best first: what a thread would have done next where the schedule left the default,
 * with what the others did meanwhile, the last of it first; then every two steps in conflict; then
 * what threads would have done next in the end. That a failure turns on the order
 * of two steps, and that mixed executions show which, is Choi's and Zeller's idea (ISSTA 2002). */
#include "decisive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/world/gate.h"
#include "order.h"

enum {
    EXECUTIONS_MAX = 2000,
    NEXT_MAX = 8,            /* steps of a thread that was put off */
    UNMADE_MAX = 4,          /* steps of a thread after its last one */
    TIME = 0,                /* its place among the names */
};

/* The object of a step that is not known: in conflict with all others. */
static const uint32_t ALWAYS = UINT32_MAX;

struct search {
    const struct explore_subject *subject;
    const struct explore_failure *failure;
    struct order_names names;
    struct order_values values;
    struct meter meter;        /* of the failing execution */
    struct order_step *steps;  /* its steps */
    struct order_step *order;  /* of the execution that is tried */
    struct order_step unmade[ORDER_NAMES_MAX]; /* the first one that each thread did not make */
    uint32_t count;
    uint32_t executions, executions_max;
};

/* The step at `at` is the first one of the pair; the second one is at `then`, or after the end. */
struct pair {
    uint32_t at, then;
    struct order_step second;
};

static bool in_conflict(const struct order_step *one, const struct order_step *other)
{
    if (one->thread == other->thread) return false;
    if (one->thread == TIME || other->thread == TIME) return true;
    if (one->op == WORLD_OP_TASK || other->object == ALWAYS) return true;
    bool writes = one->access == WORLD_WRITE || other->access == WORLD_WRITE;
    return one->object != 0 && one->object == other->object && writes;
}

/* --- the two orders --- */

/* self->order = that of the failing execution, in which the thread of the first step waits until
 * the other one is about to make the second; then they are made in this order, or turned. */
static uint32_t arrange(struct search *self, const struct pair *pair, bool turned)
{
    const struct order_step *first = &self->steps[pair->at];
    struct order_step *out = self->order, unmade = self->unmade[pair->second.thread];
    for (uint32_t i = 0; i < pair->then; i++) {
        bool waits = i >= pair->at && self->steps[i].thread == first->thread;
        if (!waits) *out++ = self->steps[i];
    }
    for (; pair->then == self->count && unmade.number < pair->second.number; unmade.number++) {
        *out++ = unmade;
    }
    *out++ = turned ? pair->second : *first;
    *out++ = turned ? *first : pair->second;
    for (uint32_t i = pair->at + 1; i < self->count; i++) {
        bool waited = i > pair->then || self->steps[i].thread == first->thread;
        if (waited) *out++ = self->steps[i];
    }
    return (uint32_t)(out - self->order);
}

static uint32_t run_pair(struct search *self, const struct pair *pair, bool turned)
{
    struct world_result result;
    uint32_t count = arrange(self, pair, turned);
    struct strategy *strategy = order_strategy(&self->names, self->order, count, &self->values);
    if (strategy == NULL) return self->failure->id;
    self->executions++;
    uint32_t id = explore_execute(self->subject, strategy, &result);
    strategy->free(strategy);
    return result.end == WORLD_CUT ? self->failure->id : id;
}

/* Where the last execution made that step; UINT32_MAX: nowhere. */
static uint32_t place_of(const struct search *self, const struct order_step *step)
{
    uint32_t count, made = 0;
    const struct world_step *steps = world_steps(&count);
    const char *name = order_thread(&self->names, step);
    for (uint32_t i = 0; i < count; i++) {
        bool time = steps[i].entity == WORLD_ADVANCE;
        bool same = time ? step->thread == TIME
                         : strcmp(world_entity_name(steps[i].entity), name) == 0;
        if (same && made++ == step->number) return i;
    }
    return UINT32_MAX;
}

/* Both orders, each really in that order. */
static bool decides(struct search *self, const struct pair *pair)
{
    const struct order_step *first = &self->steps[pair->at];
    if (run_pair(self, pair, true) != EXPLORE_PASSED) return false;
    if (place_of(self, &pair->second) >= place_of(self, first)) return false;
    if (run_pair(self, pair, false) != self->failure->id) return false;
    return place_of(self, first) < place_of(self, &pair->second);
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
    } else if (object && world_step_words()) {
        snprintf(out->op, sizeof out->op, "%s", world_step_words());
    } else if (object && !world_place_name(step->object, out->kind, sizeof out->kind)) {
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

static void run_watched(struct search *self, struct watch *watch, const struct pair *pair,
                        bool turned)
{
    memset(watch->made, 0, sizeof watch->made);
    world_observe(observe, watch);
    run_pair(self, pair, turned);
    world_observe(NULL, NULL);
}

/* Of a step that the failing execution never makes, the passing one has the place. */
static bool tell(struct search *self, const struct pair *pair, struct decisive *decisive)
{
    struct watch watch = {.search = self,
                          .step = {&self->steps[pair->at], &pair->second},
                          .out = {&decisive->first, &decisive->second}};
    run_watched(self, &watch, pair, false);
    if (watch.seen[0] && !watch.seen[1]) {
        decisive->second.never = true;
        run_watched(self, &watch, pair, true);
    }
    return watch.seen[0] && watch.seen[1];
}

/* --- candidates --- */

/* That second step, with those of the others from `from` on that it is in conflict with. */
static bool try_second(struct search *self, uint32_t from, uint32_t then,
                       const struct order_step *second, struct decisive *decisive)
{
    for (uint32_t at = then; at-- > from;) {
        struct pair pair = {at, then, *second};
        if (!in_conflict(&self->steps[at], second)) continue;
        if (self->executions >= self->executions_max) return false;
        if (decides(self, &pair)) return tell(self, &pair, decisive);
    }
    return false;
}

/* What that thread would have done after its last step. Of these steps only the first one is known,
 * if at all; and what matters may be the code behind it. */
static bool try_unmade(struct search *self, uint32_t thread, uint32_t from,
                       struct decisive *decisive)
{
    struct order_step second = self->unmade[thread];
    bool known = second.object != ALWAYS;
    if (known && try_second(self, from, self->count, &second, decisive)) return true;
    second.object = ALWAYS;
    for (uint32_t i = 0; i < UNMADE_MAX; i++, second.number++) {
        if (try_second(self, from, self->count, &second, decisive)) return true;
    }
    return false;
}

/* What that thread did next after step `from`. */
static bool try_made(struct search *self, uint32_t thread, uint32_t from,
                       struct decisive *decisive)
{
    uint32_t tried = 0;
    for (uint32_t then = from; then < self->count && tried < NEXT_MAX; then++) {
        if (self->steps[then].thread != thread) continue;
        tried++;
        if (try_second(self, from, then, &self->steps[then], decisive)) return true;
    }
    return false;
}

/* The name of who was put off there; the count of names when it has none. */
static uint32_t put_off(const struct search *self, const struct meter_note *note)
{
    if (note->put_off == WORLD_ADVANCE) return TIME;
    const char *name = world_entity_name(note->put_off);
    uint32_t thread = TIME + 1;
    while (thread < self->names.count && strcmp(self->names.text[thread], name) != 0) thread++;
    return thread;
}

struct deviation {
    uint32_t thread, from;
};

static uint32_t find_deviations(struct search *self, struct deviation *list)
{
    uint32_t count = 0, from = 0;
    for (uint32_t i = 0; i < self->meter.at; i++) {
        const struct meter_note *note = &self->meter.notes[i];
        if (note->kind == COST_NONE || note->put_off == WORLD_NOBODY) continue;
        from = meter_step(i, from);
        list[count].thread = put_off(self, note);
        if (list[count].thread < self->names.count) list[count++].from = from;
    }
    return count;
}

static bool try_deviations(struct search *self, const struct deviation *list, uint32_t count,
                           struct decisive *decisive)
{
    for (uint32_t i = count; i-- > 0;) {
        if (try_made(self, list[i].thread, list[i].from, decisive)) return true;
    }
    for (uint32_t i = count; i-- > 0;) {
        if (try_unmade(self, list[i].thread, list[i].from, decisive)) return true;
    }
    return false;
}

static bool try_all(struct search *self, struct decisive *decisive)
{
    for (uint32_t then = self->count; then-- > 0;) {
        if (try_second(self, 0, then, &self->steps[then], decisive)) return true;
    }
    for (uint32_t thread = TIME + 1; thread < self->names.count; thread++) {
        if (try_unmade(self, thread, 0, decisive)) return true;
    }
    return false;
}

/* --- the failing execution --- */

static void find_unmade(struct search *self)
{
    for (uint32_t i = 0; i < self->names.count; i++) {
        struct world_step next;
        uint16_t entity = i == TIME ? WORLD_NOBODY : world_entity_find(self->names.text[i]);
        bool known = entity != WORLD_NOBODY && world_pending(entity, 0, &next);
        self->unmade[i] = (struct order_step){
            .thread = i, .object = known ? next.object : ALWAYS, .access = WORLD_WRITE};
    }
    for (uint32_t i = 0; i < self->count; i++) self->unmade[self->steps[i].thread].number++;
}

static bool run_failing(struct search *self)
{
    const struct explore_failure *failure = self->failure;
    struct world_result result;
    struct strategy *recorder = order_recorder(failure->choices, failure->count, &self->values);
    if (recorder == NULL) return false;
    meter_init(&self->meter, recorder);
    uint32_t id = explore_execute(self->subject, &self->meter.strategy, &result);
    recorder->free(recorder);
    self->steps = order_take(&self->names, &self->count);
    self->order = calloc(2 * self->count + UNMADE_MAX + 2, sizeof *self->order);
    if (self->steps == NULL || self->order == NULL) return false;
    find_unmade(self);
    return id == failure->id;
}

void explore_decisive(const struct explore_subject *subject, const struct explore_failure *failure,
                      struct decisive *decisive)
{
    struct search *self = calloc(1, sizeof *self);
    struct deviation *list = calloc(failure->count + 1, sizeof *list);
    *decisive = (struct decisive){0};
    if (self && list) {
        self->subject = subject;
        self->failure = failure;
        self->executions_max = explore_affordable(failure, EXECUTIONS_MAX);
        if (run_failing(self)) {
            uint32_t count = find_deviations(self, list);
            decisive->found =
                try_deviations(self, list, count, decisive) || try_all(self, decisive);
            bool ended = !decisive->found && self->executions >= self->executions_max;
            if (ended && self->executions_max < EXECUTIONS_MAX)
                decisive->ended_after = self->executions;
        }
        free(self->steps);
        free(self->order);
    }
    free(self);
    free(list);
}
