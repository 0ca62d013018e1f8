/* One request over HTTP and its answer, on a connection of its own that is waited for: for what has
 * to be known before anything else goes on. */
#include "harness/live/internal.h"

#include "harness/check/require.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 8 << 20, REQUEST_MAX = 4096, PIECE_MAX = 16384 };

struct line {
    int fd;
    struct secure *secure;  /* NULL: plain bytes */
    uint64_t until_ns;
    char *answer;           /* what came, with a zero behind it */
    size_t length, capacity;
};

static bool send_all(const struct line *line, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = send(line->fd, bytes, length, MSG_NOSIGNAL);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (reach_wait(line->fd, POLLOUT, line->until_ns)) continue;
            errno = ETIMEDOUT;
            return false;
        }
        if (count <= 0) return false;
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

static bool send_waiting(const struct line *line)
{
    char piece[PIECE_MAX];
    for (size_t count; (count = secure_sends(line->secure, piece, sizeof piece)) > 0;) {
        if (!send_all(line, piece, count)) return false;
    }
    return true;
}

static bool say(const struct line *line, const char *bytes, size_t length)
{
    if (line->secure == NULL) return send_all(line, bytes, length);
    secure_write(line->secure, bytes, length);
    return send_waiting(line);
}

static void keep(struct line *line, const char *bytes, size_t count)
{
    if (line->length + count + 1 > line->capacity) {
        line->capacity = 2 * (line->length + count + 1);
        line->answer = realloc(line->answer, line->capacity);
        REQUIRE(line->answer != NULL);
    }
    memcpy(line->answer + line->length, bytes, count);
    line->length += count;
    line->answer[line->length] = '\0';
}

static bool take(struct line *line, const char *bytes, size_t count)
{
    char plain[PIECE_MAX];
    if (line->secure == NULL) {
        keep(line, bytes, count);
        return true;
    }
    if (!secure_take(line->secure, bytes, count)) return false;
    for (size_t more; (more = secure_read(line->secure, plain, sizeof plain)) > 0;)
        keep(line, plain, more);
    return send_waiting(line);
}

/* Up to the end of the connection. False: it broke, see errno. */
static bool hear_all(struct line *line)
{
    char piece[PIECE_MAX];
    while (line->length <= ANSWER_MAX) {
        ssize_t count = recv(line->fd, piece, sizeof piece, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (reach_wait(line->fd, POLLIN, line->until_ns)) continue;
            errno = ETIMEDOUT;
            return false;
        }
        if (count < 0) return false;
        if (count == 0) return true;
        if (!take(line, piece, (size_t)count)) return false;
        if (line->secure != NULL && secure_ended(line->secure)) return true;
    }
    errno = EMSGSIZE;
    return false;
}

static int read_answer(const struct line *line, json_t **body)
{
    char *head_end = line->answer == NULL ? NULL : strstr(line->answer, "\r\n\r\n");
    if (head_end == NULL || strncmp(line->answer, "HTTP/1.1 ", 9) != 0) return 0;
    *body = json_loads(head_end + 4, 0, NULL);
    return (int)strtol(line->answer + 9, NULL, 10);
}

static const char *why_not(const struct line *line, int error)
{
    const char *secure = line->secure == NULL ? NULL : secure_problem(line->secure);
    if (secure != NULL) return secure;
    if (line->secure == NULL && error == ECONNRESET)
        return "it breaks the connection (wss://HOST:PORT if it speaks TLS)";
    if (error != 0) return strerror(error);
    return line->secure != NULL ? "what it says is no HTTP"
                                : "what it says is no HTTP (wss://HOST:PORT if it speaks TLS)";
}

int elsewhere_ask(const struct address *address, const char *token, const char *path,
                  uint64_t until_ns, json_t **body, const char **problem)
{
    char text[REQUEST_MAX];
    struct line line = {.fd = reach(address, until_ns), .until_ns = until_ns};
    int error = errno, status = 0;
    *body = NULL;
    if (problem != NULL) *problem = strerror(error);
    if (line.fd < 0) return 0;
    if (address->secure) line.secure = secure_new(address->host);
    int length = snprintf(text, sizeof text,
                          "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                          "Connection: close\r\n\r\n", path, address->host, token);
    bool fits = length > 0 && (size_t)length < sizeof text;
    errno = EMSGSIZE;
    bool heard = fits && say(&line, text, (size_t)length) && hear_all(&line);
    error = heard ? 0 : errno;
    if (heard) status = read_answer(&line, body);
    if (problem != NULL) *problem = why_not(&line, error);
    close(line.fd);
    secure_free(line.secure);
    free(line.answer);
    return status;
}
