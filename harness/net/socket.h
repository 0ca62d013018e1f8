/* Sockets, as the files of harness/net see them. */
#ifndef HARNESS_NET_SOCKET_H
#define HARNESS_NET_SOCKET_H

#include "address.h"
#include "channel.h"

enum socket_state {
    SOCKET_FRESH,
    SOCKET_LISTENING,
    SOCKET_CONNECTING,
    SOCKET_CONNECTED, /* or has been */
};

struct socket_options {
    int reuse_address, reuse_port, keep_alive, no_delay, v6_only, broadcast;
    int send_buffer, receive_buffer;
    struct linger linger;
    uint64_t send_timeout_ns, receive_timeout_ns; /* 0: none */
};

/* What datagrams wait in (datagram.c). */
struct message {
    struct message *next;
    struct address from;
    size_t count;
    struct parcel *parcel; /* what came along, or NULL */
    char bytes[];
};

struct socket {
    struct description description;
    struct world_place place; /* of all but the data of a connection */
    int family, type, protocol;
    enum socket_state state;
    bool bound;
    struct address local, remote;
    int error;                /* what SO_ERROR would say */
    bool shut_in, shut_out;   /* nothing comes any more; nothing may be sent any more */
    bool fin_seen;
    bool told;                /* connect() has said that it is connected */
    struct channel *in, *out; /* NULL: never connected */
    struct socket *peer;      /* at the other end; NULL: none, or gone */
    struct socket_options options;
    /* Of one that listens: those to be accepted, those for which there is no room yet. */
    struct socket *arrived, *pending;
    int arrived_count, backlog;
    struct socket *next;      /* in one of these lists */
    struct socket *next_known; /* of all that there are */
    struct outside *outside;   /* the environment reads and writes here; NULL: a descriptor */
    /* Of datagrams: */
    struct message *first_message, **last_message;
    size_t message_bytes;
};

/* Of all that are not closed, newest first. */
extern struct socket *sockets;
/* What is bound to which address: an object that bind, listen and connect touch. */
extern struct world_place socket_names;

/* A socket without a descriptor. */
struct socket *socket_new(int family, int type, int protocol);
/* NULL and errno if the descriptor is none; holds it, like descriptor_use(). */
struct socket *socket_use(int number, const char *verb, uintptr_t site);
/* Ends what socket_use() began, with errno for results below zero. */
int socket_end(struct socket *socket, int result);
extern const struct description_kind socket_kind;

/* There are connections, which listeners accept. */
static inline bool socket_streams(const struct socket *socket)
{
    return socket->type == SOCK_STREAM || socket->type == SOCK_SEQPACKET;
}

/* What is sent over them stays apart. */
static inline bool socket_packets(const struct socket *socket)
{
    return socket->type == SOCK_SEQPACKET;
}

/* --- binding and finding (bind.c) --- */

int socket_bind(struct socket *socket, const struct address *address);
/* A name of its own, from the system, if it has none. */
void socket_bind_any(struct socket *socket);
/* Who listens there, or gets datagrams; NULL: nobody. */
struct socket *socket_find(const struct address *address, int type);
/* AF_UNIX: whether a socket was ever bound to that path. */
bool socket_path_exists(const struct address *address);

/* --- connections (connect.c, connection.c) --- */

/* They are the two ends of one; `link`: what is sent over it can be late. */
void connection_join(struct socket *a, struct socket *b);
ssize_t connection_read(struct transfer *transfer);
ssize_t connection_write(struct transfer *transfer);
short connection_ready(const struct socket *socket);
int connection_shutdown(struct socket *socket, int how);
void connection_close_end(struct socket *socket);
/* The other end hears that this one will never answer. */
void connection_reset(struct socket *socket, int error);
/* The listener is gone. */
void listener_close(struct socket *socket);

/* A connection to whoever listens there, from a socket without a descriptor; NULL: nobody. */
struct socket *connect_outside(uint16_t port);
/* Something came, or ended, at a socket of the environment (outside.c). No step. */
void outside_heard(struct outside *outside);

/* --- datagrams (datagram.c) --- */

ssize_t datagram_read(struct transfer *transfer);
ssize_t datagram_write(struct transfer *transfer);
short datagram_ready(const struct socket *socket);
void datagram_close(struct socket *socket);

#endif
