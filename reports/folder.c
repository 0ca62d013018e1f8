/* The folder of a failure. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/output.h"
#include "reports/text.h"
#include "reports/writers.h"

/* Viewers of sequence diagrams refuse much longer ones. */
enum { SEQUENCE_ROWS_MAX = 300 };

static void write_trace(FILE *out, const struct report *report)
{
    uint32_t count;
    const struct record *records = record_all(&count);

    jsonl_write(out, report, records, count);
}

static void write_sequence(FILE *out, const struct report *report)
{
    const struct check_violation *violation = &report->failure->violation;
    struct diagram_options options = {
        .guilty = violation->record,
        .schedule = report->failure->schedule,
        .rows_max = SEQUENCE_ROWS_MAX,
    };
    uint32_t count;
    const struct record *records = record_all(&count);
    struct diagram *diagram = diagram_new(records, count, &options);
    char name[256], title[512];

    report_name(report, name, sizeof name);
    snprintf(title, sizeof title, "%s: %s", name, violation->name);
    mermaid_write(out, title, diagram);
    diagram_free(diagram);
}

static void write_pinned(FILE *out, const struct report *report)
{
    fputs(report->failure->pinned, out);
}

static void write_screen(FILE *out, const struct report *report)
{
    char *plain = text_plain(report->screen);
    fputs(plain, out);
    free(plain);
}

static const struct {
    const char *name;
    void (*write)(FILE *out, const struct report *report);
} files[] = {
    {"index.html", html_write},
    {"trace.jsonl", write_trace},
    {"sequence.mmd", write_sequence},
    {"pinned.scn", write_pinned},
    {"screen.txt", write_screen},
};

static bool is_written(const struct report *report, size_t index)
{
    if (files[index].write == write_pinned) return report->failure->pinned != NULL;
    if (files[index].write == write_screen) return report->screen != NULL;
    return true;
}

bool report_write_folder(const struct report *report, struct report_problem *problem)
{
    REQUIRE(report->failure != NULL && report->failure->folder != NULL);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct output output;
        if (!is_written(report, i)) continue;
        if (!output_open(&output, report->failure->folder, files[i].name, problem)) return false;
        files[i].write(output.file, report);
        if (!output_close(&output, problem)) return false;
    }
    return true;
}

void report_folder_files(const struct report *report, char *out, size_t size)
{
    size_t used = 0;

    REQUIRE(report->failure != NULL && size > 0);
    out[0] = '\0';
    for (size_t i = 0; i < sizeof files / sizeof *files && used < size; i++) {
        /* The screen that is being read is no news. */
        if (!is_written(report, i) || files[i].write == write_screen) continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "",
                                 files[i].name);
    }
}
