#include "steps.h"

#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/symbols.h"
#include "reports/text.h"

static struct seen *seen;
static uint32_t seen_count, seen_room;

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
    const char *kind = world_object_kind(object);
    objects[object].kind = kind;
    name[0] = '\0';
    objects[object].is_variable = false;
    if (strcmp(kind, "thread") == 0) return; /* the step says which */
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

void steps_name_objects(char *text, size_t bytes)
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
            if (strlen(text) - (size_t)length + kind + name >= bytes) return;
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
    if (seen_count == seen_room) {
        seen_room = seen_room ? 2 * seen_room : 1024;
        seen = realloc(seen, seen_room * sizeof *seen);
        REQUIRE(seen != NULL);
    }
    struct seen *here = &seen[seen_count++];
    *here = (struct seen){.step = *step, .delayed = WORLD_NOBODY, .now_ns = world_now_ns()};
    if (step->op == WORLD_OP_ADVANCE) {
        here->delayed = find_delayed();
    } else {
        while (object_count <= step->object) name_object(object_count++);
        if (step->entity == world_self()) world_stack_here(&here->stack);
    }
}

void steps_watch(void)
{
    world_observe(keep, NULL);
}

void steps_begin(void)
{
    seen_count = 0;
    object_count = 1; /* 0 is none */
}

const struct seen *steps_seen(uint32_t *count)
{
    *count = seen_count;
    return seen;
}

/* --- words --- */

/* The innermost place of the program itself. */
static bool find_place(const struct world_stack *stack, struct symbol *place)
{
    for (uint32_t i = 0; i < stack->depth; i++) {
        struct symbol symbols[SYMBOL_INLINE_MAX];
        uint32_t count = symbol_find(stack->pc[i], symbols, SYMBOL_INLINE_MAX);
        for (uint32_t k = 0; k < count; k++) {
            if (symbols[k].line == 0 || strncmp(symbols[k].file, "harness/", 8) == 0) continue;
            *place = symbols[k];
            return true;
        }
    }
    return false;
}

enum { SPURIOUS = 2, CANCELLED = 3 }; /* results of a wake-up without a signal */

static bool wakes_unsignalled(const struct seen *here)
{
    return here->step.op == WORLD_OP_WAKE && here->step.result == SPURIOUS;
}

/* The thread whose end that object is. */
static const char *thread_of(uint32_t object)
{
    for (uint32_t i = 0; i < seen_count; i++) {
        if (seen[i].step.op == WORLD_OP_EXIT && seen[i].step.object == object) {
            return world_entity_name(seen[i].step.entity);
        }
    }
    return "";
}

/* Without the name of the file, where all that is shown lies in one. */
static void describe(const struct seen *here, bool one_file, char *out, size_t bytes)
{
    const struct world_step *step = &here->step;
    const char *object = step->op == WORLD_OP_ADVANCE ? "" : objects[step->object].name;
    const char *more = "";
    struct symbol place;
    char at[SYMBOL_FILE_MAX + 16] = "";
    if (find_place(&here->stack, &place)) {
        const char *file = one_file ? "" : text_base_name(place.file);
        snprintf(at, sizeof at, "  %s:%u", file, place.line);
    }
    if (step->op == WORLD_OP_CREATE) more = world_entity_name((uint16_t)step->result);
    if (step->op == WORLD_OP_JOIN) more = thread_of(step->object);
    if (step->op == WORLD_OP_TRYLOCK && step->result != 0) more = "(busy)";
    if (step->op == WORLD_OP_WAKE && step->result == CANCELLED) more = "(cancelled)";
    if (wakes_unsignalled(here)) more = "(no signal)";
    snprintf(out, bytes, "%s%s%s%s%s%s", world_op_words[step->op], object[0] ? " " : "", object,
             more[0] ? " " : "", more, at);
}

static void write_span(uint64_t ns, char *out, size_t bytes)
{
    if (ns % 1000 != 0) {
        snprintf(out, bytes, "%llu ns", (unsigned long long)ns);
    } else if (ns < 1000000) {
        snprintf(out, bytes, "%llu us", (unsigned long long)ns / 1000);
    } else if (ns < 1000000000) {
        snprintf(out, bytes, "%g ms", (double)ns / 1e6);
    } else {
        snprintf(out, bytes, "%g s", (double)ns / 1e9);
    }
}

static void describe_advance(uint32_t index, char *out, size_t bytes)
{
    char span[32];
    uint64_t before_ns = index > 0 ? seen[index - 1].now_ns : 0;
    write_span(seen[index].now_ns - before_ns, span, sizeof span);
    if (seen[index].delayed == WORLD_NOBODY) {
        snprintf(out, bytes, "-- %s pass", span);
    } else {
        snprintf(out, bytes, "-- %s pass while %s is delayed", span,
                 world_entity_name(seen[index].delayed));
    }
}

void steps_needs(FILE *out, int indent)
{
    for (uint32_t i = 0; i < seen_count; i++) {
        char text[256] = "", span[32];
        const char *name = world_entity_name(seen[i].step.entity);
        if (seen[i].step.op == WORLD_OP_ADVANCE && seen[i].delayed != WORLD_NOBODY) {
            write_span(seen[i].now_ns - (i > 0 ? seen[i - 1].now_ns : 0), span, sizeof span);
            snprintf(text, sizeof text, "needs %s delayed by at least %s",
                     world_entity_name(seen[i].delayed), span);
        } else if (wakes_unsignalled(&seen[i])) {
            snprintf(text, sizeof text, "needs a wait of %s that ends without a signal", name);
        }
        if (text[0]) text_wrap(out, 0, indent, text);
    }
}

/* --- rows --- */

enum { COLUMNS_MAX = 5, MARGIN = 8, LAST_ROWS = 8, FIRST_ROWS = 2 };

