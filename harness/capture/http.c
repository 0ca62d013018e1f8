/* HTTP/1.1 from pieces of any size. */
#include "harness/capture/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Of a method, which ends with a blank; the longest that is registered has 17. */
enum { METHOD_MAX = 20, CHUNK_LINE_MAX = 4096, CHUNK_DIGITS_MAX = 15 };

bool http_could_begin(bool from_client, const char *bytes, size_t size)
{
    static const char version[] = "HTTP/1.";

    if (!from_client) {
        size_t length = size < sizeof version - 1 ? size : sizeof version - 1;
        return memcmp(bytes, version, length) == 0;
    }
    for (size_t i = 0; i < size && i < METHOD_MAX; i++) {
        if (bytes[i] == ' ') return i > 0;
        if (!isupper((unsigned char)bytes[i]) && bytes[i] != '-') return false;
    }
    return size < METHOD_MAX;
}

void http_free(struct http *http)
{
    free(http->line);
}

static void keep(struct http *http, char letter)
{
    if (http->used == http->room) {
        http->room = http->room == 0 ? 512 : 2 * http->room;
        http->line = realloc(http->line, http->room);
        if (http->line == NULL) abort();
    }
    http->line[http->used++] = letter;
}

static bool ends_with(const struct http *http, const char *end)
{
    size_t length = strlen(end);

    return http->used >= length && memcmp(http->line + http->used - length, end, length) == 0;
}

static void end_message(struct http *http, const struct http_listener *listener)
{
    http->state = HTTP_IN_HEAD;
    http->used = 0;
    listener->end(listener->context, http->from_client);
}

/* --- heads --- */

static enum http_body body_of(const struct http *http, struct text head, uint64_t *length)
{
    struct text value;

    *length = 0;
    if (head_has(head, "Transfer-Encoding", "chunked")) return HTTP_CHUNKS;
    if (head_find(head, "Content-Length", &value)) {
        *length = text_number(value);
        return *length == 0 ? HTTP_NO_BODY : HTTP_LENGTH;
    }
    return http->from_client ? HTTP_NO_BODY : HTTP_REST;
}

static void on_head(struct http *http, const struct http_listener *listener)
{
    struct text head = { http->line, http->used };
    enum http_body body = body_of(http, head, &http->left);

    http->chunked = false;
    if (!listener->head(listener->context, http->from_client, head, &body)) {
        http->state = HTTP_STOPPED;
        return;
    }
    http->used = 0;
    switch (body) {
    case HTTP_NO_BODY: end_message(http, listener); return;
    case HTTP_LENGTH: http->state = HTTP_IN_BODY; return;
    case HTTP_REST: http->state = HTTP_IN_REST; return;
    case HTTP_CHUNKS:
        http->state = HTTP_IN_CHUNK_HEAD;
        http->chunked = true;
        return;
    }
}

static size_t take_head(struct http *http, const uint8_t *bytes, size_t size,
                        const struct http_listener *listener)
{
    for (size_t i = 0; i < size; i++) {
        /* Empty lines may stand before a request (RFC 9112, section 2.2). */
        if (http->used == 0 && (bytes[i] == '\r' || bytes[i] == '\n')) continue;
        keep(http, (char)bytes[i]);
        if ((http->used <= METHOD_MAX &&
             !http_could_begin(http->from_client, http->line, http->used)) ||
            http->used > HTTP_HEAD_MAX) {
            http->state = HTTP_FOREIGN;
            return size;
        }
        if (bytes[i] != '\n' || !(ends_with(http, "\r\n\r\n") || ends_with(http, "\n\n"))) continue;
        on_head(http, listener);
        return i + 1;
    }
    return size;
}

/* --- bodies --- */

/* The number at the beginning of a chunk; false: there is none. */
static bool read_chunk(const char *line, size_t length, uint64_t *size)
{
    size_t i = 0;

    *size = 0;
    for (; i < length && isxdigit((unsigned char)line[i]); i++) {
        int letter = tolower((unsigned char)line[i]);
        *size = *size * 16 + (uint64_t)(isdigit(letter) ? letter - '0' : letter - 'a' + 10);
    }
    return i > 0 && i <= CHUNK_DIGITS_MAX && i < length && strchr("\r\n; \t", line[i]) != NULL;
}

