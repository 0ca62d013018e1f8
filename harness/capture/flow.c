/* Segments of TCP in order: retransmissions, overlaps, early ones, and gaps. */
#include "harness/capture/flow.h"

#include <stdlib.h>
#include <string.h>

/* How far a sequence number lies ahead, which wraps (RFC 9293, section 3.4). */
static int32_t ahead(uint32_t sequence, uint32_t of)
{
    return (int32_t)(sequence - of);
}

static void keep(struct flow *flow, uint32_t sequence, const struct slice *payload,
                 const struct flow_packet *packet)
{
    struct flow_segment **at = &flow->pending;
    struct flow_segment *segment = malloc(sizeof *segment + payload->size);

    if (segment == NULL) abort();
    segment->packet = *packet;
    segment->sequence = sequence;
    segment->size = payload->size;
    segment->length = payload->length;
    memcpy(segment->bytes, payload->at, payload->size);
    while (*at != NULL && ahead((*at)->sequence, sequence) <= 0) at = &(*at)->next;
    segment->next = *at;
    *at = segment;
    flow->pending_count++;
    flow->pending_bytes += payload->size;
    flow->early++;
}

static void miss(struct flow *flow, const struct flow_packet *packet, size_t size, bool cut,
                 flow_listener listener, void *context)
{
    if (flow->gaps++ == 0) {
        flow->first_gap = packet->number;
        flow->first_cut = cut;
    }
    flow->missing += size;
    listener(context, packet, NULL, size);
}

/* Delivers what is new of these bytes, which begin no later than where the flow stands; what was
 * cut of them is missing. */
static void deliver(struct flow *flow, uint32_t sequence, const struct slice *payload,
                    const struct flow_packet *packet, flow_listener listener, void *context)
{
    size_t known = flow->next - sequence;

    if (known >= payload->length) {
        flow->repeated++;
        return;
    }
    flow->next = sequence + (uint32_t)payload->length;
    if (known < payload->size)
        listener(context, packet, payload->at + known, payload->size - known);
    if (payload->size == payload->length) return;
    miss(flow, packet, payload->length - (known < payload->size ? payload->size : known), true,
         listener, context);
}

static struct flow_segment *pop(struct flow *flow)
{
    struct flow_segment *first = flow->pending;

    flow->pending = first->next;
    flow->pending_count--;
    flow->pending_bytes -= first->size;
    return first;
}

/* What was waiting is complete by that packet or by its own, whichever is later. */
static void deliver_pending(struct flow *flow, struct flow_packet by, flow_listener listener,
                            void *context)
{
    while (flow->pending != NULL && ahead(flow->pending->sequence, flow->next) <= 0) {
        struct flow_segment *first = pop(flow);
        struct slice payload = { first->bytes, first->size, first->length };
        if (by.number < first->packet.number) by = first->packet;
        flow->latest = by;
        deliver(flow, first->sequence, &payload, &by, listener, context);
        free(first);
    }
}

void flow_begin(struct flow *flow, uint32_t sequence)
{
    if (flow->begun) return;
    flow->begun = true;
    flow->first = flow->next = sequence;
}

void flow_take(struct flow *flow, const struct segment *segment, const struct flow_packet *packet,
               flow_listener listener, void *context)
{
    const struct slice *payload = &segment->payload;
    uint32_t sequence = segment->sequence + (segment->flags & PACKET_SYN ? 1 : 0);

    flow_begin(flow, sequence);
    /* Also an end shows that bytes before it are missing. */
    if (payload->length == 0 &&
        !(segment->flags & PACKET_FIN && ahead(sequence, flow->next) > 0))
        return;
    if (ahead(sequence, flow->next) > 0) {
        keep(flow, sequence, payload, packet);
        while (flow->pending_count > FLOW_PENDING_MAX ||
               flow->pending_bytes > FLOW_PENDING_BYTES_MAX)
            flow_resume(flow, listener, context);
        return;
    }
    flow->latest = *packet;
    deliver(flow, sequence, payload, packet, listener, context);
    deliver_pending(flow, *packet, listener, context);
}

uint32_t flow_waits(const struct flow *flow)
{
    return flow->pending == NULL ? 0 : flow->pending->packet.number;
}

void flow_resume(struct flow *flow, flow_listener listener, void *context)
{
    struct flow_packet packet = flow->pending->packet;
    uint32_t size = flow->pending->sequence - flow->next;

    if (packet.number < flow->latest.number) packet = flow->latest;
    flow->next = flow->pending->sequence;
    miss(flow, &packet, size, false, listener, context);
    deliver_pending(flow, packet, listener, context);
}

void flow_end(struct flow *flow)
{
    while (flow->pending != NULL) free(pop(flow));
}
