/* What one client or user may take, pauses that are no metronome, and a queue without workers. */
#include "rig.h"

#include "core/core.h"

static enum core_result try_open(struct rig *rig, const char *user, struct conn_ref *conn)
{
    return conn_open(rig->core, RIG_TABS - 1, user, conn);   /* a handle that is no tab's */
}

static void user_has_so_many_connections(void **state)
{
    (void)state;
    struct rig rig;
    struct conn_ref conn;
    rig_init(&rig);
    rig.config.settings.max_conns_per_user = 2;
    rig_start(&rig);
    rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    tab_open(&rig, "alice");
    assert_int_equal(try_open(&rig, "alice", &conn), CORE_LIMIT);
    assert_int_equal(try_open(&rig, "bob", &conn), CORE_OK);
    conn_closed(rig.core, conn);
    tab_close(tab);
    assert_int_equal(try_open(&rig, "alice", &conn), CORE_OK);
    conn_closed(rig.core, conn);
    rig_stop(&rig);
}

/* Only those count that have not named a session; one that was closed counts no more. */
static void handshakes_are_counted(void **state)
{
    (void)state;
    struct rig rig;
    struct conn_ref conn;
    rig_init(&rig);
    rig.config.settings.max_handshakes = 2;
    rig_start(&rig);
    rig_session(&rig, "s1");
    for (int i = 0; i < 3; i++)
        tab_connect(&rig, "alice", "s1");
    struct tab *silent = tab_open(&rig, "bob");
    tab_open(&rig, "carol");
    assert_int_equal(try_open(&rig, "dave", &conn), CORE_LIMIT);
    tab_close(silent);
    assert_int_equal(try_open(&rig, "dave", &conn), CORE_OK);
    conn_closed(rig.core, conn);
    rig_stop(&rig);
}

/* One second's worth at once, and then what each second allows. */
static void messages_have_a_rate(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.settings.max_message_rate = 20;
    rig_start(&rig);
    rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");   /* two messages */
    struct tab *calm = tab_connect(&rig, "alice", "s1");
    for (int i = 0; i < 18; i++)
        tab_send(tab, "{\"type\":\"pong\"}");
    assert_int_equal(conn_state(rig.core, tab->conn), CONN_CONNECTED);
    for (int i = 0; i < 200; i++)   /* more than slow machines are allowed meanwhile */
        tab_send(tab, "{\"type\":\"pong\"}");
    assert_int_equal(tab_expect_close(tab), CORE_CLOSE_RATE);
    assert_string_equal(frame_word(tab_expect(tab, "error"), "code"), "limit");
    assert_int_equal(conn_state(rig.core, tab->conn), CONN_ERROR);
    assert_int_equal(conn_state(rig.core, calm->conn), CONN_CONNECTED);
    rig_stop(&rig);
}

static void rate_of_0_is_none(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.settings.max_message_rate = 0;
    rig_start(&rig);
    rig_session(&rig, "s1");
    struct tab *tab = tab_connect(&rig, "alice", "s1");
    for (int i = 0; i < 500; i++)
        tab_send(tab, "{\"type\":\"pong\"}");
    assert_int_equal(conn_state(rig.core, tab->conn), CONN_CONNECTED);
    rig_stop(&rig);
}

static void pauses_grow_and_differ(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.jitter_seed = 7;
    rig.config.settings.backoff_jitter = BACKOFF_JITTER_NONE;
    assert_int_equal(core_create(&rig.config, &rig.core), CORE_OK);
    assert_int_equal(core_backoff_us(rig.core, 1, UINT64_MAX), CORE_SECONDS(1));
    assert_int_equal(core_backoff_us(rig.core, 4, UINT64_MAX), CORE_SECONDS(8));
    assert_int_equal(core_backoff_us(rig.core, 100, UINT64_MAX), CORE_SECONDS(30));
    assert_int_equal(core_backoff_us(rig.core, 100, MS(5)), MS(5));
    assert_int_equal(core_backoff_us(rig.core, 1, 0), 1);
    core_destroy(rig.core);
    rig.config.settings.backoff_jitter = BACKOFF_JITTER_FULL;
    assert_int_equal(core_create(&rig.config, &rig.core), CORE_OK);
    uint64_t shortest = UINT64_MAX, longest = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t pause_us = core_backoff_us(rig.core, 4, UINT64_MAX);
        assert_in_range(pause_us, 1, CORE_SECONDS(8));
        shortest = pause_us < shortest ? pause_us : shortest;
        longest = pause_us > longest ? pause_us : longest;
    }
    assert_true(shortest < CORE_SECONDS(1) && longest > CORE_SECONDS(7));
    core_destroy(rig.core);
}

static void do_nothing(struct core *core, struct job *job)
{
    (void)core, (void)job;
}

/* A job that comes when the workers are gone is refused, and not left lying in the queue. */
static void nobody_takes_a_job_after_the_drain(void **state)
{
    (void)state;
    struct rig rig;
    struct job job = { .run = do_nothing };
    struct core_stats stats;
    rig_init(&rig);
    rig_start(&rig);
    core_drain(rig.core, 0);
    struct turn turn;
    turn_begin(&turn, rig.core);
    assert_int_equal(job_post(&turn, &job, JOB_SHORT), CORE_DRAINING);
    assert_int_equal(job_post(&turn, &job, JOB_LONG), CORE_DRAINING);
    turn_end(&turn);
    core_stats(rig.core, &stats);
    assert_int_equal(stats.jobs, 0);
    core_destroy(rig.core);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_has_so_many_connections),
        cmocka_unit_test(handshakes_are_counted),
        cmocka_unit_test(messages_have_a_rate),
        cmocka_unit_test(rate_of_0_is_none),
        cmocka_unit_test(pauses_grow_and_differ),
        cmocka_unit_test(nobody_takes_a_job_after_the_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
