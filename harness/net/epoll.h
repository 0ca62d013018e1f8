/* Sets of descriptors that are watched for events. */
#ifndef HARNESS_NET_EPOLL_H
#define HARNESS_NET_EPOLL_H

#include "descriptor.h"

/* Something happened there: those of the events (poll.h; 0: any) that somebody watches for make it
 * a candidate of the sets it is in. */
void description_event(struct description *self, short events);
/* It is gone: no set has it any more. */
void epoll_forget(struct description *self);

#endif
