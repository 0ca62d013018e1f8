/* From lines to blocks: which block a line opens or belongs to, and in which order they stand. */
#include "harness/scenario/internal.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *word;
    enum scn_block block;
} headers[] = {
    { "scenario", SCN_BLOCK_SCENARIO }, { "core", SCN_BLOCK_CONFIG },
    { "store", SCN_BLOCK_CONFIG },      { "clock", SCN_BLOCK_CONFIG },
    { "tab", SCN_BLOCK_ACTOR },         { "agent", SCN_BLOCK_ACTOR },
    { "sandbox", SCN_BLOCK_ACTOR },     { "backend", SCN_BLOCK_ACTOR },
    { "faults", SCN_BLOCK_FAULTS },     { "schedule", SCN_BLOCK_SCHEDULE },
    { "check", SCN_BLOCK_CHECK },       { "explore", SCN_BLOCK_EXPLORE },
};

enum { HEADER_COUNT = sizeof(headers) / sizeof(headers[0]) };

static enum scn_block block_of(const char *word)
{
    for (size_t i = 0; i < HEADER_COUNT; i++)
        if (strcmp(headers[i].word, word) == 0) return headers[i].block;
    return SCN_BLOCK_SKIPPED;
}

/* The header's word; of a misspelt one the word that was meant, so that its lines still count. */
static const char *take_header(struct scn_parser *parser)
{
    const struct scn_token *token = scn_peek(parser);
    struct scn_near near;

    if (token->kind != SCN_TOKEN_NAME) {
        scn_error_here(parser, "an indented line belongs to the block above it",
                       "expected the first word of a block");
        return NULL;
    }
    if (block_of(token->text) == SCN_BLOCK_SKIPPED) {
        scn_near_begin(&near, token->text);
        for (size_t i = 0; i < HEADER_COUNT; i++) scn_near_offer(&near, headers[i].word);
        scn_error_here(parser, near.best[0] != '\0'
                                   ? scn_near_hint(&near, parser->arena)
                                   : "an indented line belongs to the block above it",
                       "no block begins with '%s'", token->text);
        if (near.best[0] == '\0') return NULL;
        parser->at++;
        return scn_arena_text(parser->arena, near.best, strlen(near.best));
    }
    parser->at++;
    return token->text;
}

static void check_order(struct scn_parser *parser, enum scn_block block, const char *word)
{
    static const char order[] =
        "the order is: scenario, core/store/clock, actors, faults, schedule, check, explore";
    struct scn_place place = { parser->line, 1 };
    bool once = block != SCN_BLOCK_CONFIG && block != SCN_BLOCK_ACTOR;

    if (parser->latest == SCN_BLOCK_NONE && block != SCN_BLOCK_SCENARIO)
        scn_error_at(parser, place, "begin with: scenario NAME \"what it shows\"",
                     "the scenario line must come first");
    else if (once && parser->seen_line[block] != 0)
        scn_error_at(parser, place,
                     scn_arena_format(parser->arena, "the first one is on line %u",
                                      parser->seen_line[block]), "a second '%s' block", word);
    else if (block < parser->latest)
        scn_error_at(parser, place, order, "the '%s' block comes too late", word);
    if (block > parser->latest) parser->latest = block;
    if (parser->seen_line[block] == 0) parser->seen_line[block] = parser->line;
}

/* A file path without folders and ".scn"; NULL if it does not end in ".scn". */
static const char *stem_of(struct scn_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    size_t length = strlen(base);

    if (length < 4 || strcmp(base + length - 4, ".scn") != 0) return NULL;
    return scn_arena_text(arena, base, length - 4);
}

static void parse_scenario(struct scn_parser *parser)
{
    struct scn_place place;
    const char *stem = stem_of(parser->arena, parser->file->path);

    parser->file->place = (struct scn_place){ parser->line, 1 };
    place = scn_here(parser);
    if (!scn_take_name(parser, "the scenario's name", &parser->file->name)) return;
    if (stem != NULL && strcmp(stem, parser->file->name) != 0) {
        scn_error_at(parser, place,
                     scn_arena_format(parser->arena, "rename one of them: '%s.scn' or 'scenario "
                                      "%s'", parser->file->name, stem),
                     "the scenario is called '%s', its file '%s.scn'", parser->file->name, stem);
        return;
    }
    if (!scn_take_string(parser, "in quotes what the scenario shows", &parser->file->title)) return;
    scn_take_end(parser);
}

static void end_block(struct scn_parser *parser)
{
    if (parser->block == SCN_BLOCK_ACTOR) scn_end_actor(parser);
}

static void parse_header(struct scn_parser *parser)
{
    const char *word;

    end_block(parser);
    parser->block = SCN_BLOCK_SKIPPED;
    word = take_header(parser);
    if (word == NULL) {
        parser->skipped = true;
        return;
    }
    parser->block = block_of(word);
    check_order(parser, parser->block, word);
    if (parser->block == SCN_BLOCK_SCENARIO) {
        parse_scenario(parser);
    } else if (parser->block == SCN_BLOCK_CONFIG) {
        parser->at--;
        scn_parse_config(parser);
    } else if (parser->block == SCN_BLOCK_ACTOR) {
        scn_parse_actor_line(parser, scn_table_find(&scn_actor_table, word)->id);
    } else {
        if (parser->block == SCN_BLOCK_SCHEDULE) parser->file->has_schedule = true;
        if (parser->block == SCN_BLOCK_EXPLORE) {
            parser->file->explore.present = true;
            parser->file->explore.place = (struct scn_place){ parser->line, 1 };
        }
        scn_take_end(parser);
    }
}

