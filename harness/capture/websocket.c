/* The handshake's key, and the frames of a WebSocket. */
#include "harness/capture/websocket.h"

#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <string.h>

void websocket_key(const uint8_t nonce[16], char key[WEBSOCKET_KEY_SIZE])
{
    base64_encode_raw(key, 16, nonce);
    key[WEBSOCKET_KEY_SIZE - 1] = '\0';
}

void websocket_answer(const char *key, size_t length, char accept[WEBSOCKET_ACCEPT_SIZE])
{
    /* RFC 6455, section 1.3. */
    static const char suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t digest[SHA1_DIGEST_SIZE];
    struct sha1_ctx sha1;

    sha1_init(&sha1);
    sha1_update(&sha1, length, (const uint8_t *)key);
    sha1_update(&sha1, sizeof suffix - 1, (const uint8_t *)suffix);
    sha1_digest(&sha1, sizeof digest, digest);
    base64_encode_raw(accept, sizeof digest, digest);
    accept[WEBSOCKET_ACCEPT_SIZE - 1] = '\0';
}

/* --- heads --- */

static size_t write_number(uint64_t number, uint32_t size, uint8_t *bytes)
{
    for (uint32_t i = 0; i < size; i++) bytes[i] = (uint8_t)(number >> (8 * (size - 1 - i)));
    return size;
}

static uint64_t read_number(const uint8_t *bytes, uint32_t size)
{
    uint64_t number = 0;

    for (uint32_t i = 0; i < size; i++) number = number << 8 | bytes[i];
    return number;
}

size_t websocket_write_head(const struct websocket_head *head, uint8_t bytes[WEBSOCKET_HEAD_MAX])
{
    uint8_t mask_bit = head->masked ? 0x80 : 0;
    size_t used = 2;

    bytes[0] = (uint8_t)((head->final ? 0x80 : 0) | (head->compressed ? 0x40 : 0) |
                         (uint8_t)head->opcode);
    if (head->length < 126) {
        bytes[1] = (uint8_t)(mask_bit | head->length);
    } else if (head->length <= UINT16_MAX) {
        bytes[1] = mask_bit | 126;
        used += write_number(head->length, 2, bytes + used);
    } else {
        bytes[1] = mask_bit | 127;
        used += write_number(head->length, 8, bytes + used);
    }
    if (!head->masked) return used;
    memcpy(bytes + used, head->mask, 4);
    return used + 4;
}

static const char *bad_head(const struct websocket_head *head, uint8_t first)
{
    bool control = head->opcode >= WEBSOCKET_CLOSE;

    if (first & 0x30) return "a frame has reserved bits that no extension is known for";
    switch (head->opcode) {
    case WEBSOCKET_CONTINUATION:
    case WEBSOCKET_TEXT:
    case WEBSOCKET_BINARY:
    case WEBSOCKET_CLOSE:
    case WEBSOCKET_PING:
    case WEBSOCKET_PONG: break;
    default: return "a frame has an opcode that does not exist";
    }
    if (control && !head->final) return "a control frame is fragmented";
    if (control && head->compressed) return "a control frame is compressed";
    if (control && head->length > WEBSOCKET_CONTROL_MAX) return "a control frame is too long";
    if (head->length >> 63) return "the length of a frame is negative";
    return NULL;
}

int websocket_read_head(const uint8_t *bytes, size_t size, struct websocket_head *head,
                        const char **problem)
{
    if (size < 2) return 0;
    uint8_t short_length = bytes[1] & 0x7f;
    uint32_t wide = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    *head = (struct websocket_head){
        .final = bytes[0] >> 7, .compressed = bytes[0] >> 6 & 1, .masked = bytes[1] >> 7,
        .opcode = (enum websocket_opcode)(bytes[0] & 15), .length = short_length };
    head->size = 2 + wide + (head->masked ? 4 : 0);
    if (size < head->size) return 0;
    if (wide > 0) head->length = read_number(bytes + 2, wide);
    if (head->masked) memcpy(head->mask, bytes + 2 + wide, 4);
    *problem = bad_head(head, bytes[0]);
    return *problem == NULL ? 1 : -1;
}

void websocket_mask(uint8_t *bytes, size_t size, const uint8_t mask[4], uint64_t offset)
{
    for (size_t i = 0; i < size; i++) bytes[i] ^= mask[(offset + i) % 4];
}

uint32_t websocket_close_code(const struct websocket_message *message)
{
    /* RFC 6455, section 7.1.5: no code was given. */
    if (message->length < 2) return 1005;
    return (uint32_t)read_number(message->bytes, 2);
}

/* --- the middle of a connection --- */

/* The payload of a text, as far as it is there, begins as a JSON object. */
static bool begins_object(const struct websocket_head *head, const uint8_t *bytes, size_t size)
{
    if (head->length < 2 || size <= head->size) return false;
    return (bytes[head->size] ^ (head->masked ? head->mask[0] : 0)) == '{';
}

/* A length is written in as few bytes as it needs (RFC 6455, section 5.2). */
static bool is_shortest(const struct websocket_head *head)
{
    size_t wide = head->size - 2 - (head->masked ? 4 : 0);

    return (wide == 0 || head->length >= 126) && (wide < 8 || head->length > UINT16_MAX);
}

bool websocket_could_begin(const struct websocket_settings *settings, const uint8_t *bytes,
                           size_t size)
{
    struct websocket_head head, next;
    const char *problem;

    if (websocket_read_head(bytes, size, &head, &problem) != 1 ||
        head.masked != settings->from_client || head.length > WEBSOCKET_MESSAGE_MAX ||
        !is_shortest(&head) || head.opcode == WEBSOCKET_CONTINUATION ||
        head.opcode == WEBSOCKET_BINARY || (head.compressed && !settings->deflate))
        return false;
    bool plain = head.opcode == WEBSOCKET_TEXT && !head.compressed;
    if (plain && !begins_object(&head, bytes, size)) return false;
    if (head.opcode == WEBSOCKET_CLOSE && head.length == 1) return false;
    uint64_t whole = head.size + head.length;
    if (whole >= size) return plain || whole == size;
    int rc = websocket_read_head(bytes + whole, size - whole, &next, &problem);
    return rc == 0 || (rc == 1 && next.masked == settings->from_client);
}
