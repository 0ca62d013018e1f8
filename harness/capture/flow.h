/* One direction of a TCP connection, put in order. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_FLOW_H
#define HARNESS_CAPTURE_FLOW_H

#include "harness/capture/layers.h"

enum { FLOW_PENDING_MAX = 4096, FLOW_PENDING_BYTES_MAX = 16 << 20 };

/* A packet of the capture. */
struct flow_packet {
    uint32_t number;
    uint64_t time_ns;
};

/* A segment that came too early; its bytes follow it. */
struct flow_segment {
    struct flow_segment *next;
    struct flow_packet packet;
    uint32_t sequence;
    size_t size, length;        /* kept; on the wire */
    uint8_t bytes[];
};

struct flow {
    bool begun;                 /* a segment was seen, or is known to come */
    uint32_t first, next;       /* sequence numbers of the first byte, and of the next one */
    uint32_t repeated, early;   /* segments that brought nothing new, that came too early */
    uint64_t missing;           /* bytes that the capture does not have, */
    uint32_t gaps;              /* in so many places, */
    uint32_t first_gap;         /* the first of them before this packet, or in it: */
    bool first_cut;
    struct flow_packet latest;  /* of what was delivered last */
    struct flow_segment *pending;   /* by sequence number */
    uint32_t pending_count;
    size_t pending_bytes;
};

/* Told of bytes in their order, each once, and of the packet that made them complete. NULL for
 * `bytes`: so many are missing. */
typedef void (*flow_listener)(void *context, const struct flow_packet *packet,
                              const uint8_t *bytes, size_t size);

/* Its first byte has that sequence number, if none has come so far. */
void flow_begin(struct flow *flow, uint32_t sequence);

/* Takes a segment. Where segments overlap, what came first counts. Bytes that do not come are given
 * up when too much waits for them, or by flow_resume. */
void flow_take(struct flow *flow, const struct segment *segment, const struct flow_packet *packet,
               flow_listener listener, void *context);

/* The packet of the first segment that waits for bytes before it, or 0. */
uint32_t flow_waits(const struct flow *flow);

/* Gives up the bytes that flow_waits is about, and delivers what came behind them. */
void flow_resume(struct flow *flow, flow_listener listener, void *context);

/* Forgets what is pending. */
void flow_end(struct flow *flow);

#endif
