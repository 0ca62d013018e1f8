/* Messages from clients: decoded without a lock, checked, carried out. */
#include "core/core.h"
#include "core/page.h"
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

enum { HISTORY_PAGE_MAX = 100 };

/* What a handler leaves to be done after the session's lock is given up. */
struct server_order {
    bool wanted;
    enum app_type app;
    enum server_request request;
    struct session_ref session;
    char owner[CORE_NAME_MAX];
};

struct handling {
    struct turn *turn;
    struct session *session;
    struct conn *conn;     /* NULL: another core passed it on */
    const json_t *body;
    struct server_order server;
};

/* NULL: done, or refused in its own way. Otherwise *result and the sentence go into an error. */
typedef const char *(*handler)(struct handling *handling, enum core_result *result);

static const char *handle_ack(struct handling *handling, enum core_result *result)
{
    uint64_t seq;
    struct conn *conn = handling->conn;
    *result = CORE_INVALID;
    if (!wire_number(handling->body, "seq", &seq))
        return "ack names the \"seq\" of an event";
    if (seq > conn->cursor)
        return "this event was not sent to you";
    if (seq > conn->acked)   /* an older one, late, moves nothing back */
        conn->acked = seq;
    return NULL;
}

static const char *handle_acknowledged(struct handling *handling, enum core_result *result)
{
    (void)result;
    conn_handle_acknowledged(handling->turn, handling->conn, handling->body);
    return NULL;
}

static const char *handle_pong(struct handling *handling, enum core_result *result)
{
    (void)handling, (void)result;
    return NULL;   /* having been heard is all there is to it */
}

static const char *answer_problem(enum core_result result)
{
    if (result == CORE_UNAVAILABLE)
        return "another server asks this, and takes the answer";
    if (result == CORE_NO_MEMORY)
        return core_result_text(result);
    return result == CORE_OK ? NULL : "this prompt does not take that answer any more";
}

static uint64_t generation_of(const struct handling *handling)
{
    return handling->conn == NULL ? 0 : handling->conn->generation;
}

static const char *handle_confirm(struct handling *handling, enum core_result *result)
{
    uint64_t prompt;
    bool approved;
    *result = CORE_INVALID;
    if (!wire_number(handling->body, "prompt", &prompt) ||
        !wire_bool(handling->body, "value", &approved))
        return "confirm has a \"prompt\" number and a \"value\" true or false";
    *result = prompt_answer_by(handling->turn, handling->session, generation_of(handling),
                               prompt, PROMPT_CONFIRMATION, approved, NULL);
    return answer_problem(*result);
}

static const char *handle_user_input(struct handling *handling, enum core_result *result)
{
    uint64_t prompt;
    const json_t *values = json_object_get(handling->body, "values");
    *result = CORE_INVALID;
    if (!wire_number(handling->body, "prompt", &prompt) || !json_is_object(values))
        return "user_input has a \"prompt\" number and an object \"values\"";
    char *text = json_dumps(values, JSON_COMPACT);
    *result = text == NULL ? CORE_NO_MEMORY :
        prompt_answer_by(handling->turn, handling->session, generation_of(handling), prompt,
                         PROMPT_USER_INPUT, true, text);
    free(text);
    return answer_problem(*result);
}

static const char *handle_cancel(struct handling *handling, enum core_result *result)
{
    uint64_t number;
    *result = CORE_INVALID;
    if (!wire_number(handling->body, "run", &number))
        return "cancel names the number of a \"run\"";
    *result = run_stop_by_number(handling->turn, handling->session, number,
                                 "cancelled by the user");
    if (*result == CORE_NOT_FOUND && follow_is_live(handling->session, number))
        *result = CORE_UNAVAILABLE;
    return *result == CORE_OK ? NULL : core_result_text(*result);
}

/* A new run tells about itself through the log; one that exists already is told here. */
static void send_accepted(struct handling *handling, const struct run *run)
{
    json_t *body = wire_message(WIRE_ACCEPTED);
    json_object_set_new(body, "run", json_integer((json_int_t)run->number));
    json_object_set_new(body, "key", json_string(run->key));
    json_object_set_new(body, "state", json_string(run_state_word(run->state)));
    conn_control(handling->turn, handling->conn, WIRE_ACCEPTED, body, 0);
}