static void on_line(struct http *http, const struct http_listener *listener)
{
    bool empty = http->used <= 2;
    uint64_t size;

    if (http->state == HTTP_IN_CHUNK_END) {
        http->state = empty ? HTTP_IN_CHUNK_HEAD : HTTP_LOST;
    } else if (http->state == HTTP_IN_TRAILER) {
        if (empty) end_message(http, listener);
    } else if (!read_chunk(http->line, http->used, &size)) {
        http->state = HTTP_LOST;
    } else {
        http->left = size;
        http->state = size == 0 ? HTTP_IN_TRAILER : HTTP_IN_BODY;
    }
    http->used = 0;
}

static size_t take_line(struct http *http, const uint8_t *bytes, size_t size,
                        const struct http_listener *listener)
{
    for (size_t i = 0; i < size; i++) {
        keep(http, (char)bytes[i]);
        if (bytes[i] != '\n' && http->used < CHUNK_LINE_MAX) continue;
        on_line(http, listener);
        return i + 1;
    }
    return size;
}

static void end_of_left(struct http *http, const struct http_listener *listener)
{
    if (http->chunked) http->state = HTTP_IN_CHUNK_END;
    else end_message(http, listener);
}

static size_t take_body(struct http *http, const uint8_t *bytes, size_t size,
                        const struct http_listener *listener)
{
    size_t taken = size < http->left ? size : (size_t)http->left;

    listener->body(listener->context, http->from_client, bytes, taken);
    http->left -= taken;
    if (http->left == 0) end_of_left(http, listener);
    return taken;
}

/* Behind missing bytes, a segment that begins like a message, or a chunk, does begin one. */
static size_t find_again(struct http *http, const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes;
    const uint8_t *end = memchr(bytes, '\n', size < CHUNK_LINE_MAX ? size : CHUNK_LINE_MAX);
    uint64_t length;

    http->used = 0;
    if (size > METHOD_MAX && http_could_begin(http->from_client, text, size))
        http->state = HTTP_IN_HEAD;
    else if (http->chunked && end != NULL && read_chunk(text, (size_t)(end - bytes) + 1, &length))
        http->state = HTTP_IN_CHUNK_HEAD;
    else return size;
    return 0;
}

static size_t take_some(struct http *http, const uint8_t *bytes, size_t size,
                        const struct http_listener *listener)
{
    switch (http->state) {
    case HTTP_IN_HEAD: return take_head(http, bytes, size, listener);
    case HTTP_IN_BODY: return take_body(http, bytes, size, listener);
    case HTTP_IN_CHUNK_HEAD:
    case HTTP_IN_CHUNK_END:
    case HTTP_IN_TRAILER: return take_line(http, bytes, size, listener);
    case HTTP_IN_REST: listener->body(listener->context, http->from_client, bytes, size); break;
    case HTTP_LOST: return find_again(http, bytes, size);
    case HTTP_STOPPED:
    case HTTP_FOREIGN: break;
    }
    return size;
}

size_t http_feed(struct http *http, const uint8_t *bytes, size_t size,
                 const struct http_listener *listener)
{
    size_t used = 0;

    while (used < size && http->state != HTTP_STOPPED)
        used += take_some(http, bytes + used, size - used, listener);
    return used;
}

void http_miss(struct http *http, size_t size, const struct http_listener *listener)
{
    bool inside = http->state == HTTP_IN_BODY && size <= http->left;

    if (http->state == HTTP_STOPPED || http->state == HTTP_FOREIGN) return;
    listener->body(listener->context, http->from_client, NULL, size);
    if (inside) {
        http->left -= size;
        if (http->left == 0) end_of_left(http, listener);
    } else if (http->state != HTTP_IN_REST) {
        http->state = HTTP_LOST;
    }
}
