/* Replays, heartbeats, pages, publishers, questions at tabs: each promise broken once, and near
 * misses. */
#include "tests/check/stream.h"

enum { LEFT = FIRST, BOT = SECOND, CORE = PARTY_CORE };

/* --- the end of the replay --- */

/* Left reloads: socket 2, the log at event `head`. */
static void reload(int64_t head)
{
    stream_cut(LEFT, 1);
    SEE(CLIENT_FRESH, LEFT, .session = W("s1"));
    SEE(CLIENT_OPEN, LEFT, .conn = 2, .session = W("s1"));
    SEE(CLIENT_HELLO, LEFT, .conn = 2, .session = W("s1"));
    SEE(CLIENT_READY, LEFT, .conn = 2, .session = W("s1"), .epoch = 1, .head = head, .floor = 1,
        .gen = 2);
}

static void replayed(void)
{
    SEE(CLIENT_RECV, LEFT, .kind = W("state_replay_complete"), .conn = 2, .frame = 1);
    SEE(CLIENT_ONLINE, LEFT, .conn = 2, .gen = 2);
}

static void replay_goes_too_far(void **state)
{
    (void)state;
    stream_begin_session("");
    reload(1);
    stream_apply(LEFT, 1, 1, 101);
    stream_apply(LEFT, 1, 2, 102);
    replayed();
    stream_violates(SCN_INVARIANT_REPLAY_MEETS_LIVE,
                    "event 2 came to left within the replay up to event 1");
}

static void replay_ends_at_its_head(void **state)
{
    (void)state;
    stream_begin_session("");
    reload(1);
    stream_apply(LEFT, 1, 1, 101);
    replayed();
    stream_apply(LEFT, 1, 2, 102);
    assert_null(stream_verdict());
    assert_true(stream_exercised(SCN_INVARIANT_REPLAY_MEETS_LIVE));
    stream_end();
}

/* A new beginning goes as far as it says, and makes up for what it leaves out. */
static void replay_begins_anew(void **state)
{
    (void)state;
    stream_begin_session("replay_max_events=1");
    reload(1);
    SEE(RESYNC, LEFT, .epoch = 1, .from = 1, .to = 1, .head = 2);
    stream_apply(LEFT, 1, 2, 102);
    replayed();
    stream_holds();
}

static void replay_is_too_long(void **state)
{
    (void)state;
    stream_begin_session("replay_max_events=2");
    for (int64_t seq = 3; seq <= 5; seq++) stream_append(1, seq, 100 + seq);
    stream_cut(LEFT, 1);
    stream_attach(LEFT, 2, 1, 2, 5);
    stream_violates(SCN_INVARIANT_LIMITS_HOLD,
                    "left is promised a replay of 3 events; 2 are allowed");
}

static void new_beginning_is_too_long(void **state)
{
    (void)state;
    stream_begin_session("replay_max_events=2 history_max_events=3");
    for (int64_t seq = 3; seq <= 6; seq++) stream_append(1, seq, 100 + seq);
    SEE(GAP_TOLD, LEFT, .epoch = 1, .from = 3, .to = 3, .gen = 1);
    SEE(RESYNC, LEFT, .epoch = 1, .from = 4, .to = 3, .head = 6);
    stream_violates(SCN_INVARIANT_LIMITS_HOLD,
                    "left is promised a replay of 3 events; 2 are allowed");
}

static void replay_is_as_long_as_allowed(void **state)
{
    (void)state;
    stream_begin_session("replay_max_events=2");
    for (int64_t seq = 3; seq <= 4; seq++) stream_append(1, seq, 100 + seq);
    stream_cut(LEFT, 1);
    stream_attach(LEFT, 2, 1, 2, 4);
    stream_holds();
}

/* --- heartbeats --- */

static void beat(int64_t head, int64_t sent)
{
    SEE(HEARTBEAT, LEFT, .conn = 1, .head = head, .sent = sent);
}

