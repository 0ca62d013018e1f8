/* Following pins. The observer sees which points are passed; choices are answered by the pin
 * that is up next. */
#include "pins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct follower {
    struct strategy strategy;
    struct strategy *rest;
    const struct pin *pins;
    uint32_t count, at;
    uint64_t since_ns;  /* when the pin at hand came up */
    uint32_t seen;      /* how often its point was passed, before it came up and since */
    bool stepped;       /* something happened since then */
    struct {            /* how often each named point of a pin was passed so far */
        const char *name;
        uint32_t count;
    } named[PINS_MAX];
    uint32_t named_count;
};

static const struct pin *now(const struct follower *self)
{
    return self->at < self->count ? &self->pins[self->at] : NULL;
}

static uint32_t *named_counter(struct follower *self, const char *name)
{
    for (uint32_t i = 0; i < self->named_count; i++) {
        if (strcmp(self->named[i].name, name) == 0) return &self->named[i].count;
    }
    return NULL;
}

enum world_op pins_op_of(const char *word)
{
    int op = 0;
    while (op < WORLD_OP_COUNT && strcmp(world_op_words[op], word) != 0) op++;
    return (enum world_op)op;
}

uint32_t pins_op_count(const char *entity, enum world_op op)
{
    uint32_t times = 0;
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        if (strcmp(world_entity_name(id), entity) == 0) times += world_op_count(id, op);
    }
    return times;
}

/* How often that point has been passed so far. */
static uint32_t passed(struct follower *self, const struct pin_point *point)
{
    if (point->entity[0] == '\0') return *named_counter(self, point->name);
    enum world_op op = pins_op_of(point->name);
    return op == WORLD_OP_COUNT ? 0 : pins_op_count(point->entity, op);
}

static bool waits_for_point(const struct pin *pin)
{
    return pin->kind == PIN_RUN_TO || pin->kind == PIN_FREE_TO;
}

/* The next pin is up; "the next one" counts from here. A point that was passed already holds
 * nobody up. */
static void come_up(struct follower *self)
{
    self->since_ns = world_now_ns();
    self->seen = 0;
    self->stepped = false;
    for (; now(self) && waits_for_point(now(self)); self->at++) {
        const struct pin_point *point = &now(self)->point;
        self->seen = passed(self, point);
        if (point->occurrence == 0 || self->seen < point->occurrence) return;
    }
}

static bool fulfilled(struct follower *self, const struct pin *pin, const struct world_step *step)
{
    switch (pin->kind) {
    case PIN_RUN_TO:
    case PIN_FREE_TO: {
        uint32_t times = passed(self, &pin->point);
        return pin->point.occurrence ? times >= pin->point.occurrence : times > self->seen;
    }
    case PIN_ADVANCE:
        return world_now_ns() >= self->since_ns + pin->advance_ns;
    case PIN_EVENT:
        return step && step->op == WORLD_OP_TASK &&
               strcmp(world_entity_name(step->entity), pin->who) == 0;
    case PIN_FREE:
    case PIN_ANY:
    case PIN_WAKE:
    case PIN_CHOOSE:
        return false;
    }
    return false;
}

static void next_pin(struct follower *self)
{
    self->at++;
    come_up(self);
}

static void observe(void *context, const struct world_step *step)
{
    struct follower *self = context;
    if (step->op == WORLD_OP_POINT) {
        uint32_t *counter = named_counter(self, world_point_name(step->object));
        if (counter) ++*counter;
    }
    const struct pin *pin = now(self);
    self->stepped = true;
    if (pin && fulfilled(self, pin, step)) next_pin(self);
}

static const struct strategy *active;

bool pins_active(const struct strategy *follower)
{
    return follower == active;
}

void pins_mark(struct strategy *strategy, const char *name)
{
    struct follower *self = (struct follower *)strategy;
    uint32_t *counter = named_counter(self, name);
    if (counter == NULL) return;
    ++*counter;
    const struct pin *pin = now(self);
    if (pin && fulfilled(self, pin, NULL)) next_pin(self);
}

/* --- divergence --- */

static _Noreturn void diverge(const struct pin *pin, const char *what)
{
    if (pin->line) world_stop("diverged at line %u: %s", pin->line, what);
    world_stop("diverged: %s", what);
}

static uint32_t option_named(const char *name, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(world_entity_name(world_option(i)), name) == 0) return i;
    }
    return UINT32_MAX;
}

static uint32_t option_advance(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (world_option(i) == WORLD_ADVANCE) return i;
    }
    return 0;
}

