/* The check block: what each line counts, when it is judged, and what it says. */
#include "tests/check/block.h"

#include <string.h>

/* --- always and never --- */

static void always_broken_at_once(void **state)
{
    (void)state;
    begin("  one_port: always box.servers[port=3000] <= 1\n"
          "  off no_duplicate_servers \"it is not what is tested\"\n");
    spawn(3000, 1);
    spawn(3000, 2);
    const struct check_violation *violation = check_violated(stream_set());
    assert_non_null(violation);
    assert_string_equal(violation->name, "one_port");
    assert_int_equal(violation->place.line, 14);
    assert_int_equal(violation->record, 2);
    leave(3000, 1, false);
    stream_violates(FIRST_LINE,
                    "box.servers[port=3000] <= 1 did not hold: box.servers[port=3000] was 2");
}

static void always_kept(void **state)
{
    (void)state;
    begin("  always box.servers[port=3000] <= 1\n"
          "  always box.processes <= 3\n"
          "  off no_duplicate_servers \"it is not what is tested\"\n");
    spawn(3000, 1);
    SEE(PR_CHILD, BOX, .instance = 1, .sandbox = W("box"));
    spawn(3001, 2);
    leave(3000, 1, true);
    leave(3000, 1, false);
    spawn(3000, 3);
    stream_calm(1000);
    stream_holds();
}

static void always_from_the_beginning(void **state)
{
    (void)state;
    begin("  always box.servers == 1\n");
    SEE(CORE_STARTED, PARTY_CORE, .life = 1);
    stream_violates(FIRST_LINE, "box.servers == 1 did not hold: box.servers was 0");
}

static void always_between_two_counts(void **state)
{
    (void)state;
    begin("  always box.stopped <= box.started\n");
    spawn(3000, 1);
    leave(3000, 1, false);
    leave(3000, 1, false);
    stream_violates(FIRST_LINE, "box.stopped <= box.started did not hold: box.stopped was 2, "
                                "box.started was 1");
}

static void always_when(void **state)
{
    (void)state;
    begin("  always box.servers <= 0 when box.crashed == 1\n");
    spawn(3000, 1);
    leave(3000, 1, false);
    SEE(SB_CRASH, BOX, .sandbox = W("box"));
    spawn(3000, 2);
    stream_violates(FIRST_LINE, "box.servers <= 0 did not hold: box.servers was 1");
}

static void never_happened(void **state)
{
    (void)state;
    begin("  never one.error[code=port_in_use]\n");
    receive(LEFT, "error", "limit");
    receive(LEFT, "token", "port_in_use");
    receive(BOT, "error", "port_in_use");
    stream_holds();
}

static void never_broken(void **state)
{
    (void)state;
    begin("  never one.error[code=port_in_use]\n");
    receive(RIGHT, "error", "port_in_use");
    stream_violates(FIRST_LINE, "one.error[code=port_in_use] happened");
}

static void never_true(void **state)
{
    (void)state;
    begin("  never box.servers > 0\n");
    spawn(3000, 1);
    stream_violates(FIRST_LINE, "box.servers > 0 became true: box.servers was 1");
}

/* --- before --- */

static void before_both_ways(void **state)
{
    (void)state;
    begin("  never bot.expired[id=deploy] before bot.answered[id=deploy]\n"
          "  never bot.answered[id=deploy] before bot.expired[id=deploy]\n"
          "  off one_outcome \"it is not what is tested\"\n");
    settle("approved");
    settle("expired");
    stream_violates(SECOND_LINE, "bot.answered[id=deploy] came before bot.expired[id=deploy]");
}

static void before_needs_both(void **state)
{
    (void)state;
    begin("  never bot.answered before bot.expired\n"
          "  never bot.settled before bot.settled[outcome=approved]\n");
    settle("approved");
    stream_holds();
}

static void step_ends(uint16_t actor, int64_t step, int64_t occurrence)
{
    SEE(STEP_BEGIN, actor, .step = step, .occurrence = occurrence);
    SEE(STEP_END, actor, .step = step, .occurrence = occurrence);
}

static void before_by_occurrence(void **state)
{
    (void)state;
    begin("  never bot.token[2] before left.open\n");
    step_ends(BOT, 0, 1);
    step_ends(LEFT, 0, 1);
    step_ends(BOT, 0, 2);
    stream_holds();
}

/* The second of its kind, counted over the run. */
static void before_by_occurrence_of_an_event(void **state)
{
    (void)state;
    begin("  never left.received[2] before right.received[2]\n");
    receive(LEFT, "token", "");
    receive(RIGHT, "token", "");
    receive(RIGHT, "token", "");
    receive(LEFT, "token", "");
    receive(RIGHT, "token", "");
    assert_null(check_violated(stream_set()));
    stream_calm(1000);
    stream_holds();
}

static void before_by_occurrence_of_an_event_broken(void **state)
{
    (void)state;
    begin("  never left.received[2] before right.received[2]\n");
    receive(RIGHT, "token", "");
    receive(LEFT, "token", "");
    receive(LEFT, "token", "");
    assert_null(check_violated(stream_set()));
    receive(RIGHT, "token", "");
    stream_violates(FIRST_LINE, "left.received[2] came before right.received[2]");
}

