/* Alerts that are false, and truths that nobody was told; near misses. Stops of runs with a lock or
 * a limited time. */
#include "harness/check/check.h"
#include "tests/check/stream.h"

#include <stdio.h>

enum { EAST = FIRST, WEST = SECOND, BOT = THIRD, CORE = PARTY_CORE };

static void begin_with(const char *settings)
{
    char story[1024];

    (void)snprintf(story, sizeof story,
                   "core contention_min_samples=2 deadlock_after=10s health_period=5s\n"
                   "core lease_ttl=10s %s\n"
                   "backend east west\n"
                   "  lease nightly\n"
                   "agent bot session=s1\n"
                   "  finish\n"
                   "check\n"
                   "  on alerts_are_true\n", settings);
    stream_begin(story);
    SEE(CORE_STARTED, CORE, .life = 1);
}

static void begin(void)
{
    begin_with("");
}

static void grant(const char *lock, int64_t token, int64_t until_ms)
{
    SEE_ARROW(STORE_CALL, PARTY_LOCKS, CORE, PARTY_LOCKS, .op = W("acquire"), .key = W(lock),
              .call = token);
    SEE_ARROW(LK_GRANT, PARTY_LOCKS, PARTY_LOCKS, CORE, .lock = W(lock), .token = token,
              .until = until_ms * 1000);
    SEE_ARROW(STORE_REPLY, PARTY_LOCKS, PARTY_LOCKS, CORE, .op = W("acquire"), .key = W(lock),
              .call = token, .code = W("ok"));
}

static void give_back(const char *lock, int64_t token)
{
    SEE_ARROW(LK_RELEASE, PARTY_LOCKS, CORE, PARTY_LOCKS, .lock = W(lock), .token = token);
}

static void alert(const char *what, const char *lock, bool raised, int64_t value)
{
    SEE(ALERT, CORE, .what = W(what), .key = W(lock), .lock = W(lock), .raised = raised,
        .value = value);
}

/* --- deadlock --- */

static void lock_given_back_is_held_too_long(void **state)
{
    (void)state;
    begin();
    grant("nightly", 1, 30000);
    stream_at_ms(11000);
    give_back("nightly", 1);
    stream_at_ms(12000);
    alert("deadlock", "nightly", true, 12000000);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "core tells that nightly is held too long, but has not held it for 1000ms");
}

static void holder_that_looks_is_accused(void **state)
{
    (void)state;
    begin();
    grant("nightly", 1, 30000);
    SEE(LEASE_HELD, EAST, .key = W("nightly"), .token = 1);
    stream_at_ms(9500);
    SEE(LEASE_USED, EAST, .key = W("nightly"), .token = 1);
    stream_at_ms(10000);
    alert("deadlock", "nightly", true, 10000000);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "core tells that nightly is held too long, though its holder looked at it "
                    "500ms ago");
}

static void holder_that_stands_still_is_accused(void **state)
{
    (void)state;
    begin();
    grant("nightly", 1, 30000);
    SEE(LEASE_HELD, EAST, .key = W("nightly"), .token = 1);
    stream_at_ms(10000);
    /* The look of this very moment comes after the alert was decided. */
    SEE(LEASE_USED, EAST, .key = W("nightly"), .token = 1);
    alert("deadlock", "nightly", true, 10000000);
    alert("deadlock", "nightly", false, 10000000);
    SEE(LEASE_RETURN, EAST, .key = W("nightly"), .token = 1);
    give_back("nightly", 1);
    SEE(LEASE_ENDED, EAST, .key = W("nightly"), .token = 1, .why = W("released"));
    stream_calm(1000);
    stream_holds();
}

static void nobody_accuses_who_stands_still(void **state)
{
    (void)state;
    begin();
    grant("nightly", 1, 30000);
    SEE(LEASE_HELD, EAST, .key = W("nightly"), .token = 1);
    stream_at_ms(12000);
    SEE(LEASE_RETURN, EAST, .key = W("nightly"), .token = 1);
    give_back("nightly", 1);
    SEE(LEASE_ENDED, EAST, .key = W("nightly"), .token = 1, .why = W("released"));
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "east held nightly for 12s without a look at it, and nobody was told");
}

