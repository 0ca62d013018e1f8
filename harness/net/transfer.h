/* One call that moves data or waits for something, from its beginning to its end. */
#ifndef HARNESS_NET_TRANSFER_H
#define HARNESS_NET_TRANSFER_H

#include <sys/socket.h>

#include "descriptor.h"

struct parcel; /* parcel.h */

struct transfer {
    struct description *self;
    int number;          /* as the program called it */
    const char *verb;    /* "recv" */
    char *bytes;         /* of the program, or of the store if there were several pieces */
    size_t count, done;
    size_t lost;         /* of a packet, for want of room */
    int flags;           /* MSG_... */
    const off_t *at;     /* where in the file; NULL: at its position, which moves */
    bool for_sockets;    /* nothing else knows that call */
    size_t need;         /* what has to be there before the call can go on */
    uint64_t timeout_ns; /* 0: it waits for ever */
    int why;             /* the last gate was not passed: -EAGAIN or -EINTR */
    struct msghdr *message; /* addresses and ancillary data, or NULL */
    size_t control;         /* bytes of ancillary data that were received */
    struct parcel *parcel;  /* what is sent along; NULL: nothing, or it is on its way */
};

/* What a call waits for: `open` is given the transfer, and `gates` are those that it passes. */
struct transfer_gate {
    struct world_place *place;
    bool (*open)(const void *transfer);
    enum world_op op;
    uint32_t gates;
    bool waits; /* otherwise it fails at once */
};

/* True: the gate is open, and this thread is the next to do something. False: it is not, and the
 * call must not wait, or has waited until its time was over or a signal was handled; a step has
 * told so. */
bool transfer_pass(struct transfer *transfer, const struct transfer_gate *gate);

/* The words for the step that comes next: "recv 4  5 bytes", "send 4  EPIPE". */
void transfer_say(const struct transfer *transfer, ssize_t result);

/* A write to where nobody reads any more: -EPIPE. Unless the flags, the mask or a handler of the
 * program say otherwise, its SIGPIPE ends the execution. */
ssize_t transfer_broken(const struct transfer *transfer);

#endif
