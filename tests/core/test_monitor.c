/* Alerts that are right: contended locks, holders that stand still, ports that do not answer. */
#include "fleet.h"

#include <stdio.h>
#include <string.h>

enum { ALERTS = 64 };

struct monitor_test {
    struct fleet fleet;
    struct rig rig;
    struct answer answer, second;
    pthread_mutex_t lock;
    struct { enum core_alert_kind kind; char subject[CORE_NAME_MAX]; bool raised;
             uint64_t value; } alerts[ALERTS];
    size_t count;
};

static void keep_alert(void *context, const struct core_alert *alert)
{
    struct monitor_test *t = context;
    pthread_mutex_lock(&t->lock);
    if (t->count < ALERTS) {
        t->alerts[t->count].kind = alert->kind;
        t->alerts[t->count].raised = alert->raised;
        t->alerts[t->count].value = alert->value;
        snprintf(t->alerts[t->count++].subject, CORE_NAME_MAX, "%s", alert->subject);
    }
    pthread_mutex_unlock(&t->lock);
}

static size_t alerts(struct monitor_test *t, enum core_alert_kind kind, bool raised)
{
    size_t count = 0;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->count; i++)
        count += t->alerts[i].kind == kind && t->alerts[i].raised == raised;
    pthread_mutex_unlock(&t->lock);
    return count;
}

static void prepare(struct monitor_test *t)
{
    t->count = 0;
    pthread_mutex_init(&t->lock, NULL);
    fleet_init(&t->fleet);
    fleet_rig(&t->rig, &t->fleet);
    t->rig.config.alerts = (struct alert_port){ t, keep_alert };
    answer_init(&t->answer);
    answer_init(&t->second);
}

static void end(struct monitor_test *t)
{
    rig_stop(&t->rig);
    answer_free(&t->answer);
    answer_free(&t->second);
    fleet_free(&t->fleet);
    pthread_mutex_destroy(&t->lock);
}

static enum core_result acquire(struct monitor_test *t, const char *key, uint64_t wait_us)
{
    struct lease_options options = { .wait_us = wait_us };
    assert_int_equal(lease_acquire(t->rig.core, key, CORE_SECONDS(60), &options, answer_lease,
                                   &t->answer), CORE_OK);
    return answer_await(&t->answer);
}

static void give_back(struct monitor_test *t)
{
    assert_int_equal(lease_release(t->rig.core, t->answer.lease, answer_lease, &t->second),
                     CORE_OK);
    assert_int_equal(answer_await(&t->second), CORE_OK);
}

static struct lock_metrics metrics_of(struct monitor_test *t, const char *key)
{
    struct lock_metrics metrics[16];
    size_t count = core_lock_metrics(t->rig.core, metrics, 16);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(metrics[i].key, key) == 0)
            return metrics[i];
    }
    fail_msg("nothing is known of %s", key);
    return metrics[0];
}

