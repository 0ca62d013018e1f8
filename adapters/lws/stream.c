/*
 * Server-sent events: a connection of the core whose client cannot speak. The stream says what a
 * client would: hello from Last-Event-ID, connection_acknowledged after the replay, ack and pong
 * with every heartbeat. An event's id is EPOCH-SEQ.
 */
#include "adapters/lws/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 48 };

/* Gives up the message. */
static void say(struct peer *peer, json_t *message)
{
    char *text = message == NULL ? NULL : json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (text != NULL)
        conn_take(peer, text, strlen(text));
    free(text);
}

/* ---- beginning ---- */

/* False if there is an id that makes no sense. */
static bool read_last_id(struct lws *wsi, uint64_t *epoch, uint64_t *seq)
{
    static const char header[] = "last-event-id:";
    char id[ID_MAX] = "", *end;
    int nlen = (int)sizeof header - 1;
    *epoch = *seq = 0;
    if (lws_hdr_custom_length(wsi, header, nlen) > 0) {
        if (lws_hdr_custom_copy(wsi, id, sizeof id, header, nlen) < 0)
            return false;
    } else if (!gate_parameter(wsi, "last_event_id", id, sizeof id)) {
        return false;
    }
    if (id[0] == '\0')
        return true;
    errno = 0;
    *epoch = strtoull(id, &end, 10);
    if (*end != '-' || id[0] == '-' || end[1] < '0' || end[1] > '9')
        return false;
    *seq = strtoull(end + 1, &end, 10);
    return *end == '\0' && errno == 0 && *epoch > 0 && *epoch <= INT64_MAX && *seq <= INT64_MAX;
}

static json_t *hello_message(const char *session, uint64_t epoch, uint64_t seq)
{
    json_t *hello = json_pack("{s:s, s:s}", "type", wire_message_word(WIRE_HELLO), "session",
                              session);
    if (epoch > 0) {
        json_object_set_new(hello, "epoch", json_integer((json_int_t)epoch));
        json_object_set_new(hello, "cursor", json_integer((json_int_t)seq));
    }
    return hello;
}

static bool write_headers(struct peer *peer)
{
    unsigned char buffer[LWS_PRE + 1024], *start = buffer + LWS_PRE, *at = start;
    unsigned char *end = buffer + sizeof buffer - 1;
    return answer_headers(peer, 200, "text/event-stream", LWS_ILLEGAL_HTTP_CONTENT_LEN, &at,
                          end) &&
           lws_finalize_write_http_header(peer->wsi, start, &at, end) == 0;
}

int stream_begin(struct peer *peer, const char *session)
{
    uint64_t epoch, seq;
    if (!read_last_id(peer->wsi, &epoch, &seq))
        return answer_refuse_at_once(peer, 400,
                                     "Last-Event-ID is EPOCH-SEQ, as in the id of an event");
    peer->stream = (struct stream){ .epoch = epoch, .last_seq = seq };
    peer->kind = PEER_STREAM;
    enum core_result rc = conn_begin(peer);
    if (rc != CORE_OK) {
        peer->kind = PEER_REQUEST;
        return answer_at_once(peer, answer_problem(rc, "events", NULL));
    }
    if (!write_headers(peer)) {
        conn_end(peer, 0, "the connection broke");
        return -1;
    }
    /* Its end has to be noticed; and it has no time limit, but what the core says. */
    (void)lws_http_headers_detach(peer->wsi);
    lws_set_timeout(peer->wsi, NO_PENDING_TIMEOUT, 0);
    say(peer, hello_message(session, epoch, seq));
    lws_callback_on_writable(peer->wsi);
    return 0;
}

/* ---- what a client would say ---- */

static void say_ack(struct peer *peer)
{
    if (peer->stream.last_seq > 0)
        say(peer, json_pack("{s:s, s:I}", "type", wire_message_word(WIRE_ACK), "seq",
                            (json_int_t)peer->stream.last_seq));
}

static json_int_t number_of(const json_t *frame, const char *field)
{
    return json_integer_value(json_object_get(frame, field));
}

