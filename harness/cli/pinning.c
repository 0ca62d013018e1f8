#include "pinning.h"

#include "harness/check/record.h"
#include "harness/scenario/scenario.h"
#include "include/session_types.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- from the scenario --- */

_Static_assert((int)SCN_CORE_LETTERS == (int)CORE_THREAD_OWNER_MAX, "letters of a core's name");
_Static_assert(SCN_AGENT_LETTERS == CORE_THREAD_NAME_MAX - 1 - sizeof "agent", "of an agent's");

static bool is_agent(const struct scn_file *file, int32_t actor)
{
    return actor >= 0 && file->actors[actor].kind == SCN_ACTOR_AGENT;
}

static void thread_name(const struct scn_file *file, const struct scn_ref *ref, char *out,
                        size_t bytes)
{
    const char *word = scn_thread_word(ref->thread);
    uint32_t index = ref->thread_index;
    if (ref->thread == SCN_THREAD_JOBS && index == 0) index = 1;
    if (ref->thread == SCN_THREAD_STAGE) {
        snprintf(out, bytes, "core/stage");
    } else if (index > 0) {
        snprintf(out, bytes, "%.*s/%s[%u]", SCN_CORE_LETTERS, file->cores[ref->core].name, word,
                 index);
    } else {
        snprintf(out, bytes, "%.*s/%s", SCN_CORE_LETTERS, file->cores[ref->core].name, word);
    }
}

/* The world's name of whoever runs: agents run on threads of the core. */
static void runner_of(const struct scn_file *file, const struct scn_ref *ref, char *out,
                      size_t bytes)
{
    if (is_agent(file, ref->actor)) {
        snprintf(out, bytes, "agent/%.*s", SCN_AGENT_LETTERS, file->actors[ref->actor].name);
    } else if (ref->actor >= 0) {
        snprintf(out, bytes, "%s", file->actors[ref->actor].name);
    } else {
        thread_name(file, ref, out, bytes);
    }
}

/* The world's name of one end of a link; `other` is the other end. */
static const char *end_of(const struct scn_file *file, const struct scn_ref *ref,
                          const struct scn_ref *other)
{
    if (ref->actor >= 0) return file->actors[ref->actor].name;
    return file->cores[ref->core >= 0 ? ref->core : file->actors[other->actor].core].name;
}

/* The world's name of what is fired; that of a core is not always written. */
static void event_of(const struct scn_file *file, const struct scn_ref *ref, char *out,
                     size_t bytes)
{
    if (ref->kind == SCN_REF_FAULT) {
        snprintf(out, bytes, "%s", file->faults[ref->fault].name);
    } else if (ref->core >= 0) {
        snprintf(out, bytes, "%s%s", file->cores[ref->core].name, strrchr(ref->text, '.'));
    } else {
        snprintf(out, bytes, "%s", ref->text);
    }
}

