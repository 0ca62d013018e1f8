/* IPv4 (RFC 791) and IPv6 (RFC 8200) with their fragments, and TCP's header (RFC 9293). */
#include <stdlib.h>
#include <string.h>

#include "harness/capture/layers.h"

enum { DATAGRAM_MAX = 65535, BLOCK = 8, BLOCKS = DATAGRAM_MAX / BLOCK + 1, HELD_MAX = 64 };
enum { PROTOCOL_TCP = 6 };

/* A datagram of which some fragments have come. */
struct held {
    struct datagram datagram;
    uint32_t id;
    uint32_t packet;            /* number of the first; 0: this place is free */
    uint32_t total;             /* bytes; 0: the last one has not come */
    uint8_t come[BLOCKS / 8 + 1];   /* a bit for each block */
    uint8_t bytes[DATAGRAM_MAX + 1];
};

struct fragments {
    struct held *held[HELD_MAX];
    uint32_t next;              /* place of the one to be given up when there is no room */
};

struct fragments *fragments_new(void)
{
    return calloc(1, sizeof(struct fragments));
}

void fragments_free(struct fragments *fragments)
{
    if (fragments == NULL) return;
    for (uint32_t i = 0; i < HELD_MAX; i++) free(fragments->held[i]);
    free(fragments);
}

uint32_t fragments_left(struct fragments *fragments)
{
    for (uint32_t i = 0; i < HELD_MAX; i++) {
        struct held *held = fragments->held[i];
        if (held == NULL || held->packet == 0) continue;
        uint32_t packet = held->packet;
        held->packet = 0;
        return packet;
    }
    return 0;
}

/* --- fragments --- */

struct piece {
    uint32_t id, offset;
    bool more;
};

static struct held *find_held(struct fragments *fragments, const struct datagram *datagram,
                              uint32_t id)
{
    for (uint32_t i = 0; i < HELD_MAX; i++) {
        struct held *held = fragments->held[i];
        if (held != NULL && held->packet != 0 && held->id == id &&
            held->datagram.protocol == datagram->protocol &&
            packet_address_same(&held->datagram.from, &datagram->from) &&
            packet_address_same(&held->datagram.to, &datagram->to))
            return held;
    }
    return NULL;
}

static struct held *hold(struct fragments *fragments, const struct datagram *datagram, uint32_t id,
                         uint32_t number)
{
    struct held **place = &fragments->held[fragments->next++ % HELD_MAX];

    if (*place == NULL) *place = malloc(sizeof **place);
    if (*place == NULL) return NULL;
    struct held *held = *place;
    held->datagram = *datagram;
    held->id = id;
    held->packet = number;
    held->total = 0;
    memset(held->come, 0, sizeof held->come);
    return held;
}

/* Of fragments that overlap, what came first counts. */
static void keep_piece(struct held *held, const struct piece *piece, const struct slice *payload)
{
    for (size_t at = 0; at < payload->size; at += BLOCK) {
        size_t block = (piece->offset + at) / BLOCK, size = payload->size - at;
        if (held->come[block / 8] >> (block % 8) & 1) continue;
        held->come[block / 8] |= (uint8_t)(1 << block % 8);
        memcpy(held->bytes + piece->offset + at, payload->at + at, size < BLOCK ? size : BLOCK);
    }
    if (!piece->more) held->total = piece->offset + (uint32_t)payload->size;
}

static bool is_whole(const struct held *held)
{
    for (uint32_t block = 0; block < (held->total + BLOCK - 1) / BLOCK; block++) {
        if (!(held->come[block / 8] >> (block % 8) & 1)) return false;
    }
    return held->total > 0;
}

static enum layer_result take_piece(struct fragments *fragments, const struct piece *piece,
                                    uint32_t number, struct datagram *datagram,
                                    const char **problem)
{
    const struct slice *payload = &datagram->payload;

    if (payload->size < payload->length) {
        *problem = "a fragment was cut by the capture";
        return LAYER_BAD;
    }
    if (piece->offset + payload->size > DATAGRAM_MAX ||
        (piece->more && (payload->size % BLOCK != 0 || payload->size == 0))) {
        *problem = "a fragment has an impossible length";
        return LAYER_BAD;
    }
    struct held *held = find_held(fragments, datagram, piece->id);
    if (held == NULL) held = hold(fragments, datagram, piece->id, number);
    if (held == NULL) {
        *problem = "out of memory";
        return LAYER_BAD;
    }
    keep_piece(held, piece, payload);
    if (!is_whole(held)) return LAYER_HELD;
    *datagram = held->datagram;
    datagram->payload = (struct slice){ held->bytes, held->total, held->total };
    held->packet = 0;
    return LAYER_GOOD;
}

/* --- IP --- */

static enum layer_result bad(const char **problem, const char *why)
{
    *problem = why;
    return LAYER_BAD;
}

