/* Prompts: settled exactly once, by the right answer, in time; offered to whoever attaches. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

enum { FLAG_ASKED_TWICE, FLAG_GO };

struct asking {
    uint64_t timeout_us;
    enum prompt_kind kind;
    enum core_result result;
    struct prompt_answer answer;
};

static enum core_result ask_deploy(struct rig *rig, struct run_context *run)
{
    struct asking *asking = rig->agent_context;
    struct prompt_request request = { .kind = asking->kind, .id = "deploy", .text = "Sure?",
                                      .timeout_us = asking->timeout_us };
    asking->result = run_ask(run, &request, &asking->answer);
    if (run_should_stop(run))
        return CORE_CANCELLED;
    emit_ok(run, prompt_outcome_word(asking->answer.outcome));
    return CORE_OK;
}

static void begin(struct rig *rig, struct asking *asking, struct session_ref *session)
{
    rig_init(rig);
    rig->agent = ask_deploy;
    rig->agent_context = asking;
    rig->config.settings.prompt_clock = PROMPT_CLOCK_ALWAYS;
    *asking = (struct asking){ .timeout_us = CORE_MINUTES(5) };
    rig_start(rig);
    *session = rig_session(rig, "s1");
}

static void answer(struct tab *tab, json_int_t prompt, const char *value)
{
    tab_send(tab, "{\"type\":\"confirm\",\"prompt\":%lld,\"value\":%s}", (long long)prompt, value);
}

static void first_answer_counts_and_the_second_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    struct asking asking;
    struct session_ref session;
    begin(&rig, &asking, &session);
    struct tab *left = tab_connect(&rig, "alice", "s1");
    struct tab *right = tab_connect(&rig, "alice", "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    const json_t *asked = frame_payload(tab_expect(left, "request_confirmation"));
    assert_string_equal(frame_word(asked, "id"), "deploy");
    assert_string_equal(frame_word(asked, "text"), "Sure?");
    json_int_t prompt = frame_number(asked, "prompt");
    answer(right, prompt + 1, "true");    /* another question than the one that is open */
    tab_expect(right, "error");
    answer(left, prompt, "true");
    answer(left, prompt, "true");
    answer(right, prompt, "false");
    assert_string_equal(frame_word(frame_payload(tab_expect(right, "prompt_closed")), "outcome"),
                        "approved");
    tab_expect(left, "approved");
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
    assert_int_equal(asking.answer.outcome, PROMPT_APPROVED);
    tab_pump(left);
    tab_pump(right);
    assert_int_equal(tab_count(left, "error"), 1);
    assert_int_equal(tab_count(right, "error"), 2);
    assert_int_equal(tab_count(left, "prompt_closed"), 1);
    rig_stop(&rig);
}

static void timeout_is_an_outcome_of_its_own(void **state)
{
    (void)state;
    struct rig rig;
    struct asking asking;
    struct session_ref session;
    begin(&rig, &asking, &session);
    asking.timeout_us = MS(20);
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    json_int_t prompt =
        frame_number(frame_payload(tab_expect(tab, "request_confirmation")), "prompt");
    assert_string_equal(frame_word(frame_payload(tab_expect(tab, "prompt_closed")), "outcome"),
                        "expired");
    answer(tab, prompt, "true");   /* late: refused, and nothing is approved */
    tab_expect(tab, "error");
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
    assert_int_equal(asking.answer.outcome, PROMPT_EXPIRED);
    assert_int_equal(tab_count(tab, "prompt_closed"), 1);
    rig_stop(&rig);
}

static void open_prompt_is_offered_to_whoever_attaches(void **state)
{
    (void)state;
    struct rig rig;
    struct asking asking;
    struct session_ref session;
    begin(&rig, &asking, &session);
    struct run_ref run = submit_ok(&rig, session, "k");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    tab->seen = 0;
    json_t *asked = tab_expect(tab, "request_confirmation");
    assert_int_equal(tab_count(tab, "request_confirmation"), 1);   /* by the replay, once */
    assert_non_null(json_object_get(asked, "seq"));
    uint64_t cursor = tab->cursor, epoch = tab->epoch;
    tab_close(tab);
    /* With its cursor beyond the question, the replay is empty: the question comes anyway. */
    tab = tab_connect_at(&rig, "alice", "s1", epoch, cursor);
    asked = tab_expect(tab, "request_confirmation");
    assert_null(json_object_get(asked, "seq"));
    assert_string_equal(frame_word(frame_payload(asked), "id"), "deploy");
    answer(tab, frame_number(frame_payload(asked), "prompt"), "false");
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
    assert_int_equal(asking.answer.outcome, PROMPT_REJECTED);
    rig_stop(&rig);
}

