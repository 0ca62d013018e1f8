#include "core/devserver.h"

#include <stdlib.h>
#include <string.h>

static bool same_sandbox(struct sandbox_ref a, struct sandbox_ref b)
{
    return a.slot == b.slot && a.generation == b.generation;
}

static struct server *find(struct servers *servers, struct sandbox_ref sandbox, enum app_type app)
{
    for (uint32_t i = 0; i < servers->capacity; i++) {
        struct server *server = servers->slots[i];
        if (server && server->app == app && same_sandbox(server->sandbox, sandbox))
            return server;
    }
    return NULL;
}

uint16_t server_port(const struct core *core, enum app_type app)
{
    return (uint16_t)(app == APP_WEB ? core->settings.port_web : core->settings.port_mobile);
}

uint16_t server_port_now(const struct server *server)
{
    return server->listening != 0 ? server->listening : server->port;
}

/* ---- the table ---- */

static void wake(struct core *core, struct timer_target target)
{
    struct servers *servers = core->servers;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &servers->lock);
    struct server *server = target.slot < servers->capacity ? servers->slots[target.slot] : NULL;
    if (server && server->generation == target.generation)
        procedure_woken(&turn, &server->procedure, target.number);
    turn_unlock(&turn, &servers->lock);
    turn_end(&turn);
}

bool server_at_rest(const struct server *server)
{
    return server->stage == STAGE_IDLE && !server->procedure.active && !server->lease_pending &&
           !server->starts && !server->stops;
}

/* Its sandbox is being released, and there is nothing left to stop. */
static bool may_go(const struct server *server)
{
    return server->closed && server_at_rest(server) && server->status.state != SERVER_RUNNING;
}

void server_free(struct server *server)
{
    free(server->watchers);
    free(server);
}

static void remove_server(struct servers *servers, struct server *server)
{
    REQUIRE(server->procedure.timer == 0);   /* one that does not run waits for nothing */
    servers->slots[server->slot] = NULL;
    servers->count--;
    server_free(server);
}

static void rest(struct turn *turn, struct procedure *procedure)
{
    struct server *server = (struct server *)procedure;
    struct servers *servers = turn->core->servers;
    pthread_cond_broadcast(&servers->quiet);
    if (!may_go(server))
        return;
    turn_owe_call(turn, sandbox_server_rested, NULL, server->sandbox.generation);
    remove_server(servers, server);
}

static bool grow(struct servers *servers)
{
    uint32_t capacity = servers->capacity ? servers->capacity * 2 : 4;
    struct server **slots = realloc(servers->slots, capacity * sizeof(struct server *));
    if (!slots)
        return false;
    memset(slots + servers->capacity, 0, (capacity - servers->capacity) * sizeof(struct server *));
    servers->slots = slots;
    servers->capacity = capacity;
    return true;
}

/* Bounded by the sandboxes: there is one for each and each app type. */
static struct server *server_new(struct core *core, const struct server_order *order,
                                 const char *id)
{
    struct servers *servers = core->servers;
    uint32_t slot = 0;
    if (servers->count == servers->capacity && !grow(servers))
        return NULL;
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    while (servers->slots[slot])
        slot++;
    procedure_init(&server->procedure, &servers->lock, server_step, rest, wake);
    server->core = core;
    server->slot = slot;
    server->generation = ++servers->generations;
    server->procedure.target = (struct timer_target){ slot, server->generation, 0 };
    server->sandbox = order->sandbox;
    server->app = order->app;
    server->port = server_port(core, order->app);
    memcpy(server->sandbox_id, id, CORE_NAME_MAX);
    server->status = (struct server_status){ .state = SERVER_STOPPED, .port = server->port };
    servers->slots[slot] = server;
    servers->count++;
    return server;
}

/* ---- requests ---- */

static void append(struct server_waiter **list, struct server_waiter *waiter)
{
    while (*list)
        list = &(*list)->next;
    *list = waiter;
}

static size_t count_waiters(const struct server *server)
{
    size_t count = 0;
    for (const struct server_waiter *waiter = server->starts; waiter; waiter = waiter->next)
        count++;
    for (const struct server_waiter *waiter = server->stops; waiter; waiter = waiter->next)
        count++;
    return count;
}

static bool is_watched_by(const struct server *server, struct session_ref watcher)
{
    for (size_t i = 0; i < server->watchers_count; i++)
        if (server->watchers[i].slot == watcher.slot &&
            server->watchers[i].generation == watcher.generation)
            return true;
    return false;
}

