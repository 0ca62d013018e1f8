/* The front end of the scenario language: from bytes to a checked file, and back to text. */
#ifndef HARNESS_SCENARIO_SCENARIO_H
#define HARNESS_SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/scenario/ast.h"

/* What the language cannot know by itself. NULL lists are not checked against; an operation is
 * then one of SCN_OPERATIONS. Lists end with NULL. */
struct scn_options {
    const char *const *points;      /* named points of the core: "log.appended" */
    const char *const *operations;  /* visible operations of the world: "lock" */
};

/* One thing that is wrong. A line of 0 means the file as a whole. */
struct scn_diagnostic {
    struct scn_place place;
    const char *message;
    const char *hint;               /* NULL if there is none */
    const char *line;               /* the source line, shortened and printable */
};

enum { SCN_DIAGNOSTICS_MAX = 50 };

/* All that is wrong with a file, by line; at most one entry per line. */
struct scn_diagnostics {
    const char *path;
    uint32_t count;                 /* entries kept in items */
    uint32_t total;                 /* lines with an error */
    struct scn_diagnostic items[SCN_DIAGNOSTICS_MAX];
    struct scn_arena *arena;        /* owns the strings */
    unsigned char *lines;           /* one bit per line: has an error */
    uint32_t line_count;
};

/* Read and check a file. Returns it, or NULL with at least one diagnostic. `options` may be NULL.
 * `diagnostics` is overwritten and owned by the caller in both cases: scn_diagnostics_free(). */
const struct scn_file *scn_parse(const char *path, const struct scn_options *options,
                                 struct scn_diagnostics *diagnostics);

/* The same for bytes in memory; `path` names them in messages, and gives the expected scenario
 * name if it ends in ".scn". Neither is kept. */
const struct scn_file *scn_parse_bytes(const char *path, const char *bytes, size_t size,
                                       const struct scn_options *options,
                                       struct scn_diagnostics *diagnostics);

void scn_file_free(const struct scn_file *file);

/* Print `file:line:col: error:`, the line, a caret and the hint for each, then how many more. */
void scn_print_diagnostics(FILE *out, const struct scn_diagnostics *diagnostics);

void scn_diagnostics_free(struct scn_diagnostics *diagnostics);

/* Write the canonical layout of a file's text, comments kept. The bytes must parse: otherwise
 * nothing is written, the diagnostics say why, and false is returned. */
bool scn_format(FILE *out, const char *path, const char *bytes, size_t size,
                const struct scn_options *options, struct scn_diagnostics *diagnostics);

/* Write the scenario with everything explicit that it implies. The result parses. */
void scn_plan(FILE *out, const struct scn_file *file);

/* Write the closed vocabulary as tables, one line for each word. */
void scn_words(FILE *out);

/* Write a `schedule` block, its header included, by the `text` of the references alone: so a
 * report can write directives that were never parsed. */
void scn_write_schedule(FILE *out, const struct scn_directive *directives, uint32_t count);

/* Write a duration in the largest unit that is exact: 1500ms, 2m, 0s. */
void scn_write_time(FILE *out, int64_t time_us);

/* The word that somebody may have meant who wrote `wrong`: the first of the closest, or NULL if
 * none is close. */
const char *scn_nearest(const char *wrong, const char *const *words, uint32_t count);

/* Read a whole file of at most `limit` bytes into malloc'ed memory, with a zero byte behind them.
 * Returns NULL and sets errno; EFBIG when there is more. */
char *scn_read_file(const char *path, size_t limit, size_t *size);

#endif
