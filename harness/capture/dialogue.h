/* What one TCP connection says, both directions: HTTP, and what it leads to: WebSocket messages,
 * event streams, requests to a session core. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_DIALOGUE_H
#define HARNESS_CAPTURE_DIALOGUE_H

#include "harness/capture/capture.h"
#include "harness/capture/events.h"
#include "harness/capture/flow.h"
#include "harness/capture/http.h"
#include "harness/capture/requests.h"

/* HTTP: heads and bodies. HELD: an upgrade was asked for and not answered yet. SOCKET: frames.
 * DEAF: nothing that can be understood. */
enum half_mode { HALF_HTTP, HALF_HELD, HALF_SOCKET, HALF_DEAF };

enum { HALF_HELD_MAX = 1 << 20, DIALOGUE_WAITING_MAX = 256, DIALOGUE_BODY_MAX = 16 << 20 };

struct bytes {
    char *at;
    size_t used, room;
};

/* Bytes that were held back, of one packet. */
struct held_part {
    struct flow_packet packet;
    size_t size;
};

struct half {
    enum half_mode mode;
    struct http http;
    struct bytes held;
    struct held_part *parts;
    uint32_t part_count, part_room;
    struct websocket_reader *reader;
};

/* A request whose answer has not come. */
struct exchange {
    struct request request;
    struct flow_packet packet;  /* that made its head complete */
    bool open;                  /* its body has not ended */
    char *body;                 /* what was posted; of an event stream, the head */
    size_t length;
};

/* What happens with messages. */
struct dialogue_listener {
    void *context;
    /* A stream of events, or the first request on this connection: a connection of its own. */
    struct capture_connection *(*open)(void *context, enum capture_kind kind,
                                       const struct flow_packet *packet);
    /* A message, whole. */
    void (*message)(void *context, struct capture_connection *connection, bool from_client,
                    const struct websocket_message *message, const struct flow_packet *packet);
};

struct dialogue {
    const struct dialogue_listener *listener;
    struct capture_connection *connection;  /* of TCP; of the WebSocket, if it becomes one */
    struct capture_connection *stream, *requests;   /* NULL: none (any more) */
    bool amid;                  /* its beginning is not in the capture */
    struct half client, server;
    struct flow_packet packet;  /* of what is read */
    const char *problem;        /* of what was read */

    bool torn;                  /* some of what the client's half holds is missing */
    bool refused;               /* an upgrade was just answered otherwise */

    struct exchange *waiting;   /* the oldest first */
    uint32_t waiting_count, waiting_room;
    bool unpaired;              /* which request an answer belongs to is not certain any more */
    struct exchange current;    /* whose answer is read */
    bool answering;
    uint32_t status;
    struct bytes body;          /* of the request, or of the answer, that is read */
    struct bytes answer;
    struct events events;

    struct websocket_settings settings;     /* what the server agreed to */
    bool agreed;                /* the server has switched protocols */
    int client_bits, server_bits;
    bool client_forgets, server_forgets;
    char key[64];
};

/* Takes bytes of one direction, in order; NULL for `bytes`: so many are missing. Returns NULL or
 * what is wrong with them, in static memory: from then on that direction is DEAF. */
const char *dialogue_take(struct dialogue *dialogue, bool from_client,
                          const struct flow_packet *packet, const uint8_t *bytes, size_t size);

/* The connection has ended, or the capture: what was asked and not answered is told. */
void dialogue_end(struct dialogue *dialogue);

void dialogue_free(struct dialogue *dialogue);

/* --- shared by the files of the dialogue --- */

/* Appends, and keeps a zero behind. */
void bytes_keep(struct bytes *bytes, const void *more, size_t size);

/* Reads what belongs to the packet that is read; dialogue->problem may say what is wrong. */
void dialogue_read(struct dialogue *dialogue, bool from_client, const uint8_t *bytes, size_t size);

/* A whole head: of a request, of an answer (exchange.c). False: HTTP ends with it. */
bool exchange_head(void *dialogue, bool from_client, struct text head, enum http_body *body);
void exchange_body(void *dialogue, bool from_client, const uint8_t *bytes, size_t size);
void exchange_end(void *dialogue, bool from_client);

/* The heads of an upgrade (upgrade.c). */
void upgrade_request(struct dialogue *dialogue, struct text head);
const char *upgrade_answer(struct dialogue *dialogue, struct text head);

/* Makes the half read frames. */
void upgrade_half(struct dialogue *dialogue, bool from_client);

/* Who asks, and for what, as far as the head of a request tells. */
void upgrade_describe(struct text head, struct capture_connection *connection);

#endif
