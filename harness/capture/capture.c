/* Captures read: packets to connections to messages. */
#include "harness/capture/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/capture/dialogue.h"
#include "harness/capture/flow.h"
#include "harness/capture/layers.h"
#include "harness/capture/ring.h"

enum { BUCKETS = 4096, CONNECTIONS_MAX = 65536, MESSAGES_MAX = 1 << 20, KEPT_MAX = 256 << 20 };

/* A connection while it is read; what is handed out comes first. */
struct talk {
    struct capture_connection out;
    struct talk *next;                  /* in its bucket, newest first */
    struct packet_address ends[2];      /* of its first packet: from, to */
    struct flow flows[2];               /* from each of them */
    struct dialogue dialogue;
    bool known;                         /* which end is the client, and that is */
    int client;
    bool amid;                          /* no handshake was seen */
    uint32_t first_sequence;            /* of the SYN */
};

struct reader {
    struct capture *capture;
    struct fragments *fragments;
    struct talk *buckets[BUCKETS];
    uint32_t room, messages;
    size_t kept;                        /* bytes of messages */
    const char *full;                   /* nothing more is taken in */
    /* The packet that is read. */
    uint32_t number;
    uint64_t time_ns;
    struct talk *talk;
    int from;
};

/* --- notes --- */

static void note(struct reader *reader, uint32_t packet, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct reader *reader, uint32_t packet, const char *format, ...)
{
    struct capture *capture = reader->capture;
    char text[400], *whole;
    va_list arguments;

    if (capture->note_count++ >= CAPTURE_NOTES_MAX) return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (asprintf(&whole, "packet %u: %s", packet, text) < 0) whole = NULL;
    capture->notes[capture->note_count - 1] = whole;
}

static void ends_text(const struct talk *talk, char text[2 * PACKET_ADDRESS_TEXT])
{
    char one[PACKET_ADDRESS_TEXT], other[PACKET_ADDRESS_TEXT];

    packet_address_text(&talk->out.client, one);
    packet_address_text(&talk->out.server, other);
    (void)snprintf(text, (size_t)2 * PACKET_ADDRESS_TEXT, "%s-%s", one, other);
}

static void damage(struct reader *reader, struct talk *talk, uint32_t packet, const char *what)
{
    char ends[2 * PACKET_ADDRESS_TEXT];

    talk->out.damaged = true;
    ends_text(talk, ends);
    note(reader, packet, "%s: %s", ends, what);
}

/* --- the table of connections --- */

static uint32_t hash_end(const struct packet_address *address)
{
    uint32_t hash = 2166136261u ^ address->port;

    for (uint32_t i = 0; i < 16; i++) hash = (hash ^ address->bytes[i]) * 16777619u;
    return hash;
}

/* The same for both directions. */
static struct talk **bucket_of(struct reader *reader, const struct segment *segment)
{
    return &reader->buckets[(hash_end(&segment->from) + hash_end(&segment->to)) % BUCKETS];
}

static void set_client(struct talk *talk, int client)
{
    talk->known = true;
    talk->client = client;
    talk->out.client = talk->ends[client];
    talk->out.server = talk->ends[1 - client];
}

static struct talk *find_talk(struct reader *reader, const struct segment *segment, int *from)
{
    for (struct talk *talk = *bucket_of(reader, segment); talk != NULL; talk = talk->next) {
        for (*from = 0; *from < 2; (*from)++) {
            if (packet_address_same(&talk->ends[*from], &segment->from) &&
                packet_address_same(&talk->ends[1 - *from], &segment->to))
                return talk;
        }
    }
    return NULL;
}

static struct talk *add_talk(struct reader *reader, const struct segment *segment)
{
    struct capture *capture = reader->capture;
    struct talk **bucket = bucket_of(reader, segment);

