/* Publishers and runs: each promise broken once, and near misses. */
#include "tests/check/stream.h"

static const char story[] =
    "core prompt_clock=always heartbeat_timeout=12s ack_timeout=10s pool_idle=30s pool_sweep=10s\n"
    "tab left user=alice session=s1\n"
    "  connect\n"
    "agent bot session=s1\n"
    "  emit token times 4\n"
    "  ask deploy timeout=30s\n"
    "sandbox box project=shop\n"
    "backend host session=s1\n"
    "  lease nightly\n"
    "check\n"
    "  on no_lost_events\n";

enum { LEFT = FIRST, BOT = SECOND, CORE = PARTY_CORE };

static void begin(void)
{
    stream_begin(story);
    SEE(CORE_STARTED, CORE, .life = 1);
}

/* --- publishers and the store --- */

static void call(int64_t number, int64_t digest)
{
    SEE(PUB_CALL, BOT, .session = W("s1"), .kind = W("token"), .number = number, .digest = digest);
}

static void append(int64_t seq, int64_t digest)
{
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = 1, .seq = seq,
        .digest = digest);
}

static void answer(int64_t number, int64_t digest, int64_t seq, const char *code)
{
    SEE(PUB_ACK, BOT, .session = W("s1"), .kind = W("token"), .number = number, .digest = digest,
        .epoch = 1, .seq = seq, .code = W(code));
}

static void accepted_and_not_stored(void **state)
{
    (void)state;
    begin();
    call(1, 101);
    answer(1, 101, 1, "ok");
    stream_violates(SCN_INVARIANT_ACCEPTED_IS_STORED, "bot was told that its token is event 1 of "
                                                      "session s1, which was never stored");
}

static void accepted_as_another_event(void **state)
{
    (void)state;
    begin();
    call(1, 101);
    call(2, 102);
    append(1, 101);
    answer(2, 102, 1, "ok");
    stream_violates(SCN_INVARIANT_ACCEPTED_IS_STORED, "bot was told that its token is event 1 of "
                                                      "session s1, which is another event");
}

static void stored_twice(void **state)
{
    (void)state;
    begin();
    call(1, 101);
    append(1, 101);
    append(2, 101);
    stream_violates(SCN_INVARIANT_ACCEPTED_IS_STORED,
                    "a token of session s1 was published 1 time(s) and stored 2 times");
}

static void same_words_twice(void **state)
{
    (void)state;
    begin();
    call(1, 101);
    append(1, 101);
    call(2, 101);
    append(2, 101);
    stream_holds();
}

static void refused_and_stored(void **state)
{
    (void)state;
    begin();
    call(1, 101);
    append(1, 101);
    answer(1, 101, 0, "limit");
    stream_violates(SCN_INVARIANT_ACCEPTED_IS_STORED,
                    "a token of session s1 was refused to its publisher, and stored");
}

/* Unknown means just that: with or without an event in the store. */
/* A call of the store ends without an answer. */
static void silence(void)
{
    SEE_ARROW(STORE_REPLY, PARTY_MESSAGES, PARTY_MESSAGES, CORE, .op = W("append"),
              .code = W("unknown"));
}

static void unknown_answers(void **state)
{
    (void)state;
    begin();
    call(1, 101);
    append(1, 101);
    silence();
    answer(1, 101, 0, "unknown");
    call(2, 102);
    silence();
    answer(2, 102, 0, "unknown");
    call(3, 103);
    answer(3, 103, 0, "limit");
    stream_holds();
}

/* --- runs --- */

static void asked(const char *key, int64_t run, bool created)
{
    SEE(RUN_REQ, LEFT, .session = W("s1"), .key = W(key), .run = run, .created = created,
        .code = W("ok"));
}

static void run_started_twice(void **state)
{
    (void)state;
    begin();
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    stream_violates(SCN_INVARIANT_ONE_RUN,
                    "run 1 of session s1 was started 2 times, the last time with bot");
}

static void one_key_two_runs(void **state)
{
    (void)state;
    begin();
    asked("k", 1, true);
    asked("k", 2, true);
    stream_violates(SCN_INVARIANT_ONE_RUN,
                    "key k of session s1 named run 1, and run 2 to left");
}

static void made_twice(void **state)
{
    (void)state;
    begin();
    asked("k", 1, true);
    asked("k", 1, true);
    stream_violates(SCN_INVARIANT_ONE_RUN, "two requests with key k of session s1 were each told "
                                           "that they made run 1");
}

static void found_again(void **state)
{
    (void)state;
    begin();
    asked("k", 1, true);
    asked("k", 1, false);
    asked("other", 2, true);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 2);
    stream_holds();
}

/* The request died with the core before anything of it was stored. */
static void made_again_in_another_life(void **state)
{
    (void)state;
    begin();
    asked("k", 1, true);
    SEE(CORE_KILLED, CORE, .life = 1);
    SEE(CORE_STARTED, CORE, .life = 2);
    SEE(CORE_RESTARTED, CORE, .life = 2);
    asked("k", 1, true);
    stream_holds();
}

static void ended_twice(void **state)
{
    (void)state;
    begin();
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    SEE(RUN_END, BOT, .run = 1, .outcome = W("completed"));
    SEE(RUN_END, BOT, .run = 1, .outcome = W("cancelled"));
    stream_violates(SCN_INVARIANT_TERMINAL_IS_LAST,
                    "run 1 of session s1 ended 2 times, the last time as cancelled");
}

