/*
 * The procedure of one dev server. It serves stops before starts, one at a time, each under the
 * lease; what it finds in the sandbox decides what is to be done, not what it remembers. See
 * devserver_start.c and devserver_end.c for the two halves.
 */
#include "core/devserver_steps.h"

#include "core/lease.h"

#include <stdio.h>

/* A stop may wait so long for another core's start or stop of the same server. */
static const uint64_t STOP_LEASE_US = 60 * 1000000u;

uint64_t server_enter(struct turn *turn, struct server *server, enum server_stage stage)
{
    struct servers *servers = server->core->servers;
    turn_lock(turn, &servers->lock);
    server->stage = stage;
    turn_unlock(turn, &servers->lock);
    return PROCEDURE_NOW;
}

bool server_must_stop(const struct server_view *view)
{
    return view->server.stops || view->server.closed || view->draining;
}

/* Gives the lease back, if it was granted. */
static void drop_lease(struct turn *turn, struct server *server)
{
    struct servers *servers = server->core->servers;
    turn_lock(turn, &servers->lock);
    bool held = server->lease_held;
    struct lease_ref lease = server->lease;
    server->lease_held = false;
    turn_unlock(turn, &servers->lock);
    server->lease_asked = false;
    turn_flush(turn);
    if (held)
        lease_release(server->core, lease, NULL, NULL);
}

bool server_may_act(const struct server *server)
{
    return server->unfenced ||
           (server->token && lease_token(server->core, server->lease) == server->token);
}

/* The lease was lost on the way: nothing more is done before there is another one. */
uint64_t server_suspend(struct turn *turn, struct server *server)
{
    struct servers *servers = server->core->servers;
    drop_lease(turn, server);
    turn_lock(turn, &servers->lock);
    bool starting = server->status.state == SERVER_STARTING && !server->stops;
    turn_unlock(turn, &servers->lock);
    server->superseded = starting && server->instance;
    return server_enter(turn, server, STAGE_LEASING);
}

uint64_t server_give_up(struct turn *turn, struct server *server, enum core_result result)
{
    REQUIRE(result != CORE_OK);
    server->instance = 0;
    struct server_lists lists = server_change(turn, server, SERVER_FAILED, result,
                                              SETTLES_STARTS | SETTLES_STOPS);
    server_answer(turn, server, lists.starts, result);
    server_answer(turn, server, lists.stops, result);
    return server_enter(turn, server, STAGE_LEAVING);
}

uint64_t server_fail(struct turn *turn, struct server *server, enum core_result result)
{
    REQUIRE(result != CORE_OK);
    if (!server->instance)
        return server_give_up(turn, server, result);
    server->result = result;
    server->failures = 0;
    return server_enter(turn, server, STAGE_KILL);
}

uint64_t server_refused(struct turn *turn, struct server *server, enum core_result result)
{
    if (result == CORE_STALE || result == CORE_NOT_FOUND)
        sandbox_lost(turn, server->sandbox);
    return server_give_up(turn, server, CORE_STALE);
}

uint64_t server_retry(struct turn *turn, struct server *server, enum core_result result)
{
    uint64_t delay_us = core_backoff_us(server->core, ++server->failures, UINT64_MAX);
    if (core_now_us() + delay_us >= server->deadline_us)
        return server_fail(turn, server, result);
    server_enter(turn, server, STAGE_SURVEYING);
    return delay_us;
}

/* ---- at rest ---- */

static uint64_t start_timeout_us(const struct server *server)
{
    const struct core_settings *settings = &server->core->settings;
    return server->app == APP_WEB ? settings->start_timeout_web_us
                                  : settings->start_timeout_mobile_us;
}

static uint64_t begin(struct turn *turn, struct server *server, uint64_t duration_us)
{
    server->deadline_us = core_now_us() + duration_us;
    server->failures = server->probes = 0;
    server->result = CORE_OK;
    server->superseded = false;
    return server_enter(turn, server, STAGE_LEASING);
}