    if (capture->count == CONNECTIONS_MAX) {
        reader->full = "more than 65536 connections: a filter helps";
        return NULL;
    }
    if (capture->count == reader->room) {
        uint32_t room = reader->room == 0 ? 64 : 2 * reader->room;
        struct capture_connection **grown = realloc(capture->connections, room * sizeof *grown);
        if (grown == NULL) return NULL;
        capture->connections = grown;
        reader->room = room;
    }
    struct talk *talk = calloc(1, sizeof *talk);
    if (talk == NULL) return NULL;
    talk->ends[0] = segment->from;
    talk->ends[1] = segment->to;
    talk->out.packet = reader->number;
    talk->out.begin_ns = reader->time_ns;
    talk->dialogue.connection = &talk->out;
    talk->first_sequence = segment->sequence;
    set_client(talk, segment->from.port < segment->to.port ? 1 : 0);
    talk->known = false;
    talk->next = *bucket;
    *bucket = talk;
    capture->connections[capture->count++] = &talk->out;
    return talk;
}

/* A port that is used again: a SYN that is not the one that began the connection. */
static bool is_another(const struct talk *talk, const struct segment *segment)
{
    return segment->flags & PACKET_SYN && !(segment->flags & PACKET_ACK) &&
           (talk->amid || talk->out.end != CAPTURE_OPEN ||
            segment->sequence != talk->first_sequence);
}

/* --- messages --- */

static void on_message(void *context, bool from_client, const struct websocket_message *message)
{
    struct reader *reader = context;
    struct capture_connection *connection = &reader->talk->out;
    uint32_t count = connection->count;

    if (reader->full != NULL) return;
    if (++reader->messages > MESSAGES_MAX || message->length > KEPT_MAX - reader->kept) {
        reader->full = "more than 1048576 messages, or 256 MiB of them: a filter helps";
        return;
    }
    reader->kept += message->length;
    /* The room is the power of two above the count. */
    if ((count & (count - 1)) == 0) {
        size_t room = count == 0 ? 1 : 2 * (size_t)count;
        void *grown = realloc(connection->messages, room * sizeof *connection->messages);
        if (grown == NULL) abort();
        connection->messages = grown;
    }
    char *bytes = malloc(message->length + 1);
    if (bytes == NULL) abort();
    if (message->length > 0) memcpy(bytes, message->bytes, message->length);
    bytes[message->length] = '\0';
    connection->messages[connection->count++] = (struct capture_message){
        reader->time_ns, reader->number, from_client, message->opcode, message->frames, bytes,
        message->length };
}

static void on_bytes(void *context, const uint8_t *bytes, size_t size)
{
    struct reader *reader = context;
    struct talk *talk = reader->talk;

    /* Without a SYN, who asks is the client. */
    if (!talk->known) set_client(talk, memcmp(bytes, "HTTP", size < 4 ? size : 4) == 0
                                           ? 1 - reader->from : reader->from);
    const char *problem = dialogue_take(&talk->dialogue, reader->from == talk->client, bytes, size,
                                        on_message, reader);
    if (problem != NULL) damage(reader, talk, reader->number, problem);
}

/* --- segments --- */

static void note_end(struct reader *reader, const struct segment *segment)
{
    struct capture_connection *connection = &reader->talk->out;
    bool reset = segment->flags & PACKET_RST, finished = segment->flags & PACKET_FIN;

    if (connection->end != CAPTURE_OPEN || (!reset && !finished)) return;
    connection->end = reset ? CAPTURE_RESET : CAPTURE_FINISHED;
    connection->end_by_client = reader->from == reader->talk->client;
    connection->end_ns = reader->time_ns;
    connection->end_packet = reader->number;
}

static void take_segment(struct reader *reader, const struct segment *segment)
{
    struct talk *talk = find_talk(reader, segment, &reader->from);

    if (talk == NULL || is_another(talk, segment)) {
        /* Without its connection, neither an acknowledgement nor an end says anything. */
        if (!(segment->flags & PACKET_SYN) && segment->payload.length == 0) return;
        talk = add_talk(reader, segment);
        reader->from = 0;
        if (talk == NULL) return;
        talk->amid = !(segment->flags & PACKET_SYN);
    }
    reader->talk = talk;
    if (segment->flags & PACKET_SYN)
        set_client(talk, segment->flags & PACKET_ACK ? 1 - reader->from : reader->from);
    const char *problem =
        flow_take(&talk->flows[reader->from], segment, reader->number, on_bytes, reader);
    if (problem != NULL) damage(reader, talk, reader->number, problem);
    note_end(reader, segment);
}

