/* What the cores that are alone are given in common. Environment context. */
#ifndef FAKES_ALONE_PORTS_H
#define FAKES_ALONE_PORTS_H

#include "fakes/backend.h"

/* A lock store in which a grant lasts: only who is given one is decided by its owner. */
struct lock_store_port alone_lasting_locks(
    void *context, enum core_result (*try_acquire)(void *context, const char *key,
                                                   const char *owner, uint64_t ttl_us,
                                                   uint64_t *token));

/* The transport of a core that nobody connects to: that it is asked for anything is a fault. */
struct transport_port alone_no_tabs(struct actor *actor);

/* Drains it; one that does not end is told of: whoever waits for its own calls goes on for ever. */
enum core_result alone_drain(struct actor *actor, struct core *core, uint64_t deadline_us);

#endif
