/*
 * A module with state of its own inside a core (leases, sandboxes, dev servers). The table in
 * module.c lists them; create runs in its order, the others in reverse.
 */
#ifndef CORE_MODULE_H
#define CORE_MODULE_H

#include "core/turn.h"

struct core_module {
    const char *name;
    enum core_result (*create)(struct core *core);
    /* Starts the module's own threads, if any. NULL: nothing to start. */
    enum core_result (*start)(struct core *core);
    /*
     * No new work is accepted any more and no agent runs. Ends what is going on, joins own threads,
     * and answers every accepted operation. Timers, jobs and the store still work; jobs posted here
     * are run. May block. NULL: nothing to do.
     */
    void (*drain)(struct core *core);
    /* Frees everything. Also called if start or a later create failed. */
    void (*destroy)(struct core *core);
    void (*count)(struct core *core, struct core_stats *stats);   /* may be NULL */
};

/* Ends with NULL. */
extern const struct core_module *const core_modules[];

/* ---- what the dev server module offers to connections ---- */

enum server_request { SERVER_REQUEST_START, SERVER_REQUEST_STOP };

/*
 * A client asks for a dev server of the project to be started or stopped. `watcher` is the client's
 * session: its log gets the `server_state` events; its key is the owner key of the sandbox. Never
 * blocks; the answer to the client is those events, or the result here if nothing was begun.
 * No lock held.
 */
enum core_result devserver_request(struct core *core, struct session_ref watcher, const char *owner,
                                   enum app_type app, enum server_request request);

#endif
