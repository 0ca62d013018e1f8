/* What is seen at the prompt: steps, options, threads. */
#include "hand.h"

#include <inttypes.h>
#include <string.h>

#include "reports/symbols.h"
#include "reports/text.h"
#include "reports/trail.h"

enum { NAME_WIDTH = 16, WHAT_WIDTH = 34, STEPS_SHOWN = 40 };

/* "thread_pool.c:32 (pool_next)", or "". */
static void place_of(const struct world_stack *stack, char *out, size_t size)
{
    struct symbol place;

    out[0] = '\0';
    if (!symbols_place(stack, &place)) return;
    snprintf(out, size, "%s:%u (%s)", text_base_name(place.file), place.line, place.function);
}

static void print_row(FILE *out, const char *name, const char *what, const char *place)
{
    fprintf(out, "%-*s ", NAME_WIDTH, name);
    if (place[0] != '\0') {
        fprintf(out, "%-*s %s\n", WHAT_WIDTH, what, place);
    } else {
        fprintf(out, "%s\n", what);
    }
}

/* --- steps --- */

static void show_step(FILE *out, const struct trail_step *step, uint32_t number)
{
    char what[128], place[256];

    fprintf(out, "%6u  ", number);
    if (step->step.op == WORLD_OP_ADVANCE) {
        text_time((int64_t)(step->now_ns / 1000), place, sizeof place);
        fprintf(out, "time passes: it is %s\n", place);
        return;
    }
    if (step->words != NULL) {
        snprintf(what, sizeof what, "%s", step->words);
    } else {
        trail_describe(step, what, sizeof what);
    }
    if (step->step.op == WORLD_OP_CREATE)
        snprintf(what, sizeof what, "create %s", world_entity_name((uint16_t)step->step.result));
    place_of(&step->stack, place, sizeof place);
    print_row(out, world_entity_name(step->step.entity), what, place);
}

uint32_t hand_show_steps(FILE *out, uint32_t from)
{
    uint32_t count;
    const struct trail_step *steps = trail_steps(&count);
    uint32_t first = count - from > STEPS_SHOWN ? count - STEPS_SHOWN : from;

    if (first > from) fprintf(out, "        ... %u steps\n", first - from);
    for (uint32_t i = first; i < count; i++) show_step(out, &steps[i], i + 1);
    return count;
}

/* --- options --- */

static void describe_advance(char *out, size_t size)
{
    char until[32];

    text_time((int64_t)(world_next_deadline_ns() / 1000), until, sizeof until);
    snprintf(out, size, "time passes until %s, and who could run is delayed", until);
}

/* What a thread does first if it goes on, as far as that is known. */
static void describe_next(uint16_t entity, char *out, size_t size)
{
    struct world_step next;
    bool waits = world_pending(entity, 0, &next);
    enum world_access access;
    char variable[64];

    const void *place = waits ? world_object_address(next.object)
                              : world_next_place(entity, &access);
    bool known = place != NULL && symbol_of_data(place, variable, sizeof variable);
    if (waits) {
        snprintf(out, size, "%s %s", world_op_words[next.op],
                 known ? variable : trail_object_name(next.object));
    } else if (world_op_count(entity, WORLD_OP_START) == 0) {
        snprintf(out, size, "begins");
    } else {
        snprintf(out, size, "goes on%s%s", known ? ", at " : "", known ? variable : "");
    }
}

static void describe_option(uint16_t entity, char *out, size_t size)
{
    switch (world_class_of(entity)) {
    case WORLD_THREAD:
    case WORLD_ACTOR:
        describe_next(entity, out, size);
        return;
    case WORLD_MESSAGE:
        snprintf(out, size, "is delivered");
        return;
    case WORLD_WINDOW:
        snprintf(out, size, "happens now, and not later");
        return;
    case WORLD_FAULT:
        snprintf(out, size, "strikes");
        return;
    case WORLD_SPURIOUS:
        snprintf(out, size, "wakes without a signal");
        return;
    case WORLD_OPTIONAL:
        snprintf(out, size, "strikes, which it need not");
        return;
    }
}

void hand_show_options(FILE *out, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct world_stack stack = {.depth = 0};
        char what[128], place[256];
        uint16_t entity = world_option(i);
        fprintf(out, "  %3u  ", i);
        if (entity == WORLD_ADVANCE) {
            describe_advance(what, sizeof what);
            print_row(out, "(nobody)", what, "");
            continue;
        }
        describe_option(entity, what, sizeof what);
        world_stack_of(entity, &stack);
        place_of(&stack, place, sizeof place);
        print_row(out, world_entity_name(entity), what, place);
    }
}

void hand_show_values(FILE *out, uint32_t count, const char *label)
{
    bool signal = strcmp(label, "signal") == 0;

    fprintf(out, "  %s: a value from 0 to %u\n", label, count - 1);
    for (uint32_t i = 0; signal && i < count; i++) {
        fprintf(out, "  %3u  wakes %s\n", i, world_entity_name(world_signal_waiter(i)));
    }
}
