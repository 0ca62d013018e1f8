/* The canonical layout of a file: one look for every scenario, comments kept. */
#include "harness/scenario/internal.h"

#include <string.h>

enum line_kind { LINE_BLANK, LINE_COMMENT, LINE_HEADER, LINE_BODY };

struct layout_line {
    enum line_kind kind;
    bool gap;                       /* a blank line belongs before it */
    uint32_t depth;                 /* of repeat */
    const char *label;              /* "open:", or NULL */
    const char *code;               /* the rest, without comment */
    const char *original;           /* label and code as they were written */
    const char *comment;
    uint32_t comment_column;
    uint32_t pad;                   /* columns that the aligned part of the code is widened to */
    uint32_t split;                 /* byte in code where that part ends */
};

struct layout {
    struct scn_arena *arena;
    struct layout_line *lines;
    uint32_t count;
    FILE *out;
};

static uint32_t columns(const char *text)
{
    uint32_t count = 0;

    for (; *text != '\0'; text++)
        if (((unsigned char)*text & 0xc0) != 0x80) count++;
    return count;
}

static bool glued(const struct scn_token *before, const struct scn_token *token)
{
    static const unsigned no_space_before =
        1u << SCN_TOKEN_COMMA | 1u << SCN_TOKEN_COLON | 1u << SCN_TOKEN_DOT |
        1u << SCN_TOKEN_SLASH | 1u << SCN_TOKEN_OPEN | 1u << SCN_TOKEN_CLOSE |
        1u << SCN_TOKEN_ASSIGN | 1u << SCN_TOKEN_DOTS | 1u << SCN_TOKEN_ARROW;
    static const unsigned no_space_after =
        1u << SCN_TOKEN_DOT | 1u << SCN_TOKEN_SLASH | 1u << SCN_TOKEN_OPEN |
        1u << SCN_TOKEN_ASSIGN | 1u << SCN_TOKEN_DOTS | 1u << SCN_TOKEN_ARROW;

    return (no_space_before >> token->kind & 1) != 0 || (no_space_after >> before->kind & 1) != 0;
}

/* Tokens with one space where the language wants one. */
static const char *join(struct scn_arena *arena, const struct scn_tokens *tokens, uint32_t from,
                        uint32_t to)
{
    const char *text = "";

    for (uint32_t i = from; i < to; i++) {
        const struct scn_token *token = &tokens->items[i];
        const char *space = i == from || glued(token - 1, token) ? "" : " ";
        const char *quote = token->kind == SCN_TOKEN_STRING ? "\"" : "";

        text = scn_arena_format(arena, "%s%s%s%s%s", text, space, quote, token->text, quote);
    }
    return text;
}

static void read_line(struct layout *layout, const struct scn_line *source,
                      struct scn_tokens *tokens, uint32_t index)
{
    struct layout_line *line = &layout->lines[index];
    uint32_t from = 0;

    scn_lex(layout->arena, source, tokens);
    line->comment = tokens->comment;
    line->comment_column = tokens->comment_column;
    if (tokens->count == 0) {
        line->kind = tokens->comment != NULL ? LINE_COMMENT : LINE_BLANK;
        return;
    }
    line->kind = source->text[0] == ' ' ? LINE_BODY : LINE_HEADER;
    if (line->kind == LINE_BODY && tokens->count > 1 &&
        tokens->items[1].kind == SCN_TOKEN_COLON) {
        line->label = scn_arena_format(layout->arena, "%s:", tokens->items[0].text);
        from = 2;
    }
    line->code = join(layout->arena, tokens, from, tokens->count);
    line->original = scn_arena_text(layout->arena, source->text + tokens->items[0].offset,
                                    tokens->items[tokens->count - 1].offset_end -
                                    tokens->items[0].offset);
}

static bool begins(const char *code, const char *word)
{
    size_t length = strlen(word);

    return strncmp(code, word, length) == 0 && (code[length] == ' ' || code[length] == '\0');
}

static bool is_config(const struct layout_line *line)
{
    return begins(line->code, "core") || begins(line->code, "store") || begins(line->code, "clock");
}

static bool is_actor(const struct layout_line *line)
{
    return begins(line->code, "tab") || begins(line->code, "agent") ||
           begins(line->code, "sandbox") || begins(line->code, "backend");
}

