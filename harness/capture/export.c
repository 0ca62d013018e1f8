/* Connections as packets. */
#include "harness/capture/export.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/capture/packet.h"
#include "harness/capture/websocket.h"

enum { CLIENT, SERVER };
enum { SERVER_PORT = 8080, CLIENT_PORTS = 40000, CONTROL_MAX = 125, SNAPLEN = 65535 };

/* First sequence numbers lie apart, so that no two connections look alike. */
enum { CLIENT_FIRST = 1000000, SERVER_FIRST = 2000000, APART = 1000 };

struct side {
    struct packet_address address;
    uint32_t next;              /* sequence number of its next byte */
    uint32_t heard;             /* what it has acknowledged */
    bool closed;                /* has sent a close frame */
    bool finished;              /* has sent FIN */
};

struct connection {
    uint64_t id;
    struct side sides[2];
    uint64_t frames;            /* of the client: makes its masks */
    uint32_t *ends;             /* of server messages, the sequence number behind each */
    uint32_t end_count, end_room;
    bool over;
};

struct export {
    char *path;
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    uint64_t begin_ns, time_ns;
    bool six;
    struct connection *connections;
    uint32_t count, room;
    bool no_memory;
    int error;                  /* of the first write that failed; 0: none */
    uint8_t *message;           /* a masked copy */
    size_t message_room;
    uint8_t frame[PACKET_SIZE_MAX];
};

/* --- the file --- */

static bool fail(struct export *export, char problem[EXPORT_PROBLEM_MAX], const char *path,
                 const char *why)
{
    (void)snprintf(problem, EXPORT_PROBLEM_MAX, "%s: cannot write: %s", path, why);
    if (export == NULL) return false;
    if (export->dumper != NULL) pcap_dump_close(export->dumper);
    if (export->pcap != NULL) pcap_close(export->pcap);
    for (uint32_t i = 0; i < export->count; i++) free(export->connections[i].ends);
    free(export->connections);
    free(export->message);
    free(export->path);
    free(export);
    return false;
}

struct export *export_open(const char *path, uint64_t begin_ns, bool six,
                           char problem[EXPORT_PROBLEM_MAX])
{
    struct export *export = calloc(1, sizeof *export);

    if (export != NULL) export->path = strdup(path);
    if (export == NULL || export->path == NULL) {
        (void)fail(export, problem, path, "out of memory");
        return NULL;
    }
    export->begin_ns = begin_ns;
    export->six = six;
    export->pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAPLEN,
                                                        PCAP_TSTAMP_PRECISION_NANO);
    /* libpcap takes "-" for standard output; here it is a file like any other. */
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        (void)fail(export, problem, path, strerror(errno));
        return NULL;
    }
    export->dumper = pcap_dump_fopen(export->pcap, file);
    if (export->dumper == NULL) {
        (void)fclose(file);
        (void)fail(export, problem, path, pcap_geterr(export->pcap));
        return NULL;
    }
    return export;
}

static void flush(struct export *export)
{
    if (pcap_dump_flush(export->dumper) != 0 && export->error == 0) export->error = errno;
}

bool export_close(struct export *export, char problem[EXPORT_PROBLEM_MAX])
{
    flush(export);
    const char *why = export->error ? strerror(export->error) : "out of memory";
    bool good = export->error == 0 && !export->no_memory;

    (void)fail(export, problem, export->path, why);
    return good;
}

/* --- segments --- */

static void send_segment(struct export *export, struct connection *connection, int from,
                         uint8_t flags, const uint8_t *payload, size_t length)
{
    struct side *own = &connection->sides[from], *peer = &connection->sides[1 - from];
    uint64_t time_ns = export->begin_ns + export->time_ns;
    struct packet packet = { &own->address, &peer->address, own->next, own->heard, flags, payload,
                             length };
    size_t size = packet_write(&packet, export->frame);
    struct pcap_pkthdr header = {
        .ts = { (time_t)(time_ns / 1000000000), (suseconds_t)(time_ns % 1000000000) },
        .caplen = (bpf_u_int32)size, .len = (bpf_u_int32)size };

    pcap_dump((u_char *)export->dumper, &header, export->frame);
    /* Should the program die in the midst, what was written is whole. */
    flush(export);
    own->next += (uint32_t)length + (flags & (PACKET_SYN | PACKET_FIN) ? 1 : 0);
}