/* --- choices --- */

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct follower *self = (struct follower *)chooser;
    const struct pin *pin = now(self);
    if (pin == NULL) return 0;
    uint32_t index;
    switch (pin->kind) {
    case PIN_RUN_TO:
        /* While it cannot run, what it waits for happens by the default policy. */
        index = option_named(pin->who, count);
        return index == UINT32_MAX ? 0 : index;
    case PIN_EVENT:
        index = option_named(pin->who, count);
        if (index != UINT32_MAX) return index;
        /* Somebody may have to be chosen first who does nothing visible. */
        if (self->stepped) diverge(pin, "that event cannot happen now");
        return 0;
    case PIN_ADVANCE:
        return option_advance(count);
    case PIN_ANY:
        if (self->rest == NULL) return 0;
        self->rest->chooser.plain = chooser->plain;
        return self->rest->chooser.schedule(&self->rest->chooser, count);
    case PIN_FREE_TO:
    case PIN_FREE:
    case PIN_WAKE:
    case PIN_CHOOSE:
        return 0;
    }
    return 0;
}

static uint32_t waiter_named(const struct pin *pin, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(world_entity_name(world_signal_waiter(i)), pin->who) == 0) return i;
    }
    diverge(pin, "that thread is not among the waiters of the next signal");
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    struct follower *self = (struct follower *)chooser;
    const struct pin *pin = now(self);
    if (pin == NULL) return 0;
    if (pin->kind == PIN_ANY && self->rest) {
        return self->rest->chooser.value(&self->rest->chooser, count, label);
    }
    if (pin->kind == PIN_WAKE && strcmp(label, "signal") == 0) {
        uint32_t index = waiter_named(pin, count);
        next_pin(self);
        return index;
    }
    if (pin->kind == PIN_CHOOSE && strcmp(label, pin->who) == 0) {
        if (pin->value >= count) diverge(pin, "that value is not possible here");
        next_pin(self);
        return pin->value;
    }
    return 0;
}

bool pins_left(struct strategy *strategy, char *text, size_t bytes)
{
    const struct follower *self = (const struct follower *)strategy;
    const struct pin *pin = now(self);
    if (pin == NULL || pin->kind == PIN_FREE || pin->kind == PIN_ANY) return false;
    int used = pin->line ? snprintf(text, bytes, "diverged at line %u: ", pin->line)
                         : snprintf(text, bytes, "diverged: ");
    text += used;
    bytes -= (size_t)used;
    if (!waits_for_point(pin)) {
        snprintf(text, bytes, "the run ended before that could happen");
        return true;
    }
    const char *dot = pin->point.entity[0] ? "." : "";
    uint16_t entity = pin->kind == PIN_RUN_TO ? world_entity_find(pin->who) : WORLD_NOBODY;
    char wait[96] = "";
    if (entity != WORLD_NOBODY) world_wait_describe(entity, wait, sizeof wait);
    snprintf(text, bytes, "the run ended before %s%s%s was passed%s%s%s%s", pin->point.entity, dot,
             pin->point.name, wait[0] ? "; " : "", wait[0] ? pin->who : "", wait[0] ? " " : "",
             wait);
    return true;
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct follower *self = (struct follower *)strategy;
    for (uint32_t i = 0; i < self->named_count; i++) self->named[i].count = 0;
    self->at = 0;
    self->since_ns = 0;
    self->seen = 0;
    self->stepped = false;
    active = strategy;
    world_observe(observe, self);
    if (self->rest == NULL) return true;
    bool more = self->rest->begin(self->rest, n);
    strategy->text = self->rest->text;
    return more;
}

static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    struct follower *self = (struct follower *)strategy;
    active = NULL;
    world_observe(NULL, NULL);
    if (self->rest && self->rest->end) self->rest->end(self->rest, choices, count);
}

static void destroy(struct strategy *strategy)
{
    struct follower *self = (struct follower *)strategy;
    world_observe(NULL, NULL);
    if (self->rest) self->rest->free(self->rest);
    free(self);
}

struct strategy *strategy_pins(const struct pin *pins, uint32_t count, struct strategy *rest)
{
    struct follower *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value},
        .begin = begin,
        .end = end,
        .text = "the pinned schedule",
        .free = destroy,
    };
    self->rest = rest;
    self->pins = pins;
    self->count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct pin_point *point = &pins[i].point;
        if (!waits_for_point(&pins[i]) || point->entity[0] != '\0') continue;
        if (named_counter(self, point->name)) continue;
        self->named[self->named_count++].name = point->name;
    }
    return &self->strategy;
}
