#include "channel.h"

#include <poll.h>
#include <sys/socket.h>

#include "epoll.h"

size_t channel_room(const struct channel *channel)
{
    size_t used = channel->queue.count + channel->flight.count;
    return used < channel->capacity ? channel->capacity - used : 0;
}

uint32_t channel_gates(const struct channel *channel)
{
    bool in = channel->queue.count > 0 || channel->ended;
    bool out = channel_room(channel) > 0 || channel->broken;
    return (in ? (uint32_t)WORLD_GATE_IN : 0) | (out ? (uint32_t)WORLD_GATE_OUT : 0);
}

void channel_step(struct channel *channel, enum world_op op, uint32_t value, uint32_t gates_before,
                  uint32_t passed)
{
    uint32_t opened = channel_gates(channel) & ~gates_before;
    place_step(&channel->place, op, WORLD_WRITE,
               WORLD_RESULT(value) | WORLD_OPENED(opened) | WORLD_PASSED(passed));
    gate_changed();
}

void channel_put(struct channel *channel, struct transfer *transfer, size_t count)
{
    place_touch(transfer->bytes + transfer->done, count, false);
    bytes_add(&channel->queue, transfer->bytes + transfer->done, count);
    channel->put += count;
    transfer->done += count;
    if (channel->reader) description_event(channel->reader, POLLIN | POLLRDNORM);
}

void channel_attach(struct channel *channel, struct parcel *parcel, size_t count)
{
    parcel->from = channel->put;
    parcel->to = channel->put + count;
    if (channel->first_parcel == NULL) channel->last_parcel = &channel->first_parcel;
    *channel->last_parcel = parcel;
    channel->last_parcel = &parcel->next;
}

struct parcel *channel_detach(struct channel *channel)
{
    struct parcel *first = channel->first_parcel;
    if (first == NULL || channel->taken <= first->from) return NULL;
    channel->first_parcel = first->next;
    return first;
}

size_t channel_take(struct channel *channel, struct transfer *transfer)
{
    size_t wanted = transfer->count - transfer->done;
    const struct parcel *parcel = channel->first_parcel;
    if (parcel && parcel->to - channel->taken < wanted) wanted = parcel->to - channel->taken;
    size_t count = bytes_look(&channel->queue, transfer->bytes + transfer->done, wanted);
    transfer->done += count;
    if (transfer->flags & MSG_PEEK) return count;
    bool was_writable = channel_room(channel) >= channel->writable_from;
    bytes_drop(&channel->queue, count);
    channel->taken += count;
    if (was_writable || channel_room(channel) < channel->writable_from) return count;
    if (channel->writer) description_event(channel->writer, POLLOUT | POLLWRNORM);
    return count;
}