static void heartbeat_goes_back(void **state)
{
    (void)state;
    stream_begin_session("");
    beat(2, 2);
    beat(2, 1);
    stream_violates(SCN_INVARIANT_CURSORS_ONLY_GROW,
                    "a heartbeat told left head 2 and sent 1, after head 2 and sent 2");
}

static void heartbeat_of_what_is_not_stored(void **state)
{
    (void)state;
    stream_begin_session("");
    beat(3, 2);
    stream_violates(SCN_INVARIANT_CURSORS_ONLY_GROW,
                    "a heartbeat told left head 3, and the store holds 2 events");
}

static void heartbeat_of_what_was_not_sent(void **state)
{
    (void)state;
    stream_begin_session("");
    stream_append(1, 3, 103);
    beat(3, 3);
    stream_violates(SCN_INVARIANT_CURSORS_ONLY_GROW,
                    "a heartbeat told left that event 3 was sent, and it was given 2");
}

static void heartbeats_behind_the_log(void **state)
{
    (void)state;
    stream_begin_session("");
    beat(2, 1);
    stream_append(1, 3, 103);
    beat(2, 2);
    beat(3, 2);
    stream_apply(LEFT, 1, 3, 103);
    beat(3, 3);
    stream_holds();
}

/* --- pages --- */

static void begin_pages(void)
{
    stream_begin("tab left user=alice session=s1\n"
                 "  connect\n"
                 "backend api session=s1\n"
                 "  publish token times 4\n"
                 "check\n"
                 "  on no_lost_events\n");
    SEE(CORE_STARTED, CORE, .life = 1);
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 1);
    for (int64_t seq = 1; seq <= 3; seq++) stream_append(1, seq, 100 + seq);
}

static void ask_page(int64_t cursor)
{
    SEE(PAGE_CALL, BOT, .session = W("s1"), .epoch = cursor > 0, .cursor = cursor);
}

static void read_event(int64_t seq, int64_t digest)
{
    SEE(PAGE_EVENT, BOT, .session = W("s1"), .epoch = 1, .seq = seq, .digest = digest,
        .kind = W("token"));
}

static void end_page(int64_t next, int64_t count, bool more, bool trimmed)
{
    SEE(PAGE, BOT, .session = W("s1"), .epoch = 1, .next = next, .count = count, .more = more,
        .trimmed = trimmed);
}

static void page_repeats(void **state)
{
    (void)state;
    begin_pages();
    ask_page(1);
    read_event(1, 101);
    end_page(1, 1, true, false);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api asked for what comes after event 1, and its page begins with event 1");
}

static void page_leaves_out(void **state)
{
    (void)state;
    begin_pages();
    ask_page(0);
    read_event(1, 101);
    read_event(3, 103);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE, "api read event 3 right after event 1");
}

static void page_skips(void **state)
{
    (void)state;
    begin_pages();
    ask_page(0);
    read_event(1, 101);
    end_page(2, 1, true, false);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE, "the page of api ends with event 1, and the next "
                                                  "one begins after event 2");
}

static void page_ends_too_soon(void **state)
{
    (void)state;
    begin_pages();
    ask_page(0);
    read_event(1, 101);
    end_page(1, 1, false, false);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api was told that nothing comes after event 1, but event 3 was accepted "
                    "before");
}

static void page_of_other_content(void **state)
{
    (void)state;
    begin_pages();
    ask_page(0);
    read_event(1, 999);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api read event 1 of session s1, a token that was never stored there");
}

static void page_of_another_epoch(void **state)
{
    (void)state;
    begin_pages();
    SEE(PAGE_CALL, BOT, .session = W("s1"), .epoch = 7, .cursor = 1);
    read_event(2, 102);
    end_page(2, 1, true, false);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api had a cursor of epoch 7, read epoch 1, and was not told");
}

