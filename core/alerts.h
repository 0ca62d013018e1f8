/*
 * Alerts on their way to whoever listens: told in the order in which they were decided, by one
 * thread at a time. Two threads that told theirs at once could say first that a thing is over, and
 * then that it has begun.
 */
#ifndef CORE_ALERTS_H
#define CORE_ALERTS_H

#include "core/turn.h"

struct pending_alert;

struct alerts {   /* guarded by the ring's lock */
    struct pending_alert *first, **last;
    bool telling;
};

enum core_result alerts_create(struct core *core);

/* No thread is left that could tell: what still waits is forgotten. */
void alerts_destroy(struct core *core);

/*
 * Owes an alert, or its end. The caller holds the lock under which this was decided. The subject
 * is copied (cut at CORE_NAME_MAX). Nothing happens if nobody listens.
 */
void alert_owe(struct turn *turn, enum core_alert_kind kind, const char *subject, bool raised,
               uint64_t value);

/* The effect: tells all that wait, unless another thread is doing so. No lock held. */
void alerts_tell(struct turn *turn);

#endif
