/* Files of packets, whatever their form. */
#include "harness/capture/packets.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "harness/capture/gzip.h"
#include "harness/capture/layers.h"
#include "harness/capture/pcapng.h"

enum { FILTERS_MAX = 16, SNAPSHOT = 262144, LINK_RAW = 101 };

/* A filter is another program for each link type. */
struct filter {
    int link;
    struct bpf_program program;
};

struct packets {
    FILE *file;                 /* libpcap closes that of a pcap */
    pcap_t *pcap;
    struct pcapng *pcapng;
    const char *expression;
    struct filter filters[FILTERS_MAX];
    uint32_t filter_count;
    char problem[CAPTURE_PROBLEM_MAX];
};

/* --- filters --- */

static struct bpf_program *find_filter(struct packets *packets, int link)
{
    for (uint32_t i = 0; i < packets->filter_count; i++) {
        if (packets->filters[i].link == link) return &packets->filters[i].program;
    }
    if (packets->filter_count == FILTERS_MAX) {
        (void)snprintf(packets->problem, CAPTURE_PROBLEM_MAX,
                       "a filter is for at most %d link types", FILTERS_MAX);
        return NULL;
    }
    struct filter *filter = &packets->filters[packets->filter_count];
    pcap_t *pcap = pcap_open_dead(link, SNAPSHOT);
    if (pcap == NULL) abort();
    bool good = pcap_compile(pcap, &filter->program, packets->expression, 1,
                             PCAP_NETMASK_UNKNOWN) == 0;
    if (!good)
        (void)snprintf(packets->problem, CAPTURE_PROBLEM_MAX, "the filter '%s': %s",
                       packets->expression, pcap_geterr(pcap));
    pcap_close(pcap);
    if (!good) return NULL;
    filter->link = link;
    packets->filter_count++;
    return &filter->program;
}

static bool apply_filter(struct packets *packets, struct packets_one *one)
{
    one->matches = true;
    if (packets->expression == NULL || !link_known(one->link)) return true;
    const struct bpf_program *program = find_filter(packets, one->link);
    if (program == NULL) return false;
    struct pcap_pkthdr header = { .caplen = one->size, .len = one->length };
    one->matches = pcap_offline_filter(program, &header, one->bytes) != 0;
    return true;
}

/* --- opening --- */

static const char *packer_of(const uint8_t magic[4])
{
    static const struct { const char *magic, *word; } packers[] = {
        { "\x28\xb5\x2f", "zstd -d" }, { "\x04\x22\x4d", "lz4 -d" }, { "\xfd\x37\x7a", "xz -d" },
        { "BZh", "bzip2 -d" }, { "PK\x03", "unzip" },
    };

    for (size_t i = 0; i < sizeof packers / sizeof *packers; i++) {
        if (memcmp(packers[i].magic, magic, 3) == 0) return packers[i].word;
    }
    return NULL;
}

static bool open_pcap(struct packets *packets, char problem[CAPTURE_PROBLEM_MAX])
{
    char text[PCAP_ERRBUF_SIZE];

    packets->pcap =
        pcap_fopen_offline_with_tstamp_precision(packets->file, PCAP_TSTAMP_PRECISION_NANO, text);
    if (packets->pcap == NULL)
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX, "not a capture: %s", text);
    return packets->pcap != NULL;
}

static bool open_file(struct packets *packets, char problem[CAPTURE_PROBLEM_MAX])
{
    uint8_t magic[4];
    size_t count = gzip_peek(packets->file, magic);
    const char *packer = count == 4 ? packer_of(magic) : NULL;

    if (packer != NULL) {
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX,
                       "not a capture: it is packed; unpack it first ('%s')", packer);
        return false;
    }
    if (count < 4 || !pcapng_is(magic)) return open_pcap(packets, problem);
    packets->pcapng = pcapng_new(packets->file);
    if (packets->pcapng == NULL) abort();
    return true;
}

/* An expression that makes no sense is told before the first packet. */
static bool check_filter(struct packets *packets, char problem[CAPTURE_PROBLEM_MAX])
{
    int link = packets->pcap == NULL ? DLT_EN10MB : pcap_datalink(packets->pcap);

    if (packets->expression == NULL || find_filter(packets, link) != NULL) return true;
    (void)snprintf(problem, CAPTURE_PROBLEM_MAX, "%s", packets->problem);
    return false;
}

struct packets *packets_open(FILE *file, const char *filter, char problem[CAPTURE_PROBLEM_MAX])
{
    struct packets *packets = calloc(1, sizeof *packets);

    if (packets == NULL) abort();
    packets->expression = filter;
    packets->file = file;
    if (open_file(packets, problem) && check_filter(packets, problem)) return packets;
    packets_close(packets);
    return NULL;
}

void packets_close(struct packets *packets)
{
    for (uint32_t i = 0; i < packets->filter_count; i++)
        pcap_freecode(&packets->filters[i].program);
    pcapng_free(packets->pcapng);
    if (packets->pcap != NULL) pcap_close(packets->pcap);
    else (void)fclose(packets->file);
    free(packets);
}

/* --- reading --- */

static int next_of_pcap(struct packets *packets, struct packets_one *one)
{
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    int rc = pcap_next_ex(packets->pcap, &header, &bytes);

    if (rc == PCAP_ERROR)
        (void)snprintf(packets->problem, CAPTURE_PROBLEM_MAX, "%s", pcap_geterr(packets->pcap));
    if (rc != 1) return rc == PCAP_ERROR ? -1 : 0;
    *one = (struct packets_one){
        .bytes = bytes, .size = header->caplen, .length = header->len,
        .time_ns = (uint64_t)header->ts.tv_sec * 1000000000 + (uint64_t)header->ts.tv_usec,
        .link = pcap_datalink(packets->pcap) };
    return 1;
}

static int next_of_pcapng(struct packets *packets, struct packets_one *one)
{
    struct pcapng_packet packet;
    const char *problem;
    int rc = pcapng_next(packets->pcapng, &packet, &problem);

    if (rc < 0) (void)snprintf(packets->problem, CAPTURE_PROBLEM_MAX, "%s", problem);
    if (rc != 1) return rc;
    /* What files call raw IP is not what libpcap calls it. */
    *one = (struct packets_one){ .bytes = packet.bytes, .size = packet.size,
                                 .length = packet.length, .time_ns = packet.time_ns,
                                 .link = packet.link == LINK_RAW ? DLT_RAW : packet.link };
    return 1;
}

int packets_next(struct packets *packets, struct packets_one *one)
{
    int rc = packets->pcap != NULL ? next_of_pcap(packets, one) : next_of_pcapng(packets, one);

    if (rc != 1 && ferror(packets->file)) {
        (void)snprintf(packets->problem, CAPTURE_PROBLEM_MAX, "%s", errno == EBADMSG
                       ? "what gzip has packed ends too early, or is damaged" : strerror(errno));
        return -1;
    }
    if (rc != 1) return rc;
    if (one->length < one->size) one->length = one->size;
    return apply_filter(packets, one) ? 1 : -1;
}

const char *packets_problem(const struct packets *packets)
{
    return packets->problem;
}

const char *packets_link_name(int link)
{
    const char *name = pcap_datalink_val_to_description(link);
    return name == NULL ? "unknown" : name;
}
