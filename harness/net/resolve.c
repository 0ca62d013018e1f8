/* Names of hosts and services: numbers, and the one machine that there is. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "socket.h"

void *world_malloc(size_t bytes);
void world_free(void *block);

enum { PORT_MOST = 65535, ROOM = 64 };

static const char *const local_names[] = {"localhost", "localhost.localdomain", "ip6-localhost",
                                          "harness"};
static const struct {
    const char *name;
    uint16_t port;
} services[] = {{"echo", 7},   {"discard", 9}, {"daytime", 13}, {"ftp", 21},  {"ssh", 22},
                {"telnet", 23}, {"smtp", 25},  {"domain", 53},  {"http", 80}, {"https", 443}};

static bool is_local_name(const char *name)
{
    for (size_t i = 0; i < sizeof local_names / sizeof *local_names; i++) {
        if (strcasecmp(name, local_names[i]) == 0) return true;
    }
    return false;
}

/* 0 or EAI_... */
static int find_port(const char *service, int flags, uint16_t *port)
{
    char *end;
    *port = 0;
    if (service == NULL) return 0;
    unsigned long number = strtoul(service, &end, 10);
    if (*service >= '0' && *service <= '9' && *end == '\0' && number <= PORT_MOST) {
        *port = (uint16_t)number;
        return 0;
    }
    if (flags & AI_NUMERICSERV) return EAI_NONAME;
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (strcmp(service, services[i].name) != 0) continue;
        *port = services[i].port;
        return 0;
    }
    return EAI_SERVICE;
}

/* Whether the host has an address of that family. */
static bool find_host(const char *host, int flags, int family, struct address *out)
{
    *out = flags & AI_PASSIVE && host == NULL ? address_any(family) : address_loopback(family);
    if (host == NULL) return true;
    if (family == AF_INET && inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) return true;
    if (family == AF_INET6 && inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) return true;
    struct in6_addr other;
    bool numeric = inet_pton(family == AF_INET ? AF_INET6 : AF_INET, host, &other) == 1;
    return !numeric && !(flags & AI_NUMERICHOST) && is_local_name(host);
}

static const struct {
    int type, protocol;
} kinds[] = {{SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}};

/* One block for each, with its address and the name behind it, as the C library has it. */
static struct addrinfo *entry(const struct addrinfo *hints, size_t kind,
                              const struct address *address, const char *name)
{
    size_t room = name ? strlen(name) + 1 : 0;
    struct addrinfo *out = world_malloc(sizeof *out + sizeof *address + room);
    if (out == NULL) return NULL;
    struct sockaddr *copy = (struct sockaddr *)(out + 1);
    memcpy(copy, &address->any, address->length);
    *out = (struct addrinfo){.ai_flags = hints->ai_flags, .ai_family = address->any.sa_family,
                             .ai_socktype = kinds[kind].type,
                             .ai_protocol = kinds[kind].protocol, .ai_addrlen = address->length,
                             .ai_addr = copy};
    if (name == NULL) return out;
    out->ai_canonname = (char *)copy + sizeof *address;
    memcpy(out->ai_canonname, name, room);
    return out;
}

void world_freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        world_free(list);
        list = next;
    }
}

static struct addrinfo **add_kinds(struct addrinfo **end, const struct addrinfo *hints,
                                   const struct address *address, const char *name)
{
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        if (hints->ai_socktype && hints->ai_socktype != kinds[kind].type) continue;
        if (hints->ai_protocol && hints->ai_protocol != kinds[kind].protocol) continue;
        *end = entry(hints, kind, address, name);
        if (*end == NULL) return NULL;
        end = &(*end)->ai_next;
    }
    return end;
}

int world_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                      struct addrinfo **out)
{
    static const struct addrinfo none;
    static const int families[] = {AF_INET6, AF_INET};
    struct addrinfo *list = NULL, **end = &list;
    struct address address;
    uint16_t port;
    if (hints == NULL) hints = &none;
    if (host == NULL && service == NULL) return EAI_NONAME;
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET &&
        hints->ai_family != AF_INET6) {
        return EAI_FAMILY;
    }
    int rc = find_port(service, hints->ai_flags, &port);
    if (rc != 0) return rc;
    for (size_t i = 0; i < 2; i++) {
        if (hints->ai_family != AF_UNSPEC && hints->ai_family != families[i]) continue;
        if (!find_host(host, hints->ai_flags, families[i], &address)) continue;
        address_port_set(&address, port);
        const char *name = hints->ai_flags & AI_CANONNAME && list == NULL ? host : NULL;
        end = add_kinds(end, hints, &address, name);
        if (end == NULL) {
            world_freeaddrinfo(list);
            return EAI_MEMORY;
        }
    }
    *out = list;
    return list ? 0 : EAI_NONAME;
}

int world_getnameinfo(const struct sockaddr *from, socklen_t length, char *host,
                      socklen_t host_room, char *service, socklen_t service_room, int flags)
{
    struct address address;
    char text[ROOM];
    if (address_read(&address, from->sa_family, from, length) < 0 ||
        (from->sa_family != AF_INET && from->sa_family != AF_INET6)) {
        return EAI_FAMILY;
    }
    const void *number = from->sa_family == AF_INET ? (const void *)&address.v4.sin_addr
                                                    : (const void *)&address.v6.sin6_addr;
    inet_ntop(from->sa_family, number, text, sizeof text);
    struct address loopback = address_loopback(from->sa_family);
    bool named = !(flags & NI_NUMERICHOST) && address_same_host(&address, &loopback);
    if (host && host_room > 0 &&
        snprintf(host, host_room, "%s", named ? "localhost" : text) >= (int)host_room) {
        return EAI_OVERFLOW;
    }
    if (service && service_room > 0 &&
        snprintf(service, service_room, "%u", address_port(&address)) >= (int)service_room) {
        return EAI_OVERFLOW;
    }
    return 0;
}

struct hostent *world_gethostbyname(const char *name)
{
    static struct in_addr number;
    static char own[ROOM], *none[] = {NULL}, *list[2];
    static struct hostent host;
    struct address address;
    if (!find_host(name, 0, AF_INET, &address)) {
        h_errno = HOST_NOT_FOUND;
        return NULL;
    }
    number = address.v4.sin_addr;
    snprintf(own, sizeof own, "%s", name);
    list[0] = (char *)&number;
    host = (struct hostent){.h_name = own, .h_aliases = none, .h_addrtype = AF_INET,
                            .h_length = sizeof number, .h_addr_list = list};
    return &host;
}
