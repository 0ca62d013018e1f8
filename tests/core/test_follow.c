/* Two cores over one message store: the one that only reads hears of what the other writes. */
#include "rig.h"

#include <string.h>

enum { FLAG_PASSED };

struct cores {
    struct memory_store store;
    struct rig writer, reader;
    struct session_ref session;
    struct tab *tab;
};

static void begin_core(struct cores *t, struct rig *rig)
{
    rig_init(rig);
    rig->config.messages = &t->store.port;
    rig->config.settings.heartbeat_us = CORE_SECONDS(30);
    rig->config.settings.store_poll_us = MS(20);
    rig_start(rig);
}

/* The reader has the session and a tab; then the writer takes the stream over. */
static void begin(struct cores *t)
{
    memory_store_init(&t->store);
    begin_core(t, &t->reader);
    rig_session(&t->reader, "s1");
    t->tab = tab_connect(&t->reader, "alice", "s1");
    begin_core(t, &t->writer);
    t->session = rig_session(&t->writer, "s1");
}

static void end(struct cores *t)
{
    rig_stop(&t->reader);
    rig_stop(&t->writer);
    memory_store_free(&t->store);
}

static void publish_one(struct cores *t)
{
    assert_int_equal(publish_wait(t->writer.core, t->session, "token", "{}", 2, NULL), CORE_OK);
}

/* One notice, and from then on the reader looks by itself as long as there is something to see. */
static void reader_follows_after_one_notice(void **state)
{
    (void)state;
    struct cores t;
    begin(&t);
    publish_one(&t);
    assert_int_equal(session_refresh(t.reader.core, "s1"), CORE_OK);
    tab_expect(t.tab, "token");
    for (int i = 0; i < 5; i++) {
        publish_one(&t);
        tab_expect(t.tab, "token");
    }
    tab_assert_in_order(t.tab, 0);
    assert_int_equal(session_refresh(t.reader.core, "s2"), CORE_NOT_FOUND);
    assert_int_equal(session_refresh(t.reader.core, ""), CORE_INVALID);
    end(&t);
}

/* A reader whose tab is gone looks no more. */
static void nobody_reads_for_nobody(void **state)
{
    (void)state;
    struct cores t;
    struct core_stats stats;
    begin(&t);
    publish_one(&t);
    assert_int_equal(session_refresh(t.reader.core, "s1"), CORE_OK);
    tab_expect(t.tab, "token");
    tab_close(t.tab);
    RIG_AWAIT((core_stats(t.reader.core, &stats), stats.timers == 0));
    end(&t);
}

static enum core_result ask_once(struct rig *rig, struct run_context *run)
{
    struct prompt_request request = { .kind = PROMPT_CONFIRMATION, .id = "deploy",
                                      .timeout_us = CORE_MINUTES(5) };
    struct prompt_answer answer;
    (void)rig;
    (void)run_ask(run, &request, &answer);
    return run_should_stop(run) ? CORE_CANCELLED : CORE_OK;
}

static void question_of_the_other_core_is_known_as_such(void **state)
{
    (void)state;
    struct cores t;
    begin(&t);
    t.writer.agent = ask_once;
    struct run_ref run = submit_ok(&t.writer, t.session, "k");
    RIG_AWAIT((session_refresh(t.reader.core, "s1"), tab_pump(t.tab),
               tab_count(t.tab, "request_confirmation") == 1));
    const json_t *question = tab_expect(t.tab, "request_confirmation");
    long long number = frame_number(frame_payload(question), "prompt");
    tab_send(t.tab, "{\"type\":\"confirm\",\"prompt\":%lld,\"value\":true}", number);
    assert_string_equal(frame_word(tab_expect(t.tab, "error"), "code"), "unavailable");
    tab_send(t.tab, "{\"type\":\"confirm\",\"prompt\":%lld,\"value\":true}", number + 1);
    assert_string_equal(frame_word(tab_expect(t.tab, "error"), "code"), "not_found");
    assert_int_equal(run_cancel(t.writer.core, run, NULL), CORE_OK);
    RIG_AWAIT((session_refresh(t.reader.core, "s1"), tab_pump(t.tab),
               tab_count(t.tab, "prompt_closed") == 1));
    tab_send(t.tab, "{\"type\":\"confirm\",\"prompt\":%lld,\"value\":true}", number);
    assert_string_equal(frame_word(tab_expect(t.tab, "error"), "code"), "not_found");
    end(&t);
}

