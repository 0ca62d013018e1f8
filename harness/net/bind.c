/* Who has which name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "link.h"
#include "names.h"
#include "net.h"
#include "socket.h"

enum { PORT_FIRST = 40001, PORT_LAST = 60999, PATHS_MAX = 256 };

struct world_place socket_names;
static uint16_t next_port;
static uint32_t next_name; /* of AF_UNIX, where none was given */

/* Paths stay taken until they are unlinked, even when the socket is closed. */
static struct address paths[PATHS_MAX];
static uint32_t path_count;

static void tell_names(const struct world_place *place, char *out, size_t bytes)
{
    (void)place;
    snprintf(out, bytes, "addresses");
}

void net_state_begin(void)
{
    socket_names = (struct world_place){.tell = tell_names};
    sockets = NULL;
    next_port = PORT_FIRST;
    next_name = 0;
    path_count = 0;
    links_begin();
}

/* --- finding --- */

static bool is_path(const struct address *address)
{
    return address->any.sa_family == AF_UNIX &&
           address->length > offsetof(struct sockaddr_un, sun_path) &&
           address->local.sun_path[0] != '\0';
}

static int find_path(const struct address *address)
{
    for (uint32_t i = 0; i < path_count; i++) {
        if (address_same(&paths[i], address)) return (int)i;
    }
    return -1;
}

bool socket_path_exists(const struct address *address)
{
    return find_path(address) >= 0;
}

bool names_unlink(const char *path)
{
    struct address address = address_any(AF_UNIX);
    size_t bytes = strlen(path);
    if (bytes == 0 || bytes >= sizeof address.local.sun_path) return false;
    memcpy(address.local.sun_path, path, bytes);
    address.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + 1);
    int at = find_path(&address);
    if (at < 0) return false;
    path_count--;
    memmove(&paths[at], &paths[at + 1], (path_count - (uint32_t)at) * sizeof *paths);
    for (struct socket *socket = sockets; socket; socket = socket->next_known) {
        if (socket->bound && address_same(&socket->local, &address)) socket->bound = false;
    }
    place_step(&socket_names, WORLD_OP_CONTROL, WORLD_WRITE, 0);
    return true;
}

/* Whether what is sent to that address, which is no wildcard, is for this socket. */
static bool is_for(const struct socket *socket, const struct address *address)
{
    struct address own = socket->local, other = *address;
    if (!socket->bound) return false;
    if (address->any.sa_family == AF_UNIX) return address_same(&own, &other);
    if (socket->family == AF_INET6 && !socket->options.v6_only && address_is_any(&own)) {
        return address_port(&own) == address_port(&other);
    }
    address_unmap(&own);
    address_unmap(&other);
    if (own.any.sa_family != other.any.sa_family) return false;
    if (address_port(&own) != address_port(&other)) return false;
    return address_is_any(&own) || address_same_host(&own, &other);
}

struct socket *socket_find(const struct address *address, int type)
{
    struct socket *found = NULL;
    for (struct socket *socket = sockets; socket; socket = socket->next_known) {
        if (socket->type != type || !is_for(socket, address)) continue;
        if (type != SOCK_DGRAM && socket->state != SOCKET_LISTENING) continue;
        /* The one that came first; but whoever asked for that address is meant before others. */
        if (found && address_is_any(&socket->local) && !address_is_any(&found->local)) continue;
        found = socket;
    }
    return found;
}

/* --- binding --- */

static bool overlap(const struct socket *a, const struct address *b, int b_v6_only)
{
    struct address own = a->local, other = *b;
    address_unmap(&own);
    address_unmap(&other);
    if (address_port(&own) != address_port(&other)) return false;
    if (own.any.sa_family != other.any.sa_family) {
        const struct address *wide = own.any.sa_family == AF_INET6 ? &own : &other;
        int v6_only = wide == &own ? a->options.v6_only : b_v6_only;
        return !v6_only && address_is_any(wide);
    }
    return address_is_any(&own) || address_is_any(&other) || address_same_host(&own, &other);
}

static bool is_taken(const struct socket *socket, const struct address *address)
{
    for (const struct socket *other = sockets; other; other = other->next_known) {
        if (other == socket || other->type != socket->type || other->family == AF_UNIX) continue;
        if (!other->bound || !overlap(other, address, socket->options.v6_only)) continue;
        bool shared = socket->options.reuse_port && other->options.reuse_port;
        bool reused = socket->options.reuse_address && other->options.reuse_address &&
                      other->state != SOCKET_LISTENING;
        if (!shared && !reused) return true;
    }
    return false;
}

/* The next port that nobody has. */
static bool choose_port(const struct socket *socket, struct address *address)
{
    for (int tries = 0; tries <= PORT_LAST - PORT_FIRST; tries++) {
        address_port_set(address, next_port);
        next_port = next_port == PORT_LAST ? PORT_FIRST : (uint16_t)(next_port + 1);
        bool taken = false;
        for (const struct socket *other = sockets; other && !taken; other = other->next_known) {
            taken = other != socket && other->family != AF_UNIX && other->bound &&
                    address_port(&other->local) == address_port(address);
        }
        if (!taken) return true;
    }
    return false;
}

static int bind_local(struct socket *socket, struct address *address)
{
    if (address->length == sizeof(sa_family_t)) { /* an abstract name that nobody has */
        address->length += (socklen_t)snprintf(address->local.sun_path + 1,
                                               sizeof address->local.sun_path - 1, "%05x",
                                               ++next_name) + 1u;
    }
    if (!is_path(address)) {
        static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            if (socket_find(address, types[i])) return -EADDRINUSE;
        }
    } else {
        if (find_path(address) >= 0) return -EADDRINUSE;
        if (path_count == PATHS_MAX) return -ENOSPC;
        paths[path_count++] = *address;
    }
    socket->local = *address;
    return 0;
}

static int bind_port(struct socket *socket, struct address *address)
{
    if (!address_is_here(address)) return -EADDRNOTAVAIL;
    if (address_port(address) == 0) {
        if (!choose_port(socket, address)) return -EADDRINUSE;
    } else if (is_taken(socket, address)) {
        return -EADDRINUSE;
    }
    socket->local = *address;
    return 0;
}

int socket_bind(struct socket *socket, const struct address *address)
{
    struct address own = *address;
    if (socket->bound) return -EINVAL;
    int rc = socket->family == AF_UNIX ? bind_local(socket, &own) : bind_port(socket, &own);
    if (rc == 0) socket->bound = true;
    return rc;
}

void socket_bind_any(struct socket *socket)
{
    struct address address = address_any(socket->family);
    if (!socket->bound && socket->family != AF_UNIX) (void)socket_bind(socket, &address);
}

int world_bind(int number, const struct sockaddr *name, socklen_t length)
{
    struct address address;
    char text[120];
    struct socket *socket = socket_use(number, "bind", CALL_SITE);
    if (socket == NULL) return -1;
    int rc = address_read(&address, socket->family, name, length);
    if (rc == 0) rc = socket_bind(socket, &address);
    address_tell(rc == 0 ? &socket->local : &address, false, text, sizeof text);
    place_say("bind %d  %s%s%s", number, text, rc < 0 ? "  " : "",
              rc < 0 ? strerrorname_np(-rc) : "");
    place_step(&socket_names, WORLD_OP_BIND, rc == 0 ? WORLD_WRITE : WORLD_READ, (uint32_t)-rc);
    return socket_end(socket, rc);
}
