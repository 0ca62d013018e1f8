/* Accepted means stored: what publishers are told, and what a new core finds. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG_GO, FLAG_STARTED };

struct stored {
    struct memory_store store;
    struct rig rig;
};

static void begin(struct stored *stored)
{
    rig_init(&stored->rig);
    stored->rig.config.messages = &stored->store.port;
    rig_start(&stored->rig);
}

static void only_stored_events_are_visible(void **state)
{
    (void)state;
    struct stored stored;
    uint64_t seq;
    memory_store_init(&stored.store);
    begin(&stored);
    struct session_ref session = rig_session(&stored.rig, "s1");
    struct tab *tab = tab_connect(&stored.rig, "alice", "s1");
    stored.store.unanswered = 100;   /* and nothing takes effect */
    assert_int_equal(publish_wait(stored.rig.core, session, "token", "{}", 2, &seq),
                     CORE_UNKNOWN);
    assert_int_equal(stored.store.appends, 3);   /* the setting store_attempts */
    assert_int_equal(core_health(stored.rig.core), CORE_DEGRADED);
    tab_pump(tab);
    assert_int_equal(tab_count(tab, "token"), 0);
    stored.store.unanswered = 0;
    assert_int_equal(publish_wait(stored.rig.core, session, "done", "{}", 2, &seq), CORE_OK);
    assert_int_equal(seq, 1);
    tab_expect(tab, "done");
    assert_int_equal(core_health(stored.rig.core), CORE_HEALTHY);
    rig_stop(&stored.rig);
    memory_store_free(&stored.store);
}

static void lost_answer_is_found_by_repeating(void **state)
{
    (void)state;
    struct stored stored;
    uint64_t seq;
    memory_store_init(&stored.store);
    begin(&stored);
    struct session_ref session = rig_session(&stored.rig, "s1");
    stored.store.unanswered = 2;
    stored.store.applied = true;
    assert_int_equal(publish_wait(stored.rig.core, session, "token", "{}", 2, &seq), CORE_OK);
    assert_int_equal(seq, 1);
    assert_int_equal(stored.store.head, 1);   /* once, whatever the number of calls */
    rig_stop(&stored.rig);
    memory_store_free(&stored.store);
}

/* Told "unknown", it was stored after all: the next event comes after it, and both are seen. */
static void unknown_event_is_adopted_in_its_place(void **state)
{
    (void)state;
    struct stored stored;
    uint64_t seq;
    memory_store_init(&stored.store);
    begin(&stored);
    struct session_ref session = rig_session(&stored.rig, "s1");
    struct tab *tab = tab_connect(&stored.rig, "alice", "s1");
    stored.store.unanswered = 3;
    stored.store.applied = true;
    assert_int_equal(publish_wait(stored.rig.core, session, "token", "{}", 2, &seq),
                     CORE_UNKNOWN);
    assert_int_equal(publish_wait(stored.rig.core, session, "done", "{}", 2, &seq), CORE_OK);
    assert_int_equal(seq, 2);
    tab_expect(tab, "token");
    tab_expect(tab, "done");
    tab_assert_in_order(tab, 0);
    rig_stop(&stored.rig);
    memory_store_free(&stored.store);
}

static void waiting_publishes_have_a_bound(void **state)
{
    (void)state;
    struct stored stored;
    memory_store_init(&stored.store);
    rig_init(&stored.rig);
    stored.rig.config.messages = &stored.store.port;
    stored.rig.config.settings.max_pending_publishes = 2;
    rig_start(&stored.rig);
    struct session_ref session = rig_session(&stored.rig, "s1");
    pthread_mutex_lock(&stored.store.lock);   /* the store takes its time */
    int accepted = 0;
    while (publish(stored.rig.core, session, "token", "{}", 2, NULL, NULL) == CORE_OK)
        accepted++;
    assert_int_equal(accepted, 2);
    pthread_mutex_unlock(&stored.store.lock);
    rig_stop(&stored.rig);
    assert_int_equal(stored.store.head, 2);   /* what was accepted is stored by a drain */
    memory_store_free(&stored.store);
}

/* ---- restart ---- */

static enum core_result emit_and_ask(struct rig *rig, struct run_context *run)
{
    struct prompt_request request = { .kind = PROMPT_CONFIRMATION, .id = "deploy",
                                      .timeout_us = CORE_MINUTES(5) };
    struct prompt_answer answer;
    emit_ok(run, "token");
    rig_raise(rig, FLAG_STARTED);
    (void)run_ask(run, &request, &answer);
    return CORE_OK;
}

/*
 * The store as a killed core leaves it: what was appended while the run was in the middle of its
 * question. The drain's own events are cut off again.
 */
