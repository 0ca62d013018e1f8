/* Connections that were there before the capture, or whose hello it has lost: whose they are is
 * told by what is said on them, and by how their clients come back. */
#include "harness/capture/story.h"

#include <string.h>

/* What was learned of a connection. */
struct origin {
    const char *session;        /* NULL: nothing */
    uint64_t epoch;
};

static bool is_hello(const struct story_message *message)
{
    return message->message->from_client && strcmp(message->type, "hello") == 0;
}

static bool has_hello(const struct story *story, uint32_t link)
{
    for (uint32_t i = 0; i < story->message_count; i++) {
        if (story->messages[i].link == link && is_hello(&story->messages[i])) return true;
    }
    return false;
}

static const char *session_of(const struct story *story, uint32_t link)
{
    for (uint32_t i = 0; i < story->message_count; i++) {
        const struct story_message *message = &story->messages[i];
        if (message->link == link && is_hello(message)) return story_text(message->body, "session");
    }
    return NULL;
}

static uint64_t last_seq(const struct story *story, uint32_t link)
{
    uint64_t last = 0;

    for (uint32_t i = 0; i < story->message_count; i++) {
        const struct story_message *message = &story->messages[i];
        uint64_t seq = story_number(message->body, "seq");
        if (message->link == link && !message->message->from_client && seq > last) last = seq;
    }
    return last;
}

static bool same_host(const struct story_link *one, const struct story_link *other)
{
    struct packet_address host = one->connection->client;

    host.port = other->connection->client.port;
    return packet_address_same(&host, &other->connection->client);
}

/* The server has answered the hello. */
static bool who_is_ready(const struct story *story, uint32_t link, struct origin *origin)
{
    for (uint32_t i = 0; i < story->message_count; i++) {
        const struct story_message *message = &story->messages[i];
        if (message->link != link || strcmp(message->type, "connection_ready") != 0) continue;
        origin->session = story_text(message->body, "session");
        return *origin->session != '\0';
    }
    return false;
}

/* The same host is back and has seen exactly what was sent here. */
static bool who_came_back(const struct story *story, uint32_t link, struct origin *origin)
{
    uint64_t seq = last_seq(story, link);

    for (uint32_t i = 0; i < story->message_count && seq > 0; i++) {
        const struct story_message *message = &story->messages[i];
        if (!is_hello(message) || story_number(message->body, "cursor") != seq ||
            !same_host(&story->links[link], &story->links[message->link]))
            continue;
        *origin = (struct origin){ story_text(message->body, "session"),
                                   story_number(message->body, "epoch") };
        return true;
    }
    return false;
}

static const struct story_message *event_of(const struct story *story, uint32_t link)
{
    const struct story_message *found = NULL;

    for (uint32_t i = 0; i < story->message_count; i++) {
        const struct story_message *message = &story->messages[i];
        if (message->link == link && !message->message->from_client &&
            story_number(message->body, "seq") > 0)
            found = message;
    }
    return found;
}

/* Somebody whose session is known was sent the same event. */
static bool who_heard_the_same(const struct story *story, uint32_t link, struct origin *origin)
{
    const struct story_message *event = event_of(story, link);

    for (uint32_t i = 0; i < story->message_count && event != NULL; i++) {
        const struct story_message *other = &story->messages[i];
        if (other->link == link || !json_equal(other->body, event->body)) continue;
        *origin = (struct origin){ session_of(story, other->link), 0 };
        if (origin->session != NULL) return true;
    }
    return false;
}

/* There is only one session that is named; or none, and this is one. */
static bool who_else(const struct story *story, struct origin *origin)
{
    origin->session = NULL;
    for (uint32_t i = 0; i < story->message_count; i++) {
        if (!is_hello(&story->messages[i])) continue;
        const char *session = story_text(story->messages[i].body, "session");
        if (origin->session != NULL && strcmp(origin->session, session) != 0) return false;
        origin->session = session;
    }
    if (origin->session == NULL) origin->session = "unknown";
    return true;
}

/* UINT64_MAX: no event was sent. */
static uint64_t first_seq(const struct story *story, uint32_t link)
{
    uint64_t first = UINT64_MAX;

    for (uint32_t i = 0; i < story->message_count; i++) {
        const struct story_message *message = &story->messages[i];
        uint64_t seq = story_number(message->body, "seq");
        if (message->link == link && !message->message->from_client && seq > 0 && seq < first)
            first = seq;
    }
    return first;
}

/* `ready`: it was told where it stands. */
static void greet(struct story *story, uint32_t index, const struct origin *origin, bool ready)
{
    struct story_link *link = &story->links[index];
    struct capture_message *hello = scn_arena_alloc(story->arena, sizeof *hello);
    const struct capture_message *first = link->connection->messages;
    json_t *body = json_pack("{s:s, s:s}", "type", "hello", "session", origin->session);

    if (body == NULL) return;
    *hello = (struct capture_message){ .time_ns = first->time_ns, .packet = first->packet,
                                       .from_client = true, .opcode = WEBSOCKET_TEXT };
    link->epoch = origin->epoch;
    link->replayed = link->acknowledged = link->joined = true;
    uint64_t seq = first_seq(story, index);
    if (!ready && seq != UINT64_MAX) link->past = seq - 1;
    story->messages[story->message_count++] = (struct story_message){
        .message = hello, .link = index, .body = body, .type = "hello",
        .time_us = link->said_us };
}

void story_greet(struct story *story)
{
    for (uint32_t i = 0; i < story->link_count; i++) {
        const struct capture_connection *connection = story->links[i].connection;
        struct origin origin = { NULL, 0 };
        if (!connection->damaged || connection->kind != CAPTURE_SOCKET || has_hello(story, i))
            continue;
        bool ready = who_is_ready(story, i, &origin);
        if (!ready && event_of(story, i) == NULL) continue;
        if (ready || who_came_back(story, i, &origin) || who_heard_the_same(story, i, &origin) ||
            who_else(story, &origin))
            greet(story, i, &origin, ready);
    }
}
