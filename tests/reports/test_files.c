/* Files for machines: each is read back. */
#include "story.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char text[] = "scenario files \"what machines read\"\n"
                           "\n"
                           "tab left session=s1\n"
                           "  open: connect\n"
                           "\n"
                           "check\n"
                           "  on no_lost_events\n"
                           "  off no_idle_sandbox \"there is <none>\"\n"
                           "  once: exactly 1 left.connected\n"
                           "  never left.disconnected\n";

static const struct scn_file *file;
static char folder[] = "reports-" "XX" "XX" "XX"; /* the form that mkdtemp wants */
static const char schedule[] = "schedule\n  run free\n";

static char *read_back(const char *name)
{
    char path[512];
    size_t size;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *bytes = scn_read_file(path, 1 << 20, &size);
    assert_non_null(bytes);
    bytes = realloc(bytes, size + 1);
    assert_non_null(bytes);
    bytes[size] = '\0';
    return bytes;
}

static void tell(void *argument)
{
    (void)argument;
    uint32_t sent = RECORD(CORE_SEND, ACTOR(0), CORE, ACTOR(0), 0, .conn = 1,
                           .kind = WORD("token"), .seq = 4);
    (void)RECORD(CLIENT_RECV, ACTOR(0), CORE, ACTOR(0), sent, .kind = WORD("token"), .seq = 4);
    story_at_ms(7);
    (void)RECORD(CLIENT_OFFLINE, ACTOR(0), NOBODY, NOBODY, 0, .conn = 1,
                 .why = WORD("a; b #1"));
    (void)RECORD(CLIENT_READY, ACTOR(0), NOBODY, NOBODY, 0, .recovered = 1);
}

static struct report_failure failure = {
    .violation = {.property = CHECK_FILE + 2, .name = "once", .place = {9, 3}, .record = 3,
                  .text = "1 < 2 & \"more\"\x01"},
    .cost = {.of = {[COST_OTHER] = 1}},
    .schedule = schedule,
    .pinned = "pinned text\n",
};

/* A screen as a terminal got it; files are without colours. */
static struct report report = {.verdict = REPORT_FAIL, .path = "scenarios/files.scn",
                               .failure = &failure, .screen = "a \033[1;31m<screen>\033[0m\n"};

/* --- the folder --- */

static void the_trace_is_one_object_a_line(void **state)
{
    (void)state;
    struct report_problem problem;
    (void)story_run(file, tell);
    assert_true(report_write_folder(&report, &problem));

    char *trace = read_back("deep/down/trace.jsonl"), *rest = NULL;
    char *line = strtok_r(trace, "\n", &rest);
    json_t *header = json_loads(line, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(header, "format")), "harness-trace");
    assert_string_equal(json_string_value(json_object_get(header, "scenario")), "files");
    assert_int_equal(json_integer_value(json_object_get(header, "records")), 4);
    json_decref(header);

    json_t *lines[4];
    for (int i = 0; i < 4; i++) {
        lines[i] = json_loads(strtok_r(NULL, "\n", &rest), JSON_REJECT_DUPLICATES, NULL);
        assert_int_equal(json_integer_value(json_object_get(lines[i], "n")), i + 1);
    }
    assert_null(strtok_r(NULL, "\n", &rest));

    const char *kind, *from, *to;
    int cause, seq, time_ns, recovered;
    assert_int_equal(json_unpack(lines[1], "{s:s, s:s, s:s, s:i, s:{s:i}}", "kind", &kind, "from",
                                 &from, "to", &to, "cause", &cause, "values", "seq", &seq), 0);
    assert_string_equal(kind, "client_recv");
    assert_string_equal(from, "core");
    assert_string_equal(to, "left");
    assert_int_equal(cause, 1);
    assert_int_equal(seq, 4);
    assert_int_equal(json_unpack(lines[3], "{s:i, s:{s:b}}", "time_ns", &time_ns, "values",
                                 "recovered", &recovered), 0);
    assert_int_equal(time_ns, 7000000);
    assert_true(recovered);
    assert_null(json_object_get(lines[3], "from"));
    for (int i = 0; i < 4; i++) json_decref(lines[i]);
    free(trace);
}

