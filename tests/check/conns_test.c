/* Connections, gates, cancels and policies, drains: each promise broken once, and near misses. */
#include "harness/check/check.h"
#include "session_types.h"
#include "tests/check/stream.h"

#include <stdio.h>

enum { LEFT = FIRST, RIGHT = SECOND, BOT = THIRD, API = FOURTH, CORE = PARTY_CORE };

static void begin_with(const char *settings, const char *step)
{
    char story[1024];

    (void)snprintf(story, sizeof story,
                   "core heartbeat=2s heartbeat_timeout=5s ack_timeout=5s gate_timeout=10s\n"
                   "core %s\n"
                   "tab left right user=alice session=s1\n"
                   "  connect\n"
                   "agent bot session=s1\n"
                   "  emit token times 9\n"
                   "backend api session=s1\n"
                   "  drain\n"
                   "%s"
                   "check\n"
                   "  on no_lost_events\n", settings, step);
    stream_begin(story);
    SEE(CORE_STARTED, CORE, .life = 1);
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 1);
}

static void begin(const char *settings)
{
    begin_with(settings, "");
}

static void say(uint16_t tab, int64_t conn, const char *kind)
{
    SEE(CORE_INPUT, tab, .conn = conn, .kind = W(kind), .frame = 1);
    SEE(CORE_TAKEN, tab, .conn = conn, .frame = 1);
}

static void attach(uint16_t tab, int64_t conn, int64_t head)
{
    SEE(CLIENT_OPEN, tab, .conn = conn, .session = W("s1"));
    SEE(CLIENT_HELLO, tab, .conn = conn, .session = W("s1"));
    say(tab, conn, "hello");
    SEE(CORE_SEND, tab, .conn = conn, .kind = W("connection_ready"), .frame = 1);
    SEE(CORE_SEND, tab, .conn = conn, .kind = W("initial_state"), .frame = 2);
    SEE(CLIENT_READY, tab, .conn = conn, .session = W("s1"), .epoch = 1, .head = head, .floor = 1,
        .gen = conn);
    SEE(CLIENT_ONLINE, tab, .conn = conn, .gen = conn);
    say(tab, conn, "connection_acknowledged");
}

static void leave(uint16_t tab, int64_t conn, int64_t gen)
{
    SEE(CLIENT_OFFLINE, tab, .conn = conn, .why = W("closed"));
    SEE(DETACH, tab, .conn = conn, .gen = gen);
    SEE(POINT, CORE, .name = W("conn.closed"), .first = gen);
    SEE(DETACHED, tab, .conn = conn, .gen = gen);
}

static void beat(uint16_t tab, int64_t conn)
{
    SEE(CORE_SEND, tab, .conn = conn, .kind = W("heartbeat"), .frame = 9);
    say(tab, conn, "pong");
}

/* --- generations --- */

static void another_connection_ends(void **state)
{
    (void)state;
    begin("");
    attach(LEFT, 1, 0);
    attach(RIGHT, 1, 0);
    SEE(DETACH, LEFT, .conn = 1, .gen = 1);
    SEE(POINT, CORE, .name = W("conn.closed"), .first = 2);
    stream_violates(SCN_INVARIANT_GENERATIONS_HOLD,
                    "connection 2 of core was ended by the close of another one");
}

static void connection_ends_twice(void **state)
{
    (void)state;
    begin("");
    attach(LEFT, 1, 0);
    leave(LEFT, 1, 1);
    SEE(POINT, CORE, .name = W("conn.closed"), .first = 1);
    stream_violates(SCN_INVARIANT_GENERATIONS_HOLD, "connection 1 of core was ended twice");
}

/* Generations begin anew with each life. */
static void same_generation_in_another_life(void **state)
{
    (void)state;
    begin("");
    attach(LEFT, 1, 0);
    leave(LEFT, 1, 1);
    SEE(CORE_KILLED, CORE, .life = 1);
    SEE(CORE_STARTED, CORE, .life = 2);
    attach(LEFT, 2, 0);
    leave(LEFT, 2, 1);
    stream_holds();
}

/* --- silence --- */

static void silence_goes_unnoticed(void **state)
{
    (void)state;
    begin("");
    attach(LEFT, 1, 0);
    SEE(CLIENT_OFFLINE, LEFT, .conn = 1, .why = W("closed"));
    stream_calm(6001);
    stream_violates(SCN_INVARIANT_SILENCE_IS_NOTICED,
                    "connection 1 of left has been silent for 6s, and was never given up");
}

