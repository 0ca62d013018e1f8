#include "pinning.h"

#include "harness/check/record.h"
#include "harness/scenario/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- from the scenario --- */

/* The world's name of whoever a reference means: agents run on threads of the core. */
static void entity_of(const struct scn_file *file, const struct scn_ref *ref, char *out,
                      size_t bytes)
{
    if (ref->kind == SCN_REF_ACTOR && file->actors[ref->actor].kind == SCN_ACTOR_AGENT) {
        snprintf(out, bytes, "agent/%.9s", file->actors[ref->actor].name);
    } else {
        snprintf(out, bytes, "%s", ref->text);
    }
}

static void split_thread_point(const struct scn_file *file, const struct scn_ref *ref,
                               struct pin_point *point)
{
    char text[128];
    snprintf(text, sizeof text, "%s", ref->text);
    char *dot = strrchr(text, '.');
    if (dot) *dot = '\0';
    if (ref->actor >= 0 && file->actors[ref->actor].kind == SCN_ACTOR_AGENT) {
        snprintf(point->entity, sizeof point->entity, "agent/%.9s", text);
    } else {
        snprintf(point->entity, sizeof point->entity, "%.31s", text);
    }
    snprintf(point->name, sizeof point->name, "%s", ref->point);
}

static void point_of(const struct scn_file *file, const struct scn_ref *ref,
                     struct pin_point *point)
{
    point->occurrence = ref->occurrence;
    if (ref->kind == SCN_REF_THREAD_POINT) {
        split_thread_point(file, ref, point);
    } else if (ref->kind == SCN_REF_STEP) {
        /* A step without a number means its end: the last of its occurrences. */
        const struct scn_actor *actor = &file->actors[ref->actor];
        const struct scn_step *step = &actor->steps[ref->step];
        if (point->occurrence == 0) point->occurrence = step->occurrences;
        snprintf(point->name, sizeof point->name, "%s.%s", actor->name, step->label);
    } else if (ref->kind == SCN_REF_FAULT) {
        snprintf(point->name, sizeof point->name, "%s", file->faults[ref->fault].name);
    } else {
        snprintf(point->name, sizeof point->name, "%s", ref->point);
    }
}

static void pin_of(const struct scn_file *file, const struct scn_directive *directive,
                   struct pin *pin)
{
    static const enum pin_kind kinds[SCN_DIRECTIVE_COUNT] = {
        [SCN_DIRECTIVE_RUN_TO] = PIN_RUN_TO,   [SCN_DIRECTIVE_RUN_FREE_TO] = PIN_FREE_TO,
        [SCN_DIRECTIVE_RUN_FREE] = PIN_FREE,   [SCN_DIRECTIVE_RUN_ANY] = PIN_ANY,
        [SCN_DIRECTIVE_ADVANCE] = PIN_ADVANCE, [SCN_DIRECTIVE_FIRE] = PIN_EVENT,
        [SCN_DIRECTIVE_DELIVER] = PIN_EVENT,   [SCN_DIRECTIVE_WAKE] = PIN_WAKE,
        [SCN_DIRECTIVE_CHOOSE] = PIN_CHOOSE,
    };
    *pin = (struct pin){.kind = kinds[directive->kind], .line = directive->place.line};
    pin->advance_ns = directive->advance_us * 1000;
    pin->value = (uint32_t)directive->choice;
    if (directive->kind == SCN_DIRECTIVE_DELIVER) {
        snprintf(pin->who, sizeof pin->who, "%.30s->%.30s", directive->who.text,
                 directive->to.text);
    } else if (directive->kind == SCN_DIRECTIVE_FIRE) {
        snprintf(pin->who, sizeof pin->who, "%s", file->faults[directive->who.fault].name);
    } else if (directive->kind == SCN_DIRECTIVE_CHOOSE) {
        snprintf(pin->who, sizeof pin->who, "%s", directive->name);
    } else if (directive->who.text) {
        entity_of(file, &directive->who, pin->who, sizeof pin->who);
    }
    if (pin->kind == PIN_RUN_TO || pin->kind == PIN_FREE_TO) {
        point_of(file, &directive->to, &pin->point);
    }
}

uint32_t pinning_read(const struct scn_file *file, struct pin *pins)
{
    uint32_t count = file->directive_count < PINS_MAX ? file->directive_count : PINS_MAX;
    for (uint32_t i = 0; i < count; i++) pin_of(file, &file->directives[i], &pins[i]);
    return count;
}

/* --- points of the scenario itself --- */

static const struct scn_file *followed;
static struct strategy *follower;

