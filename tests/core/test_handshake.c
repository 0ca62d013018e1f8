/* hello, connection_ready, initial_state, connection_acknowledged; and who is refused. */
#include "rig.h"

#include <string.h>

static void ready_tells_generation_and_head(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    assert_int_equal(publish_wait(rig.core, session, "token", "{\"n\":1}", 7, NULL), CORE_OK);
    struct tab *tab = tab_open(&rig, "alice");
    assert_int_equal(conn_state(rig.core, tab->conn), CONN_CONNECTING);
    tab_send(tab, "{\"type\":\"hello\",\"session\":\"s1\"}");
    json_t *ready = tab_expect(tab, "connection_ready");
    assert_int_equal(frame_number(ready, "head"), 1);
    assert_int_equal(frame_number(ready, "floor"), 1);
    assert_int_equal(frame_number(ready, "gen"), tab->conn.generation);
    assert_true(json_is_false(json_object_get(ready, "recovered")));
    json_t *initial = tab_expect(tab, "initial_state");
    assert_string_equal(frame_word(initial, "mode"), "fresh");
    assert_int_equal(frame_number(initial, "from"), 1);
    assert_int_equal(frame_number(initial, "to"), 1);
    assert_int_equal(frame_number(frame_payload(tab_expect(tab, "token")), "n"), 1);
    tab_expect(tab, "state_replay_complete");
    assert_int_equal(conn_state(rig.core, tab->conn), CONN_CONNECTED);
    rig_stop(&rig);
}

static void acknowledgement_of_another_generation_counts_for_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct session_info info;
    rig_init(&rig);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_open(&rig, "alice");
    tab_send(tab, "{\"type\":\"hello\",\"session\":\"s1\"}");
    tab_expect(tab, "state_replay_complete");
    tab_send(tab, "{\"type\":\"connection_acknowledged\",\"gen\":%llu}",
             (unsigned long long)tab->gen + 1);
    assert_string_equal(frame_word(tab_expect(tab, "error"), "code"), "stale");
    assert_int_equal(session_info(rig.core, session, &info), CORE_OK);
    assert_int_equal(info.acknowledged, 0);
    tab_send(tab, "{\"type\":\"connection_acknowledged\",\"gen\":%llu}",
             (unsigned long long)tab->gen);
    assert_int_equal(session_info(rig.core, session, &info), CORE_OK);
    assert_int_equal(info.acknowledged, 1);
    rig_stop(&rig);
}

static void without_acknowledgement_only_that_connection_is_closed(void **state)
{
    (void)state;
    struct rig rig;
    struct session_info info;
    rig_init(&rig);
    rig.config.settings.ack_timeout_us = MS(500);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *good = tab_connect(&rig, "alice", "s1");
    struct tab *silent = tab_open(&rig, "alice");
    tab_send(silent, "{\"type\":\"hello\",\"session\":\"s1\"}");
    struct tab *mute = tab_open(&rig, "alice");
    assert_int_equal(tab_expect_close(silent), CORE_CLOSE_HANDSHAKE);
    assert_int_equal(tab_expect_close(mute), CORE_CLOSE_HANDSHAKE);
    assert_int_equal(conn_state(rig.core, good->conn), CONN_CONNECTED);
    assert_int_equal(session_info(rig.core, session, &info), CORE_OK);
    assert_int_equal(info.attached, 1);
    rig_stop(&rig);
}

/* Nobody learns whether a session that is not theirs exists. */
static void stranger_is_answered_like_for_an_unknown_session(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_start(&rig);
    rig_session(&rig, "s1");
    struct tab *stranger = tab_open(&rig, "mallory");
    tab_send(stranger, "{\"type\":\"hello\",\"session\":\"s1\"}");
    struct tab *lost = tab_open(&rig, "alice");
    tab_send(lost, "{\"type\":\"hello\",\"session\":\"s2\"}");
    assert_int_equal(tab_expect_close(stranger), CORE_CLOSE_REFUSED);
    assert_int_equal(tab_expect_close(lost), CORE_CLOSE_REFUSED);
    assert_true(json_equal(tab_expect(stranger, "error"), tab_expect(lost, "error")));
    assert_int_equal(tab_count(stranger, "connection_ready"), 0);
    rig_stop(&rig);
}

