/* Order, gaps, inventions and foreign eyes: a stream that breaks each promise, and near misses. */
#include "tests/check/stream.h"

enum { LEFT = FIRST, RIGHT = THIRD, EVE = FOURTH, CORE = PARTY_CORE };

static void out_of_order_at_the_tab(void **state)
{
    (void)state;
    stream_begin_session("replay_max_events=1");
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
    stream_begin_session("");
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 2, .frame = 1);
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 1, .frame = 2);
    stream_violates(SCN_INVARIANT_EVENTS_IN_ORDER, "event 1 went out to left after event 2");
}

/* Frames that follow each other, one of them a page of several events, are no excuse. */
static void out_of_order_in_good_order(void **state)
{
    (void)state;
    stream_begin_session("replay_max_events=1");
    stream_append(1, 3, 103);
    stream_append(1, 4, 104);
    SEE(GAP_TOLD, LEFT, .epoch = 1, .from = 3, .to = 3);
    SEE(CLIENT_RECV, LEFT, .kind = W("heartbeat"), .conn = 1, .frame = 1);
    SEE(CLIENT_RECV, LEFT, .kind = W("token"), .seq = 4, .conn = 1, .frame = 2);
    stream_apply(LEFT, 1, 4, 104);
    SEE(CLIENT_RECV, LEFT, .kind = W("token"), .seq = 3, .conn = 1, .frame = 2);
    stream_apply(LEFT, 1, 3, 103);
    stream_violates(SCN_INVARIANT_EVENTS_IN_ORDER, "left applied event 3 after event 4");
}

/* Frame 2 is lost or late: whatever the tab makes of it is not the core's doing. */
static void out_of_order_through_the_network(void **state)
{
    (void)state;
    stream_begin_session("");
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
    stream_begin_session("");
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
    stream_begin_session("");
    stream_append(1, 3, 103);
    stream_append(1, 4, 104);
    stream_apply(LEFT, 1, 4, 104);
    stream_violates(SCN_INVARIANT_NO_SILENT_GAP,
                    "left applied event 4 where 3 was due, and nobody told it of a gap");
}

static void gap_after_coming_back(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_cut(LEFT, 1);
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
    stream_begin_session("");
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 1, .frame = 1);
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 3, .frame = 2);
    stream_violates(SCN_INVARIANT_NO_SILENT_GAP, "event 3 went out to left right after event 1, "
                                                 "and nobody told it of a gap");
}

static void gap_after_the_one_that_was_told(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 2, .frame = 1);
    SEE(CORE_SEND, LEFT, .conn = 1, .kind = W("gap"), .frame = 2);
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 4, .frame = 3);
    SEE(CORE_SEND, LEFT, .conn = 1, .seq = 6, .frame = 4);
    stream_violates(SCN_INVARIANT_NO_SILENT_GAP, "event 6 went out to left right after event 4, "
                                                 "and nobody told it of a gap");
}

static void gap_before_the_one_that_was_told(void **state)
{
    (void)state;
    stream_begin_session("replay_max_events=1");
    stream_append(1, 3, 103);
    stream_append(1, 4, 104);
    stream_append(1, 5, 105);
    SEE(GAP_TOLD, LEFT, .epoch = 1, .from = 4, .to = 4);
    stream_apply(LEFT, 1, 5, 105);
    stream_violates(SCN_INVARIANT_NO_SILENT_GAP,
                    "left applied event 5 where 3 was due, and nobody told it of a gap");
}

static void gap_that_was_told(void **state)
{
    (void)state;
    stream_begin_session("replay_max_events=1");
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
    stream_begin_session("");
    SEE(CLIENT_HELLO, LEFT, .conn = 2, .session = W("s1"), .epoch = 1, .cursor = 2);
    SEE(CLIENT_READY, LEFT, .conn = 2, .session = W("s1"), .epoch = 2, .head = 5, .floor = 1,
        .recovered = 1, .cursor = 2, .cursor_epoch = 1);
    stream_violates(SCN_INVARIANT_NO_SILENT_GAP, "left was told that it is recovered, but its "
                                                 "cursor is of epoch 1 and the log of epoch 2");
}

static void recovered_below_the_floor(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(CLIENT_HELLO, LEFT, .conn = 2, .session = W("s1"), .epoch = 1, .cursor = 2);
    SEE(CLIENT_READY, LEFT, .conn = 2, .session = W("s1"), .epoch = 1, .head = 9, .floor = 4,
        .recovered = 1, .cursor = 2, .cursor_epoch = 1);
    stream_violates(SCN_INVARIANT_NO_SILENT_GAP, "left was told that it is recovered from cursor "
                                                 "2, but the log holds 4 to 9");
}

