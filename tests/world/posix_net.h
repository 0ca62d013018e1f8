/* What the cases of descriptors share; inline, because every topic is one file. */
#ifndef TESTS_WORLD_POSIX_NET_H
#define TESTS_WORLD_POSIX_NET_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "posix_check.h"

/* Provided by the runner, never rebound: what takes more than descriptors. */
void posix_ignore_broken_pipes(void);
int posix_unlink(const char *path);

/* The call failed, and for this reason. */
#define CHECK_ERROR(call, reason)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK_EQ(call, -1);                                                                        \
        CHECK_EQ(errno, reason);                                                                   \
    } while (0)

static inline struct sockaddr *net_any(struct sockaddr_in *address)
{
    return (struct sockaddr *)address;
}

/* A socket that listens at a port of the loopback address, which is told. */
static inline int net_listen(struct sockaddr_in *address, int backlog)
{
    socklen_t length = sizeof *address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(listener >= 0);
    CHECK_OK(bind(listener, net_any(address), sizeof *address));
    CHECK_OK(listen(listener, backlog));
    CHECK_OK(getsockname(listener, net_any(address), &length));
    return listener;
}

static inline int net_connect(struct sockaddr_in *address)
{
    int client = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(client >= 0);
    CHECK_OK(connect(client, net_any(address), sizeof *address));
    return client;
}

/* Both ends of a connection. */
static inline void net_pair(int *client, int *served)
{
    struct sockaddr_in address;
    int listener = net_listen(&address, 1);

    *client = net_connect(&address);
    *served = accept(listener, NULL, NULL);
    CHECK(*served >= 0);
    CHECK_OK(close(listener));
}

/* Reads exactly so many bytes, in however many parts they come. */
static inline void net_expect(int file, const char *text)
{
    char room[64] = "";
    size_t got = 0, wanted = strlen(text);

    while (got < wanted) {
        ssize_t some = read(file, room + got, wanted - got);
        CHECK(some > 0);
        if (some <= 0)
            return;
        got += (size_t)some;
    }
    CHECK(memcmp(room, text, wanted) == 0);
}

static inline void net_write(int file, const char *text)
{
    CHECK_EQ(write(file, text, strlen(text)), strlen(text));
}

static inline void net_close_both(int a, int b)
{
    CHECK_OK(close(a));
    CHECK_OK(close(b));
}

#endif
