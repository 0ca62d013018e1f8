#include "history.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/world/world.h"
#include "linear.h"

enum { WORDS_MAX = 96, BAR_MAX = 40 };

static const char object_name[] = "history";

static struct {
    const struct harness_model *model; /* NULL: there is no history */
    struct linear_operation operations[HARNESS_OPERATIONS_MAX];
    uint32_t count, events;
    char words[WORDS_MAX]; /* of the event that is being recorded */
} history;

void history_forget(void)
{
    history.model = NULL;
}

const char *history_words(uint32_t object)
{
    return world_point_name(object) == object_name ? history.words : NULL;
}

static void require(bool condition, const char *problem)
{
    if (!condition) world_fail(WORLD_FOUND_CHECK, "%s", problem);
}

/* --- recording --- */

static void describe(const struct linear_operation *operation, char *out, size_t bytes)
{
    int used = snprintf(out, bytes, "%s(%" PRId64 ")", operation->name, operation->what.argument);
    if (operation->returned == 0 || used < 0 || (size_t)used >= bytes) return;
    snprintf(out + used, bytes - (size_t)used, " -> %" PRId64, operation->what.result);
}

/* The order of these steps is the history, so it must be one that searches see. */
static void record(const char *verb, const struct linear_operation *operation)
{
    char text[WORDS_MAX - 8];
    describe(operation, text, sizeof text);
    snprintf(history.words, sizeof history.words, "%s %s", verb, text);
    world_note(object_name, WORLD_WRITE);
}

void harness_history_begin(const struct harness_model *model)
{
    require(model->step != NULL, "harness_history_begin(): the model has no step");
    history.model = model;
    history.count = history.events = 0;
}

uint32_t harness_call(const char *name, int64_t argument)
{
    world_pass(object_name, WORLD_WRITE);
    require(history.model != NULL, "harness_call() without harness_history_begin()");
    require(history.count < HARNESS_OPERATIONS_MAX, "harness_call(): the history is too long");
    require(strlen(name) < sizeof history.operations->name, "harness_call(): the name is too long");
    struct linear_operation operation = {.what = {.argument = argument}, .thread = world_self()};
    snprintf(operation.name, sizeof operation.name, "%s", name);
    operation.called = ++history.events;
    history.operations[history.count] = operation;
    record("call", &operation);
    return history.count++;
}

void harness_return(uint32_t number, int64_t result)
{
    world_pass(object_name, WORLD_WRITE);
    require(history.model != NULL, "harness_return() without harness_history_begin()");
    require(number < history.count, "harness_return(): there is no such operation");
    struct linear_operation *operation = &history.operations[number];
    require(operation->returned == 0, "harness_return(): the operation has returned before");
    operation->what.result = result;
    operation->returned = ++history.events;
    record("return", operation);
}

/* --- checking --- */

/* The first event up to which no order explains what was returned. */
static uint32_t find_shortest(void)
{
    uint32_t until = 1;
    while (linear_holds(history.model, history.operations, history.count, until)) until++;
    return until;
}

/* From its call to its return, a column for each event. */
static void draw_bar(const struct linear_operation *operation, uint32_t until, char *out)
{
    uint32_t end = operation->returned ? operation->returned : until + 1;
    uint32_t at = 0;
    if (until > BAR_MAX) {
        *out = '\0';
        return;
    }
    for (uint32_t event = 1; event <= until && event <= end; event++) {
        bool edge = event == operation->called || event == end;
        out[at++] = event < operation->called ? ' ' : edge ? '|' : '-';
    }
    out[at] = '\0';
}

static void list(uint32_t until, char *out, size_t bytes)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < history.count; i++) {
        struct linear_operation operation = history.operations[i];
        char text[WORDS_MAX], bar[BAR_MAX + 1];
        if (operation.called > until || used >= bytes) continue;
        if (operation.returned > until) operation.returned = 0;
        describe(&operation, text, sizeof text);
        draw_bar(&operation, until, bar);
        used += (size_t)snprintf(out + used, bytes - used, "%s%-10s %-20s %s%s", used ? "\n" : "",
                                 world_entity_name(operation.thread), text, bar,
                                 operation.returned == until ? "  <<" : "");
    }
}

/* The same words whatever the operations are: another history that no order explains is the same
 * failure, which may be found under a shorter schedule. */
static _Noreturn void fail(uint32_t until)
{
    char lines[WORLD_TEXT_MAX];
    list(until, lines, sizeof lines);
    world_detail(lines);
    world_fail(WORLD_FOUND_CHECK,
               "not linearizable: no order of the operations explains what they returned");
}

void harness_history_check(void)
{
    require(history.model != NULL, "harness_history_check() without harness_history_begin()");
    uint32_t until = 0;
    world_look_away(true);
    bool holds = linear_holds(history.model, history.operations, history.count, history.events);
    if (!holds) until = find_shortest();
    world_look_away(false);
    if (!holds) fail(until);
}
