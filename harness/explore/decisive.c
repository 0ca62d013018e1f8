/* Finding the decisive pair: the failing execution is compared with one that lacks a single
 * deviation and passes. Steps are matched by who made them and how many that one had made
 * before. The idea is that of Hermit's last step (two adjacent events of a passing and a
 * failing schedule); here the deviations of a shrunk failure are the candidates. */
#include "decisive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A step as it can be found again in another execution. */
struct event {
    uint32_t thread;   /* index in names */
    uint32_t number;   /* among that thread's steps */
    uint32_t object;   /* of this execution; 0: none */
    uint8_t op, access;
};

enum { NAMES_MAX = 2 * WORLD_ENTITIES_MAX };

struct comparison {
    char (*names)[WORLD_NAME_MAX]; /* shared by both executions */
    uint32_t name_count;
    struct event *failing, *passing;
    uint32_t failing_count, passing_count;
};

static uint32_t name_index(struct comparison *self, const char *name)
{
    for (uint32_t i = 0; i < self->name_count; i++) {
        if (strcmp(self->names[i], name) == 0) return i;
    }
    if (self->name_count == NAMES_MAX) return 0;
    snprintf(self->names[self->name_count], WORLD_NAME_MAX, "%s", name);
    return self->name_count++;
}

/* The events of the execution that has just ended in this process; freed by the caller. */
static struct event *take_events(struct comparison *self, uint32_t *count)
{
    uint32_t of_entity[WORLD_ENTITIES_MAX];
    uint32_t *numbers = calloc(NAMES_MAX, sizeof *numbers);
    const struct world_step *steps = world_steps(count);
    struct event *events = calloc(*count + 1, sizeof *events);
    if (numbers == NULL || events == NULL) {
        free(numbers);
        free(events);
        return NULL;
    }
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        of_entity[id] = name_index(self, world_entity_name(id));
    }
    uint32_t time = name_index(self, "(time)");
    for (uint32_t i = 0; i < *count; i++) {
        uint32_t thread = steps[i].entity == WORLD_ADVANCE ? time : of_entity[steps[i].entity];
        uint32_t object = steps[i].op == WORLD_OP_ADVANCE ? 0 : steps[i].object;
        events[i] = (struct event){thread, numbers[thread]++, object, steps[i].op,
                                   steps[i].access};
    }
    free(numbers);
    return events;
}

static uint32_t find(const struct comparison *self, const struct event *event)
{
    for (uint32_t i = 0; i < self->passing_count; i++) {
        const struct event *other = &self->passing[i];
        if (other->thread == event->thread && other->number == event->number) {
            return other->op == event->op ? i : UINT32_MAX;
        }
    }
    return UINT32_MAX;
}

static uint32_t first_difference(const struct comparison *self)
{
    uint32_t at = 0;
    while (at < self->failing_count && at < self->passing_count &&
           self->failing[at].thread == self->passing[at].thread &&
           self->failing[at].op == self->passing[at].op) {
        at++;
    }
    return at;
}

/* The step before `at` on the same object that conflicts with it, not before `from`. Of a lock
 * that is the acquisition: its release says only that the other one could go on. */
static uint32_t conflict_before(const struct comparison *self, uint32_t at, uint32_t from)
{
    const struct event *event = &self->failing[at];
    for (uint32_t i = at; i-- > from;) {
        const struct event *before = &self->failing[i];
        if (before->object != event->object || before->access == WORLD_NONE) continue;
        if (before->op == WORLD_OP_UNLOCK || before->op == WORLD_OP_RWUNLOCK) continue;
        if (before->access != WORLD_WRITE && event->access != WORLD_WRITE) continue;
        return before->thread == event->thread ? UINT32_MAX : i;
    }
    return UINT32_MAX;
}

/* The earliest pair whose order differs between the two. */
static bool find_pair(const struct comparison *self, uint32_t *first, uint32_t *second)
{
    uint32_t from = first_difference(self);
    for (uint32_t at = from; at < self->failing_count; at++) {
        const struct event *event = &self->failing[at];
        if (event->object == 0 || event->access == WORLD_NONE) continue;
        if (event->op == WORLD_OP_UNLOCK || event->op == WORLD_OP_RWUNLOCK) continue;
        uint32_t before = conflict_before(self, at, from);
        if (before == UINT32_MAX) continue;
        uint32_t there = find(self, event), before_there = find(self, &self->failing[before]);
        /* A step that the passing execution never made comes after everything it made. */
        if (there == UINT32_MAX || there > before_there) continue;
        *first = before;
        *second = at;
        return true;
    }
    return false;
}

/* --- the executions --- */

/* Without the deviation at that choice. False: it fails all the same. */
static bool run_without(const struct explore_subject *subject,
                        const struct explore_failure *failure, uint32_t choice)
{
    struct world_result result;
    uint16_t *choices = malloc((failure->count + 1) * sizeof *choices);
    if (choices == NULL) return false;
    memcpy(choices, failure->choices, failure->count * sizeof *choices);
    choices[choice] = 0;
    uint32_t id = explore_replay(subject, choices, failure->count, false, &result);
    free(choices);
    return id == EXPLORE_PASSED;
}

static bool compare(struct comparison *self, const struct explore_subject *subject,
                    const struct explore_failure *failure, uint32_t *first, uint32_t *second)
{
    for (uint32_t choice = failure->count; choice-- > 0;) {
        if (failure->choices[choice] == 0) continue;
        if (!run_without(subject, failure, choice)) continue;
        self->passing = take_events(self, &self->passing_count);
        bool found = self->passing && find_pair(self, first, second);
        free(self->passing);
        if (found) return true;
    }
    return false;
}

/* --- where the two steps are made --- */

struct watch {
    uint32_t at, first, second;
    struct decisive *decisive;
};

static void note(struct decisive_step *out, const struct world_step *step)
{
    const char *point = world_point_name(step->object);
    snprintf(out->thread, sizeof out->thread, "%s", world_entity_name(step->entity));
    if (point[0]) {
        snprintf(out->what, sizeof out->what, "%s", point);
    } else {
        snprintf(out->what, sizeof out->what, "%s %s", world_op_words[step->op],
                 world_object_kind(step->object));
    }
    world_stack_here(&out->stack);
}

static void observe(void *context, const struct world_step *step)
{
    struct watch *watch = context;
    uint32_t at = watch->at++;
    if (at == watch->first) note(&watch->decisive->first, step);
    if (at == watch->second) note(&watch->decisive->second, step);
}

void explore_decisive(const struct explore_subject *subject, const struct explore_failure *failure,
                      struct decisive *decisive)
{
    struct comparison self = {0};
    struct world_result result;
    uint32_t first, second;
    *decisive = (struct decisive){0};
    self.names = calloc(NAMES_MAX, sizeof *self.names);
    if (self.names == NULL) return;
    explore_replay(subject, failure->choices, failure->count, false, &result);
    self.failing = take_events(&self, &self.failing_count);
    if (self.failing && compare(&self, subject, failure, &first, &second)) {
        struct watch watch = {0, first, second, decisive};
        world_observe(observe, &watch);
        explore_replay(subject, failure->choices, failure->count, false, &result);
        world_observe(NULL, NULL);
        decisive->found = true;
    }
    free(self.failing);
    free(self.names);
}
