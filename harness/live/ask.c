/* One request over HTTP and its answer, on a connection of its own that is waited for: for what has
 * to be known before anything else goes on. */
#include "harness/live/internal.h"

#include "harness/check/require.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 10, ANSWER_MAX = 8 << 20, REQUEST_MAX = 4096 };

static int reach(const struct address *address)
{
    struct timeval patience = {PATIENCE_S, 0};
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&address->storage, address->length) == 0) return fd;
    close(fd);
    return -1;
}

static bool send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = send(fd, bytes, length, MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

/* Up to the end of the connection, with a zero behind it; NULL: it did not come. */
static char *receive_all(int fd)
{
    size_t length = 0, room = 1 << 14;
    char *bytes = malloc(room + 1);
    REQUIRE(bytes != NULL);
    for (;;) {
        ssize_t count = recv(fd, bytes + length, room - length, 0);
        if (count < 0 || length > ANSWER_MAX) {
            free(bytes);
            return NULL;
        }
        length += (size_t)count;
        bytes[length] = '\0';
        if (count == 0) return bytes;
        if (length < room) continue;
        bytes = realloc(bytes, (room *= 2) + 1);
        REQUIRE(bytes != NULL);
    }
}

int elsewhere_ask(const struct address *address, const char *token, const char *path,
                  json_t **body)
{
    char text[REQUEST_MAX];
    int status = 0, fd = reach(address);
    *body = NULL;
    if (fd < 0) return 0;
    int length = snprintf(text, sizeof text,
                          "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                          "Connection: close\r\n\r\n", path, address->host, token);
    bool sent = length > 0 && (size_t)length < sizeof text && send_all(fd, text, (size_t)length);
    char *answer = sent ? receive_all(fd) : NULL;
    close(fd);
    char *head_end = answer == NULL ? NULL : strstr(answer, "\r\n\r\n");
    if (head_end != NULL && strncmp(answer, "HTTP/1.1 ", 9) == 0) {
        status = (int)strtol(answer + 9, NULL, 10);
        *body = json_loads(head_end + 4, 0, NULL);
    }
    free(answer);
    return status;
}