static void no_heartbeat(void **state)
{
    (void)state;
    begin("");
    attach(LEFT, 1, 0);
    stream_at_ms(4000);
    say(LEFT, 1, "pong");
    SEE(CALM, PARTY_NOBODY, .length = 1);
    stream_at_ms(5001);
    SEE(QUIESCE, PARTY_NOBODY, .length = 1);
    stream_violates(SCN_INVARIANT_SILENCE_IS_NOTICED,
                    "left is connected, and has not been sent a heartbeat for 5s");
}

static void heartbeats_and_a_close(void **state)
{
    (void)state;
    begin("");
    attach(LEFT, 1, 0);
    attach(RIGHT, 1, 0);
    stream_at_ms(5000);
    beat(LEFT, 1);
    SEE(CORE_CLOSE, RIGHT, .conn = 1, .code = CORE_CLOSE_SILENT);
    stream_calm(5000);
    stream_holds();
}

/* --- the backlog of a slow tab --- */

static void store(int64_t seq)
{
    SEE(PUB_CALL, BOT, .session = W("s1"), .kind = W("token"), .number = seq, .digest = seq);
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = 1, .seq = seq,
        .digest = seq, .bytes = 200);
    SEE(PUB_ACK, BOT, .session = W("s1"), .kind = W("token"), .number = seq, .digest = seq,
        .epoch = 1, .seq = seq, .code = W("ok"));
}

static void send(int64_t seq)
{
    SEE(CORE_SEND, LEFT, .conn = 1, .kind = W("token"), .seq = seq);
}

static void backlog_grows(void **state)
{
    (void)state;
    begin("outbound_max_bytes=500");
    attach(LEFT, 1, 0);
    for (int64_t seq = 1; seq <= 4; seq++) store(seq);
    send(1);
    send(2);
    stream_violates(SCN_INVARIANT_OUTBOUND_IS_BOUNDED,
                    "600 bytes waited for left with event 2; 500 may");
}

/* What came to be accepted while the event was on its way out does not count yet. */
static void backlog_within_the_limit(void **state)
{
    (void)state;
    begin("outbound_max_bytes=500");
    attach(LEFT, 1, 0);
    store(1);
    store(2);
    send(1);
    store(3);
    store(4);
    send(2);
    send(3);
    stream_holds();
}

/* A replay has a bound of its own. */
static void backlog_of_a_replay(void **state)
{
    (void)state;
    begin("outbound_max_bytes=500");
    for (int64_t seq = 1; seq <= 4; seq++) store(seq);
    attach(LEFT, 1, 4);
    send(1);
    send(2);
    send(3);
    stream_found(WORLD_FOUND_CHECK, "");
    stream_end();
}

/* --- room --- */

static void one_connection_too_many(void **state)
{
    (void)state;
    begin("max_conns_per_session=1");
    attach(LEFT, 1, 0);
    attach(RIGHT, 1, 0);
    stream_violates(SCN_INVARIANT_LIMITS_HOLD,
                    "right is connection 2 of its session; 1 are allowed");
}

static void room_after_a_close(void **state)
{
    (void)state;
    begin("max_conns_per_session=1 on_excess=evict_oldest");
    attach(LEFT, 1, 0);
    SEE(CORE_CLOSE, LEFT, .conn = 1, .code = CORE_CLOSE_TAKEN_OVER);
    attach(RIGHT, 1, 0);
    stream_holds();
}

static void more_runs_than_allowed(void **state)
{
    (void)state;
    begin("max_runs_per_session=1 start_gate=none");
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 2);
    stream_violates(SCN_INVARIANT_LIMITS_HOLD, "2 runs of session s1 are at work; 1 may be");
}

static void taken_over_by_nobody(void **state)
{
    (void)state;
    begin("");
    attach(LEFT, 1, 0);
    attach(RIGHT, 1, 0);
    SEE(CORE_CLOSE, LEFT, .conn = 1, .code = CORE_CLOSE_TAKEN_OVER);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT,
                    "left was closed as taken over, but it has opened no other connection");
}

static void taken_over_by_itself(void **state)
{
    (void)state;
    begin("");
    attach(LEFT, 1, 0);
    attach(LEFT, 2, 0);
    SEE(CORE_CLOSE, LEFT, .conn = 1, .code = CORE_CLOSE_TAKEN_OVER);
    stream_holds();
}

static void refused_with_room(void **state)
{
    (void)state;
    begin("max_conns_per_session=2");
    attach(LEFT, 1, 0);
    SEE(CLIENT_OPEN, RIGHT, .conn = 1, .session = W("s1"));
    say(RIGHT, 1, "hello");
    SEE(CORE_CLOSE, RIGHT, .conn = 1, .code = CORE_CLOSE_EXCESS);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT, "right was closed as one too many, but at most 2 "
                                                 "were there, and 2 may");
}

/* --- the gate --- */

static void ask_for_run(void)
{
    SEE(RUN_CALL, BOT, .session = W("s1"), .key = W("bot"));
}

