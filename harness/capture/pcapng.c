/* Blocks of pcapng, one after another. */
#include "harness/capture/pcapng.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_INTERFACE = 1,
    BLOCK_OLD_PACKET = 2,
    BLOCK_SIMPLE_PACKET = 3,
    BLOCK_PACKET = 6,
    ORDER_MAGIC = 0x1a2b3c4d,
};
enum { OPTION_END = 0, OPTION_RESOLUTION = 9, OPTION_OFFSET = 14 };

/* Of a block that is read as a whole; libpcap has the same limit. */
enum { BLOCK_MAX = 16 << 20, EDGE = 12 };

static const char cut[] = "the file ends in the midst of a block";
static const char impossible[] = "a block of the file has an impossible length";

struct interface {
    int link;
    uint32_t snap;              /* 0: no limit */
    uint64_t units;             /* of its time stamps in a second */
    int64_t offset_s;           /* added to them */
};

struct pcapng {
    FILE *file;
    bool swapped;               /* the section's byte order is not this machine's */
    bool begun;
    struct interface *interfaces;   /* of the section */
    uint32_t count, room;
    uint8_t *block;             /* its body, without its edges */
    uint32_t size, block_room;
    uint64_t time_ns;           /* of the last packet that had one */
};

bool pcapng_is(const uint8_t bytes[4])
{
    static const uint8_t magic[4] = { 0x0a, 0x0d, 0x0d, 0x0a };
    return memcmp(bytes, magic, 4) == 0;
}

struct pcapng *pcapng_new(FILE *file)
{
    struct pcapng *pcapng = calloc(1, sizeof *pcapng);

    if (pcapng != NULL) pcapng->file = file;
    return pcapng;
}

void pcapng_free(struct pcapng *pcapng)
{
    if (pcapng == NULL) return;
    free(pcapng->interfaces);
    free(pcapng->block);
    free(pcapng);
}

/* --- numbers --- */

static uint32_t number32(const struct pcapng *pcapng, const uint8_t *bytes)
{
    uint32_t number;

    memcpy(&number, bytes, sizeof number);
    return pcapng->swapped ? __builtin_bswap32(number) : number;
}

static uint32_t number16(const struct pcapng *pcapng, const uint8_t *bytes)
{
    uint16_t number;

    memcpy(&number, bytes, sizeof number);
    return pcapng->swapped ? __builtin_bswap16(number) : number;
}

static uint64_t number64(const struct pcapng *pcapng, const uint8_t *bytes)
{
    uint64_t number;

    memcpy(&number, bytes, sizeof number);
    return pcapng->swapped ? __builtin_bswap64(number) : number;
}

/* --- blocks --- */

/* In steps, so that a length that is a lie costs no memory. */
static const char *read_body(struct pcapng *pcapng, uint32_t size)
{
    enum { STEP = 65536 };

    pcapng->size = 0;
    while (pcapng->size < size) {
        uint32_t more = size - pcapng->size < STEP ? size - pcapng->size : STEP;
        if (pcapng->size + more > pcapng->block_room) {
            uint32_t room = 2 * (pcapng->size + more);
            uint8_t *grown = realloc(pcapng->block, room);
            if (grown == NULL) return "out of memory";
            pcapng->block = grown;
            pcapng->block_room = room;
        }
        if (fread(pcapng->block + pcapng->size, 1, more, pcapng->file) != more) return cut;
        pcapng->size += more;
    }
    return NULL;
}

static const char *skip_body(struct pcapng *pcapng, uint32_t size)
{
    uint8_t bytes[4096];

    while (size > 0) {
        size_t more = size < sizeof bytes ? size : sizeof bytes;
        if (fread(bytes, 1, more, pcapng->file) != more) return cut;
        size -= (uint32_t)more;
    }
    return NULL;
}

static const char *read_end(struct pcapng *pcapng, uint32_t length)
{
    uint8_t bytes[4];

    if (fread(bytes, 1, 4, pcapng->file) != 4) return cut;
    return number32(pcapng, bytes) == length ? NULL : "the two lengths of a block differ";
}

/* A section has a byte order of its own, which stands behind its length, and new interfaces. */
static const char *read_section(struct pcapng *pcapng, const uint8_t head[8])
{
    uint8_t magic[4];

    if (fread(magic, 1, 4, pcapng->file) != 4) return cut;
    pcapng->swapped = false;
    pcapng->swapped = number32(pcapng, magic) != ORDER_MAGIC;
    if (number32(pcapng, magic) != ORDER_MAGIC) return "a section of the file has no byte order";
    uint32_t length = number32(pcapng, head + 4);
    if (length < EDGE + 4 || length % 4 != 0) return impossible;
    pcapng->begun = true;
    pcapng->count = 0;
    const char *problem = skip_body(pcapng, length - EDGE - 4);
    return problem == NULL ? read_end(pcapng, length) : problem;
}

/* --- interfaces --- */

static uint64_t units_of(uint8_t resolution)
{
    uint64_t units = 1;
    uint32_t power = resolution & 0x7f;

    if (resolution & 0x80) return power > 63 ? 0 : UINT64_C(1) << power;
    if (power > 19) return 0;
    while (power-- > 0) units *= 10;
    return units;
}