static void acknowledge(struct export *export, struct connection *connection, int from)
{
    struct side *own = &connection->sides[from];

    own->heard = connection->sides[1 - from].next;
    send_segment(export, connection, from, PACKET_ACK, NULL, 0);
}

static void send_bytes(struct export *export, struct connection *connection, int from,
                       const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        size_t part = length < PACKET_PAYLOAD_MAX ? length : PACKET_PAYLOAD_MAX;
        uint8_t flags = PACKET_ACK | (part == length ? PACKET_PUSH : 0);
        send_segment(export, connection, from, flags, bytes, part);
        bytes += part;
        length -= part;
    }
}

/* --- frames --- */

/* A number that looks like chance and is not: the finaliser of MurmurHash3. */
static uint32_t mix(uint64_t number)
{
    number ^= number >> 33;
    number *= 0xff51afd7ed558ccdu;
    number ^= number >> 33;
    number *= 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(number >> 32);
}

static bool reserve(struct export *export, size_t size)
{
    if (size <= export->message_room) return true;
    uint8_t *grown = realloc(export->message, size);
    if (grown == NULL) {
        export->no_memory = true;
        return false;
    }
    export->message = grown;
    export->message_room = size;
    return true;
}

static void send_frame(struct export *export, struct connection *connection, int from,
                       enum websocket_opcode opcode, const char *bytes, size_t length)
{
    struct websocket_head head = { .final = true, .masked = from == CLIENT, .opcode = opcode,
                                   .length = length };

    if (!reserve(export, WEBSOCKET_HEAD_MAX + length)) return;
    if (head.masked) {
        uint32_t key = mix(connection->id << 32 | ++connection->frames);
        memcpy(head.mask, &key, 4);
    }
    size_t size = websocket_write_head(&head, export->message);
    if (length > 0) memcpy(export->message + size, bytes, length);
    if (head.masked) websocket_mask(export->message + size, length, head.mask, 0);
    send_bytes(export, connection, from, export->message, size + length);
}

static void send_close(struct export *export, struct connection *connection, int from,
                       uint32_t code, const char *reason)
{
    char payload[CONTROL_MAX + 1] = { (char)(code >> 8), (char)code };
    int length = snprintf(payload + 2, sizeof payload - 2, "%s", reason);

    if (length > CONTROL_MAX - 2) length = CONTROL_MAX - 2;
    connection->sides[from].closed = true;
    send_frame(export, connection, from, WEBSOCKET_CLOSE, payload, (size_t)length + 2);
}

/* --- opening --- */

static struct packet_address address_of(const struct export *export, uint32_t network,
                                        uint32_t host, uint32_t port)
{
    static const uint8_t four[4] = { 10 }, six[16] = { 0xfd };
    struct packet_address address = { .six = export->six, .port = (uint16_t)port };
    uint32_t last = export->six ? 15 : 3;

    memcpy(address.bytes, export->six ? six : four, last + 1);
    address.bytes[last - (export->six ? 2 : 1)] = (uint8_t)network;
    address.bytes[last] = (uint8_t)host;
    return address;
}

static struct connection *add(struct export *export)
{
    if (export->count == export->room) {
        uint32_t room = export->room == 0 ? 16 : 2 * export->room;
        struct connection *grown = realloc(export->connections, room * sizeof *grown);
        if (grown == NULL) {
            export->no_memory = true;
            return NULL;
        }
        export->connections = grown;
        export->room = room;
    }
    return &export->connections[export->count++];
}

static void shake_hands(struct export *export, struct connection *connection)
{
    send_segment(export, connection, CLIENT, PACKET_SYN, NULL, 0);
    connection->sides[SERVER].heard = connection->sides[CLIENT].next;
    send_segment(export, connection, SERVER, PACKET_SYN | PACKET_ACK, NULL, 0);
    acknowledge(export, connection, CLIENT);
}

