/* Connections over TCP: how they come about, what is read, how they end. */
#include "posix_list.h"
#include "posix_net.h"
#include "posix_support.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>

static void *echo(void *file)
{
    char room[4];
    ssize_t some;

    while ((some = recv(*(int *)file, room, sizeof room, 0)) > 0)
        CHECK_EQ(send(*(int *)file, room, (size_t)some, MSG_NOSIGNAL), some);
    CHECK_EQ(some, 0);
    CHECK_OK(close(*(int *)file));
    return NULL;
}

void posix_connections_echo(void)
{
    int client, served;
    char byte;

    net_pair(&client, &served);
    pthread_t server = posix_start(echo, &served);
    net_write(client, "hello, world");
    net_expect(client, "hello, world");
    CHECK_OK(shutdown(client, SHUT_WR));
    CHECK_EQ(recv(client, &byte, 1, 0), 0);
    posix_finish(server);
    CHECK_OK(close(client));
}

void posix_connections_half_closed(void)
{
    int client, served;
    char byte;

    net_pair(&client, &served);
    CHECK_OK(shutdown(client, SHUT_WR));
    CHECK_ERROR(send(client, "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_EQ(recv(served, &byte, 1, 0), 0);
    net_write(served, "still");
    net_expect(client, "still");
    CHECK_OK(shutdown(served, SHUT_RD));
    CHECK_OK(shutdown(served, SHUT_WR));
    CHECK_EQ(recv(client, &byte, 1, 0), 0);
    net_close_both(client, served);
}

/* Waits until the other end's answer is there. */
static void wait_for_news(int file)
{
    struct pollfd news = {.fd = file, .events = POLLIN};

    CHECK_EQ(poll(&news, 1, -1), 1);
}

/* Closed with something unread, an end says so. */
void posix_connections_reset_unread(void)
{
    int client, served, error = 0;
    char byte;
    socklen_t length = sizeof error;

    net_pair(&client, &served);
    net_write(client, "unread");
    wait_for_news(served);
    CHECK_OK(close(served));
    wait_for_news(client);
    CHECK_ERROR(recv(client, &byte, 1, 0), ECONNRESET);
    CHECK_EQ(recv(client, &byte, 1, 0), 0);
    CHECK_ERROR(send(client, "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_OK(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length));
    CHECK_EQ(error, 0);
    CHECK_OK(close(client));
}

/* The first write goes out, and is answered by a reset. */
void posix_connections_write_after_close(void)
{
    int client, served;
    char byte;
    struct pollfd file = {.events = POLLOUT};

    net_pair(&client, &served);
    CHECK_OK(close(served));
    CHECK_EQ(recv(client, &byte, 1, 0), 0);
    net_write(client, "x");
    file.fd = client;
    while (!(file.revents & POLLERR))
        CHECK_EQ(poll(&file, 1, -1), 1);
    CHECK_ERROR(send(client, "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_EQ(recv(client, &byte, 1, 0), 0);
    CHECK_OK(close(client));
}

static void *accept_none(void *listener)
{
    CHECK_ERROR(accept(*(int *)listener, NULL, NULL), EINVAL);
    return NULL;
}

void posix_connections_listener_shut(void)
{
    struct sockaddr_in address;
    int listener = net_listen(&address, 1);
    pthread_t thread = posix_start(accept_none, &listener);

    CHECK_OK(shutdown(listener, SHUT_RDWR));
    posix_finish(thread);
    CHECK_OK(close(listener));
}

/* Connected before they are accepted, and served in that order. */
void posix_connections_backlog(void)
{
    struct sockaddr_in address;
    int listener = net_listen(&address, 2), clients[2], served;

    for (int i = 0; i < 2; i++) {
        clients[i] = net_connect(&address);
        net_write(clients[i], i ? "second" : "first");
    }
    served = accept(listener, NULL, NULL);
    net_expect(served, "first");
    CHECK_OK(close(served));
    CHECK_OK(close(listener)); /* nobody will accept the second one */
    char byte;
    CHECK_ERROR(recv(clients[1], &byte, 1, 0), ECONNRESET);
    net_close_both(clients[0], clients[1]);
}

void posix_connections_nonblocking(void)
{
    struct sockaddr_in address;
    int listener = net_listen(&address, 1), error = -1;
    int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd file = {.fd = client, .events = POLLOUT};
    socklen_t length = sizeof error;
    char byte;

    CHECK_OK(fcntl(listener, F_SETFL, O_NONBLOCK));
    CHECK_ERROR(accept(listener, NULL, NULL), EAGAIN);
    CHECK_ERROR(connect(client, net_any(&address), sizeof address), EINPROGRESS);
    CHECK_EQ(poll(&file, 1, -1), 1);
    CHECK_OK(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length));
    CHECK_EQ(error, 0);
    CHECK_OK(connect(client, net_any(&address), sizeof address));
    CHECK_ERROR(connect(client, net_any(&address), sizeof address), EISCONN);
    wait_for_news(listener);
    int served = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK_EQ(fcntl(served, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK_ERROR(recv(served, &byte, 1, 0), EAGAIN);
    CHECK_ERROR(recv(client, &byte, 1, 0), EAGAIN);
    net_close_both(client, served);
    CHECK_OK(close(listener));
}

void posix_connections_refused_later(void)
{
    struct sockaddr_in address;
    int listener = net_listen(&address, 1), error = 0;
    int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd file = {.fd = client, .events = POLLOUT};
    socklen_t length = sizeof error;

    CHECK_OK(close(listener));
    CHECK_ERROR(connect(client, net_any(&address), sizeof address), EINPROGRESS);
    CHECK_EQ(poll(&file, 1, -1), 1);
    CHECK(file.revents & POLLERR);
    CHECK_OK(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length));
    CHECK_EQ(error, ECONNREFUSED);
    CHECK_OK(close(client));
}

/* A listener for both families. */
void posix_connections_six_and_four(void)
{
    struct sockaddr_in6 wide = {.sin6_family = AF_INET6}, peer;
    struct sockaddr_in narrow = {.sin_family = AF_INET};
    socklen_t length = sizeof wide;
    int listener = socket(AF_INET6, SOCK_STREAM, 0), off = 0;

    CHECK_OK(setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off));
    CHECK_OK(bind(listener, (struct sockaddr *)&wide, sizeof wide));
    CHECK_OK(listen(listener, 1));
    CHECK_OK(getsockname(listener, (struct sockaddr *)&wide, &length));
    narrow.sin_port = wide.sin6_port;
    narrow.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = net_connect(&narrow);
    int served = accept(listener, (struct sockaddr *)&peer, &length);
    CHECK_EQ(length, sizeof peer);
    CHECK(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
    net_write(client, "four");
    net_expect(served, "four");
    net_close_both(client, served);
    CHECK_OK(close(listener));
}

void posix_connections_timeouts(void)
{
    int client, served;
    struct timeval limit = {.tv_usec = POSIX_SHORT_US};
    char byte;

    net_pair(&client, &served);
    CHECK_OK(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    CHECK_ERROR(recv(client, &byte, 1, 0), EAGAIN);
    CHECK_ERROR(recv(client, &byte, 1, MSG_DONTWAIT), EAGAIN);
    net_close_both(client, served);
}

void posix_connections_peek_and_whole(void)
{
    int client, served;
    char room[8] = "";

    net_pair(&client, &served);
    net_write(client, "ab");
    CHECK(recv(served, room, sizeof room, MSG_PEEK) >= 1);
    CHECK_EQ(room[0], 'a');
    net_write(client, "cdef");
    CHECK_EQ(recv(served, room, 6, MSG_WAITALL), 6);
    CHECK_EQ(memcmp(room, "abcdef", 6), 0);
    net_write(client, "gh");
    CHECK_OK(shutdown(client, SHUT_WR));
    CHECK_EQ(recv(served, room, sizeof room, MSG_WAITALL), 2);
    net_close_both(client, served);
}

static void *accept_one(void *listener)
{
    int served = accept(*(int *)listener, NULL, NULL);

    if (served >= 0) {
        net_expect(served, "x");
        CHECK_OK(close(served));
    } else {
        CHECK_EQ(errno, EBADF);
    }
    return NULL;
}

/* Whoever is in accept() still accepts; whoever comes later finds no listener. */
void posix_connections_close_while_accepting(void)
{
    struct sockaddr_in address;
    int listener = net_listen(&address, 1), number = listener;
    pthread_t thread = posix_start(accept_one, &number);
    int client = net_connect(&address);

    CHECK_EQ(send(client, "x", 1, MSG_NOSIGNAL), 1);
    CHECK_OK(close(listener));
    posix_finish(thread);
    CHECK_OK(close(client));
}

static void *swallow(void *file)
{
    static char room[65536];
    ssize_t some;
    int64_t sum = 0;

    while ((some = recv(*(int *)file, room, sizeof room, 0)) > 0)
        sum += some;
    CHECK_EQ(some, 0);
    return (void *)(intptr_t)sum;
}

/* Nobody reads, until there is no more room; then everything arrives. */
void posix_connections_full(void)
{
    static char piece[32768];
    int client, served;
    int64_t sent = 0;
    ssize_t some;

    net_pair(&client, &served);
    while ((some = send(client, piece, sizeof piece, MSG_DONTWAIT)) > 0)
        sent += some;
    CHECK_EQ(errno, EAGAIN);
    CHECK(sent > (int64_t)sizeof piece);
    pthread_t reader = posix_start(swallow, &served);
    CHECK_EQ(send(client, piece, sizeof piece, 0), sizeof piece);
    CHECK_OK(shutdown(client, SHUT_WR));
    CHECK_EQ((intptr_t)posix_finish(reader), sent + (int64_t)sizeof piece);
    net_close_both(client, served);
}
