/* Events lost and events twice: a stream that breaks each promise, and near misses. */
#include "tests/check/stream.h"

enum { LEFT = FIRST, CORE = PARTY_CORE };

static void everything_arrives(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    stream_apply(LEFT, 1, 3, 103);
    stream_calm(75000);
    stream_holds();
}

static void lost(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "event 3 of session s1 (a token, accepted from bot) never reached left");
}

static void lost_without_an_answer_to_its_publisher(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(PUB_CALL, SECOND, .session = W("s1"), .kind = W("token"), .digest = 103);
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = 1, .seq = 3,
        .digest = 103);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "event 3 of session s1 (a token) never reached left");
}

static void lost_behind_a_closed_door(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_cut(LEFT, 1);
    stream_append(1, 3, 103);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "event 3 of session s1 (a token, accepted from bot) never reached left, "
                    "which could not come back");
}

/* What was known of an epoch that is over says nothing about the next one. */
static void lost_in_a_new_epoch(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_cut(LEFT, 1);
    stream_attach(LEFT, 2, 1, 2, 2);
    stream_cut(LEFT, 2);
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 2);
    stream_append(2, 1, 201);
    SEE(CLIENT_OPEN, LEFT, .conn = 3, .session = W("s1"));
    SEE(CLIENT_HELLO, LEFT, .conn = 3, .session = W("s1"), .epoch = 1, .cursor = 2);
    SEE(CLIENT_READY, LEFT, .conn = 3, .session = W("s1"), .epoch = 2, .head = 1, .floor = 1);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "event 1 of session s1 (a token, accepted from bot) never reached left");
}

/* Two pages with one cursor store: what the other one has seen is not sent again. */
static void not_lost_below_an_accepted_cursor(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_cut(LEFT, 1);
    stream_append(1, 3, 103);
    stream_attach(LEFT, 2, 1, 3, 3);
    stream_calm(75000);
    stream_holds();
}

static void not_lost_when_trimmed(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    SEE(LOG_TRIM, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .floor = 4);
    stream_calm(75000);
    stream_holds();
}

static void lost_above_the_floor(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    SEE(LOG_TRIM, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .floor = 3);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "event 3 of session s1 (a token, accepted from bot) never reached left");
}

static void not_lost_by_who_left(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(CLIENT_OFFLINE, LEFT, .conn = 1, .why = W("closed"));
    stream_append(1, 3, 103);
    stream_calm(75000);
    stream_holds();
}

static void not_lost_by_who_was_sent_away(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(CLIENT_OFFLINE, LEFT, .conn = 1, .why = W("closed by the core"), .code = 4009);
    stream_append(1, 3, 103);
    stream_calm(75000);
    stream_holds();
}

static void not_lost_when_the_core_is_dead(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    SEE(CORE_KILLED, CORE, .life = 1);
    stream_cut(LEFT, 1);
    stream_calm(75000);
    stream_holds();
}

/* Three events more, of which left gets the newest. */
static void leave_out_3_and_4(const char *core)
{
    stream_begin_session(core);
    for (int64_t seq = 3; seq <= 5; seq++) stream_append(1, seq, 100 + seq);
    SEE(GAP_TOLD, LEFT, .epoch = 1, .from = 3, .to = 4);
    stream_apply(LEFT, 1, 5, 105);
    stream_calm(75000);
}

static void not_lost_when_told(void **state)
{
    static const char *const limits[] = { "history_max_events=1", "replay_max_events=1" };
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        leave_out_3_and_4(limits[i]);
        stream_holds();
    }
}

static void lost_though_told(void **state)
{
    (void)state;
    leave_out_3_and_4("history_max_events=2 replay_max_events=3");
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "left was told to do without event 4 of session s1 (a token, accepted from "
                    "bot), one of the newest 2 where 2 are kept");
}

/* Events 3 and 4, so large that a log of so many bytes cannot keep both. */
static void leave_out_large(const char *core, int64_t bytes)
{
    stream_begin_session(core);
    for (int64_t seq = 3; seq <= 4; seq++)
        SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("run_state"), .epoch = 1,
            .seq = seq, .digest = 100 + seq, .bytes = bytes);
    SEE(GAP_TOLD, LEFT, .epoch = 1, .from = 3, .to = 3);
    SEE(CLIENT_APPLY, LEFT, .session = W("s1"), .epoch = 1, .seq = 4, .digest = 104,
        .kind = W("run_state"));
    stream_calm(75000);
}