static void on_record(void *context, const struct record *record)
{
    char name[PIN_NAME_MAX];
    (void)context;
    if (!pins_active(follower)) return;
    if (record->kind == RECORD_STEP_END) {
        uint32_t index = record->subject - PARTY_ACTOR;
        const struct scn_actor *actor = &followed->actors[index];
        const char *label = actor->steps[record->values.STEP_END.step].label;
        if (label == NULL) return;
        snprintf(name, sizeof name, "%.30s.%.30s", actor->name, label);
    } else if (record->kind == RECORD_FAULT_BEGIN) {
        snprintf(name, sizeof name, "%s", followed->faults[record->values.FAULT_BEGIN.fault].name);
    } else {
        return;
    }
    pins_mark(follower, name);
}

struct strategy *pinning_strategy(const struct scn_file *file, const struct pin *pins,
                                  uint32_t count, struct strategy *rest)
{
    if (follower) record_unsubscribe(on_record, NULL);
    followed = file;
    follower = strategy_pins(pins, count, rest);
    if (follower) record_subscribe(on_record, NULL);
    return follower;
}

/* --- to the scenario --- */

/* "agent/bot" is "bot" in the language. */
static const char *written_name(const char *entity)
{
    return strncmp(entity, "agent/", 6) == 0 ? entity + 6 : entity;
}

static void write_point(FILE *out, const struct pin_point *point)
{
    if (point->entity[0]) fprintf(out, "%s.", written_name(point->entity));
    fprintf(out, "%s", point->name);
    if (point->occurrence) fprintf(out, "[%u]", point->occurrence);
}

static bool is_fault(const struct scn_file *file, const char *name)
{
    for (uint32_t i = 0; i < file->fault_count; i++) {
        if (strcmp(file->faults[i].name, name) == 0) return true;
    }
    return false;
}

static void write_pin(FILE *out, const struct scn_file *file, const struct pin *pin)
{
    fprintf(out, "  ");
    switch (pin->kind) {
    case PIN_RUN_TO:
        fprintf(out, "run %s to ", written_name(pin->who));
        write_point(out, &pin->point);
        break;
    case PIN_FREE_TO:
        fprintf(out, "run free to ");
        write_point(out, &pin->point);
        break;
    case PIN_FREE:
        fprintf(out, "run free");
        break;
    case PIN_ANY:
        fprintf(out, "run any");
        break;
    case PIN_ADVANCE:
        fprintf(out, "advance ");
        scn_write_time(out, (int64_t)(pin->advance_ns / 1000));
        break;
    case PIN_EVENT:
        fprintf(out, "%s %s", is_fault(file, pin->who) ? "fire" : "deliver", pin->who);
        break;
    case PIN_WAKE:
        fprintf(out, "wake %s", written_name(pin->who));
        break;
    case PIN_CHOOSE:
        fprintf(out, "choose %s %u", pin->who, pin->value);
        break;
    }
    fputc('\n', out);
}

/* A point that the pin before leads to anyway. */
static bool told_before(const struct pin *pins, uint32_t at)
{
    if (at == 0 || pins[at].kind != PIN_FREE_TO) return false;
    const struct pin *before = &pins[at - 1];
    if (before->kind != PIN_RUN_TO && before->kind != PIN_FREE_TO) return false;
    return memcmp(&before->point, &pins[at].point, sizeof before->point) == 0;
}

char *pinning_text(const struct scn_file *file, const struct pin *pins, uint32_t count)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL) return NULL;
    fprintf(out, "schedule\n");
    for (uint32_t i = 0; i < count; i++) {
        if (!told_before(pins, i)) write_pin(out, file, &pins[i]);
    }
    fclose(out);
    return text;
}

static bool opens(const char *line, const char *word)
{
    size_t length = strlen(word);
    return strncmp(line, word, length) == 0 &&
           (line[length] == '\0' || line[length] == '\n' || line[length] == ' ');
}

/* Copies the scenario line by line; a block to be left out ends at the next line at column 1. */
char *pinning_scenario(const struct scn_file *file, const char *source, const char *name,
                       const char *schedule)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL) return NULL;
    bool leave_out = false;
    for (const char *line = source; *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t length = end ? (size_t)(end - line) + 1 : strlen(line);
        if (*line != ' ' && *line != '\n')
            leave_out = opens(line, "explore") || opens(line, "schedule");
        if (opens(line, "scenario")) {
            fprintf(out, "scenario %s \"%s\"\n", name, file->title);
        } else if (!leave_out) {
            if (opens(line, "check")) fprintf(out, "%s\n", schedule);
            fwrite(line, 1, length, out);
        }
        line += length;
    }
    fclose(out);
    return text;
}
