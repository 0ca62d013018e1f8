/* Captures read: packets to connections to messages. */
#include "harness/capture/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/capture/dialogue.h"
#include "harness/capture/flow.h"
#include "harness/capture/gzip.h"
#include "harness/capture/layers.h"
#include "harness/capture/packets.h"
#include "harness/capture/ring.h"

enum { BUCKETS = 4096, CONNECTIONS_MAX = 65536, MESSAGES_MAX = 1 << 20, KEPT_MAX = 256 << 20 };

/* A connection while it is read; what is handed out comes first. */
struct talk {
    struct capture_connection out;
    struct talk *next;                  /* in its bucket, newest first */
    struct talk *after;                 /* the one that began after it */
    struct packet_address ends[2];      /* of its first packet: from, to */
    struct flow flows[2];               /* from each of them */
    struct dialogue dialogue;
    bool known;                         /* which end is the client, and that is */
    int client;
    bool opened[2];                     /* this end's SYN was seen, */
    uint32_t opening[2];                /* and its sequence number */
};

struct reader {
    struct capture *capture;
    struct fragments *fragments;
    struct talk *buckets[BUCKETS];
    struct talk *first, **last;         /* all of them */
    struct dialogue_listener listener;
    uint32_t room, messages;
    size_t kept;                        /* bytes of messages */
    const char *full;                   /* nothing more is taken in */
    int foreign_link;                   /* one that is not read; -1: none */
    struct flow_packet packet;          /* that is read */
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

/* Takes in one more; false, and it is freed: there are too many. */
static bool enter(struct reader *reader, struct capture_connection *connection)
{
    struct capture *capture = reader->capture;

    if (capture->count == CONNECTIONS_MAX) {
        reader->full = "more than 65536 connections: a filter helps";
        free(connection);
        return false;
    }
    if (capture->count == reader->room) {
        reader->room = reader->room == 0 ? 64 : 2 * reader->room;
        capture->connections =
            realloc(capture->connections, reader->room * sizeof *capture->connections);
        if (capture->connections == NULL) abort();
    }
    capture->connections[capture->count++] = connection;
    return true;
}

static struct talk *add_talk(struct reader *reader, const struct segment *segment)
{
    struct talk **bucket = bucket_of(reader, segment);
    struct talk *talk = calloc(1, sizeof *talk);

    if (talk == NULL) abort();
    if (!enter(reader, &talk->out)) return NULL;
    reader->capture->tcp++;
    talk->ends[0] = segment->from;
    talk->ends[1] = segment->to;
    talk->out.packet = reader->packet.number;
    talk->out.begin_ns = reader->packet.time_ns;
    talk->out.amid = !(segment->flags & PACKET_SYN);
    talk->dialogue.connection = &talk->out;
    talk->dialogue.listener = &reader->listener;
    talk->dialogue.amid = talk->out.amid;
    talk->dialogue.client.http.from_client = true;
    set_client(talk, segment->from.port < segment->to.port ? 1 : 0);
    talk->known = false;
    talk->next = *bucket;
    *bucket = talk;
    *reader->last = talk;
    reader->last = &talk->after;
    return talk;
}

/* A port that is used again: a SYN that is neither a repetition of the one that began the
 * connection, nor that one, come late: behind the answer to it, or behind its client's first
 * bytes. */
static bool is_another(const struct talk *talk, const struct segment *segment, int from)
{
    const struct flow *flow = &talk->flows[from];

    if (!(segment->flags & PACKET_SYN) || segment->flags & PACKET_ACK) return false;
    if (talk->opened[from]) return segment->sequence != talk->opening[from];
    return !flow->begun || flow->first != segment->sequence + 1;
}

/* The answer to a SYN tells where the other end's bytes begin, even if they come first. */
static void note_opening(struct talk *talk, const struct segment *segment, int from)
{
    if (!(segment->flags & PACKET_SYN)) return;
    talk->opened[from] = true;
    talk->opening[from] = segment->sequence;
    /* Its beginning is there after all, if behind the first bytes. */
    if (!(segment->flags & PACKET_ACK)) talk->out.amid = talk->dialogue.amid = false;
    set_client(talk, segment->flags & PACKET_ACK ? 1 - from : from);
    if (segment->flags & PACKET_ACK) flow_begin(&talk->flows[1 - from], segment->acknowledged);
}

/* --- messages --- */

static struct capture_connection *open_connection(void *context, enum capture_kind kind,
                                                  const struct flow_packet *packet)
{
    struct reader *reader = context;
    const struct capture_connection *tcp = &reader->talk->out;
    struct capture_connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL) abort();
    connection->kind = kind;
    connection->client = tcp->client;
    connection->server = tcp->server;
    connection->packet = packet->number;
    connection->begin_ns = packet->time_ns;
    return enter(reader, connection) ? connection : NULL;
}

static void on_message(void *context, struct capture_connection *connection, bool from_client,
                       const struct websocket_message *message, const struct flow_packet *packet)
{
    struct reader *reader = context;
    uint32_t count = connection == NULL ? 0 : connection->count;

    if (reader->full != NULL || connection == NULL) return;
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
        packet->time_ns, packet->number, from_client, message->opcode, message->frames, bytes,
        message->length };
}

