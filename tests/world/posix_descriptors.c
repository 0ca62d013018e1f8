/* Numbers, and what they lead to. */
#include "posix_list.h"
#include "posix_net.h"
#include "posix_support.h"

#include <fcntl.h>
#include <sys/ioctl.h>

void posix_descriptors_lowest_free(void)
{
    int first[2], second[2];

    CHECK_OK(pipe(first));
    CHECK_EQ(first[1], first[0] + 1);
    CHECK_OK(close(first[0]));
    CHECK_OK(pipe(second));
    CHECK_EQ(second[0], first[0]);
    CHECK_EQ(second[1], first[1] + 1);
    net_close_both(second[0], second[1]);
    CHECK_OK(close(first[1]));
}

/* The second one closes what somebody else has got by then. */
void posix_descriptors_double_close(void)
{
    int ends[2], other[2];

    CHECK_OK(pipe(ends));
    CHECK_OK(close(ends[0]));
    CHECK_ERROR(close(ends[0]), EBADF);
    CHECK_OK(pipe(other));
    CHECK_EQ(other[0], ends[0]);
    CHECK_OK(close(ends[0]));
    CHECK_ERROR(close(other[0]), EBADF);
    net_close_both(other[1], ends[1]);
    CHECK_ERROR(close(-1), EBADF);
    CHECK_ERROR(close(100000), EBADF);
    CHECK_ERROR(read(ends[0], ends, 1), EBADF);
}

/* One description, two numbers: its end comes when both are closed. */
void posix_descriptors_duplicates(void)
{
    int ends[2], copy, high;
    char byte;

    CHECK_OK(pipe(ends));
    copy = dup(ends[1]);
    CHECK_EQ(copy, ends[1] + 1);
    high = fcntl(ends[1], F_DUPFD, 50);
    CHECK_EQ(high, 50);
    CHECK_OK(close(ends[1]));
    net_write(copy, "x");
    net_expect(ends[0], "x");
    CHECK_OK(close(copy));
    net_write(high, "y");
    CHECK_OK(close(high));
    net_expect(ends[0], "y");
    CHECK_EQ(read(ends[0], &byte, 1), 0);
    CHECK_OK(close(ends[0]));
    CHECK_ERROR(dup(ends[0]), EBADF);
}

void posix_descriptors_replaced(void)
{
    int first[2], second[2];
    char byte;

    CHECK_OK(pipe(first));
    CHECK_OK(pipe(second));
    CHECK_EQ(dup2(second[1], first[1]), first[1]);
    CHECK_EQ(read(first[0], &byte, 1), 0);
    net_write(first[1], "z");
    net_expect(second[0], "z");
    CHECK_EQ(dup2(first[1], first[1]), first[1]);
    CHECK_ERROR(dup2(first[1], -1), EBADF);
    CHECK_ERROR(dup3(first[1], first[1], 0), EINVAL);
    net_close_both(first[0], first[1]);
    net_close_both(second[0], second[1]);
}

void posix_descriptors_flags(void)
{
    int ends[2], copy, on = 1;

    CHECK_OK(pipe2(ends, O_CLOEXEC));
    CHECK_EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(ends[0], F_GETFL) & O_ACCMODE, O_RDONLY);
    CHECK_EQ(fcntl(ends[1], F_GETFL) & O_ACCMODE, O_WRONLY);
    copy = dup(ends[0]);
    CHECK_EQ(fcntl(copy, F_GETFD), 0);
    CHECK_OK(fcntl(copy, F_SETFL, O_NONBLOCK));
    CHECK_EQ(fcntl(ends[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK_ERROR(read(ends[0], &on, 1), EAGAIN);
    CHECK_OK(ioctl(ends[1], FIONBIO, &on));
    CHECK_EQ(fcntl(ends[1], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK_OK(fcntl(copy, F_SETFD, FD_CLOEXEC));
    CHECK_EQ(fcntl(copy, F_GETFD), FD_CLOEXEC);
    CHECK_OK(close(copy));
    net_close_both(ends[0], ends[1]);
}

void posix_descriptors_wrong_kinds(void)
{
    int ends[2];
    char byte = 0;

    CHECK_OK(pipe(ends));
    CHECK_ERROR(read(ends[1], &byte, 1), EBADF);
    CHECK_ERROR(write(ends[0], &byte, 1), EBADF);
    CHECK_ERROR(send(ends[1], &byte, 1, 0), ENOTSOCK);
    CHECK_ERROR(recv(ends[0], &byte, 1, 0), ENOTSOCK);
    CHECK_ERROR(listen(ends[0], 1), ENOTSOCK);
    CHECK_ERROR(lseek(ends[0], 0, SEEK_SET), ESPIPE);
    net_close_both(ends[0], ends[1]);
}

static void *read_one(void *ends)
{
    char byte = 0;

    CHECK_EQ(read(((int *)ends)[0], &byte, 1), 1);
    CHECK_EQ(byte, 'x');
    return NULL;
}

/* Whoever is in a call already stays there, though the number is free. */
void posix_descriptors_close_while_reading(void)
{
    int ends[2];
    pthread_t reader;
    struct timespec pause = posix_span(POSIX_SHORT_US);

    CHECK_OK(pipe(ends));
    reader = posix_start(read_one, ends);
    nanosleep(&pause, NULL); /* nothing here depends on whether it was enough */
    net_write(ends[1], "x");
    posix_finish(reader);
    net_close_both(ends[0], ends[1]);
}
