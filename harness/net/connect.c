/* How connections come about: listen, connect, accept. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "epoll.h"
#include "link.h"
#include "socket.h"

/* As long as Linux tries to reach a listener that has no room. */
#define PATIENCE_NS 127000000000ull

/* --- the listener's side --- */

static bool has_room(const struct socket *listener)
{
    return listener->arrived_count <= listener->backlog;
}

static void append(struct socket **list, struct socket *socket)
{
    while (*list) list = &(*list)->next;
    socket->next = NULL;
    *list = socket;
}

static uint32_t listener_gates(const struct socket *listener)
{
    return listener->arrived || listener->state != SOCKET_LISTENING ? WORLD_GATE_IN : 0;
}

static void listener_step(struct socket *listener, enum world_op op, uint32_t before)
{
    place_step(&listener->place, op, WORLD_WRITE,
               WORLD_OPENED(listener_gates(listener) & ~before));
}

/* Before it was connected, a call on the client would have done something else: one on a number
 * that somebody else has closed, and goes on to use. */
static void channels_step(struct socket *client)
{
    if (!place_searching()) return;
    place_step(&client->in->place, WORLD_OP_CONNECT, WORLD_WRITE, 0);
    place_step(&client->out->place, WORLD_OP_CONNECT, WORLD_WRITE, 0);
}

/* The client is connected to a socket that waits to be accepted. */
static void establish(struct socket *listener, struct socket *client)
{
    struct socket *served = socket_new(listener->family, listener->type, listener->protocol);
    served->options = listener->options;
    served->local = client->remote;
    served->remote = client->local;
    if (listener->family == AF_INET6) {
        address_map(&served->local);
        address_map(&served->remote);
    }
    if (listener->family == AF_UNIX) served->local = listener->local;
    served->bound = listener->family != AF_UNIX;
    client->shut_in = client->shut_out = client->fin_seen = false;
    connection_join(client, served);
    channels_step(client);
    append(&listener->arrived, served);
    listener->arrived_count++;
    description_event(&listener->description, POLLIN | POLLRDNORM);
    description_event(&client->description, POLLOUT | POLLWRNORM);
}

/* Those for whom there is room now. */
static void admit(struct socket *listener)
{
    while (listener->pending && has_room(listener)) {
        struct socket *client = listener->pending;
        listener->pending = client->next;
        establish(listener, client);
        place_step(&client->place, WORLD_OP_CONNECT, WORLD_WRITE,
                   WORLD_OPENED(WORLD_GATE_IN | WORLD_GATE_OUT));
    }
}

static void fail(struct socket *client, int error)
{
    client->state = SOCKET_FRESH;
    client->error = error;
    description_event(&client->description, 0);
    place_step(&client->place, WORLD_OP_CONNECT, WORLD_WRITE,
               WORLD_OPENED(WORLD_GATE_IN | WORLD_GATE_OUT));
}

static void forget(struct socket *socket)
{
    struct socket **at = &sockets;
    while (*at != socket) at = &(*at)->next_known;
    *at = socket->next_known;
}

void listener_close(struct socket *listener)
{
    while (listener->arrived) {
        struct socket *served = listener->arrived;
        listener->arrived = served->next;
        forget(served);
        /* Somebody may have been talking to it already. */
        served->options.linger = (struct linger){1, 0};
        connection_close_end(served);
    }
    listener->arrived_count = 0;
    while (listener->pending) {
        struct socket *client = listener->pending;
        listener->pending = client->next;
        fail(client, ECONNREFUSED);
    }
    place_step(&socket_names, WORLD_OP_CLOSE, WORLD_WRITE, 0);
    listener->state = SOCKET_FRESH;
}

static int listen_at(struct socket *socket, int backlog)
{
    if (!socket_streams(socket)) return -EOPNOTSUPP;
    if (socket->state != SOCKET_FRESH && socket->state != SOCKET_LISTENING) return -EINVAL;
    if (socket->family == AF_UNIX && !socket->bound) return -EINVAL;
    socket_bind_any(socket);
    socket->backlog = backlog < 0 || backlog > SOMAXCONN ? SOMAXCONN : backlog;
    socket->state = SOCKET_LISTENING;
    return 0;
}

int world_listen(int number, int backlog)
{
    struct socket *socket = socket_use(number, "listen", CALL_SITE);
    if (socket == NULL) return -1;
    int rc = listen_at(socket, backlog);
    place_say("listen %d%s%s", number, rc < 0 ? "  " : "", rc < 0 ? strerrorname_np(-rc) : "");
    place_step(&socket_names, WORLD_OP_LISTEN, WORLD_WRITE, 0);
    place_step(&socket->place, WORLD_OP_LISTEN, WORLD_WRITE, 0);
    gate_changed();
    return socket_end(socket, rc);
}

/* --- accept --- */

