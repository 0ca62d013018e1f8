/* The other transport of a core: its real server (fakes/server/) on the simulated network. Links
 * carry bytes then. At their end to the core is a connection of TCP; at the tab's, a parser of
 * WebSockets. What the server tells of its connections is recorded as the frame transport does. */
#include "fakes/internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_PORT = 8000 };

static uint16_t party_of(const struct socket *socket)
{
    return socket->tab->actor->party;
}

/* The process that the socket leads to is still the one that it was made to. */
bool socket_is_current(const struct socket *socket)
{
    return socket->instance->core != NULL && socket->life == socket->instance->life;
}

/* --- what the server asks and tells, on its thread --- */

static bool authenticate(void *context, const char *token, struct ws_identity *identity)
{
    const struct instance *instance = instance_called(context);
    const struct play *play = instance->play;
    uint64_t handle = strtoull(token, NULL, 10);

    if (handle == 0 || handle > play->socket_count) return false;
    const struct socket *socket = play->sockets[handle - 1];
    (void)snprintf(identity->user, sizeof identity->user, "%s", socket->tab->actor->user);
    identity->tag = handle;
    return socket->instance == instance;
}

/* What the server says in the place of a tab that cannot speak. */
static void on_words(struct socket *socket, const struct ws_event *event)
{
    struct byte_ends *ends = socket->ends;

    ends->input_frame = ++socket->frames_in;
    ends->input = RECORD(CORE_INPUT, party_of(socket), party_of(socket), socket->instance->party,
                         0, .conn = socket->serial,
                         .kind = ws_type_of(event->bytes, event->length),
                         .frame = ends->input_frame);
}

static void on_input(struct socket *socket, const struct ws_event *event)
{
    struct byte_ends *ends = socket->ends;
    const struct frame *frame = ends->given;

    if (socket->tab->speech != SPEECH_WEBSOCKET) {
        on_words(socket, event);
        return;
    }
    /* It reads what arrived, in that order. One that takes a part for a whole reads more: what the
     * core says to that is told by the core. */
    if (frame == NULL) return;
    ends->given = frame->next;
    if (ends->given == NULL) ends->given_tail = &ends->given;
    ends->input = RECORD(CORE_INPUT, party_of(socket), party_of(socket), socket->instance->party,
                         frame->cause, .conn = socket->serial, .kind = frame->word,
                         .frame = frame->number);
    ends->input_frame = frame->number;
}

static void on_taken(const struct socket *socket)
{
    RECORD(CORE_TAKEN, party_of(socket), 0, 0, socket->ends->input, .conn = socket->serial,
           .frame = socket->ends->input_frame);
}

/* How long a message of that length is on the wire, unmasked. */
static size_t length_of(size_t payload)
{
    return payload + (payload < 126 ? 2 : payload <= UINT16_MAX ? 4 : 10);
}

static void on_sending(struct socket *socket, const struct ws_event *event)
{
    struct byte_ends *ends = socket->ends;
    struct frame *next = link_frame(socket, FRAME_MESSAGE);

    next->seq = event->seq;
    next->word = ws_type_of(event->bytes, event->length);
    next->number = ++socket->frames_out;
    next->length = length_of(event->length);
    next->cause = RECORD(CORE_SEND, party_of(socket), socket->instance->party, party_of(socket), 0,
                         .conn = socket->serial, .kind = next->word, .seq = (int64_t)next->seq,
                         .frame = next->number);
    *ends->sent_tail = next;
    ends->sent_tail = &next->next;
}

static void on_closing(struct socket *socket, const char *why)
{
    socket->core_open = false;
    socket->closed = true;
    RECORD(DETACH, party_of(socket), 0, 0, 0, .conn = socket->serial, .why = record_intern(why),
           .gen = (int64_t)socket->conn.generation);
}

