/* Leases of a store that is well, the grace of servers, sandboxes that somebody looks at: each
 * promise broken once, and near misses. */
#include "tests/check/stream.h"

#include <stdio.h>

enum { BOX = FIRST, LEFT = SECOND, EAST = THIRD, WEST = FOURTH, CORE = PARTY_CORE };

static void begin_with(const char *faults, const char *explore)
{
    char story[1024];

    (void)snprintf(story, sizeof story,
                   "core pool_idle=5s term_grace=2s\n"
                   "sandbox box project=s1\n"
                   "tab left user=alice session=s1\n"
                   "  connect\n"
                   "backend east session=s2\n"
                   "  lease nightly\n"
                   "backend west session=s2\n"
                   "  lease nightly\n"
                   "%s"
                   "check\n"
                   "  on no_crash\n"
                   "%s", faults, explore);
    stream_begin(story);
    SEE(CORE_STARTED, CORE, .life = 1);
}

static void begin(void)
{
    begin_with("", "");
}

/* --- leases --- */

static void ask(uint16_t backend, int64_t wait_ms)
{
    SEE(LEASE_CALL, backend, .key = W("nightly"), .wait = wait_ms * 1000, .ttl = 4000000);
}

static void grant(int64_t token, int64_t until_ms)
{
    SEE_ARROW(LK_GRANT, PARTY_LOCKS, PARTY_LOCKS, CORE, .key = W("nightly"), .lock = W("nightly"),
              .owner = W("core"), .token = token, .until = until_ms * 1000);
}

static void hold(uint16_t backend, int64_t token)
{
    SEE(LEASE_HELD, backend, .key = W("nightly"), .token = token);
}

static void expire(int64_t token)
{
    SEE(LK_EXPIRE, PARTY_LOCKS, .key = W("nightly"), .lock = W("nightly"), .owner = W("core"),
        .token = token);
}

static void no_answer(void)
{
    SEE_ARROW(STORE_CALL, PARTY_LOCKS, CORE, PARTY_LOCKS, .op = W("renew"), .key = W("nightly"));
    SEE_ARROW(STORE_REPLY, PARTY_LOCKS, PARTY_LOCKS, CORE, .op = W("renew"), .key = W("nightly"),
              .code = W("unknown"));
}

static void take_and_lose(bool trouble)
{
    ask(EAST, 0);
    grant(1, 4000);
    hold(EAST, 1);
    if (trouble) no_answer();
    stream_at_ms(3600);
    SEE(LEASE_LOST, EAST, .key = W("nightly"), .token = 1);
}

static void lost_for_nothing(void **state)
{
    (void)state;
    begin();
    take_and_lose(false);
    stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                    "east was told that it lost lease nightly, and nothing was wrong with the "
                    "store");
}

static void lost_without_an_answer(void **state)
{
    (void)state;
    begin();
    take_and_lose(true);
    stream_holds();
}

/* Time may pass before a thread gets to run. */
static void lost_while_it_stood_still(void **state)
{
    (void)state;
    begin_with("", "explore\n  bound stalls=1 lag=5s\n");
    take_and_lose(false);
    stream_holds();
}

/* Calls of the store one by one, each in time, until the clock says `until_ms`. */
static void keep_store_busy(uint64_t from_ms, uint64_t until_ms, const char *key)
{
    for (uint64_t at = from_ms; at < until_ms; at += 200) {
        SEE_ARROW(STORE_CALL, PARTY_LOCKS, CORE, PARTY_LOCKS, .op = W("renew"), .key = W(key));
        stream_at_ms(at + 200);
        SEE_ARROW(STORE_REPLY, PARTY_LOCKS, PARTY_LOCKS, CORE, .op = W("renew"), .key = W(key),
                  .code = W("ok"));
    }
}

static void take_and_lose_late(uint64_t busy_until_ms)
{
    begin();
    ask(EAST, 0);
    grant(1, 4000);
    hold(EAST, 1);
    keep_store_busy(0, busy_until_ms, "other");
    stream_at_ms(3600);
    SEE(LEASE_LOST, EAST, .key = W("nightly"), .token = 1);
}

/* All calls of a core come one after the other: others may leave no time for a renewal. */
static void lost_among_many(void **state)
{
    (void)state;
    take_and_lose_late(3600);
    stream_holds();
    take_and_lose_late(1800);
    stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                    "east was told that it lost lease nightly, and nothing was wrong with the "
                    "store");
}

