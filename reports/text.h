/* Text that fits a terminal. */
#ifndef REPORTS_TEXT_H
#define REPORTS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TEXT_WIDTH = 100 };

/* Writes words, and a line end, starting at column `used` (0: at `indent`). Lines that would be
 * longer than TEXT_WIDTH go on in the next one, at `indent`. */
void text_wrap(FILE *out, int used, int indent, const char *text);

/* How many lines that is. */
uint32_t text_lines(const char *text);

/* A copy without colours, for files. malloc'ed. */
char *text_plain(const char *text);

/* One word of a command, as a shell reads it. */
void text_word(FILE *out, const char *word);

/* A point of time or a span: "0ms", "5001ms", "1.25ms". */
void text_time(int64_t time_us, char *out, size_t size);

/* The path as it is from the current folder, where it lies below that; otherwise as it is. */
const char *text_below_here(const char *path);

/* Whether what is written to that descriptor may have colours: it is a terminal that can, and
 * NO_COLOR is not set. */
bool text_may_colour(int descriptor);

/* The part behind the last '/'. */
const char *text_base_name(const char *path);

#endif