static void watch(void *context, const struct ws_event *event)
{
    struct instance *instance = instance_called(context);

    if (event->tag == 0) return;
    struct socket *socket = instance->play->sockets[event->tag - 1];
    switch (event->kind) {
    case WS_OPENING: socket->ends->server_handle = event->handle; return;
    case WS_OPENED:
        socket->conn = event->conn;
        socket->core_open = true;
        ws_repeat_close(socket);
        return;
    case WS_REFUSED: return;
    case WS_INPUT: on_input(socket, event); return;
    case WS_TAKEN:
        if (event->result == CORE_OK) on_taken(socket);
        return;
    case WS_SENDING: on_sending(socket, event); return;
    case WS_CLOSING: on_closing(socket, event->reason); return;
    case WS_CLOSED:
        RECORD(DETACHED, party_of(socket), 0, 0, 0, .conn = socket->serial,
               .gen = (int64_t)socket->conn.generation);
        return;
    }
}

/* --- the core's port: any thread --- */

static void want_write(void *context, uint64_t handle, struct conn_ref conn)
{
    const struct instance *instance = instance_called(context);

    instance->server_port.want_write(instance->server_port.context, handle, conn);
}

static struct socket *find_socket(const struct instance *instance, uint64_t handle)
{
    const struct play *play = instance->play;

    for (uint32_t i = play->socket_count; i-- > 0;) {
        struct socket *socket = play->sockets[i];
        if (socket->instance == instance && socket->life == instance->life &&
            socket->ends->server_handle == handle)
            return socket;
    }
    return NULL;
}

static void want_close(void *context, uint64_t handle, struct conn_ref conn,
                       enum core_close_code code)
{
    struct instance *instance = instance_called(context);
    struct socket *socket = find_socket(instance, handle);

    REQUIRE(socket != NULL);
    if (!socket->close_queued) {
        socket->close_queued = true;
        socket->close_code = (uint32_t)code;
        RECORD(CORE_CLOSE, party_of(socket), instance->party, party_of(socket), 0,
               .conn = socket->serial, .code = socket->close_code);
    }
    instance->server_port.close(instance->server_port.context, handle, conn, code);
}

/* --- life of a server --- */

static uint16_t port_of(const struct instance *instance)
{
    return (uint16_t)(FIRST_PORT + instance->index);
}

struct transport_port sockets_create(struct instance *instance)
{
    struct play *play = instance->play;
    const struct server_api *server = play->stage->hooks.server;
    const struct core_settings *settings = &play->stage->settings[instance->index];
    struct ws_transport_config config;

    server->begin(play->api);
    server->config_default(&config);
    config.name = play->file->cores[instance->index].name;
    config.port = port_of(instance);
    config.authenticate = authenticate;
    config.watch = watch;
    config.context = instance;
    config.message_max_bytes = settings->frame_max_bytes;
    config.max_connections = 128;
    config.rest_us = 0; /* who turns for ever is to be seen */
    if (server->create(&config, &instance->server) != CORE_OK)
        world_stop("the server of core '%s' cannot be made", config.name);
    instance->server_port = server->port(instance->server);
    return (struct transport_port){ instance, want_write, want_close };
}

void sockets_start(struct instance *instance)
{
    const struct server_api *server = instance->play->stage->hooks.server;

    if (server->start(instance->server, instance->core) != CORE_OK)
        world_stop("the server of core '%s' cannot listen on port %u",
                   instance->play->file->cores[instance->index].name, port_of(instance));
}

void sockets_stop(struct instance *instance)
{
    instance->play->stage->hooks.server->stop(instance->server);
}

void sockets_destroy(struct instance *instance)
{
    instance->play->stage->hooks.server->destroy(instance->server);
    instance->server = NULL;
}

/* --- from the server to the link --- */

static size_t room(void *context)
{
    const struct socket *socket = context;

    if (socket->cut || !socket_is_current(socket)) return SIZE_MAX;
    return socket->tab->to_tab.count < LINK_WINDOW ? SIZE_MAX : 0;
}

