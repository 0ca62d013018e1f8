/* Sockets: names, options, pairs. */
#include "posix_list.h"
#include "posix_net.h"
#include "posix_support.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/un.h>

void posix_sockets_pair(void)
{
    int ends[2];
    char byte;

    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    net_write(ends[0], "to");
    net_write(ends[1], "back");
    net_expect(ends[1], "to");
    net_expect(ends[0], "back");
    CHECK_OK(shutdown(ends[0], SHUT_WR));
    CHECK_EQ(recv(ends[1], &byte, 1, 0), 0);
    net_write(ends[1], "more");
    net_expect(ends[0], "more");
    net_close_both(ends[0], ends[1]);
}

void posix_sockets_pair_broken(void)
{
    int ends[2];
    char byte;

    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    net_write(ends[0], "unread");
    CHECK_OK(close(ends[1]));
    CHECK_ERROR(send(ends[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERROR(recv(ends[0], &byte, 1, 0), ECONNRESET);
    CHECK_EQ(recv(ends[0], &byte, 1, 0), 0);
    CHECK_OK(close(ends[0]));
}

/* Each keeps its bounds, and what there is no room for is lost. */
void posix_sockets_packets(void)
{
    int ends[2];
    char bytes[8];

    CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
    net_write(ends[0], "one");
    net_write(ends[0], "number two");
    net_write(ends[0], "three");
    CHECK_EQ(recv(ends[1], bytes, sizeof bytes, MSG_PEEK), 3);
    CHECK_EQ(recv(ends[1], bytes, sizeof bytes, 0), 3);
    CHECK_EQ(recv(ends[1], bytes, sizeof bytes, MSG_TRUNC), 10);
    CHECK_EQ(recv(ends[1], bytes, sizeof bytes, MSG_WAITALL), 5);
    CHECK_ERROR(recv(ends[1], bytes, sizeof bytes, MSG_DONTWAIT), EAGAIN);
    CHECK_OK(close(ends[0]));
    CHECK_EQ(recv(ends[1], bytes, sizeof bytes, 0), 0);
    CHECK_OK(close(ends[1]));
}

union control {
    char bytes[CMSG_SPACE(2 * sizeof(int))];
    struct cmsghdr header;
};

static void send_rights(int socket, int number)
{
    union control control = {.header = {.cmsg_len = CMSG_LEN(sizeof number),
                                        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    char bytes[] = "xy";
    struct iovec piece = {bytes, 2};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = CMSG_SPACE(sizeof number)};
    memcpy(CMSG_DATA(&control.header), &number, sizeof number);
    CHECK_EQ(sendmsg(socket, &message, 0), 2);
}

/* How many bytes came; *number: what came with them, or -1. */
static ssize_t receive_rights(int socket, int *number)
{
    char bytes[8];
    union control control;
    struct iovec piece = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t count = recvmsg(socket, &message, 0);
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *number = -1;
    if (header) memcpy(number, CMSG_DATA(header), sizeof *number);
    return count;
}

/* A descriptor is another number of the same; who asks for none gets none, and it is closed. */
static void pass_rights(int type, ssize_t first_bytes)
{
    int ends[2], tube[2], got;
    char byte;

    CHECK_OK(socketpair(AF_UNIX, type, 0, ends));
    CHECK_OK(pipe(tube));
    net_write(ends[0], "p");
    send_rights(ends[0], tube[1]);
    send_rights(ends[0], tube[1]);
    CHECK_OK(close(tube[1]));
    CHECK_EQ(receive_rights(ends[1], &got), first_bytes);
    if (got < 0) CHECK_EQ(receive_rights(ends[1], &got), 2);
    net_write(got, "y");
    CHECK_EQ(read(tube[0], &byte, 1), 1);
    CHECK_OK(close(got));
    CHECK_EQ(recv(ends[1], &byte, 1, 0), 1);
    CHECK_EQ(read(tube[0], &byte, 1), 0);
    send_rights(ends[0], tube[0]);
    CHECK_OK(close(tube[0]));
    net_close_both(ends[0], ends[1]);
}

void posix_sockets_rights(void)
{
    pass_rights(SOCK_STREAM, 3);
    pass_rights(SOCK_DGRAM, 1);
    pass_rights(SOCK_SEQPACKET, 1);
}

void posix_sockets_names(void)
{
    int client, served;
    struct sockaddr_in a, b;
    socklen_t length = sizeof a;

    net_pair(&client, &served);
    CHECK_OK(getsockname(client, net_any(&a), &length));
    CHECK_EQ(length, sizeof a);
    CHECK_OK(getpeername(served, net_any(&b), &length));
    CHECK_EQ(a.sin_port, b.sin_port);
    CHECK_EQ(a.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    CHECK_EQ(b.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    length = 4;
    CHECK_OK(getpeername(client, net_any(&b), &length));
    CHECK_EQ(length, sizeof b);
    net_close_both(client, served);
    client = socket(AF_INET, SOCK_STREAM, 0);
    length = sizeof a;
    CHECK_ERROR(getpeername(client, net_any(&a), &length), ENOTCONN);
    CHECK_OK(getsockname(client, net_any(&a), &length));
    CHECK_EQ(a.sin_port, 0);
    CHECK_OK(close(client));
}

void posix_sockets_refused(void)
{
    struct sockaddr_in address;
    int listener = net_listen(&address, 1), client = socket(AF_INET, SOCK_STREAM, 0);
    char byte = 0;

    CHECK_OK(close(listener));
    CHECK_ERROR(connect(client, net_any(&address), sizeof address), ECONNREFUSED);
    CHECK_ERROR(recv(client, &byte, 1, 0), ENOTCONN);
    CHECK_ERROR(send(client, &byte, 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERROR(shutdown(client, SHUT_RDWR), ENOTCONN);
    CHECK_ERROR(connect(client, net_any(&address), 3), EINVAL);
    CHECK_ERROR(accept(client, NULL, NULL), EINVAL);
    CHECK_OK(close(client));
    CHECK_ERROR(socket(AF_INET, 77, 0), EINVAL);
    CHECK_ERROR(connect(client, net_any(&address), sizeof address), EBADF);
}

void posix_sockets_bind_taken(void)
{
    struct sockaddr_in address;
    int listener = net_listen(&address, 1), other = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    CHECK_ERROR(bind(other, net_any(&address), sizeof address), EADDRINUSE);
    CHECK_OK(setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    CHECK_ERROR(bind(other, net_any(&address), sizeof address), EADDRINUSE);
    CHECK_ERROR(bind(listener, net_any(&address), sizeof address), EINVAL);
    CHECK_OK(close(listener));
    CHECK_OK(bind(other, net_any(&address), sizeof address));
    CHECK_OK(close(other));
    other = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(0xc0000201); /* an address of the documentation */
    CHECK_ERROR(bind(other, net_any(&address), sizeof address), EADDRNOTAVAIL);
    CHECK_OK(close(other));
}

void posix_sockets_options(void)
{
    int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), value = 0, on = 1;
    socklen_t length = sizeof value;
    struct linger linger = {1, 5}, kept = {0};

    CHECK_OK(getsockopt(file, SOL_SOCKET, SO_TYPE, &value, &length));
    CHECK_EQ(value, SOCK_STREAM);
    CHECK_OK(getsockopt(file, IPPROTO_TCP, TCP_NODELAY, &value, &length));
    CHECK_EQ(value, 0);
    CHECK_OK(setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    CHECK_OK(getsockopt(file, IPPROTO_TCP, TCP_NODELAY, &value, &length));
    CHECK_EQ(value, 1);
    value = 10000;
    CHECK_OK(setsockopt(file, SOL_SOCKET, SO_RCVBUF, &value, sizeof value));
    CHECK_OK(getsockopt(file, SOL_SOCKET, SO_RCVBUF, &value, &length));
    CHECK_EQ(value, 20000);
    CHECK_OK(setsockopt(file, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    length = sizeof kept;
    CHECK_OK(getsockopt(file, SOL_SOCKET, SO_LINGER, &kept, &length));
    CHECK_EQ(kept.l_linger, 5);
    CHECK_ERROR(setsockopt(file, SOL_SOCKET, SO_KEEPALIVE, &on, 1), EINVAL);
    CHECK_OK(close(file));
}

static socklen_t name_it(struct sockaddr_un *address, bool abstract)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    int length = snprintf(address->sun_path + abstract, sizeof address->sun_path - 1,
                          "/tmp/posix_sockets_%d", (int)getpid());
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length + 1);
}

static void talk_over(struct sockaddr_un *address, socklen_t length)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr *name = (struct sockaddr *)address;
    struct sockaddr_un peer;
    socklen_t room = sizeof peer;

    CHECK_OK(bind(listener, name, length));
    CHECK_ERROR(connect(client, name, length), ECONNREFUSED);
    CHECK_OK(listen(listener, 1));
    CHECK_OK(connect(client, name, length));
    int served = accept(listener, (struct sockaddr *)&peer, &room);
    CHECK_EQ(room, sizeof(sa_family_t));
    net_write(client, "hello");
    net_expect(served, "hello");
    net_close_both(client, served);
    CHECK_OK(close(listener));
}

/* The path stays when the socket is gone, until it is unlinked. */
void posix_sockets_unix_path(void)
{
    struct sockaddr_un address;
    socklen_t length = name_it(&address, false);

    posix_unlink(address.sun_path);
    talk_over(&address, length);
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_ERROR(bind(other, (struct sockaddr *)&address, length), EADDRINUSE);
    CHECK_OK(posix_unlink(address.sun_path));
    CHECK_ERROR(connect(other, (struct sockaddr *)&address, length), ENOENT);
    CHECK_OK(close(other));
}

void posix_sockets_unix_abstract(void)
{
    struct sockaddr_un address;
    socklen_t length = name_it(&address, true);

    talk_over(&address, length);
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_ERROR(connect(other, (struct sockaddr *)&address, length), ECONNREFUSED);
    CHECK_OK(close(other));
}

void posix_sockets_resolve(void)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = NULL;
    char host[64], service[16];

    CHECK_OK(getaddrinfo("127.0.0.1", "8080", &hints, &list));
    CHECK_EQ(list->ai_addrlen, sizeof(struct sockaddr_in));
    CHECK(list->ai_next == NULL);
    CHECK_EQ(((struct sockaddr_in *)(void *)list->ai_addr)->sin_port, htons(8080));
    CHECK_OK(getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof host, service,
                         sizeof service, NI_NUMERICHOST | NI_NUMERICSERV));
    CHECK_OK(strcmp(host, "127.0.0.1"));
    CHECK_OK(strcmp(service, "8080"));
    freeaddrinfo(list);
    hints.ai_flags = AI_PASSIVE;
    CHECK_OK(getaddrinfo(NULL, "80", &hints, &list));
    CHECK_EQ(((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr.s_addr, INADDR_ANY);
    freeaddrinfo(list);
    hints.ai_flags = AI_NUMERICHOST;
    CHECK_EQ(getaddrinfo("localhost", "80", &hints, &list), EAI_NONAME);
}

void posix_sockets_resolve_name(void)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = NULL;

    CHECK_OK(getaddrinfo("localhost", NULL, &hints, &list));
    CHECK_EQ(((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr.s_addr,
             htonl(INADDR_LOOPBACK));
    freeaddrinfo(list);
}
