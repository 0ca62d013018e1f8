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
    uint32_t count;
    const struct order_values *values;
    uint32_t at;             /* the first choice or step that is still to come */
    uint32_t scanned;        /* steps of this execution that were counted */
    uint32_t made[WORLD_ENTITIES_MAX], advances;
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

static void count_steps(struct order *self)
{
    uint32_t count;
    const struct world_step *steps = world_steps(&count);
    for (; self->scanned < count; self->scanned++) {
        uint16_t entity = steps[self->scanned].entity;
        if (entity == WORLD_ADVANCE) {
            self->advances++;
        } else {
            self->made[entity]++;
        }
    }
}

/* WORLD_NOBODY: not there yet. */
static uint16_t entity_of(const struct order *self, const struct order_step *step)
{
    if (step->thread == TIME) return WORLD_ADVANCE;
    return world_entity_find(order_thread(self->names, step));
}

static bool is_made(const struct order *self, const struct order_step *step, uint16_t entity)
{
    if (entity == WORLD_NOBODY) return false;
    return (entity == WORLD_ADVANCE ? self->advances : self->made[entity]) > step->number;
}

static uint32_t follow(struct world_chooser *chooser, uint32_t count)
{
    struct order *self = (struct order *)chooser;
    uint16_t entity = WORLD_NOBODY;
    count_steps(self);
    while (self->at < self->count) {
        entity = entity_of(self, &self->steps[self->at]);
        if (!is_made(self, &self->steps[self->at], entity)) break;
        self->at++;
    }
    for (uint32_t i = 0; self->at < self->count && i < count; i++) {
        if (world_option(i) != entity) continue;
        bool thread = entity != WORLD_ADVANCE && world_class_of(entity) == WORLD_THREAD;
        bool wakes = thread && !world_entity_enabled(entity);
        return wakes && !self->steps[self->at].unsignalled ? 0 : i;
    }
    return 0;
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
    self->at = self->scanned = self->advances = 0;
    memset(self->made, 0, sizeof self->made);
    memset(self->taken, 0, sizeof self->taken);
    return true;
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
        .free = strategy_free,
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
    self->names = names;
    self->steps = steps;
    self->count = count;
    self->values = values;
    return &self->strategy;
}
