/* HTTP: which request is it, may it be served, and by whom. */
#include "adapters/lws/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char socket_path[] = "/ws";

/* ---- upgrade ---- */

static bool asks_for_subprotocol(struct lws *wsi)
{
    char asked[256];
    int length = lws_hdr_copy(wsi, asked, sizeof asked, WSI_TOKEN_PROTOCOL);
    if (length <= 0)
        return length == 0;
    for (char *rest = asked, *word; (word = strsep(&rest, ", ")) != NULL;) {
        if (strcmp(word, WS_SUBPROTOCOL) == 0)
            return true;
    }
    return false;
}

/* A path of this request, in the memory of libwebsockets. */
static bool is_path(struct lws *wsi, const char *path)
{
    char *uri;
    int length;
    return lws_http_get_uri_and_method(wsi, &uri, &length) >= 0 &&
           (size_t)length == strlen(path) && memcmp(uri, path, (size_t)length) == 0;
}

static int confirm_upgrade(struct peer *peer, const char *to)
{
    if (strcasecmp(to, "websocket") != 0)
        return answer_refuse_at_once(peer, 400, "the only upgrade is to a WebSocket");
    if (!is_path(peer->wsi, socket_path))
        return answer_refuse_at_once(peer, 404, "there is no WebSocket at this path");
    if (!gate_origin(peer))
        return answer_refuse_at_once(peer, 403, "this origin is not allowed");
    if (!asks_for_subprotocol(peer->wsi))
        return answer_refuse_at_once(peer, 400, "the subprotocol is " WS_SUBPROTOCOL);
    if (lws_hdr_total_length(peer->wsi, WSI_TOKEN_KEY) == 0)
        return answer_refuse_at_once(peer, 400, "there is no Sec-WebSocket-Key");
    if (!gate_identify(peer))
        return answer_refuse_at_once(peer, 401, "the token is missing or not valid");
    return 0;
}

/* ---- requests ---- */

enum verb { VERB_INFO, VERB_EVENTS, VERB_HISTORY, VERB_RUNS, VERB_NONE };

/* Splits /sessions/NAME/VERB; a path that is none of these gives VERB_NONE. */
static enum verb parse_path(const char *path, char session[CORE_NAME_MAX])
{
    static const struct { const char *text; enum verb verb; } tails[] = {
        { "/events", VERB_EVENTS }, { "/history", VERB_HISTORY }, { "/runs", VERB_RUNS },
        { "", VERB_INFO },
    };
    static const char prefix[] = "/sessions/";
    if (strncmp(path, prefix, sizeof prefix - 1) != 0)
        return VERB_NONE;
    const char *name = path + sizeof prefix - 1;
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        size_t tail = strlen(tails[i].text);
        if (length <= tail || strcmp(name + length - tail, tails[i].text) != 0)
            continue;
        if (length - tail >= CORE_NAME_MAX)
            return VERB_NONE;
        memcpy(session, name, length - tail);
        session[length - tail] = '\0';
        return tails[i].verb;
    }
    return VERB_NONE;
}

static const char *problem_of_client(struct peer *peer, unsigned *status)
{
    *status = 403;
    if (!gate_origin(peer))
        return "this origin is not allowed";
    *status = 401;
    return gate_identify(peer) ? NULL : "the token is missing or not valid";
}

static const char *problem_of_gate(struct peer *peer, const char *session, unsigned *status)
{
    const char *problem = problem_of_client(peer, status);
    if (problem != NULL)
        return problem;
    /* As for a session that does not exist: whose it is is nobody's business. */
    *status = 404;
    return gate_session(peer, session) ? NULL : "there is no such session";
}

static int serve_settings(struct peer *peer)
{
    unsigned status;
    const char *problem = problem_of_client(peer, &status);
    return problem != NULL ? answer_refuse(peer, status, problem) : request_settings(peer);
}

/* What libwebsockets 4.1 reads from while it is served (choose_mount). */
static bool is_mounted(const char *uri, size_t length)
{
    static const char tail[] = "/events";
    size_t size = sizeof tail - 1;
    return length > size && memcmp(uri + length - size, tail, size) == 0;
}

