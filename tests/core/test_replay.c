/* Where a client that comes back goes on: tail, resync, gap, epoch; and the replay/live seam. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void publish_tokens(struct rig *rig, struct session_ref session, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(publish_wait(rig->core, session, "token", "{}", 2, NULL), CORE_OK);
}

static void tail_continues_after_the_cursor(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    publish_tokens(&rig, session, 3);
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    uint64_t epoch = tab->epoch;
    tab_assert_in_order(tab, 0);
    assert_int_equal(tab->cursor, 3);
    tab_close(tab);
    publish_tokens(&rig, session, 2);
    tab = tab_connect_at(&rig, "alice", "s1", epoch, 3);
    assert_true(json_is_true(json_object_get(tab->frames[0], "recovered")));
    tab_assert_in_order(tab, 3);
    assert_int_equal(tab->cursor, 5);
    assert_int_equal(tab_count(tab, "gap"), 0);
    publish_tokens(&rig, session, 1);
    tab_expect(tab, "token");
    tab_assert_in_order(tab, 3);
    rig_stop(&rig);
}

/* The cut comes inside the replay itself: each connection goes on where the last one stopped. */
static void cut_inside_the_replay_loses_nothing(void **state)
{
    (void)state;
    for (size_t frames = 1; frames < 9; frames++) {
        struct rig rig;
        rig_init(&rig);
        rig_start(&rig);
        struct session_ref session = rig_session(&rig, "s1");
        publish_tokens(&rig, session, 5);
        struct tab *tab = tab_open(&rig, "alice");
        tab_send(tab, "{\"type\":\"hello\",\"session\":\"s1\"}");
        tab_pull(tab, frames);
        uint64_t cursor = tab->cursor, epoch = tab->epoch;
        tab_close(tab);
        publish_tokens(&rig, session, 1);
        tab = tab_connect_at(&rig, "alice", "s1", epoch, cursor);
        tab_assert_in_order(tab, cursor);
        assert_int_equal(tab->cursor, 6);
        rig_stop(&rig);
    }
}

static void another_epoch_means_resync(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    publish_tokens(&rig, session, 3);
    struct tab *tab = tab_connect_at(&rig, "alice", "s1", 999, 2);
    assert_true(json_is_false(json_object_get(tab->frames[0], "recovered")));
    assert_string_equal(frame_word(tab->frames[1], "mode"), "resync");
    tab_assert_in_order(tab, 0);
    assert_int_equal(tab->cursor, 3);
    uint64_t epoch = tab->epoch;
    tab_close(tab);
    /* A cursor beyond the head is of some other history too. */
    tab = tab_connect_at(&rig, "alice", "s1", epoch, 4);
    assert_true(json_is_false(json_object_get(tab->frames[0], "recovered")));
    tab_assert_in_order(tab, 0);
    rig_stop(&rig);
}

static void trimmed_events_are_told_as_a_gap(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.settings.history_max_events = 4;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    publish_tokens(&rig, session, 10);   /* kept: 7, 8, 9, 10 */
    struct tab *tab = tab_connect_at(&rig, "alice", "s1", 1, 2);
    assert_int_equal(tab->epoch, 1);
    json_t *gap = tab->frames[1];
    assert_string_equal(frame_word(gap, "type"), "gap");
    assert_int_equal(frame_number(gap, "from"), 3);
    assert_int_equal(frame_number(gap, "to"), 6);
    tab_assert_in_order(tab, 6);
    tab_close(tab);
    tab = tab_connect_at(&rig, "alice", "s1", 1, 6);   /* the very edge: nothing is missing */
    assert_true(json_is_true(json_object_get(tab->frames[0], "recovered")));
    assert_int_equal(tab_count(tab, "gap"), 0);
    tab_assert_in_order(tab, 6);
    rig_stop(&rig);
}