/* How many of these bytes are of the response's head, which comes before all messages. */
static size_t head_in(struct byte_ends *ends, const char *bytes, size_t count)
{
    static const char end[] = "\r\n\r\n";
    size_t at = 0;

    for (; at < count && ends->head_seen < sizeof end - 1; at++)
        ends->head_seen = bytes[at] == end[ends->head_seen] ? ends->head_seen + 1
                                                            : bytes[at] == end[0];
    return at;
}

/* How many are of the message that is being sent. An event of a stream ends with an empty line. */
static size_t message_in(const struct socket *socket, const char *bytes, size_t count)
{
    struct byte_ends *ends = socket->ends;
    struct frame *message = ends->sent;
    bool ended = false;
    size_t at = 0;

    if (socket->tab->speech == SPEECH_WEBSOCKET) {
        if (count > message->length) count = message->length;
        message->length -= count;
        return count;
    }
    for (; at < count && !ended; at++) {
        ended = bytes[at] == '\n' && ends->line_ended;
        ends->line_ended = bytes[at] == '\n';
    }
    message->length = !ended;
    return at;
}

/* The next bytes of the server: of one message, or of none. Returns how many they are. */
static size_t send_piece(struct socket *socket, const char *bytes, size_t count)
{
    struct byte_ends *ends = socket->ends;
    struct frame *message = ends->sent, *frame = link_frame(socket, FRAME_BYTES);
    size_t head = head_in(ends, bytes, count);

    if (head > 0) {
        count = head;
    } else if (message != NULL) {
        *frame = *message;
        count = message_in(socket, bytes, count);
        frame->partial = message->length > 0;
        /* What follows has no name of its own. */
        message->kind = FRAME_BYTES;
        if (!frame->partial) ends->sent = message->next;
        if (ends->sent == NULL) ends->sent_tail = &ends->sent;
    }
    frame->bytes = scratch_copy(bytes, count);
    frame->length = count;
    /* A peer that has silently gone takes the bytes all the same. */
    if (!socket->cut && socket_is_current(socket)) link_push(&socket->tab->to_tab, frame);
    return count;
}

static void bytes_sent(void *context, const char *bytes, size_t count)
{
    struct frame whole = { .bytes = bytes, .length = count };

    world_meet(WORLD_MET_FAKES);
    wire_tell(context, STAGE_WIRE_OUTPUT, &whole);
    for (size_t at = 0; at < count;) at += send_piece(context, bytes + at, count - at);
}

static void ended(void *context, bool reset)
{
    struct socket *socket = context;

    world_meet(WORLD_MET_FAKES);
    wire_tell(socket, reset ? STAGE_WIRE_CORE_GONE : STAGE_WIRE_CORE_CLOSES, NULL);
    if (socket->cut || !socket_is_current(socket)) return;
    link_push(&socket->tab->to_tab, link_frame(socket, FRAME_CLOSE));
}

static const struct outside_calls server_calls = { room, bytes_sent, ended };

/* --- from the tab to the link --- */

/* Keys and masks need not be secret here, only different. */
static void fill(uint8_t *bytes, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(seed >> 56);
    }
}

const char *sockets_host(const struct socket *socket)
{
    const struct stage_live *live = socket->instance->play->stage->hooks.live;

    return live == NULL ? "127.0.0.1" : live->host;
}

const char *sockets_token(const struct socket *socket)
{
    const struct stage_live *live = socket->instance->play->stage->hooks.live;
    char token[24];

    if (live != NULL) return live->token(live->context, socket->tab->actor->user);
    int length = snprintf(token, sizeof token, "%u", (unsigned)socket->handle);
    return scratch_copy(token, (size_t)length);
}

