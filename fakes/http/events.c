/* Server-sent events: section 9.2 of the HTML standard, as far as a server of ours may go. Lines
 * end with a line feed. */
#include "fakes/http/client.h"
#include "fakes/http/parts.h"

#include <stdio.h>
#include <string.h>

/* The value behind that name and its colon; NULL: the line has another. */
static const char *value_of(const char *line, const char *name)
{
    size_t named = strlen(name);

    if (strncmp(line, name, named) != 0 || line[named] != ':') return NULL;
    line += named + 1;
    return *line == ' ' ? line + 1 : line;
}

static bool copy(char out[HTTP_WORD_MAX], const char *value)
{
    return snprintf(out, HTTP_WORD_MAX, "%s", value) < HTTP_WORD_MAX;
}

/* A line that is not of data. NULL: it was understood. */
static const char *read_line(struct http *http)
{
    const char *value;

    http->line[http->line_length] = '\0';
    if (strlen(http->line) != http->line_length) return "a line of the stream has a zero";
    if (http->line[0] == ':') return NULL;
    if ((value = value_of(http->line, "id")) != NULL) {
        http->has_id = true;
        return copy(http->id, value) ? NULL : "the id of an event is too long";
    }
    if ((value = value_of(http->line, "event")) != NULL)
        return copy(http->type, value) ? NULL : "the type of an event is too long";
    return "a line of the stream is neither data, nor an id, nor a type";
}

/* An empty line: what came before it is an event. */
static bool end_event(struct http *http, struct http_event *event)
{
    if (!http->has_data) return http_break(http, "an event has no data", event);
    *event = (struct http_event){ .kind = HTTP_GOT_EVENT, .bytes = http->room,
                                  .length = http->length, .type = http->type,
                                  .id = http->has_id ? http->id : NULL };
    return true;
}

/* A line feed has come. */
static bool end_line(struct http *http, struct http_event *event)
{
    const char *problem = NULL;

    if (http->in_data)
        http->has_data = true;
    else if (http->line_length == 0)
        return end_event(http, event);
    else
        problem = read_line(http);
    http->in_data = false;
    http->line_length = 0;
    return problem != NULL && http_break(http, problem, event);
}

/* One byte of a line; NULL: it has its place. */
static const char *keep_byte(struct http *http, char byte)
{
    static const char data[] = "data: ";

    if (http->in_data) {
        if (http->length >= http->body_max) return "an event is too long";
        return http_keep(http, &byte, 1) ? NULL : "no memory";
    }
    if (http->line_length == sizeof http->line - 1) return "a line of the stream is too long";
    http->line[http->line_length++] = byte;
    if (http->line_length != sizeof data - 1 || memcmp(http->line, data, sizeof data - 1) != 0)
        return NULL;
    if (http->has_data) return "an event has data in several lines";
    http->in_data = true;
    return NULL;
}

/* The event before has been looked at. */
static void forget(struct http *http)
{
    http->length = 0;
    http->room[0] = http->type[0] = '\0';
    http->has_data = http->has_id = http->told = false;
}

bool http_take_stream(struct http *http, const char *bytes, size_t length, size_t *taken,
                      struct http_event *event)
{
    if (http->told) forget(http);
    while (*taken < length) {
        char byte = bytes[(*taken)++];
        if (byte == '\n') {
            if (!end_line(http, event)) continue;
            http->told = http->state == HTTP_STREAM;
            return true;
        }
        const char *problem = keep_byte(http, byte);
        if (problem != NULL) return http_break(http, problem, event);
    }
    return false;
}
