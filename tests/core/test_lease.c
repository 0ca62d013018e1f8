/* Leases: one holder, whatever the store answers, and nothing kept behind. */
#include "fleet.h"

struct leases_test {
    struct fleet fleet;
    struct rig rig;
    struct answer answer, second;
};

static void begin_with(struct leases_test *t, uint64_t ttl_us, uint64_t renew_us)
{
    fleet_init(&t->fleet);
    fleet_rig(&t->rig, &t->fleet);
    t->rig.config.settings.lease_ttl_us = ttl_us;
    t->rig.config.settings.lease_renew_us = renew_us;
    rig_start(&t->rig);
    answer_init(&t->answer);
    answer_init(&t->second);
}

/* A lease that is renewed all the time and could last for ever. */
static void begin_renewing(struct leases_test *t)
{
    begin_with(t, CORE_SECONDS(60), MS(2));
}

/* Long enough to neither expire nor be renewed during a test. */
static void begin(struct leases_test *t)
{
    begin_with(t, CORE_SECONDS(60), CORE_SECONDS(20));
}

static void finish(struct leases_test *t)
{
    answer_free(&t->answer);
    answer_free(&t->second);
    fleet_free(&t->fleet);
}

static void end(struct leases_test *t)
{
    rig_stop(&t->rig);
    finish(t);
}

static enum core_result acquire(struct leases_test *t, struct answer *answer, uint64_t wait_us)
{
    struct lease_options options = { .wait_us = wait_us, .on_lost = answer_lost,
                                     .context = answer };
    return lease_acquire(t->rig.core, "key", 0, &options, answer_lease, answer);
}

static void acquire_ok(struct leases_test *t)
{
    assert_int_equal(acquire(t, &t->answer, 0), CORE_OK);
    assert_int_equal(answer_await(&t->answer), CORE_OK);
    assert_true(lease_valid(t->rig.core, t->answer.lease));
}

static void holder_has_a_token_until_the_release(void **state)
{
    struct leases_test t;
    (void)state;
    begin(&t);
    acquire_ok(&t);
    uint64_t first = t.answer.token;
    assert_int_equal(lease_token(t.rig.core, t.answer.lease), first);
    struct lease_ref lease = t.answer.lease;
    assert_int_equal(lease_release(t.rig.core, lease, answer_lease, &t.answer), CORE_OK);
    assert_false(lease_valid(t.rig.core, lease));
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_false(fleet_held(&t.fleet, "key"));
    assert_int_equal(lease_release(t.rig.core, lease, NULL, NULL), CORE_STALE);
    acquire_ok(&t);
    assert_true(t.answer.token > first);
    assert_int_equal(answer_losses(&t.answer), 0);
    rig_stop(&t.rig);
    assert_int_equal(answer_losses(&t.answer), 1);   /* the drain takes it, and says so */
    assert_false(fleet_held(&t.fleet, "key"));
    finish(&t);
}

static void held_key_is_refused_or_waited_for(void **state)
{
    struct leases_test t;
    (void)state;
    begin(&t);
    fleet_take(&t.fleet, "key", "somebody");
    assert_int_equal(acquire(&t, &t.answer, 0), CORE_OK);
    assert_int_equal(answer_await(&t.answer), CORE_CONFLICT);
    assert_int_equal(acquire(&t, &t.second, CORE_SECONDS(60)), CORE_OK);
    uint64_t tries = fleet_calls(&t.fleet, OP_TRY);
    RIG_AWAIT(fleet_calls(&t.fleet, OP_TRY) > tries + 1);
    assert_false(answer_came(&t.second));
    fleet_expire(&t.fleet, "key");
    assert_int_equal(answer_await(&t.second), CORE_OK);
    end(&t);
}

