/* A run that needs a lock, on one core and on two, and one that may only take so long. */
#include "fleet.h"

#include <string.h>

enum { FLAG_STARTED, FLAG_GO };

struct lock_test {
    struct fleet fleet;
    struct rig rig, other;
    struct session_ref session, elsewhere;
    _Atomic uint64_t token;
};

static int raised(struct rig *rig, int flag)
{
    pthread_mutex_lock(&rig->lock);
    int times = rig->flags[flag];
    pthread_mutex_unlock(&rig->lock);
    return times;
}

static bool may_go(struct rig *rig)
{
    return raised(rig, FLAG_GO) > 0;
}

static enum core_result wait_to_go(struct rig *rig, struct run_context *run)
{
    struct lock_test *t = rig->agent_context;
    t->token = run_token(run);
    rig_raise(rig, FLAG_STARTED);
    while (!may_go(rig) && !run_should_stop(run))
        rig_breathe();
    return run_should_stop(run) ? CORE_CANCELLED : CORE_OK;
}

static void begin_core(struct lock_test *t, struct rig *rig, struct session_ref *session)
{
    fleet_rig(rig, &t->fleet);
    rig->config.settings.run_lock = RUN_LOCK_ON;
    rig->config.settings.lease_ttl_us = MS(1000);
    rig->config.settings.lease_renew_us = MS(200);
    rig->agent = wait_to_go;
    rig->agent_context = t;
    rig_start(rig);
    *session = rig_session(rig, "s1");
}

static void begin(struct lock_test *t)
{
    t->token = 0;
    fleet_init(&t->fleet);
    begin_core(t, &t->rig, &t->session);
}

static enum run_state state_of(struct rig *rig, struct run_ref run)
{
    enum run_state state = RUN_WAITING;
    assert_int_equal(run_state(rig->core, run, &state), CORE_OK);
    return state;
}

static void run_holds_its_lock_to_the_end(void **state)
{
    struct lock_test t;
    (void)state;
    begin(&t);
    struct run_ref run = submit_ok(&t.rig, t.session, "k");
    rig_await(&t.rig, FLAG_STARTED);
    assert_true(fleet_held(&t.fleet, "run:s1/k"));
    assert_true(t.token != 0);
    rig_raise(&t.rig, FLAG_GO);
    assert_int_equal(await_end(&t.rig, run), RUN_COMPLETED);
    RIG_AWAIT(!fleet_held(&t.fleet, "run:s1/k"));
    rig_stop(&t.rig);
    fleet_free(&t.fleet);
}

/* Two cores that share nothing but the locks: one after the other, with rising tokens. */
static void two_cores_run_it_one_at_a_time(void **state)
{
    struct lock_test t;
    (void)state;
    begin(&t);
    begin_core(&t, &t.other, &t.elsewhere);
    struct run_ref first = submit_ok(&t.rig, t.session, "k");
    rig_await(&t.rig, FLAG_STARTED);
    uint64_t token = t.token;
    struct run_ref second = submit_ok(&t.other, t.elsewhere, "k");
    for (int i = 0; i < 50; i++)
        rig_breathe();
    assert_int_equal(state_of(&t.other, second), RUN_STARTING);
    assert_int_equal(t.other.agents_run, 0);
    rig_raise(&t.rig, FLAG_GO);
    assert_int_equal(await_end(&t.rig, first), RUN_COMPLETED);
    rig_await(&t.other, FLAG_STARTED);
    assert_true(t.token > token);
    rig_raise(&t.other, FLAG_GO);
    assert_int_equal(await_end(&t.other, second), RUN_COMPLETED);
    rig_stop(&t.rig);
    rig_stop(&t.other);
    fleet_free(&t.fleet);
}

static void lost_lock_stops_the_run(void **state)
{
    struct lock_test t;
    (void)state;
    begin(&t);
    struct run_ref run = submit_ok(&t.rig, t.session, "k");
    rig_await(&t.rig, FLAG_STARTED);
    fleet_take(&t.fleet, "run:s1/k", "somebody");
    assert_int_equal(await_end(&t.rig, run), RUN_CANCELLED);
    assert_true(fleet_held(&t.fleet, "run:s1/k"));   /* theirs, and left alone */
    rig_stop(&t.rig);
    fleet_free(&t.fleet);
}

