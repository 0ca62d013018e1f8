/* The model of a session: logs that no single thread would write, and tabs and agents that are not
 * where the log says they are. */
#include "harness/check/check.h"
#include "tests/check/stream.h"

enum { LEFT = FIRST, BOT = SECOND, CORE = PARTY_CORE };

static void begin(void)
{
    stream_begin("core history_max_events=4\n"
                 "tab left user=alice session=s1\n"
                 "  connect\n"
                 "agent bot session=s1\n"
                 "  finish\n"
                 "check\n"
                 "  on model_agrees\n");
    SEE(CORE_STARTED, CORE, .life = 1);
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .floor = 1);
}

static void append(int64_t seq, const char *kind)
{
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W(kind), .epoch = 1, .seq = seq,
        .digest = seq);
}

static void run_is(int64_t seq, const char *state)
{
    append(seq, "run_state");
    SEE(LOG_SAYS, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .seq = seq, .run = 1,
        .state = W(state));
}

static void question(int64_t seq, const char *outcome)
{
    append(seq, "run_state");
    SEE(LOG_SAYS, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .seq = seq, .run = 1,
        .prompt = 7, .outcome = *outcome == '\0' ? 0 : W(outcome));
}

/* Fresh, with everything from 1 to head replayed and nothing told of runs. */
static void attach(int64_t head)
{
    stream_attach(LEFT, 1, 1, 0, head);
    for (int64_t seq = 1; seq <= head; seq++)
        SEE(CLIENT_APPLY, LEFT, .session = W("s1"), .epoch = 1, .seq = seq, .digest = seq,
            .kind = W("run_state"), .gen = 1);
}

static void told(int64_t seq, const char *state)
{
    SEE(CLIENT_TOLD, LEFT, .seq = seq, .run = 1, .state = W(state));
}

static void works(void)
{
    SEE(RUN_START, BOT, .session = W("s1"), .run = 1);
}

static void completes(void)
{
    works();
    SEE(RUN_END, BOT, .run = 1, .outcome = W("completed"));
}

/* --- ends --- */

static void completed_by_nobody(void **state)
{
    (void)state;
    begin();
    works();
    run_is(1, "running");
    run_is(2, "completed");
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "event 2 of session s1 makes run 1 completed, whose agent has not said so");
}

static void cancelled_after_all(void **state)
{
    (void)state;
    begin();
    completes();
    run_is(1, "cancelled");
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "event 1 of session s1 makes run 1 cancelled, whose agent had completed it");
}

static void interrupted_by_nobody(void **state)
{
    (void)state;
    begin();
    works();
    run_is(1, "interrupted");
    stream_violates(SCN_INVARIANT_MODEL_AGREES, "event 1 of session s1 makes run 1 interrupted, "
                                                "though nobody has opened its stream anew");
}

static void failed_for_nothing(void **state)
{
    (void)state;
    begin();
    run_is(1, "failed");
    stream_violates(SCN_INVARIANT_MODEL_AGREES, "event 1 of session s1 makes run 1 failed, "
                                                "and no policy and no fault did that");
}

static void interrupted_by_a_new_life(void **state)
{
    (void)state;
    begin();
    run_is(1, "running");
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .floor = 1, .head = 1);
    run_is(2, "interrupted");
    stream_holds();
}

/* --- the log --- */

static void state_after_the_last(void **state)
{
    (void)state;
    begin();
    run_is(1, "running");
    completes();
    run_is(2, "completed");
    run_is(3, "cancelled");
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "event 3 of session s1 makes run 1 cancelled, which was completed");
}

static void back_to_the_gate(void **state)
{
    (void)state;
    begin();
    run_is(1, "running");
    run_is(2, "waiting");
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "event 2 of session s1 makes run 1 waiting, which was running");
}

static void told_once_more(void **state)
{
    (void)state;
    begin();
    run_is(1, "waiting");
    run_is(2, "running");
    run_is(3, "running");
    question(4, "");
    question(5, "approved");
    completes();
    run_is(6, "completed");
    stream_holds();
}

static void run_ends_before_its_question(void **state)
{
    (void)state;
    begin();
    run_is(1, "running");
    question(2, "");
    completes();
    run_is(3, "completed");
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "event 3 of session s1 ends run 1, whose question 7 is open");
}

static void two_outcomes(void **state)
{
    (void)state;
    begin();
    question(1, "");
    question(2, "approved");
    question(3, "expired");
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "event 3 of session s1 makes question 7 expired, which was approved");
}

static void outcome_of_nothing(void **state)
{
    (void)state;
    begin();
    question(1, "approved");
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "event 1 of session s1 closes question 7, which nobody asked");
}

/* The question is what the store lost. */
static void outcome_of_what_was_lost(void **state)
{
    (void)state;
    begin();
    question(1, "");
    SEE(LOG_LOST, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .seq = 1);
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 2, .floor = 1, .head = 0);
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("prompt_closed"), .epoch = 2,
        .seq = 1, .digest = 9);
    SEE(LOG_SAYS, PARTY_MESSAGES, .session = W("s1"), .epoch = 2, .seq = 1, .run = 1, .prompt = 7,
        .outcome = W("cancelled"));
    stream_holds();
}

