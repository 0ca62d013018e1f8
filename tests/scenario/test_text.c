/* Back to text: layout, plan, schedule blocks, the vocabulary and its reference page. */
#include "tests/scenario/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/internal.h"

static const char *const stories[] = {
    "late_connect.scn", "double_tab.scn", "disconnect_mid_task.scn",
    "pinned/issue_412_replay_vs_live.scn",
};

enum { STORY_COUNT = sizeof(stories) / sizeof(stories[0]) };

/* The stories of the repository are written in the canonical layout. */
static void test_stories_are_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < STORY_COUNT; i++) {
        char *source = support_read("scenarios", stories[i]);
        char *formatted = support_format(stories[i], source);

        assert_string_equal(formatted, source);
        free(source);
        free(formatted);
    }
}

/* The plan says the same as the file: it parses, and planning it again changes nothing. */
static void check_plan(const char *path, const char *source)
{
    const struct scn_file *file = support_parse(path, source);
    char *plan = support_plan(file);
    const struct scn_file *again = support_parse(path, plan);
    char *second = support_plan(again);

    assert_string_equal(second, plan);
    assert_int_equal(again->actor_count, file->actor_count);
    assert_int_equal(again->fault_count, file->fault_count);
    assert_int_equal(again->check_count, file->check_count);
    assert_int_equal(again->directive_count, file->directive_count);
    assert_int_equal(again->explore.runs_max, file->explore.runs_max);
    scn_file_free(file);
    scn_file_free(again);
    free(plan);
    free(second);
}

static void test_stories_plan(void **state)
{
    (void)state;
    for (size_t i = 0; i < STORY_COUNT; i++) {
        char *source = support_read("scenarios", stories[i]);
        check_plan(stories[i], source);
        free(source);
    }
}

static void test_plan_unrolls(void **state)
{
    static const char source[] =
        "scenario x \"a\"\nbackend box session=s1\n  repeat 2\n    a: publish token times 3\n"
        "    wait 5ms\n  end\n  open after a[5]\ncheck\n  sometimes box.a[4] before box.a[2]\n";
    const struct scn_file *file = support_parse("x.scn", source);
    char *plan = support_plan(file);

    (void)state;
    /* Round 2 begins with the fourth token, and its second token is the fifth of all. */
    assert_non_null(strstr(plan, "backend box session=s1\n"
                                 "  a_1: publish token times 3\n  wait 5ms\n"
                                 "  a_2: publish token times 3\n  wait 5ms\n"
                                 "  open after box.a_2[2]\n"));
    assert_non_null(strstr(plan, "  sometimes box.a_2[1] before box.a_1[2]\n"));
    check_plan("x.scn", source);
    scn_file_free(file);
    free(plan);
}

/* A count over all rounds has no name in an unrolled script: the loop stays. */
static void test_plan_keeps_loops(void **state)
{
    static const char source[] =
        "scenario x \"a\"\nbackend box session=s1\n  repeat 2\n    a: publish token\n  end\n"
        "check\n  exactly 2 box.a\n";
    const struct scn_file *file = support_parse("x.scn", source);
    char *plan = support_plan(file);

    (void)state;
    assert_non_null(strstr(plan, "  repeat 2\n  a: publish token\n  end\n"));
    check_plan("x.scn", source);
    scn_file_free(file);
    free(plan);
}

/* A lease that is shortened is also renewed sooner. */
static void test_plan_lease(void **state)
{
    static const char source[] =
        "scenario x \"a\"\nstore lease_ttl=6s\ncheck\n  on no_deadlock\n";
    const struct scn_file *file = support_parse("x.scn", source);
    char *plan = support_plan(file);

    (void)state;
    assert_non_null(strstr(plan, " lease_ttl=6s"));
    assert_non_null(strstr(plan, " lease_renew=2s"));
    scn_file_free(file);
    free(plan);
}

/* Events keep their names where steps are numbered and faults get theirs. */
static void test_plan_events(void **state)
{
    static const char source[] =
        "scenario x \"a\"\ntab left\n  open: connect\nfaults\n  may cut left for 1s\n"
        "schedule\n  fire cut_left\n  fire cut_left.end\n  fire left.reconnect\n"
        "  run core/main to store.locks.call[2]\n  run free\ncheck\n  on no_deadlock\n";
    const struct scn_file *file = support_parse("x.scn", source);
    char *plan = support_plan(file);

    (void)state;
    assert_non_null(strstr(plan, "  fire cut_left.end\n  fire left.reconnect\n"));
    assert_non_null(strstr(plan, "to store.locks.call[2]\n"));
    scn_file_free(support_parse("x.scn", plan));
    scn_file_free(file);
    free(plan);
}