static enum layer_result read_ip4(struct fragments *fragments, const struct slice *packet,
                                  uint32_t number, struct datagram *datagram, const char **problem)
{
    const uint8_t *at = packet->at;
    size_t header = (size_t)(at[0] & 15) * 4;

    if (packet->size < 20 || header < 20 || packet->size < header)
        return bad(problem, "its IPv4 header is cut or impossible");
    size_t total = get16(at + 2);
    /* Zero: the card was to fill it in, after the capture saw it. */
    if (total == 0) total = packet->length;
    if (total < header || total > packet->length)
        return bad(problem, "its IPv4 length does not fit the packet");
    datagram->protocol = at[9];
    memcpy(datagram->from.bytes, at + 12, 4);
    memcpy(datagram->to.bytes, at + 16, 4);
    size_t size = packet->size < total ? packet->size : total;
    datagram->payload = (struct slice){ at + header, size - header, total - header };
    uint32_t field = get16(at + 6);
    struct piece piece = { get16(at + 4), (field & 0x1fff) * BLOCK, field >> 13 & 1 };
    if (datagram->protocol != PROTOCOL_TCP) return LAYER_FOREIGN;
    if (!piece.more && piece.offset == 0) return LAYER_GOOD;
    return take_piece(fragments, &piece, number, datagram, problem);
}

enum {
    IP6_HOPS = 0,
    IP6_ROUTING = 43,
    IP6_FRAGMENT = 44,
    IP6_AUTHENTICATION = 51,
    IP6_OPTIONS = 60,
};

/* Skips the extension headers. False: they are cut. */
static bool skip_extensions(struct slice *rest, uint8_t *next, struct piece *piece)
{
    while (*next == IP6_HOPS || *next == IP6_ROUTING || *next == IP6_FRAGMENT ||
           *next == IP6_AUTHENTICATION || *next == IP6_OPTIONS) {
        if (rest->size < 8) return false;
        size_t length = *next == IP6_FRAGMENT ? 8
            : *next == IP6_AUTHENTICATION ? ((size_t)rest->at[1] + 2) * 4
                                          : ((size_t)rest->at[1] + 1) * 8;
        if (rest->size < length) return false;
        bool fragment = *next == IP6_FRAGMENT;
        if (fragment)
            *piece = (struct piece){ get32(rest->at + 4), get16(rest->at + 2) & 0xfff8,
                                     rest->at[3] & 1 };
        *next = rest->at[0];
        *rest = (struct slice){ rest->at + length, rest->size - length, rest->length - length };
        /* What stands behind the header of a later fragment is no header. */
        if (fragment && piece->offset > 0) return true;
    }
    return true;
}

static enum layer_result read_ip6(struct fragments *fragments, const struct slice *packet,
                                  uint32_t number, struct datagram *datagram, const char **problem)
{
    const uint8_t *at = packet->at;
    struct piece piece = { 0, 0, false };

    if (packet->size < 40) return bad(problem, "its IPv6 header is cut");
    size_t total = get16(at + 4) == 0 ? packet->length : 40 + get16(at + 4);
    if (total > packet->length) return bad(problem, "its IPv6 length does not fit the packet");
    size_t size = packet->size < total ? packet->size : total;
    struct slice rest = { at + 40, size - 40, total - 40 };
    datagram->protocol = at[6];
    datagram->from.six = datagram->to.six = true;
    memcpy(datagram->from.bytes, at + 8, 16);
    memcpy(datagram->to.bytes, at + 24, 16);
    if (!skip_extensions(&rest, &datagram->protocol, &piece))
        return bad(problem, "its IPv6 extension headers are cut");
    datagram->payload = rest;
    if (datagram->protocol != PROTOCOL_TCP) return LAYER_FOREIGN;
    if (!piece.more && piece.offset == 0) return LAYER_GOOD;
    return take_piece(fragments, &piece, number, datagram, problem);
}

enum layer_result ip_read(struct fragments *fragments, const struct slice *packet, uint32_t number,
                          struct datagram *datagram, const char **problem)
{
    memset(datagram, 0, sizeof *datagram);
    if (packet->size == 0) return bad(problem, "it holds nothing");
    switch (packet->at[0] >> 4) {
    case 4: return read_ip4(fragments, packet, number, datagram, problem);
    case 6: return read_ip6(fragments, packet, number, datagram, problem);
    default: return LAYER_FOREIGN;
    }
}

enum layer_result tcp_read(const struct datagram *datagram, struct segment *segment,
                           const char **problem)
{
    const struct slice *payload = &datagram->payload;
    const uint8_t *at = payload->at;

    if (payload->size < 20) return bad(problem, "its TCP header is cut");
    size_t header = (size_t)(at[12] >> 4) * 4;
    if (header < 20 || header > payload->length)
        return bad(problem, "its TCP header has an impossible length");
    if (header > payload->size) return bad(problem, "its TCP header is cut");
    *segment = (struct segment){
        .from = datagram->from, .to = datagram->to, .sequence = get32(at + 4),
        .acknowledged = get32(at + 8), .flags = at[13],
        .payload = { at + header, payload->size - header, payload->length - header } };
    segment->from.port = (uint16_t)get16(at);
    segment->to.port = (uint16_t)get16(at + 2);
    return LAYER_GOOD;
}
