/* The core itself: settings, trace, drain, and nothing left behind. */
#include "rig.h"

#include "core/trace_points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG_STARTED };

static void settings_are_found_by_name(void **state)
{
    (void)state;
    struct core_settings settings;
    uint64_t value;
    core_settings_default(&settings);
    assert_int_equal(settings.heartbeat_us, 30000000);
    assert_int_equal(settings.start_gate, START_GATE_ACKNOWLEDGED);
    assert_null(core_settings_problem(&settings));
    const struct core_setting *gate = core_setting_find("start_gate");
    assert_true(core_setting_word(gate, "none", &value));
    assert_true(core_setting_store(&settings, gate, value));
    assert_int_equal(settings.start_gate, START_GATE_NONE);
    assert_false(core_setting_word(gate, "perhaps", &value));
    assert_false(core_setting_store(&settings, gate, 3));
    assert_null(core_setting_find("hartbeat"));
    const struct core_setting *heartbeat = core_setting_find("heartbeat");
    assert_int_equal(heartbeat->kind, CORE_SETTING_DURATION);
    assert_true(core_setting_store(&settings, heartbeat, CORE_SECONDS(80)));
    assert_non_null(core_settings_problem(&settings));   /* above heartbeat_timeout */
}

static void bad_configuration_makes_no_core(void **state)
{
    (void)state;
    struct rig rig;
    struct core *core;
    rig_init(&rig);
    rig.config.transport.close = NULL;
    assert_int_equal(core_create(&rig.config, &core), CORE_INVALID);
    rig_init(&rig);
    rig.config.settings.job_threads = 1;
    assert_int_equal(core_create(&rig.config, &core), CORE_INVALID);
    assert_null(core);
}

static void core_that_never_started_can_be_destroyed(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    assert_int_equal(core_create(&rig.config, &rig.core), CORE_OK);
    assert_int_equal(core_health(rig.core), CORE_STOPPED);
    core_destroy(rig.core);
    core_destroy(NULL);
}

static enum core_result sleep_for_ever(struct rig *rig, struct run_context *run)
{
    rig_raise(rig, FLAG_STARTED);
    return run_pause(run, CORE_MINUTES(60));
}

static void drain_ends_runs_and_refuses_new_work(void **state)
{
    (void)state;
    struct rig rig;
    struct session_ref session, other;
    struct conn_ref conn;
    struct run_spec spec = { .agent = "bot", .key = "late" };
    struct run_ref run;
    enum run_state ended;
    rig_init(&rig);
    rig.agent = sleep_for_ever;
    rig_start(&rig);
    session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    run = submit_ok(&rig, session, "k");
    rig_await(&rig, FLAG_STARTED);
    assert_int_equal(core_drain(rig.core, CORE_SECONDS(5)), CORE_OK);
    assert_int_equal(run_state(rig.core, run, &ended), CORE_OK);
    assert_int_equal(ended, RUN_CANCELLED);
    assert_int_equal(tab_expect_close(tab), CORE_CLOSE_DRAINING);
    assert_int_equal(run_submit(rig.core, session, &spec, &run, NULL), CORE_DRAINING);
    assert_int_equal(publish_wait(rig.core, session, "token", "{}", 2, NULL), CORE_DRAINING);
    assert_int_equal(conn_open(rig.core, 9, "alice", &conn), CORE_DRAINING);
    assert_int_equal(session_open_wait(rig.core, "s2", "alice", SESSION_CREATE, &other, NULL),
                     CORE_DRAINING);
    assert_int_equal(core_health(rig.core), CORE_STOPPED);
    core_destroy(rig.core);
    tab->rig = &rig;
    rig.tabs[0] = NULL;
    for (size_t i = 0; i < tab->count; i++)
        json_decref(tab->frames[i]);
    free(tab);
}

static enum core_result ignore_the_stop(struct rig *rig, struct run_context *run)
{
    rig_raise(rig, FLAG_STARTED);
    while (!run_should_stop(run))
        rig_breathe();
    for (int i = 0; i < 500; i++)
        rig_breathe();
    return CORE_OK;
}

static void drain_says_when_an_agent_took_too_long(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.agent = ignore_the_stop;
    rig_start(&rig);
    submit_ok(&rig, rig_session(&rig, "s1"), "k");
    rig_await(&rig, FLAG_STARTED);
    assert_int_equal(core_drain(rig.core, MS(1)), CORE_EXPIRED);
    core_destroy(rig.core);
}

