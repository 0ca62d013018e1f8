/* Settings of one session: beside those of its core, and changed while it lives. */
#include "fleet.h"

#include "core/core.h"

struct opening {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    enum core_result result;
    struct session_ref session;
};

static void opened(void *context, enum core_result result, struct session_ref session,
                   uint64_t epoch)
{
    struct opening *opening = context;
    (void)epoch;
    pthread_mutex_lock(&opening->lock);
    opening->result = result;
    opening->session = session;
    opening->done = true;
    pthread_cond_signal(&opening->changed);
    pthread_mutex_unlock(&opening->lock);
}

static struct session_ref open_with(struct rig *rig, const char *key,
                                    const struct core_settings *settings)
{
    struct opening opening = { .done = false };
    pthread_mutex_init(&opening.lock, NULL);
    pthread_cond_init(&opening.changed, NULL);
    assert_int_equal(session_open_with(rig->core, key, "alice", SESSION_CREATE, settings, opened,
                                       &opening), CORE_OK);
    pthread_mutex_lock(&opening.lock);
    while (!opening.done)
        pthread_cond_wait(&opening.changed, &opening.lock);
    pthread_mutex_unlock(&opening.lock);
    assert_int_equal(opening.result, CORE_OK);
    pthread_cond_destroy(&opening.changed);
    pthread_mutex_destroy(&opening.lock);
    return opening.session;
}

static enum core_result nothing_to_do(struct rig *rig, struct run_context *run)
{
    (void)rig, (void)run;
    return CORE_OK;
}

static void sessions_of_one_core_have_policies_of_their_own(void **state)
{
    (void)state;
    struct rig rig;
    enum run_state now;
    rig_init(&rig);
    rig.agent = nothing_to_do;
    rig_start(&rig);
    struct core_settings settings = rig.config.settings;
    settings.start_gate = START_GATE_ACKNOWLEDGED;
    settings.max_conns_per_session = 1;
    struct session_ref strict = open_with(&rig, "strict", &settings);
    struct session_ref plain = rig_session(&rig, "plain");
    struct run_ref waiting = submit_ok(&rig, strict, "k");
    assert_int_equal(await_end(&rig, submit_ok(&rig, plain, "k")), RUN_COMPLETED);
    assert_int_equal(run_state(rig.core, waiting, &now), CORE_OK);
    assert_int_equal(now, RUN_WAITING);
    tab_connect(&rig, "alice", "strict");
    assert_int_equal(await_end(&rig, waiting), RUN_COMPLETED);
    struct tab *second = tab_open(&rig, "alice");
    tab_send(second, "{\"type\":\"hello\",\"session\":\"strict\"}");
    assert_int_equal(tab_expect_close(second), CORE_CLOSE_EXCESS);
    rig_stop(&rig);
}

/* What is stored of a session is trimmed by its own limit while it is loaded, too. */
static void settings_count_from_the_load_on(void **state)
{
    (void)state;
    struct memory_store store;
    struct rig rig;
    struct session_info info;
    memory_store_init(&store);
    for (int life = 0; life < 2; life++) {
        rig_init(&rig);
        rig.config.messages = &store.port;
        rig_start(&rig);
        struct core_settings settings = rig.config.settings;
        settings.history_max_events = 3;
        struct session_ref session = open_with(&rig, "s1", &settings);
        for (int i = 0; life == 0 && i < 6; i++)
            assert_int_equal(publish_wait(rig.core, session, "token", "{}", 2, NULL), CORE_OK);
        assert_int_equal(session_info(rig.core, session, &info), CORE_OK);
        assert_int_equal(info.head, 6);
        assert_int_equal(info.floor, 4);
        rig_stop(&rig);
    }
    memory_store_free(&store);
}

static void what_belongs_to_the_core_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct core_settings settings = rig.config.settings;
    settings.job_threads++;
    assert_int_equal(session_open_with(rig.core, "s2", "alice", SESSION_CREATE, &settings, opened,
                                       NULL), CORE_INVALID);
    assert_int_equal(session_configure(rig.core, session, &settings), CORE_INVALID);
    settings.job_threads--;
    settings.heartbeat_us = settings.heartbeat_timeout_us;
    assert_int_equal(session_configure(rig.core, session, &settings), CORE_INVALID);
    assert_int_equal(session_settings(rig.core, session, &settings), CORE_OK);
    assert_int_equal(settings.heartbeat_us, CORE_SECONDS(30));
    session.generation++;
    assert_int_equal(session_configure(rig.core, session, &settings), CORE_STALE);
    assert_int_equal(session_settings(rig.core, session, &settings), CORE_STALE);
    rig_stop(&rig);
}

/* A connection whose timer waits for half a minute hears of it before. */
static void change_counts_at_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_start(&rig);
    struct session_ref session = rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    struct core_settings settings = rig.config.settings;
    settings.heartbeat_us = MS(10);
    settings.heartbeat_timeout_us = MS(30);
    assert_int_equal(session_configure(rig.core, session, &settings), CORE_OK);
    assert_int_equal(tab_expect_close(tab), CORE_CLOSE_SILENT);
    assert_int_equal(conn_state(rig.core, tab->conn), CONN_ERROR);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_of_one_core_have_policies_of_their_own),
        cmocka_unit_test(settings_count_from_the_load_on),
        cmocka_unit_test(what_belongs_to_the_core_is_refused),
        cmocka_unit_test(change_counts_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
