/* From the lease to a server that answers: survey, spawn, probe. */
#include "core/devserver_steps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    PROCESSES_MAX = 64,  /* per look */
    STARTS_MAX = 5       /* instances that died before they answered */
};

/* A blocking call holds a job thread, so it is cut into slices. */
static const uint64_t SLICE_US = 1000000;

/* From one probe to the next: doubled from the first to the second. */
static const uint64_t PROBE_FIRST_US = 100000, PROBE_LAST_US = 1000000;

struct processes {
    struct process_record records[PROCESSES_MAX];
    size_t count;
};

static const struct sandbox_provider_port *provider(const struct server *server)
{
    return &server->core->sandbox_provider;
}

static enum core_result read_processes(const struct server *server, const struct sandbox_grip *grip,
                                       struct processes *processes)
{
    const struct sandbox_provider_port *port = provider(server);
    processes->count = 0;
    enum core_result result = port->processes(port->context, grip->id, grip->token,
                                              processes->records, PROCESSES_MAX,
                                              &processes->count);
    if (processes->count > PROCESSES_MAX)
        processes->count = PROCESSES_MAX;
    return result;
}

static bool is_of(const struct process_record *record, const struct server *server)
{
    return record->alive && record->app == server->app;
}

/* Alive, of this app, spawned under the present assignment. */
static const struct process_record *find_current(const struct processes *processes,
                                                 const struct server *server,
                                                 const struct sandbox_grip *grip,
                                                 uint64_t instance)
{
    for (size_t i = 0; i < processes->count; i++) {
        const struct process_record *record = &processes->records[i];
        if (is_of(record, server) && record->token == grip->token && record->instance == instance)
            return record;
    }
    return NULL;
}

enum core_result server_look(const struct server *server, const struct sandbox_grip *grip)
{
    struct processes processes;
    enum core_result result = read_processes(server, grip, &processes);
    if (result != CORE_OK)
        return result == CORE_NOT_FOUND ? CORE_STALE : result;
    return find_current(&processes, server, grip, server->instance) ? CORE_OK : CORE_NOT_FOUND;
}

/* ---- survey ---- */

/*
 * Asks port_fallback ports beyond the server's own, too: is this instance (0: one of these
 * processes) there? Notes where. OK with who answers on the last port that was asked, or what the
 * server's own port said if nobody was found.
 */
static enum core_result ask_ports(struct server *server, const struct sandbox_grip *grip,
                                  const struct processes *processes, uint64_t *instance)
{
    const struct sandbox_provider_port *port = provider(server);
    enum core_result first_result = CORE_NOT_FOUND;
    uint64_t first_instance = 0, wanted = server->instance;
    uint64_t last = server->port + server->core->settings.port_fallback;
    for (uint64_t number = server->port; number <= last && number <= UINT16_MAX; number++) {
        enum core_result result =
            port->probe(port->context, grip->id, grip->token, (uint16_t)number, instance);
        bool ours = result == CORE_OK && (processes == NULL ? *instance == wanted :
            find_current(processes, server, grip, *instance) != NULL);
        if (ours) {
            server->listening = (uint16_t)number;
            return CORE_OK;
        }
        if (number == server->port) {
            first_result = result;
            first_instance = *instance;
        }
    }
    *instance = first_instance;
    return first_result;
}

static uint64_t ask_port(struct server *server, const struct sandbox_grip *grip,
                         const struct processes *processes)
{
    uint64_t instance = 0;
    if (server->core->settings.port_probe == PORT_PROBE_OFF)
        return 0;
    return ask_ports(server, grip, processes, &instance) == CORE_OK ? instance : 0;
}

/*
 * Which of the processes is to be the server: the one that answers, else the one that is ours, else
 * the newest. NULL if there is none.
 */
static const struct process_record *choose(const struct server *server,
                                           const struct sandbox_grip *grip,
                                           const struct processes *processes, uint64_t answering)
{
    const struct process_record *newest = NULL;
    const struct process_record *record = find_current(processes, server, grip, answering);
    if (!record)
        record = find_current(processes, server, grip, server->instance);
    if (record)
        return record;
    for (size_t i = 0; i < processes->count; i++) {
        record = &processes->records[i];
        if (!is_of(record, server) || record->token != grip->token)
            continue;
        if (!newest || record->instance > newest->instance)
            newest = record;
    }
    return newest;
}