static void pages_in_a_row(void **state)
{
    (void)state;
    begin_pages();
    ask_page(0);
    read_event(1, 101);
    read_event(2, 102);
    end_page(2, 2, true, false);
    ask_page(2);
    stream_append(1, 4, 104);   /* while it is read: the page need not hold it */
    read_event(3, 103);
    end_page(3, 1, false, false);
    ask_page(0);
    read_event(4, 104);
    end_page(4, 1, false, true);
    stream_holds();
}

static void page_is_longer_than_asked(void **state)
{
    (void)state;
    begin_pages();
    SEE(PAGE_CALL, BOT, .session = W("s1"), .epoch = 1, .cursor = 0, .limit = 1);
    read_event(1, 101);
    read_event(2, 102);
    end_page(2, 2, true, false);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE, "api asked for 1 events at most and got 2");
}

static void page_is_shorter_than_it_could_be(void **state)
{
    (void)state;
    begin_pages();
    SEE(PAGE_CALL, BOT, .session = W("s1"), .epoch = 1, .cursor = 0, .limit = 3);
    read_event(1, 101);
    end_page(1, 1, true, false);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api asked for 3 events and got 1, though event 2 had room as well");
}

static void older_page_of_another_log_begins_at_its_end(void **state)
{
    (void)state;
    begin_pages();
    SEE(PUB_ACK, BOT, .session = W("s1"), .kind = W("token"), .number = 3, .digest = 103,
        .epoch = 1, .seq = 3, .code = W("ok"));
    SEE(PAGE_CALL, BOT, .session = W("s1"), .epoch = 7, .cursor = 2, .back = true);
    read_event(1, 101);
    SEE(PAGE, BOT, .session = W("s1"), .epoch = 1, .next = 1, .count = 1, .renewed = true);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api asked for what comes before event 4, and its page begins with event 1");
}

static void page_promises_what_is_not_there(void **state)
{
    (void)state;
    begin_pages();
    ask_page(1);
    read_event(2, 102);
    read_event(3, 103);
    end_page(3, 2, true, false);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api was told that more comes after event 3, the newest there is");
}

static void page_is_empty_for_nothing(void **state)
{
    (void)state;
    begin_pages();
    ask_page(1);
    end_page(1, 0, true, false);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api was told that more comes, and got an empty page");
}

static void page_mourns_what_it_holds(void **state)
{
    (void)state;
    begin_pages();
    ask_page(0);
    read_event(1, 101);
    end_page(1, 1, true, true);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api has event 1, and was told that older ones are gone");
}

static void page_disowns_its_log(void **state)
{
    (void)state;
    begin_pages();
    ask_page(0);
    read_event(1, 101);
    end_page(1, 1, true, false);
    SEE(PAGE_CALL, BOT, .session = W("s1"), .epoch = 1, .cursor = 0);
    read_event(1, 101);
    SEE(PAGE, BOT, .session = W("s1"), .epoch = 1, .next = 1, .count = 1, .more = true,
        .renewed = true);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api had the cursor 0 of this log, and was told that the log is another one");
}

/* --- pages of older events --- */

static void ask_older(int64_t cursor)
{
    SEE(PAGE_CALL, BOT, .session = W("s1"), .epoch = 1, .cursor = cursor, .back = true);
}

static void older_page_has_a_hole(void **state)
{
    (void)state;
    begin_pages();
    ask_older(0);
    read_event(3, 103);
    read_event(1, 101);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE, "api read event 1 right after event 3");
}

static void older_page_begins_too_low(void **state)
{
    (void)state;
    begin_pages();
    ask_older(3);
    read_event(1, 101);
    end_page(1, 1, false, false);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api asked for what comes before event 3, and its page begins with event 1");
}

static void older_page_goes_the_wrong_way(void **state)
{
    (void)state;
    begin_pages();
    ask_older(2);
    read_event(3, 103);
    end_page(3, 1, true, false);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api asked for what comes before event 2 and got event 3");
}

