/* One direction of HTTP/1.1 (RFC 9112): heads, and bodies with a length, in chunks, or up to the
 * end of the connection. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_HTTP_H
#define HARNESS_CAPTURE_HTTP_H

#include "harness/capture/head.h"

enum { HTTP_HEAD_MAX = 64 << 10 };

enum http_body { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKS, HTTP_REST };

enum http_state {
    HTTP_IN_HEAD,
    HTTP_IN_BODY,               /* of a length, or a chunk */
    HTTP_IN_REST,
    HTTP_IN_CHUNK_HEAD,
    HTTP_IN_CHUNK_END,          /* the line end behind it */
    HTTP_IN_TRAILER,
    HTTP_LOST,                  /* bytes are missing; a head, or a chunk, is looked for */
    HTTP_STOPPED,               /* what follows is no HTTP any more */
    HTTP_FOREIGN,               /* it never was */
};

struct http {
    bool from_client;
    enum http_state state;
    bool chunked;               /* the body that is read */
    uint64_t left;              /* bytes of the body, or of the chunk */
    char *line;                 /* a head, or a line, as far as it has come */
    size_t used, room;
};

struct http_listener {
    void *context;
    /* A whole head. *body is what follows it, by its headers alone: to be changed where they do not
     * decide. False: HTTP ends with it. */
    bool (*head)(void *context, bool from_client, struct text head, enum http_body *body);
    /* Some of its body; NULL: so many bytes of it are missing. */
    void (*body)(void *context, bool from_client, const uint8_t *bytes, size_t size);
    /* All of it has come. */
    void (*end)(void *context, bool from_client);
};

/* Takes bytes, and gives how many of them were HTTP: less than `size` if it has ended. */
size_t http_feed(struct http *http, const uint8_t *bytes, size_t size,
                 const struct http_listener *listener);

/* The next `size` bytes are not there. */
void http_miss(struct http *http, size_t size, const struct http_listener *listener);

/* Whether bytes can begin a request, or an answer; as far as they go. */
bool http_could_begin(bool from_client, const char *bytes, size_t size);

void http_free(struct http *http);

#endif
