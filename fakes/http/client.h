/*
 * The client's side of one request over HTTP/1.1, as bytes: what to send, and a parser for what
 * comes back, in pieces of any size: a body of a known length, or a stream of server-sent events
 * (the event stream format of the HTML standard). No descriptor, no clock, no chance. Written
 * without a look at any server's code, because it is the witness of what the server said.
 *
 * One thread at a time for each struct http.
 */
#ifndef FAKES_HTTP_CLIENT_H
#define FAKES_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A head that is longer is refused; what an event may be called. */
enum { HTTP_HEAD_MAX = 4096, HTTP_WORD_MAX = 64 };

enum http_state {
    HTTP_HEAD,     /* the head of the response has not come as a whole */
    HTTP_BODY,     /* its body has not */
    HTTP_STREAM,   /* events come until the connection ends */
    HTTP_DONE,     /* the response is complete */
    HTTP_BROKEN,   /* the server broke the protocol: see problem */
};

enum http_event_kind {
    HTTP_GOT_STREAM,   /* the stream has begun */
    HTTP_GOT_EVENT,
    HTTP_GOT_BODY,     /* the whole response: status and body */
    HTTP_GOT_BROKEN,
};

struct http_event {
    enum http_event_kind kind;
    const char *bytes;       /* data of an event, or a body; valid until the next call, followed by
                                a zero */
    size_t length;
    const char *type;        /* event: "" if it has none; */
    const char *id;          /* the id that it brings, NULL: it brings none */
};

/* Gives room for `size` bytes with the first `used` of old in it; old is given up. NULL: broken. */
typedef void *(*http_grow)(void *context, void *old, size_t used, size_t size);

struct http {
    enum http_state state;
    const char *problem;     /* broken: a sentence; static */
    uint32_t status;         /* of the response, 0 before its head has come */
    bool keeps;              /* the connection may carry another request */

    /* The rest is the parser's own. */
    size_t body_max;
    http_grow grow;
    void *grow_context;
    char *room;              /* head, body, or data of an event */
    size_t capacity, length;
    uint64_t body_left;
    char line[HTTP_WORD_MAX + 16]; /* of the stream: its beginning, up to the value of data */
    size_t line_length;
    bool in_data, has_data, has_id;
    bool told;               /* the event in the room has been given away */
    char type[HTTP_WORD_MAX], id[HTTP_WORD_MAX];
};

struct http_request {
    const char *path;        /* of a GET */
    const char *host;
    const char *token;       /* for the Authorization header; NULL: none */
    const char *last_id;     /* Last-Event-ID; NULL: none */
    const char *accept;      /* a media type; NULL: any */
};

/*
 * Writes the request into text, and begins to wait for its response, whatever was waited for
 * before; `http` is zeroed before its first one. Returns its length, or 0 if size is too small. A
 * body or the data of an event that is longer than body_max breaks it.
 */
size_t http_begin(struct http *http, const struct http_request *request, char *text, size_t size,
                  size_t body_max, http_grow grow, void *context);

/*
 * Looks at the next bytes that came, up to the first event: *taken tells how many they were. False:
 * all were taken, and there is no event yet. After DONE more bytes are a break of the protocol;
 * after BROKEN all bytes are taken, and give nothing.
 */
bool http_take(struct http *http, const char *bytes, size_t length, size_t *taken,
               struct http_event *event);

#endif
