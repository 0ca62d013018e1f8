#include "core/health.h"

#include <stdlib.h>

/* A name that the ports know nothing of: any answer to it is an answer. */
static const char nobody[] = "health";

/* ---- judging ---- */

static bool is_answer(enum core_result result)
{
    return result != CORE_UNKNOWN && result != CORE_UNAVAILABLE && result != CORE_EXPIRED;
}

static void note(struct turn *turn, struct health *health, struct health_part *part,
                 uint64_t asked_us, enum core_result result)
{
    uint64_t now_us = core_now_us();
    turn_lock(turn, &health->lock);
    *part = (struct health_part){ .present = true, .answering = is_answer(result),
                                  .latency_us = now_us - asked_us, .checked_us = now_us };
    turn_unlock(turn, &health->lock);
}

static bool is_bad(const struct health_part *part)
{
    return part->present && !part->answering;
}

static bool is_crowded(const struct core *core, const struct core_stats *stats)
{
    return stats->sessions >= core->settings.max_sessions ||
           stats->conns >= core->settings.max_conns || stats->jobs >= core->settings.max_jobs;
}

/* The end of a check, with whatever is known by now: tells about a change. */
static void conclude(struct turn *turn, struct health *health)
{
    struct core_stats stats;
    core_stats(turn->core, &stats);
    turn_lock(turn, &health->lock);
    struct core_health_report *report = &health->report;
    report->crowded = is_crowded(turn->core, &stats);
    report->checks++;
    uint64_t bad = (uint64_t)is_bad(&report->locks) + is_bad(&report->messages) +
                   is_bad(&report->sandboxes) + report->crowded;
    trace_owe(turn, TP_HEALTH_CHECKED, turn->core->name, report->checks, bad, 0);
    if (health->degraded != (bad > 0))
        alert_owe(turn, ALERT_HEALTH, turn->core->name, bad > 0, bad);
    health->degraded = bad > 0;
    health->checking = false;
    pthread_cond_broadcast(&health->quiet);
    turn_unlock(turn, &health->lock);
    turn_flush(turn);
}

void health_store_answered(struct turn *turn, uint64_t asked_us, enum core_result result)
{
    struct health *health = turn->core->health;
    note(turn, health, &health->report.messages, asked_us, result);
    conclude(turn, health);
}

/* ---- the check: a long job ---- */

static void ask_locks(struct turn *turn, struct health *health)
{
    const struct lock_store_port *port = &turn->core->locks;
    struct lock_grant grant;
    uint64_t asked_us = core_now_us();
    enum core_result result = port->read(port->context, nobody, &grant);
    note(turn, health, &health->report.locks, asked_us, result);
}

static void ask_sandboxes(struct turn *turn, struct health *health)
{
    const struct sandbox_provider_port *port = &turn->core->sandbox_provider;
    struct sandbox_record record;
    size_t count;
    uint64_t asked_us = core_now_us();
    enum core_result result = port->list(port->context, &record, 1, &count);
    note(turn, health, &health->report.sandboxes, asked_us, result);
}

static void check(struct core *core, struct job *job)
{
    struct health *health = (struct health *)job;
    struct turn turn;
    turn_begin(&turn, core);
    if (core->has_locks)
        ask_locks(&turn, health);
    if (core->has_sandboxes)
        ask_sandboxes(&turn, health);
    /* Only the store's own thread asks the message store; its answer ends the check. */
    if (!core->has_messages || !store_ask(&turn))
        conclude(&turn, health);
    turn_end(&turn);
}

/* ---- the timer ---- */

static void arm(struct turn *turn);

static void raise_alert(struct turn *turn, struct health *health)
{
    if (!health->degraded)
        alert_owe(turn, ALERT_HEALTH, turn->core->name, true, 1);
    health->degraded = true;
}

/* What was asked of the ports is still under way: it does not answer. Health lock held. */
static void give_up_waiting(struct turn *turn, struct health *health)
{
    struct core *core = turn->core;
    struct health_part *parts[] = { &health->report.locks, &health->report.sandboxes,
                                    &health->report.messages };
    bool present[] = { core->has_locks, core->has_sandboxes, core->has_messages };
    uint64_t now_us = core_now_us();
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (present[i] && parts[i]->checked_us < health->begun_us)
            *parts[i] = (struct health_part){ .present = true, .checked_us = now_us,
                                              .latency_us = now_us - health->begun_us };
    }
    raise_alert(turn, health);
}

static void begin(struct turn *turn, struct health *health)
{
    health->begun_us = core_now_us();
    health->checking = job_post(turn, &health->job, JOB_LONG) == CORE_OK;
    if (health->checking)
        return;
    health->report.crowded = true;   /* there is no room even for this */
    raise_alert(turn, health);
}

static void due(struct core *core, struct timer_target target)
{
    struct health *health = core->health;
    struct turn turn;
    (void)target;
    turn_begin(&turn, core);
    turn_lock(&turn, &health->lock);
    if (!health->draining) {
        if (health->checking)
            give_up_waiting(&turn, health);
        else
            begin(&turn, health);
        arm(&turn);
    }
    turn_unlock(&turn, &health->lock);
    turn_end(&turn);
}

static void arm(struct turn *turn)
{
    timer_arm(turn, core_now_us() + turn->core->settings.health_period_us, due,
              (struct timer_target){ .slot = 0 });
}

/* ---- public ---- */

void core_health_report(struct core *core, struct core_health_report *report)
{
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->health->lock);
    *report = core->health->report;
    turn_unlock(&turn, &core->health->lock);
    turn_end(&turn);
    report->health = core_health(core);
}

/* ---- module ---- */

static enum core_result create(struct core *core)
{
    struct health *health = calloc(1, sizeof *health);
    if (health == NULL)
        return CORE_NO_MEMORY;
    enum core_result result = core_lock_and_cond_init(&health->lock, RANK_HEALTH, &health->quiet);
    health->job.run = check;
    if (result == CORE_OK)
        core->health = health;
    else
        free(health);
    return result;
}

/* A core without ports has nobody to ask, and one without a listener nobody to tell. */
static enum core_result start(struct core *core)
{
    if (core->settings.health_period_us == 0 || core->alert_port.alert == NULL ||
        !(core->has_locks || core->has_messages || core->has_sandboxes))
        return CORE_OK;
    struct turn turn;
    turn_begin(&turn, core);
    arm(&turn);
    turn_end(&turn);
    return CORE_OK;
}

static void drain(struct core *core)
{
    struct health *health = core->health;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &health->lock);
    health->draining = true;
    while (health->checking)
        turn_wait(&turn, &health->quiet, &health->lock, 0);
    turn_unlock(&turn, &health->lock);
    turn_end(&turn);
}

static void destroy(struct core *core)
{
    struct health *health = core->health;
    REQUIRE(!health->checking);
    pthread_cond_destroy(&health->quiet);
    core_lock_destroy(&health->lock);
    free(health);
}

const struct core_module health_module = { "health", create, start, drain, destroy, NULL };
