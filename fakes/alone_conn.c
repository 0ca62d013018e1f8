/* A connection to a core that a backend has for itself: each frame of it is the one that is due, by
 * docs/PROTOCOL.md. */
#include "fakes/alone_line.h"

#include <stdio.h>

enum { DEEDS = 3, CURSORS_BACK = 10 };

/* --- the port; its handle is the line itself --- */

static struct line *line_of(uint64_t handle)
{
    world_meet(WORLD_MET_FAKES);
    return (struct line *)(uintptr_t)handle;
}

static void want_write(void *context, uint64_t handle, struct conn_ref conn)
{
    struct line *line = line_of(handle);

    (void)context;
    if (line->conn.generation == conn.generation) line->asked = true;
}

static void close_line(void *context, uint64_t handle, struct conn_ref conn,
                       enum core_close_code code)
{
    struct line *line = line_of(handle);

    (void)context;
    if (line->conn.generation != conn.generation) return;
    line->cut = true;
    line->code = code;
}

struct transport_port alone_transport(struct alone *alone)
{
    return (struct transport_port){ alone, want_write, close_line };
}

/* --- frames --- */

static void tell(const struct line *line, const char *what, uint64_t told, uint64_t right)
{
    alone_tell(line->alone, what, told, right);
}

/* The next frame, or NULL if there is none. */
static const json_t *pull(struct line *line, struct conn_frame *copy)
{
    const struct core_api *api = line->alone->api;
    struct conn_frame frame, second;

    if (!api->conn_next(line->alone->core, line->conn, &frame)) return NULL;
    tell(line, "the number of a frame", frame.number, ++line->frames);
    line->alone->frames++;
    tell(line, "a second frame before the first is sent",
         api->conn_next(line->alone->core, line->conn, &second), false);
    *copy = frame;
    copy->bytes = scratch_copy(frame.bytes, frame.length);
    api->conn_frame_free(&frame);
    api->conn_sent(line->alone->core, line->conn, copy->number);
    const json_t *body = json_loadb(copy->bytes, copy->length, 0, NULL);
    tell(line, "whether a frame is an object", json_is_object(body), true);
    return body;
}

static uint64_t field(const json_t *body, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(body, name));
}

static bool is_kind(const json_t *body, const char *kind)
{
    const char *type = json_string_value(json_object_get(body, "type"));
    return type != NULL && strcmp(type, kind) == 0;
}

const json_t *line_due(struct line *line, const char *kind)
{
    struct conn_frame frame;
    const json_t *body = pull(line, &frame);
    char what[64];

    (void)snprintf(what, sizeof what, "whether the next frame is %s", kind);
    tell(line, what, is_kind(body, kind), true);
    return body;
}

void line_due_number(const struct line *line, const json_t *body, const char *name,
                     uint64_t right)
{
    tell(line, name, field(body, name), right);
}

static void due_gap(struct line *line, uint64_t from)
{
    const json_t *gap = line_due(line, "gap");

    line_due_number(line, gap, "from", from);
    line_due_number(line, gap, "to", line->cursor);
}

/* All that the log has behind the cursor. */
static void due_events(struct line *line)
{
    const struct alone_session *session = line->session;

    while (line->cursor < session->head) {
        const struct alone_event *event = &session->events[line->cursor++];
        struct conn_frame frame = { .bytes = NULL };
        const json_t *body = pull(line, &frame);
        tell(line, "the seq of an event", frame.seq, line->cursor);
        tell(line, "whether an event has its type", is_kind(body, event->type), true);
        bool whole = frame.bytes != NULL &&
                     memmem(frame.bytes, frame.length, event->payload, event->length) != NULL;
        tell(line, "whether an event is what was published", whole, true);
    }
}

/* A question whose event is not in the replay is told all the same. */
static void due_offer(struct line *line, uint64_t from)
{
    const struct alone_question *question = &line->session->question;

    if (!question->open || question->seq > from) return;
    const json_t *body = line_due(line, question->word);
    const json_t *payload = json_object_get(body, "payload");
    line_due_number(line, payload, "prompt", question->number);
    line_due_number(line, payload, "timeout_us",
                    question->due_us > now_us() ? question->due_us - now_us() : 0);
    tell(line, "whether a question that is offered has a number in the log",
         json_object_get(body, "seq") != NULL, false);
}