static void occurrence_of_an_event(void **state)
{
    (void)state;
    begin("  never left.received[2]\n");
    receive(LEFT, "token", "");
    assert_null(check_violated(stream_set()));
    receive(LEFT, "token", "");
    stream_violates(FIRST_LINE, "left.received[2] happened");
}

static void before_by_occurrence_broken(void **state)
{
    (void)state;
    begin("  never bot.token[2] before left.open\n");
    step_ends(BOT, 0, 1);
    step_ends(BOT, 0, 2);
    step_ends(RIGHT, 0, 1);
    step_ends(LEFT, 1, 1);
    assert_null(check_violated(stream_set()));
    step_ends(LEFT, 0, 1);
    stream_violates(FIRST_LINE, "bot.token[2] came before left.open");
}

/* --- counts --- */

static void exactly_exceeded_at_once(void **state)
{
    (void)state;
    begin("  one_boot: exactly 1 box.started[port=3000]\n"
          "  off no_duplicate_servers \"it is not what is tested\"\n");
    spawn(3000, 1);
    spawn(3001, 2);
    assert_null(check_violated(stream_set()));
    spawn(3000, 3);
    assert_non_null(check_violated(stream_set()));
    stream_violates(FIRST_LINE,
                    "box.started[port=3000] happened 2 times; exactly 1 was allowed");
}

static void exactly_missed(void **state)
{
    (void)state;
    begin("  exactly 2 box.started\n");
    spawn(3000, 1);
    stream_calm(1000);
    stream_violates(FIRST_LINE, "box.started happened 1 time; exactly 2 was due");
}

static void exactly_met(void **state)
{
    (void)state;
    begin("  exactly 1 box.started\n"
          "  exactly 0 box.crashed\n"
          "  at least 1 box.started\n"
          "  at most 1 box.started\n");
    spawn(3000, 1);
    stream_calm(1000);
    stream_holds();
}

static void exactly_with_an_excuse(void **state)
{
    (void)state;
    begin("  exactly 1 box.started when box.crashed == 0\n");
    spawn(3000, 1);
    leave(3000, 1, false);
    spawn(3000, 2);
    SEE(SB_CRASH, BOX, .sandbox = W("box"));
    stream_calm(1000);
    stream_holds();
}

static void exactly_without_the_excuse(void **state)
{
    (void)state;
    begin("  exactly 1 box.started when box.crashed == 0\n");
    spawn(3000, 1);
    leave(3000, 1, false);
    spawn(3000, 2);
    assert_null(check_violated(stream_set()));
    stream_calm(1000);
    stream_violates(FIRST_LINE, "box.started happened 2 times; exactly 1 was allowed");
}

static void at_most_exceeded_at_once(void **state)
{
    (void)state;
    begin("  at most 1 crash\n");
    SEE(FAULT_BEGIN, BOX, .fault = 0, .occurrence = 1);
    SEE(FAULT_BEGIN, BOX, .fault = 0, .occurrence = 2);
    stream_violates(FIRST_LINE, "crash happened 2 times; at most 1 was allowed");
}

static void at_least_missed(void **state)
{
    (void)state;
    begin("  at least 2 bot.token\n");
    step_ends(BOT, 0, 1);
    stream_calm(1000);
    stream_violates(FIRST_LINE, "bot.token happened 1 time; at least 2 was due");
}

/* What the harness does to take the core down is no part of the story. */
static void nothing_after_the_calm(void **state)
{
    (void)state;
    begin("  exactly 0 bot.cancelled\n"
          "  never bot.settled\n");
    stream_calm(1000);
    settle("cancelled");
    stream_holds();
}

/* Bounds cut the run: nobody knows what would have come. */
static void a_cut_run_is_not_judged(void **state)
{
    (void)state;
    begin("  at least 2 bot.token\n"
          "  eventually box.servers == 1 within 0..5s\n");
    step_ends(BOT, 0, 1);
    SEE(CALM, PARTY_NOBODY, .length = 5000000);
    stream_holds();
}

/* --- levels of tabs --- */

static void server_state(uint16_t tab, const char *run_state, const char *app)
{
    SEE(SRV_STATE, tab, .state = W(run_state), .app = W(app), .port = 3000);
}

static void ready_tabs(void **state)
{
    (void)state;
    begin("  always one.ready_tabs[project=shop] <= 1\n"
          "  never two.ready_tabs == 1\n"
          "  never one.ready_tabs[project=other] == 1\n");
    server_state(LEFT, "starting", "web");
    server_state(LEFT, "running", "web");
    server_state(LEFT, "running", "mobile");
    server_state(LEFT, "stopped", "web");
    SEE(CLIENT_FRESH, LEFT, .session = W("s1"));
    server_state(RIGHT, "running", "web");
    assert_null(check_violated(stream_set()));
    server_state(LEFT, "running", "mobile");
    stream_violates(FIRST_LINE, "one.ready_tabs[project=shop] <= 1 did not hold: "
                                "one.ready_tabs[project=shop] was 2");
}

