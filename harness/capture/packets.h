/* The packets of a file, one after another. Internal to harness/capture.
 *
 * pcap as libpcap reads it; pcapng with any number of interfaces, each with a link type, a snapshot
 * length and a resolution of its own, which libpcap refuses.
 */
#ifndef HARNESS_CAPTURE_PACKETS_H
#define HARNESS_CAPTURE_PACKETS_H

#include "harness/capture/capture.h"

struct packets;

/* A packet, valid until the next one is read. */
struct packets_one {
    const uint8_t *bytes;
    uint32_t size, length;      /* that are there; that were on the wire */
    uint64_t time_ns;           /* since 1970 */
    int link;                   /* DLT_... */
    bool matches;               /* the filter, or there is none */
};

/* Takes the file, which is closed in any case. `filter` is an expression of libpcap, or NULL. NULL:
 * `problem` is a sentence. */
struct packets *packets_open(FILE *file, const char *filter, char problem[CAPTURE_PROBLEM_MAX]);

/* 1: a packet; 0: the end; -1: what follows cannot be read, see packets_problem. */
int packets_next(struct packets *packets, struct packets_one *one);

/* Why nothing more can be read: a sentence, valid until the file is closed. */
const char *packets_problem(const struct packets *packets);

/* What libpcap calls a link type. */
const char *packets_link_name(int link);

void packets_close(struct packets *packets);

#endif
