#include "order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIME = 0, UNSIGNALLED = 2 }; /* the name of time; the result of such a wake-up */

struct order {
    struct strategy strategy;
    const uint16_t *choices; /* of a recorder */
    uint32_t choice_count;
    struct order_values *kept;
    const struct order_names *names;
    const struct order_step *steps;
    const struct order_values *values;
    uint32_t at;             /* the first choice that is still to come */
    struct order_track track;
    struct order_index index;
    bool taken[ORDER_VALUES_MAX];
};

/* --- an execution as steps --- */

static uint32_t name_index(struct order_names *names, const char *name)
{
    for (uint32_t i = TIME + 1; i < names->count; i++) {
        if (strcmp(names->text[i], name) == 0) return i;
    }
    if (names->count == ORDER_NAMES_MAX) return TIME;
    snprintf(names->text[names->count], WORLD_NAME_MAX, "%s", name);
    return names->count++;
}

struct order_step *order_take(struct order_names *names, uint32_t *count)
{
    uint32_t of_entity[WORLD_ENTITIES_MAX];
    uint32_t *numbers = calloc(ORDER_NAMES_MAX, sizeof *numbers);
    const struct world_step *steps = world_steps(count);
    struct order_step *taken = calloc(*count + 1, sizeof *taken);
    if (numbers == NULL || taken == NULL) {
        free(numbers);
        free(taken);
        return NULL;
    }
    if (names->count == 0) snprintf(names->text[names->count++], WORLD_NAME_MAX, "(time)");
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        of_entity[id] = name_index(names, world_entity_name(id));
    }
    for (uint32_t i = 0; i < *count; i++) {
        bool time = steps[i].entity == WORLD_ADVANCE;
        uint32_t thread = time ? TIME : of_entity[steps[i].entity];
        taken[i] = (struct order_step){
            .thread = thread,
            .number = numbers[thread]++,
            .object = steps[i].op == WORLD_OP_ADVANCE ? 0 : steps[i].object,
            .op = steps[i].op,
            .access = steps[i].access,
            .unsignalled = steps[i].op == WORLD_OP_WAKE && steps[i].result == UNSIGNALLED,
        };
    }
    free(numbers);
    return taken;
}

const char *order_thread(const struct order_names *names, const struct order_step *step)
{
    return names->text[step->thread];
}

/* --- where it stands --- */

void order_track_begin(struct order_track *track, const struct order_names *names)
{
    memset(track, 0, sizeof *track);
    track->names = names;
}

uint32_t order_track_thread(struct order_track *track, uint16_t entity)
{
    if (entity == WORLD_ADVANCE) return TIME;
    uint32_t *known = &track->of_entity[entity];
    for (uint32_t i = TIME + 1; track->names && *known == 0 && i < track->names->count; i++) {
        if (strcmp(track->names->text[i], world_entity_name(entity)) == 0) *known = 1 + i;
    }
    if (*known == 0) *known = 1 + ORDER_NAMES_MAX;
    return *known - 1;
}

bool order_track_next(struct order_track *track, uint32_t *thread)
{
    uint32_t count;
    const struct world_step *steps = world_steps(&count);
    if (track->scanned == count) return false;
    *thread = order_track_thread(track, steps[track->scanned++].entity);
    track->made[*thread]++;
    return true;
}

bool order_index_make(struct order_index *index, const struct order_step *steps, uint32_t count)
{
    *index = (struct order_index){.places = calloc(count + 1, sizeof *index->places)};
    if (index->places == NULL) return false;
    for (uint32_t i = 0; i < count; i++) index->first[steps[i].thread + 1]++;
    for (uint32_t i = 0; i <= ORDER_NAMES_MAX; i++) index->first[i + 1] += index->first[i];
    for (uint32_t i = 0; i < count; i++) {
        index->places[index->first[steps[i].thread] + steps[i].number] = i;
    }
    return true;
}

void order_index_free(struct order_index *index)
{
    free(index->places);
}

uint32_t order_index_find(const struct order_index *index, uint32_t thread, uint32_t number)
{
    uint32_t at = index->first[thread] + number;
    return at < index->first[thread + 1] ? index->places[at] : UINT32_MAX;
}

/* --- the strategies --- */

static uint32_t recorded(struct order *self, uint32_t count)
{
    uint32_t at = self->at++;
    uint32_t index = at < self->choice_count ? self->choices[at] : 0;
    return index < count ? index : 0;
}

static uint32_t record_schedule(struct world_chooser *chooser, uint32_t count)
{
    return recorded((struct order *)chooser, count);
}

static uint32_t record_value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    struct order *self = (struct order *)chooser;
    uint32_t index = recorded(self, count);
    if (self->kept->count < ORDER_VALUES_MAX) {
        struct order_value *value = &self->kept->list[self->kept->count++];
        snprintf(value->label, sizeof value->label, "%s", label);
        value->index = (uint16_t)index;
    }
    return index;
}

/* Whether that option would make the step: a thread whose wait ends is not made to wake for
 * another reason than it had. */
static bool would_make(const struct order_step *step, uint16_t option)
{
    bool thread = option != WORLD_ADVANCE && world_class_of(option) == WORLD_THREAD;
    return step->unsignalled || !thread || world_entity_enabled(option);
}

/* The option whose next step comes first. */
static uint32_t follow(struct world_chooser *chooser, uint32_t count)
{
    struct order *self = (struct order *)chooser;
    uint32_t first = UINT32_MAX, best = 0, thread;
    while (order_track_next(&self->track, &thread)) continue;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t option = world_option(i);
        thread = order_track_thread(&self->track, option);
        uint32_t at = order_index_find(&self->index, thread, self->track.made[thread]);
        if (at >= first || !would_make(&self->steps[at], option)) continue;
        first = at;
        best = i;
    }
    return best;
}

static uint32_t follow_value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    struct order *self = (struct order *)chooser;
    for (uint32_t i = 0; i < self->values->count; i++) {
        const struct order_value *value = &self->values->list[i];
        if (self->taken[i] || strncmp(value->label, label, sizeof value->label - 1) != 0) continue;
        self->taken[i] = true;
        return value->index < count ? value->index : 0;
    }
    return 0;
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct order *self = (struct order *)strategy;
    (void)n;
    if (self->kept) self->kept->count = 0;
    self->at = 0;
    order_track_begin(&self->track, self->names);
    memset(self->taken, 0, sizeof self->taken);
    return true;
}

static void destroy(struct strategy *strategy)
{
    order_index_free(&((struct order *)strategy)->index);
    strategy_free(strategy);
}

static struct order *order_new(uint32_t (*schedule)(struct world_chooser *, uint32_t),
                               uint32_t (*value)(struct world_chooser *, uint32_t, const char *))
{
    struct order *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value},
        .begin = begin,
        .text = "an order of steps",
        .free = destroy,
    };
    return self;
}

struct strategy *order_recorder(const uint16_t *choices, uint32_t count,
                                struct order_values *values)
{
    struct order *self = order_new(record_schedule, record_value);
    if (self == NULL) return NULL;
    self->choices = choices;
    self->choice_count = count;
    self->kept = values;
    return &self->strategy;
}

struct strategy *order_strategy(const struct order_names *names, const struct order_step *steps,
                                uint32_t count, const struct order_values *values)
{
    struct order *self = order_new(follow, follow_value);
    if (self == NULL) return NULL;
    if (!order_index_make(&self->index, steps, count)) {
        destroy(&self->strategy);
        return NULL;
    }
    self->names = names;
    self->steps = steps;
    self->values = values;
    return &self->strategy;
}