/* Kills what is of this app and not the chosen one, by instance. How many there were. */
static size_t kill_others(const struct server *server, const struct sandbox_grip *grip,
                          const struct processes *processes, const struct process_record *chosen)
{
    const struct sandbox_provider_port *port = provider(server);
    size_t others = 0;
    for (size_t i = 0; i < processes->count; i++) {
        const struct process_record *record = &processes->records[i];
        if (!is_of(record, server) || record == chosen)
            continue;
        others++;
        port->signal(port->context, grip->id, grip->token, record->instance, PROCESS_KILL);
        port->wait(port->context, grip->id, grip->token, record->instance, SLICE_US);
    }
    return others;
}

/* The instance itself has answered: say so, if the lease still allows it. */
static uint64_t ready(struct turn *turn, struct server *server)
{
    if (!server_may_act(server))
        return server_suspend(turn, server);
    struct server_lists lists =
        server_change(turn, server, SERVER_RUNNING, CORE_OK, SETTLES_STARTS);
    server_answer(turn, server, lists.starts, CORE_OK);
    return server_enter(turn, server, STAGE_LEAVING);
}

/* What survey found is the server, or is going to be. */
static uint64_t take(struct turn *turn, struct server *server, const struct server_view *view,
                     uint64_t instance, bool answers)
{
    if (server->instance != instance)
        server->probes = 0;
    if (server->instance != instance && !answers)
        server->listening = 0;
    server->instance = instance;
    if (view->server.stops || view->server.closed)
        return server_enter(turn, server, STAGE_TERM);
    if (answers)
        return ready(turn, server);
    if (view->server.status.state != SERVER_STARTING ||
        view->server.status.instance != server->instance)
        server_change(turn, server, SERVER_STARTING, CORE_OK, SETTLES_NOBODY);
    return server_enter(turn, server, STAGE_PROBING);
}

/* Without probes an instance counts as ready when it is seen alive for the second time. */
static bool is_ready(const struct server *server, const struct process_record *chosen,
                     uint64_t answering)
{
    if (server->core->settings.port_probe == PORT_PROBE_OFF)
        return chosen->instance == server->instance;
    return chosen->instance == answering;
}

static uint64_t decide(struct turn *turn, struct server *server, const struct server_view *view,
                       const struct sandbox_grip *grip, const struct processes *processes)
{
    uint64_t answering = view->server.stops ? 0 : ask_port(server, grip, processes);
    const struct process_record *chosen = choose(server, grip, processes, answering);
    if (!server_may_act(server))
        return server_suspend(turn, server);
    if (kill_others(server, grip, processes, chosen) > 0) {
        server->instance = chosen ? chosen->instance : 0;
        return server_retry(turn, server, CORE_UNKNOWN);
    }
    if (chosen)
        return take(turn, server, view, chosen->instance, is_ready(server, chosen, answering));
    server->instance = 0;
    if (view->server.stops || view->server.closed)
        return server_ended(turn, server);
    return server_enter(turn, server, STAGE_SPAWNING);
}

/* For a start the sandbox must have booted; a stop does not wait for that. */
static enum core_result await_sandbox(const struct server *server, const struct sandbox_grip *grip,
                                      bool stop)
{
    const struct sandbox_provider_port *port = provider(server);
    if (stop)
        return CORE_OK;
    return port->await_ready(port->context, grip->id, grip->token, SLICE_US);
}

uint64_t server_surveying(struct turn *turn, struct server *server,
                          const struct server_view *view)
{
    struct sandbox_grip grip;
    struct processes processes;
    bool stop = server_must_stop(view);
    if (!server_may_act(server))
        return server_suspend(turn, server);
    if (view->draining && !view->server.stops && !view->server.closed)
        return server_fail(turn, server, CORE_DRAINING);
    enum core_result result = sandbox_grip(turn, server->sandbox, &grip, false);
    if (result != CORE_OK || (grip.closing && !stop))
        return server_give_up(turn, server, CORE_STALE);
    result = await_sandbox(server, &grip, stop);
    if (result == CORE_EXPIRED && core_now_us() < server->deadline_us)
        return PROCEDURE_NOW;
    if (result == CORE_OK)
        result = read_processes(server, &grip, &processes);
    if (result == CORE_OK)
        return decide(turn, server, view, &grip, &processes);
    if (result == CORE_STALE || result == CORE_NOT_FOUND)
        return server_refused(turn, server, result);
    return view->draining ? server_give_up(turn, server, result)
                          : server_retry(turn, server, result);
}

/* ---- spawn ---- */

static uint64_t spawned(struct turn *turn, struct server *server,
                        const struct process_record *process)
{
    struct servers *servers = server->core->servers;
    server->instance = process->instance;
    server->listening = 0;
    server->probes = 0;
    turn_lock(turn, &servers->lock);
    server->status.instance = process->instance;
    turn_unlock(turn, &servers->lock);
    trace_point(turn, TP_SERVER_SPAWNED, server->sandbox_id, process->instance, server->port, 0);
    return server_enter(turn, server, STAGE_PROBING);
}

