/* Any bytes at all as one direction of a WebSocket: the same messages, and the same mistake, in
 * whatever pieces they come. The first byte says how the direction is set up. */
#include "harness/capture/websocket.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sum over all messages. */
struct heard {
    uint64_t hash;
    uint32_t count;
};

static void require(bool condition)
{
    if (!condition) abort();
}

static void listen(void *context, const struct websocket_message *message)
{
    struct heard *heard = context;

    require(message->length <= WEBSOCKET_MESSAGE_MAX && message->frames > 0);
    require(message->opcode != WEBSOCKET_CONTINUATION);
    heard->hash = heard->hash * 31 + (uint64_t)message->opcode + message->length;
    for (size_t i = 0; i < message->length; i++)
        heard->hash = (heard->hash ^ message->bytes[i]) * 1099511628211u;
    heard->count++;
    (void)websocket_close_code(message);
}

static const char *feed(uint8_t setup, const uint8_t *data, size_t size, size_t piece,
                        struct heard *heard)
{
    struct websocket_settings settings = { .from_client = setup & 1, .deflate = setup & 2,
                                           .forget = setup & 4, .window_bits = setup & 8 ? 9 : 0 };
    struct websocket_reader *reader = websocket_reader_new(&settings);
    const char *problem = NULL;

    require(reader != NULL);
    *heard = (struct heard){ 14695981039346656037u, 0 };
    for (size_t at = 0; at < size; at += piece)
        problem = websocket_feed(reader, data + at, size - at < piece ? size - at : piece, listen,
                                 heard);
    websocket_reader_free(reader);
    return problem;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heard whole, single;

    if (size < 2) return 0;
    const char *first = feed(data[0], data + 1, size - 1, size, &whole);
    const char *second = feed(data[0], data + 1, size - 1, 1, &single);
    require(first == second && whole.hash == single.hash && whole.count == single.count);
    return 0;
}
