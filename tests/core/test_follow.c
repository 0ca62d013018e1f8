/* Two cores over one message store: the one that only reads hears of what the other writes. */
#include "rig.h"

#include <string.h>

enum { FLAG_ASKED };

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
    return CORE_OK;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_follows_after_one_notice),
        cmocka_unit_test(nobody_reads_for_nobody),
        cmocka_unit_test(question_of_the_other_core_is_known_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