static void upgrade(struct export *export, struct connection *connection,
                    const struct export_ends *ends)
{
    char text[1024], key[WEBSOCKET_KEY_SIZE], answer[WEBSOCKET_ACCEPT_SIZE];
    uint8_t nonce[16];

    for (uint32_t i = 0; i < sizeof nonce; i++)
        nonce[i] = (uint8_t)mix(connection->id << 8 | i);
    websocket_key(nonce, key);
    websocket_answer(key, strlen(key), answer);
    (void)snprintf(text, sizeof text,
                   "GET /session HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
                   "User-Agent: tab/%s\r\nX-Forwarded-User: %s\r\n\r\n",
                   ends->server_name, SERVER_PORT, key, ends->client_name, ends->user);
    send_bytes(export, connection, CLIENT, (const uint8_t *)text, strlen(text));
    acknowledge(export, connection, SERVER);
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", answer);
    send_bytes(export, connection, SERVER, (const uint8_t *)text, strlen(text));
    acknowledge(export, connection, CLIENT);
}

/* NULL: no memory. */
static struct connection *connect_them(struct export *export, uint64_t time_ns, uint64_t id,
                                       const struct export_ends *ends)
{
    struct connection *connection = add(export);
    uint32_t apart = APART * export->count;

    if (connection == NULL) return NULL;
    *connection = (struct connection){ .id = id };
    connection->sides[CLIENT] = (struct side){
        .address = address_of(export, 1, ends->client, CLIENT_PORTS + ends->serial),
        .next = CLIENT_FIRST + apart };
    connection->sides[SERVER] = (struct side){
        .address = address_of(export, 0, ends->server, SERVER_PORT), .next = SERVER_FIRST + apart };
    export->time_ns = time_ns;
    shake_hands(export, connection);
    return connection;
}

void export_connection(struct export *export, uint64_t time_ns, uint64_t id,
                       const struct export_ends *ends)
{
    struct connection *connection = connect_them(export, time_ns, id, ends);

    if (connection != NULL) upgrade(export, connection, ends);
}

void export_stream(struct export *export, uint64_t time_ns, uint64_t id,
                   const struct export_ends *ends)
{
    (void)connect_them(export, time_ns, id, ends);
}

/* --- what happens on it --- */

/* The newest of that id, and the time set; NULL when it is over, or was never opened. */
static struct connection *find(struct export *export, uint64_t time_ns, uint64_t id)
{
    export->time_ns = time_ns;
    for (uint32_t i = export->count; i-- > 0;) {
        struct connection *connection = &export->connections[i];
        if (connection->id == id) return connection->over ? NULL : connection;
    }
    return NULL;
}

void export_from_client(struct export *export, uint64_t time_ns, uint64_t id, const char *bytes,
                        size_t length)
{
    struct connection *connection = find(export, time_ns, id);

    if (connection == NULL || connection->sides[CLIENT].closed) return;
    send_frame(export, connection, CLIENT, WEBSOCKET_TEXT, bytes, length);
    acknowledge(export, connection, SERVER);
}

static bool note_end(struct connection *connection, uint32_t number)
{
    if (number > connection->end_room) {
        uint32_t room = number < 32 ? 64 : 2 * number;
        uint32_t *grown = realloc(connection->ends, room * sizeof *grown);
        if (grown == NULL) return false;
        connection->ends = grown;
        connection->end_room = room;
    }
    while (connection->end_count < number)
        connection->ends[connection->end_count++] = connection->sides[SERVER].next;
    return true;
}

void export_from_server(struct export *export, uint64_t time_ns, uint64_t id, uint32_t number,
                        const char *bytes, size_t length)
{
    struct connection *connection = find(export, time_ns, id);

    if (connection == NULL || connection->sides[SERVER].closed) return;
    send_frame(export, connection, SERVER, WEBSOCKET_TEXT, bytes, length);
    if (!note_end(connection, number)) export->no_memory = true;
}