static uint64_t die_while_asking(struct stored *stored)
{
    begin(stored);
    stored->rig.agent = emit_and_ask;
    struct session_ref session = rig_session(&stored->rig, "s1");
    struct tab *tab = tab_connect(&stored->rig, "alice", "s1");
    submit_ok(&stored->rig, session, "k");
    tab_expect(tab, "request_confirmation");
    uint64_t cursor = tab->cursor;
    assert_int_equal(cursor, 3);   /* run_state running, token, request_confirmation */
    rig_stop(&stored->rig);
    for (uint64_t seq = cursor + 1; seq <= stored->store.head; seq++) {
        free(stored->store.events[seq].type);
        free(stored->store.events[seq].payload);
    }
    stored->store.head = cursor;
    return cursor;
}

static void restart_keeps_the_log_and_closes_what_was_cut_off(void **state)
{
    (void)state;
    struct stored stored;
    memory_store_init(&stored.store);
    uint64_t cursor = die_while_asking(&stored);
    begin(&stored);
    stored.rig.agent = emit_and_ask;
    /* Nobody has opened the session: the client's hello alone brings it back. */
    struct tab *tab = tab_open(&stored.rig, "alice");
    tab_send(tab, "{\"type\":\"hello\",\"session\":\"s1\",\"epoch\":%llu,\"cursor\":%llu}",
             (unsigned long long)stored.store.epoch, (unsigned long long)cursor);
    json_t *ready = tab_expect(tab, "connection_ready");
    assert_true(json_is_true(json_object_get(ready, "recovered")));
    assert_string_equal(frame_word(frame_payload(tab_expect(tab, "prompt_closed")), "outcome"),
                        "cancelled");
    assert_string_equal(frame_word(frame_payload(tab_expect(tab, "run_state")), "state"),
                        "interrupted");
    tab_assert_in_order(tab, cursor);
    /* The key of the interrupted run still names it: a client that retries starts no second one. */
    tab_send(tab, "{\"type\":\"start_agent\",\"agent\":\"bot\",\"key\":\"k\"}");
    assert_string_equal(frame_word(tab_expect(tab, "accepted"), "state"), "interrupted");
    assert_int_equal(stored.rig.agents_run, 0);
    struct session_ref session = rig_session(&stored.rig, "s1");
    assert_int_equal(submit_ok(&stored.rig, session, "k2").run, 2);
    json_int_t prompt =
        frame_number(frame_payload(tab_expect(tab, "request_confirmation")), "prompt");
    assert_int_equal(prompt, 2);   /* no number is used twice */
    rig_stop(&stored.rig);
    memory_store_free(&stored.store);
}

/* The outcome is decided, but not stored yet: nobody is told, and nobody can change it. */
static void put(struct memory_store *store, const char *type, const char *payload)
{
    struct memory_event *event = &store->events[++store->head];
    *event = (struct memory_event){ .seq = store->head, .key = store->head, .type = strdup(type),
                                    .payload = strdup(payload), .length = strlen(payload) };
}

/* Versions race, too: the log was written by one that had other words and fields (B8). */
static void log_of_another_version_is_handed_on(void **state)
{
    static const char *const old[][2] = {
        { "stream", "{\"chunk\":\"hello\",\"final\":false}" },
        { "run_state", "{\"run\":1,\"status\":\"started\"}" },
        { "run_state", "{\"run\":2,\"agent\":\"bot\",\"key\":\"k\",\"state\":\"asleep\"}" },
        { "request_confirmation", "{\"question\":\"deploy\"}" },
        { "prompt_closed", "{\"question\":\"deploy\",\"outcome\":1}" },
        { "server_state", "{\"port\":\"3000\"}" },
    };
    (void)state;
    struct stored stored;
    uint64_t seq;
    memory_store_init(&stored.store);
    stored.store.exists = true;
    stored.store.epoch = 100;
    snprintf(stored.store.owner, sizeof stored.store.owner, "alice");
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++)
        put(&stored.store, old[i][0], old[i][1]);
    begin(&stored);
    struct session_ref session = rig_session(&stored.rig, "s1");
    struct tab *tab = tab_connect(&stored.rig, "alice", "s1");
    for (size_t i = 0, at = 0; i < sizeof old / sizeof old[0]; i++, at++) {
        while (json_object_get(tab->frames[at], "seq") == NULL)
            at++;
        json_t *payload = json_loads(old[i][1], 0, NULL);
        assert_int_equal(frame_number(tab->frames[at], "seq"), i + 1);
        assert_string_equal(frame_word(tab->frames[at], "type"), old[i][0]);
        assert_true(json_equal(frame_payload(tab->frames[at]), payload));
        json_decref(payload);
    }
    /* A state that nobody knows is not live: nothing waits for its end. */
    assert_int_equal(publish_wait(stored.rig.core, session, "token", "{}", 2, &seq), CORE_OK);
    assert_int_equal(seq, sizeof old / sizeof old[0] + 1);
    tab_expect(tab, "token");
    rig_stop(&stored.rig);
    memory_store_free(&stored.store);
}

