/* Frames of WebSockets: section 5 of RFC 6455, as the client sees it. */
#include "fakes/websocket/client.h"

#include "fakes/websocket/parts.h"

#include <string.h>

/* ---- writing ---- */

static size_t put_length(uint8_t *head, size_t length)
{
    unsigned bytes = length < 126 ? 0 : length <= UINT16_MAX ? 2 : 8;

    head[1] = (uint8_t)(0x80u | (bytes == 0 ? length : bytes == 2 ? 126u : 127u));
    for (unsigned i = 0; i < bytes; i++)
        head[2 + i] = (uint8_t)((uint64_t)length >> 8 * (bytes - 1 - i));
    return 2 + bytes;
}

size_t websocket_frame(char *out, enum websocket_opcode opcode, bool final, const uint8_t mask[4],
                       const char *bytes, size_t length)
{
    uint8_t head[WEBSOCKET_HEADER_MAX] = { (uint8_t)((final ? 0x80u : 0u) | opcode) };
    size_t used = put_length(head, length);

    memcpy(head + used, mask, 4);
    used += 4;
    memcpy(out, head, used);
    for (size_t i = 0; i < length; i++) out[used + i] = (char)((uint8_t)bytes[i] ^ mask[i % 4]);
    return used + length;
}

size_t websocket_close_payload(char payload[WEBSOCKET_CONTROL_MAX], uint32_t code,
                               const char *reason)
{
    size_t length = strnlen(reason, WEBSOCKET_CONTROL_MAX - 2);

    payload[0] = (char)(uint8_t)(code >> 8);
    payload[1] = (char)(uint8_t)code;
    memcpy(payload + 2, reason, length);
    return length + 2;
}

/* ---- reading ---- */

bool websocket_break(struct websocket *websocket, const char *problem,
                     struct websocket_event *event)
{
    websocket->state = WEBSOCKET_BROKEN;
    websocket->problem = problem;
    *event = (struct websocket_event){ .kind = WEBSOCKET_GOT_BROKEN, .bytes = problem,
                                       .length = strlen(problem), .code = websocket->status };
    return true;
}

bool websocket_room(struct websocket *websocket, size_t more)
{
    size_t wanted = websocket->length + more + 1;

    if (wanted <= websocket->capacity) return true;
    size_t capacity = websocket->capacity == 0 ? 512 : 2 * websocket->capacity;
    if (capacity < wanted) capacity = wanted;
    char *room =
        websocket->grow(websocket->grow_context, websocket->room, websocket->length, capacity);
    if (room == NULL) return false;
    websocket->room = room;
    websocket->capacity = capacity;
    return true;
}

static bool is_control(enum websocket_opcode opcode)
{
    return opcode >= WEBSOCKET_CLOSE;
}

static size_t head_size(const struct websocket *websocket)
{
    if (websocket->head_length < 2) return 2;
    switch (websocket->head[1] & 0x7f) {
    case 126: return 4;
    case 127: return 10;
    default: return 2;
    }
}

static uint64_t length_in(const struct websocket *websocket)
{
    size_t size = head_size(websocket);
    uint64_t length = 0;

    if (size == 2) return websocket->head[1] & 0x7fu;
    for (size_t i = 2; i < size; i++) length = length << 8 | websocket->head[i];
    return length;
}

static bool is_opcode(unsigned opcode)
{
    return opcode <= WEBSOCKET_BINARY || (opcode >= WEBSOCKET_CLOSE && opcode <= WEBSOCKET_PONG);
}

/* What is wrong with a header that is there as a whole; NULL if nothing is. */
static const char *problem_of_head(const struct websocket *websocket)
{
    unsigned opcode = websocket->head[0] & 0x0fu;
    bool final = (websocket->head[0] & 0x80u) != 0, inside = websocket->message != 0;
    uint64_t length = length_in(websocket);

    if ((websocket->head[0] & 0x70u) != 0) return "a reserved bit of a frame is set";
    if ((websocket->head[1] & 0x80u) != 0) return "a frame of the server is masked";
    if (!is_opcode(opcode)) return "a frame has an opcode that does not exist";
    if (is_control((enum websocket_opcode)opcode))
        return final && length <= WEBSOCKET_CONTROL_MAX ? NULL
                                                        : "a control frame is long or fragmented";
    if (inside != (opcode == WEBSOCKET_CONTINUATION))
        return inside ? "a message begins inside another one" : "there is nothing to continue";
    if (length > websocket->message_max || websocket->length + length > websocket->message_max)
        return "a message is too long";
    size_t size = head_size(websocket);
    if ((size == 4 && length < 126) || (size == 10 && length <= UINT16_MAX))
        return "a length is written with more bytes than needed";
    return NULL;
}

