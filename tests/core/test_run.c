/* Runs: idempotent start, gate, cancel, the terminal state, detach policies. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG_GO, FLAG_STARTED, FLAG_STOPPED };

static enum core_result emit_two(struct rig *rig, struct run_context *run)
{
    (void)rig;
    emit_ok(run, "token");
    emit_ok(run, "done");
    return CORE_OK;
}

static enum core_result wait_for_go(struct rig *rig, struct run_context *run)
{
    rig_raise(rig, FLAG_STARTED);
    rig_await(rig, FLAG_GO);
    return run_should_stop(run) ? CORE_CANCELLED : CORE_OK;
}

static enum core_result sleep_for_ever(struct rig *rig, struct run_context *run)
{
    rig_raise(rig, FLAG_STARTED);
    enum core_result rc = run_pause(run, CORE_MINUTES(60));
    rig_raise(rig, FLAG_STOPPED);
    return rc;
}

static const char *run_word(const json_t *frame)
{
    return frame_word(frame_payload(frame), "state");
}

/* The agent talks before the browser has a socket. */
static void events_before_the_first_tab_are_replayed(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.agent = emit_two;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct run_ref run = submit_ok(&rig, session, "k1");
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    tab->seen = 0;
    assert_string_equal(run_word(tab_expect(tab, "run_state")), "running");
    tab_expect(tab, "token");
    tab_expect(tab, "done");
    assert_string_equal(run_word(tab_expect(tab, "run_state")), "completed");
    tab_assert_in_order(tab, 0);
    rig_stop(&rig);
}

static void same_key_names_the_same_run(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.agent = emit_two;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    for (int i = 0; i < 3; i++)
        tab_send(tab, "{\"type\":\"start_agent\",\"agent\":\"bot\",\"key\":\"k\"}");
    tab_expect(tab, "accepted");
    struct run_ref again = submit_ok(&rig, session, "k");
    assert_int_equal(again.run, 1);
    assert_int_equal(await_end(&rig, again), RUN_COMPLETED);
    assert_int_equal(submit_ok(&rig, session, "other").run, 2);
    assert_int_equal(await_end(&rig, (struct run_ref){ session, 2 }), RUN_COMPLETED);
    tab_pump(tab);
    assert_int_equal(tab_count(tab, "accepted"), 2);
    assert_int_equal(rig.agents_run, 2);
    rig_stop(&rig);
}

static void gate_waits_for_an_acknowledged_tab(void **state)
{
    (void)state;
    struct rig rig;
    enum run_state now;
    rig_init(&rig);
    rig.agent = emit_two;
    rig.config.settings.start_gate = START_GATE_ACKNOWLEDGED;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    struct tab *tab = tab_open(&rig, "alice");
    tab_send(tab, "{\"type\":\"hello\",\"session\":\"s1\"}");
    assert_string_equal(run_word(tab_expect(tab, "run_state")), "waiting");
    tab_expect(tab, "state_replay_complete");
    assert_int_equal(run_state(rig.core, run, &now), CORE_OK);
    assert_int_equal(now, RUN_WAITING);
    tab_send(tab, "{\"type\":\"connection_acknowledged\",\"gen\":%llu}",
             (unsigned long long)tab->gen);
    tab_expect(tab, "done");
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
    rig_stop(&rig);
}

/* Readiness does not outlive its connection: an acknowledged tab that left opens no gate. */
static void gate_is_not_opened_by_a_tab_that_left(void **state)
{
    (void)state;
    struct rig rig;
    enum run_state now;
    rig_init(&rig);
    rig.agent = emit_two;
    rig.config.settings.start_gate = START_GATE_ACKNOWLEDGED;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    tab_close(tab_connect(&rig, "alice", "s1"));
    struct run_ref run = submit_ok(&rig, session, "k");
    assert_int_equal(run_state(rig.core, run, &now), CORE_OK);
    assert_int_equal(now, RUN_WAITING);
    assert_int_equal(run_cancel(rig.core, run, NULL), CORE_OK);
    assert_int_equal(await_end(&rig, run), RUN_CANCELLED);
    assert_int_equal(run_cancel(rig.core, run, NULL), CORE_STALE);
    assert_int_equal(rig.agents_run, 0);
    rig_stop(&rig);
}

