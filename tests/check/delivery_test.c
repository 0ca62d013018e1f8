/* Events on their way to tabs: for each promise a stream that breaks it and near misses that do
 * not. */
#include "tests/check/stream.h"

static const char story[] =
    "tab left user=alice session=s1 reconnect=100ms\n"
    "  connect\n"
    "agent bot session=s1\n"
    "  emit token times 4\n"
    "tab right user=alice session=s2\n"
    "  connect\n"
    "tab eve user=eve\n"
    "  connect\n"
    "check\n"
    "  on no_lost_events\n";

enum { LEFT = FIRST, RIGHT = THIRD, EVE = FOURTH, CORE = PARTY_CORE };

/* Left is attached and has applied events 1 and 2 of epoch 1. */
static void begin(void)
{
    stream_begin(story);
    SEE(CORE_STARTED, CORE, .life = 1);
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 1);
    stream_attach(LEFT, 1, 1, 0, 0);
    for (int64_t seq = 1; seq <= 2; seq++) {
        stream_append(1, seq, 100 + seq);
        stream_apply(LEFT, 1, seq, 100 + seq);
    }
}

static void cut(uint16_t tab, int64_t conn)
{
    SEE(CLIENT_OFFLINE, tab, .conn = conn, .why = W("cut"));
}

static void everything_arrives(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    stream_apply(LEFT, 1, 3, 103);
    stream_calm(75000);
    stream_holds();
}

static void lost(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "event 3 of session s1 (a token, accepted from bot) never reached left");
}

static void lost_without_an_answer_to_its_publisher(void **state)
{
    (void)state;
    begin();
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
    begin();
    cut(LEFT, 1);
    stream_append(1, 3, 103);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "event 3 of session s1 (a token, accepted from bot) never reached left, "
                    "which could not come back");
}

static void not_lost_by_who_left(void **state)
{
    (void)state;
    begin();
    SEE(CLIENT_OFFLINE, LEFT, .conn = 1, .why = W("closed"));
    stream_append(1, 3, 103);
    stream_calm(75000);
    stream_holds();
}

static void not_lost_by_who_was_sent_away(void **state)
{
    (void)state;
    begin();
    SEE(CLIENT_OFFLINE, LEFT, .conn = 1, .why = W("closed by the core"), .code = 4009);
    stream_append(1, 3, 103);
    stream_calm(75000);
    stream_holds();
}

static void not_lost_when_the_core_is_dead(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    SEE(CORE_KILLED, CORE, .life = 1);
    cut(LEFT, 1);
    stream_calm(75000);
    stream_holds();
}

static void not_lost_when_told(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    SEE(GAP_TOLD, LEFT, .epoch = 1, .from = 3, .to = 3);
    stream_calm(75000);
    stream_holds();
}

static void not_lost_when_in_a_snapshot(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    stream_append(1, 4, 104);
    SEE(RESYNC, LEFT, .epoch = 1, .from = 3, .to = 3);
    stream_apply(LEFT, 1, 4, 104);
    stream_calm(75000);
    stream_holds();
}

static void not_lost_when_the_store_lost_it(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    SEE(LOG_LOST, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .seq = 3);
    stream_calm(75000);
    stream_holds();
}

static void not_lost_in_an_epoch_that_is_over(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 2);
    stream_calm(75000);
    stream_holds();
}

static void lost_by_a_fresh_page(void **state)
{
    (void)state;
    begin();
    cut(LEFT, 1);
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
    begin();
    cut(LEFT, 1);
    stream_attach(LEFT, 2, 1, 2, 2);
    stream_apply(LEFT, 1, 2, 102);
    stream_violates(SCN_INVARIANT_NO_DUPLICATE_EVENTS,
                    "left applied event 2 of session s1 (a token) twice");
}

static void twice_on_the_wire(void **state)
{
    (void)state;
    begin();
    SEE(CORE_SEND, LEFT, .conn = 1, .kind = W("token"), .seq = 2, .frame = 1);
    SEE(CORE_SEND, LEFT, .conn = 1, .kind = W("token"), .seq = 2, .frame = 2);
    stream_violates(SCN_INVARIANT_NO_DUPLICATE_EVENTS,
                    "event 2 went out to left twice on one connection");
}