/* A blank line before each block, above the comments that lead to it. */
static void mark_gaps(struct layout *layout)
{
    const struct layout_line *previous = NULL;

    for (uint32_t i = 0; i < layout->count; i++) {
        struct layout_line *line = &layout->lines[i];
        uint32_t top = i;

        if (line->kind != LINE_HEADER) continue;
        while (top > 0 && layout->lines[top - 1].kind == LINE_COMMENT &&
               layout->lines[top - 1].comment_column == 1) top--;
        layout->lines[top].gap = previous == NULL || !is_config(previous) || !is_config(line);
        previous = line;
    }
}

static void mark_depth(struct layout *layout)
{
    uint32_t depth = 0;
    bool actor = false;

    for (uint32_t i = 0; i < layout->count; i++) {
        struct layout_line *line = &layout->lines[i];

        if (line->kind == LINE_HEADER) {
            depth = 0;
            actor = is_actor(line);
            continue;
        }
        if (actor && line->kind == LINE_BODY && line->label == NULL && begins(line->code, "end"))
            depth--;
        line->depth = depth;
        if (actor && line->kind == LINE_BODY && line->label == NULL && begins(line->code, "repeat"))
            depth++;
    }
}

/* How much of a line's code is widened so that what follows stands in one column: explore: the
 * first word; check: on and off; schedule: who runs. 0: nothing. */
static uint32_t aligned_bytes(const struct layout_line *header, const struct layout_line *line)
{
    const char *to;

    if (begins(header->code, "explore")) return (uint32_t)strcspn(line->code, " ");
    if (begins(header->code, "check") && (begins(line->code, "on") || begins(line->code, "off")))
        return (uint32_t)strcspn(line->code, " ");
    if (begins(header->code, "schedule") && begins(line->code, "run")) {
        to = strstr(line->code, " to ");
        if (to != NULL) return (uint32_t)(to - line->code);
    }
    return 0;
}

static uint32_t indent_of(const struct layout_line *line)
{
    return 2 + 2 * line->depth;
}

/* Label column and aligned parts of the block whose header is at `from`. */
static void align_block(struct layout *layout, uint32_t from, uint32_t to)
{
    const struct layout_line *header = &layout->lines[from];
    uint32_t label_width = 0;
    uint32_t width = 0;
    bool actor = is_actor(header);
    bool fits = true;

    for (uint32_t i = from + 1; i < to; i++) {
        struct layout_line *line = &layout->lines[i];
        if (line->kind != LINE_BODY) continue;
        line->split = aligned_bytes(header, line);
        if (line->split > width) width = line->split;
        if (line->label != NULL && strlen(line->label) + 1 > label_width)
            label_width = (uint32_t)strlen(line->label) + 1;
    }
    for (uint32_t i = from + 1; i < to; i++) {
        struct layout_line *line = &layout->lines[i];
        bool step = actor && line->kind == LINE_BODY &&
                    (line->label != NULL || (!begins(line->code, "repeat") &&
                                             !begins(line->code, "end")));
        if (line->kind != LINE_BODY) continue;
        if (line->split > 0) line->pad = width;
        /* Widened by the label column: written as a label of blanks. */
        if (step && label_width > 0)
            line->label = scn_arena_format(layout->arena, "%-*s", (int)label_width,
                                           line->label != NULL ? line->label : "");
        else if (line->label != NULL)
            line->label = scn_arena_format(layout->arena, "%s ", line->label);
        fits = fits && indent_of(line) + (line->label != NULL ? strlen(line->label) : 0) +
                       columns(line->code) + line->pad - line->split <= SCN_COLUMNS_MAX;
    }
    for (uint32_t i = from + 1; i < to && !fits; i++) {
        struct layout_line *line = &layout->lines[i];
        size_t length = line->label != NULL ? strcspn(line->label, " ") : 0;
        line->pad = line->split;
        if (length == 0) line->label = NULL;
        else line->label = scn_arena_format(layout->arena, "%.*s ", (int)length, line->label);
    }
}