static void enter_frame(struct websocket *websocket)
{
    websocket->frame = (enum websocket_opcode)(websocket->head[0] & 0x0f);
    websocket->final = (websocket->head[0] & 0x80) != 0;
    websocket->payload_left = length_in(websocket);
    websocket->head_length = 0;
    websocket->in_frame = true;
    websocket->control_length = 0;
    if (websocket->frame == WEBSOCKET_TEXT || websocket->frame == WEBSOCKET_BINARY) {
        websocket->message = websocket->frame;
        websocket->length = 0;
    }
}

static bool end_close(struct websocket *websocket, struct websocket_event *event)
{
    const uint8_t *bytes = (const uint8_t *)websocket->control;
    size_t length = websocket->control_length;

    if (length == 1) return websocket_break(websocket, "a close frame holds half a code", event);
    websocket->state = WEBSOCKET_CLOSED;
    *event = (struct websocket_event){ .kind = WEBSOCKET_GOT_CLOSE, .code = 1005, .bytes = "" };
    if (length >= 2) {
        event->code = (uint32_t)bytes[0] << 8 | bytes[1];
        event->bytes = websocket->control + 2;
        event->length = length - 2;
    }
    return true;
}

static bool end_control(struct websocket *websocket, struct websocket_event *event)
{
    websocket->control[websocket->control_length] = '\0';
    if (websocket->frame == WEBSOCKET_CLOSE) return end_close(websocket, event);
    *event = (struct websocket_event){
        .kind = websocket->frame == WEBSOCKET_PING ? WEBSOCKET_GOT_PING : WEBSOCKET_GOT_PONG,
        .bytes = websocket->control,
        .length = websocket->control_length,
    };
    return true;
}

/* The frame's last byte is there. */
static bool end_frame(struct websocket *websocket, struct websocket_event *event)
{
    websocket->in_frame = false;
    if (is_control(websocket->frame)) return end_control(websocket, event);
    if (!websocket->final) return false;
    if (!websocket_room(websocket, 0)) return websocket_break(websocket, "no memory", event);
    websocket->room[websocket->length] = '\0';
    *event = (struct websocket_event){
        .kind = websocket->message == WEBSOCKET_TEXT ? WEBSOCKET_GOT_TEXT : WEBSOCKET_GOT_BINARY,
        .bytes = websocket->room,
        .length = websocket->length,
    };
    websocket->message = WEBSOCKET_CONTINUATION;
    websocket->length = 0;
    return true;
}

static bool take_payload(struct websocket *websocket, const char *bytes, size_t length)
{
    if (is_control(websocket->frame)) {
        memcpy(websocket->control + websocket->control_length, bytes, length);
        websocket->control_length += length;
    } else {
        if (!websocket_room(websocket, length)) return false;
        memcpy(websocket->room + websocket->length, bytes, length);
        websocket->length += length;
    }
    websocket->payload_left -= length;
    return true;
}

bool websocket_take_frames(struct websocket *websocket, const char *bytes, size_t length,
                           size_t *taken, struct websocket_event *event)
{
    while (*taken < length || (websocket->in_frame && websocket->payload_left == 0)) {
        if (!websocket->in_frame) {
            websocket->head[websocket->head_length++] = (uint8_t)bytes[(*taken)++];
            if (websocket->head_length < head_size(websocket)) continue;
            const char *problem = problem_of_head(websocket);
            if (problem != NULL) return websocket_break(websocket, problem, event);
            enter_frame(websocket);
            continue;
        }
        size_t piece = length - *taken;
        if (piece > websocket->payload_left) piece = (size_t)websocket->payload_left;
        if (piece > 0 && !take_payload(websocket, bytes + *taken, piece))
            return websocket_break(websocket, "no memory", event);
        *taken += piece;
        if (websocket->payload_left == 0 && end_frame(websocket, event)) return true;
    }
    return false;
}

bool websocket_take(struct websocket *websocket, const char *bytes, size_t length, size_t *taken,
                    struct websocket_event *event)
{
    *taken = 0;
    switch (websocket->state) {
    case WEBSOCKET_OPENING: return websocket_take_response(websocket, bytes, length, taken, event);
    case WEBSOCKET_OPEN: return websocket_take_frames(websocket, bytes, length, taken, event);
    case WEBSOCKET_CLOSED:
    case WEBSOCKET_BROKEN: break;
    }
    *taken = length;
    return false;
}
