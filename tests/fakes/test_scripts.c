/* What scripts mean: order, windows, repeats, expectations, answers, backends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "harness/world/image.h"
#include "rig.h"

extern const struct image image_core_image;

static void run(struct rig *rig, const char *text)
{
    rig_open_text(rig, "scene", text);
    rig_run_default(rig);
}

static void run_through(struct rig *rig, const char *text)
{
    run(rig, text);
    if (rig->result.end != WORLD_DONE) rig_dump();
    assert_string_equal(rig_end(rig), "done");
}

/* When that occurrence of the actor's step began. */
static uint64_t began_us(const struct rig *rig, uint32_t actor, const char *label,
                         uint32_t occurrence)
{
    uint32_t count;
    const struct record *records = record_all(&count);
    const struct scn_actor *scn = &rig->file->actors[actor];
    for (uint32_t i = 0; i < count; i++) {
        const struct record_values_STEP_BEGIN *v = &records[i].values.STEP_BEGIN;
        if (records[i].kind != RECORD_STEP_BEGIN || records[i].subject != PARTY_ACTOR + actor)
            continue;
        const char *name = scn->steps[v->step].label;
        if (name != NULL && strcmp(name, label) == 0 && v->occurrence == (int64_t)occurrence)
            return records[i].time_ns / 1000;
    }
    return UINT64_MAX;
}

static void steps_have_times(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, "scenario scene \"times\"\n"
                      "core start_gate=none\n"
                      "agent bot session=s1\n"
                      "  one: emit token at 5ms\n"
                      "  two: emit token times 3 every 10ms\n"
                      "  repeat 2\n"
                      "    pause: wait 100ms\n"
                      "    three: emit token\n"
                      "  end\n"
                      "tab left user=alice session=s1\n"
                      "  late: connect after bot.three[1]\n"
                      "check\n"
                      "  on no_lost_events\n");
    assert_int_equal(began_us(&rig, 0, "one", 1), 5000);
    assert_int_equal(began_us(&rig, 0, "two", 1), 5000);
    assert_int_equal(began_us(&rig, 0, "two", 3), 25000);
    assert_int_equal(began_us(&rig, 0, "three", 1), 125000);
    assert_int_equal(began_us(&rig, 0, "three", 2), 225000);
    assert_int_equal(began_us(&rig, 1, "late", 1), 125000);
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 6);
    rig_close(&rig);
}

/* What comes too late comes not at all, however often it was to happen. */
static void all_times_are_left_out(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, "scenario scene \"too late\"\n"
                      "core start_gate=none\n"
                      "agent bot session=s1\n"
                      "  wait 10ms\n"
                      "  late: emit token times 3 every 1ms during left.open\n"
                      "  end:  emit token\n"
                      "tab left user=alice session=s1\n"
                      "  open: connect\n"
                      "check\n"
                      "  on no_lost_events\n");
    for (uint32_t time = 1; time <= 3; time++)
        assert_true(began_us(&rig, 0, "late", time) == UINT64_MAX);
    assert_int_equal(began_us(&rig, 0, "end", 1), 10000);
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 1);
    rig_close(&rig);
}

/* A step of a window happens at many different places, and never outside. */
static void windows_are_explored(void **state)
{
    (void)state;
    struct rig rig;
    bool early = false, late = false;
    rig_open_text(&rig, "scene", "scenario scene \"a window\"\n"
                                 "core start_gate=none\n"
                                 "agent bot session=s1\n"
                                 "  token: emit token times 5 every 20ms\n"
                                 "tab left user=alice session=s1\n"
                                 "  open: connect within 10ms..50ms\n"
                                 "check\n"
                                 "  on no_lost_events\n");
    for (uint64_t seed = 1; seed <= 100; seed++) {
        rig_run_random(&rig, seed);
        assert_string_equal(rig_end(&rig), "done");
        uint64_t time_us = began_us(&rig, 1, "open", 1);
        assert_in_range(time_us, 10000, 50000);
        early = early || time_us < 20000;
        late = late || time_us >= 40000;
    }
    assert_true(early);
    assert_true(late);
    rig_close(&rig);
}

/* An agent is a thread of the core, also after a window: the world comes to its end without it. */
static void agents_have_windows(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, "scenario scene \"a window of an agent\"\n"
                      "core start_gate=none\n"
                      "agent bot session=s1\n"
                      "  soon:  emit token within 0..1s\n"
                      "  later: emit token within 1ms..1s\n"
                      "tab left user=alice session=s1\n"
                      "  open: connect\n"
                      "check\n"
                      "  on no_lost_events\n");
    assert_in_range(began_us(&rig, 0, "soon", 1), 0, 1000000);
    assert_in_range(began_us(&rig, 0, "later", 1), 1000, 2000000);
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 2);
    rig_close(&rig);
}

