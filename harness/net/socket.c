/* What all sockets have in common: making them, their names, their end. */
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "epoll.h"
#include "net.h"

enum { SEND_BUFFER = 16384, RECEIVE_BUFFER = 131072, LOCAL_BUFFER = 212992 };

struct socket *sockets;

static void tell_place(const struct world_place *place, char *out, size_t bytes)
{
    const struct socket *socket =
        (const struct socket *)((const char *)place - offsetof(struct socket, place));
    snprintf(out, bytes, "socket %d", socket->description.number);
}

/* "127.0.0.1:80", or what is at both ends. */
static void tell(const struct description *self, char *out, size_t bytes)
{
    const struct socket *socket = (const struct socket *)self;
    char own[120] = "", other[120] = "";
    bool connected = socket->remote.length > sizeof(sa_family_t);
    if (socket->bound || connected) address_tell(&socket->local, false, own, sizeof own);
    if (connected) address_tell(&socket->remote, true, other, sizeof other);
    snprintf(out, bytes, "%s%s%s", own, connected ? " <- " : "", other);
}

struct socket *socket_new(int family, int type, int protocol)
{
    struct socket *socket = store_take(sizeof *socket);
    int buffer = family == AF_UNIX ? LOCAL_BUFFER : 0;
    *socket = (struct socket){
        .description = {.kind = &socket_kind, .number = -1},
        .place = {.tell = tell_place},
        .family = family, .type = type, .protocol = protocol,
        .options = {.send_buffer = buffer ? buffer : SEND_BUFFER,
                    .receive_buffer = buffer ? buffer : RECEIVE_BUFFER},
        .local = address_any(family), .next_known = sockets,
    };
    socket->last_message = &socket->first_message;
    sockets = socket;
    return socket;
}

struct socket *socket_use(int number, const char *verb, uintptr_t site)
{
    struct description *self = descriptor_use(number, verb, site);
    if (self == NULL) return NULL;
    if (self->kind == &socket_kind) {
        if (place_searching()) place_point(NULL, WORLD_NONE);
        return (struct socket *)self;
    }
    description_drop(self);
    errno = ENOTSOCK;
    return NULL;
}

int socket_end(struct socket *socket, int result)
{
    description_drop(&socket->description);
    return (int)result_of(result);
}

/* --- what every descriptor can do --- */

static ssize_t read_socket(struct transfer *transfer)
{
    const struct socket *socket = (const struct socket *)transfer->self;
    transfer->timeout_ns = socket->options.receive_timeout_ns;
    return socket_streams(socket) ? connection_read(transfer) : datagram_read(transfer);
}

static ssize_t write_socket(struct transfer *transfer)
{
    const struct socket *socket = (const struct socket *)transfer->self;
    transfer->timeout_ns = socket->options.send_timeout_ns;
    return socket_streams(socket) ? connection_write(transfer) : datagram_write(transfer);
}

static short ready(const struct description *self)
{
    const struct socket *socket = (const struct socket *)self;
    return socket_streams(socket) ? connection_ready(socket) : datagram_ready(socket);
}

static uint32_t places(struct description *self, struct world_place **out)
{
    struct socket *socket = (struct socket *)self;
    uint32_t count = 0;
    if (socket->in == NULL) out[count++] = &socket->place;
    if (socket->in) out[count++] = &socket->in->place;
    if (socket->out) out[count++] = &socket->out->place;
    return count;
}

static int control(struct description *self, unsigned long request, void *argument)
{
    const struct socket *socket = (const struct socket *)self;
    size_t count = socket->in ? socket->in->queue.count : 0;
    if (request != FIONREAD) return -ENOTTY;
    if (socket->first_message) count = socket->first_message->count;
    *(int *)argument = (int)count;
    return 0;
}

static void release(struct description *self)
{
    struct socket *socket = (struct socket *)self;
    struct socket **at = &sockets;
    while (*at != socket) at = &(*at)->next_known;
    *at = socket->next_known;
    if (socket->state == SOCKET_LISTENING) listener_close(socket);
    if (socket_streams(socket)) {
        connection_close_end(socket);
    } else {
        datagram_close(socket);
    }
    gate_changed();
}

const struct description_kind socket_kind = {
    .word = "socket", .is_socket = true, .read = read_socket, .write = write_socket,
    .control = control, .ready = ready, .places = places, .release = release, .tell = tell,
};

