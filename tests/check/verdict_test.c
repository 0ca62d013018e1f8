/* From runs to a verdict: pass, violated, inconclusive; known bugs; findings of the world. */
#include "tests/check/stream.h"

#include <string.h>

static const char actors[] =
    "tab left user=alice session=s1\n"
    "  open: connect\n"
    "sandbox box\n"
    "faults\n"
    "  may cut left during left.open\n"
    "check\n";

enum { LEFT = FIRST, BOX = SECOND };

static void begin(const char *checks)
{
    char text[2048];
    (void)snprintf(text, sizeof text, "%s%s", actors, checks);
    stream_begin(text);
    SEE(STEP_BEGIN, LEFT, .step = 0, .occurrence = 1);
}

static void spawn(int64_t instance)
{
    SEE(PR_SPAWN, BOX, .port = 3000, .instance = instance, .sandbox = W("box"), .app = W("web"));
}

/* Ends the run and expects that outcome, with that first reason ("" for none). */
static void expect_verdict(enum check_outcome outcome, const char *reason)
{
    struct check_verdict verdict;

    check_verdict(stream_set(), check_stats_of(stream_set()),
                  (struct check_circumstances){ .replay = false }, &verdict);
    assert_string_equal(verdict.reason_count > 0 ? verdict.reasons[0].text : "", reason);
    assert_int_equal(verdict.outcome, outcome);
    assert_int_equal(verdict.reason_count, reason[0] != '\0');
    stream_end();
}

static void end_run(void)
{
    stream_calm(1000);
    (void)stream_verdict();
}

static void passes(void **state)
{
    (void)state;
    begin("  on no_duplicate_servers\n"
          "  sometimes box.started\n");
    spawn(1);
    end_run();
    expect_verdict(CHECK_PASSED, "");
}

/* One execution with that number, in which so many servers are started at once. */
static void see_run(uint64_t number, int64_t servers)
{
    check_number(stream_set(), number);
    SEE(FAULT_BEGIN, LEFT, .fault = 0, .occurrence = 1);
    for (int64_t i = 1; i <= servers; i++) spawn(i);
}

/* The second repeats the first, and the third was given up by the search. */
static void what_is_no_run_is_not_counted(void **state)
{
    (void)state;
    static const struct world_result stopped = { .end = WORLD_STOPPED };

    begin("  sometimes box.started\n"
          "  known_bug no_duplicate_servers \"issue 1\"\n");
    see_run(0, 1);
    end_run();
    stream_again();
    see_run(0, 1);
    end_run();
    stream_again();
    see_run(1, 1);
    (void)check_end(stream_set(), &stopped, NULL);
    stream_again();
    see_run(2, 2);
    end_run();
    const struct check_stats *stats = check_stats_of(stream_set());
    assert_int_equal(stats->runs, 2);
    assert_int_equal(stats->judged, 1);
    assert_int_equal(stats->reached[0], 2);
    assert_int_equal(stats->struck[0], 2);
    assert_int_equal(stats->violated[SCN_INVARIANT_NO_DUPLICATE_SERVERS], 1);
    assert_int_equal(stats->exercised[SCN_INVARIANT_NO_DUPLICATE_SERVERS], 2);
    expect_verdict(CHECK_PASSED, "");
}

static const char must_cut[] =
    "tab left user=alice session=s1\n"
    "  open: connect\n"
    "faults\n"
    "  cut left after left.open\n"
    "  may halfopen left\n"
    "  lose core->left during left.open\n"
    "check\n"
    "  on no_leaks\n";

/* What must happen and never did is not what was tested. */
static void mandatory_faults_that_never_struck(void **state)
{
    (void)state;
    struct check_verdict verdict;

    stream_begin(must_cut);
    end_run();
    check_verdict(stream_set(), check_stats_of(stream_set()),
                  (struct check_circumstances){ .replay = false }, &verdict);
    assert_int_equal(verdict.outcome, CHECK_INCONCLUSIVE);
    assert_int_equal(verdict.reason_count, 2);
    assert_string_equal(verdict.reasons[0].text, "during left.open: that window never opened");
    assert_string_equal(verdict.reasons[1].text, "cut left never struck");
    assert_int_equal(verdict.reasons[1].place.line, 5);
    stream_again();
    SEE(STEP_BEGIN, LEFT, .step = 0, .occurrence = 1);
    SEE(FAULT_BEGIN, LEFT, .fault = 0, .occurrence = 1);
    end_run();
    expect_verdict(CHECK_INCONCLUSIVE, "lose core->left never struck");
}