static void gate_timeout_does_what_its_policy_says(void **state)
{
    static const struct { enum on_gate_timeout policy; enum run_state outcome; } cases[] = {
        { ON_GATE_TIMEOUT_RUN_DETACHED, RUN_COMPLETED }, { ON_GATE_TIMEOUT_FAIL, RUN_FAILED },
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig rig;
        struct session_info info;
        rig_init(&rig);
        rig.agent = emit_two;
        rig.config.settings.start_gate = START_GATE_ATTACHED;
        rig.config.settings.gate_timeout_us = MS(20);
        rig.config.settings.on_gate_timeout = cases[i].policy;
        rig_start(&rig);
        struct session_ref session = rig_session(&rig, "s1");
        assert_int_equal(await_end(&rig, submit_ok(&rig, session, "k")), cases[i].outcome);
        /* Whatever it does to the run, the session stays. */
        assert_int_equal(session_info(rig.core, session, &info), CORE_OK);
        rig_stop(&rig);
    }
}

static void cancel_wakes_a_pausing_agent(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.agent = sleep_for_ever;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    rig_await(&rig, FLAG_STARTED);
    tab_send(tab, "{\"type\":\"cancel\",\"run\":1}");
    assert_int_equal(await_end(&rig, run), RUN_CANCELLED);
    tab_send(tab, "{\"type\":\"cancel\",\"run\":1}");
    assert_string_equal(frame_word(tab_expect(tab, "error"), "code"), "stale");
    assert_int_equal(rig.stops_asked, 1);
    assert_int_equal(tab_count(tab, "run_state"), 2);   /* running, cancelled: one end */
    rig_stop(&rig);
}

static enum core_result emit_after_cancel(struct rig *rig, struct run_context *run)
{
    wait_for_go(rig, run);
    return run_emit(run, "token", "{}", 2, NULL) == CORE_CANCELLED ? CORE_OK : CORE_FAILED;
}

static void cancelled_run_emits_nothing_more(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.agent = emit_after_cancel;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    rig_await(&rig, FLAG_STARTED);
    assert_int_equal(run_cancel(rig.core, run, "enough"), CORE_OK);
    rig_raise(&rig, FLAG_GO);
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);   /* it ended by itself: that counts */
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    assert_int_equal(tab_count(tab, "token"), 0);
    rig_stop(&rig);
}

static void reason_is_cut_between_characters(void **state)
{
    (void)state;
    struct rig rig;
    char reason[CORE_NAME_MAX + 1] = "";
    rig_init(&rig);
    rig.agent = emit_after_cancel;
    rig_start(&rig);
    struct run_ref run = submit_ok(&rig, rig_session(&rig, "s1"), "k");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    rig_await(&rig, FLAG_STARTED);
    for (size_t i = 0; i < CORE_NAME_MAX; i += 2)
        memcpy(reason + i, "\xc3\xa9", 3);
    assert_int_equal(run_cancel(rig.core, run, reason), CORE_OK);
    rig_raise(&rig, FLAG_GO);
    const json_t *payload = frame_payload(tab_expect(tab, "run_state"));
    while (strcmp(frame_word(payload, "state"), "completed") != 0)
        payload = frame_payload(tab_expect(tab, "run_state"));
    reason[CORE_NAME_MAX - 2] = '\0';
    assert_string_equal(frame_word(payload, "reason"), reason);
    rig_stop(&rig);
}

