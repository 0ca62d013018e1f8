/* Selectively uniform random walk (Zhao, Wolff, Mathur, Roychoudhury, "Selectively Uniform
 * Concurrency Testing", ASPLOS 2025): every order of the interesting events is about equally
 * likely, however long the threads are and whoever was made first.
 *
 * The thread that may make the next interesting event is drawn in proportion to how many each
 * still has to make, those of threads it has yet to create included. The others may go on up to
 * theirs. Which events are interesting is learned (learn.h): those at the places that threads
 * share; in half of the executions at a random choice of these places. */
#include "learn.h"
#include "plan.h"
#include "strategy.h"

#include <stdio.h>
#include <stdlib.h>

struct surw {
    struct strategy strategy;
    uint64_t seed;
    uint32_t length;
    uint64_t execution;
    struct chance chance;
    struct plan plan;
    struct learned *learned;
    bool learns_itself;
    bool chosen[LEARN_PLACES_MAX];       /* shared places whose events are interesting */
    uint32_t total[LEARN_THREADS_MAX];   /* interesting events of threads and their children */
    uint32_t left[WORLD_ENTITIES_MAX];   /* of each entity of this execution, still to come */
    uint32_t known;                      /* entities whose number of events was looked up */
    uint16_t intended;                   /* who makes the next one; WORLD_NOBODY: not drawn yet */
    char text[48];
};

/* --- who is next --- */

static uint16_t draw_by_weight(struct surw *self, const uint32_t *weight, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += weight[i];
    if (sum == 0) return WORLD_NOBODY;
    uint64_t at = chance_next(&self->chance) % sum;
    uint32_t i = 0;
    while (at >= weight[i]) at -= weight[i++];
    return (uint16_t)i;
}

/* A new thread takes its share from the one that made it; and with it, perhaps, the turn. */
static void adopt(struct surw *self, uint16_t entity)
{
    uint32_t thread = learned_thread(self->learned, world_entity_path(entity));
    uint16_t parent = world_entity_parent(entity);
    uint32_t own = thread < LEARN_THREADS_MAX ? self->total[thread] : 0;
    self->left[entity] = own;
    if (parent == WORLD_NOBODY || own == 0) return;
    uint32_t before = self->left[parent] > own ? self->left[parent] : own;
    self->left[parent] = before - own;
    if (self->intended == parent && chance_below(&self->chance, before) < own) {
        self->intended = entity;
    }
}

static void adopt_new(struct surw *self)
{
    uint32_t count = world_entity_count();
    while (self->known < count) adopt(self, (uint16_t)self->known++);
    if (self->intended == WORLD_NOBODY) {
        self->intended = draw_by_weight(self, self->left, self->known);
    }
}

static bool is_interesting(const struct surw *self, uint16_t entity)
{
    enum world_access access;
    if (entity == WORLD_ADVANCE) return false;
    uint32_t place = learned_place(self->learned, world_next_place(entity, &access));
    return place != LEARN_NOTHING && self->chosen[place];
}

/* Everybody waits before an interesting event, but for the one whose turn it is, who is not among
 * them: it cannot go on. */
static uint32_t draw_instead(struct surw *self, const uint16_t *entity, uint32_t count)
{
    uint32_t weight[WORLD_ENTITIES_MAX];
    for (uint32_t i = 0; i < count; i++) weight[i] = self->left[entity[i]];
    uint16_t drawn = draw_by_weight(self, weight, count);
    return drawn == WORLD_NOBODY ? chance_below(&self->chance, count) : drawn;
}

static uint32_t pick(struct surw *self, const uint16_t *entity, uint32_t count)
{
    uint32_t free[WORLD_ENTITIES_MAX], used = 0, turn = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        bool interesting = is_interesting(self, entity[i]);
        if (interesting && entity[i] == self->intended) turn = i;
        if (!interesting || turn == i) free[used++] = i;
    }
    uint32_t at = used > 0 ? free[chance_below(&self->chance, used)]
                           : draw_instead(self, entity, count);
    if (used > 0 && at != turn) return at;
    uint32_t *left = &self->left[entity[at]], unit = learned_runs(self->learned);
    *left = *left > unit ? *left - unit : 0;
    self->intended = draw_by_weight(self, self->left, self->known);
    return at;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct surw *self = (struct surw *)chooser;
    uint16_t index[WORLD_ENTITIES_MAX], entity[WORLD_ENTITIES_MAX];
    uint32_t forced;
    uint32_t usable = plan_options(&self->plan, count, index, entity, WORLD_ENTITIES_MAX, &forced);
    adopt_new(self);
    if (forced != UINT32_MAX) return forced;
    return index[pick(self, entity, usable)];
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    (void)label;
    return chance_below(&((struct surw *)chooser)->chance, count);
}

/* --- executions --- */

/* All shared places, or some of them; never none, if there are any. */
static uint32_t choose_places(struct surw *self)
{
    uint32_t count = learned_shared(self->learned), used = 0;
    if (count == 0) return 0;
    bool all = chance_below(&self->chance, 2) == 0, one = chance_below(&self->chance, 2) == 0;
    uint32_t sure = chance_below(&self->chance, count);
    for (uint32_t i = 0; i < count; i++) {
        bool also = !one && chance_below(&self->chance, 2) == 0;
        self->chosen[i] = all || i == sure || also;
        used += self->chosen[i];
    }
    return used;
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct surw *self = (struct surw *)strategy;
    self->execution = n;
    self->chance = chance_for(self->seed, n);
    uint32_t used = choose_places(self);
    learned_events(self->learned, self->chosen, self->total, LEARN_THREADS_MAX);
    self->known = 0;
    self->intended = WORLD_NOBODY;
    plan_begin(&self->plan, &self->chance, n, self->length, false);
    snprintf(self->text, sizeof self->text, "surw at %u of %u places", used,
             learned_shared(self->learned));
    return true;
}

static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    struct surw *self = (struct surw *)strategy;
    (void)choices, (void)count;
    if (self->learns_itself) learn(self->learned, self->execution);
}

static const char *describe(struct strategy *strategy, uint64_t n)
{
    (void)n;
    return ((struct surw *)strategy)->text;
}

static void destroy(struct strategy *strategy)
{
    struct surw *self = (struct surw *)strategy;
    if (self->learns_itself) learned_free(self->learned);
    free(self);
}

struct strategy *strategy_surw(uint64_t seed, uint32_t length, struct learned *learned)
{
    struct surw *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->learns_itself = learned == NULL;
    self->learned = learned ? learned : learned_new();
    if (self->learned == NULL) {
        free(self);
        return NULL;
    }
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value},
        .begin = begin,
        .end = end,
        .describe = describe,
        .free = destroy,
        .learns = LEARN_RUNS,
    };
    self->seed = seed;
    self->length = length;
    return &self->strategy;
}
