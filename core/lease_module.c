/* Life cycle of the lease module. */
#include "core/lease.h"

#include <stdlib.h>

static enum core_result create(struct core *core)
{
    if (!core->has_locks)
        return CORE_OK;
    struct leases *leases = calloc(1, sizeof *leases);
    if (!leases)
        return CORE_NO_MEMORY;
    enum core_result result =
        core_lock_and_cond_init(&leases->lock, RANK_LEASES, &leases->changed);
    if (result == CORE_OK)
        core->leases = leases;
    else
        free(leases);
    return result;
}

/* Ends one lease that somebody still counts on. False if there is none. */
static bool end_next(struct turn *turn, struct leases *leases)
{
    struct lease_answer answer = { 0 };
    bool found = false;
    turn_lock(turn, &leases->lock);
    for (uint32_t i = 0; i < leases->capacity && !found; i++) {
        struct lease *lease = leases->slots[i];
        found = lease && lease->phase != LEASE_ENDING;
        if (found && lease->phase == LEASE_WANTED)
            answer = lease_give_up(turn, lease, CORE_DRAINING);
        else if (found)
            answer = lease_lose(turn, lease);
    }
    turn_unlock(turn, &leases->lock);
    lease_tell(turn, &answer);
    return found;
}

static void drain(struct core *core)
{
    struct leases *leases = core->leases;
    struct turn turn;
    if (!leases)
        return;
    turn_begin(&turn, core);
    turn_lock(&turn, &leases->lock);
    leases->stop = true;
    for (uint32_t i = 0; i < leases->capacity; i++)
        if (leases->slots[i])
            leases->slots[i]->due_us = 0;
    bool running = leases->running;
    pthread_cond_signal(&leases->changed);
    turn_unlock(&turn, &leases->lock);
    while (end_next(&turn, leases))
        continue;
    turn_end(&turn);
    if (running)
        pthread_join(leases->thread, NULL);
    leases->running = false;
}

static void destroy(struct core *core)
{
    struct leases *leases = core->leases;
    if (!leases)
        return;
    REQUIRE(!leases->running);
    REQUIRE(leases->count == 0);
    pthread_cond_destroy(&leases->changed);
    core_lock_destroy(&leases->lock);
    free(leases->slots);
    watch_free(&leases->watch);
    free(leases);
}

static void count(struct core *core, struct core_stats *stats)
{
    struct leases *leases = core->leases;
    struct turn turn;
    if (!leases)
        return;
    turn_begin(&turn, core);
    turn_lock(&turn, &leases->lock);
    stats->leases = leases->count;
    stats->stale_calls += leases->stale_calls;
    turn_unlock(&turn, &leases->lock);
    turn_end(&turn);
}

const struct core_module lease_module = { "leases", create, NULL, drain, destroy, count };
