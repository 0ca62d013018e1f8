/* Questions and deadlines: each promise broken once, and near misses. */
#include "tests/check/stream.h"

#include <stdio.h>
#include <string.h>

static const char story[] =
    "core prompt_clock=always heartbeat_timeout=12s ack_timeout=10s pool_idle=30s pool_sweep=10s\n"
    "tab left user=alice session=s1\n"
    "  connect\n"
    "agent bot session=s1\n"
    "  emit token times 4\n"
    "  ask deploy timeout=30s\n"
    "agent other session=s1\n"
    "  ask deploy\n"
    "agent stranger session=s2\n"
    "  ask deploy\n"
    "sandbox box project=shop\n"
    "backend host session=s1\n"
    "  lease nightly\n"
    "check\n"
    "  on no_lost_events\n";

enum { LEFT = FIRST, BOT = SECOND, OTHER = THIRD, STRANGER = FOURTH, CORE = PARTY_CORE };

static void begin(void)
{
    stream_begin(story);
    SEE(CORE_STARTED, CORE, .life = 1);
}

/* --- questions --- */

static void ask(void)
{
    SEE(PROMPT_OPEN, BOT, .id = W("deploy"), .run = 1, .timeout = 30000000);
}

static void settled(const char *outcome)
{
    SEE(PROMPT_DONE, BOT, .id = W("deploy"), .outcome = W(outcome), .run = 1, .timeout = 30000000,
        .asked = 0);
}

static void say(const char *value)
{
    SEE(ANSWER, LEFT, .id = W("deploy"), .value = W(value));
}

static void settled_twice(void **state)
{
    (void)state;
    begin();
    ask();
    say("yes");
    settled("approved");
    settled("approved");
    stream_violates(SCN_INVARIANT_ONE_OUTCOME,
                    "bot asked deploy 1 time(s) and got 2 outcomes, the last one approved");
}

static void approved_by_nobody(void **state)
{
    (void)state;
    begin();
    ask();
    say("no");
    settled("approved");
    stream_violates(SCN_INVARIANT_ONE_OUTCOME,
                    "bot was told that deploy was approved, but no tab had answered so");
}

static void answered_by_somebody(void **state)
{
    (void)state;
    begin();
    ask();
    say("yes");
    say("no");
    settled("rejected");
    stream_calm(75000);
    assert_null(stream_verdict());
    assert_true(stream_exercised(SCN_INVARIANT_ONE_OUTCOME));
    assert_false(stream_exercised(SCN_INVARIANT_NO_EARLY_TIMEOUT));
    stream_end();
}

/* The one who asked is told this, and the tab that. */
static void approved_and_cancelled(void)
{
    say("yes");
    settled("approved");
    SEE(CLIENT_RECV, LEFT, .kind = W("prompt_closed"), .id = W("deploy"), .seq = 1,
        .outcome = W("cancelled"));
}

static void two_truths(void **state)
{
    (void)state;
    begin();
    ask();
    approved_and_cancelled();
    stream_violates(SCN_INVARIANT_ONE_OUTCOME,
                    "bot was told that deploy is approved, and left that it is cancelled");
}

/* Two agents of a session ask under one name: whose outcome a tab is told the name does not say. */
static void a_namesake(void **state)
{
    (void)state;
    begin();
    ask();
    SEE(PROMPT_OPEN, OTHER, .id = W("deploy"), .run = 2, .timeout = 30000000);
    approved_and_cancelled();
    stream_holds();
}

static void a_namesake_of_another_session(void **state)
{
    (void)state;
    begin();
    ask();
    SEE(PROMPT_OPEN, STRANGER, .id = W("deploy"), .run = 1, .timeout = 30000000);
    approved_and_cancelled();
    stream_violates(SCN_INVARIANT_ONE_OUTCOME,
                    "bot was told that deploy is approved, and left that it is cancelled");
}

/* The call failed: that is no outcome, whatever becomes of the question. */
static void a_failed_call(void **state)
{
    (void)state;
    begin();
    ask();
    settled("unavailable");
    SEE(CLIENT_RECV, LEFT, .kind = W("prompt_closed"), .id = W("deploy"), .seq = 1,
        .outcome = W("cancelled"));
    stream_holds();
}

static void never_settled(void **state)
{
    (void)state;
    begin();
    ask();
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_ONE_OUTCOME,
                    "question deploy of bot was never settled, 45s after its time");
}

static void not_settled_yet(void **state)
{
    (void)state;
    begin();
    ask();
    stream_calm(30000);
    stream_holds();
}

static void asked_late_and_not_settled_yet(void **state)
{
    (void)state;
    begin();
    stream_at_ms(50000);
    ask();
    stream_calm(30000);
    stream_holds();
}