static void check_layout(const char *source, const char *expected)
{
    char *formatted = support_format("x.scn", source);
    char *again = support_format("x.scn", formatted);

    assert_string_equal(formatted, expected);
    assert_string_equal(again, formatted);
    free(formatted);
    free(again);
}

static void test_layout_of_everything(void **state)
{
    static const char source[] =
        "# why\n\nscenario   x \"a  b\"\ncore start_gate=none    # first\n"
        "store latency=1..2ms\n\n\n# who\ntab left   right session=s1\n\n"
        " open:   connect  within 0..5s # early\n close\n"
        "   repeat 2\n  again: send pong    # twice\n    end\n\n\n   # then\n"
        " last: expect gap[from=1,to=2] or  error[ code=x ]\n"
        "faults\n   drop:  may cut   left after left.open,right.open\n"
        " may lose core -> left # gone\n"
        "schedule\n run left to left.open\n run core/jobs[1] to log.appended[1]\n"
        " fire   drop.end # soon\n run   free\n"
        "check\n on  no_deadlock\n off no_leaks \"why\"\n  a:  always left.online<=1\n"
        "explore\n seed 1\n strategy auto\n\n# the end\n\n";

    (void)state;
    check_layout(source,
                 "# why\n"
                 "\n"
                 "scenario x \"a  b\"\n"
                 "\n"
                 "core start_gate=none  # first\n"
                 "store latency=1..2ms\n"
                 "\n"
                 "# who\n"
                 "tab left right session=s1\n"
                 "\n"
                 "  open:  connect within 0..5s  # early\n"
                 "         close\n"
                 "  repeat 2\n"
                 "    again: send pong           # twice\n"
                 "  end\n"
                 "\n"
                 "  # then\n"
                 "  last:  expect gap[from=1, to=2] or error[code=x]\n"
                 "\n"
                 "faults\n"
                 "  drop: may cut left after left.open, right.open\n"
                 "  may lose core->left  # gone\n"
                 "\n"
                 "schedule\n"
                 "  run left         to left.open\n"
                 "  run core/jobs[1] to log.appended[1]\n"
                 "  fire drop.end  # soon\n"
                 "  run free\n"
                 "\n"
                 "check\n"
                 "  on  no_deadlock\n"
                 "  off no_leaks \"why\"\n"
                 "  a: always left.online <= 1\n"
                 "\n"
                 "explore\n"
                 "  seed     1\n"
                 "  strategy auto\n"
                 "\n"
                 "# the end\n");
}

/* Where columns would not fit into the line, they are given up, not the limit. */
static void test_layout_keeps_the_limit(void **state)
{
    static const char source[] =
        "scenario x \"a\"\n\ntab left session=s1\n"
        "  a_label_that_is_really_very_long_as_labels_go: connect\n"
        "  b: expect server_state[state=running, port=3000, version=17] within 0..20s\n"
        "  c: expect error[code=a_code_that_takes_much_room] within 0..20s # a note of some length "
        "here\n"
        "\ncheck\n  on no_deadlock\n";

    (void)state;
    check_layout(source,
                 "scenario x \"a\"\n\ntab left session=s1\n"
                 "  a_label_that_is_really_very_long_as_labels_go: connect\n"
                 "  b: expect server_state[state=running, port=3000, version=17] within 0..20s\n"
                 "  c: expect error[code=a_code_that_takes_much_room] within 0..20s  # a note of "
                 "some length here\n"
                 "\ncheck\n  on no_deadlock\n");
}

/* A comment that no longer fits behind its line goes above it, and stays there. */
static void test_layout_moves_comments(void **state)
{
    static const char source[] =
        "scenario x \"a\"\n\ntab left session=s1\n"
        "  a_label_of_some_length: connect\n"
        "  close                                 # so many words that they only fit behind this\n"
        "  b: wait 5s # short\n"
        "  expect error[code=a_code_that_takes_much_room] or gap within 0..20s # no room left\n"
        "\ncheck\n  on no_deadlock\n";

    (void)state;
    check_layout(source,
                 "scenario x \"a\"\n\ntab left session=s1\n"
                 "  a_label_of_some_length: connect\n"
                 "                          close    # so many words that they only fit behind "
                 "this\n"
                 "  b:                      wait 5s  # short\n"
                 "  # no room left\n"
                 "                          expect error[code=a_code_that_takes_much_room] or gap "
                 "within 0..20s\n"
                 "\ncheck\n  on no_deadlock\n");
}

