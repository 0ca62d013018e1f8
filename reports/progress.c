/* A line that replaces itself. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

enum { PROGRESS_WIDTH = 79 };

void report_progress(FILE *out, const char *name, const struct explore_stats *stats,
                     uint64_t runs_max)
{
    char text[256];

    int used = snprintf(text, sizeof text, "%.100s  %" PRIu64 " of %" PRIu64 " runs", name,
                        stats->runs, runs_max);
    /* Of several processes' runs that is known in the end. */
    if (stats->distinct > 0)
        snprintf(text + used, sizeof text - (size_t)used, ", %" PRIu64 " distinct",
                 stats->distinct);
    report_progress_line(out, text);
}

/* One that wraps could not be erased, so a narrow terminal is told not to while it is written. */
void report_progress_line(FILE *out, const char *text)
{
    fprintf(out, "\r\033[?7l%.*s\033[K\033[?7h", PROGRESS_WIDTH, text);
    fflush(out);
}

void report_progress_erase(FILE *out)
{
    fputs("\r\033[K", out);
    fflush(out);
}
