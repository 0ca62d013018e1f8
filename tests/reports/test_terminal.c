/* One line per scenario, the summary, progress, verdicts. */
#include "story.h"

#include <stdlib.h>
#include <string.h>

static const char text[] = "scenario lines \"what a line says\"\n"
                           "\n"
                           "tab left session=s1\n"
                           "  open: connect\n"
                           "\n"
                           "check\n"
                           "  on no_lost_events\n"
                           "  sometimes left.connected\n"
                           "  sometimes left.disconnected\n"
                           "\n"
                           "explore\n"
                           "  budget runs=10000\n";

static const char known_text[] = "scenario known \"a bug that we know\"\n"
                                 "\n"
                                 "tab left session=s1\n"
                                 "  connect\n"
                                 "\n"
                                 "check\n"
                                 "  known_bug no_lost_events \"issue 412\"\n";

static const struct scn_file *file, *known;
static const struct report_style plain = {false, false}, coloured = {true, false};

static struct explore_stats explored = {.runs = 10000, .distinct = 6214, .distinct_exact = true,
                                        .steps_sum = 1434999, .steps_min = 90, .steps_max = 201};

static void assert_prints(const struct report *report, struct report_style style,
                          const char *expected)
{
    char *printed;

    STORY_PRINTED(printed, out, report_print(out, report, style));
    assert_string_equal(printed, expected);
    assert_true(story_width(printed) <= 100 || style.colour);
    free(printed);
}

/* 1434999 steps of 10000 runs are 143.4999 each. */
static void a_pass_is_one_line_with_honest_counts(void **state)
{
    (void)state;
    struct check_stats stats = {.runs = 10000, .reached = {[1] = 5}};
    struct report report = {.verdict = REPORT_PASS, .path = "scenarios/lines.scn", .file = file,
                            .explored = &explored, .runs_max = 10000, .stats = &stats};

    assert_prints(&report, plain,
                  "PASS lines  10000 runs, 6214 distinct, 143 steps (max 201), 0 cut, 1 of 2 "
                  "sometimes\n");
    report.stats = NULL;
    assert_prints(&report, coloured,
                  "\033[32mPASS\033[0m lines  10000 runs, 6214 distinct, 143 steps (max 201), "
                  "0 cut\n");
}

static void estimates_and_complete_searches_say_so(void **state)
{
    (void)state;
    struct explore_stats stats = explored;
    struct report report = {.verdict = REPORT_PASS, .path = "lines.scn", .file = file,
                            .explored = &stats};

    stats.distinct_exact = false;
    stats.cut = 3;
    stats.complete = true;
    assert_prints(&report, plain, "PASS lines  10000 runs, about 6214 distinct, 143 steps "
                                  "(max 201), 3 cut, search complete\n");
    stats.searched = true;
    assert_prints(&report, plain, "PASS lines  complete: 10000 interleavings, no violation; "
                                  "143 steps (max 201), 3 cut\n");
    stats.bound = EXPLORE_DELAYS;
    stats.bound_count = 1;
    assert_prints(&report, plain, "PASS lines  complete within 1 delay: 10000 interleavings, no "
                                  "violation; 143 steps (max 201), 3 cut\n");
    stats.bound = EXPLORE_PREEMPTIONS;
    stats.complete = false;
    assert_prints(&report, plain, "PASS lines  10000 runs, about 6214 distinct, 143 steps "
                                  "(max 201), 3 cut, search not complete\n");
    stats = (struct explore_stats){.runs = 1, .distinct = 1, .steps_sum = 12};
    assert_prints(&report, plain, "PASS lines  1 run, 12 steps\n");
}

static void inconclusive_names_its_reasons(void **state)
{
    (void)state;
    static struct check_verdict judged = {
        .outcome = CHECK_INCONCLUSIVE, .reason_count = 2, .reasons_left_out = 1,
        .reasons = {{{8, 3}, "sometimes left.connected: never reached"}, {{0, 0}, "no run"}}};
    struct explore_stats one = {.runs = 1, .steps_sum = 3};
    struct report report = {.verdict = REPORT_INCONCLUSIVE, .path = "a/lines.scn", .file = file,
                            .explored = &one, .judged = &judged};

    assert_prints(&report, plain, "INCONCLUSIVE lines  1 run, 3 steps\n"
                                  "     lines.scn:8: sometimes left.connected: never reached\n"
                                  "     no run\n"
                                  "     ... 1 more\n");
}

