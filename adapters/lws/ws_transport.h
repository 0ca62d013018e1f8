/*
 * The transport of the session core over libwebsockets 4.1: WebSocket, server-sent events, polling
 * and a few requests over HTTP/1.1, all on one port. docs/CORE.md, *Over libwebsockets*, lists the
 * paths; docs/PROTOCOL.md the messages.
 *
 * Threads. One thread, NAME/ws, runs the service loop and is the only one that touches a
 * connection. The functions of the transport port may be called from any thread: they note what is
 * wanted and wake the loop (lws_cancel_service, the only call that libwebsockets allows from
 * elsewhere). Callbacks of the configuration come from NAME/ws, unless they say otherwise, and must
 * not block.
 *
 * Order of a life: ws_transport_create, core_create with ws_transport_port, core_start,
 * ws_transport_start, ..., core_drain, ws_transport_stop, core_destroy, ws_transport_destroy.
 */
#ifndef ADAPTERS_LWS_WS_TRANSPORT_H
#define ADAPTERS_LWS_WS_TRANSPORT_H

#include "session_core.h"

struct ws_transport;

/* The WebSocket subprotocol. A client that asks for none gets it, too; others are refused. */
#define WS_SUBPROTOCOL "session.v1"

/* Who a token stands for. */
struct ws_identity {
    char user[CORE_NAME_MAX];
    char session[CORE_NAME_MAX]; /* the only session that it opens; "": any of the user's */
    uint64_t tag;                /* comes back in struct ws_event */
};

/*
 * Whose token is this? "" if the client sent none. False: nobody's, the client is refused. Secrets
 * are compared in constant time here, if anywhere.
 */
typedef bool (*ws_authenticate)(void *context, const char *token, struct ws_identity *identity);

/* The text for a path, allocated by malloc; NULL: there is none now. */
typedef char *(*ws_text)(void *context, size_t *length);

enum ws_event_kind {
    WS_OPENING,  /* the core is about to be told of the connection */
    WS_OPENED,   /* it has accepted it */
    WS_REFUSED,  /* a client was turned away; code is the HTTP status or the close code */
    WS_INPUT,    /* a message is about to be given to the core */
    WS_TAKEN,    /* it was; result is what the core said */
    WS_SENDING,  /* a frame of the core is about to be written */
    WS_CLOSING,  /* the connection ends; code, or 0 without a close of ours. The core is told now */
    WS_CLOSED,   /* the core was told */
};

/* What happens on a connection, for a log, a capture or a test. */
struct ws_event {
    enum ws_event_kind kind;
    uint64_t handle;             /* of the connection, as in the transport port; 0 if refused */
    uint64_t tag;                /* of its identity */
    const char *user;            /* "" if not known */
    const char *reason;          /* refused, closing: a sentence */
    struct conn_ref conn;
    enum core_result result;     /* taken */
    uint32_t code;
    const char *bytes;           /* input, taken, sending: the message, valid during the call */
    size_t length;
    uint64_t seq;                /* sending: of the event, 0 for a control frame */
};

typedef void (*ws_watch)(void *context, const struct ws_event *event);

struct ws_transport_config {
    const char *name;            /* of the core, for the thread's name; copied */
    const char *address;         /* to listen on: "127.0.0.1", "::1"; NULL: every address */
    uint16_t port;               /* 0: any free one, see ws_transport_listens */
    const char *const *origins;  /* allowed ones, ends with NULL; NULL: every origin. A client that
                                    names no origin is no browser, and passes */
    ws_authenticate authenticate; /* required */
    ws_text metrics;             /* for GET /metrics; NULL: no such path */
    ws_text settings;            /* for GET /settings, as JSON, for whoever has a token; NULL: no
                                    such path */
    ws_watch watch;              /* NULL: nobody looks */
    void *context;               /* of the four */
    size_t message_max_bytes;    /* longer messages close with 1009, longer bodies are refused */
    size_t header_max_bytes;     /* of one request, longer ones are closed */
    size_t max_connections;      /* of every kind, those without a complete request included */
    uint64_t handshake_timeout_us; /* to send a whole request; whole seconds, rounded up */
    uint64_t close_timeout_us;   /* to take what is left after the core has asked for a close */
    uint64_t idle_timeout_us;    /* of a kept-alive HTTP connection; whole seconds, rounded up */
    uint64_t rest_us;            /* the service thread's pause where turn after turn comes to
                                    nothing (see CORE.md); below a second, 0: none */
    bool deflate;                /* permessage-deflate (RFC 7692) for WebSockets that offer it;
                                    costs 100 to 300 KiB of memory for each */
    const char *certificate, *key; /* PEM files: TLS instead of plain TCP; NULL: plain TCP */
};

/* Defaults: port 0 on 127.0.0.1, any origin, the limits of core_settings_default; neither TLS nor
 * compression. */
void ws_transport_config_default(struct ws_transport_config *config);

/*
 * Makes a transport; nothing listens yet. INVALID without authenticate, with a limit of 0, or with
 * one of certificate and key alone; NO_MEMORY. The config is copied, what it points to must outlive
 * the transport.
 */
enum core_result ws_transport_create(const struct ws_transport_config *config,
                                     struct ws_transport **transport);

/* The port to create the core with. */
struct transport_port ws_transport_port(struct ws_transport *transport);

/*
 * Listens, and starts the service thread. Called once, after core_start. UNAVAILABLE if the address
 * cannot be listened on (errno tells); FAILED if the certificate or its key is of no use (the log
 * of libwebsockets tells); NO_MEMORY. On failure the transport may only be destroyed.
 */
enum core_result ws_transport_start(struct ws_transport *transport, struct core *core);

/* The port that it listens on; 0 before ws_transport_start. Any thread. */
uint16_t ws_transport_listens(const struct ws_transport *transport);

struct ws_transport_stats {
    uint64_t connections;        /* now, of every kind */
    uint64_t accepted, refused;  /* so far */
    uint64_t sockets, streams, requests; /* WebSockets, event streams, other requests, so far */
    uint64_t bytes_in, bytes_out; /* of messages and answers, so far */
    uint64_t rests;              /* of the service thread, see rest_us, so far */
};

void ws_transport_stats(struct ws_transport *transport, struct ws_transport_stats *stats);

/*
 * Closes every connection, reports them to the core, and joins the thread. What the core closed
 * before gets close_timeout_us to take its last frames. Called once, by no thread of the core. NULL
 * is allowed.
 */
void ws_transport_stop(struct ws_transport *transport);

/* Frees everything. Stops first if that was not done. NULL is allowed. */
void ws_transport_destroy(struct ws_transport *transport);

#endif
