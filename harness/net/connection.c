/* Connections: what is sent, and how they end. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "epoll.h"
#include "link.h"
#include "socket.h"

enum {
    KNOWN_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_PEEK | MSG_WAITALL | MSG_MORE | MSG_TRUNC |
                  MSG_CMSG_CLOEXEC
};

static struct link *link_of(struct channel *channel)
{
    return (struct link *)channel;
}

void connection_join(struct socket *a, struct socket *b)
{
    bool instant = a->family == AF_UNIX;
    size_t there = (size_t)(instant ? 0 : a->options.send_buffer) +
                   (size_t)b->options.receive_buffer;
    size_t back = (size_t)(instant ? 0 : b->options.send_buffer) +
                  (size_t)a->options.receive_buffer;
    struct link *to_b = link_new(a, b, there, instant), *to_a = link_new(b, a, back, instant);
    a->out = b->in = &to_b->channel;
    a->in = b->out = &to_a->channel;
    a->peer = b;
    b->peer = a;
    a->state = b->state = SOCKET_CONNECTED;
    if (!instant) link_register(to_b, to_a);
}

/* Steps on both directions: whoever reads or writes there finds something else from now on. */
static void both_step(struct socket *socket, enum world_op op, const uint32_t before[2])
{
    channel_step(socket->out, op, 0, before[0], 0);
    channel_step(socket->in, op, 0, before[1], 0);
}

static void both_gates(const struct socket *socket, uint32_t gates[2])
{
    gates[0] = channel_gates(socket->out);
    gates[1] = channel_gates(socket->in);
}

void connection_reset(struct socket *socket, int error)
{
    if (socket->in == NULL || (socket->shut_in && socket->shut_out && socket->error)) return;
    if (error < 0) error = socket->fin_seen ? EPIPE : ECONNRESET;
    socket->error = error;
    socket->shut_in = socket->shut_out = true;
    link_break(link_of(socket->in));
    link_break(link_of(socket->out));
    description_event(&socket->description, 0);
    if (socket->outside) outside_heard(socket->outside);
}

/* --- reading --- */

static bool can_read(const void *context)
{
    const struct transfer *transfer = context;
    const struct socket *socket = (const struct socket *)transfer->self;
    return (channel_gates(socket->in) & WORLD_GATE_IN) || socket->error || socket->shut_in;
}

static int take_error(struct socket *socket)
{
    int error = socket->error;
    socket->error = 0;
    return -error;
}

/* Of a packet that is not looked at only, the rest is lost. */
static void drop_rest(struct channel *channel, struct transfer *transfer)
{
    const struct parcel *packet = channel->first_parcel;
    size_t rest = packet->to - channel->taken;
    if (transfer->flags & MSG_PEEK) rest -= transfer->done;
    transfer->lost = rest;
    if (rest > 0 && transfer->message) transfer->message->msg_flags |= MSG_TRUNC;
    if (transfer->flags & MSG_PEEK) return;
    bytes_drop(&channel->queue, rest);
    channel->taken += rest;
    if (channel->writer) description_event(channel->writer, POLLOUT | POLLWRNORM);
}

/* What came along with it. */
static void unpack(struct socket *socket, struct transfer *transfer)
{
    struct channel *channel = socket->in;
    struct parcel *parcel = channel->first_parcel;
    if (parcel == NULL) return;
    if (transfer->flags & MSG_PEEK) {
        bool seen = channel->taken + transfer->done > parcel->from;
        if (seen) parcel_unpack(parcel, transfer);
        return;
    }
    parcel = channel_detach(channel);
    if (parcel == NULL) return;
    parcel_unpack(parcel, transfer);
    parcel_drop(parcel);
}

/* One step: what there is, the end (0), or an error. */
static ssize_t read_some(struct socket *socket, struct transfer *transfer, uint32_t passed)
{
    uint32_t before = channel_gates(socket->in);
    size_t from = transfer->done, count = channel_take(socket->in, transfer);
    ssize_t result = (ssize_t)count;
    if (count > 0 && socket_packets(socket)) drop_rest(socket->in, transfer);
    /* Over TCP the end came before anything else went wrong. */
    bool ended = socket->fin_seen && socket->family != AF_UNIX;
    if (count == 0 && transfer->done == 0 && !ended) result = take_error(socket);
    transfer_say(transfer, result);
    if (result == 0) place_say("%s %d  end", transfer->verb, transfer->number);
    channel_step(socket->in, WORLD_OP_RECV, (uint32_t)count, before, passed);
    if (result < 0) place_step(&socket->out->place, WORLD_OP_RECV, WORLD_WRITE, 0);
    place_touch(transfer->bytes + from, count, true);
    if (count > 0) unpack(socket, transfer);
    return result;
}

/* Not connected: whether it is depends on what others do to the socket. */
static ssize_t refuse(struct socket *socket, const struct transfer *transfer, ssize_t error)
{
    transfer_say(transfer, error);
    place_step(&socket->place, WORLD_OP_USE, WORLD_READ, (uint32_t)-error);
    return error;
}

