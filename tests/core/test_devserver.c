/* Dev servers: one instance for each sandbox and app, whoever asks, whatever fails. */
#include "fleet.h"

#include <string.h>

#define KEY "dev_server:box:web"

struct servers_test {
    struct fleet fleet;
    struct rig rig;
    struct answer answer, second;
    struct sandbox_ref sandbox;
};

/* 0 sessions: as many as there are by default. */
static void begin_with(struct servers_test *t, uint64_t renew_us, uint64_t sessions)
{
    fleet_init(&t->fleet);
    fleet_rig(&t->rig, &t->fleet);
    t->rig.config.settings.lease_renew_us = renew_us;
    t->rig.config.settings.status_poll_us = MS(2);
    if (sessions > 0)
        t->rig.config.settings.max_sessions = sessions;
    answer_init(&t->answer);
    answer_init(&t->second);
    rig_start(&t->rig);
    fleet_add_box(&t->fleet, "box");
    t->sandbox = sandbox_ok(&t->rig, "shop");
}

static void begin_with_ttl(struct servers_test *t, uint64_t renew_us)
{
    begin_with(t, renew_us, 0);
}

static void begin(struct servers_test *t)
{
    begin_with(t, CORE_SECONDS(20), 0);
}

static void finish(struct servers_test *t)
{
    answer_free(&t->answer);
    answer_free(&t->second);
    fleet_free(&t->fleet);
}

static void end(struct servers_test *t)
{
    rig_stop(&t->rig);
    finish(t);
}

static void ensure_by(struct servers_test *t, struct rig *rig, struct sandbox_ref sandbox,
                      struct answer *answer)
{
    (void)t;
    assert_int_equal(server_ensure(rig->core, sandbox, APP_WEB, (struct session_ref){ 0, 0 },
                                   answer_server, answer), CORE_OK);
}

static void ensure(struct servers_test *t, struct answer *answer)
{
    ensure_by(t, &t->rig, t->sandbox, answer);
}

static void ensure_ok(struct servers_test *t)
{
    ensure(t, &t->answer);
    assert_int_equal(answer_await(&t->answer), CORE_OK);
    assert_int_equal(t->answer.status.state, SERVER_RUNNING);
}

static enum core_result stop(struct servers_test *t)
{
    assert_int_equal(server_stop(t->rig.core, t->sandbox, APP_WEB, 0, answer_server, &t->answer),
                     CORE_OK);
    return answer_await(&t->answer);
}

static struct server_status status_of(struct servers_test *t)
{
    struct server_status status;
    assert_int_equal(server_status(t->rig.core, t->sandbox, APP_WEB, &status), CORE_OK);
    return status;
}

/* ---- start ---- */

static void asking_twice_starts_one(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    ensure(&t, &t.answer);
    ensure(&t, &t.second);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(answer_await(&t.second), CORE_OK);
    assert_int_equal(fleet_spawned(&t.fleet), 1);
    uint64_t version = t.answer.status.version;
    ensure_ok(&t);                           /* reused, and asked whether it answers */
    assert_int_equal(fleet_spawned(&t.fleet), 1);
    assert_int_equal(t.answer.status.version, version);
    assert_int_equal(t.answer.status.instance, 1);
    assert_int_equal(t.answer.status.port, 3000);
    rig_stop(&t.rig);
    assert_int_equal(fleet_calls(&t.fleet, OP_SIGNAL), 0);
    finish(&t);
}

static void lease_is_kept_until_the_server_answers(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    t.fleet.listens_at_once = false;
    ensure(&t, &t.answer);
    RIG_AWAIT(fleet_spawned(&t.fleet) == 1 && fleet_calls(&t.fleet, OP_PROBE) > 1);
    assert_false(answer_came(&t.answer));
    assert_int_equal(status_of(&t).state, SERVER_STARTING);
    assert_true(fleet_held(&t.fleet, KEY));
    fleet_listen(&t.fleet);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    RIG_AWAIT(!fleet_held(&t.fleet, KEY));
    assert_int_equal(fleet_grants(&t.fleet, KEY), 1);
    end(&t);
}

static void start_survives_the_loss_of_its_lease(void **state)
{
    struct servers_test t;
    (void)state;
    begin_with_ttl(&t, MS(2));
    t.fleet.listens_at_once = false;
    ensure(&t, &t.answer);
    RIG_AWAIT(fleet_spawned(&t.fleet) == 1);
    fleet_expire(&t.fleet, KEY);
    RIG_AWAIT(fleet_grants(&t.fleet, KEY) == 2);
    fleet_listen(&t.fleet);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(fleet_spawned(&t.fleet), 1);
    assert_int_equal(fleet_alive(&t.fleet, 0), 1);
    end(&t);
}

