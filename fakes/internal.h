/* Everything of one execution of a scenario, and of the stage that executes it. Internal.
 *
 * All below `struct play` lives in scratch memory and is gone with the execution. Actors are
 * fibers; deliveries, expiries and faults are tasks, which must not block.
 */
#ifndef FAKES_INTERNAL_H
#define FAKES_INTERNAL_H

#include "fakes/actors.h"
#include "fakes/boxes.h"
#include "fakes/faults.h"
#include "fakes/places.h"
#include "fakes/stage.h"
#include "fakes/stores.h"
#include "fakes/wire.h"

/* Process groups: 0 is the environment's; lives of cores; one for a core that is refused things. */
enum { GROUP_SCARCE = 15 };

struct session_plan {
    const char *name, *owner;
    struct scn_place place; /* of the first who works in it */
    record_word word;
    uint32_t core;          /* which opens it */
    bool by_backend;        /* a script opens it */
};

enum { BUSY_PLACES = PLACES_SINGLE + PLACES_EACH * PLACE_SPAN };

struct play {
    struct stage *stage;
    const struct scn_file *file;
    const struct core_api *api;
    struct instance *instances;
    struct actor *actors;
    struct fault *faults;
    struct stores stores;
    struct locks locks;
    struct messages messages;
    struct provider provider;
    struct socket *sockets[SOCKETS_MAX];
    uint32_t socket_count;
    uint32_t lives;         /* process groups used */
    const struct actor *scarce; /* who makes a core in GROUP_SCARCE */
    uint32_t busy;          /* who will still do something by himself, */
    uint32_t busy_at[BUSY_PLACES]; /* by the place that tells */
    uint64_t progress;      /* steps and faults that began or ended */
    bool setting_up;        /* before the scenario's time begins: no latency, no faults */
    bool patient;           /* the stage waits for scripts and faults that nothing drives on */
    bool calm;              /* no more faults */
    bool passed;            /* time has passed in the calm */
    bool ending;            /* cores are drained: nobody comes back */
    bool silent;            /* waits that are only of the fakes make no steps */
    struct world_queue stirred;
    uint32_t point_counts[POINTS_MAX];
};

struct stage {
    const struct scn_file *file;
    const struct core_api *api;
    struct stage_hooks hooks;
    uint64_t calm_us;
    struct core_settings settings[SCN_CORES_MAX];
    bool sockets[SCN_CORES_MAX]; /* tabs speak bytes with that core */
    struct session_plan sessions[SESSIONS_MAX];
    uint32_t session_count;
    bool has_sandboxes;
    struct { const char *name; record_word word; } points[POINTS_MAX];
    uint32_t point_count;
    char problem[PROBLEM_MAX];
    bool refused;           /* the execution ended because of it */
    struct play *play;      /* of the execution that runs */
};

/* How bytes get to the cores. */
static inline const struct outside_network *play_network(const struct play *play)
{
    const struct stage_live *live = play->stage->hooks.live;
    return live == NULL ? &outside_simulated : live->network;
}

/* What cores call that session of the scenario. */
static inline const char *session_called(const struct play *play, const char *session)
{
    const struct stage_live *live = play->stage->hooks.live;
    return live == NULL ? session : live->session(live->context, session);
}

/* One more, or one less, who will still do something by himself; `where` tells it: place_busy(). */
void play_busy(struct play *play, uint32_t where, bool more);
/* Whether anybody is. */
bool play_is_busy(const struct play *play);

/* --- what is wrong with a scenario (problem.c) --- */

/* Writes stage->problem, with its place, and returns it. */
const char *stage_complain(struct stage *stage, struct scn_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The scenario asks for what cannot be: ends the execution, see stage_refused. */
_Noreturn void play_refuse(struct play *play, struct scn_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A promise of the scenario's own was not kept: ends the execution. */
_Noreturn void play_break(struct play *play, struct scn_place place, const char *name,
                          const char *text);

/* Asks the core about itself (audit.c). Nothing else is going on. */
void audit_core(struct instance *instance);
/* Asks it for how many deadlines it waits, while others go on: no more than what lives explains. */
void audit_deadlines(struct instance *instance);

const struct scn_attr *attr_of(const struct scn_attrs *attrs, const char *name);
const char *attr_text(const struct scn_attrs *attrs, const char *name, const char *fallback);
/* The first agent of that actor's session, for who starts one without saying which; or a name that
 * nobody has. */
const char *agent_of(const struct actor *asking);
int64_t attr_number(const struct scn_attrs *attrs, const char *name, int64_t fallback);

/* The core calls one of its ports, which may meet whatever the fakes know. Those that tell what
 * they meet take their context as it is. */
static inline struct instance *instance_called(void *context)
{
    world_meet(WORLD_MET_FAKES);
    return context;
}

#endif
