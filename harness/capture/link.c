/* Link headers: everything that may stand before an IP header. */
#include <pcap/dlt.h>
#include <string.h>

#include "harness/capture/layers.h"

enum { TYPE_IP4 = 0x0800, TYPE_IP6 = 0x86dd, TYPE_VLAN = 0x8100, TYPE_SERVICE_VLAN = 0x88a8 };
enum { TYPE_OLD_VLAN = 0x9100, TYPE_PPPOE = 0x8864, PPP_IP4 = 0x21, PPP_IP6 = 0x57 };

/* libpcap's own list gives raw IP several numbers, by platform. */
enum { RAW_OTHER = 14, RAW_LINKTYPE = 101 };

bool link_known(int type)
{
    switch (type) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP:
    case DLT_RAW:
    case RAW_OTHER:
    case RAW_LINKTYPE:
    case DLT_IPV4:
    case DLT_IPV6: return true;
    default: return false;
    }
}

static bool skip(struct slice *packet, size_t bytes)
{
    if (packet->size < bytes) return false;
    packet->at += bytes;
    packet->size -= bytes;
    packet->length -= bytes;
    return true;
}

static const char too_short[] = "it is shorter than its link header";

/* PPPoE (RFC 2516): the type of what it holds is PPP's. */
static enum layer_result strip_session(struct slice *packet, const char **problem)
{
    if (!skip(packet, 8)) {
        *problem = too_short;
        return LAYER_BAD;
    }
    uint32_t type = get16(packet->at - 2);
    return type == PPP_IP4 || type == PPP_IP6 ? LAYER_GOOD : LAYER_FOREIGN;
}

/* After the header the type may be that of a tag, before the type of what it holds. */
static enum layer_result strip_typed(struct slice *packet, size_t header, size_t type_at,
                                     const char **problem)
{
    if (packet->size < header) {
        *problem = too_short;
        return LAYER_BAD;
    }
    uint32_t type = get16(packet->at + type_at);
    (void)skip(packet, header);
    while (type == TYPE_VLAN || type == TYPE_SERVICE_VLAN || type == TYPE_OLD_VLAN) {
        if (packet->size < 4) {
            *problem = too_short;
            return LAYER_BAD;
        }
        type = get16(packet->at + 2);
        (void)skip(packet, 4);
    }
    if (type == TYPE_PPPOE) return strip_session(packet, problem);
    return type == TYPE_IP4 || type == TYPE_IP6 ? LAYER_GOOD : LAYER_FOREIGN;
}

/* Four bytes name the family: DLT_NULL in the order of the machine that wrote them. What IPv6 is
 * called differs between systems, so the IP header itself decides. */
static enum layer_result strip_family(struct slice *packet, const char **problem)
{
    if (skip(packet, 4)) return LAYER_GOOD;
    *problem = too_short;
    return LAYER_BAD;
}

enum layer_result link_strip(int type, struct slice *packet, const char **problem)
{
    switch (type) {
    case DLT_EN10MB: return strip_typed(packet, 14, 12, problem);
    case DLT_LINUX_SLL: return strip_typed(packet, 16, 14, problem);
    case DLT_LINUX_SLL2: return strip_typed(packet, 20, 0, problem);
    case DLT_NULL:
    case DLT_LOOP: return strip_family(packet, problem);
    default: return LAYER_GOOD;
    }
}
