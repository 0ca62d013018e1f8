/* Checks of health of a core that a backend has for itself: one every health_period, and one at a
 * time. One that has no answer when the next would be due finds that the port does not answer. */
#include "fakes/alone_lease.h"

void health_begin(struct leasing *leasing)
{
    leasing->health.due_us = now_us() + PACT_HEALTH_US;
}

/* --- what is due --- */

static void give_up_waiting(struct pact_health *health, uint64_t at_us)
{
    health->degraded = true;
    if (health->part.checked_us >= health->begun_us) return;
    health->part = (struct health_part){ .present = true, .checked_us = at_us,
                                         .latency_us = at_us - health->begun_us };
}

void health_pass(struct leasing *leasing)
{
    struct pact_health *health = &leasing->health;

    for (; health->due_us <= now_us(); health->due_us += PACT_HEALTH_US) {
        if (health->checking) {
            give_up_waiting(health, health->due_us);
            continue;
        }
        health->checking = true;
        health->begun_us = health->due_us;
    }
}

void health_asked(struct leasing *leasing)
{
    health_pass(leasing);
    leasing_tell(leasing, "whether a check of health is under way", leasing->health.checking, 1);
    leasing_tell(leasing, "when a check of health is made", now_us(), leasing->health.begun_us);
}

void health_answered(struct leasing *leasing, enum core_result rc, uint64_t called_us)
{
    struct pact_health *health = &leasing->health;

    health_pass(leasing);
    health->part = (struct health_part){ .present = true, .answering = rc == CORE_OK,
                                         .latency_us = now_us() - called_us,
                                         .checked_us = now_us() };
    health->degraded = rc != CORE_OK;
    health->checking = false;
    health->checks++;
}

/* --- what is told --- */

void health_alert(struct leasing *leasing, const struct core_alert *alert)
{
    struct pact_health *health = &leasing->health;

    health_pass(leasing);
    leasing_tell(leasing, "whether a core is not well any more", alert->raised, !health->told);
    leasing_tell(leasing, "whether what is told of its health is so", alert->raised,
                 health->degraded);
    leasing_tell(leasing, "how many ports do not answer", alert->value, health->degraded);
    health->told = alert->raised;
}

void health_compare(struct leasing *leasing)
{
    struct pact_health *health = &leasing->health;
    struct core_health_report report;
    uint64_t right = health->degraded ? CORE_DEGRADED : CORE_HEALTHY;

    leasing->api->health_report(leasing->core, &report);
    leasing_tell(leasing, "the health of a core", leasing->api->health(leasing->core), right);
    leasing_tell(leasing, "the health in its report", report.health, right);
    leasing_tell(leasing, "whether somebody was told of it", health->told, health->degraded);
    leasing_tell(leasing, "checks of health", report.checks, health->checks);
    leasing_tell(leasing, "whether a store was asked", report.locks.present, health->part.present);
    leasing_tell(leasing, "whether a store answers", report.locks.answering,
                 health->part.answering);
    leasing_tell(leasing, "how long a store took", report.locks.latency_us,
                 health->part.latency_us);
    leasing_tell(leasing, "when a store was asked", report.locks.checked_us,
                 health->part.present ? health->part.checked_us + leasing->clock_us : 0);
    leasing_tell(leasing, "whether there are other ports",
                 report.messages.present || report.sandboxes.present, 0);
    leasing_tell(leasing, "whether a core is crowded", report.crowded, 0);
}
