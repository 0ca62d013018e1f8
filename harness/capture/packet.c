/* Ethernet, IPv4 (RFC 791), IPv6 (RFC 8200), TCP (RFC 9293, RFC 7323): writing them. */
#include "harness/capture/packet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { ETHERNET = 14, IP4 = 20, IP6 = 40, TCP = 20, TCP_PROTOCOL = 6, HOPS = 64 };

/* Segments are not limited by the window: 65535 << 7 bytes may be under way. */
enum { WINDOW = 65535, WINDOW_SCALE = 7 };

static void put16(uint8_t *bytes, uint32_t number)
{
    bytes[0] = (uint8_t)(number >> 8);
    bytes[1] = (uint8_t)number;
}

static void put32(uint8_t *bytes, uint32_t number)
{
    put16(bytes, number >> 16);
    put16(bytes + 2, number & 0xffff);
}

uint32_t packet_sum(const uint8_t *bytes, size_t size, uint32_t sum)
{
    for (size_t i = 0; i + 1 < size; i += 2) sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return size % 2 == 0 ? sum : sum + ((uint32_t)bytes[size - 1] << 8);
}

uint16_t packet_fold(uint32_t sum)
{
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static size_t address_size(const struct packet_address *address)
{
    return address->six ? 16 : 4;
}

/* A locally administered address that shows the end of the host's own. */
static void put_mac(uint8_t *bytes, const struct packet_address *address)
{
    bytes[0] = 2;
    bytes[1] = 0;
    memcpy(bytes + 2, address->bytes + address_size(address) - 4, 4);
}

static void put_ethernet(uint8_t *bytes, const struct packet *packet)
{
    put_mac(bytes, packet->to);
    put_mac(bytes + 6, packet->from);
    put16(bytes + 12, packet->from->six ? 0x86dd : 0x0800);
}

static void put_ip4(uint8_t *bytes, const struct packet *packet, size_t length)
{
    memset(bytes, 0, IP4);
    bytes[0] = 0x45;
    put16(bytes + 2, (uint32_t)(IP4 + length));
    bytes[6] = 0x40; /* may not be fragmented */
    bytes[8] = HOPS;
    bytes[9] = TCP_PROTOCOL;
    memcpy(bytes + 12, packet->from->bytes, 4);
    memcpy(bytes + 16, packet->to->bytes, 4);
    put16(bytes + 10, packet_fold(packet_sum(bytes, IP4, 0)));
}

static void put_ip6(uint8_t *bytes, const struct packet *packet, size_t length)
{
    memset(bytes, 0, 8);
    bytes[0] = 0x60;
    put16(bytes + 4, (uint32_t)length);
    bytes[6] = TCP_PROTOCOL;
    bytes[7] = HOPS;
    memcpy(bytes + 8, packet->from->bytes, 16);
    memcpy(bytes + 24, packet->to->bytes, 16);
}

static size_t put_options(uint8_t *bytes, const struct packet *packet)
{
    if (!(packet->flags & PACKET_SYN)) return 0;
    bytes[0] = 2;
    bytes[1] = 4;
    put16(bytes + 2, PACKET_PAYLOAD_MAX);
    bytes[4] = 3;
    bytes[5] = 3;
    bytes[6] = WINDOW_SCALE;
    bytes[7] = 1; /* no operation: padding */
    return 8;
}

static size_t put_tcp(uint8_t *bytes, const struct packet *packet)
{
    size_t options = put_options(bytes + TCP, packet);
    size_t size = TCP + options + packet->length, wide = address_size(packet->from);

    put16(bytes, packet->from->port);
    put16(bytes + 2, packet->to->port);
    put32(bytes + 4, packet->sequence);
    put32(bytes + 8, packet->flags & PACKET_ACK ? packet->acknowledged : 0);
    bytes[12] = (uint8_t)((TCP + options) / 4 << 4);
    bytes[13] = packet->flags;
    put16(bytes + 14, WINDOW);
    put32(bytes + 16, 0);
    if (packet->length > 0) memcpy(bytes + TCP + options, packet->payload, packet->length);
    uint32_t sum = TCP_PROTOCOL + (uint32_t)size;
    sum = packet_sum(packet->from->bytes, wide, sum);
    sum = packet_sum(packet->to->bytes, wide, sum);
    put16(bytes + 16, packet_fold(packet_sum(bytes, size, sum)));
    return size;
}

size_t packet_write(const struct packet *packet, uint8_t bytes[PACKET_SIZE_MAX])
{
    size_t head = ETHERNET + (packet->from->six ? IP6 : IP4);
    size_t size = put_tcp(bytes + head, packet);

    put_ethernet(bytes, packet);
    if (packet->from->six)
        put_ip6(bytes + ETHERNET, packet, size);
    else
        put_ip4(bytes + ETHERNET, packet, size);
    return head + size;
}

void packet_address_text(const struct packet_address *address, char text[PACKET_ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN];

    (void)inet_ntop(address->six ? AF_INET6 : AF_INET, address->bytes, host, sizeof host);
    (void)snprintf(text, PACKET_ADDRESS_TEXT, address->six ? "[%s]:%u" : "%s:%u", host,
                   address->port);
}

bool packet_address_same(const struct packet_address *one, const struct packet_address *other)
{
    return one->six == other->six && one->port == other->port &&
           memcmp(one->bytes, other->bytes, address_size(one)) == 0;
}
