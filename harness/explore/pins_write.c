/* Telling an execution by names: one stretch of default policy, then one deviation, and so on
 * to the last deviation. */
#include "pins.h"

#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the recorder --- */

struct recorder {
    struct strategy strategy;
    const uint16_t *choices;
    struct pin_note *notes;
    uint32_t count, max, at;
};

static uint32_t take(struct recorder *self, uint32_t count, struct pin_note note)
{
    uint32_t at = self->at++;
    uint32_t index = at < self->count ? self->choices[at] : 0;
    if (index >= count) index = 0;
    if (at >= self->max) return index;
    if (note.label == NULL) {
        note.entity = world_option(index);
        if (note.entity != WORLD_ADVANCE) note.class_ = (uint8_t)world_class_of(note.entity);
    }
    self->notes[at] = note;
    return index;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    return take((struct recorder *)chooser, count, (struct pin_note){0, 0, NULL});
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    return take((struct recorder *)chooser, count, (struct pin_note){WORLD_NOBODY, 0, label});
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    (void)n;
    ((struct recorder *)strategy)->at = 0;
    return true;
}

struct strategy *strategy_recorder(const uint16_t *choices, uint32_t count, struct pin_note *notes,
                                   uint32_t max)
{
    struct recorder *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->strategy = (struct strategy){
        .chooser = {.schedule = schedule, .value = value},
        .begin = begin,
        .text = "replay",
        .free = strategy_free,
    };
    self->choices = choices;
    self->count = count;
    self->notes = notes;
    self->max = max;
    return &self->strategy;
}

/* --- the writer --- */

struct writer {
    const struct world_step *steps;
    uint32_t step_count;
    struct pin *pins;
    uint32_t count, max;
    uint32_t *numbers; /* of each step among its kind, from 1 */
    uint32_t told; /* steps before this one are told already */
    uint32_t group;
};

static struct pin *add(struct writer *writer, enum pin_kind kind)
{
    static struct pin overflow;
    struct pin *pin = writer->count < writer->max ? &writer->pins[writer->count] : &overflow;
    writer->count++;
    *pin = (struct pin){.kind = kind, .group = writer->group};
    return pin;
}

static bool is_thread(const struct world_step *step)
{
    return step->entity != WORLD_ADVANCE && !world_is_task(step->entity);
}

static bool has_name(const struct world_step *step)
{
    return step->op == WORLD_OP_POINT;
}

/* Threads of one name count together. */
static uint16_t first_of_name(uint16_t entity)
{
    uint16_t first = 0;
    while (strcmp(world_entity_name(first), world_entity_name(entity)) != 0) first++;
    return first;
}

/* Which of its kind each step is: of the passes of a named point, or of the operations of that kind
 * by threads of that name. */
static void count_steps(struct writer *writer)
{
    static uint32_t made[WORLD_ENTITIES_MAX][WORLD_OP_COUNT];
    static uint16_t names[WORLD_ENTITIES_MAX];
    uint32_t objects = 0;
    for (uint32_t i = 0; i < writer->step_count; i++) {
        const struct world_step *step = &writer->steps[i];
        if (has_name(step) && step->object > objects) objects = step->object;
    }
    uint32_t *passed = calloc(objects + 1, sizeof *passed);
    memset(made, 0, sizeof made);
    for (uint16_t i = 0; i < world_entity_count(); i++) names[i] = first_of_name(i);
    for (uint32_t i = 0; passed && i < writer->step_count; i++) {
        const struct world_step *step = &writer->steps[i];
        if (step->entity == WORLD_ADVANCE) continue;
        writer->numbers[i] = has_name(step) ? ++passed[step->object]
                                            : ++made[names[step->entity]][step->op];
    }
    free(passed);
}

