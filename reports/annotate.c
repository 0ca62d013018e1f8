/* What failed, in the words of GitHub Actions: "::error file=...,line=...,title=...::text" shows at
 * that line of the change that is looked at. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

/* What would end a line or, in a property, the property. */
static void put_escaped(FILE *out, const char *text, bool property)
{
    for (; *text != '\0'; text++) {
        if (*text == '%' || *text == '\n' || *text == '\r' ||
            (property && (*text == ':' || *text == ',')))
            fprintf(out, "%%%02X", (unsigned char)*text);
        else
            fputc(*text, out);
    }
}

/* Paths are relative to the checkout, wherever the command ran. */
static void put_file(FILE *out, const char *path, const char *root)
{
    char *full = realpath(path, NULL);
    const char *shown = full != NULL ? full : path;
    size_t length = root != NULL ? strlen(root) : 0;

    while (length > 0 && root[length - 1] == '/') length--;
    if (length > 0 && strncmp(shown, root, length) == 0 && shown[length] == '/')
        shown += length + 1;
    else if (path[0] != '/')
        shown = path;
    put_escaped(out, shown, true);
    free(full);
}

struct note {
    const char *level; /* "error", "warning", "notice" */
    const char *path;
    uint32_t line; /* 0: none */
    const char *what; /* follows the name in the title */
    const char *text, *hint; /* hint: may be NULL */
};

static void put_note(FILE *out, const struct report *report, const struct note *note,
                     const char *root)
{
    char name[256], title[512];

    report_name(report, name, sizeof name);
    snprintf(title, sizeof title, "%s: %s", name, note->what);
    fprintf(out, "::%s file=", note->level);
    put_file(out, note->path, root);
    if (note->line > 0) fprintf(out, ",line=%u", note->line);
    fputs(",title=", out);
    put_escaped(out, title, true);
    fputs("::", out);
    put_escaped(out, note->text, false);
    if (note->hint != NULL) {
        fputs("%0A", out);
        put_escaped(out, note->hint, false);
    }
    fputc('\n', out);
}

static void put_failure(FILE *out, const struct report *report, const char *root)
{
    const struct report_failure *failure = report->failure;
    bool placed = failure->source != NULL;
    struct note note = {
        .level = report->verdict == REPORT_KNOWN ? "notice" : "error",
        .path = placed ? failure->source : report->path,
        .line = placed ? failure->source_line : failure->violation.place.line,
        .what = failure->violation.name,
        .text = failure->violation.text[0] ? failure->violation.text : failure->violation.name,
        .hint = failure->replay,
    };

    put_note(out, report, &note, root);
}

static void put_reasons(FILE *out, const struct report *report, const char *root)
{
    const char *word = report_verdict_word(report->verdict);

    for (uint32_t i = 0; report->judged != NULL && i < report->judged->reason_count; i++) {
        const struct check_reason *reason = &report->judged->reasons[i];
        put_note(out, report, &(struct note){"warning", report->path, reason->place.line, word,
                                             reason->text, NULL}, root);
    }
}

void report_annotate(FILE *out, const struct report *reports, uint32_t count, const char *root)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct report *report = &reports[i];
        const char *word = report_verdict_word(report->verdict);
        const char *level = report_verdict_status(report->verdict) == 3 ? "warning" : "error";
        bool told = report->judged != NULL && report->judged->reason_count > 0;

        put_reasons(out, report, root);
        if (report->failure != NULL)
            put_failure(out, report, root);
        else if (!told && report_verdict_status(report->verdict) != 0)
            put_note(out, report, &(struct note){level, report->path, 0, word,
                                                 report->text != NULL ? report->text : word, NULL},
                     root);
    }
}
