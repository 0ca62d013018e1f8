/* JUnit XML: a suite for each scenario or program, a case for each of its checks. No times: they
 * would differ from run to run. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reports/output.h"
#include "reports/text.h"

/* --- escaping --- */

/* Bytes of the UTF-8 character at text, or 0 when there is none. */
static int character_length(const unsigned char *text)
{
    int length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3
                 : text[0] < 0xf5 ? 4 : 0;

    for (int i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) return 0;
    }
    if (length == 3 && text[0] == 0xe0 && text[1] < 0xa0) return 0; /* overlong */
    if (length == 3 && text[0] == 0xed && text[1] > 0x9f) return 0; /* surrogates */
    if (length == 3 && text[0] == 0xef && text[1] == 0xbf && text[2] > 0xbd) return 0;
    if (length == 4 && text[0] == 0xf0 && text[1] < 0x90) return 0; /* overlong */
    if (length == 4 && text[0] == 0xf4 && text[1] > 0x8f) return 0; /* beyond Unicode */
    return length;
}

/* What XML cannot hold becomes a question mark. */
static void put_escaped(FILE *out, const char *text, bool attribute)
{
    while (*text != '\0') {
        int length = character_length((const unsigned char *)text);
        if (length == 0 || (length == 1 && (unsigned char)*text < ' ' && *text != '\n' &&
                            *text != '\t'))
            fputc('?', out);
        else if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '"')
            fputs("&quot;", out);
        else if (attribute && (*text == '\n' || *text == '\t'))
            fprintf(out, "&#%d;", *text);
        else
            fwrite(text, 1, (size_t)length, out);
        text += length == 0 ? 1 : length;
    }
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    put_escaped(out, value, true);
    fputc('"', out);
}

/* --- cases --- */

enum { SOMETIMES_BYTES = 128 };

/* What a case says besides its name. */
struct complaint {
    const char *element;        /* "failure", "error", "skipped" */
    const char *message;
    const char *body;           /* NULL: none */
};

struct suite {
    FILE *out;                  /* NULL: only counts */
    const struct report *report;
    char name[256];
    uint32_t tests, failures, errors, skipped;
};

/* Where somebody would look: the line of the scenario (0: none); of a program, where it failed. */
static void put_place(const struct suite *suite, uint32_t line, bool failed)
{
    const struct report *report = suite->report;
    const struct report_failure *failure = report->failure;
    bool placed = failed && failure != NULL && failure->source != NULL;

    if (report->program != NULL && !placed) return;
    put_attribute(suite->out, "file", placed ? failure->source : report->path);
    if (placed) line = failure->source_line;
    if (line > 0) fprintf(suite->out, " line=\"%u\"", line);
}

static void add_case(struct suite *suite, const char *name, uint32_t line,
                     const struct complaint *complaint)
{
    FILE *out = suite->out;

    suite->tests++;
    if (complaint != NULL) {
        suite->failures += strcmp(complaint->element, "failure") == 0;
        suite->errors += strcmp(complaint->element, "error") == 0;
        suite->skipped += strcmp(complaint->element, "skipped") == 0;
    }
    if (out == NULL) return;
    fputs("    <testcase", out);
    put_attribute(out, "classname", suite->name);
    put_attribute(out, "name", name);
    put_place(suite, line, complaint != NULL);
    if (complaint == NULL) {
        fputs("/>\n", out);
        return;
    }
    fprintf(out, ">\n      <%s", complaint->element);
    put_attribute(out, "message", complaint->message);
    put_attribute(out, "type", report_verdict_word(suite->report->verdict));
    fputc('>', out);
    if (complaint->body != NULL) {
        char *plain = text_plain(complaint->body);
        put_escaped(out, plain, false);
        free(plain);
    }
    fprintf(out, "</%s>\n    </testcase>\n", complaint->element);
}

/* The check that a line of the file stands for. */
static bool is_at(const struct scn_check *check, struct scn_place place)
{
    return place.line > 0 && check->place.line == place.line;
}

static const struct check_reason *reason_for(const struct report *report,
                                             const struct scn_check *check)
{
    if (report->judged == NULL) return NULL;
    for (uint32_t i = 0; i < report->judged->reason_count; i++) {
        if (is_at(check, report->judged->reasons[i].place)) return &report->judged->reasons[i];
    }
    return NULL;
}

static bool fails(const struct report *report)
{
    return report->failure != NULL && report->verdict != REPORT_KNOWN;
}

static struct complaint complaint_of(const struct report *report)
{
    return (struct complaint){.element = report->verdict == REPORT_CRASH ? "error" : "failure",
                              .message = report->failure->violation.text,
                              .body = report->screen};
}

static void add_check(struct suite *suite, const struct scn_check *check)
{
    const struct report *report = suite->report;
    const char *name = check->label != NULL ? check->label : check->text;
    const struct check_reason *reason = reason_for(report, check);

    uint32_t line = check->place.line;

    if (fails(report) && is_at(check, report->failure->violation.place)) {
        struct complaint complaint = complaint_of(report);
        add_case(suite, name, line, &complaint);
    } else if (reason != NULL) {
        add_case(suite, name, line,
                 &(struct complaint){.element = "failure", .message = reason->text});
    } else if (check->kind == SCN_CHECK_OFF) {
        add_case(suite, name, line,
                 &(struct complaint){.element = "skipped", .message = check->reason});
    } else {
        add_case(suite, name, line, NULL);
    }
}

static bool has_check_at(const struct scn_file *file, struct scn_place place)
{
    for (uint32_t i = 0; file != NULL && i < file->check_count; i++) {
        if (is_at(&file->checks[i], place)) return true;
    }
    return false;
}

/* What no line of the check block stands for: the scripts, the other invariants, the budget. A
 * verdict that is none of a pass shows at least once. */