/* A control frame has been written: what follows from it. */
static void react(struct peer *peer, const json_t *frame)
{
    struct stream *stream = &peer->stream;
    const char *type = json_string_value(json_object_get(frame, "type"));
    if (type == NULL)
        return;
    if (strcmp(type, wire_message_word(WIRE_CONNECTION_READY)) == 0) {
        stream->gen = number_of(frame, "gen");
    } else if (strcmp(type, wire_message_word(WIRE_STATE_REPLAY_COMPLETE)) == 0) {
        say(peer, json_pack("{s:s, s:I}", "type",
                            wire_message_word(WIRE_CONNECTION_ACKNOWLEDGED), "gen", stream->gen));
        say_ack(peer);
    } else if (strcmp(type, wire_message_word(WIRE_HEARTBEAT)) == 0) {
        say_ack(peer);
        say(peer, json_pack("{s:s}", "type", wire_message_word(WIRE_PONG)));
    }
}

/* ---- writing ---- */

/* The id that a client should come back with after this frame, "" for the one it has. */
static void id_of(struct peer *peer, const struct conn_frame *frame, const json_t *control,
                  char id[ID_MAX])
{
    struct stream *stream = &peer->stream;
    const char *type = json_string_value(json_object_get(control, "type"));
    id[0] = '\0';
    if (frame->seq > 0) {
        stream->last_seq = frame->seq;
    } else if (type != NULL && strcmp(type, wire_message_word(WIRE_INITIAL_STATE)) == 0) {
        const char *mode = json_string_value(json_object_get(control, "mode"));
        if (mode != NULL && strcmp(mode, "tail") == 0)
            return;
        json_int_t from = number_of(control, "from");
        stream->epoch = (uint64_t)number_of(control, "epoch");
        stream->last_seq = from > 0 ? (uint64_t)from - 1 : 0;
    } else {
        return;
    }
    snprintf(id, ID_MAX, "id: %" PRIu64 "-%" PRIu64 "\n", stream->epoch, stream->last_seq);
}

static bool write_bytes(struct peer *peer, const char *head, const char *bytes, size_t length)
{
    static const char field[] = "data: ", end[] = "\n\n";
    size_t size = strlen(head) + sizeof field - 1 + length + sizeof end - 1;
    unsigned char *buffer = malloc(LWS_PRE + size + 1), *at = buffer + LWS_PRE;
    if (buffer == NULL)
        return false;
    at = (unsigned char *)stpcpy((char *)at, head);
    at = (unsigned char *)stpcpy((char *)at, field);
    memcpy(at, bytes, length);
    memcpy(at + length, end, sizeof end - 1);
    int written = lws_write(peer->wsi, buffer + LWS_PRE, size, LWS_WRITE_HTTP);
    free(buffer);
    return written >= (int)size;
}

static bool write_frame(struct peer *peer, const struct conn_frame *frame)
{
    char id[ID_MAX];
    json_t *control =
        frame->seq > 0 ? NULL : json_loadb(frame->bytes, frame->length, 0, NULL);
    id_of(peer, frame, control, id);
    bool written = write_bytes(peer, id, frame->bytes, frame->length);
    if (written) {
        conn_pushed(peer, frame);
        react(peer, control);
    }
    json_decref(control);
    return written;
}

/* The last event of a stream says why; a browser would come back by itself otherwise. */
static int close_stream(struct peer *peer, uint32_t code)
{
    const char *reason = core_close_text((enum core_close_code)code);
    char *text = NULL;
    json_t *body = json_pack("{s:I, s:s}", "code", (json_int_t)code, "reason", reason);
    if (body != NULL)
        text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text != NULL)
        (void)write_bytes(peer, "event: close\n", text, strlen(text));
    free(text);
    conn_end(peer, code, reason);
    return -1;
}

int stream_write(struct peer *peer)
{
    struct conn_frame frame;
    conn_settle(peer);
    if (!conn_pull(peer, &frame)) {
        uint32_t code = peer_close_code(peer);
        return code == 0 ? 0 : close_stream(peer, code);
    }
    bool written = write_frame(peer, &frame);
    conn_frame_free(&frame);
    if (!written) {
        conn_end(peer, 0, "the connection broke");
        return -1;
    }
    lws_callback_on_writable(peer->wsi);
    return 0;
}