static void violated_once_in_many(void **state)
{
    (void)state;
    begin("  at most 0 box.started\n");
    end_run();
    stream_again();
    spawn(1);
    (void)stream_verdict();
    stream_again();
    end_run();
    expect_verdict(CHECK_VIOLATED, "");
}

static void sometimes_never(void **state)
{
    (void)state;
    begin("  sometimes box.started\n");
    end_run();
    expect_verdict(CHECK_INCONCLUSIVE, "sometimes box.started: never reached");
}

static void sometimes_once(void **state)
{
    (void)state;
    begin("  sometimes box.started\n");
    end_run();
    stream_again();
    spawn(1);
    end_run();
    stream_again();
    end_run();
    assert_int_equal(check_stats_of(stream_set())->reached[0], 1);
    expect_verdict(CHECK_PASSED, "");
}

static void sometimes_when(void **state)
{
    (void)state;
    begin("  sometimes box.started when box.crashed == 1\n");
    spawn(1);
    end_run();
    expect_verdict(CHECK_INCONCLUSIVE,
                   "sometimes box.started when box.crashed == 1: never reached");
}

static void never_exercised(void **state)
{
    (void)state;
    begin("  on no_duplicate_servers\n");
    end_run();
    expect_verdict(CHECK_INCONCLUSIVE,
                   "on no_duplicate_servers: no run did anything that it judges");
}

static void window_of_another_step(void **state)
{
    (void)state;
    stream_begin("tab left user=alice session=s1\n"
                 "  open: connect\n"
                 "  more: connect\n"
                 "faults\n"
                 "  may cut left during left.more\n"
                 "check\n"
                 "  never left.gaps\n");
    SEE(STEP_BEGIN, LEFT, .step = 0, .occurrence = 1);
    end_run();
    expect_verdict(CHECK_INCONCLUSIVE, "during left.more: that window never opened");
}

static void window_of_another_actor(void **state)
{
    (void)state;
    stream_begin("tab left right user=alice session=s1\n"
                 "  open: connect\n"
                 "faults\n"
                 "  may cut left during left.open\n"
                 "check\n"
                 "  never left.gaps\n");
    SEE(STEP_BEGIN, SECOND, .step = 0, .occurrence = 1);
    end_run();
    expect_verdict(CHECK_INCONCLUSIVE, "during left.open: that window never opened");
}

static void every_run_cut(void **state)
{
    (void)state;
    begin("  never box.started\n");
    (void)stream_verdict();
    expect_verdict(CHECK_INCONCLUSIVE,
                   "no run came to its end within its bounds: steps=20000 time=10m");
}

static void capped(void **state)
{
    struct check_verdict verdict;
    (void)state;
    begin("  never box.started\n");
    end_run();
    check_verdict(stream_set(), check_stats_of(stream_set()),
                  (struct check_circumstances){ .wall_capped = true }, &verdict);
    assert_int_equal(verdict.outcome, CHECK_INCONCLUSIVE);
    assert_string_equal(verdict.reasons[0].text, "the cap on real time was reached");
    stream_end();
}

static void replay_asks_less(void **state)
{
    struct check_verdict verdict;
    (void)state;
    begin("  sometimes box.started\n"
          "  on no_duplicate_servers\n");
    end_run();
    check_verdict(stream_set(), check_stats_of(stream_set()),
                  (struct check_circumstances){ .replay = true }, &verdict);
    assert_int_equal(verdict.outcome, CHECK_PASSED);
    stream_end();
}

/* --- known bugs --- */

static void known_and_there(void **state)
{
    (void)state;
    begin("  known_bug no_duplicate_servers \"issue 412\"\n");
    spawn(1);
    spawn(2);
    const struct check_violation *violation = stream_verdict();
    assert_non_null(violation);
    assert_true(violation->known);
    assert_int_equal(violation->place.line, 8);
    expect_verdict(CHECK_PASSED, "");
}

static void known_and_fixed(void **state)
{
    (void)state;
    begin("  known_bug no_duplicate_servers \"issue 412\"\n");
    spawn(1);
    end_run();
    expect_verdict(CHECK_VIOLATED, "fixed: remove line 8 (no_duplicate_servers, issue 412)");
}