static void again_on_another_connection(void **state)
{
    (void)state;
    begin();
    SEE(CORE_SEND, LEFT, .conn = 1, .kind = W("token"), .seq = 2, .frame = 1);
    SEE(CORE_SEND, LEFT, .conn = 2, .kind = W("token"), .seq = 2, .frame = 1);
    stream_holds();
}

static void again_after_an_older_cursor(void **state)
{
    (void)state;
    begin();
    cut(LEFT, 1);
    stream_attach(LEFT, 2, 1, 1, 2);
    stream_apply(LEFT, 1, 2, 102);
    stream_holds();
}

static void again_on_a_fresh_page(void **state)
{
    (void)state;
    begin();
    cut(LEFT, 1);
    SEE(CLIENT_FRESH, LEFT, .session = W("s1"));
    stream_attach(LEFT, 2, 1, 0, 2);
    stream_apply(LEFT, 1, 1, 101);
    stream_apply(LEFT, 1, 2, 102);
    stream_holds();
}

static void again_after_a_resync(void **state)
{
    (void)state;
    begin();
    SEE(RESYNC, LEFT, .epoch = 1, .from = 1, .to = 0);
    stream_apply(LEFT, 1, 1, 101);
    stream_apply(LEFT, 1, 2, 102);
    stream_holds();
}

static void twice_after_a_resync_that_had_it(void **state)
{
    (void)state;
    begin();
    SEE(RESYNC, LEFT, .epoch = 1, .from = 1, .to = 2);
    stream_apply(LEFT, 1, 2, 102);
    stream_violates(SCN_INVARIANT_NO_DUPLICATE_EVENTS,
                    "left applied event 2 of session s1 (a token) twice");
}

static void out_of_order_at_the_tab(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    stream_append(1, 4, 104);
    SEE(GAP_TOLD, LEFT, .epoch = 1, .from = 3, .to = 3);
    stream_apply(LEFT, 1, 4, 104);
    stream_apply(LEFT, 1, 3, 103);
    stream_violates(SCN_INVARIANT_EVENTS_IN_ORDER, "left applied event 3 after event 4");
}

static void out_of_order_on_the_wire(void **state)
{
    (void)state;
    begin();
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 2, .frame = 1);
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 1, .frame = 2);
    stream_violates(SCN_INVARIANT_EVENTS_IN_ORDER, "event 1 went out to left after event 2");
}

/* Frame 2 is lost or late: whatever the tab makes of it is not the core's doing. */
static void out_of_order_through_the_network(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    stream_append(1, 4, 104);
    SEE(CLIENT_RECV, LEFT, .kind = W("token"), .seq = 4, .conn = 1, .frame = 2);
    stream_apply(LEFT, 1, 4, 104);
    stream_apply(LEFT, 1, 3, 103);
    stream_holds();
}

static void producer_out_of_order(void **state)
{
    (void)state;
    begin();
    SEE(PUB_CALL, SECOND, .session = W("s1"), .kind = W("token"), .number = 3, .digest = 103);
    SEE(PUB_CALL, SECOND, .session = W("s1"), .kind = W("token"), .number = 4, .digest = 104);
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = 1, .seq = 3,
        .digest = 104);
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = 1, .seq = 4,
        .digest = 103);
    SEE(PUB_ACK, SECOND, .session = W("s1"), .kind = W("token"), .number = 4, .digest = 104,
        .epoch = 1, .seq = 3, .code = W("ok"));
    SEE(PUB_ACK, SECOND, .session = W("s1"), .kind = W("token"), .number = 3, .digest = 103,
        .epoch = 1, .seq = 4, .code = W("ok"));
    stream_violates(SCN_INVARIANT_EVENTS_IN_ORDER,
                    "bot published token 4 as seq 3, but token 3 became seq 4");
}

