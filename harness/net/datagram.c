/* Datagrams: UDP on the loopback device, and AF_UNIX. None is lost on the way, unless nobody is
 * there or there is no more room; the order is kept. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "epoll.h"
#include "socket.h"

enum { DATAGRAM_MAX = 65507 };

static uint32_t gates_of(const struct socket *socket)
{
    return socket->first_message || socket->shut_in ? WORLD_GATE_IN : 0;
}

static void step(struct socket *socket, enum world_op op, uint32_t before, uint32_t passed)
{
    place_step(&socket->place, op, WORLD_WRITE,
               WORLD_OPENED(gates_of(socket) & ~before) | WORLD_PASSED(passed));
    gate_changed();
}

/* --- receiving --- */

static bool can_read(const void *context)
{
    const struct transfer *transfer = context;
    const struct socket *socket = (const struct socket *)transfer->self;
    return gates_of(socket) != 0 || socket->error != 0;
}

static void drop_first(struct socket *socket)
{
    struct message *message = socket->first_message;
    socket->first_message = message->next;
    if (message->next == NULL) socket->last_message = &socket->first_message;
    socket->message_bytes -= message->count;
    if (message->parcel) parcel_drop(message->parcel);
    store_give(message, sizeof *message + message->count);
}

static ssize_t take_first(struct socket *socket, struct transfer *transfer)
{
    const struct message *message = socket->first_message;
    size_t count = message->count < transfer->count ? message->count : transfer->count;
    ssize_t whole = (ssize_t)message->count;
    memcpy(transfer->bytes, message->bytes, count);
    transfer->done = count;
    if (transfer->message) {
        address_write(&message->from, transfer->message->msg_name,
                      &transfer->message->msg_namelen);
        transfer->message->msg_flags = (size_t)whole > count ? MSG_TRUNC : 0;
        if (message->parcel) parcel_unpack(message->parcel, transfer);
    }
    if (!(transfer->flags & MSG_PEEK)) drop_first(socket);
    return transfer->flags & MSG_TRUNC ? whole : (ssize_t)count;
}

ssize_t datagram_read(struct transfer *transfer)
{
    struct socket *socket = (struct socket *)transfer->self;
    struct transfer_gate gate = {.place = &socket->place, .open = can_read,
                                 .op = WORLD_OP_RECV, .gates = WORLD_GATE_IN,
                                 .waits = description_waits(transfer->self, transfer->flags)};
    if (!transfer_pass(transfer, &gate)) return transfer->why;
    uint32_t before = gates_of(socket);
    ssize_t result = 0;
    if (socket->error) {
        result = -socket->error;
        socket->error = 0;
    } else if (socket->first_message) {
        result = take_first(socket, transfer);
    }
    transfer_say(transfer, result);
    step(socket, WORLD_OP_RECV, before, gate.waits ? WORLD_GATE_IN : 0);
    if (result > 0) place_touch(transfer->bytes, transfer->done, true);
    return result;
}

/* --- sending --- */

static bool is_from(const struct address *wanted, const struct address *own)
{
    if (wanted->any.sa_family == AF_UNIX || !address_is_any(own)) return address_same(wanted, own);
    return address_port(wanted) == address_port(own);
}

static struct socket *destination(struct socket *socket, const struct transfer *transfer,
                                  int *error)
{
    struct address address = socket->remote;
    const struct msghdr *message = transfer->message;
    *error = 0;
    if (message && message->msg_name && message->msg_namelen > 0) {
        *error = address_read(&address, socket->family, message->msg_name, message->msg_namelen);
    } else if (socket->peer) {
        return socket->peer;
    } else if (address.length == 0) {
        *error = socket->family == AF_UNIX ? -ENOTCONN : -EDESTADDRREQ;
    }
    if (*error == 0 && !address_is_here(&address)) *error = -ENETUNREACH;
    if (*error < 0) return NULL;
    if (address_is_any(&address)) {
        uint16_t port = address_port(&address);
        address = address_loopback(socket->family);
        address_port_set(&address, port);
    }
    struct socket *to = socket_find(&address, SOCK_DGRAM);
    /* One that is connected gets nothing from others. */
    if (to && to->remote.length > 0 && !is_from(&to->remote, &socket->local)) to = NULL;
    if (to == NULL && socket->family == AF_UNIX) {
        bool unnamed = address.length <= sizeof(sa_family_t);
        *error = unnamed || socket_path_exists(&address) ? -ECONNREFUSED : -ENOENT;
    }
    return to;
}

