/* A scenario made ready to be executed: its file, a build of the core, the stage and the
 * checks, as one subject for the explorer. Lives in the process that executes. */
#ifndef HARNESS_CLI_SCENE_H
#define HARNESS_CLI_SCENE_H

#include "fakes/stage.h"
#include "harness/check/check.h"
#include "harness/cli/image.h"
#include "harness/explore/explore.h"
#include "harness/scenario/ast.h"

struct scene {
    const struct scn_file *file;
    struct stage *stage;
    struct check_set *checks;
    struct explore_subject subject;
    const struct explore_log *log; /* says which run it is, or NULL */
    const struct check_violation *violation; /* of the last execution, or NULL */
    bool leaked; /* the last execution ended with a leak, */
    uint8_t leak_group; /* in that process group */
    bool over; /* it is being judged, not running */
    /* Who wants to know what passes between tabs and cores; NULL: nobody. */
    void (*wire)(void *context, const struct stage_wire *what);
    void *wire_context;
};

/* Ids of failures that are neither a finding of the world nor a property of the checks. */
enum { SCENE_DIVERGED = EXPLORE_CHECKS - 1, SCENE_REFUSED = EXPLORE_CHECKS - 2 };

/* A scene whose core is a process elsewhere: the table that stands for it, and what else the stage
 * is given. Of a process that has no other scene at the time. */
struct scene_live {
    const struct core_api *api;
    const struct server_api *server;
    const struct stage_live *stage;
    const struct world_clock *clock;
    uint64_t margin_us;     /* of the scenario's time, that its threads may be late */
};
/* As scene_init, which must have been called once in this process; `scene` is made anew, but for
 * its checks, which go on counting. NULL, or what the scenario asks for in vain. */
const char *scene_init_live(struct scene *scene, const struct scn_file *file,
                            const struct scene_live *live);
void scene_end_live(struct scene *scene);

/* Initialises the world of this process, and the scene in it: once per process. Returns NULL,
 * or what the scenario asks for in vain: "path:line:column: error: ...". Of an execution that ended
 * as SCENE_REFUSED, stage_refused() says the same. */
const char *scene_init(struct scene *scene, const struct scn_file *file, const struct image *image,
                       struct explore_log *log);

/* How tabs and cores talk in the scenes that this process and its children make from here on. */
void scene_transport(enum stage_transport transport);
/* Whether tabs and cores then talk over simulated sockets, in that file. */
bool scene_over_sockets(const struct scn_file *file);

/* Begin to count anew what executions show. Call it between executions. */
void scene_renew_checks(struct scene *scene);

/* The limits of an execution of this file. */
struct world_limits scene_limits(const struct scn_file *file);

#endif
