/* Sandboxes: one for each owner, never two owners for one, nothing left running at the release. */
#include "fleet.h"

#include <string.h>

struct boxes_test {
    struct fleet fleet;
    struct rig rig;
    struct answer answer, second;
};

static void begin_unstarted(struct boxes_test *t)
{
    fleet_init(&t->fleet);
    fleet_rig(&t->rig, &t->fleet);
    answer_init(&t->answer);
    answer_init(&t->second);
}

static void begin(struct boxes_test *t)
{
    begin_unstarted(t);
    rig_start(&t->rig);
}

static void end(struct boxes_test *t)
{
    rig_stop(&t->rig);
    answer_free(&t->answer);
    answer_free(&t->second);
    fleet_free(&t->fleet);
}

static void acquire(struct boxes_test *t, const char *owner, struct answer *answer)
{
    assert_int_equal(sandbox_acquire(t->rig.core, owner, APP_WEB, answer_sandbox, answer), CORE_OK);
}

static enum core_result release(struct boxes_test *t, struct sandbox_ref sandbox)
{
    assert_int_equal(sandbox_release(t->rig.core, sandbox, answer_sandbox, &t->answer), CORE_OK);
    return answer_await(&t->answer);
}

static void one_owner_gets_one_sandbox(void **state)
{
    struct boxes_test t;
    (void)state;
    begin(&t);
    uint32_t box = fleet_add_box(&t.fleet, "box");
    fleet_hold(&t.fleet, OP_AWAIT);
    acquire(&t, "shop", &t.answer);
    acquire(&t, "shop", &t.second);
    fleet_await_inside(&t.fleet, OP_AWAIT);
    fleet_let_go(&t.fleet, OP_AWAIT);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(answer_await(&t.second), CORE_OK);
    assert_int_equal(t.answer.sandbox.generation, t.second.sandbox.generation);
    assert_int_equal(fleet_calls(&t.fleet, OP_ASSIGN), 1);
    assert_true(fleet_is_owned(&t.fleet, box, "shop"));
    struct sandbox_ref other = sandbox_ok(&t.rig, "farm");
    assert_true(other.generation != t.answer.sandbox.generation);
    assert_true(fleet_is_owned(&t.fleet, box, "shop"));
    assert_true(fleet_is_owned(&t.fleet, 1, "farm"));
    RIG_AWAIT(!fleet_held(&t.fleet, "sandbox:shop"));
    end(&t);
}

static void lost_answers_are_found_by_identity(void **state)
{
    struct boxes_test t;
    (void)state;
    begin(&t);
    fleet_fail(&t.fleet, OP_CREATE, 1, CORE_UNKNOWN, true);
    fleet_fail(&t.fleet, OP_ASSIGN, 1, CORE_UNKNOWN, true);
    sandbox_ok(&t.rig, "shop");
    assert_int_equal(t.fleet.boxes_count, 1);
    assert_int_equal(fleet_calls(&t.fleet, OP_ASSIGN), 1);
    assert_true(fleet_is_owned(&t.fleet, 0, "shop"));
    end(&t);
}

static void sandbox_that_was_just_taken_is_left_alone(void **state)
{
    struct boxes_test t;
    (void)state;
    begin(&t);
    fleet_add_box(&t.fleet, "a");
    fleet_add_box(&t.fleet, "b");
    fleet_fail(&t.fleet, OP_ASSIGN, 1, CORE_CONFLICT, false);
    sandbox_ok(&t.rig, "shop");
    assert_true(fleet_is_owned(&t.fleet, 0, ""));
    assert_true(fleet_is_owned(&t.fleet, 1, "shop"));
    end(&t);
}

static void sandbox_that_never_boots_is_replaced(void **state)
{
    struct boxes_test t;
    (void)state;
    begin(&t);
    fleet_add_box(&t.fleet, "a");
    fleet_fail(&t.fleet, OP_AWAIT, 1, CORE_FAILED, false);
    sandbox_ok(&t.rig, "shop");
    assert_true(fleet_is_destroyed(&t.fleet, 0));
    assert_true(fleet_is_owned(&t.fleet, 1, "shop"));
    end(&t);
}

static void pool_has_a_limit(void **state)
{
    struct boxes_test t;
    (void)state;
    begin_unstarted(&t);
    t.rig.config.settings.pool_total = 1;
    rig_start(&t.rig);
    fleet_add_box(&t.fleet, "a");
    fleet_fail(&t.fleet, OP_ASSIGN, 1, CORE_STALE, false);
    acquire(&t, "shop", &t.answer);
    assert_int_equal(answer_await(&t.answer), CORE_LIMIT);
    RIG_AWAIT(!fleet_held(&t.fleet, "sandbox:shop"));
    sandbox_ok(&t.rig, "shop");
    end(&t);
}

