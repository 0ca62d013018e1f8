/* Bytes of a connection, to HTTP or to frames. */
#include "harness/capture/dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what it is not --- */

static const char *protocol_of(const char *bytes, size_t size)
{
    static const char tls[] = "TLS: capture behind the proxy that takes it off";
    static const struct { const char *begin, *name; } known[] = {
        /* What follows the preface's head (RFC 9113, section 3.4). */
        { "SM\r", "HTTP/2: capture behind the proxy that makes HTTP/1.1 of it" },
        { "\x16\x03", tls },
        { "\x17\x03\x03", tls },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i].begin);
        if (size >= length && memcmp(bytes, known[i].begin, length) == 0) return known[i].name;
    }
    return NULL;
}

static void explain(struct dialogue *dialogue, const char *why)
{
    struct capture_connection *connection = dialogue->connection;

    if (connection->why[0] == '\0')
        (void)snprintf(connection->why, sizeof connection->why, "%s", why);
}

/* --- frames --- */

struct told {
    struct dialogue *dialogue;
    bool from_client;
};

static void on_message(void *context, const struct websocket_message *message)
{
    const struct told *told = context;
    const struct dialogue_listener *listener = told->dialogue->listener;

    /* One that began before the capture is known to be one by its messages. */
    told->dialogue->connection->kind = CAPTURE_SOCKET;
    listener->message(listener->context, told->dialogue->connection, told->from_client, message,
                      &told->dialogue->packet);
}

static void read_frames(struct dialogue *dialogue, bool from_client, const uint8_t *bytes,
                        size_t size)
{
    struct half *half = from_client ? &dialogue->client : &dialogue->server;
    struct told told = { dialogue, from_client };

    dialogue->problem = websocket_feed(half->reader, bytes, size, on_message, &told);
}

/* --- both halves --- */

static void hold(struct dialogue *dialogue, const uint8_t *bytes, size_t size)
{
    struct half *client = &dialogue->client;

    if (size > HALF_HELD_MAX - client->held.used) {
        dialogue->problem = "too much was said before an upgrade was answered";
        return;
    }
    if (client->part_count == client->part_room) {
        client->part_room = client->part_room == 0 ? 4 : 2 * client->part_room;
        client->parts = realloc(client->parts, client->part_room * sizeof *client->parts);
        if (client->parts == NULL) abort();
    }
    client->parts[client->part_count++] = (struct held_part){ dialogue->packet, size };
    bytes_keep(&client->held, bytes, size);
}

static void read_held(struct dialogue *dialogue, const struct half *held)
{
    struct flow_packet packet = dialogue->packet;
    const uint8_t *at = (const uint8_t *)held->held.at;

    for (uint32_t i = 0; i < held->part_count && dialogue->problem == NULL; i++) {
        dialogue->packet = held->parts[i].packet;
        dialogue_read(dialogue, true, at, held->parts[i].size);
        at += held->parts[i].size;
    }
    dialogue->packet = packet;
}

/* The server has agreed, or refused: what the client said meanwhile is read. */
static void release(struct dialogue *dialogue)
{
    struct half *client = &dialogue->client, held = *client;

    client->held = (struct bytes){ .at = NULL };
    client->parts = NULL;
    client->part_count = client->part_room = 0;
    if (dialogue->agreed) {
        upgrade_half(dialogue, true);
        if (dialogue->torn) websocket_join(client->reader);
    } else {
        client->mode = HALF_HTTP;
        client->http.state = dialogue->torn ? HTTP_LOST : HTTP_IN_HEAD;
        client->http.used = 0;
    }
    read_held(dialogue, &held);
    free(held.held.at);
    free(held.parts);
}

/* HTTP has ended, `bytes` is what follows it. */
static void leave_http(struct dialogue *dialogue, bool from_client, const uint8_t *bytes,
                       size_t size)
{
    struct half *half = from_client ? &dialogue->client : &dialogue->server;

    if (dialogue->agreed) upgrade_half(dialogue, from_client);
    else half->mode = from_client ? HALF_HELD : HALF_DEAF;
    if (dialogue->problem == NULL) dialogue_read(dialogue, from_client, bytes, size);
}

