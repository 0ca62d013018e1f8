/* Connections as the core sees them, whatever they are made of, and what a watcher is told. */
#include "adapters/lws/internal.h"

#include <string.h>

static void tell(struct peer *peer, struct ws_event event)
{
    const struct ws_transport_config *config = &peer->transport->config;
    if (config->watch == NULL)
        return;
    event.handle = peer->handle;
    event.tag = peer->identity.tag;
    event.user = peer->identity.user;
    event.conn = peer->conn;
    if (event.reason == NULL)
        event.reason = "";
    config->watch(config->context, &event);
}

void watch_refused(struct ws_transport *transport, const char *user, uint32_t code,
                   const char *reason)
{
    const struct ws_transport_config *config = &transport->config;
    pthread_mutex_lock(&transport->lock);
    transport->stats.refused++;
    pthread_mutex_unlock(&transport->lock);
    if (config->watch != NULL)
        config->watch(config->context,
                      &(struct ws_event){
                          .kind = WS_REFUSED, .user = user, .code = code, .reason = reason });
}

static void count(uint64_t *counter, struct peer *peer, uint64_t amount)
{
    pthread_mutex_lock(&peer->transport->lock);
    *counter += amount;
    pthread_mutex_unlock(&peer->transport->lock);
}

enum core_result conn_begin(struct peer *peer)
{
    struct ws_transport_stats *stats = &peer->transport->stats;
    tell(peer, (struct ws_event){ .kind = WS_OPENING });
    enum core_result rc =
        conn_open(peer->transport->core, peer->handle, peer->identity.user, &peer->conn);
    if (rc != CORE_OK)
        return rc;
    peer->attached = true;
    count(peer->kind == PEER_SOCKET ? &stats->sockets : &stats->streams, peer, 1);
    tell(peer, (struct ws_event){ .kind = WS_OPENED });
    return CORE_OK;
}

/* A hello for a session that the token is not good for. Anything else is the core's to judge. */
static bool is_foreign_hello(const struct peer *peer, const char *bytes, size_t length)
{
    if (peer->identity.session[0] == '\0')
        return false;
    json_t *body = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(body, "type"));
    const char *session = json_string_value(json_object_get(body, "session"));
    bool foreign = type != NULL && strcmp(type, wire_message_word(WIRE_HELLO)) == 0 &&
                   session != NULL && !gate_session(peer, session);
    json_decref(body);
    return foreign;
}

enum core_result conn_take(struct peer *peer, const char *bytes, size_t length)
{
    if (!peer->attached)
        return CORE_STALE;
    if (is_foreign_hello(peer, bytes, length)) {
        peer_wants_close(peer->transport, peer->handle, CORE_CLOSE_REFUSED);
        return CORE_REFUSED;
    }
    count(&peer->transport->stats.bytes_in, peer, length);
    tell(peer, (struct ws_event){ .kind = WS_INPUT, .bytes = bytes, .length = length });
    enum core_result rc = conn_input(peer->transport->core, peer->conn, bytes, length);
    tell(peer, (struct ws_event){
                   .kind = WS_TAKEN, .bytes = bytes, .length = length, .result = rc });
    return rc;
}

bool conn_pull(struct peer *peer, struct conn_frame *frame)
{
    if (!peer->attached || !conn_next(peer->transport->core, peer->conn, frame))
        return false;
    count(&peer->transport->stats.bytes_out, peer, frame->length);
    tell(peer, (struct ws_event){ .kind = WS_SENDING,
                                  .bytes = frame->bytes,
                                  .length = frame->length,
                                  .seq = frame->seq });
    return true;
}

void conn_pushed(struct peer *peer, const struct conn_frame *frame)
{
    peer->unsent = frame->number;
    /* What libwebsockets could not write has not been taken: the core's send_stall goes on. A
     * compressor may keep a part of its own, and tells of it only so. */
    bool kept = peer->transport->config.deflate ? lws_send_pipe_choked(peer->wsi) != 0
                                                : lws_partial_buffered(peer->wsi) != 0;
    if (!kept)
        conn_settle(peer);
}

void conn_settle(struct peer *peer)
{
    if (peer->unsent == 0)
        return;
    if (peer->attached)
        conn_sent(peer->transport->core, peer->conn, peer->unsent);
    peer->unsent = 0;
}

void conn_end(struct peer *peer, uint32_t code, const char *reason)
{
    if (!peer->attached)
        return;
    peer->attached = false;
    tell(peer, (struct ws_event){ .kind = WS_CLOSING, .code = code, .reason = reason });
    conn_closed(peer->transport->core, peer->conn);
    tell(peer, (struct ws_event){ .kind = WS_CLOSED, .code = code, .reason = reason });
}
