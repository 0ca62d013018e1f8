/* server_start and server_stop, as asked for by a client: first its sandbox, then the server. */
#include "core/devserver.h"

#include <stdlib.h>

struct client_request {
    struct core *core;
    struct session_ref watcher;
    enum app_type app;
    enum server_request request;
};

/* There is no server to tell the state of, so the request itself is answered. */
static void tell_refusal(struct turn *turn, const struct client_request *request,
                         enum core_result result)
{
    struct servers *servers = turn->core->servers;
    bool nothing_there = request->request == SERVER_REQUEST_STOP && result == CORE_NOT_FOUND;
    turn_lock(turn, &servers->lock);
    struct server_status status = { .state = nothing_there ? SERVER_STOPPED : SERVER_FAILED,
                                    .version = ++servers->version,
                                    .port = server_port(turn->core, request->app),
                                    .result = result };
    turn_unlock(turn, &servers->lock);
    server_publish(turn, request->watcher, request->app, &status);
}

static void on_sandbox(void *context, enum core_result result, struct sandbox_ref sandbox)
{
    struct client_request *request = context;
    struct server_order order = { .sandbox = sandbox, .app = request->app,
                                  .stop = request->request == SERVER_REQUEST_STOP,
                                  .watcher = request->watcher };
    struct turn turn;
    turn_begin(&turn, request->core);
    if (result == CORE_OK)
        result = server_submit(&turn, &order);
    if (result != CORE_OK)
        tell_refusal(&turn, request, result);
    turn_end(&turn);
    free(request);
}

enum core_result devserver_request(struct core *core, struct session_ref watcher, const char *owner,
                                   enum app_type app, enum server_request what)
{
    struct turn turn;
    if (!core->servers)
        return CORE_UNAVAILABLE;
    struct client_request *request = calloc(1, sizeof *request);
    if (!request)
        return CORE_NO_MEMORY;
    *request = (struct client_request){ core, watcher, app, what };
    turn_begin(&turn, core);
    enum core_result result = CORE_DRAINING;
    if (core_is_running(&turn))
        result = sandbox_obtain(&turn, owner, app, what == SERVER_REQUEST_START, on_sandbox,
                                request);
    turn_end(&turn);
    if (result != CORE_OK)
        free(request);
    return result;
}