/* It never was HTTP; what began before the capture may be a WebSocket all the same. */
static void read_foreign(struct dialogue *dialogue, bool from_client, const uint8_t *bytes,
                         size_t size)
{
    struct half *half = from_client ? &dialogue->client : &dialogue->server;
    const char *protocol = protocol_of(half->http.line, half->http.used);

    /* Where the first byte already shows it, those behind it were not looked at. */
    if (protocol == NULL) protocol = protocol_of((const char *)bytes, size);
    half->mode = HALF_DEAF;
    if (protocol == NULL && dialogue->amid) {
        dialogue->settings.deflate = true;
        upgrade_half(dialogue, from_client);
        websocket_join(half->reader);
        read_frames(dialogue, from_client, bytes, size);
    } else {
        explain(dialogue, protocol == NULL ? "another protocol than HTTP/1.1" : protocol);
    }
}

/* The answer to an upgrade is missing, and frames show that it was a good one. */
static bool must_have_agreed(const struct dialogue *dialogue, bool from_client,
                             const uint8_t *bytes, size_t size)
{
    const struct websocket_settings settings = { .from_client = false, .deflate = true };

    return !from_client && dialogue->client.mode == HALF_HELD &&
           dialogue->server.http.state == HTTP_LOST &&
           websocket_could_begin(&settings, bytes, size);
}

static void join_half(struct dialogue *dialogue, bool from_client)
{
    dialogue->agreed = true;
    dialogue->connection->kind = CAPTURE_SOCKET;
    dialogue->settings.deflate = true;
    upgrade_half(dialogue, from_client);
    websocket_join((from_client ? &dialogue->client : &dialogue->server)->reader);
}

static void read_http(struct dialogue *dialogue, bool from_client, const uint8_t *bytes,
                      size_t size)
{
    struct half *half = from_client ? &dialogue->client : &dialogue->server;
    struct http_listener listener = { dialogue, exchange_head, exchange_body, exchange_end };

    if ((from_client && dialogue->agreed) ||
        must_have_agreed(dialogue, from_client, bytes, size)) {
        join_half(dialogue, from_client);
        read_frames(dialogue, from_client, bytes, size);
        return;
    }
    size_t used = http_feed(&half->http, bytes, size, &listener);
    if (half->http.state == HTTP_STOPPED)
        leave_http(dialogue, from_client, bytes + used, size - used);
    else if (half->http.state == HTTP_FOREIGN)
        read_foreign(dialogue, from_client, bytes, size);
}

void dialogue_read(struct dialogue *dialogue, bool from_client, const uint8_t *bytes, size_t size)
{
    struct half *half = from_client ? &dialogue->client : &dialogue->server;

    switch (half->mode) {
    case HALF_HTTP: read_http(dialogue, from_client, bytes, size); break;
    case HALF_HELD: hold(dialogue, bytes, size); break;
    case HALF_SOCKET: read_frames(dialogue, from_client, bytes, size); break;
    case HALF_DEAF: break;
    }
}

static void miss(struct dialogue *dialogue, bool from_client, size_t size)
{
    struct half *half = from_client ? &dialogue->client : &dialogue->server;
    struct http_listener listener = { dialogue, exchange_head, exchange_body, exchange_end };

    switch (half->mode) {
    case HALF_HTTP:
        http_miss(&half->http, size, &listener);
        if (half->http.state == HTTP_LOST) dialogue->unpaired = true;
        break;
    case HALF_HELD:
        half->held.used = half->part_count = 0;
        dialogue->torn = true;
        break;
    case HALF_SOCKET: websocket_miss(half->reader, size); break;
    case HALF_DEAF: break;
    }
}

const char *dialogue_take(struct dialogue *dialogue, bool from_client,
                          const struct flow_packet *packet, const uint8_t *bytes, size_t size)
{
    dialogue->packet = *packet;
    dialogue->problem = NULL;
    if (bytes == NULL) miss(dialogue, from_client, size);
    else dialogue_read(dialogue, from_client, bytes, size);
    if (dialogue->problem != NULL)
        (from_client ? &dialogue->client : &dialogue->server)->mode = HALF_DEAF;
    if (dialogue->client.mode == HALF_HELD && (dialogue->agreed || dialogue->refused))
        release(dialogue);
    dialogue->refused = false;
    return dialogue->problem;
}

static void half_free(struct half *half)
{
    http_free(&half->http);
    free(half->held.at);
    free(half->parts);
    websocket_reader_free(half->reader);
}

void dialogue_free(struct dialogue *dialogue)
{
    half_free(&dialogue->client);
    half_free(&dialogue->server);
    for (uint32_t i = 0; i < dialogue->waiting_count; i++) free(dialogue->waiting[i].body);
    free(dialogue->waiting);
    free(dialogue->current.body);
    free(dialogue->body.at);
    free(dialogue->answer.at);
    events_free(&dialogue->events);
}