/* Without a SYN, who asks is the client, or who masks its frames; else the port tells. */
static void guess_client(struct talk *talk, int from, const uint8_t *bytes, size_t size)
{
    const struct websocket_settings server = { .from_client = false, .deflate = true };
    const struct websocket_settings client = { .from_client = true, .deflate = true };

    if (http_could_begin(false, (const char *)bytes, size) && size > 4) set_client(talk, 1 - from);
    else if (http_could_begin(true, (const char *)bytes, size)) set_client(talk, from);
    else if (websocket_could_begin(&server, bytes, size)) set_client(talk, 1 - from);
    else if (websocket_could_begin(&client, bytes, size)) set_client(talk, from);
}

static void on_bytes(void *context, const struct flow_packet *packet, const uint8_t *bytes,
                     size_t size)
{
    struct reader *reader = context;
    struct talk *talk = reader->talk;

    if (!talk->known && bytes != NULL) guess_client(talk, reader->from, bytes, size);
    talk->known = talk->known || bytes != NULL;
    const char *problem =
        dialogue_take(&talk->dialogue, reader->from == talk->client, packet, bytes, size);
    if (problem != NULL) damage(reader, talk, packet->number, problem);
}

/* --- segments --- */

static void set_end(struct reader *reader, const struct segment *segment,
                    struct capture_connection *connection)
{
    bool reset = segment->flags & PACKET_RST, finished = segment->flags & PACKET_FIN;

    if (connection == NULL || connection->end != CAPTURE_OPEN || (!reset && !finished)) return;
    connection->end = reset ? CAPTURE_RESET : CAPTURE_FINISHED;
    connection->end_by_client = reader->from == reader->talk->client;
    connection->end_ns = reader->packet.time_ns;
    connection->end_packet = reader->packet.number;
}

/* Who no longer reads a stream says so by the end of the connection alone. */
static void end_stream(struct reader *reader, const struct segment *segment,
                       struct capture_connection *stream)
{
    const struct websocket_message close = { WEBSOCKET_CLOSE, NULL, 0, 1 };

    if (stream == NULL || stream->end != CAPTURE_OPEN) return;
    set_end(reader, segment, stream);
    if (stream->end != CAPTURE_OPEN && stream->end_by_client)
        on_message(reader, stream, true, &close, &reader->packet);
}

static void take_segment(struct reader *reader, const struct segment *segment)
{
    struct talk *talk = find_talk(reader, segment, &reader->from);

    if (talk == NULL || is_another(talk, segment, reader->from)) {
        /* Without its connection, neither an acknowledgement nor an end says anything. */
        if (!(segment->flags & PACKET_SYN) && segment->payload.length == 0) return;
        talk = add_talk(reader, segment);
        reader->from = 0;
        if (talk == NULL) return;
    }
    reader->talk = talk;
    note_opening(talk, segment, reader->from);
    if (reader->from == talk->client) talk->out.alive_ns = reader->packet.time_ns;
    flow_take(&talk->flows[reader->from], segment, &reader->packet, on_bytes, reader);
    set_end(reader, segment, &talk->out);
    end_stream(reader, segment, talk->dialogue.stream);
}

static void take_packet(struct reader *reader, const struct packets_one *one)
{
    struct slice packet = { one->bytes, one->size, one->length };
    struct datagram datagram;
    struct segment segment;
    const char *problem = NULL;
    enum layer_result result = link_known(one->link) ? link_strip(one->link, &packet, &problem)
                                                     : LAYER_FOREIGN;

    if (!link_known(one->link)) reader->foreign_link = one->link;
    if (result == LAYER_GOOD)
        result = ip_read(reader->fragments, &packet, reader->packet.number, &datagram, &problem);
    if (result == LAYER_GOOD) result = tcp_read(&datagram, &segment, &problem);
    if (result == LAYER_GOOD) take_segment(reader, &segment);
    if (result == LAYER_BAD) note(reader, reader->packet.number, "%s", problem);
    reader->capture->foreign += result == LAYER_FOREIGN;
}

/* --- the end of the file --- */

/* What waits for bytes that did not come is read without them, in the order of the capture. */
static void resume(struct reader *reader, struct talk *talk)
{
    reader->talk = talk;
    for (;;) {
        uint32_t one = flow_waits(&talk->flows[0]), other = flow_waits(&talk->flows[1]);
        if (one == 0 && other == 0) return;
        reader->from = one == 0 || (other != 0 && other < one);
        flow_resume(&talk->flows[reader->from], on_bytes, reader);
    }
}