static void nonsense_gets_an_error_and_changes_nothing(void **state)
{
    static const char *const messages[] = {
        "", "{", "[]", "\"hello\"", "{\"type\":7}", "{\"type\":\"dance\"}",
        "{\"type\":\"confirm\",\"prompt\":\"x\",\"value\":true}",
        "{\"type\":\"confirm\",\"prompt\":9,\"value\":true}",
        "{\"type\":\"ack\",\"seq\":-1}", "{\"type\":\"ack\",\"seq\":99}",
        "{\"type\":\"cancel\",\"run\":4}", "{\"type\":\"start_agent\",\"key\":\"k\"}",
        "{\"type\":\"hello\",\"session\":\"s1\"}", "{\"type\":\"history\",\"limit\":0}",
        "{\"type\":\"server_start\",\"port\":1}",
    };
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_start(&rig);
    rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        tab_send(tab, "%s", messages[i]);
        tab_expect(tab, "error");
    }
    assert_int_equal(conn_state(rig.core, tab->conn), CONN_CONNECTED);
    assert_int_equal(tab_count(tab, "error"), sizeof messages / sizeof messages[0]);
    rig_stop(&rig);
}

static void hello_must_come_first_and_whole(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_start(&rig);
    rig_session(&rig, "s1");
    struct tab *tab = tab_open(&rig, "alice");
    tab_send(tab, "{\"type\":\"pong\"}");
    assert_string_equal(frame_word(tab_expect(tab, "error"), "code"), "refused");
    tab_send(tab, "{\"type\":\"hello\",\"session\":\"s1\",\"cursor\":3}");
    assert_string_equal(frame_word(tab_expect(tab, "error"), "code"), "invalid");
    tab_send(tab, "{\"type\":\"hello\",\"session\":\"s1\"}");
    tab_expect(tab, "connection_ready");
    rig_stop(&rig);
}

static void frame_too_big_is_closed(void **state)
{
    (void)state;
    struct rig rig;
    char big[300];
    rig_init(&rig);
    rig.config.settings.frame_max_bytes = 200;
    rig_start(&rig);
    struct tab *tab = tab_open(&rig, "alice");
    memset(big, ' ', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    tab_send(tab, "%s", big);
    assert_int_equal(tab_expect_close(tab), CORE_CLOSE_TOO_BIG);
    rig_stop(&rig);
}

static void stale_handles_do_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct core_stats stats;
    struct conn_frame frame;
    rig_init(&rig);
    rig_start(&rig);
    rig_session(&rig, "s1");
    struct tab *first = tab_connect(&rig, "alice", "s1");
    struct conn_ref old = first->conn;
    tab_close(first);
    struct tab *second = tab_connect(&rig, "alice", "s1");
    assert_int_equal(second->conn.slot, old.slot);   /* the same slot, another generation */
    conn_closed(rig.core, old);
    conn_sent(rig.core, old, 1);
    assert_false(conn_next(rig.core, old, &frame));
    assert_int_equal(conn_input(rig.core, old, "{}", 2), CORE_STALE);
    assert_int_equal(conn_state(rig.core, old), CONN_DISCONNECTED);
    assert_int_equal(conn_state(rig.core, second->conn), CONN_CONNECTED);
    core_stats(rig.core, &stats);
    assert_int_equal(stats.stale_calls, 5);
    assert_int_equal(stats.conns, 1);
    rig_stop(&rig);
}

static void silent_client_is_dropped_and_one_that_answers_is_not(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.settings.heartbeat_us = MS(20);
    rig.config.settings.heartbeat_timeout_us = CORE_SECONDS(60);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    assert_int_equal(publish_wait(rig.core, session, "token", "{}", 2, NULL), CORE_OK);
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    json_t *heartbeat = tab_expect(tab, "heartbeat");
    assert_int_equal(frame_number(heartbeat, "head"), 1);
    assert_int_equal(frame_number(heartbeat, "sent"), 1);
    rig_stop(&rig);

    rig_init(&rig);
    rig.config.settings.heartbeat_us = MS(100);
    rig.config.settings.heartbeat_timeout_us = MS(500);
    rig_start(&rig);
    rig_session(&rig, "s1");
    tab = tab_connect(&rig, "alice", "s1");
    assert_int_equal(tab_expect_close(tab), CORE_CLOSE_SILENT);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_tells_generation_and_head),
        cmocka_unit_test(acknowledgement_of_another_generation_counts_for_nothing),
        cmocka_unit_test(without_acknowledgement_only_that_connection_is_closed),
        cmocka_unit_test(stranger_is_answered_like_for_an_unknown_session),
        cmocka_unit_test(nonsense_gets_an_error_and_changes_nothing),
        cmocka_unit_test(hello_must_come_first_and_whole),
        cmocka_unit_test(frame_too_big_is_closed),
        cmocka_unit_test(stale_handles_do_nothing),
        cmocka_unit_test(silent_client_is_dropped_and_one_that_answers_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