/* --- a clock that stands still while nobody is attached --- */

static void begin_attended(void)
{
    char text[sizeof story + 16];

    (void)snprintf(text, sizeof text, "core prompt_clock=attached_only%s",
                   story + strlen("core prompt_clock=always"));
    stream_begin(text);
    SEE(CORE_STARTED, CORE, .life = 1);
}

static void there(int64_t conn, uint64_t from_ms, uint64_t to_ms)
{
    stream_at_ms(from_ms);
    SEE(CLIENT_OPEN, LEFT, .conn = conn, .session = W("s1"));
    SEE(CORE_SEND, LEFT, .conn = conn, .kind = W("connection_ready"));
    stream_at_ms(to_ms);
    SEE(CORE_CLOSE, LEFT, .conn = conn, .code = 4000);
}

static void answered_after_its_time(void **state)
{
    (void)state;
    begin_attended();
    ask();
    there(1, 0, 20000);
    there(2, 50000, 65000);
    say("yes");
    settled("approved");
    stream_violates(SCN_INVARIANT_ONE_OUTCOME,
                    "question deploy of bot was approved when its clock had run for 35000ms; its "
                    "time was 30000ms");
}

static void answered_in_its_time(void **state)
{
    (void)state;
    begin_attended();
    ask();
    there(1, 0, 20000);
    there(2, 50000, 59000);
    say("yes");
    settled("approved");
    stream_holds();
}

static void store_replies(const char *code)
{
    stream_see(RECORD_STORE_REPLY, PARTY_MESSAGES, 0, CORE,
               &(union record_values){ .STORE_REPLY = { .code = W(code) } });
}

static void told_when_the_store_had_it(void **state)
{
    (void)state;
    begin_attended();
    ask();
    stream_at_ms(1000);
    stream_see(RECORD_STORE_CALL, PARTY_MESSAGES, CORE, 0, &(union record_values){ 0 });
    there(1, 1000, 37000);
    store_replies("ok");
    say("yes");
    settled("approved");
    stream_holds();
}

/* Asked while the core waits to repeat what the store did not answer well. */
static void asked_after_no_reply(void **state)
{
    (void)state;
    begin();
    stream_see(RECORD_STORE_CALL, PARTY_MESSAGES, CORE, 0, &(union record_values){ 0 });
    store_replies("unknown");
    ask();
    stream_at_ms(45000);
    settled("expired");
    stream_holds();
}

static void asked_after_a_good_reply(void **state)
{
    (void)state;
    begin();
    stream_see(RECORD_STORE_CALL, PARTY_MESSAGES, CORE, 0, &(union record_values){ 0 });
    store_replies("unknown");
    stream_see(RECORD_STORE_CALL, PARTY_MESSAGES, CORE, 0, &(union record_values){ 0 });
    store_replies("ok");
    ask();
    stream_at_ms(45000);
    settled("expired");
    stream_violates(SCN_INVARIANT_ONE_OUTCOME,
                    "question deploy of bot was expired when its clock had run for 45000ms; its "
                    "time was 30000ms");
}

/* The session's own setting, given while it runs. */
static void clock_that_was_set_to_wait(void **state)
{
    const char *checks = strstr(story, "check\n");
    char text[sizeof story + 80];

    (void)state;
    (void)snprintf(text, sizeof text, "%.*s  configure prompt_clock=attached_only\n%s",
                   (int)(checks - story), story, checks);
    stream_begin(text);
    SEE(CORE_STARTED, CORE, .life = 1);
    ask();
    stream_calm(75000);
    stream_holds();
}

static void died_with_its_question(void **state)
{
    (void)state;
    begin();
    ask();
    SEE(CORE_KILLED, CORE, .life = 1);
    SEE(CORE_RESTARTED, CORE, .life = 2);
    stream_calm(75000);
    stream_holds();
}

/* --- deadlines --- */

static void expired_early(void **state)
{
    (void)state;
    begin();
    ask();
    stream_at_ms(29999);
    settled("expired");
    stream_violates(SCN_INVARIANT_NO_EARLY_TIMEOUT,
                    "question deploy of bot expired 29999ms after it was asked; its time was "
                    "30000ms");
}

static void expired_in_time(void **state)
{
    (void)state;
    begin();
    ask();
    stream_at_ms(30000);
    settled("expired");
    assert_null(stream_verdict());
    assert_true(stream_exercised(SCN_INVARIANT_NO_EARLY_TIMEOUT));
    stream_end();
}

static void told_as(const char *outcome)
{
    SEE(CLIENT_RECV, LEFT, .kind = W("prompt_closed"), .id = W("deploy"), .outcome = W(outcome));
}

