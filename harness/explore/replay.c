/* Replaying a list of choices. */
#include "strategy.h"

#include <stdio.h>
#include <stdlib.h>

struct replay {
    struct strategy strategy;
    const uint16_t *choices;
    uint32_t count, at;
    bool strict;
};

static uint32_t take(struct replay *self, uint32_t count, const char *what)
{
    uint32_t at = self->at++;
    uint32_t index = at < self->count ? self->choices[at] : 0;
    if (index < count) return index;
    if (!self->strict) return 0;
    char options[512] = "";
    int used = 0;
    for (uint32_t i = 0; what == NULL && i < count && used < 400; i++) {
        used += snprintf(options + used, sizeof options - (size_t)used, "%s%s", i ? ", " : "",
                         world_entity_name(world_option(i)));
    }
    world_stop("choice %u of the token asks for option %u, but there are %u: %s", at + 1, index,
               count, what ? what : options);
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    return take((struct replay *)chooser, count, NULL);
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    return take((struct replay *)chooser, count, label);
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    (void)n;
    ((struct replay *)strategy)->at = 0;
    return true;
}

struct strategy *strategy_replay(const uint16_t *choices, uint32_t count, bool strict)
{
    struct replay *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value},
        .begin = begin,
        .text = "replay",
        .free = strategy_free,
    };
    self->choices = choices;
    self->count = count;
    self->strict = strict;
    return &self->strategy;
}