static struct scn_directive run_to(const char *who, const char *to)
{
    return (struct scn_directive){ .kind = SCN_DIRECTIVE_RUN_TO, .who = { .text = who },
                                   .to = { .text = to } };
}

/* What a report prints parses where it is pasted. */
static void test_schedule_block(void **state)
{
    const struct scn_directive lines[] = {
        run_to("left", "left.open"),
        run_to("core/jobs[2]", "core/jobs[2].lock[17]"),
        { .kind = SCN_DIRECTIVE_ADVANCE, .advance_us = 5010000 },
        { .kind = SCN_DIRECTIVE_FIRE, .who = { .text = "late" }, .has_by = true,
          .by_us = 90000000 },
        { .kind = SCN_DIRECTIVE_FIRE, .who = { .text = "jump_clock" }, .has_by = true,
          .by_signed = true, .by_us = 120000000 },
        { .kind = SCN_DIRECTIVE_DELIVER, .who = { .text = "core" }, .to = { .text = "left" } },
        { .kind = SCN_DIRECTIVE_FIRE, .who = { .text = "left.reconnect" } },
        { .kind = SCN_DIRECTIVE_WAKE, .who = { .text = "core/ws" } },
        { .kind = SCN_DIRECTIVE_CHOOSE, .name = "signal", .choice = 3 },
        { .kind = SCN_DIRECTIVE_RUN_FREE_TO, .to = { .text = "lock.acquired[2]" } },
        { .kind = SCN_DIRECTIVE_RUN_FREE },
    };
    static const char expected[] =
        "schedule\n"
        "  run left         to left.open\n"
        "  run core/jobs[2] to core/jobs[2].lock[17]\n"
        "  advance 5010ms\n"
        "  fire late by 90s\n"
        "  fire jump_clock by +2m\n"
        "  deliver core->left\n"
        "  fire left.reconnect\n"
        "  wake core/ws\n"
        "  choose signal 3\n"
        "  run free         to lock.acquired[2]\n"
        "  run free\n";
    static const char before[] =
        "scenario x \"a\"\ntab left\n  open: connect\nfaults\n"
        "  late: may delay store by 1s..2m\n  may jump clock by +2m\n";
    char *text = NULL;
    char whole[1000];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    const struct scn_file *file;

    (void)state;
    assert_non_null(out);
    scn_write_schedule(out, lines, sizeof(lines) / sizeof(lines[0]));
    fclose(out);
    assert_string_equal(text, expected);
    snprintf(whole, sizeof(whole), "%s%scheck\n  on no_deadlock\n", before, text);
    file = support_parse("x.scn", whole);
    assert_int_equal(file->directive_count, sizeof(lines) / sizeof(lines[0]));
    assert_int_equal(file->directives[4].by_us, 120000000);
    scn_file_free(file);
    free(text);
}

