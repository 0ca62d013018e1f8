#include "steps.h"

#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/accesses.h"
#include "reports/members.h"
#include "reports/page.h"
#include "reports/symbols.h"
#include "reports/text.h"
#include "reports/trail.h"

/* Of the execution that is drawn. */
static const struct trail_step *seen;
static uint32_t seen_count;

/* --- words --- */

enum { SPURIOUS = 2, CANCELLED = 3 }; /* results of a wake-up without a signal */

static bool wakes_unsignalled(const struct trail_step *here)
{
    return here->step.op == WORLD_OP_WAKE && here->step.result == SPURIOUS;
}

static bool reads_older(const struct trail_step *here)
{
    return here->step.op == WORLD_OP_ATOMIC_LOAD && here->step.result > 0;
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

/* Without the place. */
static void describe(const struct trail_step *here, char *out, size_t bytes)
{
    const struct world_step *step = &here->step;
    const char *object = trail_object(here);
    const char *verb = here->words ? here->words : world_op_words[step->op], *more = "";
    char value[16];
    if (step->op == WORLD_OP_CREATE) more = world_entity_name((uint16_t)step->result);
    if (step->op == WORLD_OP_JOIN) more = thread_of(step->object);
    if (step->op == WORLD_OP_TRYLOCK && step->result != 0) more = "(busy)";
    if (step->op == WORLD_OP_WAKE && step->result == CANCELLED) more = "(cancelled)";
    if (wakes_unsignalled(here)) more = "(no signal)";
    if (reads_older(here)) more = "(an older value)";
    if (here->words) object = "";
    if (step->op == WORLD_OP_CHOOSE) {
        snprintf(value, sizeof value, "%u", step->result);
        more = value;
    }
    snprintf(out, bytes, "%s%s%s%s%s", verb, object[0] ? " " : "", object,
             more[0] ? " " : "", more);
}

/* Without the name of the file, where all that is shown lies in one. */
static void append_place(const struct world_stack *stack, bool one_file, char *out, size_t bytes)
{
    struct symbol place;
    if (!symbols_place(stack, &place)) return;
    size_t used = strlen(out);
    snprintf(out + used, bytes - used, "  %s:%u", one_file ? "" : text_base_name(place.file),
             place.line);
}

static void describe_placed(const struct trail_step *here, bool one_file, char *out, size_t bytes)
{
    describe(here, out, bytes);
    append_place(&here->stack, one_file, out, bytes);
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
    seen = trail_steps(&seen_count);
    for (uint32_t i = 0; i < seen_count; i++) {
        char text[256] = "", span[32];
        const char *name = world_entity_name(seen[i].step.entity);
        if (seen[i].step.op == WORLD_OP_ADVANCE && seen[i].delayed != WORLD_NOBODY) {
            write_span(seen[i].now_ns - (i > 0 ? seen[i - 1].now_ns : 0), span, sizeof span);
            snprintf(text, sizeof text, "needs %s delayed by at least %s",
                     world_entity_name(seen[i].delayed), span);
        } else if (wakes_unsignalled(&seen[i])) {
            snprintf(text, sizeof text, "needs a wait of %s that ends without a signal", name);
        } else if (seen[i].step.op == WORLD_OP_FLIGHT) {
            snprintf(text, sizeof text, "needs %u byte%s of %s to arrive late", seen[i].step.result,
                     seen[i].step.result == 1 ? "" : "s", name);
        } else if (seen[i].step.op == WORLD_OP_SPIN) {
            snprintf(text, sizeof text, "needs all others delayed while %s, which spins, looks at "
                     "%s up to %u times more", name, trail_object(&seen[i]), seen[i].step.result);
        } else if (reads_older(&seen[i])) {
            char place[128] = "";
            append_place(&seen[i].stack, false, place, sizeof place);
            snprintf(text, sizeof text, "needs %s to read an older value of %s%s%s, which the "
                     "memory orders permit", name, trail_object(&seen[i]), place[0] ? " at" : "",
                     place[0] ? place + 1 : "");
        }
        if (text[0]) text_wrap(out, 0, indent, text);
    }
}

/* --- rows --- */

enum { COLUMNS_MAX = 5, MARGIN = 8, LAST_ROWS = 8, FIRST_ROWS = 2 };

/* What says nothing to a reader. */
static bool is_noise(const struct trail_step *here)
{
    if (here->step.op == WORLD_OP_ONCE) { /* the C++ library prepares itself */
        return strncmp(trail_object(here), "std::", 5) == 0;
    }
    /* Of a call on a descriptor one step says what it did. */
    if (here->step.op >= WORLD_OP_OPEN) return here->words == NULL;
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

/* For each step, whether it is one; to be freed. */
static bool *find_deviations(const uint16_t *choices, uint32_t choice_count)
{
    bool *marked = calloc(seen_count + 1, sizeof *marked);
    REQUIRE(marked != NULL);
    for (uint32_t i = 0; i < seen_count; i++) marked[i] = deviates(i, choices, choice_count);
    return marked;
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

struct table {
    uint16_t columns[COLUMNS_MAX];
    uint32_t column_count; /* 0: too many threads, each row names its own */
    int width;             /* of a column */
    bool one_file;
    struct access accesses[2];
    uint32_t access_count, accesses_drawn;
};

static bool acts(uint16_t entity, const bool *shown, const struct table *table)
{
    for (uint32_t i = 0; i < seen_count; i++) {
        if (shown[i] && seen[i].step.entity == entity) return true;
    }
    for (uint32_t i = 0; i < table->access_count; i++) {
        if (table->accesses[i].entity == entity) return true;
    }
    return false;
}

/* Threads that are shown, in the order of their numbers. */
static void find_columns(const bool *shown, struct table *table)
{
    uint32_t count = 0;
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        if (!acts(id, shown, table)) continue;
        if (count == COLUMNS_MAX) {
            table->column_count = 0;
            break;
        }
        table->columns[count++] = id;
        table->column_count = count;
    }
    table->width = (TEXT_WIDTH - MARGIN) / (int)(table->column_count ? table->column_count : 1);
}

static bool is_in_file(const struct world_stack *stack, char *file, size_t bytes)
{
    struct symbol place;
    if (!symbols_place(stack, &place)) return true;
    if (file[0] && strcmp(file, text_base_name(place.file)) != 0) return false;
    snprintf(file, bytes, "%s", text_base_name(place.file));
    return true;
}

/* The file in which all shown places lie; false when there are several, or none. */
static bool find_file(const bool *shown, const struct table *table, char *file, size_t bytes)
{
    file[0] = '\0';
    for (uint32_t i = 0; i < seen_count; i++) {
        if (shown[i] && !is_in_file(&seen[i].stack, file, bytes)) return false;
    }
    for (uint32_t i = 0; i < table->access_count; i++) {
        if (!is_in_file(table->accesses[i].stack, file, bytes)) return false;
    }
    return file[0] != '\0';
}

static void draw_in_column(FILE *out, uint16_t entity, const char *text, const struct table *table)
{
    uint32_t column = 0;
    if (table->column_count == 0) {
        fprintf(out, "%-16s %s\n", world_entity_name(entity), text);
        return;
    }
    while (table->columns[column] != entity) column++;
    fprintf(out, "%*s%s\n", (int)column * table->width, "", text);
}

static void draw_row(FILE *out, uint32_t index, bool marked, const struct table *table)
{
    char text[256];
    fprintf(out, "%5u %c ", index + 1, marked ? '*' : ' ');
    if (seen[index].step.op == WORLD_OP_ADVANCE) {
        describe_advance(index, text, sizeof text);
        fprintf(out, "%s\n", text);
        return;
    }
    describe_placed(&seen[index], table->one_file, text, sizeof text);
    draw_in_column(out, seen[index].step.entity, text, table);
}

static bool has_access_before(uint32_t index, const struct table *table)
{
    return table->accesses_drawn < table->access_count &&
           table->accesses[table->accesses_drawn].before <= index;
}

static void draw_accesses_before(FILE *out, uint32_t index, struct table *table)
{
    for (; has_access_before(index, table); table->accesses_drawn++) {
        const struct access *access = &table->accesses[table->accesses_drawn];
        char text[256];
        snprintf(text, sizeof text, "%s", access->text);
        append_place(access->stack, table->one_file, text, sizeof text);
        fprintf(out, "      ! ");
        draw_in_column(out, access->entity, text, table);
    }
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

static void draw_rows(FILE *out, const bool *shown, const bool *marked, struct table *table)
{
    uint32_t left_out = 0;
    for (uint32_t i = 0; i <= seen_count; i++) {
        bool draws = i == seen_count || shown[i] || has_access_before(i, table);
        if (draws && left_out > 0) fprintf(out, "        ... %u more\n", left_out);
        if (draws) left_out = 0;
        draw_accesses_before(out, i, table);
        if (i == seen_count) return;
        if (shown[i]) {
            draw_row(out, i, marked[i], table);
        } else {
            left_out += !is_noise(&seen[i]);
        }
    }
}

void steps_draw(FILE *out, const struct world_finding *finding, const uint16_t *choices,
                uint32_t choice_count, uint32_t rows)
{
    struct table table = {.column_count = 0};
    char file[SYMBOL_FILE_MAX];
    seen = trail_steps(&seen_count);
    bool *marked = find_deviations(choices, choice_count), any = false;
    bool *shown = calloc(seen_count + 1, sizeof *shown);
    REQUIRE(shown != NULL);
    for (uint32_t i = 0; i < seen_count; i++) any |= marked[i];
    select_rows(shown, marked, rows ? rows : UINT32_MAX);
    if (count_shown(shown) > 0) {
        table.access_count = accesses_find(finding, seen_count, table.accesses);
        find_columns(shown, &table);
        table.one_file = find_file(shown, &table, file, sizeof file);
        draw_names(out, &table);
        draw_rows(out, shown, marked, &table);
        if (table.one_file) fprintf(out, "        lines are those of %s\n", file);
        if (any) fprintf(out, "      * where it left the default order\n");
        if (table.access_count > 0) fprintf(out, "      ! what nothing orders\n");
    }
    free(marked);
    free(shown);
}

/* --- a page --- */

static void describe_any(uint32_t index, char *out, size_t bytes)
{
    if (seen[index].step.op == WORLD_OP_ADVANCE) {
        describe_advance(index, out, bytes);
    } else {
        describe(&seen[index], out, bytes);
    }
}

static void add_row(struct page *page, uint32_t index, bool shown, bool deviating)
{
    json_t *row = json_object();
    REQUIRE(row != NULL);
    member_set(row, "index", json_integer(index));
    member_set(row, "shown", json_boolean(shown));
    member_set(row, "deviates", json_boolean(deviating));
    page_row(page, row);
}

static void add_lanes(struct page *page)
{
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        uint32_t i = 0;
        while (i < seen_count && seen[i].step.entity != id) i++;
        if (i < seen_count) page_lane(page, world_entity_name(id));
    }
}

void steps_page(struct page *page, const struct world_finding *finding, const uint16_t *choices,
                uint32_t choice_count, uint32_t rows)
{
    seen = trail_steps(&seen_count);
    bool *marked = find_deviations(choices, choice_count);
    bool *shown = calloc(seen_count + 1, sizeof *shown);
    REQUIRE(shown != NULL);
    select_rows(shown, marked, rows);
    add_lanes(page);
    page_steps(page, describe_any);
    for (uint32_t i = 0; i < seen_count; i++) {
        if (shown[i] || !is_noise(&seen[i])) add_row(page, i, shown[i], marked[i]);
    }
    page_accesses(page, finding);
    free(marked);
    free(shown);
}