static bool can_accept(const void *context)
{
    const struct transfer *transfer = context;
    const struct socket *socket = (const struct socket *)transfer->self;
    return socket->arrived != NULL || socket->state != SOCKET_LISTENING;
}

static int take_first(struct socket *listener, int flags)
{
    struct socket *served = listener->arrived;
    int number = descriptor_open(&served->description, &socket_kind,
                                 O_RDWR | (flags & (SOCK_CLOEXEC | SOCK_NONBLOCK)), 0);
    if (number < 0) return number;
    served->description.accepted = true;
    listener->arrived = served->next;
    listener->arrived_count--;
    served->next = NULL;
    admit(listener);
    return number;
}

static int accept_one(struct transfer *transfer, int flags, struct sockaddr *out,
                      socklen_t *length)
{
    struct socket *listener = (struct socket *)transfer->self;
    struct transfer_gate gate = {.place = &listener->place, .open = can_accept,
                                 .op = WORLD_OP_ACCEPT, .gates = WORLD_GATE_IN,
                                 .waits = description_waits(transfer->self, 0)};
    if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) return -EINVAL;
    if (!socket_streams(listener)) return -EOPNOTSUPP;
    transfer->timeout_ns = listener->options.receive_timeout_ns;
    if (!transfer_pass(transfer, &gate)) return transfer->why;
    struct socket *first = listener->arrived;
    int number = first ? take_first(listener, flags) : -EINVAL;
    if (number >= 0) address_write(&first->remote, out, length);
    place_say("accept %d  %s%d", transfer->number, number < 0 ? "error " : "",
              number < 0 ? -number : number);
    place_step(&listener->place, WORLD_OP_ACCEPT, WORLD_WRITE,
               WORLD_PASSED(gate.waits ? WORLD_GATE_IN : 0));
    gate_changed();
    return number;
}

static int accept_at(int number, struct sockaddr *out, socklen_t *length, int flags,
                     uintptr_t site)
{
    struct socket *socket = socket_use(number, "accept", site);
    if (socket == NULL) return -1;
    struct transfer transfer = {.self = &socket->description, .number = number, .verb = "accept"};
    return socket_end(socket, accept_one(&transfer, flags, out, length));
}

int world_accept(int number, struct sockaddr *out, socklen_t *length)
{
    return accept_at(number, out, length, 0, CALL_SITE);
}

int world_accept4(int number, struct sockaddr *out, socklen_t *length, int flags)
{
    return accept_at(number, out, length, flags, CALL_SITE);
}

/* --- connect --- */

static bool is_decided(const void *context)
{
    const struct transfer *transfer = context;
    return ((const struct socket *)transfer->self)->state != SOCKET_CONNECTING;
}

/* 0, or why it failed. */
static int outcome(struct socket *socket)
{
    int error = socket->error;
    if (socket->state == SOCKET_CONNECTED) {
        socket->told = true;
        return 0;
    }
    socket->error = 0;
    return error ? -error : -ECONNABORTED;
}

static void give_up(struct socket *socket)
{
    for (struct socket *other = sockets; other; other = other->next_known) {
        struct socket **at = &other->pending;
        while (*at && *at != socket) at = &(*at)->next;
        if (*at) *at = socket->next;
    }
    socket->state = SOCKET_FRESH;
}

static int wait_until_decided(struct socket *socket, struct transfer *transfer)
{
    uint64_t limit = socket->options.send_timeout_ns;
    struct transfer_gate gate = {.place = &socket->place, .open = is_decided,
                                 .op = WORLD_OP_CONNECT, .gates = WORLD_GATE_OUT, .waits = true};
    transfer->timeout_ns = limit ? limit : PATIENCE_NS;
    if (transfer_pass(transfer, &gate)) return outcome(socket);
    if (transfer->why == -EINTR) return -EINTR;
    if (limit) return -EINPROGRESS;
    give_up(socket);
    return -ETIMEDOUT;
}

/* Where an address leads: the listener, or NULL and why there is none. */
static struct socket *find_listener(const struct socket *socket, const struct address *address,
                                    int *error)
{
    struct address target = *address;
    *error = -ECONNREFUSED;
    if (socket->family == AF_UNIX) {
        struct socket *found = socket_find(&target, socket->type);
        bool is_path = target.length > offsetof(struct sockaddr_un, sun_path) &&
                       target.local.sun_path[0] != '\0';
        if (found == NULL && is_path && !socket_path_exists(&target)) *error = -ENOENT;
        return found;
    }
    if (address_is_here(&target)) return socket_find(&target, SOCK_STREAM);
    *error = -ENETUNREACH;
    return NULL;
}

