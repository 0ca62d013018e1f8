/* Datagrams. */
#include "posix_list.h"
#include "posix_net.h"
#include "posix_support.h"

static int bind_somewhere(struct sockaddr_in *address)
{
    int file = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t length = sizeof *address;

    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_OK(bind(file, net_any(address), sizeof *address));
    CHECK_OK(getsockname(file, net_any(address), &length));
    return file;
}

void posix_datagrams_udp(void)
{
    struct sockaddr_in left, right, from;
    int a = bind_somewhere(&left), b = bind_somewhere(&right);
    socklen_t length = sizeof from;
    char room[8];

    CHECK_EQ(sendto(a, "one", 3, 0, net_any(&right), sizeof right), 3);
    CHECK_EQ(sendto(a, "second", 6, 0, net_any(&right), sizeof right), 6);
    CHECK_EQ(recvfrom(b, room, sizeof room, 0, net_any(&from), &length), 3);
    CHECK_EQ(from.sin_port, left.sin_port);
    CHECK_OK(connect(b, net_any(&left), sizeof left));
    CHECK_EQ(recv(b, room, 2, 0), 2);
    CHECK_ERROR(recv(b, room, sizeof room, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(send(b, "back", 4, 0), 4);
    CHECK_EQ(recv(a, room, sizeof room, 0), 4);
    CHECK_ERROR(send(a, "x", 1, 0), EDESTADDRREQ);
    net_close_both(a, b);
}

void posix_datagrams_pair(void)
{
    int ends[2];
    char room[8];

    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
    CHECK_EQ(send(ends[0], "ab", 2, 0), 2);
    CHECK_EQ(send(ends[0], "c", 1, 0), 1);
    CHECK_EQ(recv(ends[1], room, sizeof room, 0), 2);
    CHECK_EQ(recv(ends[1], room, sizeof room, 0), 1);
    CHECK_OK(close(ends[1]));
    CHECK_ERROR(send(ends[0], "x", 1, 0), ECONNREFUSED);
    CHECK_OK(close(ends[0]));
}

/* Whoever is connected hears that nobody was there. */
void posix_datagrams_refused(void)
{
    struct sockaddr_in left, right;
    int a = bind_somewhere(&left), b = bind_somewhere(&right);
    char byte;

    CHECK_OK(close(b));
    CHECK_OK(connect(a, net_any(&right), sizeof right));
    CHECK_EQ(send(a, "x", 1, 0), 1);
    CHECK_ERROR(recv(a, &byte, 1, 0), ECONNREFUSED);
    CHECK_OK(close(a));
}