static void recovered_at_the_floor(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(CLIENT_HELLO, LEFT, .conn = 2, .session = W("s1"), .epoch = 1, .cursor = 2);
    SEE(CLIENT_READY, LEFT, .conn = 2, .session = W("s1"), .epoch = 1, .head = 2, .floor = 3,
        .recovered = 1, .cursor = 2, .cursor_epoch = 1);
    stream_holds();
}

static void phantom(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_apply(LEFT, 1, 3, 103);
    stream_violates(SCN_INVARIANT_NO_PHANTOM_EVENTS,
                    "left applied event 3 of session s1, a token that was never stored");
}

static void phantom_content(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    stream_apply(LEFT, 1, 3, 999);
    stream_violates(SCN_INVARIANT_NO_PHANTOM_EVENTS, "left applied event 3 of session s1 with "
                                                     "other content than was stored (a token)");
}

static void phantom_in_the_store(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = 1, .seq = 3,
        .digest = 103);
    stream_violates(SCN_INVARIANT_NO_PHANTOM_EVENTS,
                    "event 3 of session s1 is a token that nobody published");
}

/* What the core itself decides has no publisher. */
static void event_of_the_core(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("run_state"), .epoch = 1,
        .seq = 3, .digest = 103);
    stream_holds();
}

static void event_of_another_session(void **state)
{
    (void)state;
    stream_begin_session("");
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
    stream_begin_session("");
    SEE(CLIENT_READY, RIGHT, .conn = 1, .session = W("s1"), .epoch = 1);
    stream_violates(SCN_INVARIANT_ISOLATION, "right belongs to session s2 and was attached to s1");
}

static void attached_by_another_user(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_attach(EVE, 1, 1, 0, 2);
    stream_violates(SCN_INVARIANT_ISOLATION,
                    "eve, a tab of eve, was attached to session s1 of alice");
}

static void given_before_the_handshake(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(CLIENT_OPEN, RIGHT, .conn = 1, .session = W("s2"));
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s2"), .kind = W("run_state"), .epoch = 7,
        .seq = 1, .digest = 555);
    SEE(CLIENT_APPLY, RIGHT, .session = W("s2"), .epoch = 7, .seq = 1, .digest = 555,
        .kind = W("run_state"));
    stream_violates(SCN_INVARIANT_ISOLATION,
                    "right was given event 1 before its handshake was accepted");
}

static void given_before_the_next_handshake(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(CLIENT_OPEN, LEFT, .conn = 2, .session = W("s1"));
    stream_append(1, 3, 103);
    stream_apply(LEFT, 1, 3, 103);
    stream_violates(SCN_INVARIANT_ISOLATION,
                    "left was given event 3 before its handshake was accepted");
}

/* The file says whose session it is, whoever comes first. */
static void attached_before_the_owner(void **state)
{
    (void)state;
    stream_begin("tab eve user=eve\n"
                 "  connect\n"
                 "agent bot session=s1 user=alice\n"
                 "  emit token\n"
                 "check\n"
                 "  on no_lost_events\n");
    stream_attach(FIRST, 1, 1, 0, 0);
    stream_violates(SCN_INVARIANT_ISOLATION,
                    "eve, a tab of eve, was attached to session s1 of alice");
}

/* Whatever the core says of itself neither acquits nor convicts. */
static void the_core_is_not_heard(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    SEE(POINT, CORE, .name = W("conn.replayed"), .subject = W("s1"), .second = 3);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS,
                    "event 3 of session s1 (a token, accepted from bot) never reached left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_order_at_the_tab),
        cmocka_unit_test(out_of_order_on_the_wire),
        cmocka_unit_test(out_of_order_in_good_order),
        cmocka_unit_test(out_of_order_through_the_network),
        cmocka_unit_test(producer_out_of_order),
        cmocka_unit_test(gap_at_the_tab),
        cmocka_unit_test(gap_after_coming_back),
        cmocka_unit_test(gap_on_the_wire),
        cmocka_unit_test(gap_after_the_one_that_was_told),
        cmocka_unit_test(gap_before_the_one_that_was_told),
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
        cmocka_unit_test(given_before_the_next_handshake),
        cmocka_unit_test(attached_before_the_owner),
        cmocka_unit_test(the_core_is_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
