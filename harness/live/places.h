/* Where lines of the sources are in an executable, by its debug information. */
#ifndef HARNESS_LIVE_PLACES_H
#define HARNESS_LIVE_PLACES_H

#include <stddef.h>
#include <stdint.h>

struct place_line {
    const char *file;       /* as in the debug information: "core/attach.c" */
    uint32_t line;
};

/* Writes the ranges of those lines as hold.c reads them: "10a-10f,20-28|...". NULL if all were
 * found; otherwise a sentence, static or valid until the next call. */
const char *places_write(const char *executable, const struct place_line *lines, uint32_t count,
                         char *out, size_t size);

#endif