static void superseded_start_kills_what_it_began(void **state)
{
    struct servers_test t;
    (void)state;
    begin_with_ttl(&t, MS(2));
    t.fleet.listens_at_once = false;
    ensure(&t, &t.answer);
    RIG_AWAIT(fleet_spawned(&t.fleet) == 1);
    fleet_take(&t.fleet, KEY, "somebody");
    RIG_AWAIT(fleet_alive(&t.fleet, 0) == 0);
    assert_false(answer_came(&t.answer));
    /* The other holder's server is found, not doubled. */
    uint64_t theirs = fleet_add_process(&t.fleet, 0, APP_WEB, 3000, true);
    fleet_expire(&t.fleet, KEY);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(t.answer.status.instance, theirs);
    assert_int_equal(fleet_alive(&t.fleet, 0), 1);
    end(&t);
}

/* The lease is lost while the spawn is under way: nothing is reported before it is held again. */
static void lease_is_checked_again_after_the_spawn(void **state)
{
    struct servers_test t;
    (void)state;
    begin_with_ttl(&t, MS(2));
    fleet_hold(&t.fleet, OP_SPAWN);
    ensure(&t, &t.answer);
    fleet_await_inside(&t.fleet, OP_SPAWN);
    fleet_take(&t.fleet, KEY, "somebody");
    uint64_t renewals = fleet_calls(&t.fleet, OP_RENEW);
    RIG_AWAIT(fleet_calls(&t.fleet, OP_RENEW) > renewals);
    struct core_stats stats;
    RIG_AWAIT((core_stats(t.rig.core, &stats), stats.leases == 0));
    fleet_let_go(&t.fleet, OP_SPAWN);
    RIG_AWAIT(fleet_alive(&t.fleet, 0) == 0);
    assert_int_equal(status_of(&t).state, SERVER_STARTING);
    assert_false(answer_came(&t.answer));
    fleet_expire(&t.fleet, KEY);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(fleet_spawned(&t.fleet), 2);
    assert_int_equal(t.fleet.most_alive, 1);
    end(&t);
}

static void lost_answer_of_a_spawn_is_adopted(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    fleet_fail(&t.fleet, OP_SPAWN, 1, CORE_UNKNOWN, true);
    ensure_ok(&t);
    assert_int_equal(fleet_spawned(&t.fleet), 1);
    assert_int_equal(fleet_calls(&t.fleet, OP_SPAWN), 1);
    end(&t);
}

static void failed_spawn_is_tried_again(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    fleet_fail(&t.fleet, OP_SPAWN, 2, CORE_UNAVAILABLE, false);
    ensure_ok(&t);
    assert_int_equal(fleet_spawned(&t.fleet), 1);
    end(&t);
}

static void server_that_always_dies_fails(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    fleet_fail(&t.fleet, OP_SPAWN, 1000, CORE_FAILED, false);
    ensure(&t, &t.answer);
    assert_int_equal(answer_await(&t.answer), CORE_FAILED);
    assert_int_equal(t.answer.status.state, SERVER_FAILED);
    RIG_AWAIT(!fleet_held(&t.fleet, KEY));
    fleet_fail(&t.fleet, OP_SPAWN, 0, CORE_OK, true);
    ensure_ok(&t);
    end(&t);
}

static void port_that_others_answer_is_no_server(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    t.fleet.listens_at_once = false;
    uint64_t stranger = fleet_add_process(&t.fleet, 0, APP_MOBILE, 3000, true);
    ensure(&t, &t.answer);
    assert_int_equal(answer_await(&t.answer), CORE_PORT_IN_USE);
    assert_int_equal(status_of(&t).state, SERVER_FAILED);
    assert_int_equal(t.fleet.processes[stranger - 1].kills, 0);
    assert_int_equal(fleet_alive(&t.fleet, 0), 1);      /* the stranger; ours is gone */
    end(&t);
}

static void orphans_of_the_app_are_killed_first(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    uint64_t orphan = fleet_add_process(&t.fleet, 0, APP_WEB, 3000, true);
    t.fleet.processes[orphan - 1].record.token = 1;     /* of the owner before */
    uint64_t mobile = fleet_add_process(&t.fleet, 0, APP_MOBILE, 8081, true);
    ensure_ok(&t);
    assert_true(t.answer.status.instance > mobile);
    assert_int_equal(t.fleet.processes[orphan - 1].kills, 1);
    assert_int_equal(t.fleet.processes[mobile - 1].kills, 0);
    end(&t);
}

