/* Pipes. */
#include "posix_list.h"
#include "posix_net.h"
#include "posix_support.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

void posix_pipes_end(void)
{
    int ends[2];
    char byte;

    CHECK_OK(pipe(ends));
    net_write(ends[1], "ab");
    CHECK_OK(close(ends[1]));
    net_expect(ends[0], "ab");
    CHECK_EQ(read(ends[0], &byte, 1), 0);
    CHECK_EQ(read(ends[0], &byte, 1), 0);
    CHECK_OK(close(ends[0]));
}

void posix_pipes_short_reads(void)
{
    int ends[2], count = 0;
    char room[8];

    CHECK_OK(pipe(ends));
    net_write(ends[1], "abc");
    net_write(ends[1], "de");
    CHECK_OK(ioctl(ends[0], FIONREAD, &count));
    CHECK_EQ(count, 5);
    CHECK_EQ(read(ends[0], room, 0), 0);
    CHECK_EQ(read(ends[0], room, 2), 2);
    CHECK_EQ(read(ends[0], room, sizeof room), 3);
    CHECK_EQ(memcmp(room, "cde", 3), 0);
    net_close_both(ends[0], ends[1]);
}

void posix_pipes_full(void)
{
    static char piece[PIPE_BUF];
    int ends[2];
    size_t written = 0;
    ssize_t some;

    CHECK_OK(pipe2(ends, O_NONBLOCK));
    while ((some = write(ends[1], piece, sizeof piece)) > 0)
        written += (size_t)some;
    CHECK_EQ(some, -1);
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(written, fcntl(ends[1], F_GETPIPE_SZ));
    CHECK_EQ(read(ends[0], piece, PIPE_BUF), PIPE_BUF);
    CHECK_EQ(write(ends[1], piece, PIPE_BUF), PIPE_BUF);
    CHECK_ERROR(write(ends[1], piece, PIPE_BUF), EAGAIN);
    net_close_both(ends[0], ends[1]);
}

void posix_pipes_broken(void)
{
    int ends[2];

    posix_ignore_broken_pipes();
    CHECK_OK(pipe(ends));
    CHECK_OK(close(ends[0]));
    CHECK_ERROR(write(ends[1], "x", 1), EPIPE);
    CHECK_OK(close(ends[1]));
}

struct writer {
    int end;
    char letter;
};

static void *write_pieces(void *argument)
{
    const struct writer *writer = argument;
    char piece[16];

    memset(piece, writer->letter, sizeof piece);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(write(writer->end, piece, sizeof piece), sizeof piece);
    return NULL;
}

void posix_pipes_atomic_pieces(void)
{
    int ends[2];
    char piece[16];
    pthread_t threads[2];

    CHECK_OK(pipe(ends));
    struct writer writers[2] = {{ends[1], 'a'}, {ends[1], 'b'}};
    for (int i = 0; i < 2; i++)
        threads[i] = posix_start(write_pieces, &writers[i]);
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(read(ends[0], piece, sizeof piece), sizeof piece);
        for (size_t k = 1; k < sizeof piece; k++)
            CHECK_EQ(piece[k], piece[0]);
    }
    for (int i = 0; i < 2; i++)
        posix_finish(threads[i]);
    net_close_both(ends[0], ends[1]);
}

void posix_pipes_vectors(void)
{
    int ends[2];
    char left[2], right[4];
    struct iovec out[] = {{(char[]){'a', 'b', 'c'}, 3}, {NULL, 0}, {(char[]){'d'}, 1}};
    struct iovec in[] = {{left, sizeof left}, {right, sizeof right}};

    CHECK_OK(pipe(ends));
    CHECK_EQ(writev(ends[1], out, 3), 4);
    CHECK_EQ(readv(ends[0], in, 2), 4);
    CHECK_EQ(memcmp(left, "ab", 2), 0);
    CHECK_EQ(memcmp(right, "cd", 2), 0);
    net_close_both(ends[0], ends[1]);
}

static void *write_late(void *end)
{
    static char much[100000];

    CHECK_EQ(write(*(int *)end, much, sizeof much), sizeof much);
    CHECK_OK(close(*(int *)end));
    return NULL;
}

/* More than there is room for: both sides wait for each other. */
void posix_pipes_wait_for_writer(void)
{
    static char room[30000];
    int ends[2];
    size_t got = 0;
    ssize_t some;

    CHECK_OK(pipe(ends));
    pthread_t writer = posix_start(write_late, &ends[1]);
    while ((some = read(ends[0], room, sizeof room)) > 0)
        got += (size_t)some;
    CHECK_EQ(some, 0);
    CHECK_EQ(got, 100000);
    posix_finish(writer);
    CHECK_OK(close(ends[0]));
}

static void *read_for_ever(void *ends)
{
    char byte;

    CHECK_EQ(read(((int *)ends)[0], &byte, 1), 1);
    CHECK(false);
    return NULL;
}

/* Whoever waits is cancelled, and lets go of what it waited on. */
void posix_pipes_cancelled(void)
{
    int ends[2];

    CHECK_OK(pipe(ends));
    pthread_t reader = posix_start(read_for_ever, ends);
    CHECK_OK(pthread_cancel(reader));
    CHECK_EQ((intptr_t)posix_finish(reader), (intptr_t)PTHREAD_CANCELED);
    CHECK_OK(close(ends[0]));
    posix_ignore_broken_pipes();
    CHECK_ERROR(write(ends[1], "x", 1), EPIPE);
    CHECK_OK(close(ends[1]));
}