/* What says nothing to a reader. */
static bool is_noise(const struct seen *here)
{
    return here->step.op == WORLD_OP_INIT || here->step.op == WORLD_OP_START ||
           here->step.op == WORLD_OP_EXIT;
}

/* The first step after a choice that was not the default. */
static bool deviates(uint32_t index, const uint16_t *choices, uint32_t choice_count)
{
    uint32_t from = index > 0 ? seen[index - 1].step.choices : 0;
    for (uint32_t i = from; i < seen[index].step.choices && i < choice_count; i++) {
        if (choices[i] != 0) return true;
    }
    return false;
}

static uint32_t count_shown(const bool *shown)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < seen_count; i++) count += shown[i];
    return count;
}

/* The end, the beginning, what the deviations led to and left behind; then backwards from the end
 * until the rows are used up. */
static void select_rows(bool *shown, const bool *marked, uint32_t rows)
{
    uint32_t last = 0, first = 0, count;
    for (uint32_t i = seen_count; i-- > 0 && last < LAST_ROWS;) {
        if (!is_noise(&seen[i])) shown[i] = ++last;
    }
    for (uint32_t i = 0; i < seen_count && first < FIRST_ROWS; i++) {
        if (!is_noise(&seen[i])) shown[i] = ++first;
    }
    count = count_shown(shown);
    for (uint32_t i = seen_count; i-- > 0 && count + 2 <= rows;) {
        if (!marked[i]) continue;
        shown[i] = true;
        if (i > 0) shown[i - 1] = true;
        count = count_shown(shown);
    }
    for (uint32_t i = seen_count; i-- > 0 && count < rows;) {
        if (shown[i] || is_noise(&seen[i])) continue;
        shown[i] = true;
        count++;
    }
    /* To say that one is left out takes as much room as to show it. */
    for (uint32_t i = 1; i + 1 < seen_count; i++) {
        if (shown[i - 1] && shown[i + 1] && !is_noise(&seen[i])) shown[i] = true;
    }
}

/* Threads that are shown, in the order of their numbers; their count, or 0 if they are too many. */
static uint32_t find_columns(const bool *shown, uint16_t *columns)
{
    uint32_t count = 0;
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        bool acts = false;
        for (uint32_t i = 0; i < seen_count && !acts; i++) {
            acts = shown[i] && seen[i].step.entity == id;
        }
        if (!acts) continue;
        if (count == COLUMNS_MAX) return 0;
        columns[count++] = id;
    }
    return count;
}

/* The file in which all shown places lie; false when there are several, or none. */
static bool find_file(const bool *shown, char *file, size_t bytes)
{
    file[0] = '\0';
    for (uint32_t i = 0; i < seen_count; i++) {
        struct symbol place;
        if (!shown[i] || !find_place(&seen[i].stack, &place)) continue;
        if (file[0] && strcmp(file, text_base_name(place.file)) != 0) return false;
        snprintf(file, bytes, "%s", text_base_name(place.file));
    }
    return file[0] != '\0';
}

struct table {
    uint16_t columns[COLUMNS_MAX];
    uint32_t column_count; /* 0: too many threads, each row names its own */
    int width;             /* of a column */
    bool one_file;
};

static void draw_row(FILE *out, uint32_t index, bool marked, const struct table *table)
{
    char text[256];
    uint32_t column = 0;
    fprintf(out, "%5u %c ", index + 1, marked ? '*' : ' ');
    if (seen[index].step.op == WORLD_OP_ADVANCE) {
        describe_advance(index, text, sizeof text);
        fprintf(out, "%s\n", text);
        return;
    }
    describe(&seen[index], table->one_file, text, sizeof text);
    if (table->column_count == 0) {
        fprintf(out, "%-16s %s\n", world_entity_name(seen[index].step.entity), text);
        return;
    }
    while (table->columns[column] != seen[index].step.entity) column++;
    fprintf(out, "%*s%s\n", (int)column * table->width, "", text);
}

static void draw_names(FILE *out, const struct table *table)
{
    uint32_t count = table->column_count;
    fprintf(out, " step   ");
    for (uint32_t i = 0; i + 1 < count; i++) {
        fprintf(out, "%-*s", table->width, world_entity_name(table->columns[i]));
    }
    fprintf(out, "%s\n", count == 0 ? "thread" : world_entity_name(table->columns[count - 1]));
}

void steps_draw(FILE *out, const uint16_t *choices, uint32_t choice_count, uint32_t rows)
{
    struct table table;
    char file[SYMBOL_FILE_MAX];
    bool *shown = calloc(seen_count + 1, sizeof *shown), any = false;
    bool *marked = calloc(seen_count + 1, sizeof *marked);
    REQUIRE(shown != NULL && marked != NULL);
    for (uint32_t i = 0; i < seen_count; i++) {
        marked[i] = deviates(i, choices, choice_count);
        any |= marked[i];
    }
    select_rows(shown, marked, rows ? rows : UINT32_MAX);
    table.column_count = find_columns(shown, table.columns);
    table.width = (TEXT_WIDTH - MARGIN) / (int)(table.column_count ? table.column_count : 1);
    table.one_file = find_file(shown, file, sizeof file);
    draw_names(out, &table);
    uint32_t left_out = 0;
    for (uint32_t i = 0; i < seen_count; i++) {
        if (!shown[i]) {
            left_out += !is_noise(&seen[i]);
            continue;
        }
        if (left_out > 0) fprintf(out, "        ... %u more\n", left_out);
        left_out = 0;
        draw_row(out, i, marked[i], &table);
    }
    if (table.one_file) fprintf(out, "        lines are those of %s\n", file);
    if (any) fprintf(out, "      * where it left the default order\n");
    free(marked);
    free(shown);
}