static void broken_promises_are_reported(void **state)
{
    (void)state;
    struct rig rig;
    run(&rig, "scenario scene \"never\"\n"
              "tab left user=alice session=s1\n"
              "  open: connect\n"
              "  vain: expect token within 0..2s\n"
              "agent bot session=s1\n"
              "  idle: wait 1s\n"
              "  emit token at 5s\n"
              "check\n"
              "  on no_lost_events\n");
    assert_string_equal(rig.broken, "left.vain");
    assert_true(rig.result.end == WORLD_FINDING);
    rig_close(&rig);
    run(&rig, "scenario scene \"something where nothing was to be\"\n"
              "tab left user=alice session=s1\n"
              "  open: connect\n"
              "  expect run_state[state=running] within 0..1s\n"
              "  none: expect nothing within 0..2s\n"
              "agent bot session=s1\n"
              "  late: emit token at 1s\n"
              "check\n"
              "  on no_lost_events\n");
    assert_string_equal(rig.broken, "left.none");
    rig_close(&rig);
}

#define QUESTION(answer) \
    "scenario scene \"a question\"\n" \
    "agent bot session=s1\n" \
    "  ask: ask deploy timeout=5s\n" \
    "  end: finish\n" \
    "tab left user=alice session=s1\n" \
    "  open: connect\n" \
    "  see:  expect request_confirmation[id=deploy] within 0..1s\n" \
    answer \
    "check\n" \
    "  on no_early_timeout\n"

static void questions_are_answered(void **state)
{
    (void)state;
    static const struct { const char *text, *outcome; } rows[] = {
        { QUESTION("  say: answer deploy yes\n"), "approved" },
        { QUESTION("  say: answer deploy no\n"), "rejected" },
        { QUESTION("  say: wait 1s\n"), "expired" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig rig;
        run_through(&rig, rows[i].text);
        assert_int_equal(rig_count(RECORD_PROMPT_DONE, NULL, NULL), 1);
        assert_int_equal(rig_count(RECORD_PROMPT_DONE, "outcome", rows[i].outcome), 1);
        assert_int_equal(rig_count(RECORD_RUN_END, "outcome", "completed"), 1);
        rig_close(&rig);
    }
}

/* A fresh page knows nothing and is told everything; what the old one had not looked at is gone. */
static void reload_starts_anew(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, "scenario scene \"reload\"\n"
                      "agent bot session=s1\n"
                      "  token: emit token times 3\n"
                      "tab left user=alice session=s1\n"
                      "  open:  connect\n"
                      "  seen:  expect token times 2 in order within 0..1s\n"
                      "  rest:  wait 100ms\n"
                      "  fresh: reload\n"
                      "  again: expect token times 3 in order within 0..1s\n"
                      "check\n"
                      "  on no_lost_events\n");
    assert_int_equal(rig_count(RECORD_CLIENT_FRESH, NULL, NULL), 2);
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 6);
    rig_close(&rig);
}

/* Everything that an embedding program can ask for, from its own thread. */
static void backends_call_the_core(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, "scenario scene \"a backend\"\n"
                      "core start_gate=none\n"
                      "agent bot session=s1\n"
                      "  token: emit token\n"
                      "  end:   finish\n"
                      "sandbox box project=shop\n"
                      "backend api session=s1 user=alice\n"
                      "  open:  open\n"
                      "  start: start key=first\n"
                      "  again: start key=first\n"
                      "  news:  publish news times 2\n"
                      "  page:  history limit=10\n"
                      "  serve: ensure port=3000\n"
                      "  halt:  stop port=3000\n"
                      "  lease: lease work ttl=10s hold=1s\n"
                      "check\n"
                      "  on no_lost_events\n");
    assert_int_equal(rig_count(RECORD_CALL_REFUSED, NULL, NULL), 0);
    assert_int_equal(rig_count(RECORD_RUN_REQ, NULL, NULL), 2);
    assert_int_equal(rig_count(RECORD_RUN_START, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_LOG_APPEND, "kind", "news"), 2);
    assert_int_equal(rig_count(RECORD_PR_LISTEN, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_PR_EXIT, "why", "terminated"), 1);
    assert_int_equal(rig_count(RECORD_LEASE_ENDED, "why", "released"), 1);
    rig_close(&rig);
}

/* How many threads of that name the execution had. */
static uint32_t threads_called(const char *name)
{
    uint32_t found = 0;
    for (uint16_t id = 0; id < world_entity_count(); id++)
        found += strcmp(world_entity_name(id), name) == 0;
    return found;
}