static void accusation_stays(void **state)
{
    (void)state;
    begin();
    grant("nightly", 1, 30000);
    stream_at_ms(10000);
    alert("deadlock", "nightly", true, 10000000);
    give_back("nightly", 1);
    stream_calm(1000);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "core still tells that nightly is held too long, and does not hold it");
}

static void end_of_what_never_began(void **state)
{
    (void)state;
    begin();
    grant("nightly", 1, 30000);
    stream_at_ms(10000);
    alert("deadlock", "nightly", false, 0);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "core tells the end of an alert, deadlock of nightly, that it never raised");
}

/* --- contention --- */

static void ask(uint16_t who, int64_t wait_ms, const char *code)
{
    SEE(LEASE_CALL, who, .key = W("nightly"), .wait = wait_ms * 1000);
    SEE(LEASE_REFUSED, who, .key = W("nightly"), .wait = wait_ms * 1000, .code = W(code));
}

static void answers_are_no_contention(void **state)
{
    (void)state;
    begin();
    ask(EAST, 0, "conflict");
    ask(WEST, 0, "conflict");
    ask(EAST, 100, "unknown");
    alert("contention", "nightly", true, 100);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "core tells that nightly is contended, but at most 0 of 0 acquisitions that "
                    "waited gave up");
}

static void half_is_not_more_than_half(void **state)
{
    (void)state;
    begin();
    ask(EAST, 100, "expired");
    SEE(LEASE_CALL, WEST, .key = W("nightly"), .wait = 100000);
    SEE(LEASE_HELD, WEST, .key = W("nightly"), .token = 1);
    alert("contention", "nightly", true, 50);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "core tells that nightly is contended, but at most 1 of 2 acquisitions that "
                    "waited gave up");
}

static void two_in_vain_are_told(void **state)
{
    (void)state;
    begin();
    ask(EAST, 100, "expired");
    /* The core decides before it answers. */
    SEE(LEASE_CALL, WEST, .key = W("nightly"), .wait = 100000);
    alert("contention", "nightly", true, 100);
    stream_calm(1000);
    stream_holds();
}

static void two_in_vain_are_not_told(void **state)
{
    (void)state;
    begin();
    ask(EAST, 100, "expired");
    ask(WEST, 100, "conflict");
    stream_calm(1000);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "all 2 acquisitions of nightly that waited gave up, and core told nobody");
}

static void get(uint16_t who, int64_t token)
{
    SEE(LEASE_CALL, who, .key = W("nightly"), .wait = 100000);
    SEE(LEASE_HELD, who, .key = W("nightly"), .token = token);
    SEE(LEASE_RETURN, who, .key = W("nightly"), .token = token);
}

static void contention_that_is_over(bool told)
{
    begin();
    ask(EAST, 100, "expired");
    ask(WEST, 100, "expired");
    alert("contention", "nightly", true, 100);
    stream_at_ms(200);
    get(EAST, 1);
    get(WEST, 2);
    if (told) alert("contention", "nightly", false, 0);
    stream_calm(1000);
}

static void end_that_is_not_told(void **state)
{
    (void)state;
    contention_that_is_over(false);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "0 of the last 2 acquisitions of nightly that waited gave up, and core still "
                    "tells that it is contended");
}

static void end_that_is_told(void **state)
{
    (void)state;
    contention_that_is_over(true);
    stream_holds();
}

static void more_than_all_of_them(void **state)
{
    (void)state;
    begin();
    ask(EAST, 100, "expired");
    ask(WEST, 100, "expired");
    alert("contention", "nightly", true, 150);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "core tells that 150 % of the acquisitions of nightly gave up");
}

/* --- health --- */

static void answer(const char *code)
{
    SEE_ARROW(STORE_CALL, PARTY_LOCKS, CORE, PARTY_LOCKS, .op = W("read"), .key = W("health"),
              .call = 1);
    SEE_ARROW(STORE_REPLY, PARTY_LOCKS, PARTY_LOCKS, CORE, .op = W("read"), .key = W("health"),
              .call = 1, .code = W(code));
}