static void parse_body(struct scn_parser *parser)
{
    switch (parser->block) {
    case SCN_BLOCK_NONE:
        scn_error_here(parser, "a block begins at the first column",
                       "this line is indented, and no block is open");
        return;
    case SCN_BLOCK_SCENARIO:
    case SCN_BLOCK_CONFIG:
        scn_error_here(parser, "a block begins at the first column",
                       "this block has one line only");
        return;
    case SCN_BLOCK_ACTOR: scn_parse_step(parser); return;
    case SCN_BLOCK_FAULTS: scn_parse_fault(parser); return;
    case SCN_BLOCK_SCHEDULE: scn_parse_directive(parser); return;
    case SCN_BLOCK_CHECK: scn_parse_check(parser); return;
    case SCN_BLOCK_EXPLORE: scn_parse_explore(parser); return;
    case SCN_BLOCK_SKIPPED: return;
    }
}

static void parse_lines(struct scn_parser *parser)
{
    for (uint32_t i = 0; i < parser->source.line_count; i++) {
        const struct scn_line *line = &parser->source.lines[i];

        parser->line = i + 1;
        parser->at = 0;
        scn_lex(parser->arena, line, &parser->tokens);
        if (parser->tokens.count == 0) continue;
        if (line->text[0] == ' ' || line->text[0] == '\t')
            parse_body(parser);
        else
            parse_header(parser);
    }
    parser->line = parser->source.line_count;
    end_block(parser);
    scn_end_config(parser);
}

static void explore_defaults(struct scn_explore *explore)
{
    *explore = (struct scn_explore){
        .strategy = SCN_STRATEGY_AUTO, .depth = 3, .preemptions = 2, .delays = 2,
        .steps_max = 20000, .time_max_us = UINT64_C(600000000), .lag_max_us = 10000000,
        .runs_max = 10000, .seed = 1,
    };
}

static void settle_runs(struct scn_parser *parser)
{
    struct scn_file *file = parser->file;
    uint32_t last = file->directive_count;
    bool searches = file->has_schedule
        ? last > 0 && file->directives[last - 1].kind == SCN_DIRECTIVE_RUN_ANY
        : file->explore.present;

    if (!searches) file->explore.runs_max = 1;
}

static void parse(struct scn_parser *parser)
{
    explore_defaults(&parser->file->explore);
    parse_lines(parser);
    if (parser->latest == SCN_BLOCK_NONE && parser->diagnostics->total == 0)
        scn_error_at(parser, (struct scn_place){ 0, 0 },
                     "begin with: scenario NAME \"what it shows\"", "the file says nothing");
    if (parser->latest == SCN_BLOCK_NONE) return;
    scn_check_file(parser);
    settle_runs(parser);
}

const struct scn_file *scn_parse_bytes(const char *path, const char *bytes, size_t size,
                                       const struct scn_options *options,
                                       struct scn_diagnostics *diagnostics)
{
    static const struct scn_options no_options = { NULL, NULL };
    struct scn_parser *parser;
    struct scn_file *file;
    struct scn_arena *arena = scn_arena_new();

    scn_diagnostics_init(diagnostics, path);
    parser = scn_arena_alloc(arena, sizeof(*parser));
    file = scn_arena_alloc(arena, sizeof(*file));
    file->arena = arena;
    file->path = scn_arena_text(arena, path, strlen(path));
    parser->arena = arena;
    parser->file = file;
    parser->diagnostics = diagnostics;
    parser->options = options != NULL ? options : &no_options;
    if (scn_source_split(&parser->source, arena, bytes, size, diagnostics)) parse(parser);
    scn_diagnostics_sort(diagnostics);
    if (diagnostics->total == 0) return file;
    scn_arena_free(arena);
    return NULL;
}

const struct scn_file *scn_parse(const char *path, const struct scn_options *options,
                                 struct scn_diagnostics *diagnostics)
{
    size_t size;
    char *bytes = scn_read_file(path, SCN_BYTES_MAX, &size);
    const struct scn_file *file = NULL;

    if (bytes != NULL) {
        file = scn_parse_bytes(path, bytes, size, options, diagnostics);
        free(bytes);
        return file;
    }
    int problem = errno;
    scn_diagnostics_init(diagnostics, path);
    if (problem == EFBIG)
        scn_diagnostics_add(diagnostics, (struct scn_place){ 0, 0 }, NULL,
                            "the file is too large: a scenario has at most 1 MiB", NULL);
    else
        scn_diagnostics_add(diagnostics, (struct scn_place){ 0, 0 }, NULL,
                            scn_arena_format(diagnostics->arena, "cannot read: %s",
                                             strerror(problem)),
                            problem == EISDIR ? "name the scenarios in it: FOLDER/*.scn" : NULL);
    return NULL;
}

void scn_file_free(const struct scn_file *file)
{
    if (file != NULL) scn_arena_free(file->arena);
}