static void point_of(const struct writer *writer, uint32_t at, struct pin_point *point)
{
    const struct world_step *step = &writer->steps[at];
    point->occurrence = writer->numbers[at];
    if (has_name(step)) {
        snprintf(point->name, sizeof point->name, "%s", world_point_name(step->object));
        return;
    }
    snprintf(point->entity, sizeof point->entity, "%s", world_entity_name(step->entity));
    snprintf(point->name, sizeof point->name, "%s", world_op_words[step->op]);
}

static uint64_t time_at(const struct writer *writer, uint32_t at)
{
    for (uint32_t i = at; i-- > 0;) {
        const struct world_step *step = &writer->steps[i];
        if (step->op == WORLD_OP_ADVANCE) return (uint64_t)step->object << 32 | step->result;
    }
    return 0;
}

static void tell_event(struct writer *writer, uint32_t at)
{
    const struct world_step *step = &writer->steps[at];
    if (step->op == WORLD_OP_ADVANCE) {
        struct pin *pin = add(writer, PIN_ADVANCE);
        pin->until_ns = time_at(writer, at + 1);
        pin->advance_ns = pin->until_ns - time_at(writer, at);
    } else if (step->op == WORLD_OP_TASK) {
        struct pin *pin = add(writer, PIN_EVENT);
        snprintf(pin->who, sizeof pin->who, "%s", world_entity_name(step->entity));
    }
}

/* Everything before step `end` happened by the default policy: tell up to there. The point is
 * told even where the pin before leads to it already, so that every group has its trigger. */
static void tell_default(struct writer *writer, uint32_t end)
{
    uint32_t last = end;
    while (last > 0 && !is_thread(&writer->steps[last - 1])) last--;
    if (last > 0) {
        point_of(writer, last - 1, &add(writer, PIN_FREE_TO)->point);
    }
    for (uint32_t at = last > writer->told ? last : writer->told; at < end; at++) {
        tell_event(writer, at);
    }
    writer->told = end;
}

/* The deviation itself, and the first step that it leads to. */
static void tell_choice(struct writer *writer, const struct pin_note *note, uint16_t index,
                        uint32_t next)
{
    if (note->label) {
        struct pin *pin = add(writer, PIN_CHOOSE);
        snprintf(pin->who, sizeof pin->who, "%s", note->label);
        pin->value = index;
        return;
    }
    if (next == writer->step_count) return;
    writer->told = next + 1;
    if (!is_thread(&writer->steps[next])) {
        tell_event(writer, next);
        return;
    }
    struct pin *pin = add(writer, PIN_RUN_TO);
    snprintf(pin->who, sizeof pin->who, "%s", world_entity_name(writer->steps[next].entity));
    point_of(writer, next, &pin->point);
}

uint32_t pins_write(const struct pin_note *notes, struct pin *pins, uint32_t max)
{
    struct writer writer = {.pins = pins, .max = max};
    uint32_t choice_count;
    const struct world_choice *choices = explore_choices(&choice_count);
    writer.steps = world_steps(&writer.step_count);
    writer.numbers = calloc(writer.step_count + 1, sizeof *writer.numbers);
    if (writer.numbers == NULL) return 0;
    count_steps(&writer);
    uint32_t next = 0;
    for (uint32_t i = 0; i < choice_count; i++) {
        if (choices[i].index == 0) continue;
        while (next < writer.step_count && writer.steps[next].choices <= i) next++;
        writer.group++;
        tell_default(&writer, next);
        tell_choice(&writer, &notes[i], choices[i].index, next);
    }
    add(&writer, PIN_FREE);
    free(writer.numbers);
    return writer.count <= max ? writer.count : 0;
}

uint32_t pins_merge(struct pin *pins, uint32_t count)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t next = i + (i + 1 < count && pins[i].kind == PIN_FREE_TO);
        if (left > 0 && pins[left - 1].kind == PIN_ADVANCE && pins[next].kind == PIN_ADVANCE) {
            struct pin *first = &pins[left - 1];
            first->advance_ns += pins[next].until_ns - first->until_ns;
            first->until_ns = pins[next].until_ns;
            i = next;
            continue;
        }
        pins[left++] = pins[i];
    }
    return left;
}