static void healthy_core_complains(void **state)
{
    (void)state;
    begin();
    answer("ok");
    alert("health", "core", true, 1);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "core tells that it is not well, though every call of its stores was answered");
}

static void complaint_with_a_reason(void **state)
{
    (void)state;
    begin();
    answer("unknown");
    alert("health", "core", true, 1);
    stream_calm(10000);
    stream_holds();
}

static void complaint_without_end(void **state)
{
    (void)state;
    begin();
    answer("unknown");
    alert("health", "core", true, 1);
    stream_calm(12000);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE,
                    "core still tells that it is not well, 12s after the last fault");
}

static void complaint_comes_twice(void **state)
{
    (void)state;
    begin();
    answer("unknown");
    alert("health", "core", true, 1);
    alert("health", "core", true, 2);
    stream_violates(SCN_INVARIANT_ALERTS_ARE_TRUE, "core raised the alert health of core twice");
}

/* --- stops of runs that have a lock, or a limited time --- */

static void begin_run(const char *settings)
{
    begin_with(settings);
    grant("run:s1/bot", 1, 10000);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
}

static void stopped_with_its_lock_in_hand(void **state)
{
    (void)state;
    begin_run("run_lock=on");
    stream_at_ms(8999);
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT,
                    "bot was asked to stop, though nobody cancelled it and on_detach=keep");
}

static void stopped_without_an_answer_in_time(void **state)
{
    (void)state;
    begin_run("run_lock=on");
    stream_at_ms(9000);
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    stream_holds();
}

static void stopped_for_its_lock_was_taken(void **state)
{
    (void)state;
    begin_run("run_lock=on");
    stream_at_ms(1000);
    SEE(LK_EXPIRE, PARTY_LOCKS, .lock = W("run:s1/bot"), .token = 1);
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    stream_holds();
}

static void stopped_for_the_lock_of_another_session(void **state)
{
    (void)state;
    begin_run("run_lock=on");
    grant("run:s10/bot", 2, 10000);
    SEE(LK_EXPIRE, PARTY_LOCKS, .lock = W("run:s10/bot"), .token = 2);
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT,
                    "bot was asked to stop, though nobody cancelled it and on_detach=keep");
}

static void stopped_before_its_time(void **state)
{
    (void)state;
    begin_run("run_timeout=5s");
    stream_at_ms(4999);
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    stream_violates(SCN_INVARIANT_POLICIES_KEPT,
                    "bot was asked to stop, though nobody cancelled it and on_detach=keep");
}

static void stopped_when_its_time_was_up(void **state)
{
    (void)state;
    begin_run("run_timeout=5s");
    stream_at_ms(5000);
    SEE(RUN_STOP_ASKED, BOT, .run = 1);
    stream_holds();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lock_given_back_is_held_too_long),
        cmocka_unit_test(holder_that_looks_is_accused),
        cmocka_unit_test(holder_that_stands_still_is_accused),
        cmocka_unit_test(nobody_accuses_who_stands_still),
        cmocka_unit_test(accusation_stays),
        cmocka_unit_test(end_of_what_never_began),
        cmocka_unit_test(answers_are_no_contention),
        cmocka_unit_test(half_is_not_more_than_half),
        cmocka_unit_test(two_in_vain_are_told),
        cmocka_unit_test(two_in_vain_are_not_told),
        cmocka_unit_test(end_that_is_not_told),
        cmocka_unit_test(end_that_is_told),
        cmocka_unit_test(more_than_all_of_them),
        cmocka_unit_test(healthy_core_complains),
        cmocka_unit_test(complaint_with_a_reason),
        cmocka_unit_test(complaint_without_end),
        cmocka_unit_test(complaint_comes_twice),
        cmocka_unit_test(stopped_with_its_lock_in_hand),
        cmocka_unit_test(stopped_without_an_answer_in_time),
        cmocka_unit_test(stopped_for_its_lock_was_taken),
        cmocka_unit_test(stopped_for_the_lock_of_another_session),
        cmocka_unit_test(stopped_before_its_time),
        cmocka_unit_test(stopped_when_its_time_was_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
