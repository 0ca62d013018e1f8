/* What the syntax tree holds once names are resolved: what an interpreter relies on. */
#include "tests/scenario/support.h"

#include <stdlib.h>
#include <string.h>

static const char story[] =
    "scenario x \"a test\"\n"                                               /* 1 */
    "core one two heartbeat=5s\n"
    "core start_gate=none\n"
    "store lease_ttl=6s\n"
    "agent bot session=s1 via=two\n"                                        /* 5 */
    "  repeat 2\n"
    "    repeat 3\n"
    "      token: emit token \"hello\" colour=red times 4 every 20ms\n"
    "    end\n"
    "    pause: wait 1500us\n"                                              /* 10 */
    "  end\n"
    "  ask: ask deploy timeout=30s after left.open, drop within 3s\n"
    "tab left right session=s1 via=two\n"
    "  open: connect within 0..200ms\n"
    "  seen: expect token[colour=red] or gap times 2 in order after open\n" /* 15 */
    "  said: answer deploy no at 1h\n"
    "faults\n"
    "  drop: may cut two->left frame=1..6 during left.seen up to 3\n"
    "  may cut left\n"
    "  may cut left\n"                                                      /* 20 */
    "  jump clock by -2m\n"
    "schedule\n"
    "  run two/jobs[2] to two/jobs[2].lock[17]\n"
    "  run bot to bot.token[24]\n"
    "  run free to log.appended[4]\n"                                       /* 25 */
    "  fire cut_left_2\n"
    "  choose signal 3\n"
    "  run any\n"
    "check\n"
    "  never bot.expired[id=deploy] before left.seen[2]\n"                  /* 30 */
    "  known_bug late \"issue 7\"\n"
    "  late: eventually two.tabs[session=s1] >= 2 when one.killed == 0 within 5s\n"
    "  exactly 24 bot.token\n";

static const struct scn_file *file;

static int parse_story(void **state)
{
    (void)state;
    file = support_parse("x.scn", story);
    return 0;
}

static int free_story(void **state)
{
    (void)state;
    scn_file_free(file);
    return 0;
}

static void test_cores(void **state)
{
    (void)state;
    assert_int_equal(file->core_count, 2);
    assert_string_equal(file->cores[1].name, "two");
    assert_int_equal(scn_core_setting(file, 1, "heartbeat")->value.low, 5000000);
    assert_int_equal(scn_core_setting(file, 0, "start_gate")->value.word, 0);
    assert_int_equal(scn_core_setting(file, 0, "lease_ttl")->value.low, 6000000);
    assert_null(scn_core_setting(file, 0, "detach_grace"));
}

static void test_repeat(void **state)
{
    const struct scn_actor *bot = &file->actors[0];

    (void)state;
    assert_int_equal(bot->core, 1);
    assert_int_equal(bot->step_count, 5);
    assert_int_equal(bot->steps[0].verb, SCN_VERB_REPEAT);
    assert_int_equal(bot->steps[0].repeat, 2);
    assert_int_equal(bot->steps[0].span, 3);
    assert_int_equal(bot->steps[1].span, 1);
    assert_int_equal(bot->steps[2].verb, SCN_VERB_EMIT);
    assert_int_equal(bot->steps[2].occurrences, 24);
    assert_int_equal(bot->steps[2].modifiers.times, 4);
    assert_int_equal(bot->steps[2].modifiers.every_us, 20000);
    assert_string_equal(bot->steps[2].kind, "token");
    assert_string_equal(bot->steps[2].text, "hello");
    assert_int_equal(bot->steps[2].place.line, 8);
    assert_int_equal(bot->steps[2].place.column, 14);
    assert_int_equal(bot->steps[3].wait_us, 1500);
    assert_int_equal(bot->steps[3].occurrences, 2);
}

static void test_waits(void **state)
{
    const struct scn_modifiers *modifiers = &file->actors[0].steps[4].modifiers;

    (void)state;
    assert_int_equal(modifiers->after.count, 2);
    assert_int_equal(modifiers->after.items[0].kind, SCN_REF_STEP);
    assert_int_equal(modifiers->after.items[0].actor, 1);
    assert_int_equal(modifiers->after.items[0].step, 0);
    assert_int_equal(modifiers->after.items[1].kind, SCN_REF_FAULT);
    assert_int_equal(modifiers->after.items[1].fault, 0);
    /* One time after `within` is a deadline: the window begins at once. */
    assert_int_equal(modifiers->within.low_us, 0);
    assert_int_equal(modifiers->within.high_us, 3000000);
}