static const char *handle_start(struct handling *handling, enum core_result *result)
{
    char key[CORE_NAME_MAX], agent[CORE_NAME_MAX];
    const json_t *input = json_object_get(handling->body, "input");
    *result = CORE_INVALID;
    if (!wire_name(handling->body, "key", key) || !wire_name(handling->body, "agent", agent))
        return "a start names an \"agent\" and its idempotency \"key\"";
    if (input != NULL && !json_is_object(input))
        return "\"input\" is an object";
    char *text = input == NULL ? NULL : json_dumps(input, JSON_COMPACT);
    struct run_spec spec = { .agent = agent, .key = key, .input = text };
    struct run *run;
    bool created;
    *result = run_submit_locked(handling->turn, handling->session, &spec, &run, &created);
    free(text);
    if (*result == CORE_OK && !created)
        send_accepted(handling, run);
    return *result == CORE_OK ? NULL : core_result_text(*result);
}

static bool app_of(const struct handling *handling, enum app_type *app)
{
    const struct core_settings *settings = &handling->turn->core->settings;
    uint64_t port;
    char word[CORE_NAME_MAX];
    for (uint32_t i = 0; i < APP_TYPE_COUNT; i++) {
        *app = (enum app_type)i;
        uint64_t own = *app == APP_WEB ? settings->port_web : settings->port_mobile;
        if (wire_number(handling->body, "port", &port) && port == own)
            return true;
        if (wire_name(handling->body, "app", word) && strcmp(word, app_type_word(*app)) == 0)
            return true;
    }
    return false;
}

static const char *order_server(struct handling *handling, enum core_result *result,
                                enum server_request request)
{
    *result = CORE_INVALID;
    if (!app_of(handling, &handling->server.app))
        return "a server is named by its \"port\" or its \"app\"";
    handling->server.wanted = true;
    handling->server.request = request;
    handling->server.session = session_ref_of(handling->session);
    core_set_name(handling->server.owner, handling->session->key);
    return NULL;
}

static const char *handle_server_start(struct handling *handling, enum core_result *result)
{
    return order_server(handling, result, SERVER_REQUEST_START);
}

static const char *handle_server_stop(struct handling *handling, enum core_result *result)
{
    return order_server(handling, result, SERVER_REQUEST_STOP);
}

static json_t *page_events(const struct history_page *page)
{
    json_t *list = json_array();
    for (size_t i = 0; i < page->count; i++) {
        const struct history_event *event = &page->events[i];
        json_array_append_new(list, json_pack("{s:I, s:s, s:o}",
                                              "seq", (json_int_t)event->seq, "type", event->type,
                                              "payload", json_loadb(event->payload, event->length,
                                                                    0, NULL)));
    }
    return list;
}

static void send_page(struct turn *turn, struct conn *conn, const struct history_page *page)
{
    json_t *body = wire_message(WIRE_HISTORY_PAGE);
    json_object_set_new(body, "events", page_events(page));
    json_object_set_new(body, "epoch", json_integer((json_int_t)page->next.epoch));
    json_object_set_new(body, "next", json_integer((json_int_t)page->next.seq));
    json_object_set_new(body, "more", json_boolean(page->more));
    json_object_set_new(body, "trimmed", json_boolean(page->trimmed));
    json_object_set_new(body, "epoch_changed", json_boolean(page->epoch_changed));
    conn_control(turn, conn, WIRE_HISTORY_PAGE, body, 0);
}

/* The store has answered; the client may be gone, or have come back as another connection. */
static void deliver_page(struct turn *turn, const struct page_order *order,
                         enum core_result result, struct history_page *page)
{
    struct conn *conn = conn_enter(turn, order->conn);
    if (conn != NULL) {
        conn->paging = false;
        if (result == CORE_OK)
            send_page(turn, conn, page);
        else
            conn_error(turn, conn, wire_message_word(WIRE_HISTORY), result,
                       core_result_text(result));
        conn_leave(turn, conn);
    }
    history_page_free(page);
}