/* Somebody wants a server that runs already, as far as we know: the instance itself must say so. */
static bool answers_now(struct turn *turn, struct server *server)
{
    const struct sandbox_provider_port *port = &server->core->sandbox_provider;
    struct sandbox_grip grip;
    uint64_t instance = 0;
    if (sandbox_grip(turn, server->sandbox, &grip, false) != CORE_OK)
        return false;
    if (server_look(server, &grip) != CORE_OK)
        return false;
    if (server->core->settings.port_probe == PORT_PROBE_OFF)
        return true;
    return port->probe(port->context, grip.id, grip.token, server_port_now(server), &instance) ==
               CORE_OK && instance == server->instance;
}

static uint64_t confirm(struct turn *turn, struct server *server)
{
    struct servers *servers = server->core->servers;
    turn_lock(turn, &servers->lock);
    struct server_waiter *starts = server->starts;
    server->starts = NULL;
    turn_unlock(turn, &servers->lock);
    server_tell(turn, server);
    server_answer(turn, server, starts, CORE_OK);
    return PROCEDURE_NOW;
}

/* Has a running server died by itself? */
static uint64_t check(struct turn *turn, struct server *server)
{
    struct sandbox_grip grip;
    if (sandbox_grip(turn, server->sandbox, &grip, false) != CORE_OK)
        return server_refused(turn, server, CORE_STALE);
    enum core_result result = server_look(server, &grip);
    if (result == CORE_STALE)
        return server_refused(turn, server, result);
    if (result == CORE_NOT_FOUND) {
        server->instance = 0;
        server_change(turn, server, SERVER_FAILED, CORE_FAILED, SETTLES_NOBODY);
        return PROCEDURE_NOW;
    }
    return server->core->settings.status_poll_us ? server->core->settings.status_poll_us
                                                 : PROCEDURE_PARK;
}

static uint64_t idle(struct turn *turn, struct server *server, const struct server_view *view)
{
    bool running = view->server.status.state == SERVER_RUNNING;
    if (view->server.starts && (view->draining || view->server.closed)) {
        struct servers *servers = server->core->servers;
        turn_lock(turn, &servers->lock);
        struct server_waiter *starts = server->starts;
        server->starts = NULL;
        turn_unlock(turn, &servers->lock);
        server_answer(turn, server, starts, view->draining ? CORE_DRAINING : CORE_CANCELLED);
        return PROCEDURE_NOW;
    }
    if (view->server.stops || (view->server.closed && running))
        return begin(turn, server, STOP_LEASE_US);
    if (view->server.starts && running && answers_now(turn, server))
        return confirm(turn, server);
    if (view->server.starts)
        return begin(turn, server, start_timeout_us(server));
    if (!running || view->draining)
        return PROCEDURE_PARK;
    return check(turn, server);
}

/* ---- the lease ---- */

static enum core_result ask_lease(struct turn *turn, struct server *server, uint64_t wait_us)
{
    struct servers *servers = server->core->servers;
    char key[CORE_NAME_MAX], suffix[16];
    struct lease_ref ref = { 0, 0 };
    struct lease_options options = { .wait_us = wait_us };
    snprintf(suffix, sizeof suffix, ":%s", app_type_word(server->app));
    lease_key(key, "dev_server:", server->sandbox_id, suffix);
    turn_lock(turn, &servers->lock);
    server->lease_pending = true;
    turn_unlock(turn, &servers->lock);
    server->lease_asked = true;
    enum core_result result = lease_begin(turn, key, 0, &options, server_on_lease, server, &ref);
    turn_lock(turn, &servers->lock);
    if (result != CORE_OK)
        server->lease_pending = false;
    if (server->lease_pending)
        server->lease = ref;
    turn_unlock(turn, &servers->lock);
    return result;
}

