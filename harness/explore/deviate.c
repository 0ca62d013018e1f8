/* Deviations as independent wishes: each waits for its own trigger, wherever the others are.
 * That is what shrinking needs: taking one deviation out must not hold up the rest. */
#include "pins.h"

#include <stdlib.h>
#include <string.h>

struct wish {
    const struct pin *pins; /* of one group */
    uint32_t count, at;
    uint32_t seen;          /* how often its named point was passed */
    uint8_t op;             /* enum world_op that it waits for: names are only compared then */
    uint64_t since_ns;
};

struct deviate {
    struct strategy strategy;
    const struct pin *pins;
    uint32_t count;
    struct wish *wishes;
    uint32_t wish_count;
    uint32_t ripe;          /* wishes that want something at the next choice */
};

static const struct pin *now(const struct wish *wish)
{
    return wish->at < wish->count ? &wish->pins[wish->at] : NULL;
}

static bool waits(const struct wish *wish)
{
    const struct pin *pin = now(wish);
    return pin != NULL && pin->kind == PIN_FREE_TO;
}

/* The next pin is up, if there is one. */
static void come_up(struct wish *wish)
{
    const struct pin *pin = now(wish);
    wish->op = WORLD_OP_COUNT;
    if (pin == NULL) return;
    if (pin->kind == PIN_EVENT) wish->op = WORLD_OP_TASK;
    if (pin->kind != PIN_FREE_TO && pin->kind != PIN_RUN_TO) return;
    bool is_named = pin->point.entity[0] == '\0';
    wish->op = (uint8_t)(is_named ? WORLD_OP_POINT : pins_op_of(pin->point.name));
}

static bool passes(struct wish *wish, const struct pin_point *point, const struct world_step *step)
{
    if (point->entity[0] == '\0') {
        if (strcmp(world_point_name(step->object), point->name) != 0) return false;
        return ++wish->seen >= point->occurrence;
    }
    if (step->entity == WORLD_ADVANCE) return false;
    if (strcmp(world_entity_name(step->entity), point->entity) != 0) return false;
    return pins_op_count(point->entity, (enum world_op)step->op) >= point->occurrence;
}

static bool done(struct wish *wish, const struct pin *pin, const struct world_step *step)
{
    if (pin->kind != PIN_ADVANCE && step->op != wish->op) return false;
    switch (pin->kind) {
    case PIN_FREE_TO:
    case PIN_RUN_TO:
        return passes(wish, &pin->point, step);
    case PIN_EVENT:
        return strcmp(world_entity_name(step->entity), pin->who) == 0;
    case PIN_ADVANCE:
        return world_now_ns() >= wish->since_ns + pin->advance_ns;
    case PIN_FREE:
    case PIN_ANY:
    case PIN_WAKE:
    case PIN_CHOOSE:
        return false;
    }
    return false;
}

static void observe(void *context, const struct world_step *step)
{
    struct deviate *self = context;
    for (uint32_t i = 0; i < self->wish_count; i++) {
        struct wish *wish = &self->wishes[i];
        const struct pin *pin = now(wish);
        if (pin == NULL || !done(wish, pin, step)) continue;
        self->ripe += waits(wish);
        wish->at++;
        come_up(wish);
        wish->since_ns = world_now_ns();
        if (now(wish) == NULL || waits(wish)) self->ripe--;
    }
}

static uint32_t option_for(const struct pin *pin, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint16_t option = world_option(i);
        if (pin->kind == PIN_ADVANCE) {
            if (option == WORLD_ADVANCE) return i;
        } else if (strcmp(world_entity_name(option), pin->who) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct deviate *self = (struct deviate *)chooser;
    for (uint32_t i = 0; self->ripe > 0 && i < self->wish_count; i++) {
        const struct pin *pin = now(&self->wishes[i]);
        if (pin == NULL || pin->kind == PIN_FREE_TO || pin->kind == PIN_CHOOSE) continue;
        uint32_t index = option_for(pin, count);
        if (index != UINT32_MAX) return index;
    }
    return 0;
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    struct deviate *self = (struct deviate *)chooser;
    for (uint32_t i = 0; self->ripe > 0 && i < self->wish_count; i++) {
        struct wish *wish = &self->wishes[i];
        const struct pin *pin = now(wish);
        if (pin == NULL || pin->kind != PIN_CHOOSE || strcmp(pin->who, label) != 0) continue;
        wish->at++;
        come_up(wish);
        self->ripe--;
        return pin->value < count ? pin->value : 0;
    }
    return 0;
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct deviate *self = (struct deviate *)strategy;
    (void)n;
    self->ripe = 0;
    for (uint32_t i = 0; i < self->wish_count; i++) {
        self->wishes[i].at = self->wishes[i].seen = 0;
        self->wishes[i].since_ns = 0;
        come_up(&self->wishes[i]);
        self->ripe += !waits(&self->wishes[i]);
    }
    world_observe(observe, self);
    return true;
}

static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    (void)strategy, (void)choices, (void)count;
    world_observe(NULL, NULL);
}

static void destroy(struct strategy *strategy)
{
    world_observe(NULL, NULL);
    free(((struct deviate *)strategy)->wishes);
    strategy_free(strategy);
}

static void group_pins(struct deviate *self)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->pins[i].kind == PIN_FREE) continue;
        bool same = self->wish_count > 0 && i > 0 && self->pins[i].group == self->pins[i - 1].group;
        if (!same) self->wishes[self->wish_count++] = (struct wish){.pins = &self->pins[i]};
        self->wishes[self->wish_count - 1].count++;
    }
}

struct strategy *strategy_deviations(const struct pin *pins, uint32_t count)
{
    struct deviate *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->wishes = calloc(count + 1, sizeof *self->wishes);
    if (self->wishes == NULL) {
        free(self);
        return NULL;
    }
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value},
        .begin = begin,
        .end = end,
        .text = "deviations",
        .free = destroy,
    };
    self->pins = pins;
    self->count = count;
    group_pins(self);
    return &self->strategy;
}
