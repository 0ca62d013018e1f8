/* What a terminal sees of a command: one line per scenario, a summary. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/text.h"

enum { INDENT = 5 };

static const char *colour_of(enum report_verdict verdict)
{
    switch (verdict) {
    case REPORT_PASS:
        return "\033[32m";
    case REPORT_KNOWN:
    case REPORT_INCONCLUSIVE:
    case REPORT_SKIPPED:
        return "\033[33m";
    case REPORT_FAIL:
    case REPORT_INVALID:
    case REPORT_CRASH:
    case REPORT_FAULT:
    case REPORT_REFUSED:
        return "\033[1;31m";
    case REPORT_VERDICT_COUNT:
        break;
    }
    REQUIRE(!"a verdict has a colour");
    return "";
}

/* "2 of 3 sometimes" reached, or nothing when the file asks for none. */
static void put_reached(FILE *out, const struct report *report)
{
    uint32_t asked = 0, reached = 0;

    for (uint32_t i = 0; i < report->file->check_count; i++) {
        if (report->file->checks[i].kind != SCN_CHECK_SOMETIMES) continue;
        asked++;
        reached += report->stats->reached[i] > 0;
    }
    if (asked > 0) fprintf(out, ", %u of %u sometimes", reached, asked);
}

/* The strongest sentence there is, and what it is true of. */
static void put_search(FILE *out, const struct report *report)
{
    const struct explore_stats *explored = report->explored;
    static const char *const words[] = EXPLORE_BOUND_WORDS;

    fputs("  complete", out);
    if (explored->bound)
        fprintf(out, " within %u %s%s", explored->bound_count, words[explored->bound],
                explored->bound_count == 1 ? "" : "s");
    if (report->file != NULL && report->file->explore.storm_only) fputs(" in the storm", out);
    fprintf(out, ": %" PRIu64 " interleaving%s, no violation; %" PRIu64 " steps (max %u), %" PRIu64
            " cut", explored->runs, explored->runs == 1 ? "" : "s",
            (explored->steps_sum + explored->runs / 2) / explored->runs, explored->steps_max,
            explored->cut);
}

static void put_live(FILE *out, const struct report *report)
{
    const struct report_live *live = report->live;

    fprintf(out, "  %" PRIu64 " live run%s", live->runs, live->runs == 1 ? "" : "s");
    if (live->late > 0) fprintf(out, ", %" PRIu64 " given up", live->late);
    put_reached(out, report);
}

static void put_counts(FILE *out, const struct report *report)
{
    const struct explore_stats *explored = report->explored;

    if (report->live != NULL && report->stats != NULL) {
        put_live(out, report);
        return;
    }
    if (explored == NULL || explored->runs == 0) return;
    if (explored->complete && explored->searched) {
        put_search(out, report);
        if (report->file != NULL && report->stats != NULL) put_reached(out, report);
        return;
    }
    if (explored->runs == 1) {
        fprintf(out, "  1 run, %" PRIu64 " steps", explored->steps_sum);
        if (explored->cut > 0) fputs(", cut", out);
        return;
    }
    fprintf(out, "  %" PRIu64 " runs, %s%" PRIu64 " distinct, %" PRIu64 " steps (max %u), %"
            PRIu64 " cut", explored->runs, explored->distinct_exact ? "" : "about ",
            explored->distinct, (explored->steps_sum + explored->runs / 2) / explored->runs,
            explored->steps_max, explored->cut);
    if (explored->complete) fputs(", search complete", out);
    else if (explored->searched) fputs(", search not complete", out);
    if (report->file != NULL && report->stats != NULL) put_reached(out, report);
}

static void print_line(FILE *out, const struct report *report, bool colour)
{
    const char *word = report_verdict_word(report->verdict);
    char name[TEXT_WIDTH + 1], *text;
    size_t length;

    report_name(report, name, sizeof name);
    FILE *line = open_memstream(&text, &length);
    REQUIRE(line != NULL);
    fprintf(line, " %s", name);
    put_counts(line, report);
    REQUIRE(fclose(line) == 0);
    fprintf(out, "%s%s%s", colour ? colour_of(report->verdict) : "", word,
            colour ? "\033[0m" : "");
    fprintf(out, "%s\n", text);
    free(text);
}

