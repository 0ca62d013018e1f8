/* Pages of history, of memory and of the store behind it, and how long the store keeps them. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

enum { FLAG_STARTED, FLAG_GO };

struct pages {
    struct memory_store store;
    struct rig rig;
    struct session_ref session;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    enum core_result result;
    struct history_page page;
};

static void prepare(struct pages *t)
{
    memory_store_init(&t->store);
    rig_init(&t->rig);
    t->rig.config.messages = &t->store.port;
    t->rig.config.settings.history_max_events = 4;
    t->rig.config.settings.replay_max_events = 4;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
}

static void begin(struct pages *t)
{
    rig_start(&t->rig);
    t->session = rig_session(&t->rig, "s1");
}

static void end(struct pages *t)
{
    rig_stop(&t->rig);
    memory_store_free(&t->store);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
}

static void publish_numbers(struct pages *t, int from, int to)
{
    for (int i = from; i <= to; i++) {
        char payload[32];
        int length = snprintf(payload, sizeof payload, "{\"n\":%d}", i);
        assert_int_equal(publish_wait(t->rig.core, t->session, "number", payload, (size_t)length,
                                      NULL), CORE_OK);
    }
}

static void paged(void *context, enum core_result result, struct history_page *page)
{
    struct pages *t = context;
    pthread_mutex_lock(&t->lock);
    t->result = result;
    t->page = *page;
    t->done = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static void read_page(struct pages *t, uint64_t epoch, uint64_t seq, size_t limit,
                      enum history_direction direction)
{
    struct history_cursor cursor = { epoch, seq };
    t->done = false;
    assert_int_equal(history_read(t->rig.core, t->session, cursor, limit, direction, paged, t),
                     CORE_OK);
    pthread_mutex_lock(&t->lock);
    while (!t->done)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

/* The page's events are first, first + step, ..., last; then it is freed. */
static void assert_page(struct pages *t, uint64_t first, uint64_t last, bool more, bool trimmed)
{
    uint64_t count = first <= last ? last - first + 1 : first - last + 1;
    assert_int_equal(t->result, CORE_OK);
    assert_int_equal(t->page.count, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t seq = first <= last ? first + i : first - i;
        char payload[32];
        snprintf(payload, sizeof payload, "{\"n\":%d}", (int)seq);
        assert_int_equal(t->page.events[i].seq, seq);
        assert_string_equal(t->page.events[i].type, "number");
        assert_string_equal(t->page.events[i].payload, payload);
    }
    assert_int_equal(t->page.next.seq, last);
    assert_int_equal(t->page.more, more);
    assert_int_equal(t->page.trimmed, trimmed);
    history_page_free(&t->page);
}

static void pages_join_store_and_memory(void **state)
{
    struct pages t;
    (void)state;
    prepare(&t);
    begin(&t);
    publish_numbers(&t, 1, 10);   /* 7 to 10 are in memory */
    uint64_t epoch = t.store.epoch;
    read_page(&t, 0, 0, 4, HISTORY_FORWARD);
    assert_page(&t, 1, 4, true, false);
    read_page(&t, epoch, 4, 4, HISTORY_FORWARD);
    assert_page(&t, 5, 8, true, false);
    read_page(&t, epoch, 8, 4, HISTORY_FORWARD);
    assert_page(&t, 9, 10, false, false);
    read_page(&t, 0, 0, 3, HISTORY_BACKWARD);
    assert_page(&t, 10, 8, true, false);
    read_page(&t, epoch, 8, 1, HISTORY_BACKWARD);   /* as far as memory goes, and not the end */
    assert_page(&t, 7, 7, true, false);
    read_page(&t, epoch, 8, 3, HISTORY_BACKWARD);
    assert_page(&t, 7, 5, true, false);
    read_page(&t, epoch, 5, 9, HISTORY_BACKWARD);
    assert_page(&t, 4, 1, false, false);
    read_page(&t, epoch + 1, 4, 2, HISTORY_FORWARD);
    assert_true(t.page.epoch_changed);
    assert_page(&t, 1, 2, true, false);
    end(&t);
}

/* A page ends where its bytes do, and the next one goes on there. */
static void page_has_a_size(void **state)
{
    struct pages t;
    (void)state;
    prepare(&t);
    t.rig.config.settings.outbound_max_bytes = 256;
    begin(&t);
    char text[180], payload[200];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    snprintf(payload, sizeof payload, "{\"text\":\"%s\"}", text);
    for (int i = 0; i < 8; i++)
        assert_int_equal(publish_wait(t.rig.core, t.session, "number", payload, strlen(payload),
                                      NULL), CORE_OK);
    read_page(&t, 0, 0, 8, HISTORY_FORWARD);
    assert_int_equal(t.page.count, 1);
    assert_true(t.page.more && !t.page.trimmed && t.page.next.seq == 1);
    history_page_free(&t.page);
    read_page(&t, t.store.epoch, 5, 4, HISTORY_BACKWARD);
    assert_int_equal(t.page.count, 1);
    assert_int_equal(t.page.events[0].seq, 4);
    assert_true(t.page.more && !t.page.trimmed && t.page.next.seq == 4);
    history_page_free(&t.page);
    end(&t);
}