static void not_lost_when_too_large(void **state)
{
    (void)state;
    leave_out_large("history_max_bytes=2047", 1024);
    stream_holds();
    leave_out_large("outbound_max_bytes=4095", 1024);
    stream_holds();
}

static void lost_though_not_too_large(void **state)
{
    (void)state;
    leave_out_large("history_max_bytes=2048 outbound_max_bytes=4096", 1024);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "left was told to do without event 3 of session s1 (a run_state), one of the "
                    "newest 2 where 300 are kept");
}

static void not_lost_when_in_a_snapshot(void **state)
{
    (void)state;
    stream_begin_session("replay_max_events=1");
    stream_append(1, 3, 103);
    stream_append(1, 4, 104);
    SEE(RESYNC, LEFT, .epoch = 1, .from = 3, .to = 3);
    stream_apply(LEFT, 1, 4, 104);
    stream_calm(75000);
    stream_holds();
}

static void lost_in_a_snapshot(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    SEE(RESYNC, LEFT, .epoch = 1, .from = 3, .to = 3);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "left was told to do without event 3 of session s1 (a token, accepted from "
                    "bot), one of the newest 1 where 300 are kept");
}

static void append_long(int64_t seq, int64_t bytes)
{
    SEE(PUB_CALL, SECOND, .session = W("s1"), .kind = W("token"), .number = seq,
        .digest = 100 + seq);
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = 1, .seq = seq,
        .digest = 100 + seq, .bytes = bytes);
    SEE(PUB_ACK, SECOND, .session = W("s1"), .kind = W("token"), .number = seq, .digest = 100 + seq,
        .epoch = 1, .seq = seq, .code = W("ok"));
}

/* In the midst of its replay of events 3 and 4 comes a fifth one, and left begins with that. */
static void move_on(const char *settings, int64_t bytes)
{
    stream_begin_session(settings);
    append_long(3, 400);
    append_long(4, 400);
    stream_cut(LEFT, 1);
    stream_attach(LEFT, 2, 1, 2, 4);
    append_long(5, bytes);
    SEE(GAP_TOLD, LEFT, .epoch = 1, .from = 3, .to = 4, .gen = 2);
    SEE(RESYNC, LEFT, .epoch = 1, .from = 5, .to = 4, .gen = 2, .head = 5);
}

static void replay_makes_slow(void **state)
{
    (void)state;
    move_on("outbound_max_bytes=600", 200);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "left was moved on past event 3, though only 200 bytes waited behind its "
                    "replay where 600 may, and the log had that event");
}

static void too_much_makes_slow(void **state)
{
    (void)state;
    move_on("outbound_max_bytes=600", 601);
    stream_apply(LEFT, 1, 5, 105);
    stream_holds();
}

static void trimmed_is_left_out(void **state)
{
    (void)state;
    move_on("outbound_max_bytes=600 history_max_events=2", 200);
    stream_apply(LEFT, 1, 5, 105);
    stream_holds();
}

/* Nobody can be given what the store does not have, and who had it before loses nothing. */
static void not_lost_when_it_is_gone_or_known(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    SEE(LOG_LOST, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .seq = 3);
    SEE(GAP_TOLD, LEFT, .epoch = 1, .from = 1, .to = 3);
    SEE(RESYNC, LEFT, .epoch = 1, .from = 1, .to = 3);
    stream_calm(75000);
    stream_holds();
}

static void not_lost_when_the_store_lost_it(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    SEE(LOG_LOST, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .seq = 3);
    stream_calm(75000);
    stream_holds();
}

static void not_lost_in_an_epoch_that_is_over(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 2);
    stream_calm(75000);
    stream_holds();
}

static void lost_by_a_fresh_page(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_cut(LEFT, 1);
    SEE(CLIENT_FRESH, LEFT, .session = W("s1"));
    stream_attach(LEFT, 2, 1, 0, 2);
    stream_apply(LEFT, 1, 1, 101);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "event 2 of session s1 (a token, accepted from bot) never reached left");
}

static void twice_at_the_tab(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_cut(LEFT, 1);
    stream_attach(LEFT, 2, 1, 2, 2);
    stream_apply(LEFT, 1, 2, 102);
    stream_violates(SCN_INVARIANT_NO_DUPLICATE_EVENTS,
                    "left applied event 2 of session s1 (a token) twice");
}

