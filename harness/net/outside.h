/* Connections of TCP whose client is the environment: no descriptor and no thread of its own, its
 * bytes come and go in steps of whoever drives the execution. For tasks and threads of it. */
#ifndef HARNESS_NET_OUTSIDE_H
#define HARNESS_NET_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the server does; called within its step. They must not block. */
struct outside_calls {
    /* How many bytes the client takes now; what is more waits in the server's socket. */
    size_t (*room)(void *context);
    /* The server has sent this: at least one byte, valid during the call. */
    void (*bytes)(void *context, const char *bytes, size_t count);
    /* Nothing more will come from it; reset: nothing can be sent to it either. Once at most. */
    void (*ended)(void *context, bool reset);
};

struct outside;

/* Connects to whoever listens on that port of 127.0.0.1. NULL: nobody, or there is no room. Lives
 * as long as the execution. */
struct outside *outside_connect(uint16_t port, const struct outside_calls *calls, void *context);

/* These bytes are at the server now, as far as anybody is there. */
void outside_send(struct outside *outside, const char *bytes, size_t count);
/* So is the end of them. */
void outside_end(struct outside *outside);
/* The connection is reset, at the server's end, too. */
void outside_reset(struct outside *outside);
/* There is room again: what waited is taken. */
void outside_resume(struct outside *outside);

/* The same as a table, for who may use another network as well. */
struct outside_network {
    __typeof__(outside_connect) *connect;
    __typeof__(outside_send) *send;
    __typeof__(outside_end) *end;
    __typeof__(outside_reset) *reset;
    __typeof__(outside_resume) *resume;
};
extern const struct outside_network outside_simulated;

#endif
