/* The processes that a daemon starts in a live run: they do what the run's harness tells them. */
#include "harness/live/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE_MAX = 16384, FAILED = 1, MISUSED = 2 };

static bool write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        count -= (size_t)written;
    }
    return true;
}

static int complain(const char *what)
{
    fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
    return MISUSED;
}

/* --- an agent --- */

/* Passes on what comes. Below 0: go on; otherwise the status to end with. */
static int pass(int from, int to, bool harness_speaks)
{
    char piece[PIECE_MAX];
    ssize_t count = read(from, piece, sizeof piece);
    if (count < 0 && errno == EINTR) return -1;
    if (count <= 0) return FAILED;
    size_t length = (size_t)count;
    const char *zero = harness_speaks ? memchr(piece, '\0', length) : NULL;
    if (zero != NULL) length = (size_t)(zero - piece);
    if (!write_all(to, piece, length)) return FAILED;
    if (zero == NULL) return -1;
    /* The status comes behind it, at once. */
    char status = '1';
    if (zero + 1 < piece + count) status = zero[1];
    else if (read(from, &status, 1) != 1) return FAILED;
    return status - '0';
}

int live_agent_main(const char *socket)
{
    int harness = door_knock(socket), status = -1;
    if (harness < 0) return complain(socket);
    /* The daemon's TERM comes with a line that says so; the script decides. */
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    while (status < 0) {
        struct pollfd ends[2] = {{STDIN_FILENO, POLLIN, 0}, {harness, POLLIN, 0}};
        if (poll(ends, 2, -1) < 0 && errno != EINTR) return FAILED;
        if (ends[0].revents != 0) status = pass(STDIN_FILENO, harness, false);
        if (status < 0 && ends[1].revents != 0) status = pass(harness, STDOUT_FILENO, true);
    }
    return status;
}

/* --- a dev server --- */

static bool introduce(int harness, const char *port)
{
    char line[512];
    const char *sandbox = getenv("SESSION_SANDBOX"), *app = getenv("SESSION_APP");
    int length = snprintf(line, sizeof line,
                          "{\"sandbox\":\"%s\",\"app\":\"%s\",\"group\":%d,\"port\":%s}\n",
                          sandbox == NULL ? "" : sandbox, app == NULL ? "web" : app,
                          (int)getpgrp(), port);
    return length > 0 && (size_t)length < sizeof line && write_all(harness, line, (size_t)length);
}

static int listen_on(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        listen(fd, 16) == 0)
        return fd;
    return -1;
}

/* Answers whoever connects by closing, until the harness is gone. */
static int serve(int harness, int listener)
{
    for (;;) {
        struct pollfd ends[2] = {{harness, POLLIN, 0}, {listener, POLLIN, 0}};
        char byte;
        if (poll(ends, 2, -1) < 0 && errno != EINTR) return FAILED;
        if (ends[0].revents != 0 && read(harness, &byte, 1) <= 0) return 0;
        int client = ends[1].revents != 0 ? accept(listener, NULL, NULL) : -1;
        if (client >= 0) close(client);
    }
}

int live_server_main(const char *socket, const char *port)
{
    char answer[16];
    int harness = door_knock(socket);
    if (harness < 0) return complain(socket);
    signal(SIGPIPE, SIG_IGN);
    /* It is told when its machine would have come so far. */
    if (!introduce(harness, port) || read(harness, answer, sizeof answer) <= 0) return FAILED;
    int listener = listen_on(port);
    if (listener < 0) return complain(port);
    if (!write_all(harness, "listening\n", 10)) return FAILED;
    return serve(harness, listener);
}