/* The handshake reaches the listener now. */
static void arrive_at(struct socket *socket, struct socket *listener)
{
    uint32_t before = listener_gates(listener);
    if (has_room(listener)) {
        establish(listener, socket);
    } else {
        append(&listener->pending, socket);
    }
    listener_step(listener, WORLD_OP_CONNECT, before);
}

/* Addresses of both ends, as far as they were left open. */
static int choose_addresses(struct socket *socket, const struct address *address)
{
    struct address target = *address;
    if (socket->family == AF_UNIX) {
        socket->remote = target;
        return 0;
    }
    if (address_is_any(&target)) {
        target = address_loopback(socket->family);
        address_port_set(&target, address_port(address));
    }
    socket_bind_any(socket);
    if (!socket->bound) return -EADDRNOTAVAIL;
    if (address_is_any(&socket->local)) {
        uint16_t port = address_port(&socket->local);
        struct address mapped = target;
        address_unmap(&mapped);
        socket->local = address_loopback(mapped.any.sa_family);
        if (socket->family == AF_INET6) address_map(&socket->local);
        address_port_set(&socket->local, port);
    }
    socket->remote = target;
    return 0;
}

static int start(struct socket *socket, const struct address *address, struct transfer *transfer)
{
    int error;
    bool waits = description_waits(&socket->description, 0);
    struct socket *listener = find_listener(socket, address, &error);
    if (error == -ENETUNREACH || (listener == NULL && (waits || socket->family == AF_UNIX))) {
        return error;
    }
    if (socket->family == AF_UNIX && listener && !has_room(listener) && !waits) return -EAGAIN;
    int rc = choose_addresses(socket, address);
    if (rc < 0) return rc;
    socket->state = SOCKET_CONNECTING;
    socket->told = false;
    socket->error = 0;
    if (listener) {
        arrive_at(socket, listener);
    } else {
        fail(socket, ECONNREFUSED);
    }
    gate_changed();
    if (!waits && socket->family != AF_UNIX) return -EINPROGRESS;
    return socket->state == SOCKET_CONNECTING ? wait_until_decided(socket, transfer)
                                              : outcome(socket);
}

static int connect_stream(struct socket *socket, const struct address *address,
                          struct transfer *transfer)
{
    switch (socket->state) {
    case SOCKET_CONNECTED:
        if (socket->told) return -EISCONN;
        return outcome(socket);
    case SOCKET_LISTENING:
        return socket->family == AF_UNIX ? -EINVAL : -EISCONN;
    case SOCKET_CONNECTING:
        if (!description_waits(&socket->description, 0)) return -EALREADY;
        return wait_until_decided(socket, transfer);
    case SOCKET_FRESH:
        break;
    }
    if (socket->error) return outcome(socket);
    return start(socket, address, transfer);
}

static int connect_datagrams(struct socket *socket, const struct address *address)
{
    if (address->any.sa_family == AF_UNSPEC) {
        socket->remote.length = 0;
        return 0;
    }
    if (socket->family == AF_UNIX && !socket_find(address, SOCK_DGRAM)) {
        return socket_path_exists(address) ? -ECONNREFUSED : -ENOENT;
    }
    if (!address_is_here(address)) return -ENETUNREACH;
    int rc = choose_addresses(socket, address);
    if (rc == 0) socket->state = SOCKET_CONNECTED;
    return rc;
}

int world_connect(int number, const struct sockaddr *name, socklen_t length)
{
    struct address address;
    char text[120];
    struct socket *socket = socket_use(number, "connect", CALL_SITE);
    if (socket == NULL) return -1;
    struct transfer transfer = {.self = &socket->description, .number = number, .verb = "connect"};
    int family = !socket_streams(socket) && name->sa_family == AF_UNSPEC ? AF_UNSPEC
                                                                         : socket->family;
    int rc = address_read(&address, family, name, length);
    address_tell(&address, false, text, sizeof text);
    if (rc == 0) {
        rc = socket_streams(socket) ? connect_stream(socket, &address, &transfer)
                                    : connect_datagrams(socket, &address);
    }
    place_say("connect %d  %s%s%s", number, text, rc < 0 ? "  " : "",
              rc < 0 ? strerrorname_np(-rc) : "");
    place_step(&socket_names, WORLD_OP_CONNECT, WORLD_WRITE, 0);
    place_step(&socket->place, WORLD_OP_CONNECT, WORLD_WRITE, 0);
    return socket_end(socket, rc);
}

/* --- from outside --- */

struct socket *connect_outside(uint16_t port)
{
    struct address target = address_loopback(AF_INET);
    address_port_set(&target, port);
    struct socket *listener = socket_find(&target, SOCK_STREAM);
    if (listener == NULL || !has_room(listener)) return NULL;
    struct socket *socket = socket_new(AF_INET, SOCK_STREAM, 0);
    if (choose_addresses(socket, &target) < 0) return NULL;
    arrive_at(socket, listener);
    gate_changed();
    return socket;
}
