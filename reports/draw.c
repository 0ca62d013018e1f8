#include "draw.h"

#include <string.h>

#include "harness/check/require.h"
#include "reports/text.h"

/* The time, three spaces, the columns; after the last one there must be room for a few words. */
enum {
    TIME_WIDTH = 10,
    FIRST_COLUMN = TIME_WIDTH + 3,
    LAST_ROOM = 24,
    SPACING_MAX = 20,
    MARK_WIDTH = 4,             /* "  <<" */
    TEXT_END = DRAW_WIDTH - MARK_WIDTH,
};

struct canvas {
    FILE *out;
    const struct diagram *diagram;
    bool colour;
    int spacing;
    char line[DRAW_WIDTH + 1];
};

static int column_x(const struct canvas *canvas, uint8_t column)
{
    REQUIRE(column < canvas->diagram->column_count);
    return FIRST_COLUMN + column * canvas->spacing;
}

static void clear(struct canvas *canvas)
{
    memset(canvas->line, ' ', DRAW_WIDTH);
    canvas->line[DRAW_WIDTH] = '\0';
    for (uint32_t i = 0; i < canvas->diagram->column_count; i++)
        canvas->line[column_x(canvas, (uint8_t)i)] = '|';
}

/* Writes from x on; what would pass `end` is cut, and its last two characters say so. */
static void put(struct canvas *canvas, int x, int end, const char *text)
{
    int length = (int)strlen(text);

    for (int i = 0; i < length && x + i < end; i++) canvas->line[x + i] = text[i];
    if (length > end - x && end - x >= 2) memcpy(canvas->line + end - 2, "..", 2);
}

static void flush(struct canvas *canvas, bool guilty)
{
    int length = DRAW_WIDTH;

    while (length > 0 && canvas->line[length - 1] == ' ') length--;
    fprintf(canvas->out, "%s%.*s%s%s\n", guilty && canvas->colour ? "\033[1;31m" : "", length,
            canvas->line, guilty ? "  <<" : "", guilty && canvas->colour ? "\033[0m" : "");
}

/* Beside a lifeline: to the right of it, or to the left where the right is too narrow. */
static void put_beside(struct canvas *canvas, uint8_t column, const char *text)
{
    int x = column_x(canvas, column), length = (int)strlen(text), end = x + 2 + length;
    int left_room = x - 1 - FIRST_COLUMN, right_room = TEXT_END - x - 2;

    if (length > right_room && left_room > right_room) {
        put(canvas, length < left_room ? x - 1 - length : FIRST_COLUMN, x - 1, text);
        return;
    }
    put(canvas, x + 2, TEXT_END, text);
    /* Apart from the next lifeline. */
    if (end < TEXT_END && canvas->line[end] == '|') canvas->line[end] = ' ';
}

/* The label stands on the arrow if there is room, otherwise with the effect behind its end. */
static void put_arrow(struct canvas *canvas, const struct diagram_row *row, const char **beside)
{
    int from = column_x(canvas, row->at), to = column_x(canvas, row->to);
    int left = from < to ? from : to, right = from < to ? to : from;
    int length = (int)strlen(row->label);
    bool fits = length + 5 <= right - left;

    memset(canvas->line + left + 1, '-', (size_t)(right - left - 1));
    if (from < to) {
        canvas->line[right - 1] = '>';
        if (fits && length > 0) {
            put(canvas, left + 2, right, row->label);
            canvas->line[left + 1] = canvas->line[left + 2 + length] = ' ';
        }
    } else {
        canvas->line[left + 1] = '<';
        if (fits && length > 0) {
            put(canvas, right - 1 - length, right, row->label);
            canvas->line[right - 2 - length] = canvas->line[right - 1] = ' ';
        }
    }
    *beside = fits ? NULL : row->label;
}

static void put_time(struct canvas *canvas, uint64_t time_ns)
{
    char text[32];

    text_time((int64_t)(time_ns / 1000), text, sizeof text);
    int length = (int)strlen(text);
    put(canvas, length < TIME_WIDTH ? TIME_WIDTH - length : 0, FIRST_COLUMN, text);
}