static void print_reasons(FILE *out, const struct report *report)
{
    if (report->judged == NULL) return;
    for (uint32_t i = 0; i < report->judged->reason_count; i++) {
        const struct check_reason *reason = &report->judged->reasons[i];
        char text[CHECK_TEXT_MAX + 128];
        if (reason->place.line > 0) {
            snprintf(text, sizeof text, "%s:%u: %s", text_base_name(report->path),
                     reason->place.line, reason->text);
        } else {
            snprintf(text, sizeof text, "%s", reason->text);
        }
        text_wrap(out, 0, INDENT, text);
    }
    if (report->judged->reasons_left_out > 0)
        fprintf(out, "%*s... %u more\n", INDENT, "", report->judged->reasons_left_out);
}

/* How often each known bug was seen. */
static void print_known_bugs(FILE *out, const struct report *report)
{
    if (report->file == NULL || report->stats == NULL) return;
    for (uint32_t i = 0; i < report->file->check_count; i++) {
        const struct scn_check *check = &report->file->checks[i];
        char text[512];
        if (check->kind != SCN_CHECK_KNOWN_BUG) continue;
        uint32_t property = check->invariant >= 0 ? (uint32_t)check->invariant
                                                  : CHECK_FILE + (uint32_t)check->bug_check;
        const char *name = check->invariant >= 0
                               ? scn_invariant_word((enum scn_invariant)check->invariant)
                               : report->file->checks[check->bug_check].name;
        snprintf(text, sizeof text, "%s:%u: %s (%s): violated in %" PRIu64 " of %" PRIu64 " runs",
                 text_base_name(report->path), check->place.line, name, check->reason,
                 report->stats->violated[property], report->stats->runs);
        text_wrap(out, 0, INDENT, text);
    }
}

/* Lines of others, as they are. */
static void print_text(FILE *out, const char *text)
{
    size_t length = strlen(text);

    fprintf(out, "%s%s", text, length > 0 && text[length - 1] == '\n' ? "" : "\n");
}

/* Of a program: its one line says everything. */
static bool holds_or_is_open(const struct report *report)
{
    if (report->program == NULL || report->explored == NULL) return false;
    return report->verdict == REPORT_PASS ||
           (report->verdict == REPORT_INCONCLUSIVE && report_program_doubt(report) != NULL);
}

void report_print(FILE *out, const struct report *report, struct report_style style)
{
    bool shown = report->screen != NULL && report->verdict != REPORT_KNOWN;

    if (shown)
        print_text(out, report->screen);
    else if (holds_or_is_open(report))
        report_print_program(out, report);
    else
        print_line(out, report, style.colour);
    print_reasons(out, report);
    if (report->verdict == REPORT_KNOWN) print_known_bugs(out, report);
    if (report->text != NULL && !holds_or_is_open(report)) print_text(out, report->text);
}

static bool has_passed(const struct report *report)
{
    static const bool passes[REPORT_VERDICT_COUNT] = {
#define PASSES(id, word, status, passed) passed,
        REPORT_VERDICTS(PASSES)
#undef PASSES
    };
    return passes[report->verdict];
}

/* Among many that passed, nobody should have to look for them. */
static void print_failed(FILE *out, const struct report *reports, uint32_t count)
{
    char name[TEXT_WIDTH + 1];

    fprintf(out, "not passed:\n");
    for (uint32_t i = 0; i < count; i++) {
        if (has_passed(&reports[i]) || reports[i].verdict == REPORT_SKIPPED) continue;
        report_name(&reports[i], name, sizeof name);
        fprintf(out, "  %s %s\n", report_verdict_word(reports[i].verdict), name);
    }
}

void report_print_summary(FILE *out, const struct report *reports, uint32_t count)
{
    uint32_t passed = 0, failed = 0, skipped = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (reports[i].verdict == REPORT_SKIPPED)
            skipped++;
        else if (has_passed(&reports[i]))
            passed++;
        else
            failed++;
    }
    if (failed > 0) print_failed(out, reports, count);
    fprintf(out, "%u passed, %u failed", passed, failed);
    if (skipped > 0) fprintf(out, ", %u skipped", skipped);
    fputc('\n', out);
}
