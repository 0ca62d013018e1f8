#include "cost.h"

#include <stdio.h>

bool cost_less(const struct explore_cost *one, const struct explore_cost *other)
{
    for (int kind = COST_FAULT; kind > COST_NONE; kind--) {
        if (one->of[kind] != other->of[kind]) return one->of[kind] < other->of[kind];
    }
    return one->steps < other->steps;
}

uint32_t cost_choices(const struct explore_cost *cost)
{
    return cost->of[COST_OTHER] + cost->of[COST_PREEMPTION] + cost->of[COST_FAULT];
}

void cost_write(const struct explore_cost *cost, char *out, size_t size)
{
    static const char *const words[COST_KINDS] = {
        [COST_PREEMPTION] = "preemption", [COST_FAULT] = "fault"};
    int used = 0;
    if (size > 0) out[0] = '\0';
    for (int kind = COST_PREEMPTION; kind < COST_KINDS; kind++) {
        uint32_t n = cost->of[kind];
        if (n == 0 || used < 0 || (size_t)used >= size) continue;
        used += snprintf(out + used, size - (size_t)used, "%s%u %s%s", used ? ", " : " (", n,
                         words[kind], n == 1 ? "" : "s");
    }
    if (used > 0 && (size_t)used < size) snprintf(out + used, size - (size_t)used, ")");
}

enum cost_kind cost_of_other(uint16_t first, uint16_t option)
{
    if (option == WORLD_ADVANCE) {
        return world_class_of(first) == WORLD_WINDOW ? COST_OTHER : COST_FAULT;
    }
    if (world_class_of(option) >= WORLD_SPURIOUS) return COST_FAULT;
    return world_option_continues() ? COST_PREEMPTION : COST_OTHER;
}

enum cost_kind cost_of_option(uint32_t index)
{
    return index == 0 ? COST_NONE : cost_of_other(world_option(0), world_option(index));
}

static void note(struct meter *self, enum cost_kind kind, uint16_t put_off)
{
    if (self->at == TOKEN_CHOICES_MAX) return; /* the world cuts such an execution */
    self->notes[self->at++] = (struct meter_note){(uint8_t)kind, put_off};
    self->cost.of[kind] += kind != COST_NONE;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct meter *self = (struct meter *)chooser;
    self->inner->chooser.plain = chooser->plain;
    uint32_t index = self->inner->chooser.schedule(&self->inner->chooser, count);
    note(self, cost_of_option(index), index == 0 ? WORLD_NOBODY : world_option(0));
    return index;
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    struct meter *self = (struct meter *)chooser;
    uint32_t index = self->inner->chooser.value(&self->inner->chooser, count, label);
    note(self, index == 0 ? COST_NONE : COST_OTHER, WORLD_NOBODY);
    return index;
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct meter *self = (struct meter *)strategy;
    self->cost = (struct explore_cost){0};
    self->at = 0;
    return self->inner->begin(self->inner, n);
}

static void end(struct strategy *strategy, const struct world_choice *choices, uint32_t count)
{
    struct meter *self = (struct meter *)strategy;
    if (self->inner->end) self->inner->end(self->inner, choices, count);
}

uint32_t meter_step(uint32_t choice, uint32_t from)
{
    uint32_t count;
    const struct world_step *steps = world_steps(&count);
    while (from < count && steps[from].choices <= choice) from++;
    return from;
}

void meter_init(struct meter *meter, struct strategy *inner)
{
    meter->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value},
        .begin = begin,
        .end = end,
    };
    meter->inner = inner;
}