static int check_flags(const struct transfer *transfer)
{
    if (transfer->flags & MSG_OOB) return -EOPNOTSUPP;
    if (transfer->flags & ~(int)KNOWN_FLAGS) {
        world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled call: %s with flags 0x%x",
                   transfer->verb, (unsigned)transfer->flags);
    }
    return 0;
}

ssize_t connection_read(struct transfer *transfer)
{
    struct socket *socket = (struct socket *)transfer->self;
    int rc = check_flags(transfer);
    if (rc < 0) return rc;
    if (socket->in == NULL) {
        return refuse(socket, transfer, socket->family == AF_UNIX ? -EINVAL : -ENOTCONN);
    }
    if (transfer->count == 0) return 0;
    struct transfer_gate gate = {.place = &socket->in->place, .open = can_read,
                                 .op = WORLD_OP_RECV, .gates = WORLD_GATE_IN,
                                 .waits = description_waits(transfer->self, transfer->flags)};
    bool whole = (transfer->flags & MSG_WAITALL) && !(transfer->flags & MSG_PEEK) &&
                 !socket_packets(socket);
    do {
        if (!transfer_pass(transfer, &gate)) {
            return transfer->done > 0 ? (ssize_t)transfer->done : transfer->why;
        }
        ssize_t some = read_some(socket, transfer, gate.waits ? WORLD_GATE_IN : 0);
        if (some < 0) return some;
        if (some == 0) break;
    } while (whole && transfer->done < transfer->count);
    return (ssize_t)(transfer->done + (transfer->flags & MSG_TRUNC ? transfer->lost : 0));
}

/* --- writing --- */

static bool can_write(const void *context)
{
    const struct transfer *transfer = context;
    const struct socket *socket = (const struct socket *)transfer->self;
    if (socket->state == SOCKET_CONNECTING) return false;
    if (socket->out == NULL) return true;
    if (socket_packets(socket) && channel_room(socket->out) < transfer->count) {
        return socket->error || socket->shut_out || socket->out->broken;
    }
    return (channel_gates(socket->out) & WORLD_GATE_OUT) || socket->error || socket->shut_out;
}

/* Nobody is there any more: AF_UNIX knows at once, TCP hears it as the answer. */
static void answer_with_reset(struct socket *socket)
{
    if (socket->out->reader == NULL && socket->family != AF_UNIX) connection_reset(socket, -1);
}

static ssize_t write_nothing(struct socket *socket, struct transfer *transfer)
{
    int error = socket->family == AF_UNIX ? 0 : take_error(socket);
    if (transfer->done > 0) {
        socket->error = -error;
        return (ssize_t)transfer->done;
    }
    if (error == 0) error = -EPIPE;
    transfer_say(transfer, error);
    if (socket->out) place_step(&socket->out->place, WORLD_OP_SEND, WORLD_WRITE, 0);
    if (socket->in) place_step(&socket->in->place, WORLD_OP_SEND, WORLD_WRITE, 0);
    if (!socket->in && !socket->out) place_step(&socket->place, WORLD_OP_USE, WORLD_READ, 0);
    return error == -EPIPE ? transfer_broken(transfer) : error;
}

static bool is_broken(const struct socket *socket)
{
    if (socket->out == NULL || socket->shut_out || socket->out->broken) return true;
    return socket->error != 0 && socket->family != AF_UNIX;
}

/* Descriptors go with the first byte; each packet is a parcel. */
static void attach(struct socket *socket, struct transfer *transfer, size_t count)
{
    if (transfer->parcel == NULL && socket_packets(socket)) transfer->parcel = parcel_empty();
    if (transfer->parcel == NULL) return;
    channel_attach(socket->out, transfer->parcel, count);
    transfer->parcel = NULL;
}

static void write_some(struct socket *socket, struct transfer *transfer, uint32_t passed)
{
    size_t room = channel_room(socket->out), left = transfer->count - transfer->done;
    size_t count = room < left ? room : left;
    uint32_t before[2];
    both_gates(socket, before);
    bool lost = socket->out->reader == NULL;
    if (lost) {
        transfer->done += count; /* it will be answered by a reset */
        answer_with_reset(socket);
    } else {
        attach(socket, transfer, count);
        link_send(link_of(socket->out), transfer, count);
        if (socket->peer && socket->peer->outside) outside_heard(socket->peer->outside);
    }
    transfer_say(transfer, (ssize_t)count);
    channel_step(socket->out, WORLD_OP_SEND, (uint32_t)count, before[0], passed);
    if (lost || socket->error) channel_step(socket->in, WORLD_OP_SEND, 0, before[1], 0);
}