/* The outcome's event was trimmed; who comes late still learns it. */
static void outcome_is_visible_to_late_readers(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.agent = emit_two;
    rig.config.settings.history_max_events = 2;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    assert_int_equal(await_end(&rig, submit_ok(&rig, session, "k")), RUN_COMPLETED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(publish_wait(rig.core, session, "noise", "{}", 2, NULL), CORE_OK);
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    assert_int_equal(tab_count(tab, "run_state"), 0);
    json_t *run = json_array_get(json_object_get(tab->frames[0], "runs"), 0);
    assert_string_equal(frame_word(run, "state"), "completed");
    assert_string_equal(frame_word(run, "key"), "k");
    rig_stop(&rig);
}

static void ended_runs_have_a_bound(void **state)
{
    (void)state;
    struct rig rig;
    struct session_info info;
    char key[8];
    enum run_state now;
    rig_init(&rig);
    rig.agent = emit_two;
    rig.config.settings.max_runs_per_session = 2;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct run_ref run = { session, 0 };
    for (int i = 1; i <= 5; i++) {
        snprintf(key, sizeof key, "k%d", i);
        run = submit_ok(&rig, session, key);
        assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
        /* The thread lets go of the run a moment after its end is visible. */
        RIG_AWAIT(session_info(rig.core, session, &info) == CORE_OK && info.runs_live == 0);
    }
    assert_int_equal(info.runs_ended, 2);
    assert_int_equal(run_state(rig.core, (struct run_ref){ session, 1 }, &now), CORE_NOT_FOUND);
    rig_stop(&rig);
}

/* Its end is what the store refuses: emit_two has waited for all that comes before. */
static enum core_result end_refused_once(struct rig *rig, struct run_context *run)
{
    struct memory_store *store = rig->agent_context;
    emit_two(rig, run);
    pthread_mutex_lock(&store->lock);
    store->refused = store->head < 5;
    pthread_mutex_unlock(&store->lock);
    return CORE_OK;
}

/* A core that comes after has to end it: its states stay in the store, and so it stays here. */
static void run_without_its_end_is_not_forgotten(void **state)
{
    (void)state;
    struct rig rig;
    struct memory_store store;
    struct session_info info;
    char key[8];
    enum run_state now;
    rig_init(&rig);
    memory_store_init(&store);
    rig.config.messages = &store.port;
    rig.agent = end_refused_once;
    rig.agent_context = &store;
    rig.config.settings.max_runs_per_session = 2;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    for (int i = 1; i <= 5; i++) {
        snprintf(key, sizeof key, "k%d", i);
        await_end(&rig, submit_ok(&rig, session, key));
        RIG_AWAIT(session_info(rig.core, session, &info) == CORE_OK && info.runs_live == 0);
    }
    RIG_AWAIT(session_info(rig.core, session, &info) == CORE_OK && info.runs_ended == 3);
    assert_int_equal(run_state(rig.core, (struct run_ref){ session, 1 }, &now), CORE_OK);
    assert_int_equal(run_state(rig.core, (struct run_ref){ session, 2 }, &now), CORE_NOT_FOUND);
    rig_stop(&rig);
    memory_store_free(&store);
}

static void names_are_checked(void **state)
{
    static const char *const bad[] = { "", "tab\there", "caf\xc3\xa9",
        "0123456789012345678901234567890123456789012345678901234567890123" };
    (void)state;
    struct rig rig;
    struct session_ref other;
    struct run_ref run;
    rig_init(&rig);
    rig.agent = emit_two;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct run_spec spec = { .agent = "bot", .key = bad[i] };
        assert_int_equal(run_submit(rig.core, session, &spec, &run, NULL), CORE_INVALID);
        assert_int_equal(session_open_wait(rig.core, bad[i], "alice", SESSION_CREATE, &other,
                                           NULL), CORE_INVALID);
        assert_int_equal(publish_wait(rig.core, session, bad[i], "{}", 2, NULL), CORE_INVALID);
    }
    assert_int_equal(publish_wait(rig.core, session, "heartbeat", "{}", 2, NULL), CORE_INVALID);
    assert_int_equal(publish_wait(rig.core, session, "token", "[]", 2, NULL), CORE_INVALID);
    rig_stop(&rig);
}