void export_arrived(struct export *export, uint64_t time_ns, uint64_t id, uint32_t number)
{
    struct connection *connection = find(export, time_ns, id);

    if (connection == NULL || number == 0 || number > connection->end_count) return;
    struct side *client = &connection->sides[CLIENT];
    uint32_t end = connection->ends[number - 1];
    if ((int32_t)(end - client->heard) <= 0) return;
    client->heard = end;
    send_segment(export, connection, CLIENT, PACKET_ACK, NULL, 0);
}

/* Each side says that it will send no more, the server first (RFC 6455, section 7.1.1). */
static void finish(struct export *export, struct connection *connection)
{
    connection->sides[SERVER].heard = connection->sides[CLIENT].next;
    send_segment(export, connection, SERVER, PACKET_FIN | PACKET_ACK, NULL, 0);
    connection->sides[CLIENT].heard = connection->sides[SERVER].next;
    send_segment(export, connection, CLIENT, PACKET_FIN | PACKET_ACK, NULL, 0);
    acknowledge(export, connection, SERVER);
    connection->over = true;
}

void export_server_closes(struct export *export, uint64_t time_ns, uint64_t id, uint32_t code,
                          const char *reason)
{
    struct connection *connection = find(export, time_ns, id);

    if (connection == NULL || connection->sides[SERVER].closed) return;
    send_close(export, connection, SERVER, code, reason);
}

void export_close_arrived(struct export *export, uint64_t time_ns, uint64_t id)
{
    struct connection *connection = find(export, time_ns, id);

    if (connection == NULL || !connection->sides[SERVER].closed) return;
    connection->sides[CLIENT].heard = connection->sides[SERVER].next;
    send_close(export, connection, CLIENT, 1000, "");
    finish(export, connection);
}

void export_client_closes(struct export *export, uint64_t time_ns, uint64_t id)
{
    struct connection *connection = find(export, time_ns, id);

    if (connection == NULL) return;
    send_close(export, connection, CLIENT, 1000, "");
    connection->sides[SERVER].heard = connection->sides[CLIENT].next;
    if (!connection->sides[SERVER].closed) send_close(export, connection, SERVER, 1000, "");
    finish(export, connection);
}

void export_cut(struct export *export, uint64_t time_ns, uint64_t id)
{
    struct connection *connection = find(export, time_ns, id);

    if (connection == NULL) return;
    send_segment(export, connection, CLIENT, PACKET_RST | PACKET_ACK, NULL, 0);
    connection->over = true;
}

void export_server_gone(struct export *export, uint64_t time_ns, uint64_t id)
{
    struct connection *connection = find(export, time_ns, id);

    if (connection == NULL) return;
    if (!connection->sides[SERVER].finished)
        send_segment(export, connection, SERVER, PACKET_FIN | PACKET_ACK, NULL, 0);
    connection->over = true;
}

/* --- bytes instead of messages --- */

void export_bytes(struct export *export, uint64_t time_ns, uint64_t id, bool from_client,
                  const char *bytes, size_t length)
{
    struct connection *connection = find(export, time_ns, id);
    int from = from_client ? CLIENT : SERVER;

    if (connection == NULL || connection->sides[from].finished) return;
    send_bytes(export, connection, from, (const uint8_t *)bytes, length);
    if (from_client) acknowledge(export, connection, SERVER);
}

void export_taken(struct export *export, uint64_t time_ns, uint64_t id, size_t length)
{
    struct connection *connection = find(export, time_ns, id);

    if (connection == NULL) return;
    struct side *client = &connection->sides[CLIENT];
    uint32_t left = connection->sides[SERVER].next - client->heard;
    if (left == 0 || length == 0) return;
    client->heard += length < left ? (uint32_t)length : left;
    send_segment(export, connection, CLIENT, PACKET_ACK, NULL, 0);
}

void export_finish(struct export *export, uint64_t time_ns, uint64_t id, bool by_client)
{
    struct connection *connection = find(export, time_ns, id);
    int from = by_client ? CLIENT : SERVER;

    if (connection == NULL || connection->sides[from].finished) return;
    connection->sides[from].finished = true;
    send_segment(export, connection, from, PACKET_FIN | PACKET_ACK, NULL, 0);
    if (by_client) acknowledge(export, connection, SERVER);
    connection->over = connection->sides[1 - from].finished;
}
