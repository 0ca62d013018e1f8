/* Faults of the network between the two ends of a connection of TCP, byte for byte. For whoever
 * drives an execution from inside: call from a thread or task of the environment. */
#ifndef HARNESS_NET_FAULTS_H
#define HARNESS_NET_FAULTS_H

#include <stdint.h>

/* What happens to the bytes of one direction beyond a count since the connection was made. */
enum net_fault {
    NET_PASS,  /* nothing; what was stalled arrives */
    NET_STALL, /* they are on the way until another fault says otherwise */
    NET_LOSE,  /* they never arrive, and nobody is told */
    NET_CUT,   /* both ends are reset as soon as there are any */
};

enum net_direction { NET_TO_SERVER, NET_TO_CLIENT };

/* Connections are numbered from 1 in the order in which they were made; 0 is none. */
uint32_t net_connections(void);
/* The one between those two ports; 0 if there is none. */
uint32_t net_connection_find(uint16_t client_port, uint16_t server_port);

/* From now on, after so many bytes in that direction; those that have passed have passed. With 0
 * bytes everything, the end of the connection included. False: there is no such connection, or one
 * end of it is closed. */
_Bool net_fault_set(uint32_t connection, enum net_direction direction, enum net_fault fault,
                    uint64_t after_bytes);

/* Called whenever a connection is made, before anything is sent over it; NULL: nobody. */
typedef void net_connection_observer(void *context, uint32_t connection);
void net_observe_connections(net_connection_observer *observer, void *context);

#endif
