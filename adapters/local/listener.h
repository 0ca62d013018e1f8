/* Who listens on a port of this machine: private to this folder. */
#ifndef ADAPTERS_LOCAL_LISTENER_H
#define ADAPTERS_LOCAL_LISTENER_H

#include "adapters/process/group.h"

/* Does somebody accept connections on the port, over IPv4 or IPv6 of this machine? */
bool listener_answers(uint16_t port);

enum { LISTENERS_MAX = 16 };

/* The sockets that listen on the port, over TCP: inode numbers. Returns how many. */
size_t listener_sockets(uint16_t port, uint64_t inodes[LISTENERS_MAX]);

/* Does a process of the group hold one of these sockets? */
bool listener_is(const struct group *group, const uint64_t *inodes, size_t count);

#endif
