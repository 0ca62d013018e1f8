/* Reads-from constraints, sampled. An execution is steered to where an event at a shared place
 * follows right after one that another thread makes there: it reads from it. After Wolff, Zhao,
 * Duck, Mathur, Roychoudhury, "Greybox Fuzzing for Concurrency Testing" (ASPLOS 2024): half of the
 * executions draw their constraints from the events that were learned (learn.h), the others go on
 * from some that have led to something new (rf_kept.h). */
#include "rf_kept.h"
#include "sampler.h"

#include <stdio.h>
#include <string.h>

struct rf {
    struct sampler sampler;
    struct learned *learned;
    struct rf_kept *kept;
    struct wishes drawn, wishes; /* of this execution: as they were, and what is left of them */
    uint32_t followed; /* steps of this execution */
    bool by_priority;  /* who need not wait is chosen by random priorities; otherwise at random */
    uint64_t priority[WORLD_ENTITIES_MAX + 1]; /* 0: not drawn; the last is time */
};

static bool is_of(const struct wish *wish, uint32_t who, uint16_t entity)
{
    return world_entity_path(entity) == wish->path[who];
}

/* --- what has happened --- */

static void note(struct rf *self, const struct world_step *step)
{
    const void *place = world_object_place(step->object);
    for (uint32_t i = 0; i < self->wishes.count; i++) {
        struct wish *wish = &self->wishes.wish[i];
        if (wish->place != place) continue;
        for (uint32_t who = 0; who < 2; who++) {
            if (wish->left[who] > 0 && is_of(wish, who, step->entity)) wish->left[who]--;
        }
    }
}

static void follow(struct rf *self)
{
    uint32_t count;
    const struct world_step *steps = world_steps(&count);
    for (; self->followed < count; self->followed++) {
        const struct world_step *step = &steps[self->followed];
        if (step->object != 0 && step->op != WORLD_OP_ADVANCE && learn_is_event(step)) {
            note(self, step);
        }
    }
}

/* --- who goes on --- */

/* The second event until the first has happened; then all that write there but the second. */
static bool has_to_wait(const struct rf *self, uint16_t entity)
{
    enum world_access access;
    if (entity == WORLD_ADVANCE) return false;
    const void *place = world_next_place(entity, &access);
    if (place == NULL) return false;
    for (uint32_t i = 0; i < self->wishes.count; i++) {
        const struct wish *wish = &self->wishes.wish[i];
        if (wish->place != place || wish->left[1] == 0) continue;
        bool second = is_of(wish, 1, entity);
        if (wish->left[0] > 0 && second && wish->left[1] == 1) return true;
        if (wish->left[0] == 0 && !second && access == WORLD_WRITE) return true;
    }
    return false;
}

static uint64_t priority_of(struct rf *self, uint16_t entity)
{
    uint64_t *priority = &self->priority[sampler_slot(entity)];
    if (*priority == 0) *priority = chance_next(&self->sampler.chance) | 1;
    return *priority;
}

/* Who has to wait goes on all the same if nobody else can. */
static uint32_t pick(struct rf *self, const struct offer *offer)
{
    uint32_t best = 0, free = 0;
    uint64_t best_rank = 0;
    for (uint32_t i = 0; i < offer->count; i++) {
        uint16_t entity = offer->entity[i];
        bool waits = has_to_wait(self, entity);
        if (waits && free > 0) continue;
        uint64_t rank = self->by_priority ? priority_of(self, entity)
                                          : chance_next(&self->sampler.chance);
        free += !waits;
        if (i > 0 && rank <= best_rank && (waits || free > 1)) continue;
        best = i;
        best_rank = rank;
    }
    return best;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct rf *self = (struct rf *)chooser;
    struct offer offer;
    uint32_t forced = sampler_offer(&self->sampler, count, &offer);
    if (forced != UINT32_MAX) return forced;
    follow(self);
    return offer.index[pick(self, &offer)];
}

