/* epoll. */
#include "posix_list.h"
#include "posix_net.h"
#include "posix_support.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

static void watch(int set, int operation, int file, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = file};

    CHECK_OK(epoll_ctl(set, operation, file, &event));
}

/* One event is there, of that file. */
static void expect(int set, int file, uint32_t events)
{
    struct epoll_event event = {.events = 0};

    CHECK_EQ(epoll_wait(set, &event, 1, -1), 1);
    CHECK_EQ(event.events, events);
    CHECK_EQ(event.data.fd, file);
}

static void expect_nothing(int set)
{
    struct epoll_event event;

    CHECK_EQ(epoll_wait(set, &event, 1, 0), 0);
}

void posix_epoll_level(void)
{
    int ends[2], set = epoll_create1(EPOLL_CLOEXEC);

    CHECK_OK(pipe(ends));
    watch(set, EPOLL_CTL_ADD, ends[0], EPOLLIN);
    expect_nothing(set);
    net_write(ends[1], "ab");
    expect(set, ends[0], EPOLLIN);
    net_expect(ends[0], "a");
    expect(set, ends[0], EPOLLIN);
    net_expect(ends[0], "b");
    expect_nothing(set);
    watch(set, EPOLL_CTL_MOD, ends[0], 0);
    net_write(ends[1], "c");
    expect_nothing(set);
    watch(set, EPOLL_CTL_MOD, ends[0], EPOLLIN);
    expect(set, ends[0], EPOLLIN);
    net_close_both(ends[0], ends[1]);
    CHECK_OK(close(set));
}

void posix_epoll_edge(void)
{
    int ends[2], set = epoll_create1(0);

    CHECK_OK(pipe(ends));
    watch(set, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLET);
    net_write(ends[1], "a");
    expect(set, ends[0], EPOLLIN);
    expect_nothing(set);
    net_write(ends[1], "b");
    expect(set, ends[0], EPOLLIN);
    net_expect(ends[0], "ab");
    expect_nothing(set);
    watch(set, EPOLL_CTL_ADD, ends[1], EPOLLOUT | EPOLLET);
    expect(set, ends[1], EPOLLOUT);
    expect_nothing(set);
    net_close_both(ends[0], ends[1]);
    CHECK_OK(close(set));
}

void posix_epoll_oneshot(void)
{
    int ends[2], set = epoll_create1(0);

    CHECK_OK(pipe(ends));
    watch(set, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLONESHOT);
    net_write(ends[1], "a");
    expect(set, ends[0], EPOLLIN);
    net_write(ends[1], "b");
    expect_nothing(set);
    watch(set, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT);
    expect(set, ends[0], EPOLLIN);
    net_close_both(ends[0], ends[1]);
    CHECK_OK(close(set));
}

/* A file is watched until the last number of its description is closed. */
void posix_epoll_closed(void)
{
    int ends[2], set = epoll_create1(0), copy;

    CHECK_OK(pipe(ends));
    copy = dup(ends[0]);
    watch(set, EPOLL_CTL_ADD, ends[0], EPOLLIN);
    net_write(ends[1], "x");
    CHECK_OK(close(ends[0]));
    expect(set, ends[0], EPOLLIN);
    CHECK_OK(close(copy));
    expect_nothing(set);
    CHECK_OK(close(ends[1]));
    CHECK_OK(close(set));
}

void posix_epoll_errors(void)
{
    int ends[2], set = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};

    CHECK_OK(pipe(ends));
    CHECK_ERROR(epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event), ENOENT);
    CHECK_ERROR(epoll_ctl(set, EPOLL_CTL_ADD, set, &event), EINVAL);
    CHECK_ERROR(epoll_ctl(ends[0], EPOLL_CTL_ADD, ends[1], &event), EINVAL);
    CHECK_OK(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event));
    CHECK_ERROR(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event), EEXIST);
    CHECK_OK(epoll_ctl(set, EPOLL_CTL_DEL, ends[0], NULL));
    CHECK_ERROR(epoll_ctl(set, EPOLL_CTL_DEL, ends[0], NULL), ENOENT);
    CHECK_ERROR(epoll_wait(set, &event, 0, 0), EINVAL);
    CHECK_ERROR(epoll_wait(ends[0], &event, 1, 0), EINVAL);
    net_close_both(ends[0], ends[1]);
    CHECK_ERROR(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event), EBADF);
    CHECK_OK(close(set));
}

void posix_epoll_hangup(void)
{
    int ends[2], set = epoll_create1(0);

    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    watch(set, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLRDHUP);
    CHECK_OK(shutdown(ends[1], SHUT_WR));
    expect(set, ends[0], EPOLLIN | EPOLLRDHUP);
    CHECK_OK(close(ends[1]));
    expect(set, ends[0], EPOLLIN | EPOLLRDHUP | EPOLLHUP);
    CHECK_OK(close(ends[0]));
    CHECK_OK(close(set));
}

void posix_epoll_nested(void)
{
    int inner = epoll_create1(0), outer = epoll_create1(0), events = eventfd(0, 0);
    struct epoll_event event = {.events = EPOLLIN};

    watch(inner, EPOLL_CTL_ADD, events, EPOLLIN);
    watch(outer, EPOLL_CTL_ADD, inner, EPOLLIN);
    CHECK_ERROR(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event), ELOOP);
    expect_nothing(outer);
    CHECK_OK(eventfd_write(events, 1));
    expect(outer, inner, EPOLLIN);
    expect(inner, events, EPOLLIN);
    net_close_both(inner, outer);
    CHECK_OK(close(events));
}

struct pool {
    int set, served;
};

/* Takes one byte whenever it is told to, until there is nothing more. */
static void *work(void *argument)
{
    const struct pool *pool = argument;
    struct epoll_event event;
    intptr_t taken = 0;
    char byte;

    for (;;) {
        CHECK_EQ(epoll_wait(pool->set, &event, 1, -1), 1);
        if (recv(pool->served, &byte, 1, 0) != 1)
            break;
        taken++;
        watch(pool->set, EPOLL_CTL_MOD, pool->served, EPOLLIN | EPOLLONESHOT);
    }
    watch(pool->set, EPOLL_CTL_MOD, pool->served, EPOLLIN | EPOLLONESHOT);
    return (void *)taken;
}

void posix_epoll_workers(void)
{
    struct pool pool = {.set = epoll_create1(0)};
    int client;
    pthread_t threads[2];
    intptr_t taken = 0;

    net_pair(&client, &pool.served);
    watch(pool.set, EPOLL_CTL_ADD, pool.served, EPOLLIN | EPOLLONESHOT);
    for (int i = 0; i < 2; i++)
        threads[i] = posix_start(work, &pool);
    net_write(client, "abc");
    CHECK_OK(shutdown(client, SHUT_WR));
    for (int i = 0; i < 2; i++)
        taken += (intptr_t)posix_finish(threads[i]);
    CHECK_EQ(taken, 3);
    net_close_both(client, pool.served);
    CHECK_OK(close(pool.set));
}