/* --- socket, socketpair --- */

/* 0, or -errno. */
static int check_kind(int family, int type, int protocol)
{
    if (family != AF_UNIX && family != AF_INET && family != AF_INET6) return -EAFNOSUPPORT;
    if (type < 0 || type > SOCK_PACKET) return -EINVAL;
    if (type == SOCK_STREAM) {
        return protocol == 0 || (family != AF_UNIX && protocol == IPPROTO_TCP) ? 0
                                                                             : -EPROTONOSUPPORT;
    }
    if (type == SOCK_DGRAM) {
        return protocol == 0 || (family != AF_UNIX && protocol == IPPROTO_UDP) ? 0
                                                                             : -EPROTONOSUPPORT;
    }
    if (type != SOCK_SEQPACKET || family != AF_UNIX) return -ESOCKTNOSUPPORT;
    return protocol == 0 ? 0 : -EPROTONOSUPPORT;
}

_Static_assert(SOCK_CLOEXEC == O_CLOEXEC && SOCK_NONBLOCK == O_NONBLOCK, "flags of open()");

static int open_socket(struct socket *socket, int flags)
{
    int number = descriptor_open(&socket->description, &socket_kind,
                                 O_RDWR | (flags & (SOCK_CLOEXEC | SOCK_NONBLOCK)), 0);
    if (number < 0) sockets = socket->next_known;
    return number;
}

static int make(int family, int type, int protocol, uintptr_t site)
{
    int flags = type & (SOCK_CLOEXEC | SOCK_NONBLOCK);
    place_enter(site);
    int rc = check_kind(family, type & ~flags, protocol);
    if (rc < 0) return rc;
    place_point(NULL, WORLD_NONE);
    return open_socket(socket_new(family, type & ~flags, protocol), flags);
}

int world_socket(int family, int type, int protocol)
{
    return (int)result_of(make(family, type, protocol, CALL_SITE));
}

static int make_pair(int family, int type, int protocol, int numbers[2], uintptr_t site)
{
    int flags = type & (SOCK_CLOEXEC | SOCK_NONBLOCK);
    place_enter(site);
    int rc = check_kind(family, type & ~flags, protocol);
    if (rc < 0) return rc;
    if (family != AF_UNIX) return -EOPNOTSUPP;
    place_point(NULL, WORLD_NONE);
    struct socket *a = socket_new(family, type & ~flags, protocol);
    numbers[0] = open_socket(a, flags);
    if (numbers[0] < 0) return numbers[0];
    struct socket *b = socket_new(family, type & ~flags, protocol);
    numbers[1] = open_socket(b, flags);
    if (numbers[1] < 0) {
        descriptor_close(numbers[0]);
        return numbers[1];
    }
    a->remote = b->local;
    b->remote = a->local;
    if (socket_streams(a)) {
        connection_join(a, b);
    } else {
        a->peer = b;
        b->peer = a;
        a->state = b->state = SOCKET_CONNECTED;
    }
    return 0;
}

int world_socketpair(int family, int type, int protocol, int numbers[2])
{
    return (int)result_of(make_pair(family, type, protocol, numbers, CALL_SITE));
}

/* --- names --- */

int world_getsockname(int number, struct sockaddr *out, socklen_t *length)
{
    struct socket *socket = socket_use(number, "getsockname", CALL_SITE);
    if (socket == NULL) return -1;
    place_step(&socket->place, WORLD_OP_USE, WORLD_READ, 0);
    address_write(&socket->local, out, length);
    return socket_end(socket, 0);
}

int world_getpeername(int number, struct sockaddr *out, socklen_t *length)
{
    struct socket *socket = socket_use(number, "getpeername", CALL_SITE);
    if (socket == NULL) return -1;
    place_step(&socket->place, WORLD_OP_USE, WORLD_READ, 0);
    bool connected = socket->remote.length > 0 && socket->state == SOCKET_CONNECTED &&
                     !(socket->error && socket->shut_in && socket->shut_out);
    if (connected) address_write(&socket->remote, out, length);
    return socket_end(socket, connected ? 0 : -ENOTCONN);
}

int world_shutdown(int number, int how)
{
    struct socket *socket = socket_use(number, "shutdown", CALL_SITE);
    if (socket == NULL) return -1;
    return socket_end(socket, how < SHUT_RD || how > SHUT_RDWR ? -EINVAL
                                                              : connection_shutdown(socket, how));
}