static void release_ends_what_runs_and_the_handle(void **state)
{
    struct boxes_test t;
    (void)state;
    begin(&t);
    struct sandbox_ref sandbox = sandbox_ok(&t.rig, "shop");
    fleet_add_process(&t.fleet, 0, APP_MOBILE, 8081, true);
    fleet_fail(&t.fleet, OP_DESTROY, 1, CORE_UNKNOWN, true);
    assert_int_equal(release(&t, sandbox), CORE_OK);
    assert_int_equal(fleet_alive(&t.fleet, 0), 0);
    assert_int_equal(t.fleet.processes[0].kills, 1);
    assert_true(fleet_is_destroyed(&t.fleet, 0));
    assert_int_equal(fleet_calls(&t.fleet, OP_DESTROY), 1);
    assert_int_equal(sandbox_release(t.rig.core, sandbox, NULL, NULL), CORE_STALE);
    struct server_status status;
    assert_int_equal(server_status(t.rig.core, sandbox, APP_WEB, &status), CORE_STALE);
    struct sandbox_ref next = sandbox_ok(&t.rig, "shop");
    assert_true(next.generation > sandbox.generation);
    end(&t);
}

static void who_asks_during_a_release_gets_the_next_one(void **state)
{
    struct boxes_test t;
    (void)state;
    begin(&t);
    struct sandbox_ref sandbox = sandbox_ok(&t.rig, "shop");
    fleet_hold(&t.fleet, OP_DESTROY);
    assert_int_equal(sandbox_release(t.rig.core, sandbox, answer_sandbox, &t.answer), CORE_OK);
    fleet_await_inside(&t.fleet, OP_DESTROY);
    acquire(&t, "shop", &t.second);
    fleet_let_go(&t.fleet, OP_DESTROY);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(answer_await(&t.second), CORE_OK);
    assert_true(t.second.sandbox.generation > sandbox.generation);
    assert_true(fleet_is_owned(&t.fleet, 1, "shop"));
    end(&t);
}

static void warm_pool_gets_it_back(void **state)
{
    struct boxes_test t;
    (void)state;
    begin_unstarted(&t);
    t.rig.config.settings.pool_warm = 1;
    rig_start(&t.rig);
    fleet_add_box(&t.fleet, "a");
    struct sandbox_ref sandbox = sandbox_ok(&t.rig, "shop");
    RIG_AWAIT(fleet_calls(&t.fleet, OP_CREATE) == 1);   /* one more, to stay warm */
    fleet_fail(&t.fleet, OP_LIST, 1, CORE_UNKNOWN, false);
    assert_int_equal(release(&t, sandbox), CORE_OK);
    assert_true(fleet_is_destroyed(&t.fleet, 0));       /* one is warm already */
    sandbox = sandbox_ok(&t.rig, "shop");
    RIG_AWAIT(fleet_calls(&t.fleet, OP_CREATE) == 2);
    end(&t);
}

/* Above the share in use that pool_grow_percent says, twice as many are kept. */
static void busy_pool_grows(void **state)
{
    struct boxes_test t;
    (void)state;
    for (int percent = 60; percent <= 100; percent += 40) {
        begin_unstarted(&t);
        t.rig.config.settings.pool_warm = 1;
        t.rig.config.settings.pool_grow_percent = (uint64_t)percent;
        rig_start(&t.rig);
        const char *const owners[] = { "a", "b", "c", "d" };
        for (size_t i = 0; i < 4; i++) {
            uint64_t lists = fleet_calls(&t.fleet, OP_LIST);
            sandbox_ok(&t.rig, owners[i]);
            RIG_AWAIT(fleet_calls(&t.fleet, OP_LIST) == lists + 2);   /* found, then refilled */
        }
        core_drain(t.rig.core, 0);
        /* One warm: a + 1, b + 1, ... and with 60 % in use a second one from three on. */
        assert_int_equal(t.fleet.boxes_count, percent == 60 ? 6 : 5);
        core_destroy(t.rig.core);
        answer_free(&t.answer);
        answer_free(&t.second);
        fleet_free(&t.fleet);
    }
}

