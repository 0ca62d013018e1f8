/* A file's bytes as lines: what no scenario may contain is found here. */
#include "harness/scenario/internal.h"

#include <errno.h>
#include <string.h>

char *scn_read_file(const char *path, size_t limit, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    int saved;

    if (file == NULL) return NULL;
    bytes = malloc(limit + 1);
    REQUIRE(bytes != NULL);
    errno = 0;
    *size = fread(bytes, 1, limit + 1, file);
    saved = ferror(file) ? (errno != 0 ? errno : EIO) : (*size > limit ? EFBIG : 0);
    fclose(file);
    if (saved == 0) {
        bytes[*size] = '\0';
        return bytes;
    }
    free(bytes);
    errno = saved;
    return NULL;
}

static void report(struct scn_diagnostics *diagnostics, uint32_t line_number, uint32_t column,
                   const struct scn_line *line, const char *message, const char *hint)
{
    scn_diagnostics_add(diagnostics, (struct scn_place){ line_number, column }, line, message,
                        hint);
}

static void report_whole(struct scn_diagnostics *diagnostics, const char *message,
                         const char *hint)
{
    report(diagnostics, 0, 0, NULL, message, hint);
}

uint32_t scn_character_bytes(const unsigned char *text, uint32_t left)
{
    uint32_t length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2
                    : text[0] < 0xf0 ? 3 : text[0] < 0xf5 ? 4 : 0;

    if (length == 0 || length > left) return 0;
    for (uint32_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    if (text[0] == 0xe0 && text[1] < 0xa0) return 0;
    if (text[0] == 0xed && text[1] > 0x9f) return 0;
    if (text[0] == 0xf0 && text[1] < 0x90) return 0;
    if (text[0] == 0xf4 && text[1] > 0x8f) return 0;
    return length;
}

/* Tabs, control characters, broken encoding, length: the first of them is reported. */
static void check_line(struct scn_diagnostics *diagnostics, uint32_t number,
                       const struct scn_line *line, struct scn_arena *arena)
{
    const unsigned char *text = (const unsigned char *)line->text;
    uint32_t column = 1;
    uint32_t bytes;

    for (uint32_t i = 0; i < line->length; i += bytes, column++) {
        bytes = scn_character_bytes(text + i, line->length - i);
        if (bytes == 0) {
            report(diagnostics, number, column, line, "these bytes are not UTF-8", NULL);
            return;
        }
        if (text[i] == '\t') {
            report(diagnostics, number, column, line, "a tab: its column would lie",
                   "indent with spaces");
            return;
        }
        if (text[i] < 0x20 || text[i] == 0x7f) {
            report(diagnostics, number, column, line,
                   scn_arena_format(arena, "a control character (byte 0x%02x)", text[i]), NULL);
            return;
        }
    }
    if (column - 1 > SCN_COLUMNS_MAX)
        report(diagnostics, number, SCN_COLUMNS_MAX + 1, line,
               scn_arena_format(arena, "the line has %u columns; at most %d are allowed",
                                column - 1, SCN_COLUMNS_MAX), NULL);
}

static bool check_bytes(const char *bytes, size_t size, struct scn_diagnostics *diagnostics)
{
    if (size > SCN_BYTES_MAX)
        report_whole(diagnostics, "the file is too large: a scenario has at most 1 MiB", NULL);
    else if (size == 0)
        report_whole(diagnostics, "the file is empty",
                     "begin with: scenario NAME \"what it shows\"");
    else if (memchr(bytes, 0, size) != NULL)
        report_whole(diagnostics, "this is a binary file: it contains a zero byte",
                     "a scenario is text in UTF-8");
    else
        return true;
    return false;
}

static uint32_t count_lines(const char *bytes, size_t size)
{
    uint32_t count = bytes[size - 1] == '\n' ? 0 : 1;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] == '\n') count++;
    return count;
}

bool scn_source_split(struct scn_source *source, struct scn_arena *arena, const char *bytes,
                      size_t size, struct scn_diagnostics *diagnostics)
{
    size_t from = 0;
    bool carriage_return = false;

    if (!check_bytes(bytes, size, diagnostics)) return false;
    source->line_count = count_lines(bytes, size);
    source->lines = scn_arena_alloc(arena, source->line_count * sizeof(*source->lines));
    scn_diagnostics_lines(diagnostics, source->line_count);
    for (uint32_t i = 0; i < source->line_count; i++) {
        const char *end = memchr(bytes + from, '\n', size - from);
        size_t length = end != NULL ? (size_t)(end - bytes) - from : size - from;
        struct scn_line *line = &source->lines[i];

        line->text = bytes + from;
        line->length = (uint32_t)length;
        from += length + 1;
        if (line->length > 0 && line->text[line->length - 1] == '\r') {
            line->length--;
            /* Said once: every line of such a file has it. */
            if (!carriage_return)
                report(diagnostics, i + 1, line->length + 1, line,
                       "the line ends with a carriage return",
                       "end lines with a line feed alone; every line of the file is meant");
            carriage_return = true;
        }
        check_line(diagnostics, i + 1, line, arena);
    }
    return true;
}