static void twice_on_the_wire(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(CORE_SEND, LEFT, .conn = 1, .kind = W("token"), .seq = 2, .frame = 1);
    SEE(CORE_SEND, LEFT, .conn = 1, .kind = W("token"), .seq = 2, .frame = 2);
    stream_violates(SCN_INVARIANT_NO_DUPLICATE_EVENTS,
                    "event 2 went out to left twice on one connection");
}

static void again_on_another_connection(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(CORE_SEND, LEFT, .conn = 1, .kind = W("token"), .seq = 2, .frame = 1);
    SEE(CORE_SEND, LEFT, .conn = 2, .kind = W("token"), .seq = 2, .frame = 1);
    stream_holds();
}

static void again_after_an_older_cursor(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_cut(LEFT, 1);
    stream_attach(LEFT, 2, 1, 1, 2);
    stream_apply(LEFT, 1, 2, 102);
    stream_holds();
}

static void again_on_a_fresh_page(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_cut(LEFT, 1);
    SEE(CLIENT_FRESH, LEFT, .session = W("s1"));
    stream_attach(LEFT, 2, 1, 0, 2);
    stream_apply(LEFT, 1, 1, 101);
    stream_apply(LEFT, 1, 2, 102);
    stream_holds();
}

static void again_after_a_resync(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(RESYNC, LEFT, .epoch = 1, .from = 1, .to = 0);
    stream_apply(LEFT, 1, 1, 101);
    stream_apply(LEFT, 1, 2, 102);
    stream_holds();
}

static void twice_after_a_resync_that_had_it(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(RESYNC, LEFT, .epoch = 1, .from = 1, .to = 2);
    stream_apply(LEFT, 1, 2, 102);
    stream_violates(SCN_INVARIANT_NO_DUPLICATE_EVENTS,
                    "left applied event 2 of session s1 (a token) twice");
}

static void exercised(void **state)
{
    (void)state;
    stream_begin("tab left user=alice session=s1\n"
                 "  connect\n"
                 "check\n"
                 "  on no_lost_events\n");
    SEE(CORE_STARTED, CORE, .life = 1);
    stream_calm(1000);
    assert_null(stream_verdict());
    assert_false(stream_exercised(SCN_INVARIANT_NO_LOST_EVENTS));
    assert_false(stream_exercised(SCN_INVARIANT_EVENTS_IN_ORDER));
    assert_true(stream_exercised(SCN_INVARIANT_NO_DEADLOCK));
    stream_end();

    stream_begin_session("");
    assert_null(stream_verdict());
    assert_true(stream_exercised(SCN_INVARIANT_NO_LOST_EVENTS));
    assert_true(stream_exercised(SCN_INVARIANT_EVENTS_IN_ORDER));
    stream_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_arrives),
        cmocka_unit_test(lost),
        cmocka_unit_test(lost_without_an_answer_to_its_publisher),
        cmocka_unit_test(lost_behind_a_closed_door),
        cmocka_unit_test(lost_in_a_new_epoch),
        cmocka_unit_test(not_lost_below_an_accepted_cursor),
        cmocka_unit_test(not_lost_when_trimmed),
        cmocka_unit_test(lost_above_the_floor),
        cmocka_unit_test(not_lost_by_who_left),
        cmocka_unit_test(not_lost_by_who_was_sent_away),
        cmocka_unit_test(not_lost_when_the_core_is_dead),
        cmocka_unit_test(not_lost_when_told),
        cmocka_unit_test(lost_though_told),
        cmocka_unit_test(not_lost_when_too_large),
        cmocka_unit_test(lost_though_not_too_large),
        cmocka_unit_test(not_lost_when_in_a_snapshot),
        cmocka_unit_test(lost_in_a_snapshot),
        cmocka_unit_test(replay_makes_slow),
        cmocka_unit_test(too_much_makes_slow),
        cmocka_unit_test(trimmed_is_left_out),
        cmocka_unit_test(not_lost_when_it_is_gone_or_known),
        cmocka_unit_test(not_lost_when_the_store_lost_it),
        cmocka_unit_test(not_lost_in_an_epoch_that_is_over),
        cmocka_unit_test(lost_by_a_fresh_page),
        cmocka_unit_test(twice_at_the_tab),
        cmocka_unit_test(twice_on_the_wire),
        cmocka_unit_test(again_on_another_connection),
        cmocka_unit_test(again_after_an_older_cursor),
        cmocka_unit_test(again_on_a_fresh_page),
        cmocka_unit_test(again_after_a_resync),
        cmocka_unit_test(twice_after_a_resync_that_had_it),
        cmocka_unit_test(exercised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