static void take_packet(struct reader *reader, int link, const struct pcap_pkthdr *header,
                        const uint8_t *bytes)
{
    struct slice packet = { bytes, header->caplen,
                            header->len < header->caplen ? header->caplen : header->len };
    struct datagram datagram;
    struct segment segment;
    const char *problem = NULL;
    enum layer_result result = link_strip(link, &packet, &problem);

    if (result == LAYER_GOOD)
        result = ip_read(reader->fragments, &packet, reader->number, &datagram, &problem);
    if (result == LAYER_GOOD) result = tcp_read(&datagram, &segment, &problem);
    if (result == LAYER_GOOD) take_segment(reader, &segment);
    if (result == LAYER_BAD) note(reader, reader->number, "%s", problem);
}

/* --- the end of the file --- */

static void end_talk(struct reader *reader, struct talk *talk)
{
    const struct capture_connection *connection = &talk->out;

    for (int i = 0; i < 2; i++) {
        uint32_t packet = flow_end(&talk->flows[i]);
        if (packet != 0)
            damage(reader, talk, packet, "bytes before it are missing; what follows is left out");
    }
    if (talk->amid && !connection->upgraded)
        damage(reader, talk, connection->packet,
               "it is in the midst of a connection whose beginning is not there: left out");
    if (connection->upgraded && connection->end == CAPTURE_OPEN && talk->dialogue.client.reader &&
        websocket_is_amid(talk->dialogue.client.reader))
        damage(reader, talk, connection->packet, "the last message of the client is incomplete");
    dialogue_free(&talk->dialogue);
}

static void end_all(struct reader *reader)
{
    struct capture *capture = reader->capture;
    uint32_t packet;

    for (uint32_t i = 0; i < capture->count; i++)
        end_talk(reader, (struct talk *)capture->connections[i]);
    while (reader->fragments != NULL && (packet = fragments_left(reader->fragments)) != 0)
        note(reader, packet, "other fragments of its datagram are missing");
    fragments_free(reader->fragments);
}

/* --- the file --- */

/* Numbers are those of the file, as other tools count, whether or not a filter was given: so the
 * filter is asked here. */
static void read_packets(struct reader *reader, pcap_t *pcap, struct bpf_program *filter)
{
    struct capture *capture = reader->capture;
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    int link = pcap_datalink(pcap), rc;

    while (reader->full == NULL && (rc = pcap_next_ex(pcap, &header, &bytes)) == 1) {
        reader->number = ++capture->packets;
        reader->time_ns = (uint64_t)header->ts.tv_sec * 1000000000 + (uint64_t)header->ts.tv_usec;
        if (capture->packets == 1) capture->begin_ns = reader->time_ns;
        if (filter != NULL && pcap_offline_filter(filter, header, bytes) == 0) continue;
        take_packet(reader, link, header, bytes);
    }
    if (reader->full != NULL)
        note(reader, reader->number, "%s; the rest is left out", reader->full);
    else if (rc == PCAP_ERROR)
        note(reader, capture->packets + 1, "%s; the rest is left out", pcap_geterr(pcap));
}

static struct capture *read_all(pcap_t *pcap, struct bpf_program *filter,
                                char problem[CAPTURE_PROBLEM_MAX])
{
    struct reader *reader = calloc(1, sizeof *reader);
    struct capture *capture = calloc(1, sizeof *capture);

    if (reader == NULL || capture == NULL) abort();
    reader->capture = capture;
    reader->fragments = fragments_new();
    if (reader->fragments == NULL) abort();
    read_packets(reader, pcap, filter);
    end_all(reader);
    free(reader);
    if (capture->packets > 0) return capture;
    (void)snprintf(problem, CAPTURE_PROBLEM_MAX, "%s",
                   capture->note_count > 0 ? capture->notes[0] : "it holds no packets");
    capture_free(capture);
    return NULL;
}

static struct capture *read_filtered(pcap_t *pcap, const char *filter,
                                     char problem[CAPTURE_PROBLEM_MAX])
{
    struct bpf_program program;

    if (pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX, "the filter '%s': %s", filter,
                       pcap_geterr(pcap));
        return NULL;
    }
    struct capture *capture = read_all(pcap, &program, problem);
    pcap_freecode(&program);
    return capture;
}

static struct capture *read_ring(FILE *file, const char *filter,
                                 char problem[CAPTURE_PROBLEM_MAX])
{
    struct capture *capture = NULL;

    if (filter == NULL) capture = ring_read(file, problem);
    else
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX, "this is a core's trace, and filters are for "
                                                     "packets");
    (void)fclose(file);
    return capture;
}

