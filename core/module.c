#include "core/module.h"

/* Rows in order of creation. */
const struct core_module *const core_modules[] = { NULL };

/* Without a sandbox provider there is nowhere to run a server. */
enum core_result devserver_request(struct core *core, struct session_ref watcher, const char *owner,
                                   enum app_type app, enum server_request request)
{
    (void)core, (void)watcher, (void)owner, (void)app, (void)request;
    return CORE_UNAVAILABLE;
}
