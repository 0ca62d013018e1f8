/* WebSockets: a message of the client is an input, a frame of the core is a text message. */
#include "adapters/lws/internal.h"

#include <stdlib.h>
#include <string.h>

/* Ends the connection with a close frame; the return value is the callback's. */
static int close_with(struct peer *peer, uint32_t code, const char *reason)
{
    lws_close_reason(peer->wsi, (enum lws_close_status)code, (unsigned char *)(uintptr_t)reason,
                     strlen(reason));
    conn_end(peer, code, reason);
    return -1;
}

static int open_socket(struct peer *peer)
{
    peer->kind = PEER_SOCKET;
    enum core_result rc = conn_begin(peer);
    if (rc == CORE_OK)
        return 0;
    enum core_close_code code = rc == CORE_DRAINING  ? CORE_CLOSE_DRAINING
                                : rc == CORE_LIMIT   ? CORE_CLOSE_EXCESS
                                : rc == CORE_INVALID ? CORE_CLOSE_REFUSED
                                                     : CORE_CLOSE_INTERNAL;
    watch_refused(peer->transport, peer->identity.user, code, core_result_text(rc));
    /* Not from here: libwebsockets would drop the connection without the close frame. */
    peer_wants_close(peer->transport, peer->handle, code);
    return 0;
}

/* The same because of a message. Where messages are compressed libwebsockets first wants to be rid
 * of the rest of this one, and would never come to send the close frame. */
static int refuse_message(struct peer *peer, uint32_t code, const char *reason)
{
    if (!peer->transport->config.deflate)
        return close_with(peer, code, reason);
    peer_wants_close(peer->transport, peer->handle, code);
    return 0;
}

static int receive(struct peer *peer, const char *bytes, size_t length)
{
    if (!peer->attached || peer_close_code(peer) != 0)
        return 0;
    if (lws_frame_is_binary(peer->wsi))
        return refuse_message(peer, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "messages are texts");
    if (!peer_input(peer, bytes, length))
        return refuse_message(peer, CORE_CLOSE_TOO_BIG, core_close_text(CORE_CLOSE_TOO_BIG));
    if (lws_remaining_packet_payload(peer->wsi) > 0 || !lws_is_final_fragment(peer->wsi))
        return 0;
    length = peer->input_length;
    peer->input_length = 0;
    conn_take(peer, peer->input == NULL ? "" : peer->input, length);
    return 0;
}

static bool write_text(struct peer *peer, const struct conn_frame *frame)
{
    unsigned char *buffer = malloc(LWS_PRE + frame->length);
    if (buffer == NULL)
        return false;
    memcpy(buffer + LWS_PRE, frame->bytes, frame->length);
    int written = lws_write(peer->wsi, buffer + LWS_PRE, frame->length, LWS_WRITE_TEXT);
    free(buffer);
    return written >= (int)frame->length;
}

/*
 * Who does not read is not read from: at the end of what a client says, while a part of a frame for
 * it is left, libwebsockets 4.1 tries to end the connection for ever, and serves nobody.
 */
static void heed_input(struct peer *peer, bool heeds)
{
    if (peer->deaf != heeds)
        return;
    peer->deaf = !heeds;
    (void)lws_rx_flow_control(peer->wsi, heeds);
}

/*
 * Before the next frame it is read from, or who reads slowly but without an end would never be
 * heard. The first turn of the loop has waited for room alone; that of the second waits for input,
 * too, and reads it behind this.
 */
static bool listens_first(struct peer *peer)
{
    enum { TURNS = 2 };
    if (peer->deaf) {
        heed_input(peer, true);
        peer->listening_turns = TURNS;
    }
    if (peer->listening_turns == 0)
        return false;
    peer->listening_turns--;
    return true;
}

/* One frame for each callback: that is how libwebsockets spreads the time among its connections. */
static int write_socket(struct peer *peer)
{
    struct conn_frame frame;
    conn_settle(peer);
    if (listens_first(peer)) {
        lws_callback_on_writable(peer->wsi);
        return 0;
    }
    if (!conn_pull(peer, &frame)) {
        uint32_t code = peer_close_code(peer);
        return code == 0 ? 0
                         : close_with(peer, code, core_close_text((enum core_close_code)code));
    }
    bool written = write_text(peer, &frame);
    if (written)
        conn_pushed(peer, &frame);
    if (lws_partial_buffered(peer->wsi) != 0)
        heed_input(peer, false);
    conn_frame_free(&frame);
    if (!written) {
        conn_end(peer, 0, "the connection broke");
        return -1;
    }
    lws_callback_on_writable(peer->wsi);
    return 0;
}

int socket_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    struct peer *peer = wsi == NULL ? NULL : lws_get_opaque_user_data(wsi);
    (void)user;
    if (peer == NULL)
        return 0;
    /* Pongs and empty fragments are nothing: who floods with them is read from at leisure. */
    if (reason != LWS_CALLBACK_RECEIVE_PONG &&
        !(reason == LWS_CALLBACK_RECEIVE && length == 0))
        peer->transport->stirred = true;
    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return open_socket(peer);
    case LWS_CALLBACK_RECEIVE:
        return receive(peer, in, length);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_socket(peer);
    case LWS_CALLBACK_TIMER:
        conn_end(peer, peer_close_code(peer), "what was left was not taken in time");
        return -1;
    case LWS_CALLBACK_CLOSED:
        conn_end(peer, 0, "closed by the client");
        return 0;
    default:
        return 0;
    }
}