static void older_pages_end_without_a_word(void **state)
{
    (void)state;
    begin_pages();
    ask_older(0);
    read_event(3, 103);
    read_event(2, 102);
    end_page(2, 2, false, false);
    stream_violates(SCN_INVARIANT_PAGES_CONTINUE,
                    "api was told that nothing comes before event 2, and not that it was trimmed");
}

static void older_pages_in_a_row(void **state)
{
    (void)state;
    begin_pages();
    ask_older(0);
    read_event(3, 103);
    end_page(3, 1, true, false);
    ask_older(3);
    read_event(2, 102);
    end_page(2, 1, false, true);
    ask_older(3);
    read_event(2, 102);
    read_event(1, 101);
    end_page(1, 2, false, false);
    stream_holds();
}

/* --- publishers --- */

static void publisher_is_held(void **state)
{
    (void)state;
    begin_pages();
    SEE(PUB_CALL, BOT, .session = W("s1"), .kind = W("token"), .number = 4, .digest = 104);
    SEE_ARROW(STORE_CALL, PARTY_MESSAGES, CORE, PARTY_MESSAGES, .op = W("append"));
    stream_at_ms(3);
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = 1, .seq = 4,
        .digest = 104);
    SEE_ARROW(STORE_REPLY, PARTY_MESSAGES, PARTY_MESSAGES, CORE, .op = W("append"),
              .code = W("ok"));
    stream_at_ms(53);
    SEE(PUB_ACK, BOT, .session = W("s1"), .kind = W("token"), .number = 4, .digest = 104,
        .epoch = 1, .seq = 4, .code = W("ok"));
    stream_violates(SCN_INVARIANT_NO_HELD_PUBLISHERS,
                    "api waited 53ms to publish a token; the store had work for 3ms of them");
}

static void publish(const char *code)
{
    SEE(PUB_CALL, BOT, .session = W("s1"), .kind = W("token"), .number = 4, .digest = 104);
    SEE_ARROW(STORE_CALL, PARTY_MESSAGES, CORE, PARTY_MESSAGES, .op = W("append"));
    stream_at_ms(3);
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = 1, .seq = 4,
        .digest = 104);
    SEE_ARROW(STORE_REPLY, PARTY_MESSAGES, PARTY_MESSAGES, CORE, .op = W("append"),
              .code = W(code));
}

static void publisher_waits_for_the_store(void **state)
{
    (void)state;
    begin_pages();
    publish("ok");
    SEE(PUB_ACK, BOT, .session = W("s1"), .kind = W("token"), .number = 4, .digest = 104,
        .epoch = 1, .seq = 4, .code = W("ok"));
    stream_holds();
}

static void doubt(void)
{
    SEE(PUB_ACK, BOT, .session = W("s1"), .kind = W("token"), .number = 4, .digest = 104,
        .code = W("unknown"));
}

static void publisher_doubts_for_nothing(void **state)
{
    (void)state;
    begin_pages();
    publish("ok");
    doubt();
    stream_violates(SCN_INVARIANT_ACCEPTED_IS_STORED,
                    "api was told that nobody knows whether its token is stored, and the store had "
                    "answered every call");
}

static void publisher_doubts_with_the_store(void **state)
{
    (void)state;
    begin_pages();
    publish("unknown");
    doubt();
    stream_holds();
}

/* Whoever got no answer asks again after a pause. */
static void publisher_waits_for_a_second_try(void **state)
{
    (void)state;
    begin_pages();
    publish("unknown");
    stream_at_ms(1003);
    SEE(PUB_ACK, BOT, .session = W("s1"), .kind = W("token"), .number = 4, .digest = 104,
        .epoch = 1, .seq = 4, .code = W("ok"));
    stream_holds();
}

/* --- questions at tabs --- */

