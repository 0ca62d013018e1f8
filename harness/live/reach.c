/* Connections to where a daemon is: every address of its name, one after the other. */
#include "harness/live/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

/* How many milliseconds are left until then, at most a minute. */
static int left_ms(uint64_t until_ns)
{
    uint64_t now = loop_clock_ns(), left = until_ns > now ? (until_ns - now) / 1000000 : 0;
    return left > 60000 ? 60000 : (int)left;
}

bool reach_wait(int fd, short events, uint64_t until_ns)
{
    struct pollfd polled = {fd, events, 0};
    while (poll(&polled, 1, left_ms(until_ns)) < 0) {
        if (errno != EINTR) return false;
    }
    return polled.revents != 0;
}

static bool is_connected(int fd, uint64_t until_ns)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (!reach_wait(fd, POLLOUT, until_ns)) {
        errno = ETIMEDOUT;
        return false;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return false;
    errno = error;
    return error == 0;
}

static int reach_one(const struct place *place, uint64_t until_ns)
{
    int one = 1;
    int fd = socket(place->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    int rc = connect(fd, (const struct sockaddr *)&place->storage, place->length);
    if (rc == 0 || (errno == EINPROGRESS && is_connected(fd, until_ns))) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int reach(const struct address *address, uint64_t until_ns)
{
    int fd = -1;
    for (uint32_t i = 0; fd < 0 && i < address->count; i++) {
        uint64_t now = loop_clock_ns(), left = until_ns > now ? until_ns - now : 0;
        /* Who does not answer leaves the others their share of the time. */
        fd = reach_one(&address->places[i], now + left / (address->count - i));
    }
    return fd;
}

void reach_loopback(struct address *address, uint16_t port)
{
    struct sockaddr_in *loopback = (struct sockaddr_in *)&address->places[0].storage;
    *address = (struct address){.count = 1, .host = "127.0.0.1"};
    *loopback = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address->places[0].length = sizeof *loopback;
}
