#include "pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "channel.h"
#include "epoll.h"

/* What is written in one piece of at most PIPE_BUF bytes is never torn. */
enum { CAPACITY = 65536, CAPACITY_LEAST = 4096, CAPACITY_MOST = 1 << 20 };

struct pipe {
    struct channel channel;
    uint32_t ends; /* that are still there */
};
struct pipe_end {
    struct description description;
    struct pipe *pipe;
};

static struct channel *channel_of(const struct description *self)
{
    return &((const struct pipe_end *)self)->pipe->channel;
}

static void tell_pipe(const struct world_place *place, char *out, size_t bytes)
{
    const struct channel *channel = (const struct channel *)place;
    const struct description *end = channel->reader ? channel->reader : channel->writer;
    snprintf(out, bytes, "pipe %d", end ? end->number : -1);
}

/* --- reading and writing --- */

static bool can_read(const void *context)
{
    const struct transfer *transfer = context;
    return channel_gates(channel_of(transfer->self)) & WORLD_GATE_IN;
}

static bool can_write(const void *context)
{
    const struct transfer *transfer = context;
    const struct channel *channel = channel_of(transfer->self);
    return channel->broken || channel_room(channel) >= transfer->need;
}

static ssize_t read_pipe(struct transfer *transfer)
{
    struct channel *channel = channel_of(transfer->self);
    struct transfer_gate gate = {.place = &channel->place, .open = can_read,
                                 .op = WORLD_OP_RECV, .gates = WORLD_GATE_IN,
                                 .waits = description_waits(transfer->self, 0)};
    if (transfer->count == 0) return 0;
    if (!transfer_pass(transfer, &gate)) return transfer->why;
    uint32_t before = channel_gates(channel);
    size_t count = channel_take(channel, transfer);
    transfer_say(transfer, (ssize_t)count);
    channel_step(channel, WORLD_OP_RECV, (uint32_t)count, before,
                 gate.waits ? WORLD_GATE_IN : 0);
    place_touch(transfer->bytes, count, true);
    return (ssize_t)count;
}

/* As much as there is room for. */
static void write_some(struct channel *channel, struct transfer *transfer, uint32_t passed)
{
    size_t room = channel_room(channel), left = transfer->count - transfer->done;
    size_t count = room < left ? room : left;
    uint32_t before = channel_gates(channel);
    channel_put(channel, transfer, count);
    transfer_say(transfer, (ssize_t)count);
    channel_step(channel, WORLD_OP_SEND, (uint32_t)count, before, passed);
}

static ssize_t write_pipe(struct transfer *transfer)
{
    struct channel *channel = channel_of(transfer->self);
    struct transfer_gate gate = {.place = &channel->place, .open = can_write,
                                 .op = WORLD_OP_SEND, .gates = WORLD_GATE_OUT,
                                 .waits = description_waits(transfer->self, 0)};
    while (transfer->done < transfer->count) {
        transfer->need = transfer->count <= PIPE_BUF ? transfer->count : 1;
        if (!transfer_pass(transfer, &gate)) {
            return transfer->done > 0 ? (ssize_t)transfer->done : transfer->why;
        }
        if (channel->broken) {
            transfer_say(transfer, -EPIPE);
            place_step(&channel->place, WORLD_OP_SEND, WORLD_READ, EPIPE);
            return transfer->done > 0 ? (ssize_t)transfer->done : transfer_broken(transfer);
        }
        write_some(channel, transfer, gate.waits ? WORLD_GATE_OUT : 0);
        /* Whoever is woken may go first: a long piece is written in parts. */
    }
    return (ssize_t)transfer->done;
}

/* --- the rest --- */

static short ready(const struct description *self)
{
    const struct channel *channel = channel_of(self);
    short events = 0;
    if (self == channel->reader) {
        if (channel->queue.count > 0) events |= POLLIN | POLLRDNORM;
        if (channel->ended) events |= POLLHUP;
    } else {
        if (channel_room(channel) >= channel->writable_from) events |= POLLOUT | POLLWRNORM;
        if (channel->broken) events |= POLLERR;
    }
    return events;
}

static uint32_t places(struct description *self, struct world_place **out)
{
    *out = &channel_of(self)->place;
    return 1;
}

static void release(struct description *self)
{
    struct pipe *pipe = ((struct pipe_end *)self)->pipe;
    struct channel *channel = &pipe->channel;
    uint32_t before = channel_gates(channel);
    bool reads = self == channel->reader;
    struct description *other = reads ? channel->writer : channel->reader;
    if (reads) {
        channel->broken = true;
    } else {
        channel->ended = true;
    }
    if (other) description_event(other, 0);
    channel_step(channel, WORLD_OP_CLOSE, 0, before, 0);
    *(reads ? &channel->reader : &channel->writer) = NULL;
    store_give(self, sizeof(struct pipe_end));
    if (--pipe->ends > 0) return;
    bytes_free(&channel->queue);
    /* The place stays: steps refer to it. */
}

static int control(struct description *self, unsigned long request, void *argument)
{
    if (request != FIONREAD) return -ENOTTY;
    *(int *)argument = (int)channel_of(self)->queue.count;
    return 0;
}

static const struct description_kind kind = {
    .word = "pipe", .read = read_pipe, .write = write_pipe, .control = control, .ready = ready,
    .places = places, .release = release,
};

int pipe_capacity(const struct description *self)
{
    return self->kind == &kind ? (int)channel_of(self)->capacity : -EBADF;
}

int pipe_capacity_set(struct description *self, int bytes)
{
    size_t capacity = CAPACITY_LEAST;
    if (self->kind != &kind) return -EBADF;
    if (bytes > CAPACITY_MOST) return -EPERM;
    while (capacity < (size_t)bytes) capacity *= 2;
    struct channel *channel = channel_of(self);
    if (capacity < channel->queue.count) return -EBUSY;
    channel->capacity = capacity;
    return (int)capacity;
}

static struct pipe_end *end_of(struct pipe *pipe)
{
    struct pipe_end *end = store_take(sizeof *end);
    end->pipe = pipe;
    return end;
}

static int make(int numbers[2], int flags, uintptr_t site)
{
    place_enter(site);
    if (flags & ~(O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
    struct pipe *pipe = store_take(sizeof *pipe);
    struct pipe_end *reader = end_of(pipe), *writer = end_of(pipe);
    pipe->channel = (struct channel){.place.tell = tell_pipe, .capacity = CAPACITY,
                                     .writable_from = PIPE_BUF};
    pipe->ends = 2;
    place_point(NULL, WORLD_NONE);
    int in = descriptor_open(&reader->description, &kind, O_RDONLY | flags, 0);
    if (in < 0) return in;
    int out = descriptor_open(&writer->description, &kind, O_WRONLY | flags, 0);
    if (out < 0) {
        descriptor_close(in);
        return out;
    }
    pipe->channel.reader = &reader->description;
    pipe->channel.writer = &writer->description;
    numbers[0] = in;
    numbers[1] = out;
    return 0;
}

int world_pipe2(int numbers[2], int flags)
{
    return (int)result_of(make(numbers, flags, CALL_SITE));
}

int world_pipe(int numbers[2])
{
    return (int)result_of(make(numbers, 0, CALL_SITE));
}
