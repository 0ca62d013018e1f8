/* The failing screen: verdict, place, count; what happened; how to see it again. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/draw.h"
#include "reports/finding.h"
#include "reports/symbols.h"
#include "reports/text.h"

enum { SCREEN_LINES = 40, ROWS_MIN = 10, HISTORY_ROWS = 12, INDENT = 5, LABEL_INDENT = 2 };

static void print_verdict(FILE *out, const struct report *report, bool colour)
{
    const struct check_violation *violation = &report->failure->violation;
    const char *word = report_verdict_word(report->verdict);
    char name[TEXT_WIDTH + 1], text[512], line[16] = "";

    report_name(report, name, sizeof name);
    if (violation->place.line > 0) snprintf(line, sizeof line, ":%u", violation->place.line);
    snprintf(text, sizeof text, " %s  %s (%s%s)", name, violation->name,
             text_base_name(report->path), line);
    fprintf(out, "%s%s%s", colour ? "\033[1;31m" : "", word, colour ? "\033[0m" : "");
    text_wrap(out, (int)strlen(word), INDENT, text);
}

static void print_sentence(FILE *out, const struct report_failure *failure)
{
    const char *text = failure->violation.text;

    if (text[0] == '\0' && failure->finding != NULL) text = failure->finding->text;
    char *expanded = symbols_expand(text);
    text_wrap(out, 0, INDENT, expanded);
    free(expanded);
}

static void print_origin(FILE *out, const struct report *report)
{
    char text[256];

    report_origin(report, text, sizeof text);
    text_wrap(out, 0, INDENT, text);
    report_fix(report, text, sizeof text);
    if (text[0] != '\0') text_wrap(out, 0, INDENT, text);
}

/* What stands above the diagram. */
static void print_head(FILE *out, const struct report *report, bool colour)
{
    print_verdict(out, report, colour);
    print_sentence(out, report->failure);
    print_origin(out, report);
    fputc('\n', out);
    if (finding_is_shown(report->failure)) {
        finding_print(out, report->failure);
        fputc('\n', out);
    }
}

static void print_no_return(FILE *out, const struct no_return *no_return)
{
    char text[512];

    no_return_write(no_return, text, sizeof text);
    fprintf(out, "  sealed  ");
    text_wrap(out, 10, 10, text);
}

/* What stands below it. */
static void print_tail(FILE *out, const struct report *report)
{
    const struct report_failure *failure = report->failure;
    char files[128];

    if (failure->decided != NULL) fprintf(out, "%s\n", failure->decided);
    if (failure->no_return != NULL) print_no_return(out, failure->no_return);
    /* What is live does not come again to the byte. */
    if (failure->replay != NULL)
        fprintf(out, "%*s%s  %s\n", LABEL_INDENT, "", report->live ? "again " : "replay",
                failure->replay);
    if (failure->folder != NULL) {
        size_t length = strlen(failure->folder);
        bool slash = length > 0 && failure->folder[length - 1] == '/';
        report_folder_files(report, files, sizeof files);
        fprintf(out, "%*sreport  %s%s  (%s)\n", LABEL_INDENT, "", failure->folder,
                slash ? "" : "/", files);
    }
    if (failure->schedule != NULL) {
        size_t length = strlen(failure->schedule);
        bool ended = length > 0 && failure->schedule[length - 1] == '\n';
        fprintf(out, "\n%s%s", failure->schedule, ended ? "" : "\n");
    }
}

static uint32_t rows_left(const struct report *report, const char *head, const char *tail)
{
    uint32_t taken = text_lines(head) + text_lines(tail) + 2; /* names, and a blank line */
    uint32_t rows = taken + ROWS_MIN < SCREEN_LINES ? SCREEN_LINES - taken : ROWS_MIN;

    if (finding_is_shown(report->failure) && rows > HISTORY_ROWS) rows = HISTORY_ROWS;
    return rows;
}

/* The diagram with at most so many rows (0: all), as malloc'ed text; "" when nothing happened. */
static char *diagram_text(const struct report *report, struct report_style style,
                          uint32_t rows_max)
{
    const struct report_failure *failure = report->failure;
    bool history = finding_is_shown(failure);
    struct diagram_options options = {
        .set = history ? NULL : failure->set, /* of a finding: whatever went before */
        .property = failure->violation.property,
        .guilty = failure->violation.record,
        .schedule = failure->schedule,
        .full = style.full,
        .rows_max = rows_max,
    };
    uint32_t count;
    const struct record *records = record_all(&count);
    struct diagram *diagram = diagram_new(records, count, &options);
    char *text;
    size_t length;

    FILE *out = open_memstream(&text, &length);
    REQUIRE(out != NULL);
    if (diagram->row_count > 0) draw_diagram(out, diagram, style.colour);
    REQUIRE(fclose(out) == 0);
    diagram_free(diagram);
    return text;
}

/* Some rows take two lines: then there is room for fewer. */
static void print_diagram(FILE *out, const struct report *report, struct report_style style,
                          uint32_t rows_max)
{
    char *text = diagram_text(report, style, style.full ? 0 : rows_max);
    uint32_t lines = text_lines(text), allowed = rows_max + 1; /* the names */

    if (!style.full && lines > allowed && lines - allowed < rows_max / 2) {
        free(text);
        text = diagram_text(report, style, rows_max - (lines - allowed));
    }
    if (text[0] != '\0') fprintf(out, "%s\n", text);
    free(text);
}

char *report_screen(const struct report *report, struct report_style style)
{
    char *head, *tail, *screen;
    size_t length;

    REQUIRE(report->failure != NULL);
    FILE *out = open_memstream(&head, &length);
    REQUIRE(out != NULL);
    print_head(out, report, style.colour);
    REQUIRE(fclose(out) == 0);

    out = open_memstream(&tail, &length);
    REQUIRE(out != NULL);
    print_tail(out, report);
    REQUIRE(fclose(out) == 0);

    out = open_memstream(&screen, &length);
    REQUIRE(out != NULL);
    fputs(head, out);
    if (!finding_is_shown(report->failure) || finding_has_history(report->failure))
        print_diagram(out, report, style, rows_left(report, head, tail));
    fputs(tail, out);
    REQUIRE(fclose(out) == 0);
    free(head);
    free(tail);
    return screen;
}
