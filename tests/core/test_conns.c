/* Several connections of one session: limits, takeover, slow consumers. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

static void excess_is_rejected_or_evicts_the_oldest(void **state)
{
    (void)state;
    for (int evict = 0; evict < 2; evict++) {
        struct rig rig;
        struct session_info info;
        rig_init(&rig);
        rig.config.settings.max_conns_per_session = 2;
        rig.config.settings.on_excess = evict ? ON_EXCESS_EVICT_OLDEST : ON_EXCESS_REJECT;
        rig_start(&rig);
        struct session_ref session = rig_session(&rig, "s1");
        struct tab *oldest = tab_connect(&rig, "alice", "s1");
        tab_connect(&rig, "alice", "s1");
        struct tab *third = tab_open(&rig, "alice");
        tab_send(third, "{\"type\":\"hello\",\"session\":\"s1\"}");
        if (evict) {
            assert_int_equal(tab_expect_close(oldest), CORE_CLOSE_TAKEN_OVER);
            tab_expect(oldest, "taken_over");
            tab_expect(third, "connection_ready");
        } else {
            assert_int_equal(tab_expect_close(third), CORE_CLOSE_EXCESS);
            assert_int_equal(conn_state(rig.core, oldest->conn), CONN_CONNECTED);
        }
        assert_int_equal(session_info(rig.core, session, &info), CORE_OK);
        assert_int_equal(info.attached, 2);
        rig_stop(&rig);
    }
}

/* The new connection comes before the old one's end is seen; then that end comes. */
static void late_close_of_the_replaced_connection_changes_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct session_info info;
    rig_init(&rig);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *old = tab_connect(&rig, "alice", "s1");
    struct tab *tab = tab_open(&rig, "alice");
    tab_send(tab, "{\"type\":\"hello\",\"session\":\"s1\",\"previous\":%llu}",
             (unsigned long long)old->gen);
    tab_expect(tab, "state_replay_complete");
    assert_int_equal(tab_expect_close(old), CORE_CLOSE_TAKEN_OVER);
    tab_close(old);
    assert_int_equal(session_info(rig.core, session, &info), CORE_OK);
    assert_int_equal(info.attached, 1);
    assert_int_equal(publish_wait(rig.core, session, "token", "{}", 2, NULL), CORE_OK);
    tab_expect(tab, "token");
    rig_stop(&rig);
}

static void publish_many(struct rig *rig, struct session_ref session, int count)
{
    static const char payload[] = "{\"text\":\"0123456789012345678901234567890123456789\"}";
    for (int i = 0; i < count; i++)
        assert_int_equal(publish_wait(rig->core, session, "token", payload, sizeof payload - 1,
                                      NULL), CORE_OK);
}

/* A client that does not read is moved to the tail, and told what it missed. */
static void slow_consumer_is_resynced_with_notice(void **state)
{
    (void)state;
    struct rig rig;
    struct core_stats stats;
    rig_init(&rig);
    rig.config.settings.outbound_max_bytes = 1000;   /* 17 of these events */
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *slow = tab_connect(&rig, "alice", "s1");
    struct tab *quick = tab_connect(&rig, "alice", "s1");
    for (int i = 0; i < 40; i++) {
        publish_many(&rig, session, 1);
        tab_pump(quick);
    }
    tab_pump(slow);
    tab_assert_in_order(quick, 0);
    assert_int_equal(tab_count(quick, "gap"), 0);
    assert_int_equal(slow->cursor, 40);
    core_stats(rig.core, &stats);
    assert_true(stats.resyncs > 0);
    assert_int_equal(tab_count(slow, "gap"), stats.resyncs);
    /* Every jump in the numbers was told beforehand, to the event. */
    uint64_t expected = 1;
    for (size_t i = 0; i < slow->count; i++) {
        json_t *frame = slow->frames[i];
        if (strcmp(frame_word(frame, "type"), "gap") == 0) {
            assert_int_equal(frame_number(frame, "from"), expected);
            expected = (uint64_t)frame_number(frame, "to") + 1;
        } else if (json_object_get(frame, "seq") != NULL) {
            assert_int_equal(frame_number(frame, "seq"), expected++);
        }
    }
    assert_int_equal(expected, 41);
    rig_stop(&rig);
}

static void slow_consumer_can_be_disconnected(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.settings.outbound_max_bytes = 1000;
    rig.config.settings.on_slow = ON_SLOW_DISCONNECT;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *slow = tab_connect(&rig, "alice", "s1");
    struct tab *quick = tab_connect(&rig, "alice", "s1");
    for (int i = 0; i < 40; i++) {
        publish_many(&rig, session, 1);
        tab_pump(quick);
    }
    assert_int_equal(tab_expect_close(slow), CORE_CLOSE_SLOW);
    tab_assert_in_order(quick, 0);
    rig_stop(&rig);
}

/* The transport took a frame and never says that it is sent. */
static void stalled_send_is_closed(void **state)
{
    (void)state;
    struct rig rig;
    struct conn_frame frame;
    rig_init(&rig);
    rig.config.settings.send_stall_us = MS(500);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    publish_many(&rig, session, 2);
    assert_true(conn_next(rig.core, tab->conn, &frame));
    conn_frame_free(&frame);
    assert_int_equal(tab_expect_close(tab), CORE_CLOSE_SLOW);
    rig_stop(&rig);
}

static void acks_never_go_back_or_ahead(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    publish_many(&rig, session, 3);
    tab_send(tab, "{\"type\":\"ack\",\"seq\":1}");   /* nothing was sent yet */
    tab_expect(tab, "error");
    tab_pump(tab);
    tab_send(tab, "{\"type\":\"ack\",\"seq\":3}");
    tab_send(tab, "{\"type\":\"ack\",\"seq\":2}");
    tab_send(tab, "{\"type\":\"ack\",\"seq\":4}");
    tab_expect(tab, "error");
    assert_int_equal(tab_count(tab, "error"), 2);
    rig_stop(&rig);
}

static void closing_a_session_closes_its_connections(void **state)
{
    (void)state;
    struct rig rig;
    struct session_info info;
    rig_init(&rig);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    assert_int_equal(session_close(rig.core, session, CORE_CLOSE_NORMAL), CORE_OK);
    assert_int_equal(publish_wait(rig.core, session, "token", "{}", 2, NULL), CORE_STALE);
    assert_int_equal(tab_expect_close(tab), CORE_CLOSE_NORMAL);
    struct session_ref anew = rig_session(&rig, "s1");   /* its key is free at once */
    assert_int_not_equal(anew.generation, session.generation);
    tab_close(tab);
    assert_int_equal(session_info(rig.core, session, &info), CORE_STALE);
    assert_int_equal(session_info(rig.core, anew, &info), CORE_OK);
    assert_int_equal(session_close(rig.core, session, CORE_CLOSE_NORMAL), CORE_STALE);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(excess_is_rejected_or_evicts_the_oldest),
        cmocka_unit_test(late_close_of_the_replaced_connection_changes_nothing),
        cmocka_unit_test(slow_consumer_is_resynced_with_notice),
        cmocka_unit_test(slow_consumer_can_be_disconnected),
        cmocka_unit_test(stalled_send_is_closed),
        cmocka_unit_test(acks_never_go_back_or_ahead),
        cmocka_unit_test(closing_a_session_closes_its_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