static void owed_event_does_not_hold_up_a_drain(void **state)
{
    (void)state;
    struct memory_store store;
    struct rig rig;
    memory_store_init(&store);
    rig_init(&rig);
    rig.config.messages = &store.port;
    rig.agent = sleep_for_ever;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    submit_ok(&rig, session, "k");
    rig_await(&rig, FLAG_STARTED);
    pthread_mutex_lock(&store.lock);
    store.unanswered = 1000000;   /* the store is gone for good */
    pthread_mutex_unlock(&store.lock);
    core_drain(rig.core, MS(20));
    core_destroy(rig.core);
    memory_store_free(&store);
}

static void ring_keeps_the_newest_records(void **state)
{
    (void)state;
    struct rig rig;
    struct trace_entry entries[8];
    rig_init(&rig);
    rig.config.settings.trace_ring = 4;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    for (int i = 0; i < 5; i++)
        assert_int_equal(publish_wait(rig.core, session, "token", "{}", 2, NULL), CORE_OK);
    assert_int_equal(core_trace_dump(rig.core, entries, 8), 4);
    for (uint64_t i = 0; i < 4; i++) {
        assert_string_equal(core_trace_point_info(entries[i].point)->name, "log.appended");
        assert_string_equal(entries[i].subject, "s1");
        assert_int_equal(entries[i].args[0], i + 2);
    }
    assert_int_equal(core_trace_dump(rig.core, entries, 1), 1);
    assert_int_equal(entries[0].args[0], 5);
    rig_stop(&rig);
}

/* A file in memory. */
struct lines {
    char text[4096];
    unsigned count;
};

static void take_line(void *context, const char *line, size_t length)
{
    struct lines *lines = context;
    assert_int_equal(strlen(line), length);
    size_t used = strlen(lines->text);
    assert_true(used + length + 2 < sizeof lines->text);
    (void)snprintf(lines->text + used, sizeof lines->text - used, "%s\n", line);
    lines->count++;
}

static void ring_is_told_as_text(void **state)
{
    (void)state;
    struct rig rig;
    struct lines lines = { "", 0 };
    rig_init(&rig);
    rig.config.settings.trace_ring = 3;
    rig.config.settings.history_max_events = 2;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    for (int i = 0; i < 2; i++)
        assert_int_equal(publish_wait(rig.core, session, "token", "{\"a\":1}", 7, NULL), CORE_OK);
    assert_int_equal(core_trace_write(rig.core, take_line, &lines), CORE_OK);
    assert_int_equal(lines.count, 4);
    static const char head[] = "{\"format\":\"session trace\",\"version\":1,\"core\":";
    assert_ptr_equal(strstr(lines.text, head), lines.text);
    assert_non_null(strstr(lines.text, "log.appended\",\"session\":\"s1\",\"seq\":2,\"epoch\":1,"));
    assert_non_null(strstr(lines.text, "\"type\":\"token\",\"payload\":{\"a\":1}}\n"));
    /* What the log has forgotten is not told. */
    assert_int_equal(publish_wait(rig.core, session, "token", "{}", 2, NULL), CORE_OK);
    assert_int_equal(publish_wait(rig.core, session, "token", "{}", 2, NULL), CORE_OK);
    lines = (struct lines){ "", 0 };
    assert_int_equal(core_trace_write(rig.core, take_line, &lines), CORE_OK);
    assert_null(strstr(lines.text, "\"payload\":{\"a\":1}"));
    rig_stop(&rig);
}

static void many_lives_leave_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct rig rig;
        rig_init(&rig);
        rig_start(&rig);
        struct session_ref session = rig_session(&rig, "s1");
        struct tab *tab = tab_connect(&rig, "alice", "s1");
        assert_int_equal(publish_wait(rig.core, session, "token", "{}", 2, NULL), CORE_OK);
        tab_expect(tab, "token");
        rig_stop(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_found_by_name),
        cmocka_unit_test(bad_configuration_makes_no_core),
        cmocka_unit_test(core_that_never_started_can_be_destroyed),
        cmocka_unit_test(drain_ends_runs_and_refuses_new_work),
        cmocka_unit_test(drain_says_when_an_agent_took_too_long),
        cmocka_unit_test(owed_event_does_not_hold_up_a_drain),
        cmocka_unit_test(ring_keeps_the_newest_records),
        cmocka_unit_test(ring_is_told_as_text),
        cmocka_unit_test(many_lives_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
