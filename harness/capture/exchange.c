/* Requests and their answers: which is whose, and what a session core was asked. */
#include "harness/capture/dialogue.h"

#include <stdlib.h>
#include <string.h>

void bytes_keep(struct bytes *bytes, const void *more, size_t size)
{
    size_t room = bytes->room == 0 ? 1024 : bytes->room;

    while (room < bytes->used + size + 1) room *= 2;
    if (room != bytes->room) {
        bytes->at = realloc(bytes->at, room);
        if (bytes->at == NULL) abort();
        bytes->room = room;
    }
    memcpy(bytes->at + bytes->used, more, size);
    bytes->used += size;
    bytes->at[bytes->used] = '\0';
}

static void say(struct dialogue *dialogue, struct capture_connection *connection, bool from_client,
                const char *text, const struct flow_packet *packet)
{
    struct websocket_message message = { WEBSOCKET_TEXT, (const uint8_t *)text, strlen(text), 1 };

    dialogue->listener->message(dialogue->listener->context, connection, from_client, &message,
                                packet);
}

static void pass_over(struct dialogue *dialogue, const char *why)
{
    struct capture_connection *connection = dialogue->connection;

    if (connection->why[0] == '\0')
        (void)snprintf(connection->why, sizeof connection->why, "%s", why);
}

/* --- the queue --- */

static void drop_first(struct dialogue *dialogue)
{
    free(dialogue->waiting[0].body);
    memmove(dialogue->waiting, dialogue->waiting + 1,
            --dialogue->waiting_count * sizeof *dialogue->waiting);
}

/* Takes the request that an answer belongs to: the first; but where some are missing, the first
 * that has answers of that kind, and none if that does not tell. */
static bool take_first(struct dialogue *dialogue, struct text head, struct exchange *exchange)
{
    struct text type;
    enum request_kind kind = dialogue->status == 101 ? REQUEST_UPGRADE : REQUEST_FOREIGN;

    if (dialogue->status == 200 && head_find(head, "Content-Type", &type) && type.length >= 17 &&
        memcmp(type.at, "text/event-stream", 17) == 0)
        kind = REQUEST_EVENTS;
    if (dialogue->unpaired && kind == REQUEST_FOREIGN) return false;
    while (dialogue->unpaired && dialogue->waiting_count > 0 &&
           dialogue->waiting[0].request.kind != kind)
        drop_first(dialogue);
    if (dialogue->waiting_count == 0) return false;
    *exchange = dialogue->waiting[0];
    dialogue->waiting[0].body = NULL;
    drop_first(dialogue);
    return true;
}

static struct exchange *add_exchange(struct dialogue *dialogue)
{
    if (dialogue->waiting_count == DIALOGUE_WAITING_MAX) {
        dialogue->unpaired = true;
        drop_first(dialogue);
    }
    if (dialogue->waiting_count == dialogue->waiting_room) {
        dialogue->waiting_room = dialogue->waiting_room == 0 ? 4 : 2 * dialogue->waiting_room;
        dialogue->waiting = realloc(dialogue->waiting,
                                    dialogue->waiting_room * sizeof *dialogue->waiting);
        if (dialogue->waiting == NULL) abort();
    }
    struct exchange *exchange = &dialogue->waiting[dialogue->waiting_count++];
    *exchange = (struct exchange){ .packet = dialogue->packet, .open = true };
    return exchange;
}

static void on_request(struct dialogue *dialogue, struct text head)
{
    struct exchange *exchange = add_exchange(dialogue);

    request_read(head, &exchange->request);
    dialogue->body.used = 0;
    if (exchange->request.kind == REQUEST_UPGRADE) upgrade_request(dialogue, head);
    if (exchange->request.kind == REQUEST_HISTORY || exchange->request.kind == REQUEST_START) {
        if (dialogue->requests == NULL)
            dialogue->requests = dialogue->listener->open(dialogue->listener->context,
                                                          CAPTURE_REQUESTS, &dialogue->packet);
        upgrade_describe(head, dialogue->requests);
    }
    if (exchange->request.kind == REQUEST_EVENTS) {
        exchange->length = head.length;
        exchange->body = malloc(head.length + 1);
        if (exchange->body == NULL) abort();
        memcpy(exchange->body, head.at, head.length);
    }
}

/* --- answers --- */

static void begin_stream(struct dialogue *dialogue)
{
    struct exchange *exchange = &dialogue->current;
    char *hello = request_message(&exchange->request, NULL, 0);
    struct text head = { exchange->body, exchange->length };

    dialogue->stream = dialogue->listener->open(dialogue->listener->context, CAPTURE_STREAM,
                                                &exchange->packet);
    upgrade_describe(head, dialogue->stream);
    events_free(&dialogue->events);
    dialogue->events = (struct events){ .line = NULL };
    if (hello != NULL)
        say(dialogue, dialogue->stream, true, hello, &exchange->packet);
    free(hello);
}

static void on_event(void *context, const char *name, const char *data, size_t length)
{
    struct dialogue *dialogue = context;
    const char *code = strcmp(name, "close") == 0 ? strstr(data, "\"code\":") : NULL;

    if (code == NULL) {
        struct websocket_message message = { WEBSOCKET_TEXT, (const uint8_t *)data, length, 1 };
        dialogue->listener->message(dialogue->listener->context, dialogue->stream, false, &message,
                                    &dialogue->packet);
        return;
    }
    /* The last event of a stream is what a close frame is. */
    unsigned long number = strtoul(code + strlen("\"code\":"), NULL, 10);
    uint8_t bytes[2] = { (uint8_t)(number >> 8), (uint8_t)number };
    struct websocket_message message = { WEBSOCKET_CLOSE, bytes, sizeof bytes, 1 };
    dialogue->listener->message(dialogue->listener->context, dialogue->stream, false, &message,
                                &dialogue->packet);
}

