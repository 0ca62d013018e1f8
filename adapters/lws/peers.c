/* The connections of clients: slots, handles, and what other threads want of them. */
#include "adapters/lws/internal.h"

#include <stdlib.h>
#include <string.h>

enum { SLOT_NONE = UINT32_MAX };

static uint64_t handle_of(uint32_t slot, uint32_t birth)
{
    return (uint64_t)birth << 32 | slot;
}

/* Lock held. */
static struct peer *find(struct ws_transport *transport, uint64_t handle)
{
    uint32_t slot = (uint32_t)handle;
    if (slot >= transport->slot_count)
        return NULL;
    struct peer *peer = transport->slots[slot].peer;
    return peer != NULL && peer->handle == handle ? peer : NULL;
}

/* Lock held. False if there are max_connections already, or the transport stops. */
static bool take_slot(struct ws_transport *transport, struct peer *peer)
{
    uint32_t slot = transport->first_free;
    if (slot == SLOT_NONE || transport->stopping)
        return false;
    transport->first_free = transport->slots[slot].next_free;
    transport->slots[slot].peer = peer;
    peer->handle = handle_of(slot, ++transport->births);
    transport->stats.connections++;
    transport->stats.accepted++;
    return true;
}

struct peer *peer_of(struct ws_transport *transport, struct lws *wsi)
{
    struct peer *peer = lws_get_opaque_user_data(wsi);
    if (peer != NULL)
        return peer;
    peer = calloc(1, sizeof *peer);
    if (peer == NULL)
        return NULL;
    peer->transport = transport;
    peer->wsi = wsi;
    pthread_mutex_lock(&transport->lock);
    bool taken = take_slot(transport, peer);
    pthread_mutex_unlock(&transport->lock);
    if (!taken) {
        free(peer);
        return NULL;
    }
    lws_set_opaque_user_data(wsi, peer);
    return peer;
}

/* Lock held. */
static void unlist(struct ws_transport *transport, struct peer *peer)
{
    struct peer **at = &transport->listed;
    while (*at != peer)
        at = &(*at)->next_listed;
    *at = peer->next_listed;
    peer->listed = false;
}

void peer_free(struct peer *peer)
{
    struct ws_transport *transport = peer->transport;
    uint32_t slot = (uint32_t)peer->handle;
    pthread_mutex_lock(&transport->lock);
    if (peer->listed)
        unlist(transport, peer);
    transport->slots[slot] = (struct peer_slot){ NULL, transport->first_free };
    transport->first_free = slot;
    transport->stats.connections--;
    transport->closing -= peer->close_code != 0;
    pthread_mutex_unlock(&transport->lock);
    answer_free(peer->given);
    free(peer->answer.body);
    free(peer->input);
    lws_set_opaque_user_data(peer->wsi, NULL);
    free(peer);
}

/* Lock held. */
static void list(struct ws_transport *transport, struct peer *peer)
{
    if (peer->listed)
        return;
    peer->listed = true;
    peer->next_listed = transport->listed;
    transport->listed = peer;
    /* The first one wakes the loop, which takes them all. Under the lock, so that the context is
     * still there. */
    if (peer->next_listed == NULL && transport->live)
        lws_cancel_service(transport->context);
}

void peer_wants_write(struct ws_transport *transport, uint64_t handle)
{
    pthread_mutex_lock(&transport->lock);
    struct peer *peer = find(transport, handle);
    if (peer != NULL)
        list(transport, peer);
    pthread_mutex_unlock(&transport->lock);
}

void peer_wants_close(struct ws_transport *transport, uint64_t handle, uint32_t code)
{
    pthread_mutex_lock(&transport->lock);
    struct peer *peer = find(transport, handle);
    if (peer != NULL && peer->close_code == 0) {
        peer->close_code = code;
        transport->closing++;
        list(transport, peer);
    }
    pthread_mutex_unlock(&transport->lock);
}

void peer_gives(struct ws_transport *transport, uint64_t handle, struct answer *answer)
{
    pthread_mutex_lock(&transport->lock);
    struct peer *peer = find(transport, handle);
    if (peer != NULL && peer->given == NULL) {
        peer->given = answer;
        answer = NULL;
        list(transport, peer);
    }
    pthread_mutex_unlock(&transport->lock);
    answer_free(answer);
}

void peers_look(struct ws_transport *transport)
{
    for (;;) {
        pthread_mutex_lock(&transport->lock);
        struct peer *peer = transport->listed;
        if (peer != NULL) {
            transport->listed = peer->next_listed;
            peer->listed = false;
        }
        bool close = peer != NULL && peer->close_code != 0;
        pthread_mutex_unlock(&transport->lock);
        if (peer == NULL)
            return;
        if (close && !peer->closing) {
            peer->closing = true;
            lws_set_timer_usecs(peer->wsi, (lws_usec_t)transport->config.close_timeout_us);
        }
        /* Libwebsockets 4.1 does not write either, while it does not read. */
        if (peer->awaiting)
            (void)lws_rx_flow_control(peer->wsi, 1);
        peer->awaiting = false;
        lws_callback_on_writable(peer->wsi);
    }
}

uint32_t peer_close_code(struct peer *peer)
{
    pthread_mutex_lock(&peer->transport->lock);
    uint32_t code = peer->close_code;
    pthread_mutex_unlock(&peer->transport->lock);
    return code;
}

struct answer *peer_take_answer(struct peer *peer)
{
    pthread_mutex_lock(&peer->transport->lock);
    struct answer *answer = peer->given;
    peer->given = NULL;
    pthread_mutex_unlock(&peer->transport->lock);
    return answer;
}

bool peer_input(struct peer *peer, const char *bytes, size_t length)
{
    size_t wanted = peer->input_length + length;
    if (wanted > peer->transport->config.message_max_bytes)
        return false;
    if (wanted > peer->input_capacity) {
        size_t capacity = peer->input_capacity == 0 ? 512 : peer->input_capacity * 2;
        if (capacity < wanted)
            capacity = wanted;
        char *input = realloc(peer->input, capacity);
        if (input == NULL)
            return false;
        peer->input = input;
        peer->input_capacity = capacity;
    }
    if (length > 0)
        memcpy(peer->input + peer->input_length, bytes, length);
    peer->input_length = wanted;
    return true;
}