static void give_back(const char *why, bool trouble)
{
    begin();
    ask(EAST, 0);
    grant(1, 4000);
    hold(EAST, 1);
    if (trouble) no_answer();
    SEE(LEASE_RETURN, EAST, .key = W("nightly"), .token = 1);
    SEE_ARROW(LK_RELEASE, PARTY_LOCKS, CORE, PARTY_LOCKS, .key = W("nightly"),
              .lock = W("nightly"), .owner = W("core"), .token = 1);
    SEE(LEASE_ENDED, EAST, .key = W("nightly"), .token = 1, .why = W(why));
}

static void given_back_in_doubt(void **state)
{
    (void)state;
    give_back("unknown", false);
    stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                    "east gave lease nightly back and was told unknown, and nothing was wrong with "
                    "the store");
    give_back("unknown", true);
    stream_holds();
    give_back("released", false);
    stream_holds();
}

static void hand_on(bool told)
{
    begin();
    ask(EAST, 0);
    grant(1, 4000);
    hold(EAST, 1);
    stream_at_ms(1000);
    expire(1);
    ask(WEST, 0);
    grant(2, 5000);
    if (told) SEE(LEASE_LOST, EAST, .key = W("nightly"), .token = 1);
    hold(WEST, 2);
}

static void two_count_on_it(void **state)
{
    (void)state;
    hand_on(false);
    stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                    "west was given lease nightly, and east, who counts on it, was not told that "
                    "it is lost");
    hand_on(true);
    stream_holds();
}

/* The first was told of the loss before it has noted that it was given the lease. */
static void told_before_it_noted(void **state)
{
    (void)state;
    begin();
    ask(EAST, 9000);
    grant(1, 4000);
    stream_at_ms(1000);
    expire(1);
    SEE(LEASE_LOST, EAST, .key = W("nightly"), .token = 1);
    ask(WEST, 0);
    grant(2, 5000);
    hold(WEST, 2);
    hold(EAST, 1);
    stream_holds();
}

/* That one is lost does not excuse a core from telling of the next. */
static void told_of_the_one_before(void **state)
{
    (void)state;
    begin();
    ask(EAST, 0);
    grant(1, 4000);
    hold(EAST, 1);
    stream_at_ms(1000);
    expire(1);
    ask(EAST, 0);
    grant(2, 5000);
    hold(EAST, 2);
    SEE(LEASE_LOST, EAST, .key = W("nightly"), .token = 1);
    expire(2);
    ask(WEST, 0);
    grant(3, 5000);
    hold(WEST, 3);
    stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                    "west was given lease nightly, and east, who counts on it, was not told that "
                    "it is lost");
}

static void wait_for_it(uint64_t granted_ms)
{
    begin();
    ask(EAST, 0);
    grant(1, 4000);
    hold(EAST, 1);
    ask(WEST, 9000);
    stream_at_ms(2000);
    SEE(LEASE_RETURN, EAST, .key = W("nightly"), .token = 1);
    SEE_ARROW(LK_RELEASE, PARTY_LOCKS, CORE, PARTY_LOCKS, .key = W("nightly"),
              .lock = W("nightly"), .owner = W("core"), .token = 1);
    SEE(LEASE_ENDED, EAST, .key = W("nightly"), .token = 1, .why = W("released"));
    stream_at_ms(granted_ms);
    grant(2, (int64_t)granted_ms + 4000);
    hold(WEST, 2);
}

static void free_and_not_taken(void **state)
{
    (void)state;
    wait_for_it(3300);
    stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                    "west waited for lease nightly for 1300ms while nobody held it");
    wait_for_it(3100);
    stream_holds();
}

/* Other calls may keep the thread from asking for it. */
static void free_and_no_time_to_ask(void **state)
{
    (void)state;
    for (int busy = 0; busy < 2; busy++) {
        begin();
        ask(EAST, 0);
        grant(1, 4000);
        hold(EAST, 1);
        ask(WEST, 9000);
        stream_at_ms(1000);
        SEE(LEASE_RETURN, EAST, .key = W("nightly"), .token = 1);
        SEE_ARROW(LK_RELEASE, PARTY_LOCKS, CORE, PARTY_LOCKS, .key = W("nightly"),
                  .lock = W("nightly"), .owner = W("core"), .token = 1);
        SEE(LEASE_ENDED, EAST, .key = W("nightly"), .token = 1, .why = W("released"));
        if (busy) keep_store_busy(1000, 3000, "other");
        stream_at_ms(3000);
        grant(2, 7000);
        hold(WEST, 2);
        if (busy) stream_holds();
        else
            stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                            "west waited for lease nightly for 2000ms while nobody held it");
    }
}

/* --- the grace of a server --- */

