/* From the bytes of one direction to messages: frames, fragments, masks, permessage-deflate. */
#include "harness/capture/websocket.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct bytes {
    uint8_t *at;
    size_t used, room;
};

struct websocket_reader {
    struct websocket_settings settings;
    struct bytes head;          /* of a frame, as far as it has come */
    struct bytes control;       /* payload of a control frame */
    struct bytes message;       /* payload of a message, as it was sent */
    struct bytes plain;         /* the same, inflated */
    struct websocket_head frame;
    bool in_frame;              /* the head is complete */
    uint64_t taken;             /* payload bytes of that frame so far */
    bool in_message, compressed;
    enum websocket_opcode opcode;
    uint32_t frames;
    z_stream inflater;
    bool inflating;             /* the inflater was initialised */
    bool seeking;               /* where the next frame begins is not known */
    bool orphaned;              /* fragments may be of a message whose beginning is missing */
    bool skipped;               /* nobody is told of the frame: */
    bool torn;                  /* some of its message is missing */
    bool blind;                 /* some of what compressed messages refer to is missing */
    struct websocket_losses losses;
    const char *problem;        /* nothing more can be read */
};

static const char no_memory[] = "out of memory";
static const char too_long[] = "a message is longer than 16 MiB";

struct websocket_reader *websocket_reader_new(const struct websocket_settings *settings)
{
    struct websocket_reader *reader = calloc(1, sizeof *reader);

    if (reader != NULL) reader->settings = *settings;
    return reader;
}

void websocket_reader_free(struct websocket_reader *reader)
{
    if (reader == NULL) return;
    if (reader->inflating) (void)inflateEnd(&reader->inflater);
    free(reader->head.at);
    free(reader->control.at);
    free(reader->message.at);
    free(reader->plain.at);
    free(reader);
}

bool websocket_is_amid(const struct websocket_reader *reader)
{
    return reader->in_message || reader->in_frame || reader->head.used > 0;
}

static const char *reserve(struct bytes *bytes, size_t more)
{
    size_t room = bytes->room == 0 ? 256 : bytes->room;

    if (more > WEBSOCKET_MESSAGE_MAX - bytes->used) return too_long;
    while (room < bytes->used + more) room *= 2;
    if (room == bytes->room) return NULL;
    uint8_t *grown = realloc(bytes->at, room);
    if (grown == NULL) return no_memory;
    bytes->at = grown;
    bytes->room = room;
    return NULL;
}

static const char *append(struct bytes *bytes, const uint8_t *more, size_t size)
{
    const char *problem = reserve(bytes, size);

    if (problem != NULL || size == 0) return problem;
    memcpy(bytes->at + bytes->used, more, size);
    bytes->used += size;
    return NULL;
}

/* --- permessage-deflate --- */

static const char *inflate_some(struct websocket_reader *reader, const uint8_t *bytes, size_t size)
{
    z_stream *inflater = &reader->inflater;
    struct bytes *plain = &reader->plain;

    inflater->next_in = (uint8_t *)(uintptr_t)bytes;
    inflater->avail_in = (uInt)size;
    do {
        const char *problem = reserve(plain, 256);
        if (problem != NULL) return problem;
        inflater->next_out = plain->at + plain->used;
        inflater->avail_out = (uInt)(plain->room - plain->used);
        int rc = inflate(inflater, Z_SYNC_FLUSH);
        plain->used = plain->room - inflater->avail_out;
        if (rc == Z_BUF_ERROR && inflater->avail_in == 0) return NULL;
        /* A final block: whatever comes next begins a stream of its own. */
        if (rc == Z_STREAM_END) rc = inflateReset(inflater);
        if (rc != Z_OK) return "a compressed message cannot be inflated";
    } while (inflater->avail_in > 0 || inflater->avail_out == 0);
    return NULL;
}

static const char *begin_inflating(struct websocket_reader *reader)
{
    int bits = reader->settings.window_bits == 0 ? 15 : reader->settings.window_bits;

    if (reader->inflating) {
        if (reader->settings.forget) (void)inflateReset(&reader->inflater);
        return NULL;
    }
    if (inflateInit2(&reader->inflater, -bits) != Z_OK) return no_memory;
    reader->inflating = true;
    return NULL;
}

static const char *inflate_message(struct websocket_reader *reader)
{
    /* RFC 7692, section 7.2.2: the sender has left these away. */
    static const uint8_t tail[] = { 0x00, 0x00, 0xff, 0xff };
    const char *problem = begin_inflating(reader);

    reader->plain.used = 0;
    if (problem == NULL)
        problem = inflate_some(reader, reader->message.at, reader->message.used);
    if (problem == NULL) problem = inflate_some(reader, tail, sizeof tail);
    return problem;
}

/* --- frames --- */

static const char *tell_message(struct websocket_reader *reader, websocket_listener listener,
                                void *context)
{
    const struct bytes *bytes = &reader->message;
    const char *problem = NULL;

    reader->in_message = false;
    if (reader->torn || (reader->compressed && reader->blind)) {
        if (reader->torn) reader->losses.torn++;
        else reader->losses.blind++;
        reader->torn = false;
        return NULL;
    }
    if (reader->compressed) {
        problem = inflate_message(reader);
        bytes = &reader->plain;
    }
    if (problem == NULL)
        listener(context, &(struct websocket_message){
            reader->opcode, bytes->at, bytes->used, reader->frames });
    reader->message.used = 0;
    return problem;
}