/* One tab, two kinds of server: it is ready while it knows one that runs. */
static void ready_with_either_server(void **state)
{
    (void)state;
    begin("  always one.ready_tabs == 1 when left.connected > 0\n");
    server_state(LEFT, "running", "web");
    server_state(LEFT, "running", "mobile");
    SEE(CLIENT_ONLINE, LEFT, .conn = 1);
    server_state(LEFT, "stopped", "web");
    server_state(LEFT, "running", "web");
    server_state(LEFT, "stopping", "mobile");
    assert_null(check_violated(stream_set()));
    server_state(LEFT, "stopped", "web");
    stream_violates(FIRST_LINE, "one.ready_tabs == 1 did not hold: one.ready_tabs was 0");
}

static void ready_no_more_on_a_fresh_page(void **state)
{
    (void)state;
    begin("  always one.ready_tabs == 1 when left.connected > 0\n");
    server_state(LEFT, "running", "web");
    server_state(LEFT, "running", "mobile");
    SEE(CLIENT_ONLINE, LEFT, .conn = 1);
    SEE(CLIENT_FRESH, LEFT, .session = W("s1"));
    stream_violates(FIRST_LINE, "one.ready_tabs == 1 did not hold: one.ready_tabs was 0");
}

static void tabs_online(void **state)
{
    (void)state;
    begin("  never left.online == 0 when left.connected > 0\n"
          "  always one.tabs[user=alice] <= 1\n");
    SEE(CLIENT_OFFLINE, LEFT, .conn = 1);
    SEE(CLIENT_ONLINE, LEFT, .conn = 2);
    assert_null(check_violated(stream_set()));
    SEE(CLIENT_ONLINE, RIGHT, .conn = 1);
    stream_violates(SECOND_LINE,
                    "one.tabs[user=alice] <= 1 did not hold: one.tabs[user=alice] was 2");
}

static void locks_held(void **state)
{
    (void)state;
    begin("  always store.locks.held[key=dev_server] <= 1\n"
          "  at most 2 store.locks.granted\n"
          "  off locks_exclude \"it is not what is tested\"\n");
    for (int64_t token = 1; token <= 2; token++) {
        SEE_ARROW(LK_GRANT, PARTY_LOCKS, PARTY_LOCKS, PARTY_CORE, .key = W("dev_server"),
                  .token = token, .lock = W("dev_server:box"));
        SEE(LK_EXPIRE, PARTY_LOCKS, .key = W("dev_server"), .token = token,
            .lock = W("dev_server:box"));
    }
    assert_null(check_violated(stream_set()));
    SEE_ARROW(LK_GRANT, PARTY_LOCKS, PARTY_LOCKS, PARTY_CORE, .key = W("other"), .token = 3);
    stream_violates(SECOND_LINE, "store.locks.granted happened 3 times; at most 2 was allowed");
}

/* --- one execution after the other --- */

static void nothing_is_carried_over(void **state)
{
    (void)state;
    begin("  at most 1 box.started\n"
          "  never bot.answered before bot.expired\n"
          "  off one_outcome \"it is not what is tested\"\n");
    for (int run = 0; run < 3; run++) {
        spawn(3000, 1);
        leave(3000, 1, false);
        settle(run == 0 ? "approved" : "expired");
        stream_calm(1000);
        assert_null(stream_verdict());
        stream_again();
    }
    spawn(3000, 1);
    leave(3000, 1, false);
    spawn(3000, 2);
    stream_violates(FIRST_LINE, "box.started happened 2 times; at most 1 was allowed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(always_broken_at_once),
        cmocka_unit_test(always_kept),
        cmocka_unit_test(always_from_the_beginning),
        cmocka_unit_test(always_between_two_counts),
        cmocka_unit_test(always_when),
        cmocka_unit_test(never_happened),
        cmocka_unit_test(never_broken),
        cmocka_unit_test(never_true),
        cmocka_unit_test(before_both_ways),
        cmocka_unit_test(before_needs_both),
        cmocka_unit_test(before_by_occurrence),
        cmocka_unit_test(before_by_occurrence_of_an_event),
        cmocka_unit_test(before_by_occurrence_of_an_event_broken),
        cmocka_unit_test(occurrence_of_an_event),
        cmocka_unit_test(before_by_occurrence_broken),
        cmocka_unit_test(exactly_exceeded_at_once),
        cmocka_unit_test(exactly_missed),
        cmocka_unit_test(exactly_met),
        cmocka_unit_test(exactly_with_an_excuse),
        cmocka_unit_test(exactly_without_the_excuse),
        cmocka_unit_test(at_most_exceeded_at_once),
        cmocka_unit_test(at_least_missed),
        cmocka_unit_test(nothing_after_the_calm),
        cmocka_unit_test(a_cut_run_is_not_judged),
        cmocka_unit_test(ready_tabs),
        cmocka_unit_test(ready_with_either_server),
        cmocka_unit_test(ready_no_more_on_a_fresh_page),
        cmocka_unit_test(tabs_online),
        cmocka_unit_test(locks_held),
        cmocka_unit_test(nothing_is_carried_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
