/* What is wrong with a file: kept by line, one entry each, and printed with a caret. */
#include "harness/scenario/internal.h"

#include <string.h>

enum { SHOWN_BYTES_MAX = 4 * SCN_COLUMNS_MAX };

void scn_diagnostics_init(struct scn_diagnostics *diagnostics, const char *path)
{
    memset(diagnostics, 0, sizeof(*diagnostics));
    diagnostics->arena = scn_arena_new();
    diagnostics->path = scn_arena_text(diagnostics->arena, path, strlen(path));
}

void scn_diagnostics_free(struct scn_diagnostics *diagnostics)
{
    scn_arena_free(diagnostics->arena);
    memset(diagnostics, 0, sizeof(*diagnostics));
}

void scn_diagnostics_lines(struct scn_diagnostics *diagnostics, uint32_t line_count)
{
    diagnostics->line_count = line_count;
    diagnostics->lines = scn_arena_alloc(diagnostics->arena, line_count / 8 + 1);
}

bool scn_diagnostics_has(const struct scn_diagnostics *diagnostics, uint32_t line)
{
    if (line > diagnostics->line_count) return false;
    return diagnostics->lines != NULL && (diagnostics->lines[line / 8] >> (line % 8) & 1) != 0;
}

/* The first 100 columns, with a question mark for what a terminal must not see. */
static const char *printable(struct scn_arena *arena, const struct scn_line *line)
{
    const unsigned char *text = (const unsigned char *)line->text;
    char shown[SHOWN_BYTES_MAX];
    uint32_t used = 0;
    uint32_t bytes;

    for (uint32_t i = 0, columns = 0; i < line->length && columns < SCN_COLUMNS_MAX; columns++) {
        bytes = scn_character_bytes(text + i, line->length - i);
        if (bytes <= 1)
            shown[used] = text[i] == '\t' ? ' '
                        : text[i] < 0x20 || text[i] >= 0x7f ? '?' : line->text[i];
        else
            memcpy(shown + used, text + i, bytes);
        i += bytes == 0 ? 1 : bytes;
        used += bytes == 0 ? 1 : bytes;
    }
    return scn_arena_text(arena, shown, used);
}

void scn_diagnostics_add(struct scn_diagnostics *diagnostics, struct scn_place place,
                         const struct scn_line *line, const char *message, const char *hint)
{
    struct scn_diagnostic *entry;

    if (scn_diagnostics_has(diagnostics, place.line)) return;
    if (diagnostics->lines != NULL && place.line <= diagnostics->line_count)
        diagnostics->lines[place.line / 8] |= (unsigned char)(1 << (place.line % 8));
    diagnostics->total++;
    if (diagnostics->count == SCN_DIAGNOSTICS_MAX) return;
    entry = &diagnostics->items[diagnostics->count++];
    entry->place = place;
    entry->message = scn_arena_text(diagnostics->arena, message, strlen(message));
    entry->hint = hint == NULL ? NULL : scn_arena_text(diagnostics->arena, hint, strlen(hint));
    if (line == NULL) return;
    entry->line = printable(diagnostics->arena, line);
}

static int by_line(const void *left, const void *right)
{
    const struct scn_diagnostic *a = left;
    const struct scn_diagnostic *b = right;

    if (a->place.line != b->place.line) return a->place.line < b->place.line ? -1 : 1;
    return a->place.column < b->place.column ? -1 : a->place.column > b->place.column;
}

void scn_diagnostics_sort(struct scn_diagnostics *diagnostics)
{
    qsort(diagnostics->items, diagnostics->count, sizeof(diagnostics->items[0]), by_line);
}

static void print_entry(FILE *out, const char *path, const struct scn_diagnostic *entry)
{
    if (entry->place.line == 0)
        fprintf(out, "%s: error: %s\n", path, entry->message);
    else
        fprintf(out, "%s:%u:%u: error: %s\n", path, entry->place.line, entry->place.column,
                entry->message);
    if (entry->line != NULL)
        fprintf(out, "    %s\n    %*s^\n", entry->line, (int)entry->place.column - 1, "");
    if (entry->hint != NULL) fprintf(out, "  %s\n", entry->hint);
}

void scn_print_diagnostics(FILE *out, const struct scn_diagnostics *diagnostics)
{
    for (uint32_t i = 0; i < diagnostics->count; i++)
        print_entry(out, diagnostics->path, &diagnostics->items[i]);
    if (diagnostics->total > diagnostics->count)
        fprintf(out, "%s: %u more lines with errors\n", diagnostics->path,
                diagnostics->total - diagnostics->count);
}
