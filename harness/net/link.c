#include "link.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "epoll.h"
#include "net.h"
#include "socket.h"

enum { CONNECTIONS_MAX = 4096 };

/* To the server and to the client, by the connection's number - 1. */
static struct link *links[CONNECTIONS_MAX][2];
static uint32_t connections;
static net_connection_observer *observer;
static void *observer_context;

void links_begin(void)
{
    connections = 0;
}

static void tell_link(const struct world_place *place, char *out, size_t bytes)
{
    const struct link *link = (const struct link *)place;
    const struct socket *end = link->to ? link->to : link->from;
    snprintf(out, bytes, "data %s socket %d", link->to ? "to" : "from",
             end ? end->description.number : -1);
}

struct link *link_new(struct socket *from, struct socket *to, size_t capacity, bool instant)
{
    struct link *link = store_take(sizeof *link);
    *link = (struct link){
        .channel = {.place.tell = tell_link, .capacity = capacity, .reader = &to->description,
                    .writer = &from->description, .writable_from = (capacity + 2) / 3},
        .instant = instant, .task = WORLD_NOBODY, .from = from, .to = to,
    };
    return link;
}

/* --- arrival --- */

static void come_to_end(struct link *link)
{
    link->end_in_flight = false;
    link->channel.ended = true;
    if (link->to == NULL) return;
    link->to->shut_in = link->to->fin_seen = true;
    description_event(&link->to->description, 0);
    if (link->to->outside) outside_heard(link->to->outside);
}

/* Everything that is in flight is there. */
static void arrive(void *argument)
{
    struct link *link = argument;
    struct channel *channel = &link->channel;
    uint32_t before = channel_gates(channel);
    size_t count = channel->flight.count;
    bytes_move(&channel->flight, &channel->queue);
    if (count > 0 && channel->reader) {
        description_event(channel->reader, POLLIN | POLLRDNORM);
    }
    if (link->end_in_flight) come_to_end(link);
    place_say("%zu bytes arrive at socket %d", count, link->to ? link->to->description.number : -1);
    channel_step(channel, WORLD_OP_ARRIVAL, (uint32_t)count, before, 0);
}

static void arm(struct link *link)
{
    if (link->task == WORLD_NOBODY) {
        link->task = world_task("network", WORLD_MESSAGE, arrive, link);
    }
    if (!world_task_armed(link->task)) world_task_arm(link->task, world_now_ns());
}

/* --- sending --- */

/* How many of these bytes arrive at once. Cuts are where programs go wrong: nothing, one byte,
 * half of it, all but one. */
static size_t choose_part(struct link *link, size_t count)
{
    size_t parts[] = {count, 0, 1, count / 2, count - 1};
    uint32_t used = count == 1 ? 2 : count == 2 ? 3 : count == 3 ? 4 : 5;
    if (count == 3) parts[3] = 2;
    if (link->instant) return count;
    return parts[place_late(used, "arrival")];
}

static size_t allowed(const struct link *link, size_t count)
{
    if (link->fault == NET_PASS) return count;
    uint64_t left = link->fault_after > link->sent ? link->fault_after - link->sent : 0;
    return left < count ? (size_t)left : count;
}

static void put_in_flight(struct link *link, struct transfer *transfer, size_t count, bool comes)
{
    struct channel *channel = &link->channel;
    if (count == 0) return;
    bytes_add(&channel->flight, transfer->bytes + transfer->done, count);
    transfer->done += count;
    link->sent += count;
    if (!comes) return;
    place_say("%zu of them arrive later", count);
    place_step(&channel->place, WORLD_OP_FLIGHT, WORLD_WRITE, (uint32_t)count);
    arm(link);
}

void link_send(struct link *link, struct transfer *transfer, size_t count)
{
    struct channel *channel = &link->channel;
    size_t passes = allowed(link, count), now = 0;
    bool waits = channel->flight.count > 0;
    if (!waits && passes > 0) now = choose_part(link, passes);
    place_touch(transfer->bytes + transfer->done, count, false);
    if (now > 0) {
        channel_put(channel, transfer, now);
        link->sent += now;
    }
    /* Behind what is in flight already; they come together. */
    put_in_flight(link, transfer, passes - now, !waits);
    put_in_flight(link, transfer, count - passes, false);
    if (link->fault == NET_CUT && passes < count) link_cut(link);
}

void link_end(struct link *link)
{
    bool stays = link->fault != NET_PASS && link->sent >= link->fault_after;
    if (link->channel.ended || link->end_in_flight) return;
    if (stays && link->fault == NET_CUT) {
        link_cut(link);
    } else if (stays || link->channel.flight.count > 0) {
        link->end_in_flight = true;
    } else {
        come_to_end(link);
    }
}

void link_break(struct link *link)
{
    bytes_drop(&link->channel.flight, link->channel.flight.count);
    link->end_in_flight = false;
    link->channel.ended = link->channel.broken = true;
    if (link->task != WORLD_NOBODY) world_task_disarm(link->task);
}

void link_cut(struct link *link)
{
    struct socket *ends[] = {link->from, link->to};
    for (int i = 0; i < 2; i++) {
        if (ends[i]) connection_reset(ends[i], -1);
    }
}

/* --- faults --- */

void link_register(struct link *to_server, struct link *to_client)
{
    if (connections == CONNECTIONS_MAX) return;
    links[connections][NET_TO_SERVER] = to_server;
    links[connections][NET_TO_CLIENT] = to_client;
    connections++;
    if (observer) observer(observer_context, connections);
}

void net_observe_connections(net_connection_observer *fresh, void *context)
{
    observer = fresh;
    observer_context = context;
}

uint32_t net_connections(void)
{
    return connections;
}

uint32_t net_connection_find(uint16_t client_port, uint16_t server_port)
{
    for (uint32_t i = connections; i > 0; i--) {
        const struct link *link = links[i - 1][NET_TO_SERVER];
        if (link->from == NULL) continue;
        if (address_port(&link->from->local) != client_port) continue;
        if (address_port(&link->from->remote) == server_port) return i;
    }
    return 0;
}

bool net_fault_set(uint32_t connection, enum net_direction direction, enum net_fault fault,
                   uint64_t after_bytes)
{
    if (connection == 0 || connection > connections) return false;
    struct link *link = links[connection - 1][direction];
    if (link->from == NULL || link->to == NULL) return false;
    link->fault = fault;
    link->fault_after = after_bytes;
    bool flies = link->channel.flight.count > 0 || link->end_in_flight;
    if (flies && fault == NET_PASS) arm(link);
    if (flies && fault != NET_PASS && link->task != WORLD_NOBODY) world_task_disarm(link->task);
    if (fault == NET_CUT && link->sent > after_bytes) link_cut(link);
    gate_changed();
    return true;
}