static void test_times(void **state)
{
    static const struct { int64_t time_us; const char *text; } times[] = {
        { 0, "0s" }, { 1, "1us" }, { 1500, "1500us" }, { 2000, "2ms" }, { 1500000, "1500ms" },
        { 60000000, "1m" }, { 90000000, "90s" }, { INT64_C(7200000000), "2h" },
        { -120000000, "-2m" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        char text[40] = "";
        FILE *out = fmemopen(text, sizeof(text), "w");
        assert_non_null(out);
        scn_write_time(out, times[i].time_us);
        fclose(out);
        assert_string_equal(text, times[i].text);
    }
}

/* The reference page names every word of every table, as code. */
static void expect_in_page(const char *page, const char *word)
{
    char marked[120];

    snprintf(marked, sizeof(marked), "`%s`", word);
    if (strstr(page, marked) == NULL) fail_msg("docs/SCENARIOS.md does not explain %s", marked);
}

/* The row of a word that is refused says so. */
static void expect_row(const char *page, const char *word, const char *help)
{
    char begin[120];

    expect_in_page(page, word);
    if (scn_is_built(help)) return;
    snprintf(begin, sizeof(begin), "\n| `%s` |", word);
    for (const char *row = strstr(page, begin); row != NULL; row = strstr(row + 1, begin)) {
        const char *refused = strstr(row, SCN_NOT_BUILT);
        if (refused != NULL && refused < row + 1 + strcspn(row + 1, "\n")) return;
    }
    fail_msg("docs/SCENARIOS.md does not say that %s is refused", word);
}

static void expect_table(const char *page, const struct scn_table *table)
{
    for (uint32_t i = 0; i < table->count; i++)
        expect_row(page, table->words[i].word, table->words[i].help);
}

static void expect_rules(const char *page, struct scn_rules rules)
{
    for (uint32_t i = 0; i < rules.count; i++)
        expect_row(page, rules.items[i].name, rules.items[i].help);
}

static void test_reference_page(void **state)
{
    static const struct scn_table *const tables[] = {
        &scn_actor_table, &scn_verb_table, &scn_send_table, &scn_frame_table,
        &scn_agent_expect_table, &scn_sandbox_expect_table, &scn_fault_table,
        &scn_invariant_table, &scn_gauge_table, &scn_thread_table, &scn_event_table,
        &scn_strategy_table,        &scn_directive_table, &scn_check_table,
    };
    struct scn_rule room[SCN_RULES_MAX];
    char *page = support_read("docs", "SCENARIOS.md");

    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) expect_table(page, tables[i]);
    expect_rules(page, scn_core_rule_table);
    expect_rules(page, scn_store_rule_table);
    expect_rules(page, scn_clock_rule_table);
    expect_rules(page, scn_bound_rule_table);
    expect_rules(page, scn_budget_rule_table);
    for (int i = 0; i < SCN_ACTOR_COUNT; i++)
        expect_rules(page, scn_actor_rules((enum scn_actor_kind)i));
    for (int i = 0; i < SCN_VERB_REPEAT; i++)
        expect_rules(page, scn_verb_rules((enum scn_verb)i, SCN_ACTOR_BACKEND, room));
    for (int i = 0; i < SCN_FAULT_COUNT; i++)
        expect_rules(page, scn_fault_rules((enum scn_fault_kind)i, room));
    for (int i = 0; i < SCN_STRATEGY_COUNT; i++)
        expect_rules(page, scn_strategy_rules((enum scn_strategy)i, room));
    free(page);
}

/* The first example of the page is a scenario. */
static void test_reference_example(void **state)
{
    char *page = support_read("docs", "SCENARIOS.md");
    const char *line = strstr(page, "    scenario greeting ");
    char text[2000] = "";

    (void)state;
    assert_non_null(line);
    while (*line == '\n' || strncmp(line, "    ", 4) == 0) {
        size_t length = strcspn(line, "\n") + 1;
        size_t indent = length > 4 ? 4 : 0;
        strncat(text, line + indent, length - indent);
        line += length;
        assert_true(strlen(text) < sizeof(text) - 200);
    }
    scn_file_free(support_parse("greeting.scn", text));
    free(page);
}

/* `harness words` prints each word once at least, and no line that is too long to read. */
static void test_words(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_non_null(out);
    scn_words(out);
    fclose(out);
    assert_non_null(strstr(text, "\n  start_gate=none|attached|acknowledged\n"));
    assert_non_null(strstr(text, "\n  no_lost_events "));
    assert_non_null(strstr(text, "\n  kill CORE [for T] "));
    assert_non_null(strstr(text, "\n  keeper "));
    assert_non_null(strstr(text, "\n  fire store.locks.expiry "));
    assert_non_null(strstr(text, "\n  to store.locks.call "));
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 110);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories_are_canonical),
        cmocka_unit_test(test_stories_plan),
        cmocka_unit_test(test_plan_unrolls),
        cmocka_unit_test(test_plan_keeps_loops),
        cmocka_unit_test(test_plan_lease),
        cmocka_unit_test(test_plan_events),
        cmocka_unit_test(test_layout_of_everything),
        cmocka_unit_test(test_layout_keeps_the_limit),
        cmocka_unit_test(test_layout_moves_comments),
        cmocka_unit_test(test_schedule_block),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_reference_page),
        cmocka_unit_test(test_reference_example),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