uint64_t server_spawning(struct turn *turn, struct server *server, const struct server_view *view)
{
    const struct sandbox_provider_port *port = provider(server);
    struct sandbox_grip grip;
    struct process_record process;
    if (server_must_stop(view))
        return server_enter(turn, server, STAGE_SURVEYING);
    if (server->failures >= STARTS_MAX)
        return server_fail(turn, server, CORE_FAILED);
    if (view->server.status.state != SERVER_STARTING)
        server_change(turn, server, SERVER_STARTING, CORE_OK, SETTLES_NOBODY);
    enum core_result result = sandbox_grip(turn, server->sandbox, &grip, false);
    if (result != CORE_OK || grip.closing)
        return server_give_up(turn, server, CORE_STALE);
    /* The last thing before the act. The provider checks the token once more. */
    if (!server_may_act(server))
        return server_suspend(turn, server);
    char request[CORE_NAME_MAX], name[CORE_NAME_MAX], command[CORE_COMMAND_MAX];
    server_session_name(server->app, name);
    core_command(server->core, server->app, server->port, command);
    snprintf(request, sizeof request, "%s-%" PRIu64 "-%" PRIu64, app_type_word(server->app),
             server->token, ++server->spawns);
    struct spawn_request order = { .request = request, .name = name, .command = command,
                                   .app = server->app, .port = server->port,
                                   .fence = server->token };
    result = port->spawn(port->context, grip.id, grip.token, &order, &process);
    if (result == CORE_OK)
        return spawned(turn, server, &process);
    /* STALE is the sandbox's token or the fence; NOT_FOUND the sandbox: the survey will tell. */
    if (result == CORE_STALE)
        return server_suspend(turn, server);
    return server_retry(turn, server, result);
}

/* ---- probe ---- */

static uint64_t probe_later(struct server *server)
{
    uint64_t delay_us = PROBE_FIRST_US;
    for (uint64_t i = 0; i < server->probes && delay_us < PROBE_LAST_US; i++)
        delay_us *= 2;
    server->probes++;
    return delay_us < PROBE_LAST_US ? delay_us : PROBE_LAST_US;
}

/* Somebody else answers on our port: an instance that the survey ends or takes, or a stranger. */
static uint64_t other_answers(struct turn *turn, struct server *server,
                              const struct sandbox_grip *grip, uint64_t instance)
{
    struct processes processes;
    enum core_result result = read_processes(server, grip, &processes);
    if (result != CORE_OK)
        return probe_later(server);
    for (size_t i = 0; i < processes.count; i++)
        if (is_of(&processes.records[i], server) && processes.records[i].instance == instance)
            return server_retry(turn, server, CORE_PORT_IN_USE);
    /* A stranger. One that may move on to the next port is given time to. */
    return server->core->settings.port_fallback > 0
               ? probe_later(server)
               : server_fail(turn, server, CORE_PORT_IN_USE);
}

static uint64_t nobody_answers(struct turn *turn, struct server *server,
                               const struct sandbox_grip *grip)
{
    enum core_result result = server_look(server, grip);
    if (result == CORE_STALE)
        return server_refused(turn, server, result);
    if (result != CORE_NOT_FOUND)
        return probe_later(server);
    server->instance = 0;
    return server_retry(turn, server, CORE_FAILED);
}

uint64_t server_probing(struct turn *turn, struct server *server, const struct server_view *view)
{
    struct sandbox_grip grip;
    uint64_t instance = 0;
    if (server_must_stop(view))
        return server_enter(turn, server, STAGE_SURVEYING);
    if (!server_may_act(server))
        return server_suspend(turn, server);
    if (core_now_us() >= server->deadline_us)
        return server_fail(turn, server, CORE_EXPIRED);
    if (sandbox_grip(turn, server->sandbox, &grip, false) != CORE_OK)
        return server_give_up(turn, server, CORE_STALE);
    if (server->core->settings.port_probe == PORT_PROBE_OFF)
        return server_enter(turn, server, STAGE_SURVEYING);
    enum core_result result = ask_ports(server, &grip, NULL, &instance);
    /* Ready; but is it alone? A spawn whose answer was lost may have taken effect since. */
    if (result == CORE_OK && instance == server->instance)
        return server_enter(turn, server, STAGE_SURVEYING);
    if (result == CORE_OK)
        return other_answers(turn, server, &grip, instance);
    if (result == CORE_NOT_FOUND)
        return nobody_answers(turn, server, &grip);
    if (result == CORE_STALE)
        return server_refused(turn, server, result);
    return probe_later(server);
}