static void append(struct socket *socket, struct socket *to, struct transfer *transfer)
{
    struct message *message = store_take(sizeof *message + transfer->count);
    message->count = transfer->count;
    message->from = socket->local;
    message->parcel = transfer->parcel;
    transfer->parcel = NULL;
    if (to->family == AF_INET6 && socket->family == AF_INET) address_map(&message->from);
    if (address_is_any(&message->from) && socket->family != AF_UNIX) {
        uint16_t port = address_port(&message->from);
        message->from = address_loopback(message->from.any.sa_family);
        address_port_set(&message->from, port);
    }
    memcpy(message->bytes, transfer->bytes, transfer->count);
    *to->last_message = message;
    to->last_message = &message->next;
    to->message_bytes += transfer->count;
    description_event(&to->description, POLLIN | POLLRDNORM);
}

struct sending {
    struct transfer transfer; /* first: what the gate is given */
    const struct socket *to;
};

static bool has_room(const struct socket *to, size_t count)
{
    return to->shut_in || to->message_bytes == 0 ||
           to->message_bytes + count <= (size_t)to->options.receive_buffer;
}

static bool can_write(const void *context)
{
    const struct sending *sending = context;
    return has_room(sending->to, sending->transfer.count);
}

/* AF_UNIX waits for room, UDP drops what does not fit. */
static int wait_for_room(const struct transfer *transfer, struct socket *to)
{
    struct sending sending = {*transfer, to};
    struct transfer_gate gate = {.place = &to->place, .open = can_write, .op = WORLD_OP_SEND,
                                 .gates = WORLD_GATE_OUT,
                                 .waits = description_waits(transfer->self, transfer->flags)};
    if (to->family != AF_UNIX) return 0;
    return transfer_pass(&sending.transfer, &gate) ? 0 : sending.transfer.why;
}

ssize_t datagram_write(struct transfer *transfer)
{
    struct socket *socket = (struct socket *)transfer->self;
    int error;
    if (socket->shut_out) return transfer_broken(transfer);
    if (transfer->parcel && socket->family != AF_UNIX) return -EINVAL;
    if (transfer->count > DATAGRAM_MAX && socket->family != AF_UNIX) return -EMSGSIZE;
    struct socket *to = destination(socket, transfer, &error);
    if (error < 0) return error;
    socket_bind_any(socket);
    if (to && (error = wait_for_room(transfer, to)) < 0) return error;
    place_touch(transfer->bytes, transfer->count, false);
    if (to == NULL || to->shut_in) {
        if (socket->remote.length > 0) socket->error = ECONNREFUSED; /* the answer */
        transfer_say(transfer, (ssize_t)transfer->count);
        place_step(&socket_names, WORLD_OP_SEND, WORLD_READ, 0);
        return (ssize_t)transfer->count;
    }
    if (socket->peer == NULL) place_step(&socket_names, WORLD_OP_SEND, WORLD_READ, 0);
    uint32_t before = gates_of(to);
    if (has_room(to, transfer->count)) append(socket, to, transfer);
    transfer_say(transfer, (ssize_t)transfer->count);
    step(to, WORLD_OP_SEND, before, 0);
    return (ssize_t)transfer->count;
}

short datagram_ready(const struct socket *socket)
{
    int events = POLLOUT | POLLWRNORM;
    if (socket->first_message || socket->shut_in) events |= POLLIN | POLLRDNORM;
    if (socket->shut_in) events |= POLLRDHUP;
    if (socket->shut_in && socket->shut_out) events |= POLLHUP;
    if (socket->error) events |= POLLERR;
    return (short)events;
}

void datagram_close(struct socket *socket)
{
    while (socket->first_message) drop_first(socket);
    if (socket->bound) place_step(&socket_names, WORLD_OP_CLOSE, WORLD_WRITE, 0);
    if (socket->peer == NULL) return;
    struct socket *peer = socket->peer;
    uint32_t before = gates_of(peer);
    peer->peer = NULL;
    description_event(&peer->description, 0);
    step(peer, WORLD_OP_CLOSE, before, 0);
}