/* What it waits for has to get its turn. */
static void yielded(struct world_chooser *chooser, uint16_t entity)
{
    ((struct rf *)chooser)->priority[sampler_slot(entity)] = 1;
}

/* --- executions --- */

/* Events of one thread at one place, in proportion to how many there are: of those that
 * are made by another thread at the same place, or (NULL) of all. */
static bool draw_events(struct rf *self, const struct learned_events *other,
                        struct learned_events *out)
{
    uint64_t sum = 0;
    struct learned_events events;
    for (uint32_t i = 0; learned_events_at(self->learned, i, &events); i++) {
        if (other && (events.place != other->place || events.path == other->path)) continue;
        if (events.count == 0) continue;
        sum += events.count;
        if (chance_next(&self->sampler.chance) % sum < events.count) *out = events;
    }
    return sum > 0;
}

/* One of them, counted from 1, in an execution. */
static uint32_t draw_number(struct rf *self, const struct learned_events *events)
{
    uint32_t runs = learned_runs(self->learned);
    return 1 + chance_below(&self->sampler.chance, (events->count + runs - 1) / runs);
}

static void draw_wish(struct rf *self)
{
    struct learned_events first, second;
    if (!draw_events(self, NULL, &second) || !draw_events(self, &second, &first)) return;
    self->drawn.wish[self->drawn.count++] = (struct wish){
        .place = second.place,
        .path = {first.path, second.path},
        .left = {draw_number(self, &first), draw_number(self, &second)},
    };
}

static void leave_one_out(struct rf *self)
{
    struct wishes *drawn = &self->drawn;
    drawn->wish[chance_below(&self->sampler.chance, drawn->count)] = drawn->wish[drawn->count - 1];
    drawn->count--;
}

static void draw_wishes(struct rf *self)
{
    struct chance *chance = &self->sampler.chance;
    self->drawn.count = 0;
    bool goes_on = chance_below(chance, 2) == 0 &&
                   rf_kept_draw(self->kept, self->sampler.execution, chance, &self->drawn);
    bool less = goes_on && chance_below(chance, 4) == 0;
    if (less || self->drawn.count == WISHES_MAX) leave_one_out(self);
    do draw_wish(self);
    while (self->drawn.count < WISHES_MAX && chance_below(chance, 2) == 0);
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct rf *self = (struct rf *)strategy;
    sampler_begin(strategy, n);
    self->followed = 0;
    self->by_priority = chance_below(&self->sampler.chance, 2) == 0;
    memset(self->priority, 0, sizeof self->priority);
    draw_wishes(self);
    self->wishes = self->drawn;
    snprintf(self->sampler.text, sizeof self->sampler.text, "reads-from, %u wish%s",
             self->wishes.count, self->wishes.count == 1 ? "" : "es");
    return true;
}

static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    struct rf *self = (struct rf *)strategy;
    (void)choices, (void)count;
    learn(self->learned, self->sampler.execution);
    rf_kept_note(self->kept, self->learned, self->sampler.execution, &self->drawn);
}

static void destroy(struct strategy *strategy)
{
    struct rf *self = (struct rf *)strategy;
    learned_free(self->learned);
    rf_kept_free(self->kept);
    strategy_free(strategy);
}

struct strategy *strategy_rf(uint64_t seed, uint32_t length)
{
    struct rf *self = sampler_new(sizeof *self, seed, length);
    if (self == NULL) return NULL;
    self->learned = learned_new();
    self->kept = rf_kept_new();
    struct strategy *strategy = &self->sampler.strategy;
    if (self->learned == NULL || self->kept == NULL) {
        destroy(strategy);
        return NULL;
    }
    strategy->chooser.schedule = schedule;
    strategy->chooser.yielded = yielded;
    strategy->begin = begin;
    strategy->end = end;
    strategy->free = destroy;
    strategy->learns = RF_EVOLVES;
    return strategy;
}
