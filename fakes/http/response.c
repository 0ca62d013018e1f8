/* Requests over HTTP/1.1 and the heads and bodies of their responses (RFC 9112), as the client sees
 * them. */
#include "fakes/http/client.h"
#include "fakes/http/header.h"
#include "fakes/http/parts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- the request ---- */

struct line {
    const char *name, *value;
};

static int put_line(char *text, size_t size, const struct line *line)
{
    if (line->value == NULL) return 0;
    return snprintf(text, size, "%s%s\r\n", line->name, line->value);
}

size_t http_begin(struct http *http, const struct http_request *request, char *text, size_t size,
                  size_t body_max, http_grow grow, void *context)
{
    const struct line lines[] = {
        { "Host: ", request->host },
        { "Accept: ", request->accept },
        { "Authorization: Bearer ", request->token },
        { "Last-Event-ID: ", request->last_id },
        { "", "" },
    };
    size_t used = 0;

    *http = (struct http){ .body_max = body_max, .grow = grow, .grow_context = context,
                           .room = http->room, .capacity = http->capacity };
    int length = snprintf(text, size, "GET %s HTTP/1.1\r\n", request->path);
    for (size_t i = 0; length >= 0 && (used += (size_t)length) < size; i++) {
        if (i == sizeof lines / sizeof *lines) return used;
        length = put_line(text + used, size - used, &lines[i]);
    }
    return 0;
}

/* ---- what all parts of the parser share ---- */

bool http_break(struct http *http, const char *problem, struct http_event *event)
{
    http->state = HTTP_BROKEN;
    http->problem = problem;
    *event = (struct http_event){ .kind = HTTP_GOT_BROKEN, .bytes = problem,
                                  .length = strlen(problem), .type = "" };
    return true;
}

bool http_keep(struct http *http, const char *bytes, size_t count)
{
    size_t wanted = http->length + count + 1;

    if (wanted > http->capacity) {
        size_t capacity = http->capacity == 0 ? 512 : 2 * http->capacity;
        if (capacity < wanted) capacity = wanted;
        char *room = http->grow(http->grow_context, http->room, http->length, capacity);
        if (room == NULL) return false;
        http->room = room;
        http->capacity = capacity;
    }
    if (count > 0) memcpy(http->room + http->length, bytes, count);
    http->length += count;
    http->room[http->length] = '\0';
    return true;
}

/* ---- the head ---- */

static bool header_begins(const char *head, const char *name, const char *wanted)
{
    size_t length;
    const char *value = http_header(head, name, &length);

    return value != NULL && length >= strlen(wanted) &&
           strncasecmp(value, wanted, strlen(wanted)) == 0;
}

static bool read_status(struct http *http)
{
    static const char version[] = "HTTP/1.1 ";
    const char *digits = http->room + sizeof version - 1;

    if (strncmp(http->room, version, sizeof version - 1) != 0) return false;
    if (strspn(digits, "0123456789") != 3 || digits[0] == '0') return false;
    http->status = (uint32_t)(digits[0] - '0') * 100 + (uint32_t)(digits[1] - '0') * 10 +
                   (uint32_t)(digits[2] - '0');
    return true;
}

static bool read_length(struct http *http)
{
    enum { DIGITS_MAX = 12 };
    size_t length;
    const char *value = http_header(http->room, "Content-Length", &length);

    if (value == NULL || length == 0 || length > DIGITS_MAX) return false;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9') return false;
        http->body_left = http->body_left * 10 + (uint64_t)(value[i] - '0');
    }
    return true;
}

/* The whole head is there. True: there is an event. */
static bool end_head(struct http *http, struct http_event *event)
{
    size_t ignored;

    if (strlen(http->room) != http->length || !read_status(http))
        return http_break(http, "the response is not HTTP/1.1", event);
    if (http_header(http->room, "Transfer-Encoding", &ignored) != NULL)
        return http_break(http, "the response is in an encoding that nobody asked for", event);
    http->keeps = !header_begins(http->room, "Connection", "close");
    bool events = http->status == 200 &&
                  header_begins(http->room, "Content-Type", "text/event-stream");
    if (!events && !read_length(http))
        return http_break(http, "the response does not say how long it is", event);
    if (http->body_left > http->body_max)
        return http_break(http, "the response is too long", event);
    http->length = 0;
    http->room[0] = '\0';
    http->state = events ? HTTP_STREAM : HTTP_BODY;
    *event = (struct http_event){ .kind = HTTP_GOT_STREAM, .bytes = "", .type = "" };
    return events;
}

/* Byte by byte, so that what comes behind the empty line is left for the body. */
static bool take_head(struct http *http, const char *bytes, size_t length, size_t *taken,
                      struct http_event *event)
{
    while (*taken < length) {
        if (http->length == HTTP_HEAD_MAX)
            return http_break(http, "the head of the response is too long", event);
        if (!http_keep(http, bytes + (*taken)++, 1)) return http_break(http, "no memory", event);
        if (http->length >= 4 && memcmp(http->room + http->length - 4, "\r\n\r\n", 4) == 0)
            return end_head(http, event);
    }
    return false;
}

/* ---- the body ---- */

static bool take_body(struct http *http, const char *bytes, size_t length, size_t *taken,
                      struct http_event *event)
{
    size_t piece = length - *taken;

    if (piece > http->body_left) piece = (size_t)http->body_left;
    if (!http_keep(http, bytes + *taken, piece)) return http_break(http, "no memory", event);
    *taken += piece;
    http->body_left -= piece;
    if (http->body_left > 0) return false;
    http->state = HTTP_DONE;
    *event = (struct http_event){ .kind = HTTP_GOT_BODY, .bytes = http->room,
                                  .length = http->length, .type = "" };
    return true;
}

bool http_take(struct http *http, const char *bytes, size_t length, size_t *taken,
               struct http_event *event)
{
    *taken = 0;
    if (http->state == HTTP_HEAD && take_head(http, bytes, length, taken, event)) return true;
    if (http->state == HTTP_BODY) return take_body(http, bytes, length, taken, event);
    if (http->state == HTTP_STREAM) return http_take_stream(http, bytes, length, taken, event);
    if (http->state == HTTP_DONE && *taken < length) {
        *taken = length;
        return http_break(http, "the server says more than it was asked for", event);
    }
    *taken = length;
    return false;
}
