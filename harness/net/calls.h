/* Reading and writing as every call of that family does it. */
#ifndef HARNESS_NET_CALLS_H
#define HARNESS_NET_CALLS_H

#include <sys/uio.h>

#include "transfer.h"

/* The call that this transfer describes, into or out of those pieces; returns what the call does,
 * -1 and errno on error. Only for sockets, if there are flags or a message. */
ssize_t call_read(struct transfer *transfer, const struct iovec *pieces, size_t count,
                  uintptr_t site);
ssize_t call_write(struct transfer *transfer, const struct iovec *pieces, size_t count,
                   uintptr_t site);

#endif
