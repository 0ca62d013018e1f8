#include "tests/lws/lws_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the server ---- */

static bool authenticate(void *context, const char *token, struct ws_identity *identity)
{
    const char *at = strchrnul(token, '@');
    size_t length = (size_t)(at - token);
    (void)context;
    if (length == 0 || length >= CORE_NAME_MAX || strcmp(token, "nobody") == 0)
        return false;
    memcpy(identity->user, token, length);
    if (*at == '@')
        snprintf(identity->session, sizeof identity->session, "%s", at + 1);
    identity->tag = 42;
    return true;
}

static char *metrics(void *context, size_t *length)
{
    static const char text[] = "session_up 1\n";
    (void)context;
    *length = sizeof text - 1;
    return strdup(text);
}

static void watch(void *context, const struct ws_event *event)
{
    struct site *site = context;
    pthread_mutex_lock(&site->rig.lock);
    switch (event->kind) {
    case WS_OPENED:
        assert_int_equal(event->tag, 42);
        site->opened++;
        break;
    case WS_REFUSED:
        site->refused++;
        site->refused_code = event->code;
        break;
    case WS_CLOSED:
        site->closed++;
        site->closed_code = event->code;
        break;
    case WS_INPUT: site->inputs++; break;
    case WS_SENDING:
        if (event->seq > 0)
            site->written_seq = event->seq;
        break;
    case WS_OPENING:
    case WS_TAKEN:
    case WS_CLOSING: break;
    }
    pthread_mutex_unlock(&site->rig.lock);
}

void site_init(struct site *site)
{
    memset(site, 0, sizeof *site);
    rig_init(&site->rig);
    ws_transport_config_default(&site->config);
    site->config.authenticate = authenticate;
    site->config.metrics = metrics;
    site->config.watch = watch;
    site->config.context = site;
    lws_set_log_level(0, NULL);
}

void site_start(struct site *site)
{
    assert_int_equal(ws_transport_create(&site->config, &site->transport), CORE_OK);
    site->rig.config.transport = ws_transport_port(site->transport);
    rig_start(&site->rig);
    assert_int_equal(ws_transport_start(site->transport, site->rig.core), CORE_OK);
    site->port = ws_transport_listens(site->transport);
    assert_int_not_equal(site->port, 0);
}

uint64_t site_count(struct site *site, const uint64_t *counter)
{
    pthread_mutex_lock(&site->rig.lock);
    uint64_t count = *counter;
    pthread_mutex_unlock(&site->rig.lock);
    return count;
}

void site_stop(struct site *site)
{
    struct ws_transport_stats stats;
    core_drain(site->rig.core, CORE_MINUTES(1));
    ws_transport_stop(site->transport);
    ws_transport_stats(site->transport, &stats);
    assert_int_equal(stats.connections, 0);
    assert_int_equal(site->opened, site->closed);
    rig_finish(&site->rig);
    ws_transport_destroy(site->transport);
}

/* ---- bytes ---- */

char *long_payload(size_t size)
{
    static const char head[] = "{\"x\":\"", tail[] = "\"}";
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, 'x', size);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + size - (sizeof tail - 1), tail, sizeof tail);
    return text;
}

void client_connect(struct site *site, struct client *client)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(site->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    memset(client, 0, sizeof *client);
    client->site = site;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client->fd >= 0);
    if (site->room > 0)
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &site->room, sizeof site->room);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof address), 0);
}

void client_write(struct client *client, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = send(client->fd, bytes, length, MSG_NOSIGNAL);
        assert_true(written > 0);
        bytes += written;
        length -= (size_t)written;
    }
}

/* More bytes, behind those that were not taken yet. False at the end. */
static bool read_more(struct client *client)
{
    struct pollfd ready = { .fd = client->fd, .events = POLLIN };
    memmove(client->bytes, client->bytes + client->taken, client->length - client->taken);
    client->length -= client->taken;
    client->taken = 0;
    assert_true(client->length < sizeof client->bytes);
    assert_int_equal(poll(&ready, 1, 30000), 1);
    ssize_t got =
        recv(client->fd, client->bytes + client->length, sizeof client->bytes - client->length, 0);
    if (got <= 0)
        return false;
    client->length += (size_t)got;
    return true;
}

static char *take_text(struct client *client, size_t length)
{
    char *text = strndup(client->bytes + client->taken, length);
    assert_non_null(text);
    client->taken += length;
    return text;
}

