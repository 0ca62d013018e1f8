/* poll and select. */
#include "posix_list.h"
#include "posix_net.h"
#include "posix_support.h"

#include <poll.h>
#include <sys/select.h>

void posix_poll_several(void)
{
    int left[2], right[2];

    CHECK_OK(pipe(left));
    CHECK_OK(pipe(right));
    struct pollfd files[] = {{left[0], POLLIN, 0}, {-1, POLLIN, 7}, {right[0], POLLIN, 0},
                             {left[1], POLLOUT, 0}};
    CHECK_EQ(poll(files, 3, 0), 0);
    CHECK_EQ(files[1].revents, 0);
    net_write(right[1], "x");
    CHECK_EQ(poll(files, 4, -1), 2);
    CHECK_EQ(files[0].revents, 0);
    CHECK_EQ(files[2].revents, POLLIN);
    CHECK_EQ(files[3].revents, POLLOUT);
    net_close_both(left[0], left[1]);
    net_close_both(right[0], right[1]);
}

void posix_poll_hangup(void)
{
    int ends[2], client, served;

    CHECK_OK(pipe(ends));
    CHECK_OK(close(ends[1]));
    struct pollfd file = {ends[0], POLLIN, 0};
    CHECK_EQ(poll(&file, 1, -1), 1);
    CHECK_EQ(file.revents, POLLHUP);
    CHECK_OK(close(ends[0]));
    net_pair(&client, &served);
    file = (struct pollfd){served, POLLIN | POLLOUT | POLLRDHUP, 0};
    CHECK_OK(shutdown(client, SHUT_WR));
    while (!(file.revents & POLLIN))
        CHECK_EQ(poll(&file, 1, -1), 1);
    CHECK_EQ(file.revents, POLLIN | POLLOUT | POLLRDHUP);
    CHECK_OK(shutdown(served, SHUT_WR));
    CHECK_EQ(poll(&file, 1, -1), 1);
    CHECK_EQ(file.revents, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    net_close_both(client, served);
}

void posix_poll_invalid(void)
{
    int ends[2];

    CHECK_OK(pipe(ends));
    net_close_both(ends[0], ends[1]);
    struct pollfd file = {ends[0], POLLIN, 0};
    CHECK_EQ(poll(&file, 1, -1), 1);
    CHECK_EQ(file.revents, POLLNVAL);
    int fresh = socket(AF_INET, SOCK_STREAM, 0);
    file = (struct pollfd){fresh, POLLIN | POLLOUT, 0};
    CHECK_EQ(poll(&file, 1, -1), 1);
    CHECK_EQ(file.revents, POLLOUT | POLLHUP);
    CHECK_OK(close(fresh));
}

void posix_poll_timeout(void)
{
    int ends[2];

    CHECK_OK(pipe(ends));
    struct pollfd file = {ends[0], POLLIN, 0};
    struct timespec limit = posix_span(POSIX_SHORT_US), malformed = {.tv_nsec = -1};
    struct timespec deadline = posix_deadline(CLOCK_MONOTONIC, POSIX_SHORT_US);
    CHECK_EQ(ppoll(&file, 1, &limit, NULL), 0);
    CHECK(posix_passed(CLOCK_MONOTONIC, &deadline));
    CHECK_ERROR(ppoll(&file, 1, &malformed, NULL), EINVAL);
    net_close_both(ends[0], ends[1]);
}

void posix_poll_select(void)
{
    int ends[2];
    fd_set in, out;
    struct timeval limit = {.tv_usec = POSIX_SHORT_US};

    CHECK_OK(pipe(ends));
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(ends[0], &in);
    FD_SET(ends[1], &out);
    CHECK_EQ(select(ends[1] + 1, &in, &out, NULL, NULL), 1);
    CHECK(!FD_ISSET(ends[0], &in));
    CHECK(FD_ISSET(ends[1], &out));
    FD_SET(ends[0], &in);
    CHECK_EQ(select(ends[0] + 1, &in, NULL, NULL, &limit), 0);
    CHECK_EQ(limit.tv_usec, 0);
    FD_SET(ends[0], &in);
    net_write(ends[1], "x");
    CHECK_EQ(select(ends[1] + 1, &in, &out, NULL, NULL), 2);
    net_close_both(ends[0], ends[1]);
    CHECK_ERROR(select(ends[1] + 1, &in, NULL, NULL, NULL), EBADF);
}

static void *write_both(void *ends)
{
    net_write(((int *)ends)[0], "x");
    net_write(((int *)ends)[1], "y");
    return NULL;
}

void posix_poll_waits(void)
{
    int left[2], right[2], seen = 0;

    CHECK_OK(pipe(left));
    CHECK_OK(pipe(right));
    int writes[] = {left[1], right[1]};
    pthread_t writer = posix_start(write_both, writes);
    struct pollfd files[] = {{left[0], POLLIN, 0}, {right[0], POLLIN, 0}};
    while (seen != 3) {
        CHECK(poll(files, 2, -1) > 0);
        for (int i = 0; i < 2; i++) {
            if (files[i].revents == 0)
                continue;
            net_expect(files[i].fd, i ? "y" : "x");
            seen |= 1 << i;
        }
    }
    posix_finish(writer);
    net_close_both(left[0], left[1]);
    net_close_both(right[0], right[1]);
}
