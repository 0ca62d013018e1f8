/* How a change of a dev server's state reaches those who watch it or wait for it. */
#include "core/devserver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Changes of state that one grant of the lease leaves room for in the order of versions. */
enum { VERSIONS_PER_TOKEN = 1024 };

void servers_saw(struct turn *turn, uint64_t version)
{
    struct servers *servers = turn->core->servers;
    if (!servers)
        return;
    turn_lock(turn, &servers->lock);
    if (version > servers->version)
        servers->version = version;
    turn_unlock(turn, &servers->lock);
}

enum core_result server_publish(struct turn *turn, struct session_ref watcher, enum app_type app,
                                const struct server_status *status)
{
    char payload[160];
    int length = snprintf(payload, sizeof payload,
                          "{\"app\":\"%s\",\"state\":\"%s\",\"port\":%u,\"version\":%" PRIu64,
                          app_type_word(app), server_state_word(status->state),
                          (unsigned)status->port, status->version);
    if (status->state == SERVER_FAILED)
        length += snprintf(payload + length, sizeof payload - (size_t)length,
                           ",\"result\":\"%s\"}", core_result_word(status->result));
    else
        length += snprintf(payload + length, sizeof payload - (size_t)length, "}");
    REQUIRE((size_t)length < sizeof payload);
    enum core_result result = session_publish_owed(turn, watcher, WIRE_SERVER_STATE, payload);
    turn_flush(turn);
    return result;
}

/* Its session is gone, and nobody is left to be told. */
static void unwatch(struct turn *turn, struct server *server, struct session_ref watcher)
{
    struct servers *servers = server->core->servers;
    size_t kept = 0;
    turn_lock(turn, &servers->lock);
    struct session_ref *watchers = server->watchers;
    for (size_t i = 0; i < server->watchers_count; i++)
        if (watchers[i].slot != watcher.slot || watchers[i].generation != watcher.generation)
            watchers[kept++] = watchers[i];
    server->watchers_count = kept;
    turn_unlock(turn, &servers->lock);
}

size_t server_watchers(const struct server *server, size_t *left,
                       struct session_ref watchers[WATCHERS_AT_ONCE])
{
    size_t end = *left < server->watchers_count ? *left : server->watchers_count;
    size_t begin = end > WATCHERS_AT_ONCE ? end - WATCHERS_AT_ONCE : 0;
    *left = begin;
    if (begin < end)
        memcpy(watchers, server->watchers + begin, (end - begin) * sizeof *watchers);
    return end - begin;
}

void server_tell(struct turn *turn, struct server *server)
{
    struct servers *servers = server->core->servers;
    struct session_ref watchers[WATCHERS_AT_ONCE];
    size_t left = SIZE_MAX;
    do {
        turn_lock(turn, &servers->lock);
        size_t count = server_watchers(server, &left, watchers);
        struct server_status status = server->status;
        turn_unlock(turn, &servers->lock);
        turn_flush(turn);
        for (size_t i = 0; i < count; i++)
            if (server_publish(turn, watchers[i], server->app, &status) == CORE_STALE)
                unwatch(turn, server, watchers[i]);
    } while (left > 0);
}

static void trace_state(struct turn *turn, const char *id, const struct server_status *status,
                        uint64_t instance)
{
    switch (status->state) {
    case SERVER_STARTING:
        trace_owe(turn, TP_SERVER_STARTING, id, status->version, status->port, 0);
        return;
    case SERVER_RUNNING:
        trace_owe(turn, TP_SERVER_RUNNING, id, instance, status->version, 0);
        return;
    case SERVER_STOPPING:
        trace_owe(turn, TP_SERVER_STOPPING, id, instance, status->version, 0);
        return;
    case SERVER_STOPPED:
        trace_owe(turn, TP_SERVER_STOPPED, id, instance, status->version, 0);
        return;
    case SERVER_FAILED:
        trace_owe(turn, TP_SERVER_FAILED, id, status->version, status->result, 0);
        return;
    case SERVER_STATE_COUNT:
        break;
    }
    UNREACHABLE();
}

static struct server_lists take_out(struct server *server, int settles)
{
    struct server_lists lists = { NULL, NULL };
    if (settles & SETTLES_STARTS) {
        lists.starts = server->starts;
        server->starts = NULL;
    }
    if (settles & SETTLES_STOPS) {
        lists.stops = server->stops;
        server->stops = NULL;
    }
    return lists;
}

struct server_lists server_change(struct turn *turn, struct server *server,
                                  enum server_state state, enum core_result result, int settles)
{
    struct servers *servers = server->core->servers;
    turn_lock(turn, &servers->lock);
    /* Tokens outlive a core, so versions go on rising after a restart. */
    uint64_t floor = server->token * VERSIONS_PER_TOKEN;
    servers->version = servers->version + 1 > floor ? servers->version + 1 : floor;
    bool has_instance = state == SERVER_STARTING || state == SERVER_RUNNING ||
                        state == SERVER_STOPPING;
    uint64_t instance = server->status.instance;
    server->status = (struct server_status){ .state = state,
                                             .version = servers->version,
                                             .instance = has_instance ? server->instance : 0,
                                             .port = server_port_now(server),
                                             .result = result };
    if (has_instance)
        instance = server->instance;
    trace_state(turn, server->sandbox_id, &server->status, instance);
    struct server_lists lists = take_out(server, settles);
    turn_unlock(turn, &servers->lock);
    server_tell(turn, server);
    return lists;
}

void server_answer(struct turn *turn, struct server *server, struct server_waiter *waiters,
                   enum core_result result)
{
    struct servers *servers = server->core->servers;
    turn_lock(turn, &servers->lock);
    struct server_status status = server->status;
    turn_unlock(turn, &servers->lock);
    turn_flush(turn);
    while (waiters) {
        struct server_waiter *next = waiters->next;
        if (waiters->done)
            waiters->done(waiters->context, result, &status);
        free(waiters);
        waiters = next;
    }
}