static void point_of(const struct scn_file *file, const struct scn_ref *ref,
                     struct pin_point *point)
{
    point->occurrence = ref->occurrence;
    if (ref->kind == SCN_REF_THREAD_POINT) {
        runner_of(file, ref, point->entity, sizeof point->entity);
        snprintf(point->name, sizeof point->name, "%s", ref->point);
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
        snprintf(pin->who, sizeof pin->who, "%s->%s",
                 end_of(file, &directive->who, &directive->to),
                 end_of(file, &directive->to, &directive->who));
    } else if (directive->kind == SCN_DIRECTIVE_FIRE) {
        event_of(file, &directive->who, pin->who, sizeof pin->who);
    } else if (directive->kind == SCN_DIRECTIVE_CHOOSE) {
        snprintf(pin->who, sizeof pin->who, "%s", directive->name);
    } else if (directive->who.text) {
        runner_of(file, &directive->who, pin->who, sizeof pin->who);
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
        snprintf(name, sizeof name, "%s.%s", actor->name, label);
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

static const char *agent_like(const struct scn_file *file, const char *letters)
{
    for (uint32_t i = 0; i < file->actor_count; i++) {
        const char *name = file->actors[i].name;
        if (!is_agent(file, (int32_t)i)) continue;
        if (strncmp(name, letters, SCN_AGENT_LETTERS) == 0) return name;
    }
    return letters;
}

static const char *core_like(const struct scn_file *file, const char *letters, size_t count)
{
    for (uint32_t i = 0; i < file->core_count; i++) {
        const char *name = file->cores[i].name;
        if (strnlen(name, SCN_CORE_LETTERS) == count && strncmp(name, letters, count) == 0) {
            return name;
        }
    }
    return NULL;
}

/* "agent/bot" is "bot" in the language, and a core has its whole name. */
static void write_runner(FILE *out, const struct scn_file *file, const char *entity)
{
    const char *slash = strchr(entity, '/');
    if (slash == NULL) {
        fputs(entity, out);
        return;
    }
    const char *core = core_like(file, entity, (size_t)(slash - entity));
    if (core == NULL && strncmp(entity, "agent/", 6) == 0) {
        fputs(agent_like(file, slash + 1), out);
    } else {
        fprintf(out, "%s%s", core ? core : "core", slash);
    }
}

static void write_point(FILE *out, const struct scn_file *file, const struct pin_point *point)
{
    if (point->entity[0]) {
        write_runner(out, file, point->entity);
        fputc('.', out);
    }
    fprintf(out, "%s", point->name);
    if (point->occurrence) fprintf(out, "[%u]", point->occurrence);
}

static void write_pin(FILE *out, const struct scn_file *file, const struct pin *pin)
{
    fprintf(out, "  ");
    switch (pin->kind) {
    case PIN_RUN_TO:
        fprintf(out, "run ");
        write_runner(out, file, pin->who);
        fprintf(out, " to ");
        write_point(out, file, &pin->point);
        break;
    case PIN_FREE_TO:
        fprintf(out, "run free to ");
        write_point(out, file, &pin->point);
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
        fprintf(out, "%s %s", strstr(pin->who, "->") ? "deliver" : "fire", pin->who);
        break;
    case PIN_WAKE:
        fprintf(out, "wake ");
        write_runner(out, file, pin->who);
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

/* What a replay needs of the explore block; its header comes with the first such line. */
static void copy_limit(FILE *out, const char *line, size_t length, bool *headed)
{
    const char *word = line + strspn(line, " ");
    if (!opens(word, "bound") && !opens(word, "seed")) return;
    if (!*headed) fputs("explore\n", out);
    *headed = true;
    fwrite(line, 1, length, out);
}

/* A line about cores without their transport; nothing, if it says nothing else. */
static void copy_core(FILE *out, const char *line, size_t length)
{
    static const char word[] = " transport=";
    const char *end = line + length;
    const char *at = memmem(line, length, word, sizeof word - 1);
    const char *comment = memchr(line, '#', length);
    if (at == NULL || (comment && comment < at)) {
        fwrite(line, 1, length, out);
        return;
    }
    const char *rest = at + 1;
    while (rest < end && *rest != ' ' && *rest != '\n') rest++;
    if (at - line == (ptrdiff_t)strlen("core") && *rest == '\n') return;
    fwrite(line, 1, (size_t)(at - line), out);
    fwrite(rest, 1, (size_t)(end - rest), out);
}

static void copy_line(FILE *out, const char *line, size_t length, const char *transport)
{
    if (transport && opens(line, "core"))
        copy_core(out, line, length);
    else
        fwrite(line, 1, length, out);
}

/* Copies the scenario line by line; a block to be left out ends at the next line at column 1. */
char *pinning_scenario(const struct scn_file *file, const char *source, const char *name,
                       const char *schedule, const char *transport)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL) return NULL;
    bool leave_out = false, exploring = false, headed = false;
    for (const char *line = source; *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t length = end ? (size_t)(end - line) + 1 : strlen(line);
        if (*line != ' ' && *line != '\n') {
            exploring = opens(line, "explore");
            leave_out = exploring || opens(line, "schedule");
        }
        if (exploring) copy_limit(out, line, length, &headed);
        if (opens(line, "scenario")) {
            fprintf(out, "scenario %s \"%s\"\n", name, file->title);
            if (transport) fprintf(out, "\ncore transport=%s\n", transport);
        } else if (!leave_out) {
            if (opens(line, "check")) fprintf(out, "%s\n", schedule);
            copy_line(out, line, length, transport);
        }
        line += length;
    }
    fclose(out);
    return text;
}
