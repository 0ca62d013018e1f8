/*
 * A core behind the libwebsockets transport on a free port of the loopback, and clients that write
 * bytes to it. A token is "USER" or "USER@SESSION"; "nobody" is refused.
 */
#ifndef TESTS_LWS_RIG_H
#define TESTS_LWS_RIG_H

#include "adapters/lws/ws_transport.h"
#include "fakes/websocket/client.h"
#include "tests/core/rig.h"

struct site {
    struct rig rig;
    struct ws_transport_config config;
    struct ws_transport *transport;
    uint16_t port;
    int room;                         /* of the sockets of clients to come; 0: as it is */
    uint64_t opened, closed, refused; /* by the watch; guarded by rig.lock */
    uint64_t inputs, written_seq;     /* so far; of the newest event that is being written */
    uint32_t refused_code, closed_code;
};

/* Fills in the defaults; a test may change rig.config and config before site_start. */
void site_init(struct site *site);
void site_start(struct site *site);
/* Drains, stops, destroys; fails if a connection was opened that did not end. */
void site_stop(struct site *site);

/* One of its counters, while it runs. */
uint64_t site_count(struct site *site, const uint64_t *counter);

struct client {
    struct site *site;
    int fd;
    struct websocket websocket;
    char bytes[65536];
    size_t length, taken;
};

/* A JSON object of that many bytes, at least 8, as a string. Freed by free. */
char *long_payload(size_t size);

/* A TCP connection. */
void client_connect(struct site *site, struct client *client);
void client_write(struct client *client, const char *bytes, size_t length);
/* Sends a request of text, and gives the whole response: until the server closes. Freed by free. */
char *client_ask(struct site *site, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Asks for the upgrade; token NULL: none is sent. */
void socket_ask(struct site *site, struct client *client, const char *path, const char *token,
                const char *origin);
/* The same, and expects to be let in. */
void socket_open(struct site *site, struct client *client, const char *token);
void socket_send(struct client *client, enum websocket_opcode opcode, bool final,
                 const char *bytes, size_t length);
void socket_say(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The next event, as it comes. GOT_BROKEN with problem "eof" at the end of the connection. */
struct websocket_event socket_next(struct client *client);
/* The next text message of this type; frames before it are skipped. Freed by json_decref. */
json_t *socket_expect(struct client *client, const char *type);
/* The code of the close; messages before it are skipped. */
uint32_t socket_expect_close(struct client *client);
/* hello and connection_acknowledged; `cursor` 0: none. */
void socket_attach(struct client *client, const char *session, uint64_t epoch, uint64_t cursor);
void client_close(struct client *client);

/* Bytes up to and with this text. Freed by free. */
char *client_read_until(struct client *client, const char *text);

#endif