static const char *read_order(const json_t *body, struct page_order *order)
{
    uint64_t limit = HISTORY_PAGE_MAX;
    bool backward = false;
    if (json_object_get(body, "cursor") != NULL &&
        (!wire_number(body, "cursor", &order->cursor.seq) ||
         !wire_number(body, "epoch", &order->cursor.epoch)))
        return "a history cursor is a \"cursor\" and its \"epoch\"";
    if (json_object_get(body, "limit") != NULL &&
        (!wire_number(body, "limit", &limit) || limit == 0))
        return "\"limit\" is a number above 0";
    if (json_object_get(body, "backward") != NULL && !wire_bool(body, "backward", &backward))
        return "\"backward\" is true or false";
    order->limit = limit < HISTORY_PAGE_MAX ? (size_t)limit : HISTORY_PAGE_MAX;
    order->direction = backward ? HISTORY_BACKWARD : HISTORY_FORWARD;
    return NULL;
}

static const char *handle_history(struct handling *handling, enum core_result *result)
{
    struct page_order wanted = { .deliver = deliver_page, .conn = conn_ref_of(handling->conn) };
    struct page_order *order;
    struct history_page page;
    *result = CORE_INVALID;
    const char *problem = read_order(handling->body, &wanted);
    if (problem != NULL)
        return problem;
    *result = CORE_LIMIT;
    if (handling->conn->paging)
        return "a page is being read for you already";
    *result = page_begin(handling->turn, handling->session, &wanted, &order, &page);
    if (*result != CORE_OK)
        return core_result_text(*result);
    handling->conn->paging = order != NULL;
    if (order == NULL) {
        send_page(handling->turn, handling->conn, &page);
        history_page_free(&page);
    }
    return NULL;
}

static const char *handle_second_hello(struct handling *handling, enum core_result *result)
{
    (void)handling;
    *result = CORE_INVALID;
    return "this connection has said hello already";
}

static const struct { enum wire_message kind; handler handle; } handlers[] = {
    { WIRE_HELLO, handle_second_hello },
    { WIRE_CONNECTION_ACKNOWLEDGED, handle_acknowledged },
    { WIRE_ACK, handle_ack },
    { WIRE_PONG, handle_pong },
    { WIRE_CONFIRM, handle_confirm },
    { WIRE_USER_INPUT, handle_user_input },
    { WIRE_CANCEL, handle_cancel },
    { WIRE_START_AGENT, handle_start },
    { WIRE_USER_MESSAGE, handle_start },
    { WIRE_SERVER_START, handle_server_start },
    { WIRE_SERVER_STOP, handle_server_stop },
    { WIRE_HISTORY, handle_history },
};

static handler handler_of(enum wire_message kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
        if (handlers[i].kind == kind)
            return handlers[i].handle;
    }
    UNREACHABLE();
    return NULL;
}

/* ---- between cores ---- */

struct message {
    char session[CORE_NAME_MAX];
    size_t length;
    char *text;
};

/* An effect. */
static void pass_on(struct core *core, void *context, uint64_t number)
{
    struct message *message = context;
    (void)number;
    core->relay.pass(core->relay.context, message->session, message->text, message->length);
    free(message->text);
    free(message);
}

static bool may_be_passed(enum wire_message kind)
{
    return kind == WIRE_CONFIRM || kind == WIRE_USER_INPUT || kind == WIRE_CANCEL;
}

/* False: it is to be refused. The session's lock is held, so that is owed. */
static bool owe_passing(struct handling *handling, const struct wire_request *request)
{
    struct turn *turn = handling->turn;
    if (turn->core->relay.pass == NULL || !may_be_passed(request->kind))
        return false;
    struct message *message = malloc(sizeof *message);
    char *text = json_dumps(request->body, JSON_COMPACT);
    if (message == NULL || text == NULL) {
        free(message);
        free(text);
        return false;
    }
    *message = (struct message){ .text = text, .length = strlen(text) };
    core_set_name(message->session, handling->session->key);
    turn_owe_call(turn, pass_on, message, 0);
    return true;
}

static enum core_result take_passed(struct turn *turn, struct session *session,
                                    const struct wire_request *request)
{
    struct handling handling = { .turn = turn, .session = session, .body = request->body };
    enum core_result rc = CORE_OK;
    if (session->phase != SESSION_OPEN)
        return CORE_STALE;
    (void)handler_of(request->kind)(&handling, &rc);
    return rc;
}