/* ---- the last tab leaves ---- */

static void leaving_cancels_nothing_by_default(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.agent = wait_for_go;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    rig_await(&rig, FLAG_STARTED);
    tab_close(tab);
    rig_raise(&rig, FLAG_GO);
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
    rig_stop(&rig);
}

static void grace_over_cancels(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.agent = sleep_for_ever;
    rig.config.settings.on_detach = ON_DETACH_CANCEL_AFTER_GRACE;
    rig.config.settings.detach_grace_us = MS(20);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *left = tab_connect(&rig, "alice", "s1");
    struct tab *right = tab_connect(&rig, "alice", "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    rig_await(&rig, FLAG_STARTED);
    tab_close(left);
    assert_int_equal(rig.stops_asked, 0);   /* right is still there: no timer is armed at all */
    tab_close(right);
    assert_int_equal(await_end(&rig, run), RUN_CANCELLED);
    rig_stop(&rig);
}

static void coming_back_within_grace_disarms_it(void **state)
{
    (void)state;
    struct rig rig;
    struct core_stats before, after;
    rig_init(&rig);
    rig.agent = wait_for_go;
    rig.config.settings.on_detach = ON_DETACH_CANCEL_AFTER_GRACE;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    rig_await(&rig, FLAG_STARTED);
    core_stats(rig.core, &before);
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    tab_close(tab);
    core_stats(rig.core, &after);
    assert_int_equal(after.timers, before.timers + 1);   /* the grace */
    tab = tab_connect(&rig, "alice", "s1");
    core_stats(rig.core, &after);
    assert_int_equal(after.timers, before.timers + 1);   /* the connection's own, no grace */
    rig_raise(&rig, FLAG_GO);
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
    rig_stop(&rig);
}

static void finished_session_is_retained_then_forgotten(void **state)
{
    (void)state;
    struct rig rig;
    struct session_info info;
    rig_init(&rig);
    rig.agent = emit_two;
    rig.config.settings.retain_after_terminal_us = MS(20);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    assert_int_equal(await_end(&rig, submit_ok(&rig, session, "k")), RUN_COMPLETED);
    tab_expect(tab, "done");
    assert_int_equal(session_info(rig.core, session, &info), CORE_OK);
    tab_close(tab);
    RIG_AWAIT(session_info(rig.core, session, &info) == CORE_STALE);
    struct session_ref anew = rig_session(&rig, "s1");
    assert_int_not_equal(anew.generation, session.generation);
    assert_int_equal(session_info(rig.core, anew, &info), CORE_OK);
    assert_int_equal(info.epoch, 2);   /* its history is gone, and the epoch says so */
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_before_the_first_tab_are_replayed),
        cmocka_unit_test(same_key_names_the_same_run),
        cmocka_unit_test(gate_waits_for_an_acknowledged_tab),
        cmocka_unit_test(gate_is_not_opened_by_a_tab_that_left),
        cmocka_unit_test(gate_timeout_does_what_its_policy_says),
        cmocka_unit_test(cancel_wakes_a_pausing_agent),
        cmocka_unit_test(cancelled_run_emits_nothing_more),
        cmocka_unit_test(reason_is_cut_between_characters),
        cmocka_unit_test(outcome_is_visible_to_late_readers),
        cmocka_unit_test(ended_runs_have_a_bound),
        cmocka_unit_test(run_without_its_end_is_not_forgotten),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(leaving_cancels_nothing_by_default),
        cmocka_unit_test(grace_over_cancels),
        cmocka_unit_test(coming_back_within_grace_disarms_it),
        cmocka_unit_test(finished_session_is_retained_then_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
