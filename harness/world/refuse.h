/* Refusals, inside the world: see world_refuse. */
#ifndef WORLD_REFUSE_H
#define WORLD_REFUSE_H

#include "internal.h"

/* Nothing is refused in an execution until somebody says so. */
void refuse_reset(void);

/* Whether this one is, for the running thread; counts it. */
bool refuse_this(enum world_resource what);

static inline bool refused(enum world_resource what)
{
    return UNLIKELY(W.refuses) && refuse_this(what);
}

#endif