static void due_beat(struct line *line, uint64_t head, uint64_t sent)
{
    const json_t *beat = line_due(line, "heartbeat");

    line_due_number(line, beat, "head", head);
    line_due_number(line, beat, "sent", sent);
}

static void due_replay(struct line *line, const char *mode)
{
    const struct alone_session *session = line->session;
    uint64_t from = line->cursor;
    const json_t *state = line_due(line, "initial_state");
    const char *told = json_string_value(json_object_get(state, "mode"));

    tell(line, "whether the replay has its mode", told != NULL && strcmp(told, mode) == 0, true);
    line_due_number(line, state, "from", line->cursor + 1);
    line_due_number(line, state, "to", session->head);
    line_due_number(line, state, "count", session->head - line->cursor);
    if (line->beat_waits) due_beat(line, session->head, line->cursor);
    line->beat_waits = false;
    due_events(line);
    line_due_number(line, line_due(line, "state_replay_complete"), "to", session->head);
    due_offer(line, from);
}

/* The cursor of whoever can be told no more than the longest replay. */
static uint64_t cursor_of_replay(const struct alone_session *session)
{
    uint64_t oldest = session->floor;

    if (session->head + 1 > oldest + ALONE_REPLAY_MAX)
        oldest = session->head + 1 - ALONE_REPLAY_MAX;
    return oldest - 1;
}

/* What is new; where the log has left the cursor behind, a new beginning. */
static void due_news(struct line *line)
{
    uint64_t from = line->cursor + 1;

    if (from >= line->session->floor) {
        due_events(line);
        return;
    }
    line->alone->resyncs++;
    line->cursor = cursor_of_replay(line->session);
    due_gap(line, from);
    due_replay(line, "resync");
}

void line_due_silence(struct line *line)
{
    struct conn_frame frame;

    tell(line, "whether more comes than is due", pull(line, &frame) != NULL, false);
    line->asked = false;
}

void line_due_news(struct line *line)
{
    due_news(line);
    line_due_silence(line);
}

/* Messages are due at equal distances, and may come up to a second early. */
static bool may_say(struct line *line)
{
    uint64_t due_us = line->due_us > now_us() ? line->due_us : now_us();

    if (due_us >= now_us() + 1000000) return false;
    line->due_us = due_us + 1000000 / ALONE_RATE;
    return true;
}

static void input(struct line *line, const char *text, size_t length, enum core_result right)
{
    tell(line, "the answer to a message",
         line->alone->api->conn_input(line->alone->core, line->conn, text, length), right);
}

void line_say(struct line *line, const char *text)
{
    tell(line, "whether the conversation keeps its pace", may_say(line), true);
    input(line, text, strlen(text), CORE_OK);
}

void line_due_error(struct line *line, const char *about, enum core_result code)
{
    const json_t *body = line_due(line, "error");
    const char *told = json_string_value(json_object_get(body, "about"));
    const char *word = json_string_value(json_object_get(body, "code"));

    tell(line, "whether an error says what it is about",
         told != NULL && strcmp(told, about) == 0, true);
    tell(line, "the code of an error",
         word != NULL && strcmp(word, line->alone->api->result_word(code)) == 0, true);
}

/* --- the handshake --- */

struct greeting {
    bool placed;             /* with a cursor */
    uint64_t epoch, cursor;
};

static const char *mode_of(const struct alone_session *session, const struct greeting *greeting)
{
    uint64_t cursor = greeting->cursor;

    if (!greeting->placed) return "fresh";
    if (greeting->epoch != session->epoch || cursor > session->head ||
        cursor + 1 < session->floor || session->head - cursor > ALONE_REPLAY_MAX)
        return "resync";
    return "tail";
}

