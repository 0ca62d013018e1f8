/* The opening handshake of WebSockets: section 4 of RFC 6455, as the client sees it. */
#include "fakes/http/header.h"
#include "fakes/websocket/sha1.h"
#include "fakes/websocket/client.h"
#include "fakes/websocket/parts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void base64(const uint8_t *bytes, size_t length, char *text)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t word = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? bytes[i + 2] : 0);
        *text++ = digits[word >> 18];
        *text++ = digits[word >> 12 & 63];
        *text++ = left > 1 ? digits[word >> 6 & 63] : '=';
        *text++ = left > 2 ? digits[word & 63] : '=';
    }
    *text = '\0';
}

void websocket_accept(const char *key, char accept[WEBSOCKET_ACCEPT_MAX])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[WEBSOCKET_KEY_MAX + sizeof guid];
    uint8_t digest[SHA1_BYTES];
    int length = snprintf(text, sizeof text, "%.*s%s", WEBSOCKET_KEY_MAX - 1, key, guid);

    sha1(text, (size_t)length, digest);
    base64(digest, sizeof digest, accept);
}

/* A header line of the request, if there is a value for it. */
static int put_header(char *text, size_t size, const char *name, const char *value)
{
    return value == NULL ? 0 : snprintf(text, size, "%s%s\r\n", name, value);
}

size_t websocket_begin(struct websocket *websocket, const struct websocket_request *request,
                       char *text, size_t size, size_t message_max, websocket_grow grow,
                       void *context)
{
    char key[WEBSOCKET_KEY_MAX];

    *websocket = (struct websocket){ .protocol = request->protocol, .message_max = message_max,
                                     .grow = grow, .grow_context = context };
    base64(request->key, sizeof request->key, key);
    websocket_accept(key, websocket->accept);
    const struct { const char *name, *value; } headers[] = {
        { "Host: ", request->host },
        { "Upgrade: ", "websocket" },
        { "Connection: ", "Upgrade" },
        { "Sec-WebSocket-Key: ", key },
        { "Sec-WebSocket-Version: ", "13" },
        { "Sec-WebSocket-Protocol: ", request->protocol },
        { "Origin: ", request->origin },
        { "Authorization: Bearer ", request->token },
        { "", "" },
    };
    size_t used = 0;
    int length = snprintf(text, size, "GET %s HTTP/1.1\r\n", request->path);
    for (size_t i = 0; length >= 0 && (used += (size_t)length) < size; i++) {
        if (i == sizeof headers / sizeof *headers) return used;
        length = put_header(text + used, size - used, headers[i].name, headers[i].value);
    }
    return 0;
}

/* ---- the response ---- */

static bool header_is(const char *response, const char *name, const char *wanted, bool exactly)
{
    size_t length;
    const char *value = http_header(response, name, &length);

    if (value == NULL || length != strlen(wanted)) return false;
    return exactly ? memcmp(value, wanted, length) == 0 : strncasecmp(value, wanted, length) == 0;
}

static bool read_status(struct websocket *websocket, const char *response)
{
    static const char version[] = "HTTP/1.";
    const char *digits = response + sizeof version + 1;

    if (strncmp(response, version, sizeof version - 1) != 0) return false;
    if (strncmp(digits - 2, "0 ", 2) != 0 && strncmp(digits - 2, "1 ", 2) != 0) return false;
    if (strspn(digits, "0123456789") != 3) return false;
    websocket->status = (uint32_t)(digits[0] - '0') * 100 + (uint32_t)(digits[1] - '0') * 10 +
                        (uint32_t)(digits[2] - '0');
    return true;
}

/* What is wrong with the response; NULL if nothing is. */
static const char *problem_of_response(struct websocket *websocket, const char *response)
{
    size_t length;

    if (strlen(response) != websocket->length || !read_status(websocket, response))
        return "the response is not HTTP/1";
    if (websocket->status != 101) return "the server refused the upgrade";
    if (response[sizeof "HTTP/1." - 1] != '1') return "the response is not HTTP/1.1";
    if (!header_is(response, "Upgrade", "websocket", false) ||
        !header_is(response, "Connection", "Upgrade", false))
        return "the response does not upgrade";
    if (!header_is(response, "Sec-WebSocket-Accept", websocket->accept, true))
        return "the accept key is wrong";
    if (http_header(response, "Sec-WebSocket-Extensions", &length) != NULL)
        return "the server uses an extension that nobody asked for";
    if (http_header(response, "Sec-WebSocket-Protocol", &length) != NULL &&
        (websocket->protocol == NULL ||
         !header_is(response, "Sec-WebSocket-Protocol", websocket->protocol, true)))
        return "the server speaks another subprotocol";
    return NULL;
}

/* Byte by byte, so that what comes behind the empty line is left for the frames. */
bool websocket_take_response(struct websocket *websocket, const char *bytes, size_t length,
                             size_t *taken, struct websocket_event *event)
{
    while (*taken < length) {
        if (websocket->length == WEBSOCKET_RESPONSE_MAX)
            return websocket_break(websocket, "the response is too long", event);
        if (!websocket_room(websocket, 1)) return websocket_break(websocket, "no memory", event);
        websocket->room[websocket->length++] = bytes[(*taken)++];
        websocket->room[websocket->length] = '\0';
        if (websocket->length < 4 ||
            memcmp(websocket->room + websocket->length - 4, "\r\n\r\n", 4) != 0)
            continue;
        const char *problem = problem_of_response(websocket, websocket->room);
        if (problem != NULL) return websocket_break(websocket, problem, event);
        websocket->state = WEBSOCKET_OPEN;
        websocket->length = 0;
        *event = (struct websocket_event){ .kind = WEBSOCKET_GOT_OPEN, .bytes = "" };
        return true;
    }
    return false;
}