static void gap_at_the_tab(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    stream_append(1, 4, 104);
    stream_apply(LEFT, 1, 4, 104);
    stream_violates(SCN_INVARIANT_NO_SILENT_GAP,
                    "left applied event 4 where 3 was due, and nobody told it of a gap");
}

static void gap_after_coming_back(void **state)
{
    (void)state;
    begin();
    cut(LEFT, 1);
    stream_append(1, 3, 103);
    stream_append(1, 4, 104);
    stream_attach(LEFT, 2, 1, 2, 3);
    stream_apply(LEFT, 1, 4, 104);
    stream_violates(SCN_INVARIANT_NO_SILENT_GAP,
                    "left applied event 4 where 3 was due, and nobody told it of a gap");
}

static void gap_on_the_wire(void **state)
{
    (void)state;
    begin();
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 1, .frame = 1);
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 3, .frame = 2);
    stream_violates(SCN_INVARIANT_NO_SILENT_GAP, "event 3 went out to left right after event 1, "
                                                 "and nobody told it of a gap");
}

static void gap_that_was_told(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    stream_append(1, 4, 104);
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 2, .frame = 1);
    SEE(CORE_SEND, LEFT, .conn = 1, .kind = W("gap"), .frame = 2);
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 4, .frame = 3);
    SEE(GAP_TOLD, LEFT, .epoch = 1, .from = 3, .to = 3);
    stream_apply(LEFT, 1, 4, 104);
    stream_holds();
}

static void recovered_from_another_epoch(void **state)
{
    (void)state;
    begin();
    SEE(CLIENT_HELLO, LEFT, .conn = 2, .session = W("s1"), .epoch = 1, .cursor = 2);
    SEE(CLIENT_READY, LEFT, .conn = 2, .session = W("s1"), .epoch = 2, .head = 5, .floor = 1,
        .recovered = 1, .cursor = 2, .cursor_epoch = 1);
    stream_violates(SCN_INVARIANT_NO_SILENT_GAP, "left was told that it is recovered, but its "
                                                 "cursor is of epoch 1 and the log of epoch 2");
}

static void recovered_below_the_floor(void **state)
{
    (void)state;
    begin();
    SEE(CLIENT_HELLO, LEFT, .conn = 2, .session = W("s1"), .epoch = 1, .cursor = 2);
    SEE(CLIENT_READY, LEFT, .conn = 2, .session = W("s1"), .epoch = 1, .head = 9, .floor = 4,
        .recovered = 1, .cursor = 2, .cursor_epoch = 1);
    stream_violates(SCN_INVARIANT_NO_SILENT_GAP, "left was told that it is recovered from cursor "
                                                 "2, but the log holds 4 to 9");
}

static void recovered_at_the_floor(void **state)
{
    (void)state;
    begin();
    SEE(CLIENT_HELLO, LEFT, .conn = 2, .session = W("s1"), .epoch = 1, .cursor = 2);
    SEE(CLIENT_READY, LEFT, .conn = 2, .session = W("s1"), .epoch = 1, .head = 2, .floor = 3,
        .recovered = 1, .cursor = 2, .cursor_epoch = 1);
    stream_holds();
}

static void phantom(void **state)
{
    (void)state;
    begin();
    stream_apply(LEFT, 1, 3, 103);
    stream_violates(SCN_INVARIANT_NO_PHANTOM_EVENTS,
                    "left applied event 3 of session s1, a token that was never stored");
}

static void phantom_content(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    stream_apply(LEFT, 1, 3, 999);
    stream_violates(SCN_INVARIANT_NO_PHANTOM_EVENTS, "left applied event 3 of session s1 with "
                                                     "other content than was stored (a token)");
}

static void phantom_in_the_store(void **state)
{
    (void)state;
    begin();
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = 1, .seq = 3,
        .digest = 103);
    stream_violates(SCN_INVARIANT_NO_PHANTOM_EVENTS,
                    "event 3 of session s1 is a token that nobody published");
}

/* What the core itself decides has no publisher. */
static void event_of_the_core(void **state)
{
    (void)state;
    begin();
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("run_state"), .epoch = 1,
        .seq = 3, .digest = 103);
    stream_holds();
}