static void clock_stands_still_while_nobody_is_attached(void **state)
{
    (void)state;
    struct rig rig;
    struct asking asking;
    struct session_ref session;
    struct session_info info;
    rig_init(&rig);
    rig.agent = ask_deploy;
    rig.agent_context = &asking;
    asking = (struct asking){ .timeout_us = MS(30) };
    rig_start(&rig);   /* the default: attached_only */
    session = rig_session(&rig, "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    RIG_AWAIT(session_info(rig.core, session, &info) == CORE_OK && info.prompts_open == 1);
    struct core_stats stats;
    core_stats(rig.core, &stats);
    assert_int_equal(stats.timers, 0);   /* no deadline is running, so none can pass */
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    tab_expect(tab, "prompt_closed");
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
    assert_int_equal(asking.answer.outcome, PROMPT_EXPIRED);
    rig_stop(&rig);
}

static void cancelling_the_run_closes_its_prompt(void **state)
{
    (void)state;
    struct rig rig;
    struct asking asking;
    struct session_ref session;
    begin(&rig, &asking, &session);
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    tab_expect(tab, "request_confirmation");
    tab_send(tab, "{\"type\":\"cancel\",\"run\":%llu}", (unsigned long long)run.run);
    assert_string_equal(frame_word(frame_payload(tab_expect(tab, "prompt_closed")), "outcome"),
                        "cancelled");
    assert_int_equal(await_end(&rig, run), RUN_CANCELLED);
    assert_int_equal(asking.answer.outcome, PROMPT_CANCELLED);
    rig_stop(&rig);
}

static void user_input_brings_its_values(void **state)
{
    (void)state;
    struct rig rig;
    struct asking asking;
    struct session_ref session;
    begin(&rig, &asking, &session);
    asking.kind = PROMPT_USER_INPUT;
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    json_int_t prompt =
        frame_number(frame_payload(tab_expect(tab, "request_user_input")), "prompt");
    answer(tab, prompt, "true");   /* a confirmation does not answer a request for input */
    assert_string_equal(frame_word(tab_expect(tab, "error"), "code"), "invalid");
    tab_send(tab, "{\"type\":\"user_input\",\"prompt\":%lld,\"values\":{\"name\":\"x\"}}",
             (long long)prompt);
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
    assert_string_equal(asking.answer.values, "{\"name\":\"x\"}");
    prompt_answer_free(&asking.answer);
    rig_stop(&rig);
}

/* ---- the callback form ---- */

struct told {
    struct rig *rig;
    int times;
    enum prompt_outcome outcome;
};

static void prompt_told(void *context, const struct prompt_answer *given)
{
    struct told *told = context;
    pthread_mutex_lock(&told->rig->lock);
    told->times++;
    told->outcome = given->outcome;
    pthread_cond_broadcast(&told->rig->changed);
    pthread_mutex_unlock(&told->rig->lock);
}

static enum core_result ask_twice(struct rig *rig, struct run_context *run)
{
    struct told *told = rig->agent_context;
    struct prompt_request request = { .kind = PROMPT_CONFIRMATION, .id = "deploy",
                                      .timeout_us = CORE_MINUTES(5) };
    for (int i = 0; i < 2; i++) {
        if (run_ask_async(run, &request, prompt_told, &told[i]) != CORE_OK)
            abort();
    }
    rig_raise(rig, FLAG_ASKED_TWICE);
    rig_await(rig, FLAG_GO);
    return CORE_OK;
}

static void asking_again_supersedes_and_the_end_cancels(void **state)
{
    (void)state;
    struct rig rig;
    struct told told[2] = { { .rig = &rig }, { .rig = &rig } };
    rig_init(&rig);
    rig.agent = ask_twice;
    rig.agent_context = told;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    json_int_t first =
        frame_number(frame_payload(tab_expect(tab, "request_confirmation")), "prompt");
    rig_await(&rig, FLAG_ASKED_TWICE);
    answer(tab, first, "true");   /* an approval of the old question approves nothing */
    tab_expect(tab, "error");
    rig_raise(&rig, FLAG_GO);
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
    rig_stop(&rig);
    assert_int_equal(told[0].times, 1);
    assert_int_equal(told[0].outcome, PROMPT_SUPERSEDED);
    assert_int_equal(told[1].times, 1);
    assert_int_equal(told[1].outcome, PROMPT_CANCELLED);
}

static void expiry_can_hold(void **state)
{
    (void)state;
    struct rig rig;
    struct asking asking = { .timeout_us = MS(10) };
    rig_init(&rig);
    rig.agent = ask_deploy;
    rig.agent_context = &asking;
    rig.config.settings.prompt_clock = PROMPT_CLOCK_ALWAYS;
    rig.config.settings.on_expire = ON_EXPIRE_HOLD;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    json_int_t prompt =
        frame_number(frame_payload(tab_expect(tab, "request_confirmation")), "prompt");
    struct core_stats stats;
    core_stats(rig.core, &stats);
    assert_int_equal(stats.timers, 1);   /* the connection's; the prompt has none */
    answer(tab, prompt, "true");
    assert_int_equal(await_end(&rig, run), RUN_COMPLETED);
    assert_int_equal(asking.answer.outcome, PROMPT_APPROVED);
    rig_stop(&rig);
}

static void expiry_can_fail_the_run(void **state)
{
    (void)state;
    struct rig rig;
    struct asking asking = { .timeout_us = MS(10) };
    rig_init(&rig);
    rig.agent = ask_deploy;
    rig.agent_context = &asking;
    rig.config.settings.prompt_clock = PROMPT_CLOCK_ALWAYS;
    rig.config.settings.on_expire = ON_EXPIRE_FAIL;
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct run_ref run = submit_ok(&rig, session, "k");
    assert_int_equal(await_end(&rig, run), RUN_FAILED);
    assert_int_equal(asking.answer.outcome, PROMPT_EXPIRED);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_answer_counts_and_the_second_is_refused),
        cmocka_unit_test(timeout_is_an_outcome_of_its_own),
        cmocka_unit_test(open_prompt_is_offered_to_whoever_attaches),
        cmocka_unit_test(clock_stands_still_while_nobody_is_attached),
        cmocka_unit_test(cancelling_the_run_closes_its_prompt),
        cmocka_unit_test(user_input_brings_its_values),
        cmocka_unit_test(asking_again_supersedes_and_the_end_cancels),
        cmocka_unit_test(expiry_can_hold),
        cmocka_unit_test(expiry_can_fail_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
