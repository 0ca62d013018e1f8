/*
 * The client's side of a WebSocket, as bytes (RFC 6455): what to send to open one, how to frame a
 * message, and a parser for what comes back, in pieces of any size. No descriptor, no clock, no
 * chance: keys and masks are given. Written without a look at any server's code, because it is the
 * witness of what the server said.
 *
 * One thread at a time for each struct websocket.
 */
#ifndef FAKES_WEBSOCKET_CLIENT_H
#define FAKES_WEBSOCKET_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Base64 of 16 bytes, and of an SHA-1, with their final zeros. */
enum { WEBSOCKET_KEY_MAX = 25, WEBSOCKET_ACCEPT_MAX = 29 };

/* A frame's header with its mask; what a control frame may hold. */
enum { WEBSOCKET_HEADER_MAX = 14, WEBSOCKET_CONTROL_MAX = 125 };

/* A response to the upgrade that is longer is refused. */
enum { WEBSOCKET_RESPONSE_MAX = 4096 };

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10,
};

enum websocket_state {
    WEBSOCKET_OPENING,   /* the response to the upgrade has not come as a whole */
    WEBSOCKET_OPEN,
    WEBSOCKET_CLOSED,    /* a close frame came, nothing more is looked at */
    WEBSOCKET_BROKEN,    /* the server broke the protocol, or refused: see problem and status */
};

enum websocket_event_kind {
    WEBSOCKET_GOT_OPEN,
    WEBSOCKET_GOT_TEXT,
    WEBSOCKET_GOT_BINARY,
    WEBSOCKET_GOT_PING,
    WEBSOCKET_GOT_PONG,
    WEBSOCKET_GOT_CLOSE,
    WEBSOCKET_GOT_BROKEN,
};

struct websocket_event {
    enum websocket_event_kind kind;
    const char *bytes;       /* of a message, ping or pong, or the reason of a close; valid until
                                the next call, followed by a zero */
    size_t length;
    uint32_t code;           /* close: 1005 if none was given; broken: HTTP status, or 0 */
};

/* Gives room for `size` bytes with the first `used` of old in it; old is given up. NULL: broken. */
typedef void *(*websocket_grow)(void *context, void *old, size_t used, size_t size);

struct websocket {
    enum websocket_state state;
    const char *problem;     /* broken: a sentence; static */
    uint32_t status;         /* of the HTTP response, 0 before */
    char accept[WEBSOCKET_ACCEPT_MAX];
    size_t message_max;

    /* The rest is the parser's own. */
    const char *protocol;
    websocket_grow grow;
    void *grow_context;
    char *room;              /* response, then messages */
    size_t capacity, length;
    uint8_t head[WEBSOCKET_HEADER_MAX];
    size_t head_length;
    uint64_t payload_left;
    enum websocket_opcode frame, message; /* message: CONTINUATION outside of one */
    bool in_frame, final;
    char control[WEBSOCKET_CONTROL_MAX + 1];
    size_t control_length;
};

struct websocket_request {
    const char *host, *path; /* path with its parameters */
    const char *origin;      /* NULL: none */
    const char *protocol;    /* NULL: none */
    const char *token;       /* for the Authorization header; NULL: none */
    uint8_t key[16];
};

/*
 * Writes the request to upgrade into text, and begins to wait for its response. Returns its length,
 * or 0 if size is too small. The protocol must outlive the websocket. Messages of more than
 * message_max bytes break it.
 */
size_t websocket_begin(struct websocket *websocket, const struct websocket_request *request,
                       char *text, size_t size, size_t message_max, websocket_grow grow,
                       void *context);

/*
 * Looks at the next bytes that came, up to the first event: *taken tells how many they were. False:
 * all were taken, and there is no event yet. After CLOSED or BROKEN all bytes are taken, and give
 * nothing.
 */
bool websocket_take(struct websocket *websocket, const char *bytes, size_t length, size_t *taken,
                    struct websocket_event *event);

/*
 * Writes a whole frame of the client, masked, into out, which has room for length +
 * WEBSOCKET_HEADER_MAX bytes. Returns its length.
 */
size_t websocket_frame(char *out, enum websocket_opcode opcode, bool final, const uint8_t mask[4],
                       const char *bytes, size_t length);

/* The payload of a close frame: two bytes of code, and the reason, cut to what fits. */
size_t websocket_close_payload(char payload[WEBSOCKET_CONTROL_MAX], uint32_t code,
                               const char *reason);

/* The answer that a server owes to a key: Sec-WebSocket-Accept. */
void websocket_accept(const char *key, char accept[WEBSOCKET_ACCEPT_MAX]);

#endif