/* By hand: the frame is one arrow, what comes 7 ms later a note, and the third record is guilty. */
static void the_sequence_is_a_mermaid_diagram(void **state)
{
    (void)state;
    struct report_problem problem;
    (void)story_run(file, tell);
    assert_true(report_write_folder(&report, &problem));
    char *sequence = read_back("deep/down/sequence.mmd");

    assert_string_equal(sequence, "sequenceDiagram\n"
                                  "    title files: once\n"
                                  "    participant p0 as left\n"
                                  "    participant p1 as core\n"
                                  "    p1->>p0: 0ms token 4\n"
                                  "    Note over p0: 7ms offline: a#59; b #35;1 (HERE)\n"
                                  "    Note over p0: 7ms ready: head 0, recovered\n");
    free(sequence);
}

static void the_other_files_are_as_given(void **state)
{
    (void)state;
    struct report_problem problem;
    char names[128];
    (void)story_run(file, tell);
    assert_true(report_write_folder(&report, &problem));
    char *pinned = read_back("deep/down/pinned.scn"), *screen = read_back("deep/down/screen.txt");

    assert_string_equal(pinned, "pinned text\n");
    assert_string_equal(screen, "a <screen>\n");
    report_folder_files(&report, names, sizeof names);
    assert_string_equal(names, "index.html, trace.jsonl, sequence.mmd, pinned.scn");
    free(pinned);
    free(screen);
}

static void what_cannot_be_written_is_told(void **state)
{
    (void)state;
    struct report_problem problem;
    struct report_failure elsewhere = failure;
    struct report other = report;
    char path[512], expected[600];

    other.failure = &elsewhere;
    snprintf(path, sizeof path, "%s/deep/down/trace.jsonl", folder); /* a file, not a folder */
    elsewhere.folder = path;
    (void)story_run(file, tell);
    assert_false(report_write_folder(&other, &problem));
    snprintf(expected, sizeof expected, "cannot write %s/index.html: Not a directory", path);
    assert_string_equal(problem.text, expected);
    assert_false(report_write_junit("/dev/full", &report, 1, &problem));
    assert_string_equal(problem.text, "cannot write /dev/full: No space left on device");
}

/* --- JUnit --- */

/* Where the entity or character at `at` ends; what is not well-formed fails the test. */
static const char *skip_character(const char *at)
{
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#10;", "&#9;"};

    if (*at != '&') {
        assert_true((unsigned char)*at >= ' ' || *at == '\n' || *at == '\t');
        return at + 1;
    }
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (strncmp(at, entities[i], strlen(entities[i])) == 0) return at + strlen(entities[i]);
    }
    fail_msg("no such entity: %.10s", at);
    return NULL;
}

/* Attributes up to the end of a tag: name="value", each once. True: the element is empty. */
static bool skip_attributes(const char **at)
{
    while (**at == ' ') {
        (*at)++;
        while (isalpha((unsigned char)**at)) (*at)++;
        assert_memory_equal(*at, "=\"", 2);
        *at += 2;
        while (**at != '"') {
            assert_true(**at != '<' && **at != '\0' && **at != '\n');
            *at = skip_character(*at);
        }
        (*at)++;
    }
    bool empty = **at == '/';
    *at += empty;
    assert_int_equal(**at, '>');
    (*at)++;
    return empty;
}