/* Two actors of one line: the same steps, but a bare label means each one's own. */
static void test_group(void **state)
{
    (void)state;
    assert_int_equal(file->actor_count, 3);
    for (int32_t i = 1; i <= 2; i++) {
        const struct scn_step *seen = &file->actors[i].steps[1];
        assert_string_equal(file->actors[i].name, i == 1 ? "left" : "right");
        assert_int_equal(file->actors[i].step_count, 3);
        assert_int_equal(seen->modifiers.after.items[0].actor, i);
        assert_int_equal(seen->modifiers.after.items[0].step, 0);
        assert_int_equal(seen->pattern_count, 2);
        assert_string_equal(seen->patterns[0].filters.items[0].name, "colour");
        assert_string_equal(seen->patterns[1].kind, "gap");
        assert_true(seen->modifiers.in_order);
        assert_false(file->actors[i].steps[2].yes);
        assert_int_equal(file->actors[i].steps[2].modifiers.at_us, INT64_C(3600000000));
    }
}

static void test_faults(void **state)
{
    const struct scn_fault *drop = &file->faults[0];

    (void)state;
    assert_int_equal(file->fault_count, 4);
    assert_true(drop->may && drop->linked);
    assert_int_equal(drop->target.kind, SCN_REF_CORE);
    assert_int_equal(drop->target.core, 1);
    assert_int_equal(drop->target_to.actor, 1);
    assert_int_equal(drop->up_to, 3);
    assert_int_equal(scn_attrs_find(&drop->attrs, "frame")->value.high, 6);
    assert_int_equal(drop->modifiers.during->step, 1);
    assert_string_equal(file->faults[1].name, "cut_left");
    assert_string_equal(file->faults[2].name, "cut_left_2");
    assert_null(file->faults[2].label);
    assert_false(file->faults[3].may);
    assert_int_equal(file->faults[3].by_low_us, -120000000);
}

static void test_schedule(void **state)
{
    const struct scn_directive *lines = file->directives;

    (void)state;
    assert_int_equal(file->directive_count, 6);
    assert_int_equal(lines[0].who.kind, SCN_REF_THREAD);
    assert_int_equal(lines[0].who.core, 1);
    assert_int_equal(lines[0].who.thread, SCN_THREAD_JOBS);
    assert_int_equal(lines[0].who.thread_index, 2);
    assert_int_equal(lines[0].to.kind, SCN_REF_THREAD_POINT);
    assert_string_equal(lines[0].to.point, "lock");
    assert_int_equal(lines[0].to.occurrence, 17);
    assert_int_equal(lines[1].to.occurrence, 24);
    assert_int_equal(lines[2].to.kind, SCN_REF_POINT);
    assert_string_equal(lines[2].to.point, "log.appended");
    assert_int_equal(lines[3].who.fault, 2);
    assert_int_equal(lines[4].choice, 3);
    assert_int_equal(lines[5].kind, SCN_DIRECTIVE_RUN_ANY);
}

static void test_checks(void **state)
{
    const struct scn_check *late = &file->checks[2];

    (void)state;
    assert_int_equal(file->checks[0].condition.relation, SCN_RELATION_BEFORE);
    assert_int_equal(file->checks[0].condition.left.ref.gauge, SCN_GAUGE_AGENT_EXPIRED);
    assert_int_equal(file->checks[0].condition.right.ref.occurrence, 2);
    assert_string_equal(file->checks[0].name, "check_30");
    assert_int_equal(file->checks[1].invariant, -1);
    assert_int_equal(file->checks[1].bug_check, 2);
    assert_string_equal(late->name, "late");
    assert_int_equal(late->condition.left.ref.core, 1);
    assert_int_equal(late->condition.relation, SCN_RELATION_GE);
    assert_int_equal(late->when.left.ref.core, 0);
    assert_int_equal(late->within.high_us, 5000000);
    assert_string_equal(late->text,
                        "eventually two.tabs[session=s1] >= 2 when one.killed == 0 within 5s");
    assert_int_equal(file->checks[3].counted.step, 2);
}

/* `run any` hands the rest to the explorer, with the default budget. */
static void test_explore(void **state)
{
    (void)state;
    assert_false(file->explore.present);
    assert_int_equal(file->explore.runs_max, 10000);
}

static void test_runs(void **state)
{
    static const char free_run[] = "scenario x \"a\"\nschedule\n  run free\ncheck\n"
                                   "  on no_deadlock\nexplore\n  budget runs=7\n";
    static const char search[] = "scenario x \"a\"\ncheck\n  on no_deadlock\nexplore\n"
                                 "  budget runs=7\n  bound time=3s\n  seed 9\n";
    const struct scn_file *pinned = support_parse("x.scn", free_run);
    const struct scn_file *searched = support_parse("x.scn", search);

    (void)state;
    assert_int_equal(pinned->explore.runs_max, 1);
    assert_int_equal(searched->explore.runs_max, 7);
    assert_int_equal(searched->explore.time_max_us, 3000000);
    assert_int_equal(searched->explore.seed, 9);
    scn_file_free(pinned);
    scn_file_free(searched);
}