static void start_takes_no_longer_than_allowed(void **state)
{
    struct servers_test t;
    (void)state;
    fleet_init(&t.fleet);
    fleet_rig(&t.rig, &t.fleet);
    t.rig.config.settings.start_timeout_web_us = MS(20);
    answer_init(&t.answer);
    answer_init(&t.second);
    rig_start(&t.rig);
    fleet_add_box(&t.fleet, "box");
    t.sandbox = sandbox_ok(&t.rig, "shop");
    t.fleet.listens_at_once = false;
    ensure(&t, &t.answer);
    assert_int_equal(answer_await(&t.answer), CORE_EXPIRED);
    assert_int_equal(t.answer.status.state, SERVER_FAILED);
    assert_int_equal(fleet_alive(&t.fleet, 0), 0);
    end(&t);
}

/* ---- stop ---- */

static void stop_asks_first_and_kills_after_the_grace(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    for (int ignores = 0; ignores < 2; ignores++) {
        t.fleet.ignores_term = ignores;
        ensure_ok(&t);
        uint64_t version = t.answer.status.version;
        const struct fleet_process *process =
            &t.fleet.processes[t.answer.status.instance - 1];
        assert_int_equal(stop(&t), CORE_OK);
        assert_int_equal(t.answer.status.state, SERVER_STOPPED);
        assert_true(t.answer.status.version > version);
        assert_int_equal(process->terms, 1);
        assert_int_equal(process->kills, ignores);
        assert_int_equal(fleet_alive(&t.fleet, 0), 0);
    }
    assert_int_equal(stop(&t), CORE_OK);                /* nothing to stop is stopped */
    end(&t);
}

static void grace_comes_before_the_kill(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    t.fleet.ignores_term = true;
    ensure_ok(&t);
    fleet_hold(&t.fleet, OP_WAIT);
    assert_int_equal(server_stop(t.rig.core, t.sandbox, APP_WEB, MS(1), answer_server, &t.answer),
                     CORE_OK);
    fleet_await_inside(&t.fleet, OP_WAIT);
    assert_int_equal(t.fleet.processes[0].terms, 1);
    assert_int_equal(t.fleet.processes[0].kills, 0);
    fleet_let_go(&t.fleet, OP_WAIT);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(t.fleet.processes[0].kills, 1);
    end(&t);
}

static void stop_cancels_a_start(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    t.fleet.listens_at_once = false;
    ensure(&t, &t.second);
    RIG_AWAIT(fleet_spawned(&t.fleet) == 1);
    assert_int_equal(stop(&t), CORE_OK);
    assert_int_equal(answer_await(&t.second), CORE_CANCELLED);
    assert_int_equal(fleet_alive(&t.fleet, 0), 0);
    RIG_AWAIT(!fleet_held(&t.fleet, KEY));
    end(&t);
}

static void start_after_a_stop_is_a_new_one(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    ensure_ok(&t);
    fleet_hold(&t.fleet, OP_SIGNAL);
    assert_int_equal(server_stop(t.rig.core, t.sandbox, APP_WEB, 0, answer_server, &t.answer),
                     CORE_OK);
    fleet_await_inside(&t.fleet, OP_SIGNAL);
    ensure(&t, &t.second);
    fleet_let_go(&t.fleet, OP_SIGNAL);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(answer_await(&t.second), CORE_OK);
    assert_int_equal(t.second.status.instance, 2);
    assert_int_equal(t.fleet.most_alive, 1);
    end(&t);
}

static void death_is_noticed_and_told(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    ensure_ok(&t);
    uint64_t version = t.answer.status.version;
    fleet_die(&t.fleet, 1);
    RIG_AWAIT(status_of(&t).state == SERVER_FAILED);
    assert_true(status_of(&t).version > version);
    assert_int_equal(status_of(&t).instance, 0);
    ensure_ok(&t);
    assert_int_equal(t.answer.status.instance, 2);
    end(&t);
}

