/* Any bytes at all from a server, in pieces of two sizes: the same events either way. */
#include "fakes/websocket/client.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 4096, EVENTS_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    enum websocket_event_kind kind;
    uint32_t code;
    size_t length;
};

static void require(bool condition)
{
    if (!condition) abort();
}

static void *grow(void *context, void *old, size_t used, size_t size)
{
    (void)context, (void)used;
    require(size <= 4 * MESSAGE_MAX);
    return realloc(old, size);
}

static void begin(struct websocket *websocket, bool open)
{
    static const char response[] = "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n"
                                   "Connection: Upgrade\r\nSec-WebSocket-Accept: ";
    struct websocket_request request = {.host = "h", .path = "/", .protocol = "session.v1"};
    struct websocket_event event;
    char text[512];
    size_t taken;
    require(websocket_begin(websocket, &request, text, sizeof text, MESSAGE_MAX, grow, NULL) > 0);
    if (!open) return;
    require(!websocket_take(websocket, response, sizeof response - 1, &taken, &event));
    require(!websocket_take(websocket, websocket->accept, strlen(websocket->accept), &taken,
                            &event));
    require(websocket_take(websocket, "\r\n\r\n", 4, &taken, &event));
    require(event.kind == WEBSOCKET_GOT_OPEN);
}

/* Returns how many events there were. */
static size_t hear(const char *bytes, size_t size, bool open, size_t piece, struct heard *heard)
{
    struct websocket websocket;
    struct websocket_event event;
    size_t count = 0, at = 0, taken;
    begin(&websocket, open);
    while (at < size) {
        size_t length = size - at < piece ? size - at : piece;
        bool got = websocket_take(&websocket, bytes + at, length, &taken, &event);
        require(taken <= length && (got || taken == length));
        at += taken;
        if (!got || count == EVENTS_MAX) continue;
        require(event.bytes != NULL && event.bytes[event.length] == '\0');
        heard[count++] = (struct heard){event.kind, event.code, event.length};
    }
    free(websocket.room);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct heard whole[EVENTS_MAX], parts[EVENTS_MAX];
    if (size == 0) return 0;
    /* The first byte says whether the handshake is over, and how long pieces are. */
    bool open = (data[0] & 1) != 0;
    size_t piece = (data[0] >> 1) + 1u;
    const char *bytes = (const char *)data + 1;
    size_t count = hear(bytes, size - 1, open, size, whole);
    require(hear(bytes, size - 1, open, piece, parts) == count);
    for (size_t i = 0; i < count; i++)
        require(whole[i].kind == parts[i].kind && whole[i].code == parts[i].code &&
                whole[i].length == parts[i].length);
    return 0;
}
