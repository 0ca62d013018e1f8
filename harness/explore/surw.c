/* Selectively uniform random walk (Zhao, Wolff, Mathur, Roychoudhury, "Selectively Uniform
 * Concurrency Testing", ASPLOS 2025): every order of the interesting events is about equally
 * likely, however long the threads are and whoever was made first.
 *
 * The thread that may make the next interesting event is drawn in proportion to how many each
 * still has to make, those of threads it has yet to create included. The others may go on up to
 * theirs. Which events are interesting is learned (learn.h): those at the places that threads
 * share; in half of the executions at a random choice of these places. */
#include "learn.h"
#include "sampler.h"

#include <stdio.h>
#include <stdlib.h>

struct surw {
    struct sampler sampler;
    struct learned *learned;
    bool learns_itself;
    bool chosen[LEARN_PLACES_MAX];       /* shared places whose events are interesting */
    uint32_t total[LEARN_THREADS_MAX];   /* interesting events of threads and their children */
    uint32_t left[WORLD_ENTITIES_MAX];   /* of each entity of this execution, still to come */
    uint32_t known;                      /* entities whose number of events was looked up */
    uint16_t intended;                   /* who makes the next one; WORLD_NOBODY: not drawn yet */
};

/* --- who is next --- */

static uint16_t draw_by_weight(struct surw *self, const uint32_t *weight, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += weight[i];
    if (sum == 0) return WORLD_NOBODY;
    uint64_t at = chance_next(&self->sampler.chance) % sum;
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
    if (self->intended == parent && chance_below(&self->sampler.chance, before) < own) {
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

/* A place that was asked for last: crowds of threads wait at the same one. */
struct asked {
    const void *place;
    bool interesting;
};

static bool is_interesting(const struct surw *self, uint16_t entity, struct asked *last)
{
    enum world_access access;
    if (entity == WORLD_ADVANCE) return false;
    const void *next = world_next_place(entity, &access);
    if (next == last->place) return last->interesting;
    uint32_t place = learned_place(self->learned, next);
    *last = (struct asked){next, place != LEARN_NOTHING && self->chosen[place]};
    return last->interesting;
}

/* Everybody waits before an interesting event, but for the one whose turn it is, who is not among
 * them: it cannot go on. */
static uint32_t draw_instead(struct surw *self, const struct offer *offer)
{
    uint32_t weight[WORLD_ENTITIES_MAX];
    for (uint32_t i = 0; i < offer->count; i++) weight[i] = self->left[offer->entity[i]];
    uint16_t drawn = draw_by_weight(self, weight, offer->count);
    return drawn == WORLD_NOBODY ? chance_below(&self->sampler.chance, offer->count) : drawn;
}

static uint32_t pick(struct surw *self, const struct offer *offer)
{
    uint32_t free[WORLD_ENTITIES_MAX], used = 0, turn = UINT32_MAX;
    struct asked last = {NULL, false};
    for (uint32_t i = 0; i < offer->count; i++) {
        bool interesting = is_interesting(self, offer->entity[i], &last);
        if (interesting && offer->entity[i] == self->intended) turn = i;
        if (!interesting || turn == i) free[used++] = i;
    }
    uint32_t at = used > 0 ? free[chance_below(&self->sampler.chance, used)]
                           : draw_instead(self, offer);
    if (used > 0 && at != turn) return at;
    uint32_t *left = &self->left[offer->entity[at]], unit = learned_runs(self->learned);
    *left = *left > unit ? *left - unit : 0;
    self->intended = draw_by_weight(self, self->left, self->known);
    return at;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct surw *self = (struct surw *)chooser;
    struct offer offer;
    uint32_t forced = sampler_offer(&self->sampler, count, &offer);
    adopt_new(self);
    return forced != UINT32_MAX ? forced : offer.index[pick(self, &offer)];
}

/* --- executions --- */

/* All shared places, or some of them; never none, if there are any. */
static uint32_t choose_places(struct surw *self)
{
    uint32_t count = learned_shared(self->learned), used = 0;
    if (count == 0) return 0;
    struct chance *chance = &self->sampler.chance;
    bool all = chance_below(chance, 2) == 0, one = chance_below(chance, 2) == 0;
    uint32_t sure = chance_below(chance, count);
    for (uint32_t i = 0; i < count; i++) {
        bool also = !one && chance_below(chance, 2) == 0;
        self->chosen[i] = all || i == sure || also;
        used += self->chosen[i];
    }
    return used;
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct surw *self = (struct surw *)strategy;
    sampler_begin(strategy, n);
    uint32_t used = choose_places(self);
    learned_events(self->learned, self->chosen, self->total, LEARN_THREADS_MAX);
    self->known = 0;
    self->intended = WORLD_NOBODY;
    snprintf(self->sampler.text, sizeof self->sampler.text, "surw at %u of %u places", used,
             learned_shared(self->learned));
    return true;
}

static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    struct surw *self = (struct surw *)strategy;
    (void)choices, (void)count;
    if (self->learns_itself) learn(self->learned, self->sampler.execution);
}

static void destroy(struct strategy *strategy)
{
    struct surw *self = (struct surw *)strategy;
    if (self->learns_itself) learned_free(self->learned);
    strategy_free(strategy);
}

struct strategy *strategy_surw(uint64_t seed, uint32_t length, struct learned *learned)
{
    struct surw *self = sampler_new(sizeof *self, seed, length);
    if (self == NULL) return NULL;
    self->learns_itself = learned == NULL;
    self->learned = learned ? learned : learned_new();
    struct strategy *strategy = &self->sampler.strategy;
    if (self->learned == NULL) {
        strategy_free(strategy);
        return NULL;
    }
    strategy->chooser.schedule = schedule;
    strategy->begin = begin;
    strategy->end = end;
    strategy->free = destroy;
    strategy->learns = LEARN_RUNS;
    return strategy;
}
