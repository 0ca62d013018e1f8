/* A core's trace: from its records to the messages that they stand for. Payloads that the core had
 * forgotten when it wrote the trace are not there; nor is who asked for a run or for its end. */
#include "harness/capture/ring.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "session_types.h"

enum { CONNS_MAX = 4096, SESSIONS_MAX = 256, MESSAGES_MAX = 1 << 20, NAME_MAX_BYTES = 64 };

static const char format_word[] = "session trace";

/* An event as it went to clients. */
struct sent {
    uint64_t seq;
    json_t *body;               /* owned */
};

struct session {
    char name[NAME_MAX_BYTES];
    uint64_t epoch;
    struct sent *events;        /* of this epoch, in order */
    uint32_t count, room;
};

struct conn {
    uint64_t generation;
    struct capture_connection *out;
    int session;                /* -1: it is not attached */
    uint64_t cursor, sent;      /* what it came with, what it was sent */
    bool replayed, dropped;
    uint32_t room;
    uint32_t ready;             /* number of its connection_ready among the messages, from 1 */
};

struct ring {
    struct capture *capture;
    struct conn conns[CONNS_MAX];
    struct session sessions[SESSIONS_MAX];
    uint32_t conn_count, session_count, messages;
    char core[NAME_MAX_BYTES];
    uint64_t number, us;        /* of the record that is read */
    char *problem;
};

/* --- what is wrong --- */