char *client_ask(struct site *site, const char *format, ...)
{
    struct client *client = malloc(sizeof *client);
    char request[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(request, sizeof request, format, arguments);
    va_end(arguments);
    assert_non_null(client);
    assert_in_range(length, 1, sizeof request - 1);
    client_connect(site, client);
    client_write(client, request, (size_t)length);
    while (read_more(client))
        continue;
    char *text = take_text(client, client->length);
    client_close(client);
    free(client);
    return text;
}

char *client_read_until(struct client *client, const char *text)
{
    for (;;) {
        size_t rest = client->length - client->taken;
        char *at = memmem(client->bytes + client->taken, rest, text, strlen(text));
        if (at != NULL)
            return take_text(client,
                             (size_t)(at - client->bytes) - client->taken + strlen(text));
        if (!read_more(client))
            fail_msg("the connection ended before '%s'", text);
    }
}

void client_close(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    free(client->websocket.room);
    client->websocket.room = NULL;
}

/* ---- WebSockets ---- */

static void *grow(void *context, void *old, size_t used, size_t size)
{
    (void)context;
    (void)used;
    return realloc(old, size);
}

void socket_ask(struct site *site, struct client *client, const char *path, const char *token,
                const char *origin)
{
    struct websocket_request request = { .host = "127.0.0.1", .path = path, .token = token,
                                         .origin = origin, .protocol = WS_SUBPROTOCOL,
                                         .key = "0123456789abcde" };
    char text[2048];
    client_connect(site, client);
    size_t length = websocket_begin(&client->websocket, &request, text, sizeof text, 1u << 20,
                                    grow, NULL);
    assert_int_not_equal(length, 0);
    client_write(client, text, length);
}

struct websocket_event socket_next(struct client *client)
{
    struct websocket_event event;
    size_t taken;
    do {
        bool got = websocket_take(&client->websocket, client->bytes + client->taken,
                                  client->length - client->taken, &taken, &event);
        client->taken += taken;
        if (got)
            return event;
    } while (read_more(client));
    return (struct websocket_event){ .kind = WEBSOCKET_GOT_BROKEN, .bytes = "eof" };
}

void socket_open(struct site *site, struct client *client, const char *token)
{
    socket_ask(site, client, "/ws", token, NULL);
    struct websocket_event event = socket_next(client);
    assert_int_equal(event.kind, WEBSOCKET_GOT_OPEN);
}

void socket_send(struct client *client, enum websocket_opcode opcode, bool final,
                 const char *bytes, size_t length)
{
    static const uint8_t mask[4] = { 0xa5, 0x01, 0xff, 0x3c };
    char *out = malloc(length + WEBSOCKET_HEADER_MAX);
    assert_non_null(out);
    client_write(client, out, websocket_frame(out, opcode, final, mask, bytes, length));
    free(out);
}

void socket_say(struct client *client, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, sizeof text - 1);
    socket_send(client, WEBSOCKET_TEXT, true, text, (size_t)length);
}

json_t *socket_expect(struct client *client, const char *type)
{
    for (;;) {
        struct websocket_event event = socket_next(client);
        if (event.kind != WEBSOCKET_GOT_TEXT)
            fail_msg("%d (%s, %u) came instead of a %s", (int)event.kind, event.bytes, event.code,
                     type);
        json_t *frame = json_loadb(event.bytes, event.length, 0, NULL);
        assert_non_null(frame);
        if (strcmp(frame_word(frame, "type"), type) == 0)
            return frame;
        json_decref(frame);
    }
}

uint32_t socket_expect_close(struct client *client)
{
    for (;;) {
        struct websocket_event event = socket_next(client);
        if (event.kind == WEBSOCKET_GOT_TEXT)
            continue;
        if (event.kind != WEBSOCKET_GOT_CLOSE)
            fail_msg("%d (%s) came instead of a close", (int)event.kind, event.bytes);
        return event.code;
    }
}

void socket_attach(struct client *client, const char *session, uint64_t epoch, uint64_t cursor)
{
    if (epoch == 0)
        socket_say(client, "{\"type\":\"hello\",\"session\":\"%s\"}", session);
    else
        socket_say(client,
                   "{\"type\":\"hello\",\"session\":\"%s\",\"epoch\":%llu,\"cursor\":%llu}",
                   session, (unsigned long long)epoch, (unsigned long long)cursor);
    json_t *ready = socket_expect(client, "connection_ready");
    socket_say(client, "{\"type\":\"connection_acknowledged\",\"gen\":%lld}",
               (long long)frame_number(ready, "gen"));
    json_decref(ready);
}