static void add_rest(struct suite *suite)
{
    const struct report *report = suite->report;
    const char *word = report_verdict_word(report->verdict);
    uint32_t lines = suite->failures + suite->errors;

    if (fails(report) && !has_check_at(report->file, report->failure->violation.place)) {
        struct complaint complaint = complaint_of(report);
        add_case(suite, report->failure->violation.name, report->failure->violation.place.line,
                 &complaint);
    }
    for (uint32_t i = 0; report->judged != NULL && i < report->judged->reason_count; i++) {
        const struct check_reason *reason = &report->judged->reasons[i];
        if (has_check_at(report->file, reason->place)) continue;
        add_case(suite, "exploration", reason->place.line,
                 &(struct complaint){.element = "failure", .message = reason->text});
    }
    if (suite->failures + suite->errors > lines) return;
    if (lines == 0 && report_verdict_status(report->verdict) != 0) {
        const char *body = report->screen != NULL ? report->screen : report->text;
        add_case(suite, "run", 0,
                 &(struct complaint){.element = report->verdict == REPORT_CRASH ? "error"
                                                                                 : "failure",
                                     .message = word, .body = body});
    } else {
        add_case(suite, suite->tests > 0 || report->file != NULL ? "everything else"
                                                                 : "all executions", 0, NULL);
    }
}

/* What a program says that must happen sometimes; nobody asks for it where something failed. */
static void add_sometimes(struct suite *suite)
{
    const struct report_program *program = suite->report->program;
    bool asked = suite->report->verdict == REPORT_INCONCLUSIVE;

    for (uint32_t i = 0; i < program->sometimes_count; i++) {
        const struct report_promise *promise = &program->sometimes[i];
        char name[SOMETIMES_BYTES];
        snprintf(name, sizeof name, "sometimes %s", promise->name);
        bool missing = asked && !promise->reached;
        add_case(suite, name, 0, missing ? &(struct complaint){.element = "failure",
                                                            .message = "never true, in no "
                                                                       "execution"}
                                      : NULL);
    }
}

static void add_cases(struct suite *suite)
{
    const struct report *report = suite->report;
    const char *text = report->text != NULL ? report->text : "";

    if (report->verdict == REPORT_SKIPPED) {
        add_case(suite, "run", 0, &(struct complaint){.element = "skipped", .message = text});
    } else if (report->verdict == REPORT_INVALID || report->verdict == REPORT_FAULT ||
               (report->file == NULL && report->program == NULL)) {
        add_case(suite, "run", 0, &(struct complaint){
            .element = "error", .message = report_verdict_word(report->verdict), .body = text});
    } else {
        for (uint32_t i = 0; report->file != NULL && i < report->file->check_count; i++)
            add_check(suite, &report->file->checks[i]);
        if (report->program != NULL) add_sometimes(suite);
        add_rest(suite);
    }
}

/* The counts come first in the document: the cases are gone through twice, first without `out`. */
static struct suite go_through(const struct report *report, FILE *out)
{
    struct suite suite = {.out = out, .report = report};

    report_name(report, suite.name, sizeof suite.name);
    add_cases(&suite);
    return suite;
}

static void put_totals(FILE *out, const struct suite *suite)
{
    fprintf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\"", suite->tests,
            suite->failures, suite->errors, suite->skipped);
}

static void put_properties(FILE *out, const struct report *report)
{
    const struct explore_stats *explored = report->explored;
    static const char *const words[] = {"", "preemptions", "delays"};

    if (explored == NULL) return;
    fprintf(out, "    <properties>\n"
            "      <property name=\"runs\" value=\"%" PRIu64 "\"/>\n"
            "      <property name=\"distinct\" value=\"%" PRIu64 "\"/>\n"
            "      <property name=\"cut\" value=\"%" PRIu64 "\"/>\n"
            "      <property name=\"new_lately\" value=\"%" PRIu64 "\"/>\n"
            "      <property name=\"steps_max\" value=\"%u\"/>\n"
            "      <property name=\"complete\" value=\"%s\"/>\n", explored->runs,
            explored->distinct, explored->cut, explored->new_lately, explored->steps_max,
            explored->complete ? "true" : "false");
    if (explored->bound)
        fprintf(out, "      <property name=\"%s\" value=\"%u\"/>\n", words[explored->bound],
                explored->bound_count);
    if (report->file != NULL && report->file->explore.storm_only)
        fputs("      <property name=\"choices\" value=\"storm\"/>\n", out);
    fputs("    </properties>\n", out);
}

static void write_suite(FILE *out, const struct report *report)
{
    struct suite suite = go_through(report, NULL);

    fputs("  <testsuite", out);
    put_attribute(out, "name", suite.name);
    put_attribute(out, "file", report->path);
    put_totals(out, &suite);
    fputs(">\n", out);
    put_properties(out, report);
    (void)go_through(report, out);
    fputs("  </testsuite>\n", out);
}

bool report_write_junit(const char *path, const struct report *reports, uint32_t count,
                        struct report_problem *problem)
{
    struct suite sum = {.tests = 0};
    struct output output;

    if (!output_open(&output, NULL, path, problem)) return false;
    for (uint32_t i = 0; i < count; i++) {
        struct suite suite = go_through(&reports[i], NULL);
        sum.tests += suite.tests;
        sum.failures += suite.failures;
        sum.errors += suite.errors;
        sum.skipped += suite.skipped;
    }
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"harness\"", output.file);
    put_totals(output.file, &sum);
    fputs(">\n", output.file);
    for (uint32_t i = 0; i < count; i++) write_suite(output.file, &reports[i]);
    fputs("</testsuites>\n", output.file);
    return output_close(&output, problem);
}
