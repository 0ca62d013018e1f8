/* The ring of trace records that a core keeps when nobody else listens. */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/turn.h"

struct trace_ring {
    struct core_lock lock;        /* RANK_TRACE; guards all below */
    struct trace_entry *entries;  /* NULL until the first record, or if the ring is off */
    uint64_t capacity;
    uint64_t written;             /* records so far; the newest is at (written - 1) % capacity */
};

enum core_result trace_create(struct core *core);
void trace_destroy(struct core *core);

#endif
