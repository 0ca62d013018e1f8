/* What descriptors are ready for, as poll, select and epoll see it. */
#ifndef HARNESS_NET_READY_H
#define HARNESS_NET_READY_H

#include <time.h>

#include "descriptor.h"

/* What poll() says of it; errors and hangups, whether wanted or not. */
short ready_events(const struct description *self, short wanted);
/* The step of having looked at it. `passed`: it alone is why the call does not wait any more. */
void ready_step(struct description *self, bool passed);
/* For world_gate.pending: the index-th of its places, from 0, which is counted down; false and the
 * rest of the index if there are fewer. */
bool ready_pending(struct description *self, uint32_t *index, struct world_step *step);

/* When a time span from now is over; NULL: never. False: it is none. */
bool ready_deadline(const struct timespec *span, uint64_t *deadline_ns);

#endif
