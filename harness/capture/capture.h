/* What clients and servers said to each other, read from a packet capture, or from the trace of a
 * core (ring.h).
 *
 * pcap and pcapng, packed by gzip or not (packets.h); Ethernet (with VLAN tags and PPPoE), Linux
 * cooked (both versions), raw IP, loopback; IPv4 and IPv6 with fragments; TCP put in order; of
 * HTTP/1.1 WebSocket messages, unmasked and inflated, event streams, and requests to a session
 * core. Any bytes at all may be read: what is wrong with them is told, with the number of the
 * packet, and what is right is kept.
 */
#ifndef HARNESS_CAPTURE_CAPTURE_H
#define HARNESS_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/capture/packet.h"
#include "harness/capture/websocket.h"

enum { CAPTURE_PROBLEM_MAX = 512, CAPTURE_NOTES_MAX = 50, CAPTURE_WHY_MAX = 80 };

/* One message, or control frame, in the order in which they were completed. */
struct capture_message {
    uint64_t time_ns;           /* since 1970 */
    uint32_t packet;            /* that completed it, from 1 */
    bool from_client;
    enum websocket_opcode opcode;
    uint32_t frames;
    char *bytes;                /* with a zero behind them */
    size_t length;
};

/* What is read of a connection: nothing; WebSocket messages; an event stream, whose request is the
 * client's hello; other requests to a session core and their answers, in the words of
 * docs/PROTOCOL.md. The last two have entries of their own beside that of TCP, which is OTHER. */
enum capture_kind { CAPTURE_OTHER, CAPTURE_SOCKET, CAPTURE_STREAM, CAPTURE_REQUESTS };

enum capture_end { CAPTURE_OPEN, CAPTURE_FINISHED, CAPTURE_RESET };

struct capture_connection {
    struct packet_address client, server;
    uint64_t begin_ns;
    uint32_t packet;            /* its first one */
    enum capture_kind kind;
    bool amid;                  /* it began before the capture did */
    bool damaged;               /* something of it is missing or could not be read: see the notes */
    char path[256], host[128], user[64], agent[128]; /* of the request; "" if absent */
    char origin[64];            /* the client's address as a proxy has told it; "" if absent */
    char why[CAPTURE_WHY_MAX];  /* nothing was read, or why something was not; "" if unknown */
    uint32_t foreign;           /* requests that are none to a session core */
    uint32_t refused, status;   /* those that it refused; with which status the last one */
    struct capture_message *messages;
    uint32_t count;
    enum capture_end end;
    bool end_by_client;         /* who began with FIN or RST */
    uint64_t end_ns;
    uint32_t end_packet;
    uint64_t alive_ns;          /* the last packet of the client's machine, be it without bytes */
};

struct capture {
    bool trace;                 /* of a core: what is called a packet is one of its records */
    uint32_t packets;
    uint64_t begin_ns;          /* of the first packet */
    uint32_t foreign, unmatched;    /* those without TCP over IP; those that the filter left out */
    struct capture_connection **connections;    /* TCP by first packets; see enum capture_kind */
    uint32_t count, tcp;        /* all of them; those that are TCP connections */
    char *notes[CAPTURE_NOTES_MAX];             /* "packet 12: ..." */
    uint32_t note_count;        /* may be larger than CAPTURE_NOTES_MAX: those are not kept */
};

/* Reads a whole file. `filter` is an expression of libpcap, or NULL. NULL: `problem` is a sentence
 * without the file's name; bad packets alone do not lead to that. */
struct capture *capture_read(const char *path, const char *filter,
                             char problem[CAPTURE_PROBLEM_MAX]);

/* The same of an open file, which is closed in any case. */
struct capture *capture_read_stream(FILE *file, const char *filter,
                                    char problem[CAPTURE_PROBLEM_MAX]);

void capture_free(struct capture *capture);

/* One line for each message: connection, packet, time, direction, text. */
void capture_print(FILE *out, const struct capture *capture);

/* A few lines, each beginning with `mark`: how much there was of what, and what was passed over. */
void capture_summary(FILE *out, const struct capture *capture, const char *mark);

#endif