static void a_known_bug_says_how_often(void **state)
{
    (void)state;
    struct check_stats stats = {.runs = 40,
                                .violated = {[SCN_INVARIANT_NO_LOST_EVENTS] = 7}};
    struct explore_stats one = {.runs = 1, .steps_sum = 3};
    struct report report = {.verdict = REPORT_KNOWN, .path = "known.scn", .file = known,
                            .explored = &one, .stats = &stats, .screen = "not shown\n"};

    assert_prints(&report, plain,
                  "KNOWN BUG known  1 run, 3 steps\n"
                  "     known.scn:7: no_lost_events (issue 412): violated in 7 of 40 runs\n");
}

static void what_could_not_run_says_why(void **state)
{
    (void)state;
    struct report invalid = {.verdict = REPORT_INVALID, .path = "b/broken.scn",
                             .text = "broken.scn:1:1: error: empty"};
    struct report fault = {.verdict = REPORT_FAULT, .path = "lines.scn", .file = file,
                           .text = "uncontrolled call of fork\n"};

    assert_prints(&invalid, plain, "INVALID broken\nbroken.scn:1:1: error: empty\n");
    assert_prints(&fault, plain, "HARNESS FAULT lines\nuncontrolled call of fork\n");
}

static void a_failure_prints_its_screen(void **state)
{
    (void)state;
    struct report_failure failure = {.cost = {.of = {[COST_OTHER] = 1}}};
    struct report report = {.verdict = REPORT_FAIL, .path = "lines.scn", .file = file,
                            .failure = &failure, .screen = "the screen\n"};

    assert_prints(&report, plain, "the screen\n");
}

static void the_summary_counts_everything_once(void **state)
{
    (void)state;
    struct report reports[] = {{.verdict = REPORT_PASS}, {.verdict = REPORT_KNOWN},
                               {.verdict = REPORT_FAIL, .path = "one.scn"},
                               {.verdict = REPORT_INCONCLUSIVE, .path = "in/two.scn"},
                               {.verdict = REPORT_INVALID, .path = "three.scn"},
                               {.verdict = REPORT_SKIPPED}};
    char *printed;

    STORY_PRINTED(printed, out, report_print_summary(out, reports, 2));
    assert_string_equal(printed, "2 passed, 0 failed\n");
    free(printed);
    STORY_PRINTED(printed, out, report_print_summary(out, reports, 6));
    assert_string_equal(printed, "not passed:\n  FAIL one\n  INCONCLUSIVE two\n  INVALID three\n"
                                 "2 passed, 3 failed, 1 skipped\n");
    free(printed);
}

/* 5, 2, 4, 1, 3, 0: the first that applies. */
static void the_exit_status_is_that_of_the_worst(void **state)
{
    (void)state;
    struct report reports[] = {{.verdict = REPORT_PASS}, {.verdict = REPORT_INCONCLUSIVE},
                               {.verdict = REPORT_FAIL}, {.verdict = REPORT_CRASH},
                               {.verdict = REPORT_INVALID}, {.verdict = REPORT_FAULT}};
    const int expected[] = {0, 0, 3, 1, 4, 2, 5};

    for (uint32_t count = 0; count <= 6; count++)
        assert_int_equal(report_status(reports, count), expected[count]);
}

static void the_verdict_follows_from_the_checks(void **state)
{
    (void)state;
    struct check_verdict judged = {.outcome = CHECK_PASSED};
    struct check_violation violation = {.property = SCN_INVARIANT_NO_CRASH};

    assert_int_equal(report_judge(file, &judged, NULL), REPORT_PASS);
    assert_int_equal(report_judge(known, &judged, NULL), REPORT_KNOWN);
    judged.outcome = CHECK_INCONCLUSIVE;
    assert_int_equal(report_judge(file, &judged, NULL), REPORT_INCONCLUSIVE);
    judged.outcome = CHECK_VIOLATED;
    assert_int_equal(report_judge(file, &judged, NULL), REPORT_FAIL); /* fixed: remove the line */
    assert_int_equal(report_judge(file, &judged, &violation), REPORT_CRASH);
    violation.property = SCN_INVARIANT_NO_LEAKS;
    assert_int_equal(report_judge(file, &judged, &violation), REPORT_FAIL);
}

