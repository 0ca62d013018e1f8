/* Requests over HTTP in the words of docs/PROTOCOL.md. */
#include "harness/capture/requests.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- heads --- */

/* Finds /sessions/NAME/VERB, below whatever path a proxy has put it. */
static bool split_path(struct text path, char session[REQUESTS_NAME_MAX], struct text *verb)
{
    static const char prefix[] = "/sessions/";
    struct text rest, name;
    const char *found = NULL;

    if (!text_next(&path, '?', &rest)) return false;
    for (const char *at = rest.at; at + sizeof prefix - 1 <= rest.at + rest.length; at++) {
        if (memcmp(at, prefix, sizeof prefix - 1) == 0) found = at + sizeof prefix - 1;
    }
    if (found == NULL) return false;
    rest = (struct text){ found, (size_t)(rest.at + rest.length - found) };
    if (!text_next(&rest, '/', &name) || name.length == 0 || rest.length == 0) return false;
    text_decode(name, session, REQUESTS_NAME_MAX);
    *verb = rest;
    return true;
}

static enum request_kind kind_of(struct text head, struct text method, struct text path,
                                 char session[REQUESTS_NAME_MAX])
{
    struct text verb;

    if (head_has(head, "Upgrade", "websocket")) return REQUEST_UPGRADE;
    if (!split_path(path, session, &verb)) return REQUEST_FOREIGN;
    if (text_is(method, "GET") && text_is(verb, "events")) return REQUEST_EVENTS;
    if (text_is(method, "GET") && text_is(verb, "history")) return REQUEST_HISTORY;
    if (text_is(method, "POST") && text_is(verb, "runs")) return REQUEST_START;
    return REQUEST_FOREIGN;
}

void request_read(struct text head, struct request *request)
{
    struct text line = head, method = { "", 0 }, path = { "", 0 }, value;

    memset(request, 0, sizeof *request);
    (void)text_next(&line, ' ', &method);
    (void)text_next(&line, ' ', &path);
    request->headless = text_is(method, "HEAD");
    request->kind = kind_of(head, method, path, request->session);
    if (head_find(head, "Last-Event-ID", &value))
        text_copy(value, request->last_id, sizeof request->last_id);
    else if (head_parameter(path, "last_event_id", &value))
        text_decode(value, request->last_id, sizeof request->last_id);
    text_copy(path, request->query, sizeof request->query);
}

/* --- messages --- */

static void set(json_t *message, const char *name, json_t *value)
{
    if (json_object_set_new(message, name, value) != 0) abort();
}

/* EPOCH-SEQ. */
static void set_cursor(json_t *hello, const char *id)
{
    unsigned long long epoch, seq;

    if (sscanf(id, "%18llu-%18llu", &epoch, &seq) != 2) return;
    set(hello, "epoch", json_integer((json_int_t)epoch));
    set(hello, "cursor", json_integer((json_int_t)seq));
}

static void set_page(json_t *history, const struct request *request)
{
    static const char *const numbers[] = { "epoch", "cursor", "limit" };
    struct text path = { request->query, strlen(request->query) }, value;

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (head_parameter(path, numbers[i], &value))
            set(history, numbers[i], json_integer((json_int_t)text_number(value)));
    }
    if (head_parameter(path, "backward", &value) && text_is(value, "true"))
        set(history, "backward", json_true());
}

static json_t *message_of(const struct request *request, const char *body, size_t length)
{
    static const char *const words[] = { [REQUEST_EVENTS] = "hello", [REQUEST_HISTORY] = "history",
                                         [REQUEST_START] = "start_agent" };
    json_t *message = json_object(), *fields = NULL;

    if (message == NULL) abort();
    set(message, "type", json_string(words[request->kind]));
    set(message, "session", json_string(request->session));
    if (request->kind == REQUEST_EVENTS) set_cursor(message, request->last_id);
    if (request->kind == REQUEST_HISTORY) set_page(message, request);
    if (request->kind != REQUEST_START) return message;
    fields = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
    bool good = json_is_object(fields) && json_object_update_missing(message, fields) == 0;
    json_decref(fields);
    if (good) return message;
    json_decref(message);
    return NULL;
}

char *request_message(const struct request *request, const char *body, size_t length)
{
    json_t *message = message_of(request, body, length);
    char *text = json_dumps(message, JSON_COMPACT);

    json_decref(message);
    return text;
}