ssize_t connection_write(struct transfer *transfer)
{
    struct socket *socket = (struct socket *)transfer->self;
    int rc = check_flags(transfer);
    if (rc < 0) return rc;
    if (socket->out == NULL && socket->family == AF_UNIX) {
        return refuse(socket, transfer, -ENOTCONN);
    }
    struct transfer_gate gate = {.place = socket->out ? &socket->out->place : &socket->place,
                                 .open = can_write, .op = WORLD_OP_SEND, .gates = WORLD_GATE_OUT,
                                 .waits = description_waits(transfer->self, transfer->flags)};
    if (transfer->count == 0 && socket->out) return 0;
    if (transfer->parcel && socket->family != AF_UNIX) return -EINVAL;
    if (socket->out && socket_packets(socket) && transfer->count > socket->out->capacity) {
        return -EMSGSIZE;
    }
    do {
        if (!transfer_pass(transfer, &gate)) {
            return transfer->done > 0 ? (ssize_t)transfer->done : transfer->why;
        }
        if (is_broken(socket)) return write_nothing(socket, transfer);
        gate.place = &socket->out->place;
        write_some(socket, transfer, gate.waits ? WORLD_GATE_OUT : 0);
    } while (transfer->done < transfer->count);
    return (ssize_t)transfer->done;
}

/* --- ready for what --- */

static short listener_ready(const struct socket *socket)
{
    return socket->arrived ? POLLIN | POLLRDNORM : 0;
}

short connection_ready(const struct socket *socket)
{
    int events = socket->error ? POLLERR : 0;
    if (socket->state == SOCKET_LISTENING) return listener_ready(socket);
    if (socket->state == SOCKET_CONNECTING) return (short)events;
    if (socket->in == NULL) {
        if (socket->error) events |= POLLIN | POLLRDNORM | POLLRDHUP;
        return (short)(events | POLLOUT | POLLWRNORM | POLLHUP);
    }
    if (socket->shut_in && socket->shut_out) events |= POLLHUP;
    if (socket->shut_in) events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (socket->in->queue.count > 0) events |= POLLIN | POLLRDNORM;
    if (socket->shut_out || channel_room(socket->out) >= socket->out->writable_from) {
        events |= POLLOUT | POLLWRNORM;
    }
    return (short)events;
}

/* --- the end --- */

static void stop_sending(struct socket *socket)
{
    if (socket->shut_out) return;
    socket->shut_out = socket->out->broken = true;
    link_end(link_of(socket->out));
}

static void stop_receiving(struct socket *socket)
{
    socket->shut_in = socket->in->ended = true;
    if (socket->family != AF_UNIX || socket->peer == NULL) return;
    socket->peer->shut_out = socket->in->broken = true;
    description_event(&socket->peer->description, 0);
}

int connection_shutdown(struct socket *socket, int how)
{
    uint32_t before[2];
    if (socket->state == SOCKET_LISTENING && how != SHUT_WR) {
        bool was_open = socket->arrived != NULL;
        listener_close(socket);
        socket->state = SOCKET_FRESH;
        place_say("shutdown %d", socket->description.number);
        place_step(&socket->place, WORLD_OP_SHUTDOWN, WORLD_WRITE,
                   WORLD_OPENED(was_open ? 0 : WORLD_GATE_IN));
        description_event(&socket->description, 0);
        gate_changed();
        return 0;
    }
    if (!socket_streams(socket)) return socket->remote.length > 0 ? 0 : -ENOTCONN;
    if (socket->in == NULL || (socket->shut_in && socket->shut_out && socket->peer == NULL)) {
        return -ENOTCONN;
    }
    both_gates(socket, before);
    if (how != SHUT_RD) stop_sending(socket);
    if (how != SHUT_WR) stop_receiving(socket);
    description_event(&socket->description, 0);
    place_say("shutdown %d", socket->description.number);
    both_step(socket, WORLD_OP_SHUTDOWN, before);
    return 0;
}

/* What the other end hears: a reset if something was left unread, the end otherwise. */
static void say_goodbye(struct socket *socket)
{
    struct socket *peer = socket->peer;
    bool unread = socket->in->queue.count > 0;
    const struct linger *linger = &socket->options.linger;
    bool resets = unread || (linger->l_onoff && linger->l_linger == 0);
    if (socket->family == AF_UNIX) {
        if (unread && peer) peer->error = ECONNRESET;
        stop_sending(socket);
        stop_receiving(socket);
    } else if (resets && peer) {
        connection_reset(peer, -1);
    } else {
        stop_sending(socket);
    }
}

void connection_close_end(struct socket *socket)
{
    uint32_t before[2];
    if (socket->in == NULL) return;
    both_gates(socket, before);
    say_goodbye(socket);
    both_step(socket, WORLD_OP_CLOSE, before);
    socket->in->reader = socket->out->writer = NULL;
    link_of(socket->in)->to = link_of(socket->out)->from = NULL;
    bytes_free(&socket->in->queue);
    bytes_free(&socket->in->flight);
    while (socket->in->first_parcel) {
        struct parcel *parcel = socket->in->first_parcel;
        socket->in->first_parcel = parcel->next;
        parcel_drop(parcel);
    }
    if (socket->peer) socket->peer->peer = NULL;
}