static const char *end_frame(struct websocket_reader *reader, websocket_listener listener,
                             void *context)
{
    reader->in_frame = false;
    if (reader->skipped) return NULL;
    if (reader->frame.opcode >= WEBSOCKET_CLOSE) {
        listener(context, &(struct websocket_message){
            reader->frame.opcode, reader->control.at, reader->control.used, 1 });
        return NULL;
    }
    return reader->frame.final ? tell_message(reader, listener, context) : NULL;
}

static const char *begin_frame(struct websocket_reader *reader)
{
    const struct websocket_head *frame = &reader->frame;

    reader->in_frame = true;
    reader->skipped = false;
    reader->taken = 0;
    if (frame->masked != reader->settings.from_client)
        return frame->masked ? "a frame of the server is masked"
                             : "a frame of the client is not masked";
    if (frame->opcode >= WEBSOCKET_CLOSE) {
        reader->control.used = 0;
        return NULL;
    }
    bool goes_on = frame->opcode == WEBSOCKET_CONTINUATION;
    if (goes_on && !reader->in_message && reader->orphaned) {
        reader->skipped = true;
        return NULL;
    }
    if (goes_on && !reader->in_message) return "a fragment continues nothing";
    if (!goes_on && reader->in_message) return "a message begins inside another one";
    if (frame->compressed && (goes_on || !reader->settings.deflate))
        return "a frame is compressed, which was not agreed upon";
    if (frame->length > WEBSOCKET_MESSAGE_MAX) return too_long;
    if (!goes_on) {
        reader->orphaned = false;
        reader->compressed = frame->compressed;
        reader->opcode = frame->opcode;
        reader->frames = 0;
        reader->message.used = 0;
    }
    reader->frames++;
    reader->in_message = true;
    return NULL;
}

/* Takes bytes of a head; gives how many. */
static size_t take_head(struct websocket_reader *reader, const uint8_t *bytes, size_t size)
{
    const struct bytes *head = &reader->head;
    int complete = 0;
    size_t taken = 0;

    while (complete == 0 && taken < size && reader->problem == NULL) {
        reader->problem = append(&reader->head, bytes + taken++, 1);
        if (reader->problem == NULL)
            complete = websocket_read_head(head->at, head->used, &reader->frame, &reader->problem);
    }
    if (complete != 1) return taken;
    reader->head.used = 0;
    reader->problem = begin_frame(reader);
    return taken;
}

static size_t take_payload(struct websocket_reader *reader, const uint8_t *bytes, size_t size)
{
    const struct websocket_head *frame = &reader->frame;
    struct bytes *to = frame->opcode >= WEBSOCKET_CLOSE ? &reader->control : &reader->message;
    uint64_t missing = frame->length - reader->taken;
    size_t taken = size < missing ? size : (size_t)missing;

    if (!reader->skipped && !(reader->torn && to == &reader->message)) {
        reader->problem = append(to, bytes, taken);
        if (reader->problem != NULL) return taken;
        if (frame->masked && taken > 0)
            websocket_mask(to->at + to->used - taken, taken, frame->mask, reader->taken);
    }
    reader->taken += taken;
    return taken;
}

/* --- missing bytes --- */

/* Compressed messages refer to those before them, unless their sender forgets those. */
static void lose_window(struct websocket_reader *reader)
{
    if (reader->settings.deflate && !reader->settings.forget) reader->blind = true;
}

void websocket_miss(struct websocket_reader *reader, uint64_t size)
{
    if (reader->problem != NULL || size == 0) return;
    bool inside = reader->in_frame && size <= reader->frame.length - reader->taken;
    bool control = reader->in_frame && reader->frame.opcode >= WEBSOCKET_CLOSE;

    if (inside && control) {
        reader->skipped = true;
    } else if (inside && !reader->skipped) {
        reader->torn = true;
        if (reader->compressed) lose_window(reader);
    }
    if (inside) {
        reader->taken += size;
        return;
    }
    reader->losses.torn += reader->in_message;
    reader->in_frame = reader->in_message = reader->torn = false;
    reader->head.used = 0;
    reader->seeking = reader->orphaned = true;
    lose_window(reader);
}

void websocket_join(struct websocket_reader *reader)
{
    reader->seeking = reader->orphaned = true;
    lose_window(reader);
}

struct websocket_losses websocket_losses(const struct websocket_reader *reader)
{
    return reader->losses;
}

/* Gives how many bytes do not belong to the next frame. */
static size_t seek(struct websocket_reader *reader, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        if (!websocket_could_begin(&reader->settings, bytes + at, size - at)) continue;
        reader->seeking = false;
        return at;
    }
    return size;
}

const char *websocket_feed(struct websocket_reader *reader, const uint8_t *bytes, size_t size,
                           websocket_listener listener, void *context)
{
    if (reader->seeking) {
        size_t skipped = seek(reader, bytes, size);
        bytes += skipped;
        size -= skipped;
    }
    while (reader->problem == NULL && size > 0) {
        size_t taken = reader->in_frame ? take_payload(reader, bytes, size)
                                        : take_head(reader, bytes, size);
        bytes += taken;
        size -= taken;
        if (reader->problem == NULL && reader->in_frame && reader->taken == reader->frame.length)
            reader->problem = end_frame(reader, listener, context);
    }
    return reader->problem;
}