static const char *read_options(struct pcapng *pcapng, struct interface *interface)
{
    for (uint32_t at = 8; at + 4 <= pcapng->size;) {
        uint32_t code = number16(pcapng, pcapng->block + at);
        uint32_t length = number16(pcapng, pcapng->block + at + 2);
        const uint8_t *value = pcapng->block + at + 4;
        if (code == OPTION_END) return NULL;
        if (length > pcapng->size - at - 4) return "an option of an interface is cut";
        if (code == OPTION_RESOLUTION && length == 1) interface->units = units_of(*value);
        if (code == OPTION_OFFSET && length == 8)
            interface->offset_s = (int64_t)number64(pcapng, value);
        at += 4 + (length + 3) / 4 * 4;
    }
    return NULL;
}

static const char *read_interface(struct pcapng *pcapng)
{
    if (pcapng->size < 8) return impossible;
    if (pcapng->count == PCAPNG_INTERFACES_MAX) return "a section has more than 1024 interfaces";
    if (pcapng->count == pcapng->room) {
        uint32_t room = pcapng->room == 0 ? 8 : 2 * pcapng->room;
        struct interface *grown = realloc(pcapng->interfaces, room * sizeof *grown);
        if (grown == NULL) return "out of memory";
        pcapng->interfaces = grown;
        pcapng->room = room;
    }
    struct interface *interface = &pcapng->interfaces[pcapng->count];
    *interface = (struct interface){ (int)number16(pcapng, pcapng->block),
                                     number32(pcapng, pcapng->block + 4), 1000000, 0 };
    const char *problem = read_options(pcapng, interface);
    if (problem != NULL) return problem;
    if (interface->units == 0) return "the times of an interface have an impossible resolution";
    pcapng->count++;
    return NULL;
}

/* --- packets --- */

static uint64_t time_of(const struct interface *interface, uint64_t stamp)
{
    __int128 time_ns = (__int128)stamp * 1000000000 / interface->units +
                       (__int128)interface->offset_s * 1000000000;

    if (time_ns < 0) return 0;
    return time_ns > INT64_MAX ? INT64_MAX : (uint64_t)time_ns;
}

/* Where the fields of a packet stand in each of the three blocks; 0: it has none. */
struct layout {
    uint32_t stamp, size, length, head;
};

static const char *read_packet(struct pcapng *pcapng, uint32_t type, struct pcapng_packet *packet)
{
    static const struct layout simple = { 0, 0, 0, 4 }, full = { 4, 12, 16, 20 };
    const struct layout *layout = type == BLOCK_SIMPLE_PACKET ? &simple : &full;
    const uint8_t *block = pcapng->block;

    if (pcapng->size < layout->head) return impossible;
    uint32_t number = type == BLOCK_PACKET       ? number32(pcapng, block)
                      : type == BLOCK_OLD_PACKET ? number16(pcapng, block) : 0;
    if (number >= pcapng->count) return "a packet is of an interface that was not described";
    const struct interface *interface = &pcapng->interfaces[number];
    packet->length = number32(pcapng, block + layout->length);
    packet->size = layout->size > 0 ? number32(pcapng, block + layout->size) : packet->length;
    /* The simple form does not tell how much of it was kept. */
    if (layout->size == 0 && interface->snap > 0 && packet->size > interface->snap)
        packet->size = interface->snap;
    if (packet->size > pcapng->size - layout->head) return "a packet is longer than its block";
    if (layout->stamp > 0)
        pcapng->time_ns = time_of(interface,
                                  (uint64_t)number32(pcapng, block + layout->stamp) << 32 |
                                      number32(pcapng, block + layout->stamp + 4));
    packet->bytes = block + layout->head;
    packet->time_ns = pcapng->time_ns;
    packet->link = interface->link;
    return NULL;
}

static const char *read_block(struct pcapng *pcapng, const uint8_t head[8],
                              struct pcapng_packet *packet, bool *found)
{
    uint32_t type = number32(pcapng, head), length = number32(pcapng, head + 4);
    bool packets = type == BLOCK_PACKET || type == BLOCK_SIMPLE_PACKET || type == BLOCK_OLD_PACKET;

    if (length < EDGE || length % 4 != 0) return impossible;
    if (!packets && type != BLOCK_INTERFACE) {
        const char *problem = skip_body(pcapng, length - EDGE);
        return problem == NULL ? read_end(pcapng, length) : problem;
    }
    if (length > BLOCK_MAX) return "a block of the file is longer than 16 MiB";
    const char *problem = read_body(pcapng, length - EDGE);
    if (problem == NULL) problem = read_end(pcapng, length);
    if (problem != NULL) return problem;
    if (!packets) return read_interface(pcapng);
    *found = true;
    return read_packet(pcapng, type, packet);
}

int pcapng_next(struct pcapng *pcapng, struct pcapng_packet *packet, const char **problem)
{
    bool found = false;

    *problem = NULL;
    while (!found && *problem == NULL) {
        uint8_t head[8];
        size_t come = fread(head, 1, sizeof head, pcapng->file);
        if (come == 0) return 0;
        if (come < sizeof head) *problem = cut;
        else if (pcapng_is(head)) *problem = read_section(pcapng, head);
        else if (!pcapng->begun) *problem = "the file does not begin with a section";
        else *problem = read_block(pcapng, head, packet, &found);
    }
    return *problem == NULL ? 1 : -1;
}