/* Two cores, one store: the session moves to the one that opens it later. */
static void two_cores_share_stores(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, "scenario scene \"two cores\"\n"
                      "core one two start_gate=none heartbeat=1s heartbeat_timeout=3s\n"
                      "agent bot session=s1 via=one\n"
                      "  token: emit token times 2\n"
                      "  end:   finish\n"
                      "tab left user=alice session=s1 via=one\n"
                      "  open: connect\n"
                      "  seen: expect token times 2 in order within 0..1s\n"
                      "tab right user=alice session=s1 via=two\n"
                      "  open: connect after left.seen\n"
                      "  seen: expect token times 2 in order within 0..1s\n"
                      "check\n"
                      "  on no_lost_events\n");
    assert_int_equal(rig_count(RECORD_CORE_STARTED, NULL, NULL), 2);
    assert_int_equal(rig_count(RECORD_STORE_OPEN, NULL, NULL), 2);
    static const char *const names[] = { "one/ws", "one/store", "one/jobs[2]", "two/ws",
                                         "two/store", "two/jobs[2]" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(threads_called(names[i]), 1);
    assert_int_equal(threads_called("core/store"), 0);
    rig_close(&rig);
}

/* What the core refuses before anything has happened is the scenario's mistake, with its line. */
static void what_cannot_be_set_up_is_refused(void **state)
{
    (void)state;
    static const struct { const char *text, *problem; } cases[] = {
        { "scenario scene \"two sessions where one may be\"\n"
          "core max_sessions=1\n"
          "agent bot session=s1\n"
          "  emit token\n"
          "agent two session=s2\n"
          "  emit token\n"
          "check\n"
          "  on no_leaks\n",
          "scene.scn:5:7: error: core 'core' refused to open the session 's2': limit "
          "(a configured limit is reached)" },
        { "scenario scene \"two runs where one may be\"\n"
          "core max_runs_per_session=1\n"
          "agent bot session=s1\n"
          "  emit token\n"
          "agent two session=s1\n"
          "  emit token\n"
          "check\n"
          "  on no_leaks\n",
          "scene.scn:5:7: error: core 'core' refused the run of agent 'two': limit "
          "(a configured limit is reached)" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig rig;
        rig_open_text(&rig, "scene", cases[i].text);
        rig_run_default(&rig);
        assert_int_equal(rig.result.end, WORLD_FINDING);
        assert_non_null(stage_refused(rig.stage));
        assert_string_equal(stage_refused(rig.stage), cases[i].problem);
        rig_close(&rig);
    }
}

/* What stage_new says of it. */
static void expect_problem(const char *text, const char *expected)
{
    struct scn_diagnostics diagnostics;
    const char *problem = NULL;
    const struct scn_file *file = scn_parse_bytes("scene.scn", text, strlen(text), NULL,
                                                  &diagnostics);

    scn_diagnostics_free(&diagnostics);
    assert_non_null(file);
    assert_null(stage_new(file, image_core_image.entry, NULL, &problem));
    assert_string_equal(problem, expected);
    scn_file_free(file);
}

/* The same before the first execution. */
static void what_no_core_can_do_is_refused(void **state)
{
    (void)state;
    expect_problem("scenario scene \"a lease that ends before it is renewed\"\n"
                   "core lease_ttl=1s lease_renew=5s\n"
                   "agent bot session=s1\n"
                   "  emit token\n"
                   "check\n"
                   "  on no_leaks\n",
                   "scene.scn:2:6: error: core 'core': lease_renew must be shorter than lease_ttl "
                   "and not 0");
    expect_problem("scenario scene \"a port of nobody\"\n"
                   "backend api session=s1\n"
                   "  ensure port=3001\n"
                   "check\n"
                   "  on no_leaks\n",
                   "scene.scn:3:10: error: the core has no server on port 3001: it has port_web "
                   "and port_mobile");
}

/* What a tab says arrives with its key and its text. */
static void agents_hear_what_was_said(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, "scenario scene \"a message\"\n"
                      "core start_gate=none\n"
                      "agent bot session=s1\n"
                      "  heard: expect user_message[key=first, text=\"hello\"] within 0..1s\n"
                      "  end:   finish\n"
                      "tab left user=alice session=s1\n"
                      "  open: connect\n"
                      "  say:  send user_message key=first text=\"hello\"\n"
                      "check\n"
                      "  on no_leaks\n");
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_have_times),
        cmocka_unit_test(all_times_are_left_out),
        cmocka_unit_test(windows_are_explored),
        cmocka_unit_test(agents_have_windows),
        cmocka_unit_test(broken_promises_are_reported),
        cmocka_unit_test(questions_are_answered),
        cmocka_unit_test(reload_starts_anew),
        cmocka_unit_test(backends_call_the_core),
        cmocka_unit_test(two_cores_share_stores),
        cmocka_unit_test(what_cannot_be_set_up_is_refused),
        cmocka_unit_test(what_no_core_can_do_is_refused),
        cmocka_unit_test(agents_hear_what_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
