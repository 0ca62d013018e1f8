/* TCP segments as Ethernet frames, with all lengths and checksums right. Pure functions. */
#ifndef HARNESS_CAPTURE_PACKET_H
#define HARNESS_CAPTURE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address of IPv4 (the first four bytes) or IPv6, and a port. */
struct packet_address {
    bool six;
    uint8_t bytes[16];
    uint16_t port;
};

enum { PACKET_ADDRESS_TEXT = 64, PACKET_PAYLOAD_MAX = 1400, PACKET_SIZE_MAX = 1600 };

enum packet_flags {
    PACKET_FIN = 1,
    PACKET_SYN = 2,
    PACKET_RST = 4,
    PACKET_PUSH = 8,
    PACKET_ACK = 16,
};

struct packet {
    const struct packet_address *from, *to; /* of one family */
    uint32_t sequence, acknowledged;
    uint8_t flags;          /* of enum packet_flags */
    const uint8_t *payload;
    size_t length;          /* at most PACKET_PAYLOAD_MAX */
};

/* Writes the frame, MAC addresses made from the addresses, and gives its size. A PACKET_SYN carries
 * the options maximum segment size and window scale. */
size_t packet_write(const struct packet *packet, uint8_t bytes[PACKET_SIZE_MAX]);

/* "10.0.0.1:8080", "[fd00::1]:8080". */
void packet_address_text(const struct packet_address *address, char text[PACKET_ADDRESS_TEXT]);

bool packet_address_same(const struct packet_address *one, const struct packet_address *other);

/* The sum of RFC 1071 over bytes, added to `sum`, not folded; `packet_fold` makes it a checksum. */
uint32_t packet_sum(const uint8_t *bytes, size_t size, uint32_t sum);
uint16_t packet_fold(uint32_t sum);

#endif
