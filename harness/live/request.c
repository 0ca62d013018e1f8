/* One request over HTTP and its answer, for fibers. */
#include "harness/live/internal.h"

#include "fakes/scratch.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
    struct outside *outside;
    char *bytes;
    size_t length, capacity;
    bool ended;
    struct world_queue changed;
};

static size_t room(void *context)
{
    (void)context;
    return SIZE_MAX;
}

static void come(void *context, const char *bytes, size_t count)
{
    struct request *request = context;
    scratch_room(&request->bytes, request->length, &request->capacity, count);
    memcpy(request->bytes + request->length, bytes, count);
    request->length += count;
    request->bytes[request->length] = '\0';
    world_wake(&request->changed);
}

static void ended(void *context, bool reset)
{
    struct request *request = context;
    (void)reset;
    request->ended = true;
    world_wake(&request->changed);
}

static const struct outside_calls calls = {room, come, ended};

/* The whole answer has come: as long as its head says, or up to the end of the connection. */
static bool is_whole(const struct request *request)
{
    const char *body = request->bytes == NULL ? NULL : strstr(request->bytes, "\r\n\r\n");
    if (body == NULL) return request->ended;
    const char *length = strcasestr(request->bytes, "\r\ncontent-length:");
    if (length == NULL || length > body) return request->ended;
    size_t wanted = strtoull(length + strlen("\r\ncontent-length:"), NULL, 10);
    return request->ended ||
           request->length - (size_t)(body + 4 - request->bytes) >= wanted;
}

static struct reply read_reply(const struct request *request)
{
    struct reply reply = {0, "", 0};
    const char *body = request->bytes == NULL ? NULL : strstr(request->bytes, "\r\n\r\n");
    if (body == NULL || strncmp(request->bytes, "HTTP/1.1 ", 9) != 0) return reply;
    reply.status = (int)strtol(request->bytes + 9, NULL, 10);
    reply.body = body + 4;
    reply.length = request->length - (size_t)(reply.body - request->bytes);
    return reply;
}

struct reply request_make(struct daemon *daemon, const char *method, const char *path,
                          const char *user, const char *body)
{
    struct request *request = scratch_alloc(sizeof *request);
    size_t size = strlen(path) + strlen(body) + 2048;
    char *text = scratch_alloc(size);
    request->outside = live_network.connect(daemon->port, &calls, request);
    if (request->outside == NULL) return (struct reply){0, "", 0};
    int length = snprintf(text, size,
                          "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                          "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n%s",
                          method, path, live_host(daemon->live), live_token(daemon->live, user),
                          strlen(body), body);
    live_network.send(request->outside, text, (size_t)length);
    while (!is_whole(request))
        (void)world_wait(&request->changed, WORLD_NEVER, "an answer to a request");
    struct reply reply = read_reply(request);
    if (!request->ended) live_network.reset(request->outside);
    return reply;
}