static void greet(struct line *line, struct greeting *greeting)
{
    const struct alone_session *session = line->session;
    char text[200], place[100] = "";

    greeting->placed = alone_draw("with_a_cursor");
    if (greeting->placed) {
        uint32_t reach = session->head < CURSORS_BACK ? (uint32_t)session->head : CURSORS_BACK;
        greeting->epoch = session->epoch + !world_choose(3, "another_epoch");
        greeting->cursor = session->head + 2 - world_choose(reach + 3, "a_cursor");
        (void)snprintf(place, sizeof place, ",\"epoch\":%llu,\"cursor\":%llu",
                       (unsigned long long)greeting->epoch, (unsigned long long)greeting->cursor);
    }
    (void)snprintf(text, sizeof text, "{\"type\":\"hello\",\"session\":\"%s\"%s}", session->name,
                   place);
    line_say(line, text);
}

static void due_handshake(struct line *line, const struct greeting *greeting)
{
    const struct alone_session *session = line->session;
    const char *mode = mode_of(session, greeting);
    bool tail = strcmp(mode, "tail") == 0, resync = strcmp(mode, "resync") == 0;
    bool known = greeting->placed && greeting->epoch == session->epoch &&
                 greeting->cursor <= session->head;
    uint64_t had = known ? greeting->cursor : 0;

    line->cursor = tail ? had : cursor_of_replay(session);
    line->alone->resyncs += resync;
    const json_t *ready = line_due(line, "connection_ready");
    line_due_number(line, ready, "epoch", session->epoch);
    line_due_number(line, ready, "head", session->head);
    line_due_number(line, ready, "floor", session->floor);
    tell(line, "whether the tab is recovered",
         json_is_true(json_object_get(ready, "recovered")), tail);
    tell(line, "runs of a greeting", json_array_size(json_object_get(ready, "runs")),
         alone_runs_listed(session));
    line->gen = field(ready, "gen");
    if (!tail && line->cursor > had) due_gap(line, had + 1);
    due_replay(line, mode);
}

static void acknowledge_as(struct line *line, uint64_t gen)
{
    char text[100];

    (void)snprintf(text, sizeof text, "{\"type\":\"connection_acknowledged\",\"gen\":%llu}",
                   (unsigned long long)gen);
    line_say(line, text);
    alone_settle();
}

/* In the name of the connection before, or of the next one: that opens no gate. */
static void acknowledge_wrongly(struct line *line)
{
    acknowledge_as(line, line->gen + 1 - 2 * world_choose(2, "the_connection_before"));
    line_due_error(line, "connection_acknowledged", CORE_STALE);
    line_due_silence(line);
}

/* --- what happens meanwhile --- */

bool line_publish(struct line *line)
{
    struct alone *alone = line->alone;
    struct alone_event event = { "live", "{\"live\":true}", 13, 0 };

    if (line->session->head < line->session->stored) return false;
    tell(line, "the answer to a publish for a tab",
         alone->api->publish_wait(alone->core, line->session->ref, event.type, event.payload,
                                  event.length, NULL), CORE_OK);
    alone_take_in(alone, line->session, event);
    alone_trim_store(alone, line->session);
    if (alone->stored) alone->failing = false;
    alone_settle();
    tell(line, "whether the transport was told of an event", line->asked, true);
    return true;
}

static void publish_live(struct line *line)
{
    if (line_publish(line)) line_due_news(line);
}

/* With each heartbeat, and soon after a find, the store is looked at. */
static void due_heartbeat(struct line *line)
{
    const struct alone_session *session = line->session;
    const struct alone_stream *stream = &line->alone->streams[session - line->alone->sessions];
    uint64_t head = session->head, sent = line->cursor;

    world_sleep_until(line->beat_ns + us_ns(1000));
    line->beat_ns += us_ns(ALONE_HEARTBEAT_US);
    line->found = session->head < session->stored;
    while (session->head < session->stored)
        alone_take_in(line->alone, line->session, stream->events[session->head]);
    due_beat(line, head, sent);
    due_news(line);
    line_due_silence(line);
    line_say(line, "{\"type\":\"pong\"}");
}

