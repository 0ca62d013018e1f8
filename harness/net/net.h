/* Descriptors, pipes and sockets of the simulated world. All peers are threads of one execution.
 *
 * What is bound to it: rebound.txt. What is sent over TCP is in flight until it arrives; it does at
 * once and as a whole, unless the chooser takes one of the late arrivals that the limits allow
 * (world_limits.late_max), or a fault says otherwise. Pipes and AF_UNIX have nothing in flight. */
#ifndef HARNESS_NET_H
#define HARNESS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Call before every execution, from outside of it: no descriptor is open. */
void net_begin(void);

/* Whether a write to a broken pipe only fails: the program ignores SIGPIPE, blocks it, or has
 * handled it just now. NULL, or never called: it ends the program. */
typedef bool net_pipe_signal(void);
void net_on_broken_pipe(net_pipe_signal *signal);

/* --- what is left open at the end --- */

struct net_open {
    int number;
    uint16_t entity; /* who opened it */
    uintptr_t site;  /* where */
    bool accepted;   /* by accept() */
    char text[96];   /* "socket 4 (127.0.0.1:80 <- :40001)" */
};
/* Descriptors that are open, without standard streams, by number; fills at most max and returns
 * how many there are. */
uint32_t net_open_list(struct net_open *out, uint32_t max);

/* A process ends: everything that its group has opened is closed, as the kernel would do it. */
void net_group_end(uint8_t group);

/* --- of harness/net only --- */

void net_state_begin(void);

#endif