static int serve_get(struct peer *peer, const char *path)
{
    const struct ws_transport_config *config = &peer->transport->config;
    char session[CORE_NAME_MAX];
    unsigned status;
    /* Whatever is behind it would end the connection before its answer has left. */
    int (*refuse)(struct peer *peer, unsigned status, const char *reason) =
        is_mounted(path, strlen(path)) ? answer_refuse_at_once : answer_refuse;
    if (strcmp(path, "/health") == 0)
        return request_health(peer);
    if (strcmp(path, "/metrics") == 0 && config->metrics != NULL)
        return request_metrics(peer);
    if (strcmp(path, "/settings") == 0 && config->settings != NULL)
        return serve_settings(peer);
    enum verb verb = parse_path(path, session);
    if (verb == VERB_NONE)
        return refuse(peer, 404, "there is nothing at this path");
    if (verb == VERB_RUNS)
        return answer_refuse(peer, 405, "runs are started with POST");
    if (verb == VERB_EVENTS && peer->headless)
        return refuse(peer, 405, "a stream is read as a whole, with GET");
    const char *problem = problem_of_gate(peer, session, &status);
    if (problem != NULL)
        return refuse(peer, status, problem);
    if (verb == VERB_EVENTS)
        return stream_begin(peer, session);
    return verb == VERB_HISTORY ? request_history(peer, session) : request_info(peer, session);
}

/*
 * Everything is judged before the body arrives, and again what it says when it is there. What is
 * refused is refused at once: libwebsockets 4.1 turns in circles, and serves nobody, while an
 * answer waits and a part of a body is there.
 */
static int serve_post(struct peer *peer, const char *path)
{
    char session[CORE_NAME_MAX], length[24];
    unsigned status;
    if (parse_path(path, session) != VERB_RUNS)
        return answer_refuse_at_once(peer, 404, "there is nothing to post at this path");
    const char *problem = problem_of_gate(peer, session, &status);
    if (problem != NULL)
        return answer_refuse_at_once(peer, status, problem);
    if (lws_hdr_copy(peer->wsi, length, sizeof length, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0)
        return answer_refuse_at_once(peer, 411, "a request with a body says its length");
    if (strtoull(length, NULL, 10) > peer->transport->config.message_max_bytes)
        return answer_refuse_at_once(peer, 413, "the body is too long");
    memcpy(peer->path, session, sizeof session);
    peer->body_due = true; /* libwebsockets gives it time anew with each of its bytes */
    lws_set_timer_usecs(peer->wsi, (lws_usec_t)peer->transport->config.handshake_timeout_us);
    return 0;
}

/* What a browser asks before a request with a token from another origin. */
static int serve_options(struct peer *peer)
{
    unsigned char buffer[LWS_PRE + 1024], *start = buffer + LWS_PRE, *at = start;
    unsigned char *end = buffer + sizeof buffer - 1;
    static const struct { const char *name, *value; } headers[] = {
        { "access-control-allow-methods:", "GET, POST" },
        { "access-control-allow-headers:", "authorization, content-type, last-event-id" },
        { "access-control-max-age:", "600" },
    };
    if (!gate_origin(peer))
        return answer_refuse_at_once(peer, 403, "this origin is not allowed");
    if (!answer_headers(peer, 200, "text/plain", 0, &at, end))
        return -1;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        if (lws_add_http_header_by_name(peer->wsi, (const unsigned char *)headers[i].name,
                                        (const unsigned char *)headers[i].value,
                                        (int)strlen(headers[i].value), &at, end) != 0)
            return -1;
    }
    if (lws_finalize_write_http_header(peer->wsi, start, &at, end) != 0)
        return -1;
    peer->kind = PEER_NEW;
    return lws_http_transaction_completed(peer->wsi) != 0 ? -1 : 0;
}

static void count_request(struct ws_transport *transport)
{
    pthread_mutex_lock(&transport->lock);
    transport->stats.requests++;
    pthread_mutex_unlock(&transport->lock);
}

/* What is too long to be a number libwebsockets reads as far as it is one. */
static bool announces_body(struct lws *wsi)
{
    char length[24];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0)
        return false;
    return lws_hdr_copy(wsi, length, sizeof length, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 ||
           strtoull(length, NULL, 10) > 0;
}

static int serve_method(struct peer *peer, int method, const char *path)
{
    switch (method) {
    case LWSHUMETH_GET:
    case LWSHUMETH_HEAD: return serve_get(peer, path);
    case LWSHUMETH_POST: return serve_post(peer, path);
    case LWSHUMETH_OPTIONS: return serve_options(peer);
    /* libwebsockets waits for the body of a PUT, whether one is announced or not. */
    default: return answer_refuse_at_once(peer, 405, "the methods are GET, HEAD, POST and OPTIONS");
    }
}