/* --- what a client of the reader answers is passed on to the writer --- */

static enum core_result passed;

static void pass(void *context, const char *session, const char *message, size_t length)
{
    struct cores *t = context;
    passed = session_pass(t->writer.core, session, message, length);
    rig_raise(&t->writer, FLAG_PASSED);
}

static void begin_relay(struct cores *t)
{
    memory_store_init(&t->store);
    rig_init(&t->reader);
    t->reader.config.relay = (struct relay_port){ t, pass };
    t->reader.config.messages = &t->store.port;
    t->reader.config.settings.store_poll_us = MS(20);
    rig_start(&t->reader);
    rig_session(&t->reader, "s1");
    t->tab = tab_connect(&t->reader, "alice", "s1");
    begin_core(t, &t->writer);
    t->session = rig_session(&t->writer, "s1");
}

static long long await_question(struct cores *t)
{
    RIG_AWAIT((session_refresh(t->reader.core, "s1"), tab_pump(t->tab),
               tab_count(t->tab, "request_confirmation") == 1));
    const json_t *question = tab_expect(t->tab, "request_confirmation");
    return frame_number(frame_payload(question), "prompt");
}

static void answer_reaches_the_core_that_asked(void **state)
{
    (void)state;
    struct cores t;
    begin_relay(&t);
    t.writer.agent = ask_once;
    submit_ok(&t.writer, t.session, "k");
    tab_send(t.tab, "{\"type\":\"confirm\",\"prompt\":%lld,\"value\":true}", await_question(&t));
    rig_await(&t.writer, FLAG_PASSED);
    assert_int_equal(passed, CORE_OK);
    RIG_AWAIT((session_refresh(t.reader.core, "s1"), tab_pump(t.tab),
               tab_count(t.tab, "prompt_closed") == 1));
    const json_t *closed = tab_expect(t.tab, "prompt_closed");
    assert_string_equal(frame_word(frame_payload(closed), "outcome"), "approved");
    assert_int_equal(tab_count(t.tab, "error"), 0);
    end(&t);
}

static void cancel_reaches_the_core_that_runs(void **state)
{
    (void)state;
    struct cores t;
    begin_relay(&t);
    t.writer.agent = ask_once;
    struct run_ref run = submit_ok(&t.writer, t.session, "k");
    (void)await_question(&t);
    tab_send(t.tab, "{\"type\":\"cancel\",\"run\":%llu}", (unsigned long long)run.run);
    rig_await(&t.writer, FLAG_PASSED);
    assert_int_equal(passed, CORE_OK);
    assert_int_equal(await_end(&t.writer, run), RUN_CANCELLED);
    assert_int_equal(tab_count(t.tab, "error"), 0);
    end(&t);
}

static void only_answers_and_cancels_are_passed_on(void **state)
{
    static const char *const messages[] = { "{\"type\":\"pong\"}", "{\"type\":\"ack\",\"seq\":1}",
                                            "{\"type\":\"start_agent\"}", "nonsense" };
    static const char cancel[] = "{\"type\":\"cancel\",\"run\":7}";
    (void)state;
    struct cores t;
    begin_relay(&t);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        assert_int_equal(session_pass(t.writer.core, "s1", messages[i], strlen(messages[i])),
                         CORE_INVALID);
    assert_int_equal(session_pass(t.writer.core, "s1", cancel, strlen(cancel)), CORE_NOT_FOUND);
    assert_int_equal(session_pass(t.writer.core, "s2", cancel, strlen(cancel)), CORE_NOT_FOUND);
    assert_int_equal(session_pass(t.writer.core, "", cancel, strlen(cancel)), CORE_INVALID);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_follows_after_one_notice),
        cmocka_unit_test(nobody_reads_for_nobody),
        cmocka_unit_test(question_of_the_other_core_is_known_as_such),
        cmocka_unit_test(answer_reaches_the_core_that_asked),
        cmocka_unit_test(cancel_reaches_the_core_that_runs),
        cmocka_unit_test(only_answers_and_cancels_are_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