static void client_reads_on_behind_its_replay(void **state)
{
    struct pages t;
    (void)state;
    prepare(&t);
    begin(&t);
    publish_numbers(&t, 1, 10);
    struct tab *tab = tab_connect(&t.rig, "alice", "s1");
    pthread_mutex_lock(&t.store.lock);   /* the store takes its time */
    tab_send(tab, "{\"type\":\"history\",\"epoch\":%llu,\"cursor\":7,\"backward\":true}",
             (unsigned long long)tab->epoch);
    tab_send(tab, "{\"type\":\"history\"}");
    assert_string_equal(frame_word(tab_expect(tab, "error"), "code"), "limit");
    pthread_mutex_unlock(&t.store.lock);
    const json_t *page = tab_expect(tab, "history_page");
    assert_int_equal(json_array_size(json_object_get(page, "events")), 6);
    assert_int_equal(frame_number(page, "next"), 1);
    assert_true(json_is_false(json_object_get(page, "trimmed")));
    assert_true(json_is_false(json_object_get(page, "more")));
    tab_send(tab, "{\"type\":\"history\",\"limit\":2}");
    page = tab_expect(tab, "history_page");
    assert_int_equal(frame_number(page, "next"), 2);
    /* Whoever leaves while the store reads gets nothing, and nobody else does. */
    pthread_mutex_lock(&t.store.lock);
    tab_send(tab, "{\"type\":\"history\"}");
    tab_close(tab);
    pthread_mutex_unlock(&t.store.lock);
    end(&t);
}

/* ---- retention ---- */

static void store_is_trimmed_in_steps(void **state)
{
    struct pages t;
    (void)state;
    prepare(&t);
    t.rig.config.settings.store_max_events = 16;
    begin(&t);
    publish_numbers(&t, 1, 18);
    assert_int_equal(t.store.trims, 0);
    publish_numbers(&t, 19, 40);
    core_drain(t.rig.core, 0);
    assert_true(t.store.trims >= 5 && t.store.trims <= 8);   /* of 22 appends */
    assert_in_range(t.store.head + 1 - t.store.floor, 16, 18);
    core_destroy(t.rig.core);
    rig_start(&t.rig);
    t.session = rig_session(&t.rig, "s1");
    uint64_t floor = t.store.floor;
    read_page(&t, t.store.epoch, 3, 2, HISTORY_FORWARD);
    assert_page(&t, floor, floor + 1, true, true);
    read_page(&t, t.store.epoch, floor + 2, 9, HISTORY_BACKWARD);
    assert_page(&t, floor + 1, floor, false, true);
    end(&t);
}

static enum core_result talk_at_length(struct rig *rig, struct run_context *run)
{
    for (int i = 0; i < 60; i++)
        emit_ok(run, "token");
    rig_raise(rig, FLAG_STARTED);
    rig_await(rig, FLAG_GO);
    return CORE_OK;
}

/* What a core has to know after a crash stays, and does not keep all the rest with it. */
static void live_run_is_not_forgotten(void **state)
{
    struct pages t;
    (void)state;
    prepare(&t);
    t.rig.config.settings.store_max_events = 16;
    t.rig.agent = talk_at_length;
    begin(&t);
    struct run_ref run = submit_ok(&t.rig, t.session, "k");
    rig_await(&t.rig, FLAG_STARTED);
    uint64_t told = 0;
    pthread_mutex_lock(&t.store.lock);
    for (uint64_t seq = t.store.floor; seq <= t.store.head; seq++)
        told += strcmp(t.store.events[seq].type, "run_state") == 0;
    uint64_t kept = t.store.head + 1 - t.store.floor;
    pthread_mutex_unlock(&t.store.lock);
    assert_true(told > 0);
    assert_true(kept <= 40);
    rig_raise(&t.rig, FLAG_GO);
    assert_int_equal(await_end(&t.rig, run), RUN_COMPLETED);
    end(&t);
}

static enum core_result return_at_once(struct rig *rig, struct run_context *run)
{
    (void)rig;
    emit_ok(run, "token");
    return CORE_OK;
}

static void ignore_opened(void *context, enum core_result result, struct session_ref session,
                          uint64_t epoch)
{
    (void)context, (void)result, (void)session, (void)epoch;
}

/* For longer than the test takes. */
static void open_for_long(struct pages *t)
{
    struct core_settings settings = t->rig.config.settings;
    struct core_stats stats;
    settings.retain_after_terminal_us = MS(600000);
    assert_int_equal(session_open_with(t->rig.core, "s1", "alice", 0, &settings, ignore_opened,
                                       NULL), CORE_OK);
    RIG_AWAIT((core_stats(t->rig.core, &stats), stats.sessions == 1));
}

static uint64_t floor_of(struct pages *t)
{
    pthread_mutex_lock(&t->store.lock);
    uint64_t floor = t->store.floor;
    pthread_mutex_unlock(&t->store.lock);
    return floor;
}

static void forgotten_session_ends_in_the_store(void **state)
{
    struct pages t;
    (void)state;
    for (int reopened = 0; reopened < 2; reopened++) {
        struct core_stats stats;
        prepare(&t);
        t.rig.config.settings.retain_after_terminal_us = MS(1);
        t.rig.config.settings.retain_in_store_us = MS(400);
        t.rig.agent = return_at_once;
        begin(&t);
        submit_ok(&t.rig, t.session, "k");
        RIG_AWAIT((core_stats(t.rig.core, &stats), stats.sessions == 0));
        if (reopened)
            open_for_long(&t);
        for (int i = 0; reopened && i < 500; i++)
            rig_breathe();
        RIG_AWAIT(floor_of(&t) == (reopened ? 1 : 4));
        assert_int_equal(t.store.head, 3);
        end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_join_store_and_memory),
        cmocka_unit_test(page_has_a_size),
        cmocka_unit_test(client_reads_on_behind_its_replay),
        cmocka_unit_test(store_is_trimmed_in_steps),
        cmocka_unit_test(live_run_is_not_forgotten),
        cmocka_unit_test(forgotten_session_ends_in_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