static void known_and_another_one(void **state)
{
    (void)state;
    begin("  known_bug no_duplicate_servers \"issue 412\"\n"
          "  never box.crashed\n");
    spawn(1);
    spawn(2);
    (void)stream_verdict();
    stream_again();
    SEE(SB_CRASH, BOX, .sandbox = W("box"));
    const struct check_violation *violation = stream_verdict();
    assert_false(violation->known);
    expect_verdict(CHECK_VIOLATED, "");
}

static void known_by_label(void **state)
{
    (void)state;
    begin("  one_boot: at most 1 box.started\n"
          "  off no_duplicate_servers \"it is not what is tested\"\n"
          "  known_bug one_boot \"issue 7\"\n");
    spawn(1);
    spawn(2);
    assert_true(stream_verdict()->known);
    expect_verdict(CHECK_PASSED, "");
}

static void known_never_reached(void **state)
{
    (void)state;
    begin("  rare: sometimes box.started\n"
          "  known_bug rare \"issue 8\"\n");
    end_run();
    expect_verdict(CHECK_PASSED, "");
}

static void known_and_reached_at_last(void **state)
{
    (void)state;
    begin("  rare: sometimes box.started\n"
          "  known_bug rare \"issue 8\"\n");
    spawn(1);
    end_run();
    expect_verdict(CHECK_VIOLATED, "fixed: remove line 9 (rare, issue 8)");
}

static void known_in_a_run_that_was_cut(void **state)
{
    (void)state;
    begin("  known_bug no_duplicate_servers \"issue 412\"\n");
    (void)stream_verdict();
    expect_verdict(CHECK_INCONCLUSIVE,
                   "no run came to its end within its bounds: steps=20000 time=10m");
}

static void off_is_not_judged(void **state)
{
    (void)state;
    begin("  off no_duplicate_servers \"two are wanted\"\n");
    spawn(1);
    spawn(2);
    end_run();
    expect_verdict(CHECK_PASSED, "");
}

/* --- findings, scripts, identity --- */

static void findings(void **state)
{
    static const struct {
        enum world_finding_kind kind;
        enum scn_invariant invariant;
    } rows[] = {
        { WORLD_FOUND_DEADLOCK, SCN_INVARIANT_NO_DEADLOCK },
        { WORLD_FOUND_STUCK_WAITER, SCN_INVARIANT_NO_STUCK_WAITERS },
        { WORLD_FOUND_LEAK, SCN_INVARIANT_NO_LEAKS },
        { WORLD_FOUND_CRASH, SCN_INVARIANT_NO_CRASH },
        { WORLD_FOUND_ASSERT, SCN_INVARIANT_NO_CRASH },
        { WORLD_FOUND_USE_AFTER_FREE, SCN_INVARIANT_NO_CRASH },
        { WORLD_FOUND_UNLOCK_NOT_OWNER, SCN_INVARIANT_NO_MISUSE },
        { WORLD_FOUND_EXIT_HOLDING_LOCK, SCN_INVARIANT_NO_MISUSE },
    };
    (void)state;
    begin("  never box.crashed\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct check_violation *violation = stream_found(rows[i].kind, "what was seen");
        assert_non_null(violation);
        assert_int_equal(violation->property, rows[i].invariant);
        assert_string_equal(violation->text, "what was seen");
        stream_again();
    }
    /* Of these the first is the harness's fault, the second was told before. */
    assert_null(stream_found(WORLD_FOUND_UNCONTROLLED, "fork"));
    stream_again();
    assert_null(stream_found(WORLD_FOUND_CHECK, "a promise was broken"));
    stream_end();
}

/* The violation ended the execution: that end is no second one. */
static void first_violation_stays(void **state)
{
    (void)state;
    begin("  never box.crashed\n");
    SEE(SB_CRASH, BOX, .sandbox = W("box"));
    const struct check_violation *violation = stream_found(WORLD_FOUND_DEADLOCK, "a circle");
    assert_int_equal(violation->property, CHECK_FILE);
    assert_int_equal(stream_told(), 1);
    stream_end();
}

static void a_finding_that_is_off(void **state)
{
    (void)state;
    begin("  off no_leaks \"a cache stays\"\n");
    assert_null(stream_found(WORLD_FOUND_LEAK, "16 bytes"));
    stream_end();
}

static struct check_violation script(const char *name)
{
    check_script_failed(stream_set(), (struct scn_place){ 4, 9 }, name, "nothing came within 2s");
    struct check_violation violation = *stream_verdict();
    stream_again();
    return violation;
}

