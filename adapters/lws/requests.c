/* Requests over HTTP: polling, start of a run, what a session is like, health, metrics. */
#include "adapters/lws/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 100 };

/* What a request wants of a session, from the opening of it to the answer. On the heap; given from
 * one completion to the next. */
struct order {
    struct ws_transport *transport;
    uint64_t handle;
    const char *about;
    struct answer *(*then)(struct order *order, struct session_ref session);
    struct history_cursor cursor;
    size_t limit;
    enum history_direction direction;
    char agent[CORE_NAME_MAX], key[CORE_NAME_MAX];
    char *input;               /* owned */
};

static void order_end(struct order *order, struct answer *answer)
{
    /* Without memory for an answer the client is left to its own timeout, as it would be if the
     * answer were lost on the way. */
    if (answer != NULL)
        peer_gives(order->transport, order->handle, answer);
    else
        peer_wants_close(order->transport, order->handle, CORE_CLOSE_INTERNAL);
    free(order->input);
    free(order);
}

/* Any core thread, or the service thread: `then` answers at once (or later, and gives NULL after it
 * has passed the order on). */
static void opened(void *context, enum core_result result, struct session_ref session,
                   uint64_t epoch)
{
    struct order *order = context;
    (void)epoch;
    /* Somebody else's session does not exist. */
    if (result == CORE_REFUSED)
        result = CORE_NOT_FOUND;
    if (result != CORE_OK) {
        order_end(order, answer_problem(result, order->about, NULL));
        return;
    }
    struct answer *answer = order->then(order, session);
    if (answer != NULL)
        order_end(order, answer);
}

static struct order *order_new(struct peer *peer, const char *about)
{
    struct order *order = calloc(1, sizeof *order);
    if (order == NULL)
        return NULL;
    order->transport = peer->transport;
    order->handle = peer->handle;
    order->about = about;
    return order;
}

static int open_for(struct peer *peer, const char *session, uint32_t flags, struct order *order)
{
    if (order == NULL)
        return -1;
    enum core_result rc =
        session_open(peer->transport->core, session, peer->identity.user, flags, opened, order);
    if (rc != CORE_OK)
        opened(order, rc, (struct session_ref){ .slot = 0 }, 0);
    return 0;
}

/* ---- session info ---- */

static struct answer *then_info(struct order *order, struct session_ref session)
{
    struct session_info info;
    enum core_result rc = session_info(order->transport->core, session, &info);
    if (rc != CORE_OK)
        return answer_problem(rc, order->about, NULL);
    json_t *body = json_object();
    const struct { const char *name; uint64_t value; } numbers[] = {
        { "epoch", info.epoch }, { "head", info.head }, { "floor", info.floor },
        { "events", info.events }, { "bytes", info.bytes }, { "pending", info.pending },
        { "conns", info.conns }, { "attached", info.attached },
        { "acknowledged", info.acknowledged }, { "runs_live", info.runs_live },
        { "runs_ended", info.runs_ended }, { "prompts_open", info.prompts_open },
    };
    json_object_set_new(body, "session", json_string(info.key));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(body, numbers[i].name, json_integer((json_int_t)numbers[i].value));
    return answer_json(200, body);
}

int request_info(struct peer *peer, const char *session)
{
    struct order *order = order_new(peer, "session");
    if (order != NULL)
        order->then = then_info;
    return open_for(peer, session, 0, order);
}

/* ---- history: the polling of a client ---- */

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

static struct answer *page_answer(const struct history_page *page)
{
    return answer_json(200, json_pack("{s:s, s:o, s:I, s:I, s:b, s:b, s:b}", "type",
                                      wire_message_word(WIRE_HISTORY_PAGE), "events",
                                      page_events(page), "epoch", (json_int_t)page->next.epoch,
                                      "next", (json_int_t)page->next.seq, "more", page->more,
                                      "trimmed", page->trimmed, "epoch_changed",
                                      page->epoch_changed));
}

static void page_read(void *context, enum core_result result, struct history_page *page)
{
    struct order *order = context;
    struct answer *answer = result == CORE_OK ? page_answer(page)
                                              : answer_problem(result, order->about, NULL);
    history_page_free(page);
    order_end(order, answer);
}

static struct answer *then_history(struct order *order, struct session_ref session)
{
    enum core_result rc = history_read(order->transport->core, session, order->cursor,
                                       order->limit, order->direction, page_read, order);
    return rc == CORE_OK ? NULL : answer_problem(rc, order->about, NULL);
}

/* A parameter that is a number; absent leaves the value as it is. */
static bool read_number(struct lws *wsi, const char *name, uint64_t *value, bool *given)
{
    char text[24], *end;
    if (!gate_parameter(wsi, name, text, sizeof text))
        return false;
    *given = text[0] != '\0';
    if (!*given)
        return true;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *value <= INT64_MAX;
}

