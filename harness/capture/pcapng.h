/* The blocks of a pcapng file (draft-ietf-opsawg-pcapng): sections of either byte order, any
 * interfaces, packets in all three forms. Names, secrets, statistics and whatever else there may be
 * are skipped. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_PCAPNG_H
#define HARNESS_CAPTURE_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { PCAPNG_INTERFACES_MAX = 1024 };

struct pcapng;

struct pcapng_packet {
    const uint8_t *bytes;       /* valid until the next one is read */
    uint32_t size, length;
    uint64_t time_ns;
    int link;                   /* LINKTYPE_... */
};

/* Whether a file that begins with these four bytes is one. */
bool pcapng_is(const uint8_t bytes[4]);

/* Does not take the file. NULL: no memory. */
struct pcapng *pcapng_new(FILE *file);

/* 1: a packet; 0: the end; -1: *problem is a sentence in static memory. */
int pcapng_next(struct pcapng *pcapng, struct pcapng_packet *packet, const char **problem);

void pcapng_free(struct pcapng *pcapng);

#endif