/* A line without its comment. */
static const char *compose(struct layout *layout, const struct layout_line *line)
{
    const char *label = line->label != NULL ? line->label : "";
    uint32_t indent = line->kind == LINE_BODY ? indent_of(line) : 0;
    const char *text;

    text = scn_arena_format(layout->arena, "%*s%s%-*.*s%s", (int)indent, "", label,
                            (int)line->pad, (int)line->split, line->code,
                            line->code + line->split);
    if (columns(text) <= SCN_COLUMNS_MAX) return text;
    return scn_arena_format(layout->arena, "%*s%s", line->kind == LINE_BODY ? 2 : 0, "",
                            line->original);
}

static uint32_t comment_column(struct layout *layout, uint32_t from, uint32_t to)
{
    uint32_t column = 0;

    for (uint32_t i = from; i < to; i++) {
        const struct layout_line *line = &layout->lines[i];
        if (line->code == NULL || line->comment == NULL) continue;
        uint32_t width = columns(compose(layout, line)) + 2;
        /* One that will stand on a line of its own does not count: it would not next time. */
        if (width > column && width + columns(line->comment) <= SCN_COLUMNS_MAX) column = width;
    }
    return column;
}

static void write_comment_line(struct layout *layout, const struct layout_line *line,
                               uint32_t indent)
{
    if (indent + columns(line->comment) > SCN_COLUMNS_MAX) indent = 2;
    fprintf(layout->out, "%*s%s\n", (int)indent, "", line->comment);
}

static void write_code_line(struct layout *layout, const struct layout_line *line,
                            uint32_t column)
{
    const char *text = compose(layout, line);
    uint32_t width = columns(text);

    if (line->comment == NULL) {
        fprintf(layout->out, "%s\n", text);
        return;
    }
    if (column < width + 2 || column + columns(line->comment) > SCN_COLUMNS_MAX)
        column = width + 2;
    if (column + columns(line->comment) <= SCN_COLUMNS_MAX) {
        fprintf(layout->out, "%s%*s%s\n", text, (int)(column - width), "", line->comment);
        return;
    }
    write_comment_line(layout, line, line->kind == LINE_BODY ? indent_of(line) : 0);
    fprintf(layout->out, "%s\n", text);
}

static void write_block(struct layout *layout, uint32_t from, uint32_t to, bool *started)
{
    uint32_t column = comment_column(layout, from, to);
    bool blank = false;

    for (uint32_t i = from; i < to; i++) {
        const struct layout_line *line = &layout->lines[i];

        if (line->kind == LINE_BLANK) {
            blank = true;
            continue;
        }
        if (*started && (blank || line->gap)) fputc('\n', layout->out);
        blank = false;
        *started = true;
        if (line->kind == LINE_COMMENT)
            write_comment_line(layout, line, line->comment_column == 1 ? 0 : indent_of(line));
        else
            write_code_line(layout, line, column);
    }
    /* A blank line at the end of a block: the next block says whether it wants one. */
    if (blank && to < layout->count && *started) layout->lines[to].gap = true;
}

static void write_all(struct layout *layout)
{
    bool started = false;
    uint32_t from = 0;

    mark_gaps(layout);
    mark_depth(layout);
    for (uint32_t i = 0; i <= layout->count; i++) {
        if (i < layout->count && layout->lines[i].kind != LINE_HEADER) continue;
        if (from < i && layout->lines[from].kind == LINE_HEADER) align_block(layout, from, i);
        write_block(layout, from, i, &started);
        from = i;
    }
}

bool scn_format(FILE *out, const char *path, const char *bytes, size_t size,
                const struct scn_options *options, struct scn_diagnostics *diagnostics)
{
    const struct scn_file *file = scn_parse_bytes(path, bytes, size, options, diagnostics);
    struct layout layout = { .arena = file != NULL ? file->arena : NULL, .out = out };
    struct scn_source source;
    struct scn_tokens *tokens;

    if (file == NULL) return false;
    REQUIRE(scn_source_split(&source, layout.arena, bytes, size, diagnostics));
    tokens = scn_arena_alloc(layout.arena, sizeof(*tokens));
    layout.count = source.line_count;
    layout.lines = scn_arena_alloc(layout.arena, (layout.count + 1) * sizeof(*layout.lines));
    for (uint32_t i = 0; i < layout.count; i++)
        read_line(&layout, &source.lines[i], tokens, i);
    write_all(&layout);
    scn_file_free(file);
    return true;
}