static void too_long_a_replay_becomes_a_resync(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.settings.replay_max_events = 3;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    publish_tokens(&rig, session, 8);
    struct tab *tab = tab_connect_at(&rig, "alice", "s1", 1, 5);
    assert_true(json_is_true(json_object_get(tab->frames[0], "recovered")));
    tab_close(tab);
    tab = tab_connect_at(&rig, "alice", "s1", 1, 4);
    assert_true(json_is_false(json_object_get(tab->frames[0], "recovered")));
    json_t *gap = tab->frames[1];
    assert_int_equal(frame_number(gap, "from"), 5);
    assert_int_equal(frame_number(gap, "to"), 5);
    tab_assert_in_order(tab, 5);
    rig_stop(&rig);
}

/* The log is trimmed while a client is in the middle of its replay. */
static void trimming_under_a_replay_is_told(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.settings.history_max_events = 4;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    publish_tokens(&rig, session, 4);
    struct tab *tab = tab_open(&rig, "alice");
    tab_send(tab, "{\"type\":\"hello\",\"session\":\"s1\"}");
    tab_pull(tab, 3);   /* connection_ready, initial_state, event 1 */
    assert_int_equal(tab->cursor, 1);
    publish_tokens(&rig, session, 6);   /* kept: 7 .. 10 */
    tab_pump(tab);
    json_t *gap = tab_expect(tab, "gap");
    assert_int_equal(frame_number(gap, "from"), 2);
    assert_int_equal(frame_number(gap, "to"), 6);
    assert_int_equal(frame_number(tab_expect(tab, "initial_state"), "from"), 7);
    assert_int_equal(tab->cursor, 10);
    assert_int_equal(tab_count(tab, "token"), 5);
    rig_stop(&rig);
}

/* What is left to it then is no longer than any other replay. */
static void trimming_leaves_no_longer_replay(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.settings.history_max_events = 4;
    rig.config.settings.replay_max_events = 2;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    publish_tokens(&rig, session, 6);   /* kept: 3 .. 6 */
    tab_pump(tab);
    json_t *gap = tab_expect(tab, "gap");
    assert_int_equal(frame_number(gap, "from"), 1);
    assert_int_equal(frame_number(gap, "to"), 4);
    json_t *begin = tab_expect(tab, "initial_state");   /* of the handshake */
    begin = frame_number(begin, "count") == 0 ? tab_expect(tab, "initial_state") : begin;
    assert_int_equal(frame_number(begin, "from"), 5);
    assert_int_equal(frame_number(begin, "to"), 6);
    assert_int_equal(tab->cursor, 6);
    rig_stop(&rig);
}

/* ---- the seam, on real threads ---- */

enum { STORM_EVENTS = 400 };

static void *storm(void *context)
{
    struct rig *rig = context;
    struct session_ref session = *(struct session_ref *)rig->agent_context;
    for (int i = 0; i < STORM_EVENTS; i++) {
        if (publish_wait(rig->core, session, "token", "{}", 2, NULL) != CORE_OK)
            abort();
    }
    if (publish_wait(rig->core, session, "done", "{}", 2, NULL) != CORE_OK)
        abort();
    return NULL;
}

