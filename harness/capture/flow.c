/* Segments of TCP in order: retransmissions, overlaps, early ones. */
#include "harness/capture/flow.h"

#include <stdlib.h>
#include <string.h>

/* How far a sequence number lies ahead, which wraps (RFC 9293, section 3.4). */
static int32_t ahead(uint32_t sequence, uint32_t of)
{
    return (int32_t)(sequence - of);
}

static const char *keep(struct flow *flow, uint32_t sequence, const struct slice *payload,
                        uint32_t packet)
{
    struct flow_segment **at = &flow->pending;

    if (payload->size == 0) return NULL;
    if (flow->pending_count == FLOW_PENDING_MAX ||
        payload->size > FLOW_PENDING_BYTES_MAX - flow->pending_bytes)
        return "too much came behind missing bytes";
    struct flow_segment *segment = malloc(sizeof *segment + payload->size);
    if (segment == NULL) return "out of memory";
    segment->sequence = sequence;
    segment->packet = packet;
    segment->size = payload->size;
    memcpy(segment->bytes, payload->at, payload->size);
    while (*at != NULL && ahead((*at)->sequence, sequence) <= 0) at = &(*at)->next;
    segment->next = *at;
    *at = segment;
    flow->pending_count++;
    flow->pending_bytes += payload->size;
    flow->early++;
    return NULL;
}

/* Delivers what is new of these bytes, which begin no later than where the flow stands. */
static void deliver(struct flow *flow, uint32_t sequence, const uint8_t *bytes, size_t size,
                    flow_listener listener, void *context)
{
    size_t known = flow->next - sequence;

    if (known >= size) {
        flow->repeated++;
        return;
    }
    flow->next += (uint32_t)(size - known);
    listener(context, bytes + known, size - known);
}

static struct flow_segment *pop(struct flow *flow)
{
    struct flow_segment *first = flow->pending;

    flow->pending = first->next;
    flow->pending_count--;
    flow->pending_bytes -= first->size;
    return first;
}

static void deliver_pending(struct flow *flow, flow_listener listener, void *context)
{
    while (flow->pending != NULL && ahead(flow->pending->sequence, flow->next) <= 0) {
        struct flow_segment *first = pop(flow);
        deliver(flow, first->sequence, first->bytes, first->size, listener, context);
        free(first);
    }
}

static const char *take(struct flow *flow, const struct segment *segment, uint32_t packet,
                        flow_listener listener, void *context)
{
    const struct slice *payload = &segment->payload;
    uint32_t sequence = segment->sequence + (segment->flags & PACKET_SYN ? 1 : 0);

    if (!flow->begun) {
        flow->begun = true;
        flow->amid = !(segment->flags & PACKET_SYN);
        flow->next = sequence;
    }
    if (payload->length == 0) return NULL;
    if (ahead(sequence, flow->next) > 0) {
        if (payload->size < payload->length) return "a segment was cut by the capture";
        return keep(flow, sequence, payload, packet);
    }
    deliver(flow, sequence, payload->at, payload->size, listener, context);
    deliver_pending(flow, listener, context);
    if (payload->size < payload->length &&
        ahead(sequence + (uint32_t)payload->length, flow->next) > 0)
        return "a segment was cut by the capture";
    return NULL;
}

const char *flow_take(struct flow *flow, const struct segment *segment, uint32_t packet,
                      flow_listener listener, void *context)
{
    if (flow->broken) return NULL;
    const char *problem = take(flow, segment, packet, listener, context);
    if (problem != NULL) flow->broken = true;
    return problem;
}

uint32_t flow_end(struct flow *flow)
{
    uint32_t packet = flow->pending == NULL || flow->broken ? 0 : flow->pending->packet;

    while (flow->pending != NULL) free(pop(flow));
    return packet;
}