struct capture *capture_read_stream(FILE *file, const char *filter,
                                    char problem[CAPTURE_PROBLEM_MAX])
{
    char text[PCAP_ERRBUF_SIZE];
    struct capture *capture = NULL;

    if (ring_is(file)) return read_ring(file, filter, problem);
    pcap_t *pcap =
        pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, text);

    if (pcap == NULL) {
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX, "not a capture: %s", text);
        (void)fclose(file);
        return NULL;
    }
    if (!link_known(pcap_datalink(pcap))) {
        const char *name = pcap_datalink_val_to_description(pcap_datalink(pcap));
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX,
                       "its link type %d (%s) is not read; Ethernet, Linux cooked, raw IP and "
                       "loopback are", pcap_datalink(pcap), name == NULL ? "unknown" : name);
    } else if (filter != NULL) {
        capture = read_filtered(pcap, filter, problem);
    } else {
        capture = read_all(pcap, NULL, problem);
    }
    pcap_close(pcap);
    return capture;
}

struct capture *capture_read(const char *path, const char *filter,
                             char problem[CAPTURE_PROBLEM_MAX])
{
    FILE *file = fopen(path, "rb");

    if (file != NULL) return capture_read_stream(file, filter, problem);
    (void)snprintf(problem, CAPTURE_PROBLEM_MAX, "cannot read: %s", strerror(errno));
    return NULL;
}

void capture_free(struct capture *capture)
{
    if (capture == NULL) return;
    for (uint32_t i = 0; i < capture->count; i++) {
        struct capture_connection *connection = capture->connections[i];
        for (uint32_t m = 0; m < connection->count; m++) free(connection->messages[m].bytes);
        free(connection->messages);
        free(connection);
    }
    for (uint32_t i = 0; i < capture->note_count && i < CAPTURE_NOTES_MAX; i++)
        free(capture->notes[i]);
    free(capture->connections);
    free(capture);
}

/* --- printing --- */

static const char *opcode_word(enum websocket_opcode opcode)
{
    switch (opcode) {
    case WEBSOCKET_TEXT: return "text";
    case WEBSOCKET_BINARY: return "binary";
    case WEBSOCKET_CLOSE: return "close";
    case WEBSOCKET_PING: return "ping";
    case WEBSOCKET_PONG: return "pong";
    case WEBSOCKET_CONTINUATION: break;
    }
    return "?";
}

static void print_message(FILE *out, uint32_t connection, const struct capture *capture,
                          const struct capture_message *message)
{
    /* Time stamps may run backwards. */
    double seconds = (double)(int64_t)(message->time_ns - capture->begin_ns) / 1e9;
    struct websocket_message close = { message->opcode, (const uint8_t *)message->bytes,
                                       message->length, 1 };

    (void)fprintf(out, "%u %u %.9f %s %s ", connection, message->packet, seconds,
                  message->from_client ? "->" : "<-", opcode_word(message->opcode));
    if (message->opcode == WEBSOCKET_CLOSE) {
        (void)fprintf(out, "%u\n", websocket_close_code(&close));
        return;
    }
    for (size_t i = 0; i < message->length; i++) {
        unsigned char byte = (unsigned char)message->bytes[i];
        if (byte < 32 || byte == 127 || (message->opcode != WEBSOCKET_TEXT && byte > 126))
            (void)fprintf(out, "\\x%02x", byte);
        else
            (void)fputc(byte, out);
    }
    (void)fputc('\n', out);
}

void capture_print(FILE *out, const struct capture *capture)
{
    uint32_t number = 0;

    for (uint32_t i = 0; i < capture->count; i++) {
        const struct capture_connection *connection = capture->connections[i];
        char client[PACKET_ADDRESS_TEXT], server[PACKET_ADDRESS_TEXT];
        if (!connection->upgraded) continue;
        packet_address_text(&connection->client, client);
        packet_address_text(&connection->server, server);
        (void)fprintf(out, "# connection %u: %s to %s %s, packet %u\n", ++number, client, server,
                      connection->path, connection->packet);
        for (uint32_t m = 0; m < connection->count; m++)
            print_message(out, number, capture, &connection->messages[m]);
    }
}
