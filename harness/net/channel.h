/* Bytes on their way from one that writes to one that reads: a pipe, or one direction of a
 * connection. An object of the machine: what is done at either end depends on the other. */
#ifndef HARNESS_NET_CHANNEL_H
#define HARNESS_NET_CHANNEL_H

#include "parcel.h"
#include "store.h"
#include "transfer.h"

struct channel {
    struct world_place place;
    struct bytes queue;  /* can be read */
    struct bytes flight; /* written, and not there yet */
    struct parcel *first_parcel, **last_parcel; /* of the queue */
    uint64_t put, taken; /* bytes, ever */
    size_t capacity;     /* of both together */
    size_t writable_from; /* so much room, and poll() says that it can be written */
    struct description *reader, *writer; /* NULL: gone */
    bool ended;          /* nothing comes any more: after the queue is its end */
    bool broken;         /* nothing can be written any more */
};

size_t channel_room(const struct channel *channel);
/* WORLD_GATE_IN: a reader need not wait; WORLD_GATE_OUT: a writer need not. */
uint32_t channel_gates(const struct channel *channel);

/* The step of something that was done to it, with the gates as they were before. */
void channel_step(struct channel *channel, enum world_op op, uint32_t value, uint32_t gates_before,
                  uint32_t passed);

/* Puts bytes of the transfer that `count` allows behind the others; no step. */
void channel_put(struct channel *channel, struct transfer *transfer, size_t count);
/* What comes along with the next so many bytes that are put; it belongs to the channel then. */
void channel_attach(struct channel *channel, struct parcel *parcel, size_t count);
/* Takes up to transfer->count bytes for it, or looks at them (MSG_PEEK); returns how many. Not more
 * than to the end of a parcel. */
size_t channel_take(struct channel *channel, struct transfer *transfer);
/* The parcel of which at least the first byte was taken: no more in the channel. NULL: none. */
struct parcel *channel_detach(struct channel *channel);

#endif
