/* Faults of the network, byte for byte, and the end of a process that has connections. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/net/faults.h"
#include "harness/net/net.h"
#include "tests/world/explored.h"

/* As a program would be bound to them. */
int world_socket(int family, int type, int protocol);
int world_bind(int number, const struct sockaddr *name, socklen_t length);
int world_listen(int number, int backlog);
int world_connect(int number, const struct sockaddr *name, socklen_t length);
int world_accept(int number, struct sockaddr *out, socklen_t *length);
ssize_t world_send(int number, const void *bytes, size_t count, int flags);
ssize_t world_recv(int number, void *out, size_t count, int flags);
int world_close(int number);

enum { PORT = 8080, SERVER_GROUP = 2 };

static int listener, client, served;
static uint32_t observed;

static void observe(void *context, uint32_t connection)
{
    (void)context;
    observed = connection;
}

static void join_ends(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    net_observe_connections(observe, NULL);
    listener = world_socket(AF_INET, SOCK_STREAM, 0);
    client = world_socket(AF_INET, SOCK_STREAM, 0);
    if (world_bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        world_listen(listener, 1) != 0 ||
        world_connect(client, (struct sockaddr *)&address, sizeof address) != 0) {
        world_fail(WORLD_FOUND_CHECK, "no connection: %s", strerror(errno));
    }
    served = world_accept(listener, NULL, NULL);
}

/* Exactly that text can be read without waiting, and nothing more; then the error (0: the end). */
static void expect(int number, const char *text, int error)
{
    char room[16];
    size_t bytes = strlen(text);
    ssize_t got = bytes == 0 ? 0 : world_recv(number, room, sizeof room, MSG_DONTWAIT);
    if (got != (ssize_t)bytes || memcmp(room, text, bytes) != 0) {
        world_fail(WORLD_FOUND_CHECK, "%zd bytes instead of '%s'", got, text);
    }
    got = world_recv(number, room, sizeof room, MSG_DONTWAIT);
    if (error == 0 ? got != 0 : got >= 0 || errno != error) {
        world_fail(WORLD_FOUND_CHECK, "%zd, %s after '%s'", got, strerror(errno), text);
    }
}

static void cut(void *argument)
{
    (void)argument;
    join_ends();
    check(observed == 1 && net_connections() == 1, "the connection is observed");
    check(net_fault_set(1, NET_TO_SERVER, NET_CUT, 3), "it can be cut");
    check(world_send(client, "ab", 2, 0) == 2, "what goes before passes");
    expect(served, "ab", EAGAIN);
    check(world_send(client, "cdef", 4, 0) == 4, "the cut is not told to the sender");
    expect(served, "c", ECONNRESET);
    expect(client, "", ECONNRESET);
}

static void stall(void *argument)
{
    (void)argument;
    join_ends();
    check(net_fault_set(1, NET_TO_CLIENT, NET_STALL, 1), "it can be stalled");
    world_send(served, "xyz", 3, 0);
    world_close(served);
    expect(client, "x", EAGAIN);
    check(!net_fault_set(1, NET_TO_CLIENT, NET_PASS, 0), "an end is gone");
    check(!net_fault_set(2, NET_TO_CLIENT, NET_PASS, 0), "there is no second one");
}

static void resume(void *argument)
{
    char room[4];
    (void)argument;
    join_ends();
    net_fault_set(1, NET_TO_CLIENT, NET_STALL, 0);
    world_send(served, "xyz", 3, 0);
    expect(client, "", EAGAIN);
    net_fault_set(1, NET_TO_CLIENT, NET_PASS, 0);
    check(world_recv(client, room, sizeof room, 0) == 3, "what was stalled arrives");
    expect(client, "", EAGAIN);
}

static void lose(void *argument)
{
    (void)argument;
    join_ends();
    check(net_connection_find(40001, PORT) == 1, "it is found by its ports");
    net_fault_set(1, NET_TO_SERVER, NET_LOSE, 2);
    world_send(client, "abcd", 4, 0);
    world_close(client);
    expect(served, "ab", EAGAIN);
}

static void end_of_process(void *argument)
{
    (void)argument;
    join_ends();
    world_group_enter(SERVER_GROUP);
    int other = world_socket(AF_INET, SOCK_STREAM, 0);
    world_group_enter(0);
    check(net_open_list(NULL, 0) == 4, "four are open");
    net_group_end(SERVER_GROUP);
    check(net_open_list(NULL, 0) == 3 && other == 3, "one of them is not any more");
    net_group_end(0);
    check(net_open_list(NULL, 0) == 0, "and then all");
}

static void before(void *context)
{
    (void)context;
    observed = 0;
    net_begin();
}

int main(void)
{
    static struct CMUnitTest tests[] = {EXPLORED_CASE(cut), EXPLORED_CASE(stall),
                                        EXPLORED_CASE(resume), EXPLORED_CASE(lose),
                                        EXPLORED_CASE(end_of_process)};
    explored_begin(before);
    world_catch_signals();
    return cmocka_run_group_tests_name("faults of the network", tests, NULL, NULL);
}