static const char *packing_of(struct text head)
{
    struct text value;

    if (!head_find(head, "Content-Encoding", &value) || text_is_word(value, "identity"))
        return NULL;
    return "answers of a session core are compressed by HTTP, which is not read";
}

static bool on_answer(struct dialogue *dialogue, struct text head, enum http_body *body)
{
    struct text line = head, word;

    (void)text_next(&line, ' ', &word);
    dialogue->status = text_next(&line, ' ', &word) ? (uint32_t)text_number(word) : 0;
    if (dialogue->status < 200 && dialogue->status != 101) {
        *body = HTTP_NO_BODY;
        return true;
    }
    free(dialogue->current.body);
    dialogue->current = (struct exchange){ .body = NULL };
    dialogue->answering = take_first(dialogue, head, &dialogue->current);
    dialogue->answer.used = 0;
    enum request_kind kind = dialogue->answering ? dialogue->current.request.kind : REQUEST_FOREIGN;
    if (dialogue->status == 204 || dialogue->status == 304 || dialogue->current.request.headless)
        *body = HTTP_NO_BODY;
    dialogue->refused = kind == REQUEST_UPGRADE && dialogue->status != 101;
    if (dialogue->status == 101) return false;
    if (kind > REQUEST_UPGRADE && packing_of(head) != NULL) {
        pass_over(dialogue, packing_of(head));
        dialogue->answering = false;
    } else if (kind == REQUEST_EVENTS && dialogue->status == 200) {
        begin_stream(dialogue);
    }
    return true;
}

/* --- ends --- */

/* Says what was asked for, and what came of it. */
static void tell_request(struct dialogue *dialogue, const struct exchange *exchange,
                         const char *answer)
{
    char *message = request_message(&exchange->request, exchange->body, exchange->length);

    if (message == NULL) {
        pass_over(dialogue, "a request to start a run makes no sense");
        return;
    }
    say(dialogue, dialogue->requests, true, message, &exchange->packet);
    if (answer != NULL) say(dialogue, dialogue->requests, false, answer, &dialogue->packet);
    free(message);
}

static void end_answer(struct dialogue *dialogue)
{
    const struct exchange *exchange = &dialogue->current;
    bool good = dialogue->status >= 200 && dialogue->status < 300;

    if (dialogue->status < 200) return;
    if (dialogue->stream != NULL) {
        dialogue->stream->end = CAPTURE_FINISHED;
        dialogue->stream->end_ns = dialogue->packet.time_ns;
        dialogue->stream->end_packet = dialogue->packet.number;
        dialogue->stream = NULL;
        return;
    }
    if (!dialogue->answering || exchange->request.kind == REQUEST_FOREIGN) {
        dialogue->connection->foreign++;
    } else if (!good) {
        dialogue->connection->refused++;
        dialogue->connection->status = dialogue->status;
    } else if (exchange->request.kind == REQUEST_HISTORY ||
               exchange->request.kind == REQUEST_START) {
        tell_request(dialogue, exchange, dialogue->answer.used > 0 ? dialogue->answer.at : NULL);
    }
    dialogue->answering = false;
}

static void end_request(struct dialogue *dialogue)
{
    if (dialogue->waiting_count == 0) return;
    struct exchange *exchange = &dialogue->waiting[dialogue->waiting_count - 1];
    bool open = exchange->open;
    exchange->open = false;
    /* It may have been answered, and forgotten, before its end. */
    if (!open || exchange->request.kind != REQUEST_START) return;
    exchange->body = dialogue->body.at;
    exchange->length = dialogue->body.used;
    exchange->packet = dialogue->packet;
    dialogue->body = (struct bytes){ .at = NULL };
}

bool exchange_head(void *context, bool from_client, struct text head, enum http_body *body)
{
    struct dialogue *dialogue = context;

    if (!from_client) {
        bool goes_on = on_answer(dialogue, head, body);
        if (!goes_on && head_has(head, "Upgrade", "websocket"))
            dialogue->problem = upgrade_answer(dialogue, head);
        else if (!goes_on)
            pass_over(dialogue, "it goes on in another protocol than WebSocket");
        return goes_on;
    }
    on_request(dialogue, head);
    return dialogue->waiting[dialogue->waiting_count - 1].request.kind != REQUEST_UPGRADE;
}

void exchange_body(void *context, bool from_client, const uint8_t *bytes, size_t size)
{
    struct dialogue *dialogue = context;
    struct bytes *body = from_client ? &dialogue->body : &dialogue->answer;

    if (!from_client && dialogue->stream != NULL) {
        if (bytes == NULL) events_miss(&dialogue->events);
        else events_take(&dialogue->events, bytes, size, on_event, dialogue);
        return;
    }
    /* What is not whole is nothing: JSON without some of its bytes makes no sense. */
    if (bytes == NULL || body->used + size > DIALOGUE_BODY_MAX) body->used = 0;
    else bytes_keep(body, bytes, size);
}

void exchange_end(void *context, bool from_client)
{
    if (from_client) end_request(context);
    else end_answer(context);
}

void dialogue_end(struct dialogue *dialogue)
{
    if (dialogue->server.http.state == HTTP_IN_REST && dialogue->stream == NULL)
        end_answer(dialogue);
    for (uint32_t i = 0; i < dialogue->waiting_count; i++) {
        const struct exchange *exchange = &dialogue->waiting[i];
        if (exchange->request.kind == REQUEST_START && exchange->body != NULL)
            tell_request(dialogue, exchange, NULL);
    }
}