static void start(void)
{
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
}

static void gate_is_shut(void **state)
{
    (void)state;
    begin("");
    ask_for_run();
    SEE(CLIENT_OPEN, LEFT, .conn = 1, .session = W("s1"));
    say(LEFT, 1, "hello");
    stream_at_ms(7);
    start();
    stream_violates(SCN_INVARIANT_GATE_HOLDS,
                    "bot was started 7ms after it was asked for, and no tab had acknowledged");
}

/* Readiness goes with its connection. */
static void gate_of_a_connection_that_was(void **state)
{
    (void)state;
    begin("");
    attach(LEFT, 1, 0);
    leave(LEFT, 1, 1);
    ask_for_run();
    start();
    stream_violates(SCN_INVARIANT_GATE_HOLDS,
                    "bot was started 0ms after it was asked for, and no tab had acknowledged");
}

static void gate_opens(void **state)
{
    (void)state;
    begin("");
    ask_for_run();
    attach(LEFT, 1, 0);
    leave(LEFT, 1, 1);          /* between the start and the first step of the agent */
    start();
    assert_null(stream_verdict());
    assert_true(stream_exercised(SCN_INVARIANT_GATE_HOLDS));
    stream_end();
}

static void gate_is_waived(void **state)
{
    (void)state;
    begin("");
    ask_for_run();
    stream_at_ms(10000);
    start();
    stream_holds();
}

static void gate_is_not_waived(void **state)
{
    (void)state;
    begin("on_gate_timeout=hold");
    ask_for_run();
    stream_at_ms(10000);
    start();
    stream_violates(SCN_INVARIANT_GATE_HOLDS, "bot was started 10000ms after it was asked for, and "
                                              "no tab had acknowledged");
}

/* --- cancels and stops --- */

static void begin_run_with(const char *settings, const char *step)
{
    begin_with(settings, step);
    attach(LEFT, 1, 0);
    start();
    SEE(CLIENT_RECV, LEFT, .kind = W("run_state"), .state = W("running"), .seq = 1, .frame = 1);
}

static void begin_run(const char *settings)
{
    begin_run_with(settings, "");
}

static void cancel(void)
{
    SEE(CLIENT_SEND, LEFT, .conn = 1, .kind = W("cancel"), .run = 1, .frame = 1);
    say(LEFT, 1, "cancel");
}

static void cancel_is_not_heard(void **state)
{
    (void)state;
    begin_run("");
    cancel();
    stream_calm(4000);
    stream_violates(SCN_INVARIANT_CANCEL_IS_HEARD,
                    "a cancel of the run of bot was taken, and the agent was never asked to stop");
}

static void run_goes_on(void **state)
{
    (void)state;
    begin_run("");
    cancel();
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    stream_calm(4000);
    stream_violates(SCN_INVARIANT_CANCEL_IS_HEARD,
                    "bot was asked to stop 4s ago, and its run goes on");
}

static void cancel_of_no_run_is_refused(void **state)
{
    (void)state;
    begin_run("");
    SEE(CLIENT_SEND, LEFT, .conn = 1, .kind = W("cancel"), .run = 0, .frame = 1);
    say(LEFT, 1, "cancel");
    stream_calm(4000);
    stream_holds();
}

static void cancel_before_the_run_is_refused(void **state)
{
    (void)state;
    begin("");
    attach(LEFT, 1, 0);
    cancel();
    start();
    stream_calm(4000);
    stream_holds();
}

static void cancel_is_heard(void **state)
{
    (void)state;
    begin_run("");
    cancel();
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    SEE(RUN_END, BOT, .run = 1, .outcome = W("cancelled"));
    stream_calm(4000);
    assert_null(stream_verdict());
    assert_true(stream_exercised(SCN_INVARIANT_POLICIES_KEPT));
    stream_end();
}

static void stopped_by_nobody(void **state)
{
    (void)state;
    begin_run("");
    leave(LEFT, 1, 1);
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT,
                    "bot was asked to stop, though nobody cancelled it and on_detach=keep was not "
                    "due");
}

static void stopped_too_soon(void **state)
{
    (void)state;
    begin_run("on_detach=cancel_after_grace detach_grace=3s");
    leave(LEFT, 1, 1);
    stream_at_ms(2999);
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT,
                    "bot was asked to stop, though nobody cancelled it and "
                    "on_detach=cancel_after_grace was not due");
}

static void stopped_after_grace(void **state)
{
    (void)state;
    begin_run("on_detach=cancel_after_grace detach_grace=3s");
    leave(LEFT, 1, 1);
    stream_at_ms(3000);
    attach(LEFT, 2, 0);         /* too late: it was decided before */
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    SEE(RUN_END, BOT, .run = 1, .outcome = W("cancelled"));
    stream_holds();
}