/* The state stays as it is, and nobody waits any longer. */
static void answer_all(struct turn *turn, struct server *server, enum core_result result)
{
    struct servers *servers = server->core->servers;
    turn_lock(turn, &servers->lock);
    struct server_waiter *starts = server->starts, *stops = server->stops;
    server->starts = server->stops = NULL;
    turn_unlock(turn, &servers->lock);
    server_answer(turn, server, starts, result);
    server_answer(turn, server, stops, result);
}

/*
 * Without a lease nothing is begun. Only two ends need none: that of an instance which we started
 * ourselves, and that of everything in a sandbox which is being released.
 */
static uint64_t without_lease(struct turn *turn, struct server *server,
                              const struct server_view *view, enum core_result result)
{
    if (view->server.closed || (view->draining && view->server.stops)) {
        server->unfenced = true;
        return server_enter(turn, server, STAGE_SURVEYING);
    }
    if (server->superseded)
        return server_fail(turn, server, result);
    if (!view->server.stops)
        return server_give_up(turn, server, result);
    answer_all(turn, server, result);
    return server_enter(turn, server, STAGE_LEAVING);
}

static uint64_t not_granted(struct turn *turn, struct server *server,
                            const struct server_view *view, enum core_result result)
{
    server->lease_asked = false;
    if (!server->superseded)
        return without_lease(turn, server, view, result);
    /* Another holder decides now: what we started must not be there beside what it starts. */
    if (result == CORE_CONFLICT)
        return server_kill_superseded(turn, server);
    uint64_t delay_us = core_backoff_us(server->core, ++server->failures, UINT64_MAX);
    return core_now_us() + delay_us < server->deadline_us
               ? delay_us
               : without_lease(turn, server, view, result);
}

static uint64_t leasing(struct turn *turn, struct server *server, const struct server_view *view)
{
    if (view->server.lease_pending) {
        if (view->draining)
            lease_abandon(turn, view->server.lease);
        return PROCEDURE_PARK;
    }
    if (view->server.lease_held) {
        server->superseded = false;
        server->unfenced = false;
        uint64_t token = lease_token(server->core, view->server.lease);
        if (!token)
            return server_suspend(turn, server);
        server->token = token;
        return server_enter(turn, server, STAGE_SURVEYING);
    }
    if (view->draining)
        return without_lease(turn, server, view, CORE_DRAINING);
    if (server->lease_asked)
        return not_granted(turn, server, view, view->server.lease_result);
    uint64_t now = core_now_us();
    if (now >= server->deadline_us)
        return without_lease(turn, server, view, CORE_EXPIRED);
    enum core_result result =
        ask_lease(turn, server, server->superseded ? 0 : server->deadline_us - now);
    return result == CORE_OK ? PROCEDURE_PARK : not_granted(turn, server, view, result);
}

static uint64_t leaving(struct turn *turn, struct server *server)
{
    server->unfenced = false;
    server->deadline_us = 0;
    drop_lease(turn, server);
    return server_enter(turn, server, STAGE_IDLE);
}

uint64_t server_step(struct turn *turn, struct procedure *procedure)
{
    struct server *server = (struct server *)procedure;
    struct servers *servers = server->core->servers;
    struct server_view view;
    turn_lock(turn, &servers->lock);
    view.server = *server;
    view.draining = servers->draining;
    turn_unlock(turn, &servers->lock);
    switch (view.server.stage) {
    case STAGE_IDLE:
        return idle(turn, server, &view);
    case STAGE_LEASING:
        return leasing(turn, server, &view);
    case STAGE_SURVEYING:
        return server_surveying(turn, server, &view);
    case STAGE_SPAWNING:
        return server_spawning(turn, server, &view);
    case STAGE_PROBING:
        return server_probing(turn, server, &view);
    case STAGE_TERM:
        return server_term(turn, server, &view);
    case STAGE_ENDING:
        return server_ending(turn, server, &view);
    case STAGE_KILL:
        return server_killing(turn, server, &view);
    case STAGE_LEAVING:
        return leaving(turn, server);
    }
    UNREACHABLE();
    return PROCEDURE_PARK;
}