static void attach_during_a_storm_sees_each_event_once(void **state)
{
    (void)state;
    struct rig rig;
    pthread_t thread;
    rig_init(&rig);
    rig.config.settings.replay_max_events = STORM_EVENTS + 10;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    rig.agent_context = &session;
    assert_int_equal(pthread_create(&thread, NULL, storm, &rig), 0);
    uint64_t epoch = 0, cursor = 0;
    bool done = false;
    while (!done) {
        struct tab *tab = epoch == 0 ? tab_connect(&rig, "alice", "s1")
                                     : tab_connect_at(&rig, "alice", "s1", epoch, cursor);
        tab_pull(tab, 7);
        tab_assert_in_order(tab, cursor);
        epoch = tab->epoch;
        cursor = tab->cursor;
        done = cursor == STORM_EVENTS + 1;
        tab_close(tab);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    rig_stop(&rig);
}

static void two_tabs_each_get_everything(void **state)
{
    (void)state;
    struct rig rig;
    pthread_t thread;
    rig_init(&rig);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    rig.agent_context = &session;
    struct tab *left = tab_connect(&rig, "alice", "s1");
    struct tab *right = tab_connect(&rig, "alice", "s1");
    assert_int_equal(pthread_create(&thread, NULL, storm, &rig), 0);
    tab_expect(left, "done");
    tab_expect(right, "done");
    tab_assert_in_order(left, 0);
    tab_assert_in_order(right, 0);
    assert_int_equal(tab_count(left, "token"), STORM_EVENTS);
    assert_int_equal(tab_count(right, "token"), STORM_EVENTS);
    assert_int_equal(pthread_join(thread, NULL), 0);
    rig_stop(&rig);
}

static void pages_concatenate_to_the_log(void **state)
{
    (void)state;
    struct rig rig;
    struct history_page page;
    rig_init(&rig);
    rig.config.settings.history_max_events = 10;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    publish_tokens(&rig, session, 14);   /* kept: 5 .. 14 */
    struct history_cursor cursor = { 0 };
    uint64_t next = 5;
    do {
        assert_int_equal(history(rig.core, session, cursor, 4, HISTORY_FORWARD, &page), CORE_OK);
        assert_int_equal(page.trimmed, next == 5);
        assert_false(page.epoch_changed);
        for (size_t i = 0; i < page.count; i++)
            assert_int_equal(page.events[i].seq, next++);
        cursor = page.next;
        bool more = page.more;
        history_page_free(&page);
        assert_int_equal(more, next <= 14);
    } while (next <= 14);
    cursor = (struct history_cursor){ 0 };
    for (uint64_t below = 15; below > 5; below = cursor.seq) {
        assert_int_equal(history(rig.core, session, cursor, 4, HISTORY_BACKWARD, &page), CORE_OK);
        for (size_t i = 0; i < page.count; i++)
            assert_int_equal(page.events[i].seq, --below);
        cursor = page.next;
        assert_int_equal(cursor.seq, below);
        assert_int_equal(page.more, below > 5);
        history_page_free(&page);
    }
    cursor = (struct history_cursor){ .epoch = 77, .seq = 9 };
    assert_int_equal(history(rig.core, session, cursor, 4, HISTORY_FORWARD, &page), CORE_OK);
    assert_true(page.epoch_changed);
    assert_int_equal(page.events[0].seq, 5);
    history_page_free(&page);
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    tab_send(tab, "{\"type\":\"history\",\"epoch\":1,\"cursor\":12}");
    json_t *frame = tab_expect(tab, "history_page");
    assert_int_equal(json_array_size(json_object_get(frame, "events")), 2);
    assert_int_equal(frame_number(frame, "next"), 14);
    /* A frame of a few kilobytes, whole. */
    char payload[3000];
    int length = snprintf(payload, sizeof payload, "{\"text\":\"%02500d\"}", 7);
    assert_int_equal(publish_wait(rig.core, session, "token", payload, (size_t)length, NULL),
                     CORE_OK);
    tab_send(tab, "{\"type\":\"history\",\"epoch\":1,\"cursor\":14}");
    frame = tab_expect(tab, "history_page");
    const char *text = frame_word(
        frame_payload(json_array_get(json_object_get(frame, "events"), 0)), "text");
    assert_int_equal(strlen(text), 2500);
    assert_int_equal(text[2499], '7');
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tail_continues_after_the_cursor),
        cmocka_unit_test(cut_inside_the_replay_loses_nothing),
        cmocka_unit_test(another_epoch_means_resync),
        cmocka_unit_test(trimmed_events_are_told_as_a_gap),
        cmocka_unit_test(too_long_a_replay_becomes_a_resync),
        cmocka_unit_test(trimming_under_a_replay_is_told),
        cmocka_unit_test(trimming_leaves_no_longer_replay),
        cmocka_unit_test(attach_during_a_storm_sees_each_event_once),
        cmocka_unit_test(two_tabs_each_get_everything),
        cmocka_unit_test(pages_concatenate_to_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