static void lost_answer_is_looked_up_not_repeated(void **state)
{
    struct leases_test t;
    (void)state;
    begin(&t);
    fleet_fail(&t.fleet, OP_TRY, 1, CORE_UNKNOWN, true);
    acquire_ok(&t);
    assert_int_equal(fleet_calls(&t.fleet, OP_TRY), 1);
    assert_int_equal(fleet_calls(&t.fleet, OP_READ), 1);
    assert_int_equal(fleet_grants(&t.fleet, "key"), 1);
    end(&t);
}

static void call_that_never_arrived_is_tried_again(void **state)
{
    struct leases_test t;
    (void)state;
    begin(&t);
    fleet_fail(&t.fleet, OP_TRY, 1, CORE_UNKNOWN, false);
    acquire_ok(&t);      /* one try, but nobody refused it */
    assert_int_equal(fleet_grants(&t.fleet, "key"), 1);
    end(&t);
}

static void silent_store_is_an_unknown_result(void **state)
{
    struct leases_test t;
    (void)state;
    begin_with(&t, MS(60), MS(20));
    fleet_fail(&t.fleet, OP_TRY, 1, CORE_UNKNOWN, true);
    fleet_fail(&t.fleet, OP_READ, 3, CORE_UNKNOWN, false);
    assert_int_equal(acquire(&t, &t.answer, 0), CORE_OK);
    assert_int_equal(answer_await(&t.answer), CORE_UNKNOWN);
    /* The grant that was made nevertheless is found and given back. */
    RIG_AWAIT(!fleet_held(&t.fleet, "key"));
    end(&t);
}

static void late_grant_is_given_back(void **state)
{
    struct leases_test t;
    (void)state;
    begin(&t);
    fleet_hold(&t.fleet, OP_TRY);
    /* Once more if the wait ended before the store was even asked. */
    while (fleet_calls(&t.fleet, OP_TRY) == 0) {
        assert_int_equal(acquire(&t, &t.answer, MS(5)), CORE_OK);
        assert_int_equal(answer_await(&t.answer), CORE_EXPIRED);
    }
    assert_true(fleet_held(&t.fleet, "key"));
    fleet_let_go(&t.fleet, OP_TRY);
    RIG_AWAIT(!fleet_held(&t.fleet, "key"));
    assert_int_equal(answer_losses(&t.answer), 0);   /* it was never held */
    end(&t);
}

static void expiry_under_a_live_holder_is_told_once(void **state)
{
    struct leases_test t;
    (void)state;
    begin_renewing(&t);
    acquire_ok(&t);
    fleet_take(&t.fleet, "key", "somebody");
    RIG_AWAIT(answer_losses(&t.answer) > 0);
    assert_false(lease_valid(t.rig.core, t.answer.lease));
    assert_int_equal(lease_token(t.rig.core, t.answer.lease), 0);
    assert_int_equal(lease_release(t.rig.core, t.answer.lease, NULL, NULL), CORE_STALE);
    rig_stop(&t.rig);
    assert_int_equal(answer_losses(&t.answer), 1);
    assert_true(fleet_held(&t.fleet, "key"));        /* and somebody keeps it */
    finish(&t);
}

static void deadline_ends_a_lease_whose_renewal_hangs(void **state)
{
    struct leases_test t;
    (void)state;
    begin_with(&t, MS(400), MS(2));
    fleet_hold(&t.fleet, OP_RENEW);
    assert_int_equal(acquire(&t, &t.answer, 0), CORE_OK);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    RIG_AWAIT(answer_losses(&t.answer) == 1);
    assert_false(lease_valid(t.rig.core, t.answer.lease));
    fleet_let_go(&t.fleet, OP_RENEW);
    RIG_AWAIT(!fleet_held(&t.fleet, "key"));
    end(&t);
}