static bool grow_watchers(struct server *server)
{
    size_t capacity = server->watchers_capacity ? server->watchers_capacity * 2 : 4;
    struct session_ref *watchers = realloc(server->watchers, capacity * sizeof *watchers);
    if (!watchers)
        return false;
    server->watchers = watchers;
    server->watchers_capacity = capacity;
    return true;
}

/* Every order is followed by a telling, which takes out whoever is gone. */
static bool watch(struct server *server, struct session_ref watcher)
{
    size_t count = server->watchers_count;
    if (watcher.generation == 0 || is_watched_by(server, watcher))
        return true;
    if (count == server->watchers_capacity && !grow_watchers(server))
        return false;
    server->watchers[count] = watcher;
    server->watchers_count = count + 1;
    return true;
}

/* Lock held. Takes the waiter over if OK. *cancelled gets the starts that a stop overrules. */
static enum core_result accept_order(struct turn *turn, const struct server_order *order,
                                     const char *id, struct server_waiter *waiter,
                                     struct server **found, struct server_waiter **cancelled)
{
    struct servers *servers = turn->core->servers;
    if (servers->draining)
        return CORE_DRAINING;
    struct server *server = find(servers, order->sandbox, order->app);
    if (server && order->automatic)
        return CORE_CONFLICT;
    bool made = !server;
    if (made)
        server = server_new(turn->core, order, id);
    if (!server)
        return CORE_NO_MEMORY;
    if (server->closed)
        return CORE_STALE;
    if (count_waiters(server) >= SERVER_WAITERS_MAX)
        return CORE_LIMIT;
    if (!watch(server, order->watcher)) {
        if (made)   /* nobody has asked for it */
            remove_server(servers, server);
        return CORE_NO_MEMORY;
    }
    append(order->stop ? &server->stops : &server->starts, waiter);
    if (order->stop) {
        server->grace_us = order->grace_us;
        *cancelled = server->starts;
        server->starts = NULL;
    }
    *found = server;
    procedure_kick(turn, &server->procedure);
    return CORE_OK;
}

static void cancel(struct server_waiter *waiters, struct server_status status)
{
    while (waiters) {
        struct server_waiter *next = waiters->next;
        if (waiters->done)
            waiters->done(waiters->context, CORE_CANCELLED, &status);
        free(waiters);
        waiters = next;
    }
}

/* In one step with the look at the sandbox: a release that begins later finds the server. */
static enum core_result place_order(struct turn *turn, const struct server_order *order,
                                    struct server_waiter *waiter,
                                    struct server_waiter **cancelled, struct server_status *status)
{
    struct servers *servers = turn->core->servers;
    struct server *server = NULL;
    struct sandbox_grip grip;
    if (sandbox_grip_keep(turn, order->sandbox, &grip, true) != CORE_OK)
        return CORE_STALE;
    turn_lock(turn, &servers->lock);
    enum core_result result =
        grip.closing ? CORE_STALE
                     : accept_order(turn, order, grip.id, waiter, &server, cancelled);
    if (server)
        *status = server->status;
    turn_unlock(turn, &servers->lock);
    sandbox_grip_end(turn);
    return result;
}

enum core_result server_submit(struct turn *turn, const struct server_order *order)
{
    struct servers *servers = turn->core->servers;
    struct server_waiter *cancelled = NULL;
    struct server_status status = { .state = SERVER_STOPPED };
    if (!servers)
        return CORE_UNAVAILABLE;
    if (order->app >= APP_TYPE_COUNT)
        return CORE_INVALID;
    struct server_waiter *waiter = calloc(1, sizeof *waiter);
    if (!waiter)
        return CORE_NO_MEMORY;
    *waiter = (struct server_waiter){ .done = order->done, .context = order->context };
    enum core_result result = place_order(turn, order, waiter, &cancelled, &status);
    if (result != CORE_OK)
        free(waiter);
    cancel(cancelled, status);
    return result;
}

static enum core_result submit_if_running(struct core *core, const struct server_order *order)
{
    struct turn turn;
    turn_begin(&turn, core);
    enum core_result result = core_is_running(&turn) ? server_submit(&turn, order) : CORE_DRAINING;
    turn_end(&turn);
    return result;
}

