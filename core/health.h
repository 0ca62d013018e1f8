/*
 * Regular checks: does each port answer, and is there room left? One check at a time; a part that
 * has not answered when the next one is due counts as not answering.
 */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include "core/core.h"

struct health {
    struct job job;             /* first: the job is the check */
    struct core_lock lock;      /* RANK_HEALTH; guards all below */
    pthread_cond_t quiet;       /* predicate: !checking */
    bool draining, checking;
    bool degraded;              /* what was told last */
    uint64_t begun_us;          /* the check under way */
    struct core_health_report report;
};

extern const struct core_module health_module;

/* The message store's part, on the store thread: when it was asked, and what it said. No lock. */
void health_store_answered(struct turn *turn, uint64_t asked_us, enum core_result result);

#endif
