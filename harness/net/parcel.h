/* What was sent by one call and stays together: descriptors that go with bytes (SCM_RIGHTS), and
 * the bounds of packets (SOCK_SEQPACKET). */
#ifndef HARNESS_NET_PARCEL_H
#define HARNESS_NET_PARCEL_H

#include "transfer.h"

struct parcel {
    struct parcel *next;
    uint64_t from, to; /* of all bytes that were ever sent there */
    uint32_t count;
    struct description *held[]; /* until somebody receives them, or nobody can any more */
};

/* What a message brings along, to be sent or dropped; *out is NULL: nothing. 0, or -errno. Ends the
 * execution for ancillary data that are not known. */
int parcel_pack(const struct msghdr *message, struct parcel **out);
/* One that brings nothing along. */
struct parcel *parcel_empty(void);

/* New numbers for what it brings along, as far as the call's message has room for them. */
void parcel_unpack(const struct parcel *parcel, struct transfer *transfer);
void parcel_drop(struct parcel *parcel);

#endif