/* Until the store is looked at with heartbeats only. */
void line_calm_down(struct line *line)
{
    while (line->found) due_heartbeat(line);
}

/* Another core writes: the next heartbeat finds it, and what it writes then is found sooner. */
static void follow(struct line *line)
{
    static const struct alone_event event = { "item", "{\"by\":\"another\"}", 16, UINT64_MAX };
    struct alone *alone = line->alone;
    struct alone_session *session = line->session;
    struct alone_stream *stream = &alone->streams[session - alone->sessions];

    line_calm_down(line);
    for (uint32_t i = 0; i < 2 && alone->stored; i++, session->stored++)
        alone_store_write(stream, &event);
    due_heartbeat(line);
    if (!alone->stored) return;
    alone_store_write(stream, &event);
    session->stored++;
    world_sleep_until(ahead_ns(alone->settings.store_poll_us));
    alone_settle();
    line->found = true;
    alone_take_in(alone, session, stream->events[session->head]);
    due_news(line);
    line_due_silence(line);
}

/* --- what a client says --- */

void line_due_loss(struct line *line, enum core_close_code close)
{
    static const char pong[] = "{\"type\":\"pong\"}";

    line_due_silence(line);
    tell(line, "whether the core asks for the close", line->cut, true);
    tell(line, "the code of a close", line->code, close);
    tell(line, "the state of a connection that was given up",
         line->alone->api->conn_state(line->alone->core, line->conn), CONN_ERROR);
    input(line, pong, sizeof pong - 1, CORE_STALE);
}

/* The core gives it up, and says so first. */
static void due_end(struct line *line, enum core_result code, enum core_close_code close)
{
    line->over = true;
    alone_detach(line->alone, line->session);
    alone_settle();
    line_due_error(line, "", code);
    line_due_loss(line, close);
}

/* A message of that length, filled up with spaces. */
static void say_long(struct line *line, size_t length)
{
    static const char pong[] = "{\"type\":\"pong\"}";
    char text[ALONE_FRAME_MAX + 1];

    memset(text, ' ', sizeof text);
    memcpy(text, pong, sizeof pong - 1);
    input(line, text, length, CORE_OK);
}

/* As many messages at once as are taken, and maybe one more; one as long as is taken, or longer. */
static void chat(struct line *line)
{
    uint32_t count = world_choose(ALONE_RATE + 2, "messages_at_once");

    for (uint32_t i = 0; i < count && !line->over; i++) {
        bool allowed = may_say(line);
        say_long(line, ALONE_FRAME_MAX);
        if (!allowed) due_end(line, CORE_LIMIT, CORE_CLOSE_RATE);
        else line_due_silence(line);
    }
    if (line->over || !alone_draw("a_message_too_long") || !may_say(line)) return;
    say_long(line, ALONE_FRAME_MAX + 1);
    due_end(line, CORE_INVALID, CORE_CLOSE_TOO_BIG);
}

/* What it was sent, and what it was not. */
static void confirm_events(struct line *line)
{
    uint64_t seq = line->cursor + world_choose(2, "more_than_was_sent");
    char text[100];

    (void)snprintf(text, sizeof text, "{\"type\":\"ack\",\"seq\":%llu}",
                   (unsigned long long)seq);
    line_say(line, text);
    alone_settle();
    if (seq > line->cursor) line_due_error(line, "ack", CORE_INVALID);
    line_due_silence(line);
}

/* Time enough to be silent for a while before the next heartbeat. */
static void talk(struct line *line)
{
    line_calm_down(line);
    if (line->beat_ns < ahead_ns(2500000)) return;
    if (alone_draw("talk_much")) chat(line);
    else confirm_events(line);
    if (!line->over) world_sleep_until(ahead_ns(2000000));
}

static void use(struct line *line)
{
    for (uint32_t i = 0; i < DEEDS; i++) {
        uint32_t deed = world_choose(6, "what_to_do_meanwhile");
        if (deed == 0) publish_live(line);
        if (deed == 1) due_heartbeat(line);
        if (deed == 2) follow(line);
        if (deed == 3) talk(line);
        if (deed == 4) line_stall(line);
        if (line->over) return;
        tell(line, "the state of a connection",
             line->alone->api->conn_state(line->alone->core, line->conn), CONN_CONNECTED);
        alone_compare(line->alone);
    }
}