static void begin_question(void)
{
    stream_begin("core prompt_clock=attached_only\n"
                 "tab left user=alice session=s1\n"
                 "  connect\n"
                 "agent bot session=s1\n"
                 "  ask deploy timeout=30s\n"
                 "check\n"
                 "  on no_lost_events\n");
    SEE(CORE_STARTED, CORE, .life = 1);
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 1);
    stream_attach(LEFT, 1, 1, 0, 0);
    SEE(PROMPT_OPEN, BOT, .id = W("deploy"), .run = 1);
}

static void question_is_not_shown(void **state)
{
    (void)state;
    begin_question();
    stream_calm(1000);
    stream_violates(SCN_INVARIANT_QUESTIONS_ARE_SHOWN,
                    "question deploy of bot is open, and left does not know");
}

static void question_is_shown_for_ever(void **state)
{
    (void)state;
    begin_question();
    SEE(PROMPT_SHOWN, LEFT, .id = W("deploy"), .prompt = 1);
    SEE(PROMPT_DONE, BOT, .id = W("deploy"), .outcome = W("cancelled"));
    stream_calm(1000);
    stream_violates(SCN_INVARIANT_QUESTIONS_ARE_SHOWN,
                    "left still shows question deploy, which is settled");
}

static void question_is_shown_and_closed(void **state)
{
    (void)state;
    begin_question();
    SEE(PROMPT_SHOWN, LEFT, .id = W("deploy"), .prompt = 1);
    SEE(PROMPT_DONE, BOT, .id = W("deploy"), .outcome = W("cancelled"));
    SEE(CLIENT_RECV, LEFT, .kind = W("prompt_closed"), .id = W("deploy"), .frame = 1,
        .outcome = W("cancelled"));
    SEE(PROMPT_OPEN, BOT, .id = W("again"), .run = 1);
    SEE(PROMPT_SHOWN, LEFT, .id = W("again"), .prompt = 2);
    stream_calm(1000);
    stream_holds();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_goes_too_far),
        cmocka_unit_test(replay_ends_at_its_head),
        cmocka_unit_test(replay_begins_anew),
        cmocka_unit_test(replay_is_too_long),
        cmocka_unit_test(new_beginning_is_too_long),
        cmocka_unit_test(replay_is_as_long_as_allowed),
        cmocka_unit_test(heartbeat_goes_back),
        cmocka_unit_test(heartbeat_of_what_is_not_stored),
        cmocka_unit_test(heartbeat_of_what_was_not_sent),
        cmocka_unit_test(heartbeats_behind_the_log),
        cmocka_unit_test(page_repeats),
        cmocka_unit_test(page_leaves_out),
        cmocka_unit_test(page_skips),
        cmocka_unit_test(page_ends_too_soon),
        cmocka_unit_test(page_of_other_content),
        cmocka_unit_test(page_of_another_epoch),
        cmocka_unit_test(pages_in_a_row),
        cmocka_unit_test(page_is_longer_than_asked),
        cmocka_unit_test(page_is_shorter_than_it_could_be),
        cmocka_unit_test(older_page_of_another_log_begins_at_its_end),
        cmocka_unit_test(page_promises_what_is_not_there),
        cmocka_unit_test(page_is_empty_for_nothing),
        cmocka_unit_test(page_mourns_what_it_holds),
        cmocka_unit_test(page_disowns_its_log),
        cmocka_unit_test(older_page_has_a_hole),
        cmocka_unit_test(older_page_begins_too_low),
        cmocka_unit_test(older_page_goes_the_wrong_way),
        cmocka_unit_test(older_pages_end_without_a_word),
        cmocka_unit_test(older_pages_in_a_row),
        cmocka_unit_test(publisher_is_held),
        cmocka_unit_test(publisher_waits_for_the_store),
        cmocka_unit_test(publisher_doubts_for_nothing),
        cmocka_unit_test(publisher_doubts_with_the_store),
        cmocka_unit_test(publisher_waits_for_a_second_try),
        cmocka_unit_test(question_is_not_shown),
        cmocka_unit_test(question_is_shown_for_ever),
        cmocka_unit_test(question_is_shown_and_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
