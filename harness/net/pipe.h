/* What fcntl() knows of pipes. */
#ifndef HARNESS_NET_PIPE_H
#define HARNESS_NET_PIPE_H

#include "descriptor.h"

/* -EBADF: it is none. */
int pipe_capacity(const struct description *self);
int pipe_capacity_set(struct description *self, int bytes);

#endif
