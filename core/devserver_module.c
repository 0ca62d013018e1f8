/* Life cycle of the dev server module. */
#include "core/devserver.h"

#include <stdlib.h>

static enum core_result create(struct core *core)
{
    if (!core->has_sandboxes || !core->has_locks)
        return CORE_OK;
    struct servers *servers = calloc(1, sizeof *servers);
    if (!servers)
        return CORE_NO_MEMORY;
    enum core_result result =
        core_lock_and_cond_init(&servers->lock, RANK_SERVERS, &servers->quiet);
    if (result == CORE_OK)
        core->servers = servers;
    else
        free(servers);
    return result;
}

static bool is_quiet(const struct servers *servers)
{
    for (uint32_t i = 0; i < servers->capacity; i++)
        if (servers->slots[i] && !server_at_rest(servers->slots[i]))
            return false;
    return true;
}

/* Starts are cancelled, stops finished. What runs goes on: the next core finds it by its record. */
static void drain(struct core *core)
{
    struct servers *servers = core->servers;
    struct turn turn;
    if (!servers)
        return;
    turn_begin(&turn, core);
    turn_lock(&turn, &servers->lock);
    servers->draining = true;
    for (uint32_t i = 0; i < servers->capacity; i++)
        if (servers->slots[i])
            procedure_kick(&turn, &servers->slots[i]->procedure);
    while (!is_quiet(servers))
        turn_wait(&turn, &servers->quiet, &servers->lock, 0);
    turn_unlock(&turn, &servers->lock);
    turn_end(&turn);
}

static void destroy(struct core *core)
{
    struct servers *servers = core->servers;
    if (!servers)
        return;
    for (uint32_t i = 0; i < servers->capacity; i++) {
        REQUIRE(!servers->slots[i] || server_at_rest(servers->slots[i]));
        if (servers->slots[i])
            server_free(servers->slots[i]);
    }
    pthread_cond_destroy(&servers->quiet);
    core_lock_destroy(&servers->lock);
    free(servers->slots);
    free(servers);
}

static void count(struct core *core, struct core_stats *stats)
{
    struct servers *servers = core->servers;
    struct turn turn;
    if (!servers)
        return;
    turn_begin(&turn, core);
    turn_lock(&turn, &servers->lock);
    stats->servers = servers->count;
    turn_unlock(&turn, &servers->lock);
    turn_end(&turn);
}

const struct core_module devserver_module = { "servers", create, NULL, drain, destroy, count };
