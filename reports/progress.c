/* A line that replaces itself. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

enum { PROGRESS_WIDTH = 79 };

void report_progress(FILE *out, const char *name, const struct explore_stats *stats,
                     uint64_t runs_max)
{
    char text[256];

    snprintf(text, sizeof text, "%s  %" PRIu64 " of %" PRIu64 " runs, %" PRIu64 " distinct", name,
             stats->runs, runs_max, stats->distinct);
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
