/* What one TCP connection says, both directions: the HTTP upgrade, then WebSocket messages.
 * Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_DIALOGUE_H
#define HARNESS_CAPTURE_DIALOGUE_H

#include "harness/capture/capture.h"

/* HTTP: heads and bodies. HELD: an upgrade was asked for and not answered yet. SOCKET: frames.
 * DEAF: nothing that can be understood. */
enum half_mode { HALF_HTTP, HALF_HELD, HALF_SOCKET, HALF_DEAF };

enum { HALF_HELD_MAX = 1 << 20, HALF_HEAD_MAX = 32 << 10 };

struct half {
    enum half_mode mode;
    uint8_t *bytes;             /* a head that is incomplete, or what is held */
    size_t used, room;
    uint64_t body;              /* bytes of an HTTP body to be skipped */
    struct websocket_reader *reader;
};

struct dialogue {
    struct half client, server;
    struct websocket_settings settings;     /* what the server agreed to */
    bool agreed;                /* the server has switched protocols */
    int client_bits, server_bits;
    bool client_forgets, server_forgets;
    char key[64];
    struct capture_connection *connection;
};

/* Told of each message, whole. */
typedef void (*dialogue_listener)(void *context, bool from_client,
                                  const struct websocket_message *message);

/* Takes bytes of one direction, in order. Returns NULL or what is wrong with them, in static
 * memory: from then on that direction is DEAF. */
const char *dialogue_take(struct dialogue *dialogue, bool from_client, const uint8_t *bytes,
                          size_t size, dialogue_listener listener, void *context);

void dialogue_free(struct dialogue *dialogue);

#endif