static void outcome_is_told_once_it_is_stored(void **state)
{
    (void)state;
    struct stored stored;
    struct session_info info;
    memory_store_init(&stored.store);
    begin(&stored);
    stored.rig.agent = emit_and_ask;
    struct session_ref session = rig_session(&stored.rig, "s1");
    struct tab *tab = tab_connect(&stored.rig, "alice", "s1");
    struct run_ref run = submit_ok(&stored.rig, session, "k");
    tab_expect(tab, "request_confirmation");
    pthread_mutex_lock(&stored.store.lock);
    tab_send(tab, "{\"type\":\"confirm\",\"prompt\":1,\"value\":true}");
    tab_send(tab, "{\"type\":\"confirm\",\"prompt\":1,\"value\":false}");
    assert_string_equal(frame_word(tab_expect(tab, "error"), "code"), "conflict");
    assert_int_equal(session_info(stored.rig.core, session, &info), CORE_OK);
    assert_int_equal(info.prompts_open, 0);
    assert_int_equal(info.runs_live, 1);
    tab_pump(tab);
    assert_int_equal(tab_count(tab, "prompt_closed"), 0);
    pthread_mutex_unlock(&stored.store.lock);
    assert_string_equal(frame_word(frame_payload(tab_expect(tab, "prompt_closed")), "outcome"),
                        "approved");
    assert_int_equal(await_end(&stored.rig, run), RUN_COMPLETED);
    rig_stop(&stored.rig);
    memory_store_free(&stored.store);
}

static void unknown_session_is_refused_when_the_store_has_none(void **state)
{
    (void)state;
    struct stored stored;
    struct session_ref session;
    memory_store_init(&stored.store);
    begin(&stored);
    struct tab *tab = tab_open(&stored.rig, "alice");
    tab_send(tab, "{\"type\":\"hello\",\"session\":\"s1\"}");
    assert_int_equal(tab_expect_close(tab), CORE_CLOSE_REFUSED);
    tab_close(tab);
    assert_int_equal(session_open_wait(stored.rig.core, "s1", "alice", 0, &session, NULL),
                     CORE_NOT_FOUND);
    rig_session(&stored.rig, "s1");
    assert_int_equal(session_open_wait(stored.rig.core, "s1", "bob", 0, &session, NULL),
                     CORE_REFUSED);
    rig_stop(&stored.rig);
    memory_store_free(&stored.store);
}

static void store_that_does_not_load_refuses_and_can_be_tried_again(void **state)
{
    (void)state;
    struct stored stored;
    struct session_ref session;
    memory_store_init(&stored.store);
    begin(&stored);
    stored.store.unanswered_loads = 3;
    assert_int_equal(session_open_wait(stored.rig.core, "s1", "alice", SESSION_CREATE, &session,
                                       NULL), CORE_UNAVAILABLE);
    rig_session(&stored.rig, "s1");
    rig_stop(&stored.rig);
    memory_store_free(&stored.store);
}

/* Two cores, one store: who opened the stream last has it, and the other one knows. */
static void older_core_is_fenced_off(void **state)
{
    (void)state;
    struct stored stored;
    struct rig second;
    uint64_t seq;
    memory_store_init(&stored.store);
    begin(&stored);
    struct session_ref session = rig_session(&stored.rig, "s1");
    struct tab *tab = tab_connect(&stored.rig, "alice", "s1");
    assert_int_equal(publish_wait(stored.rig.core, session, "token", "{}", 2, &seq), CORE_OK);
    rig_init(&second);
    second.config.messages = &stored.store.port;
    rig_start(&second);
    struct session_ref taken = rig_session(&second, "s1");
    assert_int_equal(publish_wait(stored.rig.core, session, "token", "{}", 2, &seq), CORE_STALE);
    assert_int_equal(tab_expect_close(tab), CORE_CLOSE_MOVED);
    assert_int_equal(publish_wait(second.core, taken, "done", "{}", 2, &seq), CORE_OK);
    assert_int_equal(seq, 2);
    rig_stop(&second);
    rig_stop(&stored.rig);
    memory_store_free(&stored.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_stored_events_are_visible),
        cmocka_unit_test(lost_answer_is_found_by_repeating),
        cmocka_unit_test(unknown_event_is_adopted_in_its_place),
        cmocka_unit_test(waiting_publishes_have_a_bound),
        cmocka_unit_test(restart_keeps_the_log_and_closes_what_was_cut_off),
        cmocka_unit_test(log_of_another_version_is_handed_on),
        cmocka_unit_test(outcome_is_told_once_it_is_stored),
        cmocka_unit_test(unknown_session_is_refused_when_the_store_has_none),
        cmocka_unit_test(store_that_does_not_load_refuses_and_can_be_tried_again),
        cmocka_unit_test(older_core_is_fenced_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