static bool fail(const struct ring *ring, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(const struct ring *ring, const char *format, ...)
{
    va_list arguments;
    int used = snprintf(ring->problem, CAPTURE_PROBLEM_MAX, "record %" PRIu64 ": ", ring->number);

    va_start(arguments, format);
    (void)vsnprintf(ring->problem + used, CAPTURE_PROBLEM_MAX - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

static void *checked(void *memory)
{
    if (memory == NULL) abort();
    return memory;
}

/* Times in nanoseconds fit, too. */
static uint64_t number_in(const json_t *record, const char *field)
{
    json_int_t number = json_integer_value(json_object_get(record, field));
    return number < 0 || number > INT64_MAX / 1000 ? 0 : (uint64_t)number;
}

/* "" where there is none that fits. */
static const char *name_in(const json_t *record, const char *field)
{
    const char *text = json_string_value(json_object_get(record, field));
    return text == NULL || strlen(text) >= NAME_MAX_BYTES ? "" : text;
}

/* --- messages --- */

static bool say(struct ring *ring, struct conn *conn, bool from_client,
                enum websocket_opcode opcode, char *bytes, size_t length)
{
    struct capture_connection *out = conn->out;

    if (ring->messages++ == MESSAGES_MAX) {
        free(bytes);
        return fail(ring, "more than %d messages", MESSAGES_MAX);
    }
    if (out->count == conn->room) {
        conn->room = conn->room == 0 ? 16 : 2 * conn->room;
        out->messages = checked(realloc(out->messages, conn->room * sizeof *out->messages));
    }
    out->messages[out->count++] = (struct capture_message){
        .time_ns = ring->us * 1000, .packet = (uint32_t)ring->number, .from_client = from_client,
        .opcode = opcode, .frames = 1, .bytes = bytes, .length = length };
    return true;
}

/* Takes the message over. */
static bool say_json(struct ring *ring, struct conn *conn, bool from_client, json_t *message)
{
    char *text = checked(json_dumps(message, JSON_COMPACT | JSON_PRESERVE_ORDER));

    json_decref(message);
    return say(ring, conn, from_client, WEBSOCKET_TEXT, text, strlen(text));
}

static bool say_close(struct ring *ring, struct conn *conn, bool from_client, uint32_t code)
{
    char *payload = checked(calloc(1, 3));

    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    return say(ring, conn, from_client, WEBSOCKET_CLOSE, payload, 2);
}

/* --- sessions and their events --- */

static struct session *session_of(struct ring *ring, const char *name)
{
    for (uint32_t i = 0; i < ring->session_count; i++) {
        if (strcmp(ring->sessions[i].name, name) == 0) return &ring->sessions[i];
    }
    if (ring->session_count == SESSIONS_MAX || *name == '\0') return NULL;
    struct session *session = &ring->sessions[ring->session_count++];
    memcpy(session->name, name, strlen(name) + 1);
    return session;
}

/* A log is known by its events; connections that were ready before the first one learn it now. */
static void learn_epoch(struct ring *ring, struct session *session, uint64_t epoch)
{
    for (uint32_t i = 0; i < ring->conn_count && session->epoch == 0; i++) {
        const struct conn *conn = &ring->conns[i];
        if (conn->session != (int)(session - ring->sessions) || conn->ready == 0) continue;
        struct capture_message *message = &conn->out->messages[conn->ready - 1];
        json_t *ready = checked(json_loadb(message->bytes, message->length, 0, NULL));
        (void)json_object_set_new(ready, "epoch", json_integer((json_int_t)epoch));
        free(message->bytes);
        message->bytes = checked(json_dumps(ready, JSON_COMPACT | JSON_PRESERVE_ORDER));
        message->length = strlen(message->bytes);
        json_decref(ready);
    }
    session->epoch = epoch;
}

static void forget_events(struct session *session)
{
    for (uint32_t i = 0; i < session->count; i++) json_decref(session->events[i].body);
    session->count = 0;
}

/* What the connection has not been sent yet. */
static bool send_events(struct ring *ring, struct conn *conn, uint64_t up_to)
{
    const struct session *session = &ring->sessions[conn->session];

    for (uint32_t i = 0; i < session->count; i++) {
        const struct sent *event = &session->events[i];
        if (event->seq <= conn->sent || event->seq > up_to) continue;
        if (!say_json(ring, conn, false, json_incref(event->body))) return false;
        conn->sent = event->seq;
    }
    return true;
}

/* One whose payload is not known any more stays an event, of a type that says so. */
static json_t *event_of(const json_t *record, uint64_t seq)
{
    const char *type = name_in(record, "type");
    json_t *payload = json_object_get(record, "payload");

    return json_pack("{s:I, s:s, s:o}", "seq", (json_int_t)seq, "type",
                     *type == '\0' ? "forgotten" : type, "payload",
                     json_is_object(payload) ? json_incref(payload) : json_object());
}

static bool on_appended(struct ring *ring, const json_t *record)
{
    struct session *session = session_of(ring, name_in(record, "session"));
    uint64_t seq = number_in(record, "seq"), epoch = number_in(record, "epoch");

    if (session == NULL || seq == 0) return fail(ring, "log.appended without session and seq");
    if (epoch != session->epoch) forget_events(session);
    learn_epoch(ring, session, epoch);
    if (session->count > 0 && session->events[session->count - 1].seq >= seq)
        return fail(ring, "event %" PRIu64 " again", seq);
    if (session->count == session->room) {
        session->room = session->room == 0 ? 64 : 2 * session->room;
        session->events =
            checked(realloc(session->events, session->room * sizeof *session->events));
    }
    session->events[session->count++] = (struct sent){ seq, checked(event_of(record, seq)) };
    for (uint32_t i = 0; i < ring->conn_count; i++) {
        struct conn *conn = &ring->conns[i];
        bool listens = conn->session == (int)(session - ring->sessions) && conn->replayed &&
                       !conn->dropped;
        if (listens && !send_events(ring, conn, seq)) return false;
    }
    return true;
}

static bool on_session(struct ring *ring, const json_t *record)
{
    struct session *session = session_of(ring, name_in(record, "session"));

    if (session == NULL) return fail(ring, "a session without a name, or too many");
    forget_events(session);
    learn_epoch(ring, session, number_in(record, "epoch"));
    return true;
}

/* --- connections --- */

static struct conn *conn_of(struct ring *ring, const json_t *record)
{
    uint64_t generation = number_in(record, "generation");

    for (uint32_t i = ring->conn_count; i-- > 0;) {
        if (ring->conns[i].generation == generation) return &ring->conns[i];
    }
    return NULL;
}

/* Users have addresses of their own, so that who comes back is known. */
static uint8_t user_number(const struct ring *ring, const char *user)
{
    for (uint32_t i = 0; i < ring->capture->count; i++) {
        const struct capture_connection *other = ring->capture->connections[i];
        if (strcmp(other->user, user) == 0) return other->client.bytes[2];
    }
    return (uint8_t)(ring->capture->count % 255 + 1);
}

static struct conn *add_conn(struct ring *ring, const json_t *record, const char *user)
{
    struct capture *capture = ring->capture;

    if (ring->conn_count == CONNS_MAX) {
        (void)fail(ring, "more than %d connections", CONNS_MAX);
        return NULL;
    }
    struct capture_connection *out = checked(calloc(1, sizeof *out));
    out->client = (struct packet_address){ false, { 10, 0, user_number(ring, user), 1 },
                                           (uint16_t)(1024 + ring->conn_count) };
    out->server = (struct packet_address){ false, { 10, 0, 0, 1 }, 8080 };
    out->begin_ns = ring->us * 1000;
    out->packet = (uint32_t)ring->number;
    out->kind = CAPTURE_SOCKET;
    (void)snprintf(out->path, sizeof out->path, "/ws");
    (void)snprintf(out->host, sizeof out->host, "%s", ring->core);
    (void)snprintf(out->user, sizeof out->user, "%s", user);
    capture->connections = checked(
        realloc(capture->connections, (capture->count + 1) * sizeof *capture->connections));
    capture->connections[capture->count++] = out;
    struct conn *conn = &ring->conns[ring->conn_count++];
    *conn = (struct conn){ .generation = number_in(record, "generation"), .out = out,
                           .session = -1 };
    return conn;
}

static bool on_opened(struct ring *ring, const json_t *record)
{
    if (conn_of(ring, record) != NULL) return fail(ring, "this connection was opened before");
    return add_conn(ring, record, name_in(record, "user")) != NULL;
}

/* One that was there before the oldest record has no user. */
static bool on_attached(struct ring *ring, const json_t *record)
{
    struct conn *conn = conn_of(ring, record);
    struct session *session = session_of(ring, name_in(record, "session"));
    uint64_t cursor = number_in(record, "cursor");

    if (conn == NULL) conn = add_conn(ring, record, "");
    if (conn == NULL) return false;
    if (session == NULL) return fail(ring, "conn.attached without a session");
    if (conn->session >= 0) return fail(ring, "this connection was attached before");
    conn->session = (int)(session - ring->sessions);
    conn->cursor = conn->sent = cursor;
    json_t *hello = json_pack("{s:s, s:s}", "type", "hello", "session", session->name);
    if (cursor > 0 && json_object_set_new(hello, "cursor", json_integer((json_int_t)cursor)) != 0)
        abort();
    return say_json(ring, conn, true, checked(hello));
}

/* Runs by their newest states; an older record of the same run is overwritten. */
static json_t *runs_of(const struct session *session)
{
    json_t *by_number = json_object(), *list = json_array(), *run;
    const char *key;

    for (uint32_t i = 0; i < session->count; i++) {
        const json_t *body = session->events[i].body;
        json_t *payload = json_object_get(body, "payload");
        char number[24];
        if (strcmp(name_in(body, "type"), "run_state") != 0) continue;
        (void)snprintf(number, sizeof number, "%" PRIu64, number_in(payload, "run"));
        (void)json_object_set(by_number, number, payload);
    }
    json_object_foreach(by_number, key, run) (void)json_array_append(list, run);
    json_decref(by_number);
    return list;
}

static bool on_ready(struct ring *ring, struct conn *conn)
{
    if (conn->ready > 0) return fail(ring, "this connection was ready before");
    const struct session *session = &ring->sessions[conn->session];
    uint64_t head = session->count == 0 ? 0 : session->events[session->count - 1].seq;
    json_t *ready = json_pack("{s:s, s:s, s:I, s:I, s:i, s:I, s:b, s:o}", "type",
                              "connection_ready", "session", session->name, "epoch",
                              (json_int_t)session->epoch, "head", (json_int_t)head, "floor", 1,
                              "gen", (json_int_t)conn->generation, "recovered", conn->cursor > 0,
                              "runs", runs_of(session));

    conn->ready = conn->out->count + 1;
    return say_json(ring, conn, false, checked(ready)) &&
           say_json(ring, conn, false, checked(json_pack("{s:s}", "type", "initial_state")));
}

static bool on_replayed(struct ring *ring, struct conn *conn, const json_t *record)
{
    uint64_t seq = number_in(record, "seq");

    if (!send_events(ring, conn, seq)) return false;
    conn->replayed = true;
    return say_json(ring, conn, false,
                    checked(json_pack("{s:s, s:I}", "type", "state_replay_complete", "to",
                                      (json_int_t)seq))) &&
           send_events(ring, conn, UINT64_MAX);
}

static bool on_dropped(struct ring *ring, struct conn *conn, const json_t *record)
{
    if (conn->dropped) return true;
    conn->dropped = true;
    return say_close(ring, conn, false, (uint32_t)number_in(record, "code") & 0xffff);
}

/* Nobody knows whether a client that left has said so. */
static bool on_closed(struct ring *ring, struct conn *conn)
{
    struct capture_connection *out = conn->out;

    if (out->end != CAPTURE_OPEN) return true;
    if (!conn->dropped && !say_close(ring, conn, true, 1000)) return false;
    conn->session = -1;
    out->end = CAPTURE_FINISHED;
    out->end_by_client = !conn->dropped;
    out->end_ns = ring->us * 1000;
    out->end_packet = (uint32_t)ring->number;
    return true;
}

/* --- questions --- */

static bool asks_for_input(const struct session *session, uint64_t prompt)
{
    for (uint32_t i = 0; i < session->count; i++) {
        const json_t *body = session->events[i].body;
        if (strcmp(name_in(body, "type"), "request_user_input") != 0) continue;
        if (number_in(json_object_get(body, "payload"), "prompt") == prompt) return true;
    }
    return false;
}

static bool on_settled(struct ring *ring, const json_t *record)
{
    struct conn *conn = conn_of(ring, record);
    uint64_t prompt = number_in(record, "prompt");

    if (conn == NULL || conn->session < 0) return true; /* no client has */
    if (asks_for_input(&ring->sessions[conn->session], prompt))
        return say_json(ring, conn, true,
                        checked(json_pack("{s:s, s:I, s:{s:s}}", "type", "user_input", "prompt",
                                          (json_int_t)prompt, "values", "text", "unknown")));
    bool yes = number_in(record, "outcome") == PROMPT_APPROVED;
    return say_json(ring, conn, true,
                    checked(json_pack("{s:s, s:I, s:b}", "type", "confirm", "prompt",
                                      (json_int_t)prompt, "value", yes)));
}

/* --- one record --- */

static bool on_conn(struct ring *ring, const char *what, const json_t *record)
{
    struct conn *conn = conn_of(ring, record);

    if (strcmp(what, "opened") == 0) return on_opened(ring, record);
    if (strcmp(what, "attached") == 0) return on_attached(ring, record);
    if (conn == NULL) return true; /* of a connection from before the oldest record */
    if (strcmp(what, "dropped") == 0) return on_dropped(ring, conn, record);
    if (strcmp(what, "closed") == 0) return on_closed(ring, conn);
    if (conn->session < 0 || conn->dropped) return true;
    if (strcmp(what, "ready") == 0) return on_ready(ring, conn);
    if (strcmp(what, "replayed") == 0) return on_replayed(ring, conn, record);
    if (strcmp(what, "acknowledged") == 0)
        return say_json(ring, conn, true,
                        checked(json_pack("{s:s, s:I}", "type", "connection_acknowledged", "gen",
                                          (json_int_t)conn->generation)));
    return true;
}

static bool take_record(struct ring *ring, const json_t *record)
{
    const char *point = name_in(record, "point");

    if (strncmp(point, "conn.", 5) == 0) return on_conn(ring, point + 5, record);
    if (strcmp(point, "log.appended") == 0) return on_appended(ring, record);
    if (strcmp(point, "session.opened") == 0 || strcmp(point, "session.recovered") == 0)
        return on_session(ring, record);
    if (strcmp(point, "prompt.settled") == 0) return on_settled(ring, record);
    return *point != '\0' || fail(ring, "there is no point in it");
}

static bool take_head(struct ring *ring, const json_t *head)
{
    const char *format = name_in(head, "format");

    if (strcmp(format, format_word) != 0 || number_in(head, "version") != 1) {
        (void)snprintf(ring->problem, CAPTURE_PROBLEM_MAX,
                       "the first line is not that of a trace of version 1");
        return false;
    }
    (void)snprintf(ring->core, sizeof ring->core, "%s", name_in(head, "core"));
    return true;
}

static bool take_line(struct ring *ring, const char *line, size_t length)
{
    json_error_t error;
    json_t *record = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    uint64_t number = number_in(record, "n"), us = number_in(record, "us");
    bool good;

    if (ring->capture->packets++ == 0) {
        good = take_head(ring, record);
    } else if (!json_is_object(record)) {
        ring->number++;
        good = fail(ring, "it is no JSON object: %s", record == NULL ? error.text : "a value");
    } else if (number <= ring->number || number > UINT32_MAX) {
        good = fail(ring, "the next one has the number %" PRIu64, number);
    } else {
        if (ring->capture->packets == 2) ring->capture->begin_ns = us * 1000;
        ring->number = number;
        good = us >= ring->us || fail(ring, "it is older than the one before");
        ring->us = us;
        good = good && take_record(ring, record);
    }
    json_decref(record);
    return good;
}

/* --- all of it --- */

bool ring_is(FILE *file)
{
    int first = fgetc(file);

    if (first != EOF) (void)ungetc(first, file);
    return first == '{';
}

static bool take_all(struct ring *ring, FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    bool good = true;

    while (good && (length = getline(&line, &room, file)) > 0)
        good = take_line(ring, line, (size_t)length);
    free(line);
    return good;
}

struct capture *ring_read(FILE *file, char problem[CAPTURE_PROBLEM_MAX])
{
    struct ring *ring = checked(calloc(1, sizeof *ring));

    ring->capture = checked(calloc(1, sizeof *ring->capture));
    ring->capture->trace = true;
    ring->problem = problem;
    struct capture *capture = ring->capture;
    bool good = take_all(ring, file);
    for (uint32_t i = 0; i < ring->session_count; i++) {
        forget_events(&ring->sessions[i]);
        free(ring->sessions[i].events);
    }
    free(ring);
    if (good) return capture;
    capture_free(capture);
    return NULL;
}