/* --- tabs --- */

static void stands_beyond_the_head(void **state)
{
    (void)state;
    begin();
    append(1, "run_state");
    attach(1);
    SEE(RESYNC, LEFT, .epoch = 1, .from = 2, .to = 5, .head = 5);
    stream_calm(1000);
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "left stands at event 5 of session s1, whose head is 1");
}

static void takes_it_for_running(void **state)
{
    (void)state;
    begin();
    run_is(1, "running");
    completes();
    run_is(2, "completed");
    attach(2);
    told(1, "running");
    stream_calm(1000);
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "left takes run 1 of session s1 for running, and the log says completed");
}

static void older_news_come_later(void **state)
{
    (void)state;
    begin();
    run_is(1, "running");
    completes();
    run_is(2, "completed");
    attach(2);
    told(2, "completed");
    told(1, "running");
    stream_calm(1000);
    stream_holds();
}

static void was_not_told(void **state)
{
    (void)state;
    begin();
    run_is(1, "running");
    works();
    attach(1);
    stream_calm(1000);
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "left was not told of run 1 of session s1, which is running");
}

/* --- agents --- */

static void nobody_works(void **state)
{
    (void)state;
    begin();
    run_is(1, "running");
    works();
    SEE(RUN_END, BOT, .run = 1, .outcome = W("completed"));
    attach(1);
    told(1, "running");
    stream_calm(1000);
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "the log says that run 1 of session s1 is at work, and nobody works on it");
}

static void somebody_works(void **state)
{
    (void)state;
    begin();
    run_is(1, "running");
    works();
    attach(1);
    told(1, "running");
    stream_calm(1000);
    stream_holds();
}

static void question_is_taken_for_open(void **state)
{
    (void)state;
    begin();
    question(1, "");
    question(2, "approved");
    attach(2);
    SEE(CLIENT_TOLD, LEFT, .seq = 1, .run = 1, .prompt = 7);
    stream_calm(1000);
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "left takes question 7 of session s1 for open, and the log says approved");
}

/* --- what the store forgets --- */

static void trim(int64_t floor)
{
    SEE(LOG_TRIM, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .floor = floor);
}

static void live_run_is_trimmed(void **state)
{
    (void)state;
    begin();
    run_is(1, "waiting");
    run_is(2, "running");
    works();
    trim(2);
    trim(3);
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "what session s1 stores begins with event 3 now, and event 2 is all that says "
                    "that run 1 is open");
}

static void ended_run_is_trimmed(void **state)
{
    (void)state;
    begin();
    run_is(1, "running");
    completes();
    run_is(2, "completed");
    trim(3);
    stream_holds();
}

static void open_question_is_trimmed(void **state)
{
    (void)state;
    begin();
    question(1, "");
    append(2, "token");
    trim(1);
    trim(2);
    stream_violates(SCN_INVARIANT_MODEL_AGREES,
                    "what session s1 stores begins with event 2 now, and event 1 is all that says "
                    "that question 7 is open");
}

static void closed_question_is_trimmed(void **state)
{
    (void)state;
    begin();
    question(1, "");
    question(2, "approved");
    trim(2);
    trim(3);
    stream_holds();
}

static void trimmed_after_a_loss(void **state)
{
    (void)state;
    begin();
    run_is(1, "running");
    SEE(LOG_LOST, PARTY_MESSAGES, .session = W("s1"), .epoch = 1, .seq = 1);
    trim(2);
    stream_holds();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completed_by_nobody),
        cmocka_unit_test(cancelled_after_all),
        cmocka_unit_test(interrupted_by_nobody),
        cmocka_unit_test(failed_for_nothing),
        cmocka_unit_test(interrupted_by_a_new_life),
        cmocka_unit_test(state_after_the_last),
        cmocka_unit_test(back_to_the_gate),
        cmocka_unit_test(told_once_more),
        cmocka_unit_test(run_ends_before_its_question),
        cmocka_unit_test(two_outcomes),
        cmocka_unit_test(outcome_of_nothing),
        cmocka_unit_test(outcome_of_what_was_lost),
        cmocka_unit_test(stands_beyond_the_head),
        cmocka_unit_test(takes_it_for_running),
        cmocka_unit_test(older_news_come_later),
        cmocka_unit_test(was_not_told),
        cmocka_unit_test(nobody_works),
        cmocka_unit_test(somebody_works),
        cmocka_unit_test(question_is_taken_for_open),
        cmocka_unit_test(live_run_is_trimmed),
        cmocka_unit_test(ended_run_is_trimmed),
        cmocka_unit_test(open_question_is_trimmed),
        cmocka_unit_test(closed_question_is_trimmed),
        cmocka_unit_test(trimmed_after_a_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