static void contention_is_who_waited_in_vain(void **state)
{
    struct monitor_test t;
    (void)state;
    prepare(&t);
    t.rig.config.settings.contention_min_samples = 4;
    rig_start(&t.rig);
    fleet_take(&t.fleet, "nightly", "somebody");
    for (int i = 0; i < 10; i++)   /* an answer, not a failure */
        assert_int_equal(acquire(&t, "nightly", 0), CORE_CONFLICT);
    assert_int_equal(alerts(&t, ALERT_CONTENTION, true), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(acquire(&t, "nightly", MS(2)), CORE_EXPIRED);
    assert_int_equal(alerts(&t, ALERT_CONTENTION, true), 0);   /* three are too few */
    assert_int_equal(acquire(&t, "nightly", MS(2)), CORE_EXPIRED);
    RIG_AWAIT(alerts(&t, ALERT_CONTENTION, true) == 1);
    assert_int_equal(t.alerts[0].value, 100);
    assert_string_equal(t.alerts[0].subject, "nightly");
    struct lock_metrics metrics = metrics_of(&t, "nightly");
    assert_int_equal(metrics.refused, 10);
    assert_int_equal(metrics.failed, 4);
    assert_true(metrics.contended);
    fleet_expire(&t.fleet, "nightly");
    for (int i = 0; i < 2; i++) {   /* two of the last four: half is not more than half */
        assert_int_equal(acquire(&t, "nightly", CORE_SECONDS(5)), CORE_OK);
        give_back(&t);
    }
    RIG_AWAIT(alerts(&t, ALERT_CONTENTION, false) == 1);
    metrics = metrics_of(&t, "nightly");
    assert_int_equal(metrics.granted, 2);
    assert_int_equal(metrics.ended, 2);
    assert_int_equal(metrics.held, 0);
    assert_false(metrics.contended);
    end(&t);
}

static void holder_that_stands_still_is_told_of(void **state)
{
    struct monitor_test t;
    (void)state;
    prepare(&t);
    t.rig.config.settings.deadlock_after_us = MS(300);
    rig_start(&t.rig);
    assert_int_equal(acquire(&t, "nightly", 0), CORE_OK);
    RIG_AWAIT(alerts(&t, ALERT_DEADLOCK, true) == 1);
    assert_true(t.alerts[0].value >= MS(300));
    assert_true(metrics_of(&t, "nightly").stuck);
    assert_true(lease_valid(t.rig.core, t.answer.lease));   /* it moves again */
    RIG_AWAIT(alerts(&t, ALERT_DEADLOCK, false) == 1);
    assert_false(metrics_of(&t, "nightly").stuck);
    RIG_AWAIT(alerts(&t, ALERT_DEADLOCK, true) == 2);
    give_back(&t);
    RIG_AWAIT(alerts(&t, ALERT_DEADLOCK, false) == 2);
    struct lock_metrics metrics = metrics_of(&t, "nightly");
    assert_true(metrics.hold_us_longest >= MS(600));   /* twice deadlock_after */
    assert_int_equal(metrics.hold_us_sum, metrics.hold_us_longest);
    end(&t);
}

static void grant_that_ran_out_is_no_deadlock(void **state)
{
    struct monitor_test t;
    (void)state;
    prepare(&t);
    t.rig.config.settings.deadlock_after_us = MS(400);
    rig_start(&t.rig);
    struct lease_options options = { .on_lost = answer_lost, .context = &t.answer };
    fleet_fail(&t.fleet, OP_RENEW, 1000000, CORE_UNKNOWN, false);
    fleet_fail(&t.fleet, OP_READ, 1000000, CORE_UNKNOWN, false);
    assert_int_equal(lease_acquire(t.rig.core, "nightly", MS(300), &options, answer_lease,
                                   &t.answer), CORE_OK);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    RIG_AWAIT(answer_losses(&t.answer) == 1);
    for (int i = 0; i < 300; i++)
        rig_breathe();
    assert_int_equal(alerts(&t, ALERT_DEADLOCK, true), 0);
    assert_int_equal(metrics_of(&t, "nightly").lost, 1);
    end(&t);
}

static void oldest_key_is_forgotten(void **state)
{
    struct monitor_test t;
    (void)state;
    prepare(&t);
    rig_start(&t.rig);
    for (int i = 0; i < 300; i++) {
        char key[CORE_NAME_MAX];
        snprintf(key, sizeof key, "key_%d", i % 2 == 0 ? 0 : i);
        fleet_fail(&t.fleet, OP_TRY, 1, CORE_CONFLICT, false);
        assert_int_equal(acquire(&t, key, 0), CORE_CONFLICT);
    }
    struct lock_metrics metrics[300];
    assert_int_equal(core_lock_metrics(t.rig.core, metrics, 300), 151);
    for (int i = 300; i < 700; i++) {
        char key[CORE_NAME_MAX];
        snprintf(key, sizeof key, "key_%d", i % 2 == 0 ? 0 : i);
        fleet_fail(&t.fleet, OP_TRY, 1, CORE_CONFLICT, false);
        assert_int_equal(acquire(&t, key, 0), CORE_CONFLICT);
    }
    assert_int_equal(core_lock_metrics(t.rig.core, metrics, 300), 256);
    bool first = false, second = false;
    for (int i = 0; i < 256; i++) {
        first |= strcmp(metrics[i].key, "key_0") == 0;
        second |= strcmp(metrics[i].key, "key_1") == 0;
    }
    assert_true(first && !second);
    end(&t);
}

/* ---- health ---- */

static void port_that_does_not_answer_is_found(void **state)
{
    struct monitor_test t;
    struct core_health_report report;
    struct memory_store store;
    (void)state;
    prepare(&t);
    memory_store_init(&store);
    t.rig.config.messages = &store.port;
    t.rig.config.settings.health_period_us = MS(100);
    rig_start(&t.rig);
    RIG_AWAIT((core_health_report(t.rig.core, &report), report.checks > 1));
    assert_int_equal(report.health, CORE_HEALTHY);
    assert_true(report.locks.answering && report.messages.answering && report.sandboxes.answering);
    fleet_fail(&t.fleet, OP_LIST, 1000000, CORE_UNAVAILABLE, false);
    RIG_AWAIT(alerts(&t, ALERT_HEALTH, true) == 1);
    core_health_report(t.rig.core, &report);
    assert_int_equal(report.health, CORE_DEGRADED);
    assert_true(report.sandboxes.present && !report.sandboxes.answering);
    assert_true(report.locks.answering);
    fleet_fail(&t.fleet, OP_LIST, 0, CORE_OK, false);
    RIG_AWAIT(alerts(&t, ALERT_HEALTH, false) == 1);
    assert_int_equal(core_health(t.rig.core), CORE_HEALTHY);
    end(&t);
    memory_store_free(&store);
}

/* It neither answers nor fails: one check waits, and the next ones say so. */
static void port_that_hangs_is_found(void **state)
{
    struct monitor_test t;
    struct core_health_report report;
    (void)state;
    prepare(&t);
    t.rig.config.settings.health_period_us = MS(100);
    fleet_hold(&t.fleet, OP_READ);
    rig_start(&t.rig);
    RIG_AWAIT(alerts(&t, ALERT_HEALTH, true) == 1);
    core_health_report(t.rig.core, &report);
    assert_true(report.locks.present && !report.locks.answering);
    assert_int_equal(fleet_calls(&t.fleet, OP_READ), 1);
    fleet_let_go(&t.fleet, OP_READ);
    RIG_AWAIT(alerts(&t, ALERT_HEALTH, false) == 1);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contention_is_who_waited_in_vain),
        cmocka_unit_test(holder_that_stands_still_is_told_of),
        cmocka_unit_test(grant_that_ran_out_is_no_deadlock),
        cmocka_unit_test(oldest_key_is_forgotten),
        cmocka_unit_test(port_that_does_not_answer_is_found),
        cmocka_unit_test(port_that_hangs_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
