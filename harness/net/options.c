/* getsockopt and setsockopt. Options that change nothing that a program could see are kept, and
 * given back. */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#include "socket.h"

enum { BUFFER_MOST = 425984, SEND_LEAST = 4608, RECEIVE_LEAST = 2304 };

/* Where a number is kept; NULL: it is no option that is one. */
static int *number_of(struct socket *socket, int level, int name)
{
    struct socket_options *options = &socket->options;
    if (level == SOL_SOCKET) {
        switch (name) {
        case SO_REUSEADDR:
            return &options->reuse_address;
        case SO_REUSEPORT:
            return &options->reuse_port;
        case SO_KEEPALIVE:
            return &options->keep_alive;
        case SO_BROADCAST:
            return &options->broadcast;
        case SO_SNDBUF:
            return &options->send_buffer;
        case SO_RCVBUF:
            return &options->receive_buffer;
        default:
            return NULL;
        }
    }
    if (level == IPPROTO_TCP && name == TCP_NODELAY) return &options->no_delay;
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) return &options->v6_only;
    return NULL;
}

static _Noreturn void unknown(const char *call, int level, int name)
{
    world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled call: %s of level %d, option %d", call,
               level, name);
}

/* Those that change nothing here. */
static bool is_without_effect(int level, int name)
{
    if (level == IPPROTO_TCP) {
        return name == TCP_QUICKACK || name == TCP_KEEPIDLE || name == TCP_KEEPINTVL ||
               name == TCP_KEEPCNT || name == TCP_USER_TIMEOUT || name == TCP_DEFER_ACCEPT ||
               name == TCP_CORK || name == TCP_FASTOPEN || name == TCP_SYNCNT;
    }
    if (level == IPPROTO_IP) return name == IP_TOS || name == IP_TTL;
    if (level == IPPROTO_IPV6) return name == IPV6_TCLASS || name == IPV6_UNICAST_HOPS;
    return level == SOL_SOCKET && (name == SO_PRIORITY || name == SO_DONTROUTE ||
                                   name == SO_OOBINLINE || name == SO_TIMESTAMP);
}

/* --- setting --- */

static int set_buffer(struct socket *socket, int name, int value)
{
    bool sends = name == SO_SNDBUF;
    int *buffer = sends ? &socket->options.send_buffer : &socket->options.receive_buffer;
    int least = sends ? SEND_LEAST : RECEIVE_LEAST, most = BUFFER_MOST / 2;
    *buffer = 2 * (value > most ? most : value < least / 2 ? least / 2 : value);
    return 0;
}

static int set_timeout(uint64_t *out_ns, const void *value, socklen_t length)
{
    struct timeval span;
    if (length < sizeof span) return -EINVAL;
    memcpy(&span, value, sizeof span);
    if (span.tv_usec < 0 || span.tv_usec >= 1000000) return -EDOM;
    *out_ns = span.tv_sec < 0 ? 0
                              : (uint64_t)span.tv_sec * 1000000000 + (uint64_t)span.tv_usec * 1000;
    return 0;
}

static int set(struct socket *socket, int level, int name, const void *value, socklen_t length)
{
    struct socket_options *options = &socket->options;
    int number;
    if (level == SOL_SOCKET && name == SO_LINGER) {
        if (length < sizeof options->linger) return -EINVAL;
        memcpy(&options->linger, value, sizeof options->linger);
        return 0;
    }
    if (level == SOL_SOCKET && name == SO_RCVTIMEO) {
        return set_timeout(&options->receive_timeout_ns, value, length);
    }
    if (level == SOL_SOCKET && name == SO_SNDTIMEO) {
        return set_timeout(&options->send_timeout_ns, value, length);
    }
    if (is_without_effect(level, name)) return 0;
    int *kept = number_of(socket, level, name);
    if (kept == NULL) unknown("setsockopt", level, name);
    if (length < sizeof number) return -EINVAL;
    if (level == IPPROTO_TCP && !socket_streams(socket)) return -EOPNOTSUPP;
    memcpy(&number, value, sizeof number);
    if (name == SO_SNDBUF || name == SO_RCVBUF) return set_buffer(socket, name, number);
    *kept = number != 0;
    return 0;
}

int world_setsockopt(int number, int level, int name, const void *value, socklen_t length)
{
    struct socket *socket = socket_use(number, "setsockopt", CALL_SITE);
    if (socket == NULL) return -1;
    int rc = set(socket, level, name, value, length);
    place_say("setsockopt %d", number);
    place_step(&socket->place, WORLD_OP_CONTROL, WORLD_WRITE, 0);
    return socket_end(socket, rc);
}

/* --- asking --- */

static int give(void *value, socklen_t *length, const void *own, socklen_t bytes)
{
    if (*length > bytes) *length = bytes;
    memcpy(value, own, *length);
    return 0;
}

static int give_timeout(void *value, socklen_t *length, uint64_t ns)
{
    struct timeval span = {(time_t)(ns / 1000000000), (suseconds_t)(ns % 1000000000 / 1000)};
    return give(value, length, &span, sizeof span);
}

static int state_of(struct socket *socket, int name, int *number)
{
    switch (name) {
    case SO_ERROR:
        *number = socket->error;
        socket->error = 0;
        return 0;
    case SO_TYPE:
        *number = socket->type;
        return 0;
    case SO_DOMAIN:
        *number = socket->family;
        return 0;
    case SO_PROTOCOL:
        *number = socket->protocol      ? socket->protocol
                  : socket->family == AF_UNIX ? 0
                  : socket_streams(socket)    ? IPPROTO_TCP
                                              : IPPROTO_UDP;
        return 0;
    case SO_ACCEPTCONN:
        *number = socket->state == SOCKET_LISTENING;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int get(struct socket *socket, int level, int name, void *value, socklen_t *length)
{
    struct socket_options *options = &socket->options;
    int number = 0;
    if (level == SOL_SOCKET && name == SO_LINGER) {
        return give(value, length, &options->linger, sizeof options->linger);
    }
    if (level == SOL_SOCKET && name == SO_RCVTIMEO) {
        return give_timeout(value, length, options->receive_timeout_ns);
    }
    if (level == SOL_SOCKET && name == SO_SNDTIMEO) {
        return give_timeout(value, length, options->send_timeout_ns);
    }
    if (level != SOL_SOCKET || state_of(socket, name, &number) < 0) {
        const int *kept = number_of(socket, level, name);
        if (kept == NULL) unknown("getsockopt", level, name);
        number = *kept;
    }
    return give(value, length, &number, sizeof number);
}

int world_getsockopt(int number, int level, int name, void *value, socklen_t *length)
{
    struct socket *socket = socket_use(number, "getsockopt", CALL_SITE);
    if (socket == NULL) return -1;
    int rc = get(socket, level, name, value, length);
    place_say("getsockopt %d", number);
    place_step(socket->in ? &socket->in->place : &socket->place, WORLD_OP_CONTROL, WORLD_WRITE, 0);
    return socket_end(socket, rc);
}