static void release_of_the_sandbox_stops_its_servers(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    ensure_ok(&t);
    assert_int_equal(sandbox_release(t.rig.core, t.sandbox, answer_sandbox, &t.answer), CORE_OK);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(t.fleet.processes[0].terms, 1);
    assert_int_equal(fleet_alive(&t.fleet, 0), 0);
    assert_int_equal(server_ensure(t.rig.core, t.sandbox, APP_WEB, (struct session_ref){ 0, 0 },
                                   answer_server, &t.answer), CORE_STALE);
    struct core_stats stats;
    core_stats(t.rig.core, &stats);
    assert_int_equal(stats.servers, 0);
    end(&t);
}

static void sandbox_taken_away_ends_its_server(void **state)
{
    struct servers_test t;
    struct sandbox_record record;
    (void)state;
    begin(&t);
    ensure_ok(&t);
    assert_int_equal(t.fleet.provider.assign(&t.fleet, "box", "farm", 2, &record), CORE_OK);
    struct server_status status;
    RIG_AWAIT(server_status(t.rig.core, t.sandbox, APP_WEB, &status) == CORE_STALE);
    rig_stop(&t.rig);
    assert_int_equal(fleet_calls(&t.fleet, OP_SIGNAL), 0);   /* nothing there is ours any more */
    finish(&t);
}

/* ---- two cores, clients, drain ---- */

static void two_cores_run_one_server(void **state)
{
    struct servers_test t;
    struct rig other;
    (void)state;
    begin(&t);
    fleet_rig(&other, &t.fleet);
    other.config.name = "other";
    rig_start(&other);
    struct sandbox_ref same = sandbox_ok(&other, "shop");
    for (int i = 0; i < 20; i++) {
        ensure(&t, &t.answer);
        ensure_by(&t, &other, same, &t.second);
        assert_int_equal(answer_await(&t.answer), CORE_OK);
        assert_int_equal(answer_await(&t.second), CORE_OK);
        assert_int_equal(t.answer.status.instance, t.second.status.instance);
        assert_int_equal(fleet_alive(&t.fleet, 0), 1);
        assert_int_equal(stop(&t), CORE_OK);
    }
    assert_int_equal(t.fleet.most_alive, 1);
    rig_stop(&other);
    end(&t);
}

static json_int_t expect_state(struct tab *tab, const char *word)
{
    const json_t *payload = frame_payload(tab_expect(tab, "server_state"));
    assert_string_equal(frame_word(payload, "state"), word);
    assert_int_equal(frame_number(payload, "port"), 3000);
    return frame_number(payload, "version");
}

static void clients_follow_the_state_in_their_log(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    rig_session(&t.rig, "shop");
    struct tab *left = tab_connect(&t.rig, "alice", "shop");
    struct tab *right = tab_connect(&t.rig, "alice", "shop");
    tab_send(left, "{\"type\":\"server_start\",\"port\":3000}");
    json_int_t starting = expect_state(left, "starting");
    json_int_t running = expect_state(left, "running");
    assert_true(running > starting);
    tab_send(right, "{\"type\":\"server_start\",\"port\":3000}");
    assert_int_equal(expect_state(right, "starting"), starting);
    assert_int_equal(expect_state(right, "running"), running);
    assert_int_equal(expect_state(right, "running"), running);   /* its own answer */
    assert_int_equal(expect_state(left, "running"), running);
    assert_int_equal(fleet_spawned(&t.fleet), 1);
    tab_send(left, "{\"type\":\"server_stop\",\"port\":3000}");
    assert_true(expect_state(left, "stopping") > running);
    expect_state(left, "stopped");
    end(&t);
}

static void ensure_for(struct servers_test *t, struct session_ref watcher)
{
    assert_int_equal(server_ensure(t->rig.core, t->sandbox, APP_WEB, watcher, answer_server,
                                   &t->answer), CORE_OK);
    assert_int_equal(answer_await(&t->answer), CORE_OK);
}

/* Of the states before it there are a few. */
static void expect_stopped(struct tab *tab)
{
    int patience = 100;
    const char *word;
    do
        word = frame_word(frame_payload(tab_expect(tab, "server_state")), "state");
    while (strcmp(word, "stopped") != 0 && --patience > 0);
    assert_string_equal(word, "stopped");
}

static void every_session_that_asked_is_told(void **state)
{
    enum { SESSIONS = 17 };
    struct servers_test t;
    (void)state;
    begin(&t);
    struct session_ref first = rig_session(&t.rig, "s0");
    struct tab *tab = tab_connect(&t.rig, "alice", "s0");
    for (int i = 0; i < SESSIONS; i++) {
        char name[8];
        snprintf(name, sizeof name, "s%d", i);
        struct session_ref watcher = i == 0 ? first : rig_session(&t.rig, name);
        ensure_for(&t, watcher);
    }
    assert_int_equal(stop(&t), CORE_OK);
    expect_stopped(tab);
    end(&t);
}