/* A line of its own for what does not fit beside an arrow; where it fits on neither side of that
 * lifeline it lies across them. */
static void draw_below(struct canvas *canvas, uint8_t column, const char *text)
{
    int x = column_x(canvas, column), length = (int)strlen(text);

    clear(canvas);
    if (length <= TEXT_END - x - 2 || length <= x - 1 - FIRST_COLUMN) {
        put_beside(canvas, column, text);
    } else {
        int begin = length < TEXT_END - FIRST_COLUMN ? TEXT_END - length : FIRST_COLUMN;
        put(canvas, begin, TEXT_END, text);
    }
    flush(canvas, false);
}

/* Behind the arrow's right end: the label if it did not fit on it, and the effect. */
static void draw_arrow(struct canvas *canvas, const struct diagram_row *row)
{
    char text[2 * LABEL_MAX + 4];
    const char *beside;
    uint8_t right = row->at > row->to ? row->at : row->to;

    put_time(canvas, row->time_ns);
    put_arrow(canvas, row, &beside);
    snprintf(text, sizeof text, "%s%s%s%s", row->fault ? "! " : "", beside ? beside : "",
             beside && row->effect[0] ? ": " : "", row->effect);
    if (row->fault && beside == NULL && row->effect[0] == '\0') text[1] = '\0';
    int x = column_x(canvas, right);
    bool second_line = x + 2 + (int)strlen(text) > TEXT_END;
    if (!second_line) put_beside(canvas, right, text);
    flush(canvas, row->guilty);
    if (second_line) draw_below(canvas, right, text);
}

static void draw_row(struct canvas *canvas, const struct diagram_row *row)
{
    char text[LABEL_MAX + 8];

    clear(canvas);
    if (row->elided > 0) {
        memset(canvas->line, ' ', DRAW_WIDTH);
        snprintf(text, sizeof text, "... %u more (--full shows all)", row->elided);
        put(canvas, FIRST_COLUMN, TEXT_END, text);
        flush(canvas, false);
    } else if (row->to != DIAGRAM_NOWHERE) {
        draw_arrow(canvas, row);
    } else {
        put_time(canvas, row->time_ns);
        snprintf(text, sizeof text, "%s%s%s", row->fault ? "! " : "", row->label,
                 row->under_way ? " ~>" : "");
        put_beside(canvas, row->at, text);
        flush(canvas, row->guilty);
    }
}

/* "core/jobs[2]" where there is room, otherwise "jobs[2]". */
static const char *short_name(const char *name, int room)
{
    const char *part = strpbrk(name, "/.");
    return (int)strlen(name) <= room || part == NULL ? name : part + 1;
}

static void draw_names(struct canvas *canvas)
{
    memset(canvas->line, ' ', DRAW_WIDTH);
    put(canvas, TIME_WIDTH - 4, FIRST_COLUMN, "time");
    for (uint32_t i = 0; i < canvas->diagram->column_count; i++) {
        int x = column_x(canvas, (uint8_t)i);
        bool last = i + 1 == canvas->diagram->column_count;
        int end = last ? TEXT_END : x + canvas->spacing - 1;
        put(canvas, x, end, short_name(canvas->diagram->columns[i], end - x));
    }
    flush(canvas, false);
}

void draw_diagram(FILE *out, const struct diagram *diagram, bool colour)
{
    struct canvas canvas = {.out = out, .diagram = diagram, .colour = colour};
    int gaps = (int)diagram->column_count - 1;

    canvas.spacing = gaps > 0 ? (TEXT_END - LAST_ROOM - FIRST_COLUMN) / gaps : SPACING_MAX;
    if (canvas.spacing > SPACING_MAX) canvas.spacing = SPACING_MAX;
    canvas.line[DRAW_WIDTH] = '\0';
    draw_names(&canvas);
    for (uint32_t i = 0; i < diagram->row_count; i++) draw_row(&canvas, &diagram->rows[i]);
}
