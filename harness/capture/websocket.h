/* WebSocket frames and messages (RFC 6455, and RFC 7692: permessage-deflate), without any socket.
 *
 * Pure functions of their arguments and of the reader that they are given: no locks, no clock, no
 * randomness. The key of a mask is the caller's.
 */
#ifndef HARNESS_CAPTURE_WEBSOCKET_H
#define HARNESS_CAPTURE_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10,
};

enum {
    WEBSOCKET_KEY_SIZE = 25,     /* of a Sec-WebSocket-Key, with its final zero */
    WEBSOCKET_ACCEPT_SIZE = 29,  /* of a Sec-WebSocket-Accept, with its final zero */
    WEBSOCKET_HEAD_MAX = 14,
    WEBSOCKET_CONTROL_MAX = 125, /* payload of a control frame */
    WEBSOCKET_MESSAGE_MAX = 16 << 20, /* longest message that a reader takes, in bytes */
};

/* --- the handshake --- */

/* The key that stands for these 16 bytes. */
void websocket_key(const uint8_t nonce[16], char key[WEBSOCKET_KEY_SIZE]);

/* What a server answers to that key, which may have any length. */
void websocket_answer(const char *key, size_t length, char accept[WEBSOCKET_ACCEPT_SIZE]);

/* --- frames --- */

struct websocket_head {
    bool final, compressed, masked; /* FIN, RSV1, MASK */
    enum websocket_opcode opcode;
    uint8_t mask[4];
    uint64_t length;                /* of the payload */
    size_t size;                    /* of the head itself */
};

/* Writes the head of a frame and gives its size; head->size is not used. */
size_t websocket_write_head(const struct websocket_head *head, uint8_t bytes[WEBSOCKET_HEAD_MAX]);

/* Reads the head of a frame. Gives 1; 0 when there are too few bytes; -1 when this cannot be one,
 * and *problem is then a sentence in static memory. */
int websocket_read_head(const uint8_t *bytes, size_t size, struct websocket_head *head,
                        const char **problem);

/* Masks bytes, or unmasks them; `offset` is how many of the payload came before. */
void websocket_mask(uint8_t *bytes, size_t size, const uint8_t mask[4], uint64_t offset);

/* --- messages --- */

/* A whole message or control frame, unmasked and inflated. */
struct websocket_message {
    enum websocket_opcode opcode;   /* never WEBSOCKET_CONTINUATION */
    const uint8_t *bytes;           /* valid during the call */
    size_t length;
    uint32_t frames;                /* of how many it was made */
};

/* The code of a WEBSOCKET_CLOSE; 1005 if it has none. */
uint32_t websocket_close_code(const struct websocket_message *message);

typedef void (*websocket_listener)(void *context, const struct websocket_message *message);

/* Reads one direction of a connection. */
struct websocket_reader;

struct websocket_settings {
    bool from_client;       /* frames have to be masked; otherwise they must not be */
    bool deflate;           /* permessage-deflate was agreed upon */
    bool forget;            /* its sender begins every message with an empty window */
    int window_bits;        /* of its sender, 8 to 15; 0: 15 */
};

/* NULL without memory. */
struct websocket_reader *websocket_reader_new(const struct websocket_settings *settings);
void websocket_reader_free(struct websocket_reader *reader);

/* Takes the next bytes, in pieces of any size, and tells `listener` of each message that they
 * complete. Returns NULL, or what is wrong, in static memory: then nothing more can be read. */
const char *websocket_feed(struct websocket_reader *reader, const uint8_t *bytes, size_t size,
                           websocket_listener listener, void *context);

/* The next `size` bytes are not there. Where they are the inside of a frame, the next frame is
 * read; else what comes is searched for bytes that can begin one (websocket_could_begin). */
void websocket_miss(struct websocket_reader *reader, uint64_t size);

/* The reader begins in the midst of a connection: in what was said before it, the sender may have
 * compressed, or not. */
void websocket_join(struct websocket_reader *reader);

/* What was not told for missing bytes: messages of which some are missing, or that were compressed
 * with the help of those. */
struct websocket_losses {
    uint32_t torn, blind;
};
struct websocket_losses websocket_losses(const struct websocket_reader *reader);

/* Whether a frame or a message has begun and not ended. */
bool websocket_is_amid(const struct websocket_reader *reader);

/* Whether these bytes of a segment can begin a frame: a text that is a JSON object, a control
 * frame, or what may be a compressed message; and behind it another frame, or the segment's end. */
bool websocket_could_begin(const struct websocket_settings *settings, const uint8_t *bytes,
                           size_t size);

#endif