static void end_server(uint64_t killed_ms, bool refused)
{
    begin();
    SEE(SB_ASSIGN, BOX, .sandbox = W("box"), .owner = W("s1"), .token = 2);
    SEE(PR_SPAWN, BOX, .port = 3000, .instance = 1, .app = W("web"), .sandbox = W("box"),
        .token = 2, .fence = 1);
    stream_at_ms(1000);
    SEE_ARROW(PR_SIGNAL, BOX, CORE, BOX, .instance = 1, .signal = W("term"));
    if (refused) SEE(SB_REFUSE, BOX, .sandbox = W("box"), .op = W("wait"));
    stream_at_ms(killed_ms);
    SEE_ARROW(PR_SIGNAL, BOX, CORE, BOX, .instance = 1, .signal = W("kill"));
    SEE(PR_EXIT, BOX, .port = 3000, .instance = 1, .sandbox = W("box"));
}

static void killed_before_its_time(void **state)
{
    (void)state;
    end_server(2500, false);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT,
                    "instance 1 in box was killed 1500ms after it was asked to end; it may take "
                    "2000ms");
    end_server(3000, false);
    stream_holds();
    end_server(2500, true);
    stream_holds();
}

/* --- sandboxes that somebody looks at --- */

static void take_away(bool told, uint16_t by)
{
    begin();
    stream_attach(LEFT, 1, 1, 0, 0);
    SEE(CLIENT_ONLINE, LEFT, .conn = 1, .gen = 1);
    SEE(SB_ASSIGN, BOX, .sandbox = W("box"), .owner = W("s1"), .token = 2);
    stream_at_ms(100);
    if (told) SEE(SRV_STATE, LEFT, .state = W("running"), .port = 3000, .version = 1);
    stream_at_ms(21000);
    SEE_ARROW(SB_RELEASE, BOX, by, BOX, .sandbox = W("box"), .owner = W("s1"), .token = 3);
}

static void taken_from_a_tab(void **state)
{
    (void)state;
    take_away(true, CORE);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT,
                    "sandbox box was taken from s1, whose tab left is there and was told that "
                    "a server runs in it");
    take_away(false, CORE);
    assert_null(stream_verdict());
    assert_true(stream_exercised(SCN_INVARIANT_POLICIES_KEPT));
    stream_end();
    take_away(true, PARTY_NOBODY);
    stream_holds();
}

/* --- two of a kind --- */

static void start_second(bool ends, bool moved)
{
    begin_with(moved ? "faults\n  may move_port box\n" : "", "");
    if (moved) SEE(FAULT_BEGIN, BOX, .fault = 0);
    SEE(SB_ASSIGN, BOX, .sandbox = W("box"), .owner = W("s1"), .token = 2);
    for (int64_t instance = 1; instance <= 2; instance++)
        SEE(PR_SPAWN, BOX, .port = 3000, .instance = instance, .app = W("web"),
            .sandbox = W("box"), .token = 2, .fence = 1, .late = instance == 2);
    if (ends) SEE(PR_EXIT, BOX, .port = 3000, .instance = 1, .sandbox = W("box"));
    stream_calm(75000);
}

static void both_go_on(void **state)
{
    (void)state;
    start_second(false, false);
    stream_violates(SCN_INVARIANT_NO_DUPLICATE_SERVERS,
                    "instances 1 and 2 of the web server in box still run");
    start_second(true, false);
    stream_holds();
    start_second(false, true);     /* nobody knows of the late one, and its port was not taken */
    stream_holds();
}

/* A late one does not hide that a server is alive. */
static void second_beside_a_late_one(void **state)
{
    (void)state;
    begin();
    SEE(SB_ASSIGN, BOX, .sandbox = W("box"), .owner = W("s1"), .token = 2);
    for (int64_t instance = 1; instance <= 3; instance++)
        SEE(PR_SPAWN, BOX, .port = 3000, .instance = instance, .app = W("web"),
            .sandbox = W("box"), .token = 2, .fence = 1, .late = instance == 2);
    stream_violates(SCN_INVARIANT_NO_DUPLICATE_SERVERS,
                    "instance 3 of the web server was spawned in box while instance 1 was alive");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_for_nothing),
        cmocka_unit_test(lost_without_an_answer),
        cmocka_unit_test(lost_while_it_stood_still),
        cmocka_unit_test(lost_among_many),
        cmocka_unit_test(given_back_in_doubt),
        cmocka_unit_test(two_count_on_it),
        cmocka_unit_test(told_before_it_noted),
        cmocka_unit_test(told_of_the_one_before),
        cmocka_unit_test(free_and_not_taken),
        cmocka_unit_test(free_and_no_time_to_ask),
        cmocka_unit_test(killed_before_its_time),
        cmocka_unit_test(taken_from_a_tab),
        cmocka_unit_test(both_go_on),
        cmocka_unit_test(second_beside_a_late_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