static void never_stopped(void **state)
{
    (void)state;
    begin_run("on_detach=cancel_after_grace detach_grace=3s");
    stream_at_ms(1);
    leave(LEFT, 1, 1);
    stream_calm(4001);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT,
                    "nobody has been attached for 4s, and bot was not asked to stop");
}

static void not_stopped_yet(void **state)
{
    (void)state;
    begin_run("on_detach=cancel_after_grace detach_grace=3s");
    stream_at_ms(1);
    leave(LEFT, 1, 1);
    stream_calm(4000);         /* a second of margin */
    stream_holds();
}

static void worked_too_long(void **state)
{
    (void)state;
    begin_run("run_timeout=3s");
    stream_calm(4001);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT,
                    "bot has worked for 4s, and was not asked to stop");
}

static void works_long_enough(void **state)
{
    (void)state;
    begin_run("run_timeout=3s");
    stream_calm(4000);
    stream_holds();
}

static void has_a_limit_of_its_own(void **state)
{
    (void)state;
    begin_run_with("run_timeout=1s", "  start timeout=3s\n");
    stream_calm(4000);
    stream_holds();
    begin_run_with("run_timeout=1s", "  start timeout=3s\n");
    stream_calm(4001);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT,
                    "bot has worked for 4s, and was not asked to stop");
}

static void stopped_by_a_drain(void **state)
{
    (void)state;
    begin_run("");
    SEE(STEP_BEGIN, API, .step = 0, .occurrence = 1);
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    SEE(RUN_END, BOT, .run = 1, .outcome = W("cancelled"));
    SEE(CORE_DRAINED, CORE, .code = W("ok"));
    stream_holds();
}

/* --- drained --- */

static void drained_with_an_agent(void **state)
{
    (void)state;
    begin_run("");
    SEE(CORE_DRAINED, CORE, .code = W("ok"));
    stream_violates(SCN_INVARIANT_DRAIN_IS_FINAL,
                    "core has drained, and bot is still at work in it");
}

static void drained_and_appending(void **state)
{
    (void)state;
    begin("");
    SEE(CORE_DRAINED, CORE, .code = W("ok"));
    SEE_ARROW(STORE_CALL, PARTY_MESSAGES, CORE, PARTY_MESSAGES, .op = W("append"));
    stream_violates(SCN_INVARIANT_DRAIN_IS_FINAL,
                    "core has drained, and does this: a core calls a store");
}

static void drained_and_back(void **state)
{
    (void)state;
    begin("");
    SEE(CORE_DRAINED, CORE, .code = W("ok"));
    SEE(CORE_STARTED, CORE, .life = 2);
    SEE_ARROW(STORE_CALL, PARTY_MESSAGES, CORE, PARTY_MESSAGES, .op = W("load"));
    stream_holds();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_connection_ends),
        cmocka_unit_test(connection_ends_twice),
        cmocka_unit_test(same_generation_in_another_life),
        cmocka_unit_test(silence_goes_unnoticed),
        cmocka_unit_test(no_heartbeat),
        cmocka_unit_test(heartbeats_and_a_close),
        cmocka_unit_test(backlog_grows),
        cmocka_unit_test(backlog_within_the_limit),
        cmocka_unit_test(backlog_of_a_replay),
        cmocka_unit_test(one_connection_too_many),
        cmocka_unit_test(room_after_a_close),
        cmocka_unit_test(more_runs_than_allowed),
        cmocka_unit_test(taken_over_by_nobody),
        cmocka_unit_test(taken_over_by_itself),
        cmocka_unit_test(refused_with_room),
        cmocka_unit_test(gate_is_shut),
        cmocka_unit_test(gate_of_a_connection_that_was),
        cmocka_unit_test(gate_opens),
        cmocka_unit_test(gate_is_waived),
        cmocka_unit_test(gate_is_not_waived),
        cmocka_unit_test(cancel_is_not_heard),
        cmocka_unit_test(run_goes_on),
        cmocka_unit_test(cancel_is_heard),  cmocka_unit_test(cancel_of_no_run_is_refused),
        cmocka_unit_test(cancel_before_the_run_is_refused),
        cmocka_unit_test(stopped_by_nobody),
        cmocka_unit_test(stopped_too_soon),
        cmocka_unit_test(stopped_after_grace),
        cmocka_unit_test(never_stopped),
        cmocka_unit_test(not_stopped_yet),
        cmocka_unit_test(worked_too_long),
        cmocka_unit_test(works_long_enough),
        cmocka_unit_test(has_a_limit_of_its_own),
        cmocka_unit_test(stopped_by_a_drain),
        cmocka_unit_test(drained_with_an_agent),
        cmocka_unit_test(drained_and_appending),
        cmocka_unit_test(drained_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