/* --- the whole --- */

void line_leave(struct line *line)
{
    const struct core_api *api = line->alone->api;

    api->conn_closed(line->alone->core, line->conn);
    if (!line->over && line->session->open) alone_detach(line->alone, line->session);
    alone_settle();
    tell(line, "the state of a connection that is gone",
         api->conn_state(line->alone->core, line->conn), CONN_DISCONNECTED);
    line->alone->stale++;
}

static void hang_up(struct line *line)
{
    const struct core_api *api = line->alone->api;

    if (!line->over && !alone_draw("closed_by_the_core")) {
        line_calm_down(line);
    } else if (!line->over) {
        line->session->attached = false;
        tell(line, "the answer to the close of a session in use",
             api->session_close(line->alone->core, line->session->ref, CORE_CLOSE_NORMAL),
             CORE_OK);
        alone_settle();
        tell(line, "whether the core asks for the close", line->cut, true);
        tell(line, "the code of a close", line->code, CORE_CLOSE_NORMAL);
        alone_close(line->alone, line->session);
    }
    line_leave(line);
}

/* A run that waits at its gate until now begins, and is told of. */
static void due_beginning(struct line *line, enum start_gate gate)
{
    if (alone_gate_opens(line->alone, gate)) due_news(line);
    line_due_silence(line);
}

/* It says something before its greeting, and takes no frame until a heartbeat came due. */
static void stumble(struct line *line)
{
    line_say(line, "{\"type\":\"pong\"}");
    alone_settle();
    line->beat_waits = true;
}

static void due_refusal(struct line *line)
{
    world_sleep_until(line->beat_ns + us_ns(1000));
    line->beat_ns += us_ns(ALONE_HEARTBEAT_US);
    line_due_error(line, "pong", CORE_REFUSED);
}

static struct line *attach(struct alone *alone, struct alone_session *session, bool stumbles)
{
    struct line *line = scratch_alloc(sizeof *line);
    struct greeting greeting = { false, 0, 0 };

    *line = (struct line){ .alone = alone, .session = session };
    tell(line, "the answer to a connection",
         alone->api->conn_open(alone->core, (uintptr_t)line, session->owner, &line->conn),
         CORE_OK);
    tell(line, "the state of a connection that has not greeted",
         alone->api->conn_state(alone->core, line->conn), CONN_CONNECTING);
    if (stumbles) stumble(line);
    line->beat_ns = ahead_ns(ALONE_HEARTBEAT_US);
    greet(line, &greeting);
    alone_settle();
    session->attached = true;
    session->idle_us = session->grace_us = 0;
    tell(line, "whether the transport was told of a greeting", line->asked, true);
    if (stumbles) due_refusal(line);
    due_handshake(line, &greeting);
    due_beginning(line, START_GATE_ATTACHED);
    if (alone_draw("acknowledged_wrongly")) acknowledge_wrongly(line);
    acknowledge_as(line, line->gen);
    due_beginning(line, START_GATE_ACKNOWLEDGED);
    alone_compare(alone);
    return line;
}

struct line *line_attach(struct alone *alone, struct alone_session *session)
{
    return attach(alone, session, false);
}

void alone_connect(struct alone *alone, struct alone_session *session)
{
    /* What a heartbeat finds in the store would come into the replay. */
    bool stumbles = session->head == session->stored &&
                    alone->settings.send_stall_us > ALONE_HEARTBEAT_US && alone_draw("stumbles");
    struct line *line = attach(alone, session, stumbles);

    use(line);
    hang_up(line);
}

struct line *alone_leave_open(struct alone *alone, struct alone_session *session)
{
    return line_attach(alone, session);
}

void alone_due_close(const struct line *line)
{
    tell(line, "whether a drain closes a connection", line->cut, true);
    tell(line, "the code of a drain's close", line->code, CORE_CLOSE_DRAINING);
}
