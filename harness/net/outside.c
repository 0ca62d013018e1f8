#include "outside.h"

#include <poll.h>

#include "epoll.h"
#include "link.h"
#include "socket.h"

/* So much waits in the sockets between a server and a client that takes nothing: little, so that a
 * server feels early that somebody is slow. */
enum { WAITING_MAX = 1024 };

struct outside {
    const struct outside_calls *calls;
    void *context;
    struct socket *socket;
    bool told_end, told_reset;
};

struct outside *outside_connect(uint16_t port, const struct outside_calls *calls, void *context)
{
    struct socket *socket = connect_outside(port);
    if (socket == NULL) return NULL;
    struct outside *outside = store_take(sizeof *outside);
    *outside = (struct outside){.calls = calls, .context = context, .socket = socket};
    socket->in->capacity = WAITING_MAX;
    socket->in->writable_from = (WAITING_MAX + 2) / 3;
    /* The environment has a network of its own between this one and its clients. */
    ((struct link *)socket->in)->instant = true;
    socket->outside = outside;
    return outside;
}

/* --- from the server --- */

static void take(struct outside *outside)
{
    char piece[WAITING_MAX];
    struct bytes *queue = &outside->socket->in->queue;
    for (size_t room; queue->count > 0 && (room = outside->calls->room(outside->context)) > 0;) {
        size_t count = bytes_look(queue, piece, room < sizeof piece ? room : sizeof piece);
        bytes_drop(queue, count);
        outside->calls->bytes(outside->context, piece, count);
    }
}

void outside_heard(struct outside *outside)
{
    const struct socket *socket = outside->socket;
    bool reset = socket->shut_in && socket->shut_out && socket->error != 0;
    if (!reset) take(outside);
    if (reset && !outside->told_reset) {
        outside->told_reset = outside->told_end = true;
        outside->calls->ended(outside->context, true);
    } else if (socket->fin_seen && socket->in->queue.count == 0 && !outside->told_end) {
        outside->told_end = true;
        outside->calls->ended(outside->context, false);
    }
}

/* --- to the server --- */

void outside_send(struct outside *outside, const char *bytes, size_t count)
{
    struct socket *socket = outside->socket;
    struct channel *channel = socket->out;
    uint32_t before = channel_gates(channel);
    if (channel->broken || channel->reader == NULL) return;
    bytes_add(&channel->queue, bytes, count);
    description_event(channel->reader, POLLIN | POLLRDNORM);
    place_say("%zu bytes arrive at socket %d", count, socket->peer->description.number);
    channel_step(channel, WORLD_OP_ARRIVAL, (uint32_t)count, before, 0);
}

void outside_end(struct outside *outside)
{
    if (outside->socket->peer) (void)connection_shutdown(outside->socket, SHUT_WR);
}

void outside_reset(struct outside *outside)
{
    struct socket *socket = outside->socket;
    uint32_t before[] = {channel_gates(socket->out), channel_gates(socket->in)};
    outside->told_end = outside->told_reset = true;
    if (socket->peer == NULL) return;
    connection_reset(socket->peer, -1);
    channel_step(socket->out, WORLD_OP_CLOSE, 0, before[0], 0);
    channel_step(socket->in, WORLD_OP_CLOSE, 0, before[1], 0);
}

void outside_resume(struct outside *outside)
{
    struct channel *channel = outside->socket->in;
    uint32_t before = channel_gates(channel);
    size_t held = channel->queue.count;
    if (held == 0) return;
    bool was_writable = channel_room(channel) >= channel->writable_from;
    outside_heard(outside);
    if (channel->queue.count == held) return;
    if (!was_writable && channel_room(channel) >= channel->writable_from && channel->writer) {
        description_event(channel->writer, POLLOUT | POLLWRNORM);
    }
    channel_step(channel, WORLD_OP_RECV, (uint32_t)(held - channel->queue.count), before, 0);
}

const struct outside_network outside_simulated = {
    outside_connect, outside_send, outside_end, outside_reset, outside_resume,
};
