#include "core/alerts.h"

#include "core/core.h"

#include <stdlib.h>

struct pending_alert {
    struct pending_alert *next;
    enum core_alert_kind kind;
    char subject[CORE_NAME_MAX];
    bool raised;
    uint64_t value;
};

enum core_result alerts_create(struct core *core)
{
    core->alerts.last = &core->alerts.first;
    return CORE_OK;
}

static struct pending_alert *take(struct alerts *alerts)
{
    struct pending_alert *alert = alerts->first;
    if (alert == NULL)
        return NULL;
    alerts->first = alert->next;
    if (alerts->first == NULL)
        alerts->last = &alerts->first;
    return alert;
}

void alerts_destroy(struct core *core)
{
    struct pending_alert *alert;
    while ((alert = take(&core->alerts)) != NULL)
        free(alert);
}

void alert_owe(struct turn *turn, enum core_alert_kind kind, const char *subject, bool raised,
               uint64_t value)
{
    struct core *core = turn->core;
    if (core->alert_port.alert == NULL)
        return;
    struct pending_alert *alert = memory_owed(core, NULL, sizeof *alert);
    *alert = (struct pending_alert){ .kind = kind, .raised = raised, .value = value };
    core_set_name(alert->subject, subject);
    turn_lock(turn, &core->ring.lock);
    *core->alerts.last = alert;
    core->alerts.last = &alert->next;
    turn_unlock(turn, &core->ring.lock);
    (void)turn_owe(turn, EFFECT_ALERTS);
}

static void tell(const struct alert_port *port, const struct pending_alert *pending)
{
    struct core_alert alert = { .kind = pending->kind, .subject = pending->subject,
                                .raised = pending->raised, .value = pending->value };
    port->alert(port->context, &alert);
}

void alerts_tell(struct turn *turn)
{
    struct core *core = turn->core;
    struct alerts *alerts = &core->alerts;
    struct pending_alert *alert = NULL;
    turn_lock(turn, &core->ring.lock);
    while (!alerts->telling && (alert = take(alerts)) != NULL) {
        alerts->telling = true;
        turn_unlock(turn, &core->ring.lock);
        tell(&core->alert_port, alert);
        free(alert);
        turn_lock(turn, &core->ring.lock);
        alerts->telling = false;
    }
    turn_unlock(turn, &core->ring.lock);
}