static void note_gaps(struct reader *reader, struct talk *talk, int from)
{
    const struct flow *flow = &talk->flows[from];
    const struct half *half =
        from == talk->client ? &talk->dialogue.client : &talk->dialogue.server;
    struct websocket_losses lost = { 0, 0 };
    char text[200], blind[60] = "";

    if (half->reader != NULL) lost = websocket_losses(half->reader);
    if (lost.blind > 0)
        (void)snprintf(blind, sizeof blind, ", and %u compressed with their help", lost.blind);
    (void)snprintf(text, sizeof text, "%s: %" PRIu64 " of the %s, in %u place%s; the messages that "
                   "they belong to are left out%s",
                   flow->first_cut ? "it was cut by the capture, bytes are missing"
                                   : "bytes before it are missing",
                   flow->missing, from == talk->client ? "client" : "server", flow->gaps,
                   flow->gaps == 1 ? "" : "s", blind);
    damage(reader, talk, flow->first_gap, text);
}

static void end_talk(struct reader *reader, struct talk *talk)
{
    struct capture_connection *connection = &talk->out;
    const struct half *client = &talk->dialogue.client;

    resume(reader, talk);
    dialogue_end(&talk->dialogue);
    for (int i = 0; i < 2; i++) {
        if (talk->flows[i].gaps > 0) note_gaps(reader, talk, i);
        flow_end(&talk->flows[i]);
    }
    if (connection->amid && connection->kind == CAPTURE_OTHER && connection->why[0] == '\0')
        (void)snprintf(connection->why, sizeof connection->why, "it began before the capture");
    if (connection->amid && connection->kind == CAPTURE_SOCKET)
        damage(reader, talk, connection->packet,
               "it is in the midst of a connection whose beginning is not there");
    if (connection->kind == CAPTURE_SOCKET && connection->end == CAPTURE_OPEN &&
        client->reader != NULL && websocket_is_amid(client->reader))
        damage(reader, talk, connection->packet, "the last message of the client is incomplete");
    dialogue_free(&talk->dialogue);
}

/* Each direction is in the order of its packets; that of what waited for bytes came late. */
static void sort_messages(struct capture_connection *connection)
{
    uint32_t count = connection->count, at[2] = { 0, 0 };
    struct capture_message *sorted = calloc(count + 1, sizeof *sorted);

    if (sorted == NULL) abort();
    for (uint32_t i = 0; i < count; i++) {
        const struct capture_message *next[2];
        for (int side = 0; side < 2; side++) {
            while (at[side] < count && connection->messages[at[side]].from_client != side)
                at[side]++;
            next[side] = at[side] < count ? &connection->messages[at[side]] : NULL;
        }
        int side = next[0] == NULL || (next[1] != NULL && next[1]->packet <= next[0]->packet);
        sorted[i] = *next[side];
        at[side]++;
    }
    free(connection->messages);
    connection->messages = sorted;
}

static void end_all(struct reader *reader)
{
    struct capture *capture = reader->capture;
    uint32_t packet;

    for (struct talk *talk = reader->first; talk != NULL; talk = talk->after)
        end_talk(reader, talk);
    for (uint32_t i = 0; i < capture->count; i++) sort_messages(capture->connections[i]);
    while ((packet = fragments_left(reader->fragments)) != 0)
        note(reader, packet, "other fragments of its datagram are missing");
    fragments_free(reader->fragments);
}

/* --- the file --- */

/* Numbers are those of the file, as other tools count, whether or not a filter was given. */
static void read_packets(struct reader *reader, struct packets *packets)
{
    struct capture *capture = reader->capture;
    struct packets_one one;
    int rc = 0;

    while (reader->full == NULL && (rc = packets_next(packets, &one)) == 1) {
        reader->packet = (struct flow_packet){ ++capture->packets, one.time_ns };
        if (capture->packets == 1) capture->begin_ns = one.time_ns;
        if (one.matches) take_packet(reader, &one);
        else capture->unmatched++;
    }
    if (reader->full != NULL)
        note(reader, reader->packet.number, "%s; the rest is left out", reader->full);
    else if (rc == -1)
        note(reader, capture->packets + 1, "%s; the rest is left out", packets_problem(packets));
}

static struct capture *read_all(struct packets *packets, char problem[CAPTURE_PROBLEM_MAX])
{
    struct reader *reader = calloc(1, sizeof *reader);
    struct capture *capture = calloc(1, sizeof *capture);

    if (reader == NULL || capture == NULL) abort();
    *reader = (struct reader){
        .capture = capture, .fragments = fragments_new(), .last = &reader->first,
        .listener = { reader, open_connection, on_message }, .foreign_link = -1 };
    if (reader->fragments == NULL) abort();
    read_packets(reader, packets);
    end_all(reader);
    int foreign = reader->foreign_link;
    free(reader);
    if (capture->packets > 0 && (capture->count > 0 || foreign < 0)) return capture;
    if (foreign >= 0)
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX,
                       "its link type %d (%s) is not read; Ethernet, Linux cooked, raw IP and "
                       "loopback are", foreign, packets_link_name(foreign));
    else
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX, "%s",
                       capture->note_count > 0 ? capture->notes[0] : "it holds no packets");
    capture_free(capture);
    return NULL;
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
    file = gzip_open(file);
    if (file == NULL) abort();
    if (ring_is(file)) return read_ring(file, filter, problem);
    struct packets *packets = packets_open(file, filter, problem);
    if (packets == NULL) return NULL;
    struct capture *capture = read_all(packets, problem);
    packets_close(packets);
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