static void scripts(void **state)
{
    (void)state;
    begin("  never box.crashed\n");
    struct check_violation seen = script("left.seen"), last = script("left.last");
    struct check_violation again = script("left.seen");

    assert_int_equal(seen.property, CHECK_SCRIPT);
    assert_int_equal(seen.place.line, 4);
    assert_string_equal(seen.text, "nothing came within 2s");
    assert_true(check_same(&seen, &again));
    assert_false(check_same(&seen, &last));
    (void)stream_verdict();
    expect_verdict(CHECK_VIOLATED, "");
}

static void same_property_elsewhere(void **state)
{
    (void)state;
    begin("  never box.crashed\n"
          "  never box.started\n");
    SEE(SB_CRASH, BOX, .sandbox = W("box"));
    struct check_violation first = *stream_verdict();
    stream_again();
    SEE(PR_CHILD, BOX, .sandbox = W("box"));
    SEE(SB_CRASH, BOX, .sandbox = W("box"));
    struct check_violation later = *stream_verdict();
    stream_again();
    spawn(1);
    struct check_violation other = *stream_verdict();

    assert_true(check_same(&first, &later));
    assert_false(check_same(&first, &other));
    stream_end();
}

static void adding_up(void **state)
{
    static struct check_stats sum;
    (void)state;
    begin("  sometimes box.started\n"
          "  never box.crashed\n");
    spawn(1);
    end_run();
    stream_again();
    SEE(SB_CRASH, BOX, .sandbox = W("box"));
    (void)stream_verdict();
    check_stats_add(&sum, check_stats_of(stream_set()));
    check_stats_add(&sum, check_stats_of(stream_set()));
    assert_int_equal(sum.runs, 4);
    assert_int_equal(sum.judged, 2);
    assert_int_equal(sum.reached[0], 2);
    assert_int_equal(sum.violated[CHECK_FILE + 1], 2);
    assert_int_equal(sum.exercised[SCN_INVARIANT_NO_DUPLICATE_SERVERS], 2);
    assert_int_equal(sum.windows[0], 1);
    stream_end();
}

static void concerns(void **state)
{
    struct record spawned = { .number = 1, .subject = BOX, .kind = RECORD_PR_SPAWN,
                              .values.PR_SPAWN = { .port = 3000 } };
    struct record pong = { .number = 2, .subject = LEFT, .kind = RECORD_CORE_INPUT };
    struct record granted = { .number = 3, .subject = PARTY_LOCKS, .kind = RECORD_LK_GRANT };
    struct record applied = { .number = 4, .subject = LEFT, .kind = RECORD_CLIENT_APPLY };
    (void)state;
    begin("  at most 1 box.started[port=3000]\n");
    assert_true(check_concerns(stream_set(), CHECK_FILE, &spawned));
    assert_true(check_concerns(stream_set(), CHECK_FILE, &granted));
    assert_false(check_concerns(stream_set(), CHECK_FILE, &applied));
    assert_false(check_concerns(stream_set(), CHECK_FILE, &pong));
    assert_true(check_concerns(stream_set(), SCN_INVARIANT_NO_DUPLICATE_EVENTS, &applied));
    assert_false(check_concerns(stream_set(), SCN_INVARIANT_NO_DUPLICATE_EVENTS, &granted));
    stream_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes),
        cmocka_unit_test(what_is_no_run_is_not_counted),
        cmocka_unit_test(mandatory_faults_that_never_struck),
        cmocka_unit_test(violated_once_in_many),
        cmocka_unit_test(sometimes_never),
        cmocka_unit_test(sometimes_once),
        cmocka_unit_test(sometimes_when),
        cmocka_unit_test(never_exercised),
        cmocka_unit_test(window_of_another_step),
        cmocka_unit_test(window_of_another_actor),
        cmocka_unit_test(every_run_cut),
        cmocka_unit_test(capped),
        cmocka_unit_test(replay_asks_less),
        cmocka_unit_test(known_and_there),
        cmocka_unit_test(known_and_fixed),
        cmocka_unit_test(known_and_another_one),
        cmocka_unit_test(known_by_label),
        cmocka_unit_test(known_never_reached),
        cmocka_unit_test(known_and_reached_at_last),
        cmocka_unit_test(known_in_a_run_that_was_cut),
        cmocka_unit_test(off_is_not_judged),
        cmocka_unit_test(findings),
        cmocka_unit_test(first_violation_stays),
        cmocka_unit_test(a_finding_that_is_off),
        cmocka_unit_test(scripts),
        cmocka_unit_test(same_property_elsewhere),
        cmocka_unit_test(adding_up),
        cmocka_unit_test(concerns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
