/* Real connections, as the stage's links have them at their far end (harness/net/outside.h). */
#include "harness/live/internal.h"

#include "fakes/scratch.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE_MAX = 16384 };

struct wire {
    struct wire *next;
    const struct outside_calls *calls;
    void *context;
    struct watch *watch;    /* NULL: closed */
    char *out;              /* what the socket has not taken yet */
    size_t out_length, out_capacity;
    struct secure *secure;  /* NULL: plain bytes */
    bool ending;            /* nothing more will be sent */
    bool told;              /* that its end has come */
};

static struct loop *network_loop;
static const struct address *network_address; /* of everybody; NULL: the loopback */
static struct wire *wires;  /* of the run */
static bool network_over;   /* what comes now is not read */

static struct wire *wire_of(struct outside *outside)
{
    return (struct wire *)(void *)outside;
}

static void end(struct wire *wire, bool reset)
{
    if (wire->watch != NULL) loop_close(wire->watch);
    wire->watch = NULL;
    secure_free(wire->secure);
    wire->secure = NULL;
    if (wire->told) return;
    wire->told = true;
    wire->calls->ended(wire->context, reset);
}

static void flush(struct wire *wire)
{
    while (wire->out_length > 0) {
        ssize_t count = send(wire->watch->fd, wire->out, wire->out_length, MSG_NOSIGNAL);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (count < 0) {
            end(wire, true);
            return;
        }
        wire->out_length -= (size_t)count;
        memmove(wire->out, wire->out + count, wire->out_length);
    }
    if (wire->out_length > 0) {
        wire->watch->events |= POLLOUT;
        return;
    }
    wire->watch->events &= (short)~POLLOUT;
    if (wire->ending) (void)shutdown(wire->watch->fd, SHUT_WR);
}

/* What waits in the filter goes to the socket. */
static void pass_on(struct wire *wire)
{
    char piece[PIECE_MAX];
    for (size_t count; (count = secure_sends(wire->secure, piece, sizeof piece)) > 0;) {
        scratch_room(&wire->out, wire->out_length, &wire->out_capacity, count);
        memcpy(wire->out + wire->out_length, piece, count);
        wire->out_length += count;
    }
}

/* Bytes of the socket, which are what the daemon says, or have it inside. */
static void hear(struct wire *wire, const char *bytes, size_t count)
{
    char plain[PIECE_MAX];
    if (wire->secure == NULL) {
        wire->calls->bytes(wire->context, bytes, count);
        return;
    }
    bool good = secure_take(wire->secure, bytes, count);
    pass_on(wire);
    flush(wire);
    for (size_t more; good && wire->secure != NULL &&
                      (more = secure_read(wire->secure, plain, sizeof plain)) > 0;)
        wire->calls->bytes(wire->context, plain, more);
    if (wire->secure != NULL && (!good || secure_ended(wire->secure))) end(wire, !good);
}

/* Who has no room is not read from: the bytes stay in the daemon's socket, and it feels that. */
static void take(struct wire *wire)
{
    char piece[PIECE_MAX];
    while (wire->watch != NULL && !network_over && wire->calls->room(wire->context) > 0) {
        ssize_t count = read(wire->watch->fd, piece, sizeof piece);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (count <= 0) {
            end(wire, count < 0);
            return;
        }
        loop_look(network_loop);
        hear(wire, piece, (size_t)count);
    }
    if (wire->watch != NULL) wire->watch->events &= (short)~POLLIN;
}

static void ready(void *context, short events)
{
    struct wire *wire = context;
    if (events & POLLOUT) flush(wire);
    if (wire->watch != NULL && events & (POLLIN | POLLHUP | POLLERR)) take(wire);
}

static void begin_secure(struct wire *wire, const char *host)
{
    wire->secure = secure_new(host);
    pass_on(wire);
    flush(wire);
}

/* Waits for the way there and back; on the loopback that takes no time, whoever is there. */
static struct outside *wire_connect(uint16_t port, const struct outside_calls *calls, void *context)
{
    struct address loopback;
    const struct address *address = network_address;
    if (address == NULL) {
        reach_loopback(&loopback, port);
        address = &loopback;
    }
    int fd = reach(address, network_loop->until_ns);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == EADDRNOTAVAIL))
        world_stop("no connection can be made any more: %s", strerror(errno));
    if (fd < 0) return NULL;
    struct wire *wire = scratch_alloc(sizeof *wire);
    *wire = (struct wire){.next = wires, .calls = calls, .context = context};
    wires = wire;
    wire->watch = loop_watch(network_loop, fd, POLLIN, ready, wire);
    if (address->secure) begin_secure(wire, address->host);
    return (struct outside *)(void *)wire;
}

static void wire_send(struct outside *outside, const char *bytes, size_t count)
{
    struct wire *wire = wire_of(outside);
    if (wire->watch == NULL) return;
    if (wire->secure != NULL) {
        secure_write(wire->secure, bytes, count);
        pass_on(wire);
    } else {
        scratch_room(&wire->out, wire->out_length, &wire->out_capacity, count);
        memcpy(wire->out + wire->out_length, bytes, count);
        wire->out_length += count;
    }
    flush(wire);
}

static void wire_end(struct outside *outside)
{
    struct wire *wire = wire_of(outside);
    if (wire->watch == NULL || wire->ending) return;
    wire->ending = true;
    flush(wire);
}

static void wire_reset(struct outside *outside)
{
    struct wire *wire = wire_of(outside);
    struct linger at_once = {1, 0};
    if (wire->watch == NULL) return;
    (void)setsockopt(wire->watch->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    wire->told = true;
    end(wire, true);
}

static void wire_resume(struct outside *outside)
{
    struct wire *wire = wire_of(outside);
    if (wire->watch != NULL) wire->watch->events |= POLLIN;
}

void network_begin(struct loop *loop, const struct address *address)
{
    network_loop = loop;
    network_address = address;
    network_over = false;
    wires = NULL;
}

void network_end(void)
{
    network_over = true;
}

void network_forget(void)
{
    for (struct wire *wire = wires; wire != NULL; wire = wire->next) secure_free(wire->secure);
    wires = NULL;
}

const struct outside_network live_network = {
    wire_connect, wire_send, wire_end, wire_reset, wire_resume,
};