static void greet_by_websocket(struct socket *socket, struct frame *open)
{
    struct byte_ends *ends = socket->ends;
    char *text = scratch_alloc(REQUEST_ROOM);
    struct websocket_request request = { .host = sockets_host(socket), .path = "/ws",
                                         .protocol = WS_SUBPROTOCOL,
                                         .token = sockets_token(socket) };

    fill(request.key, sizeof request.key, socket->handle);
    open->bytes = text;
    open->length = websocket_begin(&ends->websocket, &request, text, REQUEST_ROOM, MESSAGE_MAX,
                                   scratch_grow, NULL);
    REQUIRE(open->length > 0);
    if (socket->instance->play->stage->hooks.live != NULL)
        distant_greet(socket, &request, MESSAGE_MAX);
}

void sockets_greet(struct socket *socket, struct frame *open)
{
    socket->ends->given_tail = &socket->ends->given;
    socket->ends->sent_tail = &socket->ends->sent;
    switch (socket->tab->speech) {
    case SPEECH_WEBSOCKET: greet_by_websocket(socket, open); return;
    case SPEECH_EVENTS: events_greet(socket, open); return;
    case SPEECH_POLLING: polling_greet(socket, open); return;
    }
}

void sockets_wrap(struct socket *socket, struct frame *frame, enum websocket_opcode opcode)
{
    char *out = scratch_alloc(frame->length + WEBSOCKET_HEADER_MAX);
    uint8_t mask[4];

    fill(mask, sizeof mask, socket->handle << 32 | frame->number);
    frame->length = websocket_frame(out, opcode, true, mask, frame->bytes, frame->length);
    frame->bytes = out;
}

void sockets_part(struct frame *close, uint32_t code)
{
    /* Elsewhere the end of the bytes is the goodbye. */
    if (close->socket->tab->speech != SPEECH_WEBSOCKET) return;
    char *payload = scratch_alloc(WEBSOCKET_CONTROL_MAX);

    close->length = websocket_close_payload(payload, code, "");
    close->bytes = payload;
    sockets_wrap(close->socket, close, WEBSOCKET_CLOSE);
}

/* --- from the link to the server --- */

static struct outside *reach(struct socket *socket)
{
    const struct play *play = socket->instance->play;
    const struct stage_live *live = play->stage->hooks.live;

    if (live == NULL) return outside_connect(port_of(socket->instance), &server_calls, socket);
    return live->network->connect(live->port(live->context, socket->instance->index),
                                  &distant_calls, socket);
}

static void knock(struct socket *socket)
{
    if (socket_is_current(socket)) socket->ends->outside = reach(socket);
    if (socket->ends->outside != NULL) {
        wire_tell(socket, STAGE_WIRE_OPENED, NULL);
        return;
    }
    if (socket->tab->socket == socket)
        tab_cut(socket->tab, "nobody listens");
    else
        socket->cut = true;
}

static void give(struct byte_ends *ends, struct frame *frame)
{
    frame->next = NULL;
    *ends->given_tail = frame;
    ends->given_tail = &frame->next;
}

void sockets_at_core(struct frame *frame)
{
    struct socket *socket = frame->socket;
    struct byte_ends *ends = socket->ends;
    const struct outside_network *network = play_network(socket->instance->play);

    if (frame->kind == FRAME_OPEN) knock(socket);
    if (ends->outside == NULL) return;
    if (frame->kind == FRAME_MESSAGE && ends->distant != NULL) distant_input(socket, frame);
    if (frame->kind == FRAME_MESSAGE && ends->distant == NULL) give(ends, frame);
    if (frame->length > 0) {
        wire_tell(socket, STAGE_WIRE_INPUT, frame);
        network->send(ends->outside, frame->bytes, frame->length);
    }
    if (frame->kind != FRAME_CLOSE) return;
    wire_tell(socket, STAGE_WIRE_TAB_CLOSES, NULL);
    network->end(ends->outside);
    if (ends->distant != NULL) distant_detach(socket, "closed by the client");
}

