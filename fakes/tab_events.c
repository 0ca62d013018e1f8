/* A tab that reads server-sent events, as EventSource of a browser does: one request, which says
 * where to go on, and a stream of frames that never ends by itself. The server says in its place
 * what a client has to say; the ids of the stream are what it comes back with. */
#include "fakes/internal.h"

#include <inttypes.h>
#include <stdio.h>

enum { PATH_ROOM = 256, ID_ROOM = 48 };

void events_greet(struct socket *socket, struct frame *open)
{
    const struct tab *tab = socket->tab;
    char *text = scratch_alloc(REQUEST_ROOM), path[PATH_ROOM], id[ID_ROOM];
    const struct hello_note place = tab_place(socket->tab);

    (void)snprintf(path, sizeof path, "/sessions/%s/events",
                   session_called(tab->actor->play, tab->actor->session));
    (void)snprintf(id, sizeof id, "%" PRIu64 "-%" PRIu64, place.epoch, place.cursor);
    struct http_request request = { .path = path, .host = sockets_host(socket),
                                    .token = sockets_token(socket),
                                    .last_id = place.known ? id : NULL,
                                    .accept = "text/event-stream" };
    open->bytes = text;
    open->length = http_begin(&socket->ends->http, &request, text, REQUEST_ROOM, MESSAGE_MAX,
                              scratch_grow, NULL);
    REQUIRE(open->length > 0);
}

/* --- what the stream says --- */

static void object(const struct tab *tab, const char *what, bool holds)
{
    if (holds) return;
    RECORD(REPORTED, tab->actor->instance->party, tab->actor->instance->party, 0, 0,
           .what = record_intern(what), .told = 0, .least = 1, .most = 1);
}

/* The place that a frame leads to; empty if it leads to none. */
static void place_after(const struct frame *frame, uint64_t epoch, char id[ID_ROOM])
{
    id[0] = '\0';
    if (frame->seq > 0) {
        (void)snprintf(id, ID_ROOM, "%" PRIu64 "-%" PRIu64, epoch, frame->seq);
        return;
    }
    const json_t *body = json_loadb(frame->bytes, frame->length, 0, NULL);
    const char *type = json_string_value(json_object_get(body, "type"));
    const char *mode = json_string_value(json_object_get(body, "mode"));
    if (type == NULL || strcmp(type, "initial_state") != 0) return;
    if (mode == NULL || strcmp(mode, "tail") == 0) return;
    json_int_t from = json_integer_value(json_object_get(body, "from"));
    (void)snprintf(id, ID_ROOM, "%" PRIu64 "-%" JSON_INTEGER_FORMAT, epoch, from - 1);
}

/* Who comes back with the newest id has everything up to there, and nothing else. */
static void judge_id(const struct socket *socket, const struct frame *frame, const char *told)
{
    char due[ID_ROOM];

    if (socket->course.blind || socket->lossy || !socket->course.ready) return;
    place_after(frame, socket->course.epoch, due);
    object(socket->tab, "whether a frame of a stream has the id of the place that it leads to",
           told == NULL ? due[0] == '\0' : strcmp(told, due) == 0);
}

/* The stream says why it ends. The tab goes, too. */
static void hear_close(struct socket *socket, const struct http_event *event)
{
    struct tab *tab = socket->tab;
    const json_t *body = json_loadb(event->bytes, event->length, 0, NULL);
    const json_t *code = json_object_get(body, "code");

    object(tab, "whether a stream says why it ends",
           json_is_integer(code) &&
               json_string_length(json_object_get(body, "reason")) > 0);
    if (!socket->tab_open) return;
    link_push(&tab->to_core, link_frame(socket, FRAME_CLOSE));
    if (tab->socket != socket) return;
    tab_follows_close(tab, (uint32_t)json_integer_value(code));
    tab_offline(tab, "closed by the core", (uint32_t)json_integer_value(code));
}

static void hear_event(struct socket *socket, const struct http_event *event)
{
    struct frame message = socket->ends->receiving;

    if (strcmp(event->type, "close") == 0) {
        hear_close(socket, event);
        return;
    }
    message.kind = FRAME_MESSAGE;
    message.socket = socket;
    message.bytes = scratch_copy(event->bytes, event->length);
    message.length = event->length;
    object(socket->tab, "whether a frame of a stream is an event without a type",
           event->type[0] == '\0');
    judge_id(socket, &message, event->id);
    tab_deliver(socket->tab, &message);
}

void events_hear(struct socket *socket, const struct http_event *event)
{
    struct tab *tab = socket->tab;

    switch (event->kind) {
    case HTTP_GOT_STREAM: return; /* connection_ready follows */
    case HTTP_GOT_EVENT: hear_event(socket, event); return;
    case HTTP_GOT_BODY:
        if (tab->socket == socket) tab_cut(tab, "the server refused the stream");
        return;
    case HTTP_GOT_BROKEN:
        play_break(tab->actor->play, tab->actor->scn->place, tab->actor->scn->name, event->bytes);
    }
}