static void run_that_waits_in_vain_fails(void **state)
{
    struct lock_test t;
    (void)state;
    begin(&t);
    fleet_take(&t.fleet, "run:s1/k", "somebody");
    struct run_ref run = submit_ok(&t.rig, t.session, "k");
    struct run_ref cancelled = submit_ok(&t.rig, t.session, "k");   /* the same one */
    assert_int_equal(cancelled.run, run.run);
    assert_int_equal(await_end(&t.rig, run), RUN_FAILED);
    assert_int_equal(t.rig.agents_run, 0);
    /* One that is cancelled does not wait any longer. */
    fleet_take(&t.fleet, "run:s1/l", "somebody");
    run = submit_ok(&t.rig, t.session, "l");
    RIG_AWAIT(fleet_calls(&t.fleet, OP_TRY) > 0);
    assert_int_equal(run_cancel(t.rig.core, run, NULL), CORE_OK);
    assert_int_equal(await_end(&t.rig, run), RUN_CANCELLED);
    rig_stop(&t.rig);
    fleet_free(&t.fleet);
}

static void drain_ends_a_run_that_waits(void **state)
{
    struct lock_test t;
    (void)state;
    for (int held = 0; held < 2; held++) {
        begin(&t);
        if (held)
            fleet_take(&t.fleet, "run:s1/k", "somebody");
        submit_ok(&t.rig, t.session, "k");
        rig_stop(&t.rig);
        assert_int_equal(fleet_held(&t.fleet, "run:s1/k"), held);
        fleet_free(&t.fleet);
    }
}

/* ---- how long ---- */

static void run_has_its_time(void **state)
{
    (void)state;
    struct lock_test t = { .token = 0 };
    rig_init(&t.rig);
    t.rig.agent = wait_to_go;
    t.rig.agent_context = &t;
    t.rig.config.settings.run_timeout_us = MS(20);
    rig_start(&t.rig);
    t.session = rig_session(&t.rig, "s1");
    assert_int_equal(await_end(&t.rig, submit_ok(&t.rig, t.session, "k")), RUN_FAILED);
    struct run_spec spec = { .agent = "bot", .key = "l", .timeout_us = CORE_MINUTES(1) };
    struct run_ref run;
    assert_int_equal(run_submit(t.rig.core, t.session, &spec, &run, NULL), CORE_OK);
    for (int i = 0; i < 60; i++)
        rig_breathe();
    assert_false(run_state_is_terminal(state_of(&t.rig, run)));
    rig_raise(&t.rig, FLAG_GO);
    assert_int_equal(await_end(&t.rig, run), RUN_COMPLETED);
    assert_int_equal(t.token, 1);   /* no store: the first epoch of its log */
    rig_stop(&t.rig);
}

/* Names too long for a key share a beginning, and no lock. */
static void long_names_are_told_apart(void **state)
{
    struct lock_test t;
    struct run_ref runs[2];
    (void)state;
    t.token = 0;
    fleet_init(&t.fleet);
    fleet_rig(&t.rig, &t.fleet);
    t.rig.config.settings.run_lock = RUN_LOCK_ON;
    t.rig.agent = wait_to_go;
    t.rig.agent_context = &t;
    rig_start(&t.rig);
    t.session = rig_session(&t.rig, "s1");
    for (int i = 0; i < 2; i++) {
        char key[CORE_NAME_MAX];
        memset(key, 'k', sizeof key - 1);
        key[sizeof key - 2] = (char)('0' + i);
        key[sizeof key - 1] = '\0';
        runs[i] = submit_ok(&t.rig, t.session, key);
    }
    RIG_AWAIT(raised(&t.rig, FLAG_STARTED) == 2);   /* at one time */
    rig_raise(&t.rig, FLAG_GO);
    for (int i = 0; i < 2; i++)
        assert_int_equal(await_end(&t.rig, runs[i]), RUN_COMPLETED);
    rig_stop(&t.rig);
    fleet_free(&t.fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_holds_its_lock_to_the_end),
        cmocka_unit_test(two_cores_run_it_one_at_a_time),
        cmocka_unit_test(lost_lock_stops_the_run),
        cmocka_unit_test(run_that_waits_in_vain_fails),
        cmocka_unit_test(drain_ends_a_run_that_waits),
        cmocka_unit_test(run_has_its_time),
        cmocka_unit_test(long_names_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