static void lease_outlives_its_first_term_by_renewal(void **state)
{
    struct leases_test t;
    (void)state;
    begin_with(&t, CORE_SECONDS(6), MS(2));   /* a call that is tried again waits for 0.5 s */
    fleet_fail(&t.fleet, OP_RENEW, 1, CORE_UNKNOWN, true);
    acquire_ok(&t);
    RIG_AWAIT(fleet_calls(&t.fleet, OP_RENEW) >= 5);
    assert_int_equal(fleet_calls(&t.fleet, OP_READ), 1);
    assert_true(lease_valid(t.rig.core, t.answer.lease));
    assert_int_equal(fleet_grants(&t.fleet, "key"), 1);
    end(&t);
}

static void release_in_doubt_is_settled(void **state)
{
    struct leases_test t;
    (void)state;
    for (int applied = 0; applied < 2; applied++) {
        begin(&t);
        acquire_ok(&t);
        fleet_fail(&t.fleet, OP_RELEASE, 1, CORE_UNKNOWN, applied);
        assert_int_equal(lease_release(t.rig.core, t.answer.lease, answer_lease, &t.answer),
                         CORE_OK);
        assert_int_equal(answer_await(&t.answer), CORE_OK);
        assert_false(fleet_held(&t.fleet, "key"));
        assert_int_equal(fleet_calls(&t.fleet, OP_RELEASE), applied ? 1u : 2u);
        end(&t);
    }
}

/* One's own older grant is not somebody else's: the next acquisition waits for its end. */
static void acquisition_waits_for_an_older_release(void **state)
{
    struct leases_test t;
    (void)state;
    begin_with(&t, CORE_SECONDS(1), MS(300));
    acquire_ok(&t);
    fleet_fail(&t.fleet, OP_RELEASE, 2, CORE_UNKNOWN, false);
    assert_int_equal(lease_release(t.rig.core, t.answer.lease, answer_lease, &t.answer), CORE_OK);
    assert_int_equal(acquire(&t, &t.second, 0), CORE_OK);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(answer_await(&t.second), CORE_OK);
    end(&t);
}

static void release_never_touches_the_next_grant(void **state)
{
    struct leases_test t;
    (void)state;
    begin(&t);
    acquire_ok(&t);
    fleet_take(&t.fleet, "key", "somebody");
    assert_int_equal(lease_release(t.rig.core, t.answer.lease, answer_lease, &t.answer), CORE_OK);
    assert_int_equal(answer_await(&t.answer), CORE_STALE);
    assert_true(fleet_held(&t.fleet, "key"));
    end(&t);
}

static void drain_ends_everything_although_the_store_is_dead(void **state)
{
    struct leases_test t;
    (void)state;
    begin(&t);
    acquire_ok(&t);
    for (int op = OP_TRY; op <= OP_READ; op++)
        fleet_fail(&t.fleet, (enum fleet_op)op, 1000, CORE_UNKNOWN, false);
    assert_int_equal(acquire(&t, &t.second, CORE_SECONDS(600)), CORE_OK);
    rig_stop(&t.rig);
    assert_int_equal(answer_await(&t.second), CORE_DRAINING);
    assert_int_equal(answer_losses(&t.answer), 1);
    finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holder_has_a_token_until_the_release),
        cmocka_unit_test(held_key_is_refused_or_waited_for),
        cmocka_unit_test(lost_answer_is_looked_up_not_repeated),
        cmocka_unit_test(call_that_never_arrived_is_tried_again),
        cmocka_unit_test(silent_store_is_an_unknown_result),
        cmocka_unit_test(late_grant_is_given_back),
        cmocka_unit_test(expiry_under_a_live_holder_is_told_once),
        cmocka_unit_test(deadline_ends_a_lease_whose_renewal_hangs),
        cmocka_unit_test(lease_outlives_its_first_term_by_renewal),
        cmocka_unit_test(release_in_doubt_is_settled),
        cmocka_unit_test(acquisition_waits_for_an_older_release),
        cmocka_unit_test(release_never_touches_the_next_grant),
        cmocka_unit_test(drain_ends_everything_although_the_store_is_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
