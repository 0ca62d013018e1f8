/* What the cores that are alone are given in common. Environment context. */
#ifndef FAKES_ALONE_PORTS_H
#define FAKES_ALONE_PORTS_H

#include "session_core.h"

/* A lock store in which a grant lasts: only who is given one is decided by its owner. */
struct lock_store_port alone_lasting_locks(
    void *context, enum core_result (*try_acquire)(void *context, const char *key,
                                                   const char *owner, uint64_t ttl_us,
                                                   uint64_t *token));

#endif