static int serve(struct peer *peer)
{
    char *uri, path[sizeof peer->path];
    int length, method = lws_http_get_uri_and_method(peer->wsi, &uri, &length);
    if (peer->kind != PEER_NEW)
        return -1; /* behind a stream, which has no end but that of its connection */
    peer->kind = PEER_REQUEST;
    peer->input_length = 0;
    peer->overlong = peer->complete = false;
    peer->headless = method == LWSHUMETH_HEAD;
    peer->path[0] = '\0';
    count_request(peer->transport);
    if (method < 0 || (size_t)length >= sizeof path)
        return answer_refuse_at_once(peer, 414, "the path is too long");
    if (method != LWSHUMETH_POST && announces_body(peer->wsi))
        return answer_refuse_at_once(peer, 400, "only a POST has a body");
    memcpy(path, uri, (size_t)length);
    path[length] = '\0';
    int rc = serve_method(peer, method, path);
    return rc == 0 && peer->kind == PEER_REQUEST && !peer->body_due ? answer_await(peer) : rc;
}

/*
 * A start that was sent before the request in front of it was answered: libwebsockets 4.1 takes the
 * beginning of its head for its body, and frees what it goes on to read. No JSON begins like "POST"
 * in whatever case; nothing of it may be read, so it is refused with the first byte.
 */
static int take_body(struct peer *peer, const char *bytes, size_t length)
{
    if (peer->answer.begun)
        return 0;
    if (peer->input_length == 0 && length > 0 && (bytes[0] == 'P' || bytes[0] == 'p'))
        return answer_refuse_buried(peer, 503, "a start behind another request is not taken; "
                                               "send it again when that one is answered");
    if (!peer_input(peer, bytes, length))
        peer->overlong = true;
    return 0;
}

static int end_body(struct peer *peer)
{
    /* It is told again in each turn while something waits behind it. */
    if (peer->answer.begun || peer->complete)
        return 0;
    peer->complete = true;
    peer->body_due = false;
    int rc = peer->overlong
                 ? answer_refuse(peer, 413, "the body is too long")
                 : request_start(peer, peer->path, peer->input, peer->input_length);
    return rc == 0 ? answer_await(peer) : rc;
}

static int write_some(struct peer *peer)
{
    switch (peer->kind) {
    case PEER_STREAM: return stream_write(peer);
    case PEER_REQUEST: return answer_write(peer);
    case PEER_SOCKET:
    case PEER_NEW: break;
    }
    return 0;
}

/*
 * Of a connection that no mount leads to, libwebsockets 4.1 reads nothing while a request of it is
 * served. So answers come in the order of the requests; but a stream would never notice that its
 * reader has gone. So there is a mount for streams, and for nothing else.
 */
static int choose_mount(struct ws_transport *transport, const char *uri, size_t length)
{
    transport->mount.mountpoint = is_mounted(uri, length) ? "/" : " ";
    return 0;
}

static void forget(struct peer *peer)
{
    conn_end(peer, 0, "closed by the client");
    peer_free(peer);
}

/* Requests that belong to no peer yet, or to all of them. */
static int loop_callback(struct ws_transport *transport, enum lws_callback_reasons reason)
{
    if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED)
        peers_look(transport);
    return 0;
}

int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t length)
{
    struct ws_transport *transport = lws_context_user(lws_get_context(wsi));
    struct peer *peer;
    (void)user;
    transport->stirred = true;
    if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED)
        return loop_callback(transport, reason);
    if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED)
        return peer_of(transport, wsi) == NULL ? -1 : 0;
    if (reason == LWS_CALLBACK_FILTER_HTTP_CONNECTION)
        return choose_mount(transport, in, length);
    peer = lws_get_opaque_user_data(wsi);
    if (peer == NULL)
        return 0;
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return confirm_upgrade(peer, in);
    case LWS_CALLBACK_HTTP: return serve(peer);
    case LWS_CALLBACK_HTTP_BODY: return take_body(peer, in, length);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: return end_body(peer);
    case LWS_CALLBACK_HTTP_WRITEABLE: return write_some(peer);
    case LWS_CALLBACK_TIMER:
        if (!peer->body_due && !peer->closing)
            return 0; /* it was set for a body that has come */
        conn_end(peer, peer_close_code(peer), "what was left was not taken in time");
        return -1;
    case LWS_CALLBACK_WSI_DESTROY:
        forget(peer);
        return 0;
    default: return 0;
    }
}