static void idle_sandbox_is_swept_one_in_use_is_not(void **state)
{
    struct boxes_test t;
    (void)state;
    begin_unstarted(&t);
    t.rig.config.settings.pool_idle_us = MS(1);
    t.rig.config.settings.pool_sweep_us = MS(5);
    /* A server that another core has started: the sweep must look before it acts. */
    uint32_t box = fleet_add_box(&t.fleet, "box");
    uint64_t instance = fleet_add_process(&t.fleet, box, APP_WEB, 3000, true);
    t.fleet.processes[0].record.token = 2;      /* of the assignment to come */
    rig_start(&t.rig);
    struct sandbox_ref sandbox = sandbox_ok(&t.rig, "shop");
    uint64_t looks = fleet_calls(&t.fleet, OP_PROCESSES);
    RIG_AWAIT(fleet_calls(&t.fleet, OP_PROCESSES) > looks + 2 || fleet_is_destroyed(&t.fleet, 0));
    assert_false(fleet_is_destroyed(&t.fleet, 0));
    fleet_die(&t.fleet, instance);
    RIG_AWAIT(fleet_is_destroyed(&t.fleet, 0));
    RIG_AWAIT(sandbox_release(t.rig.core, sandbox, NULL, NULL) == CORE_STALE);
    end(&t);
}

static void watched_sandbox_is_not_idle(void **state)
{
    struct boxes_test t;
    (void)state;
    begin_unstarted(&t);
    t.rig.config.settings.pool_idle_us = MS(1);
    t.rig.config.settings.pool_sweep_us = MS(5);
    rig_start(&t.rig);
    rig_session(&t.rig, "shop");
    struct tab *tab = tab_connect(&t.rig, "alice", "shop");
    tab_send(tab, "{\"type\":\"server_start\",\"port\":3000}");
    while (strcmp(frame_word(frame_payload(tab_expect(tab, "server_state")), "state"), "running"))
        continue;
    uint64_t looks = fleet_calls(&t.fleet, OP_LIST);
    for (int i = 0; i < 40; i++)
        rig_breathe();
    assert_false(fleet_is_destroyed(&t.fleet, 0));
    assert_int_equal(fleet_calls(&t.fleet, OP_LIST), looks);
    tab_close(tab);
    RIG_AWAIT(fleet_is_destroyed(&t.fleet, 0));
    end(&t);
}

static void two_cores_share_an_owners_sandbox(void **state)
{
    struct boxes_test t;
    struct rig other;
    (void)state;
    begin(&t);
    fleet_rig(&other, &t.fleet);
    other.config.name = "other";
    rig_start(&other);
    fleet_add_box(&t.fleet, "a");
    fleet_add_box(&t.fleet, "b");
    acquire(&t, "shop", &t.answer);
    assert_int_equal(sandbox_acquire(other.core, "shop", APP_WEB, answer_sandbox, &t.second),
                     CORE_OK);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(answer_await(&t.second), CORE_OK);
    assert_int_equal(fleet_calls(&t.fleet, OP_ASSIGN), 1);
    assert_true(fleet_is_owned(&t.fleet, 0, "shop"));
    assert_true(fleet_is_owned(&t.fleet, 1, ""));
    rig_stop(&other);
    end(&t);
}

static void drain_answers_although_the_provider_fails(void **state)
{
    struct boxes_test t;
    (void)state;
    for (int op = OP_CREATE; op <= OP_WAIT; op++) {
        begin(&t);
        fleet_fail(&t.fleet, (enum fleet_op)op, 1000000, CORE_UNKNOWN, false);
        acquire(&t, "shop", &t.answer);
        rig_stop(&t.rig);
        enum core_result result = answer_await(&t.answer);
        assert_true(result == CORE_OK || result == CORE_DRAINING);
        assert_false(fleet_held(&t.fleet, "sandbox:shop"));
        answer_free(&t.answer);
        answer_free(&t.second);
        fleet_free(&t.fleet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_owner_gets_one_sandbox),
        cmocka_unit_test(lost_answers_are_found_by_identity),
        cmocka_unit_test(sandbox_that_was_just_taken_is_left_alone),
        cmocka_unit_test(sandbox_that_never_boots_is_replaced),
        cmocka_unit_test(pool_has_a_limit),
        cmocka_unit_test(release_ends_what_runs_and_the_handle),
        cmocka_unit_test(who_asks_during_a_release_gets_the_next_one),
        cmocka_unit_test(warm_pool_gets_it_back),
        cmocka_unit_test(busy_pool_grows),
        cmocka_unit_test(idle_sandbox_is_swept_one_in_use_is_not),
        cmocka_unit_test(watched_sandbox_is_not_idle),
        cmocka_unit_test(two_cores_share_an_owners_sandbox),
        cmocka_unit_test(drain_answers_although_the_provider_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