/* As many watch as there can be sessions, and one of them is gone: nobody else is put out. */
static void session_that_is_gone_puts_out_nobody(void **state)
{
    static const char *const names[] = { "s0", "s1", "s2" };
    struct servers_test t;
    struct session_ref watchers[3];
    struct core_stats stats;
    (void)state;
    begin_with(&t, CORE_SECONDS(20), 3);
    for (int i = 0; i < 3; i++)
        ensure_for(&t, watchers[i] = rig_session(&t.rig, names[i]));
    struct tab *tab = tab_connect(&t.rig, "alice", "s0");
    assert_int_equal(session_close(t.rig.core, watchers[2], CORE_CLOSE_NORMAL), CORE_OK);
    RIG_AWAIT((core_stats(t.rig.core, &stats), stats.sessions < 3));
    ensure_for(&t, rig_session(&t.rig, "s3"));
    assert_int_equal(stop(&t), CORE_OK);
    expect_stopped(tab);
    end(&t);
}

static void stop_without_a_sandbox_makes_none(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    rig_session(&t.rig, "farm");
    struct tab *tab = tab_connect(&t.rig, "alice", "farm");
    tab_send(tab, "{\"type\":\"server_stop\",\"port\":3000}");
    expect_state(tab, "stopped");
    assert_int_equal(fleet_calls(&t.fleet, OP_CREATE), 0);
    end(&t);
}

static void drain_cancels_a_start_and_leaves_what_runs(void **state)
{
    struct servers_test t;
    (void)state;
    begin(&t);
    ensure_ok(&t);
    rig_stop(&t.rig);
    assert_int_equal(fleet_alive(&t.fleet, 0), 1);
    finish(&t);

    begin(&t);
    t.fleet.listens_at_once = false;
    ensure(&t, &t.answer);
    RIG_AWAIT(fleet_spawned(&t.fleet) == 1);
    rig_stop(&t.rig);
    assert_int_equal(answer_await(&t.answer), CORE_DRAINING);
    assert_int_equal(fleet_alive(&t.fleet, 0), 0);
    assert_false(fleet_held(&t.fleet, KEY));
    finish(&t);
}

static void drain_ends_although_every_port_fails(void **state)
{
    struct servers_test t;
    (void)state;
    for (int op = OP_TRY; op <= OP_WAIT; op++) {
        begin(&t);
        t.fleet.listens_at_once = op % 2;
        fleet_fail(&t.fleet, (enum fleet_op)op, 1000000, CORE_UNKNOWN, op % 3 == 0);
        ensure(&t, &t.answer);
        rig_stop(&t.rig);
        answer_await(&t.answer);
        finish(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_twice_starts_one),
        cmocka_unit_test(lease_is_kept_until_the_server_answers),
        cmocka_unit_test(start_survives_the_loss_of_its_lease),
        cmocka_unit_test(superseded_start_kills_what_it_began),
        cmocka_unit_test(lease_is_checked_again_after_the_spawn),
        cmocka_unit_test(lost_answer_of_a_spawn_is_adopted),
        cmocka_unit_test(failed_spawn_is_tried_again),
        cmocka_unit_test(server_that_always_dies_fails),
        cmocka_unit_test(port_that_others_answer_is_no_server),
        cmocka_unit_test(orphans_of_the_app_are_killed_first),
        cmocka_unit_test(start_takes_no_longer_than_allowed),
        cmocka_unit_test(stop_asks_first_and_kills_after_the_grace),
        cmocka_unit_test(grace_comes_before_the_kill),
        cmocka_unit_test(stop_cancels_a_start),
        cmocka_unit_test(start_after_a_stop_is_a_new_one),
        cmocka_unit_test(death_is_noticed_and_told),
        cmocka_unit_test(release_of_the_sandbox_stops_its_servers),
        cmocka_unit_test(sandbox_taken_away_ends_its_server),
        cmocka_unit_test(two_cores_run_one_server),
        cmocka_unit_test(clients_follow_the_state_in_their_log),
        cmocka_unit_test(every_session_that_asked_is_told),
        cmocka_unit_test(session_that_is_gone_puts_out_nobody),
        cmocka_unit_test(stop_without_a_sandbox_makes_none),
        cmocka_unit_test(drain_cancels_a_start_and_leaves_what_runs),
        cmocka_unit_test(drain_ends_although_every_port_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
