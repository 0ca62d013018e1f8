#include "rules.h"

#include <stdlib.h>
#include <string.h>

enum { TIME = 0 }; /* its place among the names */

/* What a step waits for: so many writes of its object before it, and after the last of these so
 * many reads, if it writes itself; so many times that time passed. */
struct rule {
    uint32_t writes, reads, advances;
};

struct progress {
    uint32_t writes, reads; /* of an object, the reads since the last write */
};

struct rules {
    struct order_names names;
    struct order_step *steps;
    struct rule *rules;
    uint32_t count, object_count;
    struct order_index index;
    /* Of the execution that runs: */
    struct progress *progress;             /* by object */
    struct order_track track;
};

static bool writes(const struct order_step *step)
{
    return step->access == WORLD_WRITE;
}

/* A step of that object is made. */
static void proceed(struct progress *progress, const struct order_step *step)
{
    if (step->object == 0) return;
    struct progress *object = &progress[step->object];
    if (writes(step)) {
        *object = (struct progress){object->writes + 1, 0};
    } else {
        object->reads++;
    }
}

static void write_rules(struct rules *self)
{
    uint32_t advances = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        const struct order_step *step = &self->steps[i];
        const struct progress *object = &self->progress[step->object];
        self->rules[i] = (struct rule){object->writes, object->reads, advances};
        proceed(self->progress, step);
        advances += step->thread == TIME;
    }
}

struct rules *rules_new(void)
{
    struct rules *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->steps = order_take(&self->names, &self->count);
    for (uint32_t i = 0; self->steps && i < self->count; i++) {
        if (self->steps[i].object > self->object_count) self->object_count = self->steps[i].object;
    }
    self->rules = calloc(self->count + 1, sizeof *self->rules);
    self->progress = calloc(self->object_count + 1, sizeof *self->progress);
    if (!self->steps || !self->rules || !self->progress ||
        !order_index_make(&self->index, self->steps, self->count)) {
        rules_free(self);
        return NULL;
    }
    write_rules(self);
    return self;
}

void rules_free(struct rules *self)
{
    if (self == NULL) return;
    free(self->progress);
    order_index_free(&self->index);
    free(self->rules);
    free(self->steps);
    free(self);
}

void rules_reset(struct rules *self)
{
    memset(self->progress, 0, (self->object_count + 1) * sizeof *self->progress);
    order_track_begin(&self->track, &self->names);
}

void rules_update(struct rules *self)
{
    uint32_t thread;
    while (order_track_next(&self->track, &thread)) {
        uint32_t at = order_index_find(&self->index, thread, self->track.made[thread] - 1);
        if (at != UINT32_MAX) proceed(self->progress, &self->steps[at]);
    }
}

bool rules_permit(struct rules *self, uint16_t option)
{
    uint32_t thread = order_track_thread(&self->track, option);
    uint32_t at = order_index_find(&self->index, thread, self->track.made[thread]);
    if (at == UINT32_MAX) return false;
    const struct order_step *step = &self->steps[at];
    const struct rule *rule = &self->rules[at];
    const struct progress *object = &self->progress[step->object];
    if (thread == TIME) return self->track.scanned == at;
    if (self->track.made[TIME] != rule->advances) return false;
    if (step->object == 0) return true;
    return object->writes == rule->writes && (!writes(step) || object->reads == rule->reads);
}
