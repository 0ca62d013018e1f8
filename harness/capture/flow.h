/* One direction of a TCP connection, put in order. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_FLOW_H
#define HARNESS_CAPTURE_FLOW_H

#include "harness/capture/layers.h"

enum { FLOW_PENDING_MAX = 4096, FLOW_PENDING_BYTES_MAX = 16 << 20 };

/* A segment that came too early; its bytes follow it. */
struct flow_segment {
    struct flow_segment *next;
    uint32_t sequence, packet;
    size_t size;
    uint8_t bytes[];
};

struct flow {
    bool begun, amid;           /* a segment was seen; the first of them was no SYN */
    bool broken;                /* bytes are missing for good: nothing more is delivered */
    uint32_t next;              /* sequence number of the next byte */
    uint32_t repeated, early;   /* segments that brought nothing new, that came too early */
    struct flow_segment *pending;   /* by sequence number */
    uint32_t pending_count;
    size_t pending_bytes;
};

/* Told of bytes in their order, each once. */
typedef void (*flow_listener)(void *context, const uint8_t *bytes, size_t size);

/* Takes a segment; `packet` is its number. Where segments overlap, what came first counts. Returns
 * NULL, or a sentence in static memory: then the flow is broken. */
const char *flow_take(struct flow *flow, const struct segment *segment, uint32_t packet,
                      flow_listener listener, void *context);

/* Forgets what is pending. Gives the number of a packet that came behind a gap, or 0. */
uint32_t flow_end(struct flow *flow);

#endif
