#include "trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "harness/world/gate.h"
#include "reports/symbols.h"

static struct trail_step *kept;
static uint32_t kept_count, kept_room;
static const char *(*words_of)(uint32_t object);

/* Objects in the order of their first use, with names that stay when they are destroyed. */
static struct {
    const char *kind;
    uint32_t ordinal; /* among its kind */
    bool is_variable;
    char name[48];
} objects[WORLD_OBJECTS_MAX];
static uint32_t object_count;

static void name_object(uint32_t object)
{
    uint32_t ordinal = 1;
    char *name = objects[object].name;
    const char *kind = world_object_kind(object), *point = world_point_name(object);
    objects[object].kind = kind;
    snprintf(name, sizeof objects->name, "%s", point);
    objects[object].is_variable = false;
    objects[object].ordinal = 0;
    if (point[0] != '\0' || strcmp(kind, "thread") == 0) return; /* the step says which */
    if (world_place_name(object, name, sizeof objects->name)) return;
    for (uint32_t id = object - 1; id > 0 && ordinal == 1; id--) {
        if (strcmp(objects[id].kind, kind) == 0) ordinal = objects[id].ordinal + 1;
    }
    objects[object].ordinal = ordinal;
    objects[object].is_variable =
        symbol_of_data(world_object_address(object), name, sizeof objects->name);
    if (!objects[object].is_variable) {
        snprintf(name, sizeof objects->name, "%s %u", kind, ordinal);
    }
}

void trail_name_objects(char *text, size_t size)
{
    for (uint32_t id = 1; id < object_count; id++) {
        char number[32];
        if (!objects[id].is_variable) continue;
        int length = snprintf(number, sizeof number, "%s %u", objects[id].kind,
                              objects[id].ordinal);
        char *at = text;
        while ((at = strstr(at, number)) != NULL) {
            char *rest = at + length;
            size_t kind = strlen(objects[id].kind) + 1, name = strlen(objects[id].name);
            if (*rest >= '0' && *rest <= '9') {
                at = rest; /* a longer number */
                continue;
            }
            if (strlen(text) - (size_t)length + kind + name >= size) return;
            memmove(at + kind + name, rest, strlen(rest) + 1);
            memcpy(at + kind, objects[id].name, name);
            at += kind + name;
        }
    }
}

/* Time passes while this thread could run: it is delayed. */
static uint16_t find_delayed(void)
{
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        if (world_class_of(id) == WORLD_THREAD && world_entity_enabled(id)) return id;
    }
    return WORLD_NOBODY;
}

static void keep(void *context, const struct world_step *step)
{
    (void)context;
    if (kept_count == kept_room) {
        kept_room = kept_room ? 2 * kept_room : 1024;
        kept = realloc(kept, kept_room * sizeof *kept);
        REQUIRE(kept != NULL);
    }
    struct trail_step *here = &kept[kept_count++];
    *here = (struct trail_step){.step = *step, .delayed = WORLD_NOBODY, .now_ns = world_now_ns()};
    if (step->op == WORLD_OP_ADVANCE) {
        here->delayed = find_delayed();
    } else {
        while (object_count <= step->object) name_object(object_count++);
        const char *words = words_of ? words_of(step->object) : NULL;
        if (words == NULL) words = world_step_words();
        if (words) here->words = strdup(words);
        if (step->entity == world_self()) world_stack_here(&here->stack);
    }
}

void trail_watch(const char *(*words)(uint32_t object))
{
    words_of = words;
    world_observe(keep, NULL);
}

void trail_begin(void)
{
    for (uint32_t i = 0; i < kept_count; i++) free(kept[i].words);
    kept_count = 0;
    object_count = 1; /* 0 is none */
}

const struct trail_step *trail_steps(uint32_t *count)
{
    *count = kept_count;
    return kept;
}

const char *trail_object(const struct trail_step *step)
{
    return step->step.op == WORLD_OP_ADVANCE ? "" : objects[step->step.object].name;
}

const char *trail_object_name(uint32_t object)
{
    return object > 0 && object < object_count ? objects[object].name : world_object_kind(object);
}

void trail_describe(const struct trail_step *step, char *out, size_t size)
{
    const char *object = trail_object(step);
    if (step->step.op == WORLD_OP_POINT) {
        snprintf(out, size, "%s", object);
    } else {
        snprintf(out, size, "%s%s%s", world_op_words[step->step.op], object[0] ? " " : "", object);
    }
}