enum core_result session_pass(struct core *core, const char *key, const char *message,
                              size_t length)
{
    char name[CORE_NAME_MAX];
    struct wire_request request;
    const char *problem;
    if (!core_copy_name(name, key) || length > core->settings.frame_max_bytes ||
        wire_decode(message, length, &request, &problem) != CORE_OK)
        return CORE_INVALID;
    enum core_result rc = may_be_passed(request.kind) ? CORE_NOT_FOUND : CORE_INVALID;
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = rc == CORE_INVALID ? NULL :
        session_enter(&turn, session_ref_by_key(&turn, name));
    if (session != NULL) {
        rc = take_passed(&turn, session, &request);
        session_leave(&turn, session);
    }
    turn_end(&turn);
    wire_request_free(&request);
    return rc;
}

/* ---- dispatch ---- */

static void send_server_order(struct turn *turn, struct conn_ref ref, enum wire_message kind,
                              const struct server_order *order)
{
    enum core_result rc = devserver_request(turn->core, order->session, order->owner, order->app,
                                            order->request);
    struct conn *conn = rc == CORE_OK ? NULL : conn_enter(turn, ref);
    if (conn == NULL)
        return;
    conn_error(turn, conn, wire_message_word(kind), rc, core_result_text(rc));
    conn_leave(turn, conn);
}

/* The connection is entered and attached; it is left by this call. */
static void handle_attached(struct turn *turn, struct conn *conn, struct wire_request *request)
{
    struct handling handling = { .turn = turn, .session = conn->session, .conn = conn,
                                 .body = request->body };
    struct conn_ref ref = conn_ref_of(conn);
    enum core_result rc = CORE_OK;
    const char *problem = handler_of(request->kind)(&handling, &rc);
    if (problem != NULL && !(rc == CORE_UNAVAILABLE && owe_passing(&handling, request)))
        conn_error(turn, conn, wire_message_word(request->kind), rc, problem);
    conn_leave(turn, conn);
    if (handling.server.wanted) {
        turn_flush(turn);
        send_server_order(turn, ref, request->kind, &handling.server);
    }
}

/* The connection is entered; it is left by this call. */
static void dispatch(struct turn *turn, struct conn *conn, struct wire_request *request)
{
    conn->heard_us = core_now_us();
    if (conn->phase == CONN_GREETING && request->kind == WIRE_HELLO) {
        conn_handle_hello(turn, conn, request->body);
        return;
    }
    if (conn_is_attached(conn)) {
        handle_attached(turn, conn, request);
        return;
    }
    conn_error(turn, conn, wire_message_word(request->kind), CORE_REFUSED,
               "say hello first, and wait for connection_ready");
    conn_leave(turn, conn);
}

static void reject(struct turn *turn, struct conn *conn, const char *problem, bool too_big)
{
    conn->heard_us = core_now_us();
    conn_error(turn, conn, "", CORE_INVALID, problem);
    if (too_big)
        conn_drop(turn, conn, CORE_CLOSE_TOO_BIG);
    conn_leave(turn, conn);
}

/* Whoever talks this much is not answered message by message. */
static void silence(struct turn *turn, struct conn *conn)
{
    conn_error(turn, conn, "", CORE_LIMIT, "these are too many messages");
    conn_drop(turn, conn, CORE_CLOSE_RATE);
    conn_leave(turn, conn);
}

enum core_result conn_input(struct core *core, struct conn_ref ref, const char *bytes,
                            size_t length)
{
    struct wire_request request = { .body = NULL };
    const char *problem = "a message this long is not taken";
    bool too_big = length > core->settings.frame_max_bytes;
    enum core_result decoded = too_big ? CORE_INVALID :
        wire_decode(bytes, length, &request, &problem);
    struct turn turn;
    turn_begin(&turn, core);
    struct conn *conn = conn_enter(&turn, ref);
    if (conn != NULL && conn->phase == CONN_DROPPED) {
        conn_leave(&turn, conn);
        conn = NULL;
    }
    if (conn != NULL && !conn_may_speak(&turn, conn, core_now_us()))
        silence(&turn, conn);
    else if (conn != NULL && decoded == CORE_OK)
        dispatch(&turn, conn, &request);
    else if (conn != NULL)
        reject(&turn, conn, problem, too_big);
    turn_end(&turn);
    if (decoded == CORE_OK)
        wire_request_free(&request);
    return conn == NULL ? CORE_STALE : CORE_OK;
}
