/* From the bytes of a packet to the TCP segment inside. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_LAYERS_H
#define HARNESS_CAPTURE_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/capture/packet.h"

/* Bytes of a packet: `size` are there, `length` were on the wire, which is never less. */
struct slice {
    const uint8_t *at;
    size_t size, length;
};

/* What became of a packet. FOREIGN is something else than TCP over IP, which is no mistake. */
enum layer_result { LAYER_GOOD, LAYER_FOREIGN, LAYER_HELD, LAYER_BAD };

/* Whether captures of this link type (DLT_...) can be read. */
bool link_known(int type);

/* Takes the link's header off; what is left begins with an IP header. */
enum layer_result link_strip(int type, struct slice *packet, const char **problem);

/* A datagram, whole. */
struct datagram {
    struct packet_address from, to;     /* without ports */
    uint8_t protocol;
    struct slice payload;
};

/* Puts fragments together. */
struct fragments;
struct fragments *fragments_new(void);
void fragments_free(struct fragments *fragments);

/* Reads the IP headers. LAYER_HELD: a fragment, more of which is to come; the payload of a datagram
 * that was put together is valid until the next call. */
enum layer_result ip_read(struct fragments *fragments, const struct slice *packet, uint32_t number,
                          struct datagram *datagram, const char **problem);

/* The number of the first packet of a datagram that was never completed, and forgets it; 0: there
 * is none. */
uint32_t fragments_left(struct fragments *fragments);

struct segment {
    struct packet_address from, to;
    uint32_t sequence, acknowledged;
    uint8_t flags;                      /* of enum packet_flags */
    struct slice payload;
};

enum layer_result tcp_read(const struct datagram *datagram, struct segment *segment,
                           const char **problem);

/* Reads big-endian numbers. */
static inline uint32_t get16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static inline uint32_t get32(const uint8_t *bytes)
{
    return get16(bytes) << 16 | get16(bytes + 2);
}

#endif