static void told(const char *run_state, int64_t seq)
{
    SEE(CLIENT_RECV, LEFT, .kind = W("run_state"), .seq = seq, .state = W(run_state), .conn = 1);
}

static void two_outcomes(void **state)
{
    (void)state;
    begin();
    stream_attach(LEFT, 1, 1, 0, 0);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    told("running", 1);
    told("completed", 2);
    told("interrupted", 3);
    stream_violates(SCN_INVARIANT_TERMINAL_IS_LAST, "the run of session s1 was completed with "
                                                    "event 2, and interrupted with event 3");
}

static void event_after_the_end(void **state)
{
    (void)state;
    begin();
    stream_attach(LEFT, 1, 1, 0, 0);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    told("completed", 2);
    call(1, 101);
    append(3, 101);
    stream_violates(SCN_INVARIANT_TERMINAL_IS_LAST, "event 3 of session s1 was published after "
                                                    "its run was completed with event 2");
}

/* What the embedding program publishes is not of the run. */
static void event_of_a_backend_after_the_end(void **state)
{
    (void)state;
    begin();
    stream_attach(LEFT, 1, 1, 0, 0);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    told("completed", 2);
    call(1, 101);
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = 1, .seq = 3,
        .digest = 101, .producer = W("host"));
    stream_holds();
}

/* --- the store lost events: what is left begins a new epoch --- */

static void reopen(int64_t epoch, int64_t head)
{
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = epoch, .tenure = epoch,
        .head = head, .floor = 1, .code = W("ok"));
}

static void run_forgotten_by_the_store(void **state)
{
    (void)state;
    begin();
    reopen(1, 0);
    asked("k", 1, true);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    reopen(2, 0);
    asked("k", 1, true);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    stream_holds();
}

static void run_started_twice_with_nothing_lost(void **state)
{
    (void)state;
    begin();
    reopen(1, 0);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    reopen(1, 0);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    stream_violates(SCN_INVARIANT_ONE_RUN,
                    "run 1 of session s1 was started 2 times, the last time with bot");
}

static void answered_after_the_loss(void **state)
{
    (void)state;
    begin();
    reopen(1, 0);
    call(1, 101);
    append(1, 101);
    SEE(LOG_LOST, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .seq = 1);
    reopen(2, 0);
    SEE(PUB_ACK, BOT, .session = W("s1"), .kind = W("token"), .number = 1, .digest = 101, .seq = 1,
        .code = W("ok"));
    stream_holds();
}

/* What was not lost has to be told again, for it has other numbers now. */
static void left_over_and_not_told(void **state)
{
    (void)state;
    begin();
    reopen(1, 0);
    call(1, 101);
    append(1, 101);
    stream_attach(LEFT, 1, 1, 0, 1);
    SEE(CLIENT_APPLY, LEFT, .session = W("s1"), .epoch = 1, .seq = 1, .digest = 101,
        .kind = W("token"), .gen = 1);
    reopen(2, 1);
    stream_calm(1000);
    stream_violates(SCN_INVARIANT_NO_LOST_EVENTS, "event 1 of session s1 (a token) never reached "
                                                  "left");
}

/* Asked for, and started: that is one run, not two. */
static void event_after_the_end_of_what_was_asked_for(void **state)
{
    (void)state;
    begin();
    stream_attach(LEFT, 1, 1, 0, 0);
    asked("k", 1, true);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    told("completed", 2);
    call(1, 101);
    append(3, 101);
    stream_violates(SCN_INVARIANT_TERMINAL_IS_LAST, "event 3 of session s1 was published after "
                                                    "its run was completed with event 2");
}

static void outcome_heard_late(void **state)
{
    (void)state;
    begin();
    stream_attach(LEFT, 1, 1, 0, 0);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    call(1, 101);
    append(1, 101);
    told("completed", 2);
    told("completed", 2);
    stream_holds();
}

static void another_run_goes_on(void **state)
{
    (void)state;
    begin();
    stream_attach(LEFT, 1, 1, 0, 0);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
    SEE(RUN_START, BOT, .session = W("s1"), .run = 2);
    told("completed", 2);
    call(1, 101);
    append(3, 101);
    told("failed", 4);
    stream_holds();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_and_not_stored),
        cmocka_unit_test(accepted_as_another_event),
        cmocka_unit_test(stored_twice),
        cmocka_unit_test(same_words_twice),
        cmocka_unit_test(refused_and_stored),
        cmocka_unit_test(unknown_answers),
        cmocka_unit_test(run_started_twice),
        cmocka_unit_test(one_key_two_runs),
        cmocka_unit_test(made_twice),
        cmocka_unit_test(found_again),
        cmocka_unit_test(made_again_in_another_life),
        cmocka_unit_test(ended_twice),
        cmocka_unit_test(two_outcomes),
        cmocka_unit_test(event_after_the_end),
        cmocka_unit_test(event_of_a_backend_after_the_end),
        cmocka_unit_test(run_forgotten_by_the_store),
        cmocka_unit_test(run_started_twice_with_nothing_lost),
        cmocka_unit_test(answered_after_the_loss),
        cmocka_unit_test(left_over_and_not_told),
        cmocka_unit_test(event_after_the_end_of_what_was_asked_for),
        cmocka_unit_test(outcome_heard_late),
        cmocka_unit_test(another_run_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
