/* The stage: acts out a scenario against the real core inside the simulated world.
 *
 * A stage belongs to one scenario and one build of the core and serves any number of executions:
 *
 *     struct stage *stage = stage_new(file, api, &hooks);
 *     result = world_run(chooser, "stage", stage_run, stage);
 *     ... record_all(), world_finding_get() ...
 *     stage_free(stage);
 *
 * An execution has this shape: stores, cores and their sessions come up (no virtual time passes, no
 * fault strikes); actors and faults act; when every script has ended and every mandatory fault has
 * struck, faults are healed; calm follows, as long as the longest promise needs, and begins anew
 * if something stirs; then the cores are drained and destroyed, and their memory is looked through
 * for leaks.
 *
 * What happens is written to the trace of harness/check/record.h. The same choices give the same
 * execution: no clock, address or hash order decides anything here.
 */
#ifndef FAKES_STAGE_H
#define FAKES_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "fakes/core_api.h"
#include "fakes/server/server_api.h"
#include "harness/scenario/ast.h"

/* A promise that the scenario's own script makes: an `expect` that was not fulfilled. */
struct stage_break {
    struct scn_place place;     /* of the step in the scenario */
    const char *name;           /* "left.seen", or "left, line 23" for a step without label */
    const char *text;           /* one sentence */
};

/* What happened on a connection, as somebody at the core sees it: a message of the tab when the
 * core takes it, one of the core when it leaves. With transport=sockets it is not messages that are
 * told of but bytes: of the tab when they are at the server, and of the server when it has sent
 * them. */
enum stage_wire_kind {
    STAGE_WIRE_OPENED,
    STAGE_WIRE_INPUT,           /* a message of the tab: bytes, length */
    STAGE_WIRE_OUTPUT,          /* a message of the core: bytes, length, number */
    STAGE_WIRE_ARRIVED,         /* that one is at the tab: number; or so many bytes: length */
    STAGE_WIRE_CORE_CLOSES,     /* code; or no more bytes will come */
    STAGE_WIRE_CLOSE_ARRIVED,   /* the tab has heard of it */
    STAGE_WIRE_TAB_CLOSES,
    STAGE_WIRE_BROKEN,          /* the tab's end broke off, and the core was told */
    STAGE_WIRE_CORE_GONE,       /* the core's end did */
};

struct stage_wire {
    enum stage_wire_kind kind;
    bool raw;                   /* bytes, not messages */
    uint64_t socket;            /* its number in this execution, from 1 */
    uint32_t tab, core;         /* indexes in scn_file.actors and .cores */
    uint32_t serial;            /* among the sockets of that tab, from 1 */
    const char *user;
    const char *bytes;
    size_t length;
    uint32_t number;            /* among the messages of the core on that socket, from 1 */
    uint32_t code;
};

struct outside_network;
struct stage_live;

/* How tabs and cores talk. As told: by the core's attribute `transport`, without it by frames. */
enum stage_transport { STAGE_AS_TOLD, STAGE_FRAMES, STAGE_SOCKETS };

/* All are called inside the execution, on the thread that found it, and may end the execution with
 * world_fail(); if `broken` or `leaked` returns or is NULL, the stage does that itself. */
struct stage_hooks {
    void *context;
    void (*broken)(void *context, const struct stage_break *what);
    /* The core is destroyed; `count` blocks of its process group are still allocated. */
    void (*leaked)(void *context, const char *core, uint8_t group, uint32_t count);
    /* The cores are gone: counts over the whole run are final. NULL: nobody wants to know. */
    void (*ended)(void *context);
    /* What passes between tabs and cores. May not block. NULL: nobody wants to know. */
    void (*wire)(void *context, const struct stage_wire *what);
    /* The real server, for cores with transport=sockets; its image is the world's. NULL: there is
     * none, and they are refused. */
    const struct server_api *server;
    enum stage_transport transport;
    const struct stage_live *live; /* NULL: everything is simulated */
};

/* Cores that are processes of their own, in real time (docs/LIVE.md): what the stage cannot ask of
 * the table of the core's functions, which stands for them. */
struct stage_live {
    void *context;
    const struct outside_network *network; /* how tabs reach a core */
    uint16_t (*port)(void *context, uint32_t core);
    const char *host;                      /* of requests */
    /* What a user shows at the door. */
    const char *(*token)(void *context, const char *user);
    /* What the core calls that session of the scenario. Valid as long as the run. */
    const char *(*session)(void *context, const char *name);
    /* The process ends at once, wherever it is; it has when this returns. */
    void (*kill)(void *context, uint32_t core);
    uint64_t margin_us;                    /* how late the machine may be, of the scenario */
    bool foreign;                          /* it ran before, and goes on afterwards */
};

/* Calls `tell` for everything in the file that cannot be done to such cores. `hard`: without it the
 * scenario would be another one; otherwise it is left out. One sentence, valid during the call. */
typedef void (*stage_tell)(void *context, bool hard, struct scn_place place, const char *text);
void stage_live_demands(const struct scn_file *file, bool foreign, stage_tell tell, void *context);

struct stage;

/* Prepares a scenario; `file` and `api` must outlive the stage. Interns the scenario's names and
 * keeps them (record_keep_words). NULL when the scenario asks for what no core can do, such as
 * settings that contradict each other; *problem is then "path:line:column: error: ...". */
struct stage *stage_new(const struct scn_file *file, const struct core_api *api,
                        const struct stage_hooks *hooks, const char **problem);
void stage_free(struct stage *stage);

/* Some core of this scenario is to be served by the real server. */
bool stage_wants_sockets(const struct scn_file *file, enum stage_transport transport);

/* How long the calm lasts that follows the storm, at most: as long as the longest promise needs, as
 * long as a core needs to notice a silent connection, and before that the patience with scripts
 * that wait in vain. A scenario's bound on time is about the storm, so the world's limit should lie
 * that much higher. */
uint64_t stage_calm_us(const struct stage *stage);

/* The same of the execution that ended last: what the scenario asks for was refused by the core
 * when it was set up. NULL: nothing was. */
const char *stage_refused(const struct stage *stage);

/* The body of thread 0 of an execution. */
void stage_run(void *stage);

#endif