/* With the lists of a real core, points and operations are a closed vocabulary too. */
static void test_known_points(void **state)
{
    static const char *const points[] = { "log.appended", "store.appended", NULL };
    static const char *const operations[] = { "mutex_lock", NULL };
    const struct scn_options options = { points, operations };
    static const char right[] = "scenario x \"a\"\nagent bot\nschedule\n"
                                "  run bot to store.appended[2]\n  run bot to bot.mutex_lock[3]\n"
                                "check\n  on no_deadlock\n";
    static const char wrong[] = "scenario x \"a\"\nagent bot\nschedule\n"
                                "  run bot to log.apended\n  run bot to bot.lock\n"
                                "check\n  on no_deadlock\n";
    struct scn_diagnostics diagnostics;
    const struct scn_file *parsed =
        scn_parse_bytes("x.scn", right, strlen(right), &options, &diagnostics);

    (void)state;
    assert_non_null(parsed);
    assert_int_equal(parsed->directives[0].to.kind, SCN_REF_POINT);
    assert_int_equal(parsed->directives[1].to.kind, SCN_REF_THREAD_POINT);
    scn_file_free(parsed);
    scn_diagnostics_free(&diagnostics);
    assert_null(scn_parse_bytes("x.scn", wrong, strlen(wrong), &options, &diagnostics));
    assert_int_equal(diagnostics.total, 2);
    assert_string_equal(diagnostics.items[0].hint, "did you mean 'log.appended'?");
    assert_string_equal(diagnostics.items[1].message, "nothing is labelled 'bot.lock'");
    scn_diagnostics_free(&diagnostics);
}

/* What the scene does by itself, by the index of whoever it happens to. */
static void test_events(void **state)
{
    static const char *const points[] = { "log.appended", NULL };
    const struct scn_options options = { points, NULL };
    static const char source[] =
        "scenario x \"a\"\ncore one two\nagent bot\ntab left via=two\nsandbox box\n"
        "faults\n  drop: may cut left for 1s\nschedule\n"
        "  fire drop.end\n  fire left.reconnect\n  fire box.listen\n  fire two.restart\n"
        "  fire store.locks.expiry\n  fire sandbox_2.listen\n"
        "  run two/keeper to box.call[3]\n  run core/stage to sandboxes.call[2]\n"
        "  run one/main to core/stage.join[1]\n  run free to store.messages.call\n"
        "check\n  on no_deadlock\n";
    struct scn_diagnostics diagnostics;
    const struct scn_file *parsed =
        scn_parse_bytes("x.scn", source, strlen(source), &options, &diagnostics);
    const struct scn_directive *lines;

    (void)state;
    assert_non_null(parsed);
    lines = parsed->directives;
    for (uint32_t i = 0; i < 6; i++) assert_int_equal(lines[i].who.kind, SCN_REF_EVENT);
    assert_int_equal(lines[0].who.event, SCN_EVENT_FAULT_END);
    assert_int_equal(lines[0].who.fault, 0);
    assert_int_equal(lines[1].who.event, SCN_EVENT_TAB_RECONNECT);
    assert_int_equal(lines[1].who.actor, 1);
    assert_int_equal(lines[2].who.event, SCN_EVENT_SANDBOX_LISTEN);
    assert_int_equal(lines[2].who.actor, 2);
    assert_int_equal(lines[3].who.event, SCN_EVENT_CORE_RESTART);
    assert_int_equal(lines[3].who.core, 1);
    assert_int_equal(lines[4].who.event, SCN_EVENT_LOCKS_EXPIRY);
    assert_int_equal(lines[5].who.actor, -1);
    assert_int_equal(lines[6].who.thread, SCN_THREAD_KEEPER);
    assert_int_equal(lines[6].to.kind, SCN_REF_POINT);
    assert_string_equal(lines[6].to.point, "box.call");
    assert_int_equal(lines[6].to.occurrence, 3);
    assert_int_equal(lines[7].who.thread, SCN_THREAD_STAGE);
    assert_string_equal(lines[7].to.point, "sandboxes.call");
    assert_int_equal(lines[8].to.kind, SCN_REF_THREAD_POINT);
    assert_int_equal(lines[9].to.kind, SCN_REF_POINT);
    scn_file_free(parsed);
    scn_diagnostics_free(&diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cores),
        cmocka_unit_test(test_repeat),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_explore),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_known_points),
        cmocka_unit_test(test_events),
    };
    return cmocka_run_group_tests(tests, parse_story, free_story);
}