static void progress_stays_on_its_line(void **state)
{
    (void)state;
    struct explore_stats stats = {.runs = 12, .distinct = 9};
    char *printed, name[200];

    STORY_PRINTED(printed, out, report_progress(out, "lines", &stats, 100));
    assert_string_equal(printed, "\r\033[?7llines  12 of 100 runs, 9 distinct\033[K"
                                 "\033[?7h");
    free(printed);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    STORY_PRINTED(printed, out, report_progress(out, name, &stats, 100));
    assert_int_equal(strlen(printed), 1 + 5 + 79 + 3 + 5);
    free(printed);
    STORY_PRINTED(printed, out, report_progress_erase(out));
    assert_string_equal(printed, "\r\033[K");
    free(printed);
}

static void assert_annotates(const struct report *report, const char *root, const char *expected)
{
    char *printed;

    STORY_PRINTED(printed, out, report_annotate(out, report, 1, root));
    assert_string_equal(printed, expected);
    free(printed);
}

/* The words of GitHub Actions: in properties ':' and ',' are written otherwise, in the text only
 * '%' and line ends. */
static void an_annotation_stands_where_a_failure_shows(void **state)
{
    (void)state;
    struct report_failure failure = {
        .violation = {.name = "no_lost_events", .place = {7, 3}, .text = "50 %: a, b"},
        .replay = "./harness run x"};
    struct report report = {.verdict = REPORT_FAIL, .path = "nowhere/lines.scn", .file = file,
                            .failure = &failure};

    assert_annotates(&report, NULL,
                     "::error file=nowhere/lines.scn,line=7,title=lines%3A no_lost_events::"
                     "50 %25: a, b%0A./harness run x\n");
    failure.source = "/source/tree,1/queue.c";
    failure.source_line = 81;
    failure.replay = NULL;
    assert_annotates(&report, "/source/tree,1/",
                     "::error file=queue.c,line=81,title=lines%3A no_lost_events::50 %25: a, b\n");
    assert_annotates(&report, "/source/tree",
                     "::error file=/source/tree%2C1/queue.c,line=81,title=lines%3A no_lost_events::"
                     "50 %25: a, b\n");
}

static void an_annotation_is_as_strong_as_the_verdict(void **state)
{
    (void)state;
    struct check_verdict judged = {.outcome = CHECK_INCONCLUSIVE, .reason_count = 1,
                                   .reasons = {{{9, 3}, "never reached"}}};
    struct report report = {.verdict = REPORT_PASS, .path = "no/lines.scn", .file = file};

    assert_annotates(&report, NULL, "");
    report.verdict = REPORT_SKIPPED;
    assert_annotates(&report, NULL, "");
    report.verdict = REPORT_INCONCLUSIVE;
    report.judged = &judged;
    assert_annotates(&report, NULL, "::warning file=no/lines.scn,line=9,title=lines%3A "
                                    "INCONCLUSIVE::never reached\n");
    report = (struct report){.verdict = REPORT_INVALID, .path = "no/lines.scn",
                             .text = "lines.scn:1: error\n  begin"};
    assert_annotates(&report, NULL, "::error file=no/lines.scn,title=lines%3A INVALID::"
                                    "lines.scn:1: error%0A  begin\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_is_one_line_with_honest_counts),
        cmocka_unit_test(estimates_and_complete_searches_say_so),
        cmocka_unit_test(inconclusive_names_its_reasons),
        cmocka_unit_test(a_known_bug_says_how_often),
        cmocka_unit_test(what_could_not_run_says_why),
        cmocka_unit_test(a_failure_prints_its_screen),
        cmocka_unit_test(the_summary_counts_everything_once),
        cmocka_unit_test(the_exit_status_is_that_of_the_worst),
        cmocka_unit_test(the_verdict_follows_from_the_checks),
        cmocka_unit_test(progress_stays_on_its_line),
        cmocka_unit_test(an_annotation_stands_where_a_failure_shows),
        cmocka_unit_test(an_annotation_is_as_strong_as_the_verdict),
    };
    file = story_scenario("scenarios/lines.scn", text);
    known = story_scenario("known.scn", known_text);
    return cmocka_run_group_tests_name("the terminal", tests, NULL, NULL);
}
