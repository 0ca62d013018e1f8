/* The HTTP client of the fakes: a body and a stream, cut at every place, and broken servers. */
#include "fakes/http/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *grow(void *context, void *old, size_t used, size_t size)
{
    (void)context;
    (void)used;
    return realloc(old, size);
}

static void begin(struct http *http, const struct http_request *request, char text[512])
{
    *http = (struct http){ .state = HTTP_HEAD };
    size_t length = http_begin(http, request, text, 512, 1000, grow, NULL);
    assert_int_equal(length, strlen(text));
}

static const struct http_request plain = { .path = "/p?q=1", .host = "h" };

static void a_request_says_what_it_is_told_to(void **state)
{
    struct http http;
    char text[512];
    (void)state;
    begin(&http, &plain, text);
    assert_string_equal(text, "GET /p?q=1 HTTP/1.1\r\nHost: h\r\n\r\n");
    begin(&http, &(struct http_request){ .path = "/", .host = "h", .token = "t",
                                         .last_id = "7-1", .accept = "a/b" }, text);
    assert_string_equal(text, "GET / HTTP/1.1\r\nHost: h\r\nAccept: a/b\r\n"
                              "Authorization: Bearer t\r\nLast-Event-ID: 7-1\r\n\r\n");
    assert_int_equal(http_begin(&http, &plain, text, 20, 1000, grow, NULL), 0);
}

/* All events of these bytes, cut at that place, one line each. */
static void hear(struct http *http, const char *bytes, size_t length, size_t cut, char *out,
                 size_t room)
{
    struct http_event event;
    size_t at = 0, taken, used = 0;
    *out = '\0';
    while (at < length) {
        size_t end = at < cut ? cut : length;
        bool got = http_take(http, bytes + at, end - at, &taken, &event);
        at += taken;
        if (got)
            used += (size_t)snprintf(out + used, room - used, "%d %s|%s|%s\n", event.kind,
                                     event.type, event.id == NULL ? "-" : event.id, event.bytes);
        assert_true(used < room);
    }
}

/* What comes of them, wherever they are cut. */
static void expect(const char *bytes, const char *events)
{
    size_t length = strlen(bytes);
    for (size_t cut = 0; cut < length; cut++) {
        struct http http;
        char text[512], out[1024];
        begin(&http, &plain, text);
        hear(&http, bytes, length, cut, out, sizeof out);
        assert_string_equal(out, events);
        free(http.room);
    }
}

#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

static void any_cut_gives_the_same(void **state)
{
    (void)state;
    expect("HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nhello", "2 |-|hello\n");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "2 |-|\n");
    expect(STREAM "data: {}\n\nid: 7-1\ndata: a b\n\n: comment\nevent: close\ndata: x\n\n",
           "0 |-|\n1 |-|{}\n1 |7-1|a b\n1 close|-|x\n");
}

static void who_breaks_it_is_told_how(void **state)
{
    (void)state;
    expect("HTTP/1.0 200 OK\r\n\r\n", "3 |-|the response is not HTTP/1.1\n");
    expect("HTTP/1.1 20 OK\r\n\r\n", "3 |-|the response is not HTTP/1.1\n");
    expect("HTTP/1.1 200 OK\r\n\r\n", "3 |-|the response does not say how long it is\n");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
           "3 |-|the response is too long\n");
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
           "3 |-|the response is in an encoding that nobody asked for\n");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
           "2 |-|a\n3 |-|the server says more than it was asked for\n");
    expect(STREAM "data\n", "0 |-|\n3 |-|a line of the stream is neither data, nor an id, nor a "
                            "type\n");
    expect(STREAM "id: 1\n\n", "0 |-|\n3 |-|an event has no data\n");
    expect(STREAM "data: 1\ndata: 2\n\n",
           "0 |-|\n3 |-|an event has data in several lines\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_says_what_it_is_told_to),
        cmocka_unit_test(any_cut_gives_the_same),
        cmocka_unit_test(who_breaks_it_is_told_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