static void event_of_another_session(void **state)
{
    (void)state;
    begin();
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s2"), .kind = W("run_state"), .epoch = 7,
        .seq = 1, .digest = 555);
    SEE(CLIENT_APPLY, LEFT, .session = W("s1"), .epoch = 1, .seq = 3, .digest = 555,
        .kind = W("run_state"));
    stream_violates(SCN_INVARIANT_ISOLATION, "left, attached to session s1, was given a run_state "
                                             "of session s2 as event 3");
}

static void attached_to_another_session(void **state)
{
    (void)state;
    begin();
    SEE(CLIENT_READY, RIGHT, .conn = 1, .session = W("s1"), .epoch = 1);
    stream_violates(SCN_INVARIANT_ISOLATION, "right belongs to session s2 and was attached to s1");
}

static void attached_by_another_user(void **state)
{
    (void)state;
    begin();
    stream_attach(EVE, 1, 1, 0, 2);
    stream_violates(SCN_INVARIANT_ISOLATION,
                    "eve, a tab of eve, was attached to session s1 of alice");
}

static void given_before_the_handshake(void **state)
{
    (void)state;
    begin();
    SEE(CLIENT_OPEN, RIGHT, .conn = 1, .session = W("s2"));
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s2"), .kind = W("run_state"), .epoch = 7,
        .seq = 1, .digest = 555);
    SEE(CLIENT_APPLY, RIGHT, .session = W("s2"), .epoch = 7, .seq = 1, .digest = 555,
        .kind = W("run_state"));
    stream_violates(SCN_INVARIANT_ISOLATION,
                    "right was given event 1 before its handshake was accepted");
}

/* Whatever the core says of itself neither acquits nor convicts. */
static void the_core_is_not_heard(void **state)
{
    (void)state;
    begin();
    stream_append(1, 3, 103);
    SEE(POINT, CORE, .name = W("conn.replayed"), .subject = W("s1"), .second = 3);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "event 3 of session s1 (a token, accepted from bot) never reached left");
}

static void exercised(void **state)
{
    (void)state;
    stream_begin(story);
    SEE(CORE_STARTED, CORE, .life = 1);
    stream_calm(1000);
    assert_null(stream_verdict());
    assert_false(stream_exercised(SCN_INVARIANT_NO_LOST_EVENTS));
    assert_false(stream_exercised(SCN_INVARIANT_EVENTS_IN_ORDER));
    assert_true(stream_exercised(SCN_INVARIANT_NO_DEADLOCK));
    stream_end();

    begin();
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
        cmocka_unit_test(not_lost_by_who_left),
        cmocka_unit_test(not_lost_by_who_was_sent_away),
        cmocka_unit_test(not_lost_when_the_core_is_dead),
        cmocka_unit_test(not_lost_when_told),
        cmocka_unit_test(not_lost_when_in_a_snapshot),
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
        cmocka_unit_test(out_of_order_at_the_tab),
        cmocka_unit_test(out_of_order_on_the_wire),
        cmocka_unit_test(out_of_order_through_the_network),
        cmocka_unit_test(producer_out_of_order),
        cmocka_unit_test(gap_at_the_tab),
        cmocka_unit_test(gap_after_coming_back),
        cmocka_unit_test(gap_on_the_wire),
        cmocka_unit_test(gap_that_was_told),
        cmocka_unit_test(recovered_from_another_epoch),
        cmocka_unit_test(recovered_below_the_floor),
        cmocka_unit_test(recovered_at_the_floor),
        cmocka_unit_test(phantom),
        cmocka_unit_test(phantom_content),
        cmocka_unit_test(phantom_in_the_store),
        cmocka_unit_test(event_of_the_core),
        cmocka_unit_test(event_of_another_session),
        cmocka_unit_test(attached_to_another_session),
        cmocka_unit_test(attached_by_another_user),
        cmocka_unit_test(given_before_the_handshake),
        cmocka_unit_test(the_core_is_not_heard),
        cmocka_unit_test(exercised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