void sockets_reset(struct socket *socket)
{
    if (socket->ends->outside == NULL) return;
    wire_tell(socket, STAGE_WIRE_BROKEN, NULL);
    play_network(socket->instance->play)->reset(socket->ends->outside);
    if (socket->ends->distant != NULL) distant_detach(socket, "cut");
}

void sockets_resume(struct socket *socket)
{
    if (socket->ends->outside != NULL)
        play_network(socket->instance->play)->resume(socket->ends->outside);
}

/* --- from the link to the tab --- */

static void say(struct socket *socket, enum websocket_opcode opcode, const char *bytes,
                size_t length)
{
    struct frame *frame = link_frame(socket, FRAME_BYTES);

    frame->bytes = bytes;
    frame->length = length;
    sockets_wrap(socket, frame, opcode);
    link_push(&socket->tab->to_core, frame);
}

/* The server closed the WebSocket: the tab answers, and goes. */
static void part(struct socket *socket, const struct websocket_event *event)
{
    struct frame *answer = link_frame(socket, FRAME_CLOSE);

    /* It said goodbye first: this is the answer. */
    if (!socket->tab_open) return;
    sockets_part(answer, event->code);
    link_push(&socket->tab->to_core, answer);
    if (socket->tab->socket == socket)
        tab_offline(socket->tab, "closed by the core", event->code);
}

static void break_off(struct socket *socket, const struct websocket_event *event)
{
    struct tab *tab = socket->tab;

    if (socket->ends->websocket.status == 101)
        play_break(tab->actor->play, tab->actor->scn->place, tab->actor->scn->name, event->bytes);
    if (tab->socket == socket) tab_cut(tab, event->bytes);
}

static void hear(struct socket *socket, const struct websocket_event *event)
{
    struct tab *tab = socket->tab;
    struct frame message = socket->ends->receiving;

    switch (event->kind) {
    case WEBSOCKET_GOT_OPEN:
        if (tab->socket == socket) tab_greet(tab);
        return;
    case WEBSOCKET_GOT_TEXT:
        message.kind = FRAME_MESSAGE;
        message.socket = socket;
        message.bytes = scratch_copy(event->bytes, event->length);
        message.length = event->length;
        tab_deliver(tab, &message);
        return;
    case WEBSOCKET_GOT_PING: say(socket, WEBSOCKET_PONG, event->bytes, event->length); return;
    case WEBSOCKET_GOT_CLOSE: part(socket, event); return;
    case WEBSOCKET_GOT_BROKEN: break_off(socket, event); return;
    case WEBSOCKET_GOT_BINARY:
    case WEBSOCKET_GOT_PONG: return;
    }
}

static void hear_frames(struct socket *socket, const struct frame *frame)
{
    struct websocket_event event;

    for (size_t at = 0, taken; at < frame->length && !socket->cut; at += taken) {
        if (websocket_take(&socket->ends->websocket, frame->bytes + at, frame->length - at, &taken,
                           &event))
            hear(socket, &event);
    }
}

static void hear_response(struct socket *socket, const struct frame *frame)
{
    bool polls = socket->tab->speech == SPEECH_POLLING;
    struct http_event event;

    for (size_t at = 0, taken; at < frame->length && !socket->cut; at += taken) {
        if (!http_take(&socket->ends->http, frame->bytes + at, frame->length - at, &taken, &event))
            continue;
        if (polls) polling_hears(socket, &event);
        else events_hear(socket, &event);
    }
}

void sockets_at_tab(struct frame *frame)
{
    struct socket *socket = frame->socket;

    if (frame->kind == FRAME_MESSAGE) socket->ends->receiving = *frame;
    if (socket->tab->speech == SPEECH_WEBSOCKET) hear_frames(socket, frame);
    else hear_response(socket, frame);
    if (frame->kind != FRAME_CLOSE || socket->tab->socket != socket) return;
    if (socket->tab->speech == SPEECH_POLLING) polling_ends(socket);
    else tab_offline(socket->tab, "the connection ended", 0);
}
