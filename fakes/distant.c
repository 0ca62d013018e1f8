/* Sockets whose core is a process elsewhere (stage_live). Nobody at its end tells what it does: the
 * bytes that come from it are read here before they go on the link, message by message, and what
 * leaves for it counts as given to it. */
#include "fakes/internal.h"
#include "fakes/text.h"

/* Who reads along. */
struct distant {
    struct websocket reader;
    char *held;             /* of the frame that has not come as a whole */
    size_t held_length, held_capacity;
};

static uint16_t party_of(const struct socket *socket)
{
    return socket->tab->actor->party;
}

void distant_greet(struct socket *socket, const struct websocket_request *request,
                   size_t message_max)
{
    struct distant *distant = scratch_alloc(sizeof *distant);
    char *text = scratch_alloc(REQUEST_ROOM);

    REQUIRE(websocket_begin(&distant->reader, request, text, REQUEST_ROOM, message_max,
                            scratch_grow, NULL) > 0);
    socket->ends->distant = distant;
}

void distant_input(struct socket *socket, const struct frame *frame)
{
    uint32_t input = RECORD(CORE_INPUT, party_of(socket), party_of(socket),
                            socket->instance->party, frame->cause, .conn = socket->serial,
                            .kind = frame->word, .frame = frame->number);
    /* It is a sign of life from now on. What is asked for in it may be lost with a reset. */
    if (strcmp(record_text(frame->word), "cancel") == 0) return;
    RECORD(CORE_TAKEN, party_of(socket), 0, 0, input, .conn = socket->serial,
           .frame = frame->number);
}

void distant_detach(struct socket *socket, const char *why)
{
    if (!socket->core_open) return;
    socket->core_open = false;
    socket->closed = true;
    RECORD(DETACH, party_of(socket), 0, 0, 0, .conn = socket->serial, .why = record_intern(why),
           .gen = (int64_t)socket->conn.generation);
    RECORD(DETACHED, party_of(socket), 0, 0, 0, .conn = socket->serial,
           .gen = (int64_t)socket->conn.generation);
}

/* --- what comes from the core --- */

static void hold(struct distant *distant, const char *bytes, size_t count)
{
    scratch_room(&distant->held, distant->held_length, &distant->held_capacity, count);
    memcpy(distant->held + distant->held_length, bytes, count);
    distant->held_length += count;
}

/* What is held goes on the link, as one piece. */
static void pass_on(struct socket *socket, struct frame *frame)
{
    struct distant *distant = socket->ends->distant;

    frame->bytes = distant->held;
    frame->length = distant->held_length;
    distant->held = NULL;
    distant->held_length = distant->held_capacity = 0;
    if (!socket->cut && socket_is_current(socket)) link_push(&socket->tab->to_tab, frame);
}

/* The number of this connection, which its greeting tells. */
static void learn_number(struct socket *socket, const struct websocket_event *event)
{
    const json_t *body = json_loadb(event->bytes, event->length, 0, NULL);
    socket->conn.generation = (uint64_t)json_integer_value(json_object_get(body, "gen"));
}

static void name_message(struct socket *socket, struct frame *frame,
                         const struct websocket_event *event)
{
    struct event_text text;

    frame->kind = FRAME_MESSAGE;
    frame->word = ws_type_of(event->bytes, event->length);
    if (text_parse_event(event->bytes, event->length, &text)) frame->seq = text.seq;
    if (strcmp(record_text(frame->word), "connection_ready") == 0) learn_number(socket, event);
    frame->number = ++socket->frames_out;
    frame->cause = RECORD(CORE_SEND, party_of(socket), socket->instance->party, party_of(socket), 0,
                          .conn = socket->serial, .kind = frame->word, .seq = (int64_t)frame->seq,
                          .frame = frame->number);
}

static void hear_close(struct socket *socket, const struct websocket_event *event)
{
    RECORD(CORE_CLOSE, party_of(socket), socket->instance->party, party_of(socket), 0,
           .conn = socket->serial, .code = event->code);
    distant_detach(socket, "closed by the core");
}

static void hear(struct socket *socket, const struct websocket_event *event)
{
    struct frame *frame = link_frame(socket, FRAME_BYTES);

    if (event->kind == WEBSOCKET_GOT_OPEN) socket->core_open = true;
    if (event->kind == WEBSOCKET_GOT_TEXT) name_message(socket, frame, event);
    if (event->kind == WEBSOCKET_GOT_CLOSE) hear_close(socket, event);
    pass_on(socket, frame);
}

static void bytes_come(void *context, const char *bytes, size_t count)
{
    struct socket *socket = context;
    struct distant *distant = socket->ends->distant;
    struct websocket_event event;

    for (size_t at = 0, taken; at < count; at += taken) {
        bool whole = websocket_take(&distant->reader, bytes + at, count - at, &taken, &event);
        hold(distant, bytes + at, taken);
        if (whole) hear(socket, &event);
    }
}

static size_t room(void *context)
{
    const struct socket *socket = context;

    if (socket->cut || !socket_is_current(socket)) return SIZE_MAX;
    return socket->tab->to_tab.count < LINK_WINDOW ? SIZE_MAX : 0;
}

static void ended(void *context, bool reset)
{
    struct socket *socket = context;

    if (!socket_is_current(socket)) return;
    distant_detach(socket, reset ? "reset by the core" : "ended by the core");
    if (!socket->cut) pass_on(socket, link_frame(socket, FRAME_CLOSE));
}

const struct outside_calls distant_calls = { room, bytes_come, ended };
