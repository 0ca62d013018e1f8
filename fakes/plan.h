/* What the stage knows about a scenario before the first execution. */
#ifndef FAKES_PLAN_H
#define FAKES_PLAN_H

#include "fakes/internal.h"

/* The session that an actor works in: its own, or that of its project. */
const char *plan_session_of(const struct scn_actor *actor);

/* On whose behalf it acts. */
const char *plan_user_of(const struct scn_file *file, const struct scn_actor *actor);

#endif
