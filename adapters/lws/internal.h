/* What the files of the libwebsockets transport share. See ws_transport.h for the threads. */
#ifndef ADAPTERS_LWS_INTERNAL_H
#define ADAPTERS_LWS_INTERNAL_H

#include "adapters/lws/ws_transport.h"

#include <jansson.h>
#include <libwebsockets.h>
#include <pthread.h>

enum peer_kind {
    PEER_NEW,     /* no complete request yet, or between two of them */
    PEER_SOCKET,  /* a WebSocket */
    PEER_STREAM,  /* server-sent events */
    PEER_REQUEST, /* any other request */
};

/* The answer to a request, or what is left to write of it. */
struct answer {
    unsigned status;
    const char *type;          /* media type, static */
    char *body;                /* owned */
    size_t length, written;
    bool begun;                /* the headers are out */
};

/* What an event stream knows of its own session. */
struct stream {
    uint64_t epoch, last_seq;
    json_int_t gen;            /* from connection_ready */
};

/* A TCP connection of a client. Of the service thread, but for what `lock` guards. */
struct peer {
    struct ws_transport *transport;
    struct lws *wsi;
    uint64_t handle;
    enum peer_kind kind;
    struct ws_identity identity;

    struct conn_ref conn;
    bool attached;             /* the core knows the connection */
    uint64_t unsent;           /* number of the frame that libwebsockets still holds a part of */
    bool closing;              /* close has been seen, its deadline runs */

    char *input;               /* the message or body that is arriving */
    size_t input_length, input_capacity;
    bool overlong;             /* what arrives is too long */
    bool complete;             /* and now it is all there */
    bool body_due;             /* it is not, and its deadline runs */

    struct answer answer;
    struct stream stream;
    bool awaiting;             /* nothing is read until an answer is there */
    bool deaf;                 /* nothing is read until its frame has left */
    unsigned listening_turns;  /* it may say something before the next one */
    bool headless;             /* it was asked for the head of its answer alone */
    char path[256];            /* of the request whose body is arriving */

    /* Guarded by the transport's lock. */
    bool listed;
    struct peer *next_listed;
    uint32_t close_code;       /* 0: none asked for */
    struct answer *given;      /* by another thread, or by the service thread itself */
};

/* Peers by slot. A handle is slot and birth, so that an old one finds nobody. */
struct peer_slot {
    struct peer *peer;
    uint32_t next_free;
};

struct ws_transport {
    struct ws_transport_config config;
    char name[CORE_THREAD_NAME_MAX];
    struct core *core;
    struct lws_context *context;
    struct lws_protocols protocols[3];
    struct lws_http_mount mount;
    lws_retry_bo_t no_pings;
    pthread_t thread;
    bool started;
    bool stirred;              /* this turn of the loop told of something */
    uint32_t idle_turns;       /* in a row, that did not */
    lws_sorted_usec_list_t last_call; /* runs while the transport stops */
    bool given_up;

    pthread_mutex_t lock;      /* the innermost of all: no call of the core or of lws under it, but
                                  for lws_cancel_service */
    bool live, stopping;       /* there is a loop to wake; it should end */
    uint16_t listens;
    struct peer_slot *slots;
    uint32_t slot_count, first_free;
    uint32_t births;
    size_t closing;            /* peers with a close code */
    struct peer *listed;       /* those with something for the loop */
    struct ws_transport_stats stats;
};

/* ---- peers.c ---- */

/* Finds or makes the peer of this connection. NULL: there are too many, or no memory. */
struct peer *peer_of(struct ws_transport *transport, struct lws *wsi);
void peer_free(struct peer *peer);

/* Any thread: notes for the loop what the peer of this handle wants, if it is still there. */
void peer_wants_write(struct ws_transport *transport, uint64_t handle);
void peer_wants_close(struct ws_transport *transport, uint64_t handle, uint32_t code);
/* The answer is given up. */
void peer_gives(struct ws_transport *transport, uint64_t handle, struct answer *answer);

