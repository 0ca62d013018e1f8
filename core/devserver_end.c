/* The end of an instance: TERM to its group, a time of grace, KILL. Always by instance. */
#include "core/devserver_steps.h"

/* Fruitless kills after which the instance is given up; the release of its sandbox ends it. */
enum { KILLS_MAX = 5 };

/* A blocking call holds a job thread, so it is cut into slices. */
static const uint64_t SLICE_US = 1000000;

static const struct sandbox_provider_port *provider(const struct server *server)
{
    return &server->core->sandbox_provider;
}

uint64_t server_ended(struct turn *turn, struct server *server)
{
    enum core_result result = server->result;
    /* After a stop, whoever asked for a start did so later and gets it. */
    int settles = result == CORE_OK ? SETTLES_STOPS : SETTLES_STOPS | SETTLES_STARTS;
    server->instance = 0;
    struct server_lists lists = server_change(
        turn, server, result == CORE_OK ? SERVER_STOPPED : SERVER_FAILED, result, settles);
    server_answer(turn, server, lists.starts, result);
    server_answer(turn, server, lists.stops, CORE_OK);
    return server_enter(turn, server, STAGE_LEAVING);
}

uint64_t server_term(struct turn *turn, struct server *server, const struct server_view *view)
{
    const struct sandbox_provider_port *port = provider(server);
    struct sandbox_grip grip;
    if (!server_may_act(server))
        return server_suspend(turn, server);
    if (sandbox_grip(turn, server->sandbox, &grip, false) != CORE_OK)
        return server_give_up(turn, server, CORE_STALE);
    if (view->server.status.state != SERVER_STOPPING)
        server_change(turn, server, SERVER_STOPPING, CORE_OK, SETTLES_NOBODY);
    /* Of those who wait for a stop: the end of its sandbox has none of its own. */
    uint64_t grace_us = view->server.stops && view->server.grace_us
                            ? view->server.grace_us : server->core->settings.term_grace_us;
    server->grace_until_us = core_now_us() + grace_us;
    server->failures = 0;
    enum core_result result =
        port->signal(port->context, grip.id, grip.token, server->instance, PROCESS_TERM);
    if (result == CORE_NOT_FOUND)
        return server_ended(turn, server);
    if (result == CORE_STALE)
        return server_refused(turn, server, result);
    return server_enter(turn, server, STAGE_ENDING);
}

uint64_t server_ending(struct turn *turn, struct server *server, const struct server_view *view)
{
    const struct sandbox_provider_port *port = provider(server);
    struct sandbox_grip grip;
    uint64_t now = core_now_us();
    if (now >= server->grace_until_us || view->draining)
        return server_enter(turn, server, STAGE_KILL);
    if (sandbox_grip(turn, server->sandbox, &grip, false) != CORE_OK)
        return server_give_up(turn, server, CORE_STALE);
    uint64_t left_us = server->grace_until_us - now;
    enum core_result result =
        port->wait(port->context, grip.id, grip.token, server->instance,
                   left_us < SLICE_US ? left_us : SLICE_US);
    if (result == CORE_OK || result == CORE_NOT_FOUND)
        return server_ended(turn, server);
    if (result == CORE_STALE)
        return server_refused(turn, server, result);
    return result == CORE_EXPIRED ? PROCEDURE_NOW : server_enter(turn, server, STAGE_KILL);
}

/* KILL and wait: OK when the group is gone. */
static enum core_result kill_now(const struct server *server, const struct sandbox_grip *grip)
{
    const struct sandbox_provider_port *port = provider(server);
    enum core_result result =
        port->signal(port->context, grip->id, grip->token, server->instance, PROCESS_KILL);
    if (result == CORE_NOT_FOUND)
        return CORE_OK;
    if (result == CORE_STALE)
        return result;
    result = port->wait(port->context, grip->id, grip->token, server->instance, SLICE_US);
    return result == CORE_NOT_FOUND ? CORE_OK : result;
}

uint64_t server_killing(struct turn *turn, struct server *server, const struct server_view *view)
{
    struct sandbox_grip grip;
    if (sandbox_grip(turn, server->sandbox, &grip, false) != CORE_OK)
        return server_give_up(turn, server, CORE_STALE);
    enum core_result result = kill_now(server, &grip);
    if (result == CORE_OK)
        return server_ended(turn, server);
    if (result == CORE_STALE)
        return server_refused(turn, server, result);
    if (++server->failures >= KILLS_MAX)
        return server_give_up(turn, server, CORE_UNKNOWN);
    return view->draining ? PROCEDURE_NOW
                          : core_backoff_us(server->core, server->failures, UINT64_MAX);
}

uint64_t server_kill_superseded(struct turn *turn, struct server *server)
{
    struct sandbox_grip grip;
    if (sandbox_grip(turn, server->sandbox, &grip, false) != CORE_OK)
        return server_give_up(turn, server, CORE_STALE);
    enum core_result result = kill_now(server, &grip);
    if (result == CORE_STALE)
        return server_refused(turn, server, result);
    if (result != CORE_OK && ++server->failures < KILLS_MAX)
        return core_backoff_us(server->core, server->failures, UINT64_MAX);
    server->instance = 0;
    server->superseded = false;
    return PROCEDURE_NOW;
}
