/* What a server may say to the HTTP client of the fakes, in two pieces: it takes every byte, and a
 * cut changes nothing. The first byte says where the cut is. */
#include "fakes/http/client.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *grow(void *context, void *old, size_t used, size_t size)
{
    (void)context, (void)used;
    return realloc(old, size);
}

/* A number that stands for all events. */
static uint64_t digest(uint64_t sum, const struct http_event *event)
{
    sum = sum * 31 + (uint64_t)event->kind;
    for (size_t i = 0; i <= event->length; i++) sum = sum * 31 + (uint8_t)event->bytes[i];
    for (const char *at = event->type; *at != 0; at++) sum = sum * 31 + (uint8_t)*at;
    for (const char *at = event->id; at != NULL && *at != 0; at++) sum = sum * 31 + (uint8_t)*at;
    return sum;
}

static uint64_t hear(const char *bytes, size_t size, size_t cut)
{
    static const struct http_request request = {.path = "/", .host = "h"};
    struct http http = {.state = HTTP_HEAD};
    struct http_event event;
    uint64_t sum = 0;
    char text[256];

    if (http_begin(&http, &request, text, sizeof text, 500, grow, NULL) == 0) abort();
    for (size_t at = 0, taken; at < size; at += taken) {
        size_t end = at < cut ? cut : size;
        bool got = http_take(&http, bytes + at, end - at, &taken, &event);
        if (taken > end - at || (taken == 0 && !got)) abort();
        if (got) sum = digest(sum, &event);
    }
    free(http.room);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    const char *bytes = (const char *)data + 1;
    if (hear(bytes, size - 1, data[0] % size) != hear(bytes, size - 1, 0)) abort();
    return 0;
}