/* Every element is closed in order, and nothing stands outside the root. Gives their number. */
static int check_well_formed(const char *xml)
{
    static const char start[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    char open[8][32];
    int depth = 0, elements = 0;

    assert_memory_equal(xml, start, sizeof start - 1);
    for (const char *at = xml + sizeof start - 1; *at != '\0';) {
        if (*at != '<') {
            assert_true(depth > 0 || *at == '\n');
            at = skip_character(at);
            continue;
        }
        bool closing = at[1] == '/';
        at += 1 + closing;
        int length = (int)strspn(at, "abcdefghijklmnopqrstuvwxyz");
        assert_true(length > 0 && length < 32 && depth < 8);
        if (closing) {
            assert_true(depth > 0 && (int)strlen(open[depth - 1]) == length);
            assert_memory_equal(open[--depth], at, (size_t)length);
            assert_int_equal(at[length], '>');
            at += length + 1;
        } else {
            snprintf(open[depth++], sizeof open[0], "%.*s", length, at);
            at += length;
            elements++;
            if (skip_attributes(&at)) depth--;
        }
    }
    assert_int_equal(depth, 0);
    return elements;
}

static struct explore_stats explored = {.runs = 10, .distinct = 4, .distinct_exact = true};

static char *junit_of(const struct report *reports, uint32_t count)
{
    struct report_problem problem;
    char path[512];

    snprintf(path, sizeof path, "%s/junit.xml", folder);
    if (!report_write_junit(path, reports, count, &problem)) fail_msg("%s", problem.text);
    return read_back("junit.xml");
}

/* Suites, then cases: four checks and the rest; the broken file and the skipped one have one each.
 */
static void junit_has_a_case_for_each_check(void **state)
{
    (void)state;
    struct report reports[] = {
        report,
        {.verdict = REPORT_INVALID, .path = "broken.scn", .text = "an error & more"},
        {.verdict = REPORT_SKIPPED, .path = "later.scn", .text = "\xff not today"},
    };
    reports[0].explored = &explored;
    char *xml = junit_of(reports, 3);

    /* testsuites, 3 testsuite, properties with 6, 7 cases, failure, 2 skipped, error */
    assert_int_equal(check_well_formed(xml), 1 + 3 + 7 + 7 + 1 + 2 + 1);
    assert_non_null(strstr(xml, "<testsuites name=\"harness\" tests=\"7\" failures=\"1\" "
                                "errors=\"1\" skipped=\"2\">"));
    assert_non_null(strstr(xml, "<testcase classname=\"files\" name=\"once\" "
                                "file=\"scenarios/files.scn\" line=\"9\">\n      <failure "
                                "message=\"1 &lt; 2 &amp; &quot;more&quot;?\" type=\"FAIL\">"
                                "a &lt;screen&gt;\n</failure>"));
    assert_non_null(strstr(xml, "name=\"on no_lost_events\" "
                                "file=\"scenarios/files.scn\" line=\"7\"/>"));
    assert_non_null(strstr(xml, "<skipped message=\"there is &lt;none&gt;\""));
    assert_non_null(strstr(xml, ">an error &amp; more</error>"));
    assert_non_null(strstr(xml, "message=\"? not today\""));
    assert_null(strstr(xml, "time="));
    free(xml);
}

/* An invariant that no line names, and a reason that belongs to a line. */
static void junit_keeps_what_no_line_stands_for(void **state)
{
    (void)state;
    struct report_failure other = failure;
    static struct check_verdict judged = {
        .outcome = CHECK_INCONCLUSIVE, .reason_count = 2,
        .reasons = {{{7, 3}, "never exercised"}, {{0, 0}, "the wall cap was hit"}}};
    struct report failing = report, open = report;

    snprintf(other.violation.name, sizeof other.violation.name, "no_deadlock");
    other.violation.place.line = 0;
    failing.failure = &other;
    open.verdict = REPORT_INCONCLUSIVE;
    open.failure = NULL;
    open.judged = &judged;
    char *first = junit_of(&failing, 1), *second = junit_of(&open, 1);

    check_well_formed(first);
    check_well_formed(second);
    assert_non_null(strstr(first, "tests=\"5\" failures=\"1\" errors=\"0\" skipped=\"1\">\n  <"));
    assert_non_null(strstr(first, "name=\"no_deadlock\" file=\"scenarios/files.scn\">\n"
                                  "      <failure"));
    assert_non_null(strstr(second, " line=\"7\">\n      <failure message=\"never "));
    assert_non_null(strstr(second, "name=\"exploration\" file=\"scenarios/files.scn\">\n"
                                   "      <failure message=\"the wall cap"));
    free(first);
    free(second);
}

/* A process that died leaves no violation, only a text. */
static void junit_never_turns_a_failure_into_a_pass(void **state)
{
    (void)state;
    struct report died = report;

    died.verdict = REPORT_CRASH;
    died.failure = NULL;
    died.screen = NULL;
    died.text = "signal 11";
    char *xml = junit_of(&died, 1);

    check_well_formed(xml);
    assert_non_null(strstr(xml, "tests=\"5\" failures=\"0\" errors=\"1\""));
    assert_non_null(strstr(xml, "name=\"run\" file=\"scenarios/files.scn\">\n"
                                "      <error message=\"CRASH\" type=\"CRASH\">signal 11</error>"));
    free(xml);
}

/* --- JSON --- */

static void the_summary_reads_back(void **state)
{
    (void)state;
    struct report reports[] = {report, {.verdict = REPORT_PASS, .path = "files.scn"}};
    struct report_failure ended = *report.failure;
    struct report_problem problem;
    char path[512];
    const char *verdict, *name, *text_read;
    int status, runs, line, ended_after;

    ended.ended_after = 7;
    reports[0].failure = &ended;
    reports[0].explored = &explored;
    snprintf(path, sizeof path, "%s/summary.json", folder);
    assert_true(report_write_json(path, reports, 2, &problem));
    char *bytes = read_back("summary.json");
    json_t *summary = json_loads(bytes, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(summary);
    assert_int_equal(json_integer_value(json_object_get(summary, "status")), 1);
    json_t *list = json_object_get(summary, "scenarios");
    assert_int_equal(json_array_size(list), 2);
    assert_int_equal(json_unpack(json_array_get(list, 0),
                                 "{s:s, s:i, s:{s:i}, s:{s:s, s:i, s:s, s:i}}", "verdict",
                                 &verdict, "status", &status, "explored", "runs", &runs,
                                 "failure", "name", &name, "line", &line, "text", &text_read,
                                 "shrinking_ended_after", &ended_after), 0);
    assert_string_equal(verdict, "FAIL");
    assert_int_equal(status, 1);
    assert_int_equal(runs, 10);
    assert_string_equal(name, "once");
    assert_int_equal(line, 9);
    assert_string_equal(text_read, "1 < 2 & \"more\"\x01");
    assert_int_equal(ended_after, 7);
    json_decref(summary);
    free(bytes);
}

/* --- the documentation --- */

/* Every kind and every value of it has its line in docs/TRACE.md: "| kind | values |". */
static void the_page_on_traces_is_complete(void **state)
{
    (void)state;
    size_t size;
    char *page = scn_read_file(SOURCE_ROOT "/docs/TRACE.md", 1 << 20, &size);

    assert_non_null(page);
    page = realloc(page, size + 1);
    assert_non_null(page);
    page[size] = '\0';
    for (int kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        const struct record_info *info = record_info_of((enum record_kind)kind);
        char row[512];
        int used = snprintf(row, sizeof row, "\n| `%s` | ", info->word);
        for (uint32_t i = 0; i < info->field_count; i++) {
            used += snprintf(row + used, sizeof row - (size_t)used, "%s%s", i > 0 ? " " : "",
                             info->fields[i].name);
        }
        snprintf(row + used, sizeof row - (size_t)used, " | %s |\n", info->help);
        if (strstr(page, row) == NULL) fail_msg("docs/TRACE.md has no row '%s'", row + 1);
    }
    free(page);
}

static int make_folder(void **state)
{
    static char deep[512];
    (void)state;

    if (mkdtemp(folder) == NULL) return -1;
    snprintf(deep, sizeof deep, "%s/deep/down", folder);
    failure.folder = deep;
    return 0;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"deep/down/index.html", "deep/down/trace.jsonl",
                                        "deep/down/sequence.mmd", "deep/down/pinned.scn",
                                        "deep/down/screen.txt",
                                        "deep/down", "deep", "junit.xml", "summary.json", ""};
    char path[512];
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)remove(path);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trace_is_one_object_a_line),
        cmocka_unit_test(the_sequence_is_a_mermaid_diagram),
        cmocka_unit_test(the_other_files_are_as_given),
        cmocka_unit_test(what_cannot_be_written_is_told),
        cmocka_unit_test(junit_has_a_case_for_each_check),
        cmocka_unit_test(junit_keeps_what_no_line_stands_for),
        cmocka_unit_test(junit_never_turns_a_failure_into_a_pass),
        cmocka_unit_test(the_summary_reads_back),
        cmocka_unit_test(the_page_on_traces_is_complete),
    };
    story_init(NULL);
    file = story_scenario("scenarios/files.scn", text);
    report.file = file;
    return cmocka_run_group_tests_name("files", tests, make_folder, remove_folder);
}