/* The store has lost the outcome: the question got another one, in another log. */
static void outcome_of_a_lost_log(void **state)
{
    (void)state;
    begin();
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .floor = 1);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    ask();
    say("yes");
    stream_attach(LEFT, 1, 1, 0, 0);
    told_as("approved");
    stream_attach(LEFT, 2, 2, 0, 0);
    told_as("cancelled");
    settled("approved");
    stream_holds();
}

static void two_outcomes_of_one_log(void **state)
{
    (void)state;
    begin();
    ask();
    say("yes");
    stream_attach(LEFT, 1, 1, 0, 0);
    told_as("approved");
    stream_attach(LEFT, 2, 1, 0, 0);
    told_as("cancelled");
    stream_violates(SCN_INVARIANT_ONE_OUTCOME,
                    "left was told that deploy is approved, and left that it is cancelled");
}

static void hear(void)
{
    SEE(CORE_INPUT, LEFT, .conn = 1, .kind = W("pong"));
    SEE(CORE_TAKEN, LEFT, .conn = 1);
}

/* A socket that was heard of at 5s. */
static void open_and_hear(void)
{
    begin();
    SEE(CLIENT_OPEN, LEFT, .conn = 1, .session = W("s1"));
    stream_at_ms(5000);
    hear();
}

static void given_up_early(void **state)
{
    (void)state;
    open_and_hear();
    stream_at_ms(16999);
    SEE(CORE_CLOSE, LEFT, .conn = 1, .code = 4011);
    stream_violates(SCN_INVARIANT_NO_EARLY_TIMEOUT, "left was given up 11999ms after its last "
                                                    "message; the limit is 12000ms");
}

static void given_up_in_time(void **state)
{
    (void)state;
    open_and_hear();
    stream_at_ms(17000);
    SEE(CORE_CLOSE, LEFT, .conn = 1, .code = 4011);
    stream_holds();
}

static void given_up_while_it_speaks(void **state)
{
    (void)state;
    open_and_hear();
    stream_at_ms(17000);
    SEE(CORE_INPUT, LEFT, .conn = 1, .kind = W("pong"));
    SEE(CORE_CLOSE, LEFT, .conn = 1, .code = 4011);
    stream_holds();
}

static void heard_by_a_thread_that_stood_still(void **state)
{
    (void)state;
    begin();
    SEE(CLIENT_OPEN, LEFT, .conn = 1, .session = W("s1"));
    stream_at_ms(5000);
    SEE(CORE_INPUT, LEFT, .conn = 1, .kind = W("pong"));
    stream_at_ms(11000);
    SEE(CORE_TAKEN, LEFT, .conn = 1);
    stream_at_ms(17000);
    SEE(CORE_CLOSE, LEFT, .conn = 1, .code = 4011);
    stream_holds();
}

static void handshake_cut_short(void **state)
{
    (void)state;
    begin();
    stream_at_ms(1000);
    SEE(CLIENT_OPEN, LEFT, .conn = 1, .session = W("s1"));
    stream_at_ms(10999);
    SEE(CORE_CLOSE, LEFT, .conn = 1, .code = 4008);
    stream_violates(SCN_INVARIANT_NO_EARLY_TIMEOUT, "left was given up 9999ms after it opened its "
                                                    "socket; the limit is 10000ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settled_twice),
        cmocka_unit_test(approved_by_nobody),
        cmocka_unit_test(answered_by_somebody),
        cmocka_unit_test(two_truths),
        cmocka_unit_test(a_namesake),
        cmocka_unit_test(a_namesake_of_another_session),
        cmocka_unit_test(a_failed_call),
        cmocka_unit_test(never_settled),
        cmocka_unit_test(answered_after_its_time),
        cmocka_unit_test(answered_in_its_time),
        cmocka_unit_test(told_when_the_store_had_it),
        cmocka_unit_test(asked_after_no_reply),
        cmocka_unit_test(asked_after_a_good_reply),
        cmocka_unit_test(clock_that_was_set_to_wait),
        cmocka_unit_test(not_settled_yet),
        cmocka_unit_test(asked_late_and_not_settled_yet),
        cmocka_unit_test(died_with_its_question),
        cmocka_unit_test(expired_early),
        cmocka_unit_test(expired_in_time),
        cmocka_unit_test(given_up_early),
        cmocka_unit_test(outcome_of_a_lost_log),
        cmocka_unit_test(two_outcomes_of_one_log),
        cmocka_unit_test(given_up_in_time),
        cmocka_unit_test(given_up_while_it_speaks),
        cmocka_unit_test(heard_by_a_thread_that_stood_still),
        cmocka_unit_test(handshake_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
