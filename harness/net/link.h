/* One direction of a connection on its way through the network. */
#ifndef HARNESS_NET_LINK_H
#define HARNESS_NET_LINK_H

#include "channel.h"
#include "faults.h"

struct link {
    struct channel channel;
    bool end_in_flight;   /* after what is in flight comes the end */
    bool instant;         /* AF_UNIX: there is no way that takes time */
    uint16_t task;        /* the arrival; WORLD_NOBODY until something was late */
    enum net_fault fault;
    uint64_t fault_after, sent; /* bytes */
    struct socket *from, *to; /* NULL: closed */
};

struct link *link_new(struct socket *from, struct socket *to, size_t capacity, bool instant);

/* Sends the next `count` bytes of the transfer. No step. */
void link_send(struct link *link, struct transfer *transfer, size_t count);
/* Nothing will be sent any more: the reader sees the end after what is in flight. */
void link_end(struct link *link);
/* Nothing arrives any more, not even what is in flight. */
void link_break(struct link *link);

/* Both ends are reset. */
void link_cut(struct link *link);

/* A connection is made: it gets a number, and whoever observes hears of it. */
void link_register(struct link *to_server, struct link *to_client);
void links_begin(void);

#endif