static const char *read_order(struct lws *wsi, struct order *order)
{
    bool has_epoch, has_cursor, has_limit;
    uint64_t limit = PAGE_MAX;
    char backward[8];
    if (!read_number(wsi, "epoch", &order->cursor.epoch, &has_epoch) ||
        !read_number(wsi, "cursor", &order->cursor.seq, &has_cursor) || has_epoch != has_cursor)
        return "a history cursor is a cursor and its epoch";
    if (!read_number(wsi, "limit", &limit, &has_limit) || limit == 0)
        return "limit is a number above 0";
    if (!gate_parameter(wsi, "backward", backward, sizeof backward) ||
        (backward[0] != '\0' && strcmp(backward, "true") != 0 && strcmp(backward, "false") != 0))
        return "backward is true or false";
    order->limit = limit < PAGE_MAX ? (size_t)limit : PAGE_MAX;
    order->direction = strcmp(backward, "true") == 0 ? HISTORY_BACKWARD : HISTORY_FORWARD;
    return NULL;
}

int request_history(struct peer *peer, const char *session)
{
    struct order *order = order_new(peer, wire_message_word(WIRE_HISTORY));
    if (order == NULL)
        return -1;
    const char *problem = read_order(peer->wsi, order);
    if (problem != NULL) {
        order_end(order, answer_problem(CORE_INVALID, order->about, problem));
        return 0;
    }
    order->then = then_history;
    return open_for(peer, session, 0, order);
}

/* ---- start of a run ---- */

static struct answer *then_start(struct order *order, struct session_ref session)
{
    struct run_spec spec = { .agent = order->agent, .key = order->key, .input = order->input };
    struct core *core = order->transport->core;
    struct run_ref run;
    enum run_state state = RUN_WAITING;
    bool created;
    enum core_result rc = run_submit(core, session, &spec, &run, &created);
    if (rc == CORE_OK)
        rc = run_state(core, run, &state);
    if (rc != CORE_OK)
        return answer_problem(rc, order->about, NULL);
    return answer_json(created ? 201 : 200,
                       json_pack("{s:s, s:I, s:s, s:s}", "type", wire_message_word(WIRE_ACCEPTED),
                                 "run", (json_int_t)run.run, "key", order->key, "state",
                                 run_state_word(state)));
}

static bool read_name(const json_t *body, const char *field, char name[CORE_NAME_MAX])
{
    const char *text = json_string_value(json_object_get(body, field));
    size_t length = text == NULL ? 0 : strlen(text);
    if (length == 0 || length >= CORE_NAME_MAX)
        return false;
    memcpy(name, text, length + 1);
    return true;
}

static const char *read_start(const json_t *body, struct order *order)
{
    const json_t *input = json_object_get(body, "input");
    if (!json_is_object(body))
        return "the body is a JSON object";
    if (!read_name(body, "key", order->key) || !read_name(body, "agent", order->agent))
        return "a start names an \"agent\" and its idempotency \"key\"";
    if (input == NULL)
        return NULL;
    if (!json_is_object(input))
        return "\"input\" is an object";
    order->input = json_dumps(input, JSON_COMPACT);
    return order->input == NULL ? "the input could not be read" : NULL;
}

int request_start(struct peer *peer, const char *session, const char *bytes, size_t length)
{
    struct order *order = order_new(peer, wire_message_word(WIRE_START_AGENT));
    if (order == NULL)
        return -1;
    json_t *body = json_loadb(bytes == NULL ? "" : bytes, length, JSON_REJECT_DUPLICATES, NULL);
    const char *problem = read_start(body, order);
    json_decref(body);
    if (problem != NULL) {
        order_end(order, answer_problem(CORE_INVALID, order->about, problem));
        return 0;
    }
    order->then = then_start;
    return open_for(peer, session, SESSION_CREATE, order);
}

/* ---- the server itself ---- */

static json_t *part_json(const struct health_part *part)
{
    if (!part->present)
        return json_null();
    return json_pack("{s:b, s:I}", "answering", part->answering, "latency_us",
                     (json_int_t)part->latency_us);
}

int request_health(struct peer *peer)
{
    static const char *const words[] = { "healthy", "degraded", "stopped" };
    struct core_health_report report;
    core_health_report(peer->transport->core, &report);
    json_t *body = json_pack("{s:s, s:b, s:I, s:o, s:o, s:o}", "health", words[report.health],
                             "crowded", report.crowded, "checks", (json_int_t)report.checks,
                             "locks", part_json(&report.locks), "messages",
                             part_json(&report.messages), "sandboxes",
                             part_json(&report.sandboxes));
    return answer_begin(peer, answer_json(report.health == CORE_STOPPED ? 503 : 200, body));
}

static int answer_text(struct peer *peer, ws_text tell, const char *type)
{
    size_t length = 0;
    char *text = tell(peer->transport->config.context, &length);
    if (text == NULL)
        return answer_refuse(peer, 503, "there is no answer now");
    return answer_begin(peer, answer_new(200, type, text, length));
}

int request_metrics(struct peer *peer)
{
    return answer_text(peer, peer->transport->config.metrics, "text/plain; version=0.0.4");
}

int request_settings(struct peer *peer)
{
    return answer_text(peer, peer->transport->config.settings, "application/json");
}
