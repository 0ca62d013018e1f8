#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LOOPBACK_NET = 127 };

static socklen_t least_length(int family)
{
    switch (family) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return offsetof(struct sockaddr_in6, sin6_scope_id);
    default:
        return sizeof(sa_family_t);
    }
}

int address_read(struct address *out, int family, const struct sockaddr *from, socklen_t length)
{
    memset(out, 0, sizeof *out);
    if (length < least_length(family) || length > sizeof(struct sockaddr_un)) return -EINVAL;
    if (from->sa_family != family) return family == AF_UNIX ? -EINVAL : -EAFNOSUPPORT;
    out->length = family == AF_INET    ? (socklen_t)sizeof out->v4
                  : family == AF_INET6 ? (socklen_t)sizeof out->v6
                                       : length;
    memcpy(&out->any, from, out->length < length ? out->length : length);
    if (family == AF_INET) memset(out->v4.sin_zero, 0, sizeof out->v4.sin_zero);
    if (family != AF_UNIX || length <= offsetof(struct sockaddr_un, sun_path)) return 0;
    if (out->local.sun_path[0] == '\0') return 0; /* abstract: every byte counts */
    size_t name = strnlen(out->local.sun_path, length - offsetof(struct sockaddr_un, sun_path));
    memset(out->local.sun_path + name, 0, sizeof out->local.sun_path - name);
    out->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name + 1);
    return 0;
}

void address_write(const struct address *address, struct sockaddr *out, socklen_t *length)
{
    if (out == NULL || length == NULL) return;
    memcpy(out, &address->any, address->length < *length ? address->length : *length);
    *length = address->length;
}

struct address address_any(int family)
{
    struct address address;
    memset(&address, 0, sizeof address);
    address.any.sa_family = (sa_family_t)family;
    address.length = family == AF_INET    ? (socklen_t)sizeof address.v4
                     : family == AF_INET6 ? (socklen_t)sizeof address.v6
                                          : (socklen_t)sizeof(sa_family_t);
    return address;
}

struct address address_loopback(int family)
{
    struct address address = address_any(family);
    if (family == AF_INET) address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (family == AF_INET6) address.v6.sin6_addr = in6addr_loopback;
    return address;
}

uint16_t address_port(const struct address *address)
{
    if (address->any.sa_family == AF_INET) return ntohs(address->v4.sin_port);
    return address->any.sa_family == AF_INET6 ? ntohs(address->v6.sin6_port) : 0;
}

void address_port_set(struct address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET) address->v4.sin_port = htons(port);
    if (address->any.sa_family == AF_INET6) address->v6.sin6_port = htons(port);
}

bool address_is_any(const struct address *address)
{
    if (address->any.sa_family == AF_INET) return address->v4.sin_addr.s_addr == INADDR_ANY;
    return address->any.sa_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

bool address_is_here(const struct address *address)
{
    struct address plain = *address;
    address_unmap(&plain);
    if (address_is_any(&plain)) return true;
    if (plain.any.sa_family == AF_INET) {
        return ntohl(plain.v4.sin_addr.s_addr) >> 24 == LOOPBACK_NET;
    }
    return plain.any.sa_family != AF_INET6 || IN6_IS_ADDR_LOOPBACK(&plain.v6.sin6_addr);
}

void address_map(struct address *address)
{
    if (address->any.sa_family != AF_INET) return;
    struct address mapped = address_any(AF_INET6);
    mapped.v6.sin6_port = address->v4.sin_port;
    mapped.v6.sin6_addr.s6_addr[10] = mapped.v6.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&mapped.v6.sin6_addr.s6_addr[12], &address->v4.sin_addr, sizeof address->v4.sin_addr);
    *address = mapped;
}

void address_unmap(struct address *address)
{
    if (address->any.sa_family != AF_INET6) return;
    if (!IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr)) return;
    struct address plain = address_any(AF_INET);
    plain.v4.sin_port = address->v6.sin6_port;
    memcpy(&plain.v4.sin_addr, &address->v6.sin6_addr.s6_addr[12], sizeof plain.v4.sin_addr);
    *address = plain;
}

bool address_same_host(const struct address *a, const struct address *b)
{
    if (a->any.sa_family != b->any.sa_family) return false;
    if (a->any.sa_family == AF_INET) return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
}

bool address_same(const struct address *a, const struct address *b)
{
    return a->length == b->length && memcmp(&a->any, &b->any, a->length) == 0;
}

static void tell_local(const struct address *address, char *out, size_t bytes)
{
    size_t name = offsetof(struct sockaddr_un, sun_path);
    if (address->length <= name) {
        snprintf(out, bytes, "unnamed");
    } else if (address->local.sun_path[0] == '\0') {
        snprintf(out, bytes, "@%.*s", (int)(address->length - name - 1),
                 address->local.sun_path + 1);
    } else {
        snprintf(out, bytes, "%s", address->local.sun_path);
    }
}

void address_tell(const struct address *address, bool brief, char *out, size_t bytes)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->any.sa_family == AF_UNIX) {
        tell_local(address, out, bytes);
    } else if (brief) {
        snprintf(out, bytes, ":%u", address_port(address));
    } else if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof host);
        snprintf(out, bytes, "%s:%u", host, address_port(address));
    } else {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof host);
        snprintf(out, bytes, "[%s]:%u", host, address_port(address));
    }
}
