/* Addresses of sockets: as programs write them, and as reports do. The only machine there is has
 * the addresses 127.0.0.0/8 and ::1. */
#ifndef HARNESS_NET_ADDRESS_H
#define HARNESS_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
    socklen_t length; /* 0: none */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    };
};

/* 0, or -errno: it is none of that family. */
int address_read(struct address *out, int family, const struct sockaddr *from, socklen_t length);
/* As getsockname() does: cut off if there is no room, and *length is what it would take. */
void address_write(const struct address *address, struct sockaddr *out, socklen_t *length);

/* The one that stands for all of a family, with port 0; or its loopback address. */
struct address address_any(int family);
struct address address_loopback(int family);
uint16_t address_port(const struct address *address);
void address_port_set(struct address *address, uint16_t port);

/* "0.0.0.0" or "::". */
bool address_is_any(const struct address *address);
/* Whether the machine has it; AF_UNIX has them all. */
bool address_is_here(const struct address *address);
/* The address of IPv4 that is written as one of IPv6, and back; others stay as they are. */
void address_map(struct address *address);
void address_unmap(struct address *address);
/* Ports aside. */
bool address_same_host(const struct address *a, const struct address *b);
bool address_same(const struct address *a, const struct address *b);

/* "127.0.0.1:80", "[::1]:80", "/tmp/socket"; brief: ":80". */
void address_tell(const struct address *address, bool brief, char *out, size_t bytes);

#endif