enum core_result server_ensure(struct core *core, struct sandbox_ref sandbox, enum app_type app,
                               struct session_ref watcher, server_done done, void *context)
{
    struct server_order order = { .sandbox = sandbox, .app = app, .watcher = watcher,
                                  .done = done, .context = context };
    return submit_if_running(core, &order);
}

enum core_result server_stop(struct core *core, struct sandbox_ref sandbox, enum app_type app,
                             uint64_t grace_us, server_done done, void *context)
{
    struct server_order order = { .sandbox = sandbox, .app = app, .stop = true,
                                  .grace_us = grace_us, .done = done, .context = context };
    return submit_if_running(core, &order);
}

enum core_result server_status(struct core *core, struct sandbox_ref sandbox, enum app_type app,
                               struct server_status *status)
{
    struct servers *servers = core->servers;
    struct sandbox_grip grip;
    struct turn turn;
    if (!servers)
        return CORE_UNAVAILABLE;
    if (app >= APP_TYPE_COUNT)
        return CORE_INVALID;
    turn_begin(&turn, core);
    enum core_result result = sandbox_grip(&turn, sandbox, &grip, false);
    turn_lock(&turn, &servers->lock);
    const struct server *server = find(servers, sandbox, app);
    *status = server ? server->status
                     : (struct server_status){ .state = SERVER_STOPPED,
                                               .port = server_port(core, app) };
    turn_unlock(&turn, &servers->lock);
    turn_end(&turn);
    return result;
}

void server_on_lease(void *context, enum core_result result, struct lease_ref lease,
                     uint64_t token)
{
    struct server *server = context;
    struct servers *servers = server->core->servers;
    struct turn turn;
    (void)token;
    turn_begin(&turn, server->core);
    turn_lock(&turn, &servers->lock);
    REQUIRE(server->lease_pending);
    server->lease_pending = false;
    server->lease_held = result == CORE_OK;
    server->lease_result = result;
    server->lease = lease;
    procedure_kick(&turn, &server->procedure);
    turn_unlock(&turn, &servers->lock);
    turn_end(&turn);
}

/* ---- for the sandboxes ---- */

size_t servers_close(struct turn *turn, struct sandbox_ref sandbox)
{
    struct servers *servers = turn->core->servers;
    size_t left = 0;
    if (!servers)
        return 0;
    turn_lock(turn, &servers->lock);
    for (uint32_t i = 0; i < servers->capacity; i++) {
        struct server *server = servers->slots[i];
        if (!server || !same_sandbox(server->sandbox, sandbox))
            continue;
        server->closed = true;
        if (may_go(server)) {
            remove_server(servers, server);
            continue;
        }
        left++;
        procedure_kick(turn, &server->procedure);
    }
    turn_unlock(turn, &servers->lock);
    return left;
}

static bool is_attached(struct turn *turn, struct session_ref ref)
{
    struct session *session = session_enter(turn, ref);
    if (!session)
        return false;
    bool attached = session->attached > 0;
    session_leave(turn, session);
    return attached;
}

bool servers_watched(struct turn *turn, struct sandbox_ref sandbox)
{
    struct servers *servers = turn->core->servers;
    struct session_ref watchers[APP_TYPE_COUNT * WATCHERS_AT_ONCE];
    size_t left[APP_TYPE_COUNT];
    bool watched = false, more = servers != NULL;
    for (int app = 0; app < APP_TYPE_COUNT; app++)
        left[app] = SIZE_MAX;
    while (more && !watched) {
        size_t count = 0;
        more = false;
        turn_lock(turn, &servers->lock);
        for (int app = 0; app < APP_TYPE_COUNT; app++) {
            const struct server *server = find(servers, sandbox, (enum app_type)app);
            if (!server)
                continue;
            count += server_watchers(server, &left[app], watchers + count);
            more |= left[app] > 0;
        }
        turn_unlock(turn, &servers->lock);
        for (size_t i = 0; i < count && !watched; i++)
            watched = is_attached(turn, watchers[i]);
    }
    return watched;
}

bool servers_know(struct turn *turn, struct sandbox_ref sandbox, uint64_t instance)
{
    struct servers *servers = turn->core->servers;
    bool known = false;
    if (!servers)
        return false;
    turn_lock(turn, &servers->lock);
    for (int app = 0; app < APP_TYPE_COUNT; app++) {
        const struct server *server = find(servers, sandbox, (enum app_type)app);
        known |= server && server->status.instance == instance;
    }
    turn_unlock(turn, &servers->lock);
    return known;
}