/* The loop was woken: asks for writability of everybody that is listed. */
void peers_look(struct ws_transport *transport);

uint32_t peer_close_code(struct peer *peer);
struct answer *peer_take_answer(struct peer *peer);


/* Adds bytes to what is arriving. False: more than message_max_bytes, or no memory. */
bool peer_input(struct peer *peer, const char *bytes, size_t length);

/* ---- gate.c ---- */

/* May this request be served at all? On refusal: an HTTP status and a sentence. */
bool gate_origin(struct peer *peer);
bool gate_identify(struct peer *peer);
/* Is the identity good for this session? */
bool gate_session(const struct peer *peer, const char *session);
/* The value of a parameter of the URL, "" if there is none. False if it is too long. */
bool gate_parameter(struct lws *wsi, const char *name, char *value, size_t size);

/* ---- conns.c: what WebSockets and event streams share ---- */

enum core_result conn_begin(struct peer *peer);
enum core_result conn_take(struct peer *peer, const char *bytes, size_t length);
bool conn_pull(struct peer *peer, struct conn_frame *frame);
/* The frame was given to libwebsockets; the core is told as soon as it has all been written. */
void conn_pushed(struct peer *peer, const struct conn_frame *frame);
/* What was pushed before has left. */
void conn_settle(struct peer *peer);
void conn_end(struct peer *peer, uint32_t code, const char *reason);
void watch_refused(struct ws_transport *transport, const char *user, uint32_t code,
                   const char *reason);

/* ---- socket.c ---- */

int socket_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length);

/* ---- http.c ---- */

int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t length);

/* ---- answer.c ---- */

/* An answer on the heap, for peer_gives; takes the body. NULL without memory: the body is freed. */
struct answer *answer_new(unsigned status, const char *type, char *body, size_t length);
/* A JSON body; gives up the object. */
struct answer *answer_json(unsigned status, json_t *object);
/* {"type":"error","about":..,"code":..,"reason":..} with the status that fits. */
struct answer *answer_problem(enum core_result result, const char *about, const char *reason);
void answer_free(struct answer *answer);
unsigned answer_status(enum core_result result);

/* Begins to answer; writes what can be written. As a callback of libwebsockets returns. */
int answer_begin(struct peer *peer, struct answer *answer);
/* Goes on with it. */
int answer_write(struct peer *peer);
/* Nothing more is read until there is an answer, unless it has begun: libwebsockets 4.1 would turn
 * in circles at what the client says meanwhile, or at its end, without reading either. A client
 * that resets its connection is noticed all the same. As a callback of libwebsockets returns. */
int answer_await(struct peer *peer);
/* For a request that is not looked at any further. */
int answer_refuse(struct peer *peer, unsigned status, const char *reason);
/* Answers as a whole, with at most 8192 bytes, for what is not read any further: the connection
 * ends with it. As CONFIRM_UPGRADE, HTTP or HTTP_BODY return. */
int answer_at_once(struct peer *peer, struct answer *answer);
int answer_refuse_at_once(struct peer *peer, unsigned status, const char *reason);
/* The same from within a body that libwebsockets 4.1 reads inside of the head: it then closes the
 * connection twice, and the first time frees it, unless something is left to be written. So there
 * is: blanks. */
int answer_refuse_buried(struct peer *peer, unsigned status, const char *reason);
/* The headers that every answer has, for `answer_write` and event streams. */
bool answer_headers(struct peer *peer, unsigned status, const char *type, lws_filepos_t length,
                    unsigned char **at, unsigned char *end);

/* ---- requests.c: what is asked of a session ---- */

int request_info(struct peer *peer, const char *session);
int request_history(struct peer *peer, const char *session);
int request_start(struct peer *peer, const char *session, const char *body, size_t length);
int request_health(struct peer *peer);
int request_metrics(struct peer *peer);
int request_settings(struct peer *peer);

/* ---- stream.c ---- */

int stream_begin(struct peer *peer, const char *session);
int stream_write(struct peer *peer);

#endif
