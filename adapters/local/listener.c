#include "adapters/local/listener.h"

#include "adapters/process/procfs.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 1000, TCP_LISTEN = 0x0a };

/* ---- connecting ---- */

static bool connects(int family, const struct sockaddr *address, socklen_t length)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    bool fine = connect(fd, address, length) == 0;
    if (!fine && errno == EINPROGRESS) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
        int error = 0;
        socklen_t size = sizeof error;
        fine = poll(&poll_fd, 1, CONNECT_MS) == 1 &&
               getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    }
    close(fd);
    return fine;
}

bool listener_answers(uint16_t port)
{
    struct sockaddr_in four = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return connects(AF_INET, (const struct sockaddr *)&four, sizeof four) ||
           connects(AF_INET6, (const struct sockaddr *)&six, sizeof six);
}

/* ---- sockets ---- */

/* A line of /proc/net/tcp: number, local address and port, remote ones, state, ..., inode. */
static bool read_line(const char *line, unsigned *port, unsigned *state, uint64_t *inode)
{
    return sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %" SCNu64,
                  port, state, inode) == 3;
}

static size_t collect(const char *path, uint16_t wanted, uint64_t inodes[LISTENERS_MAX],
                      size_t count)
{
    size_t length;
    char *text = procfs_slurp(path, &length);
    for (char *line = text; line != NULL && count < LISTENERS_MAX;) {
        unsigned port, state;
        uint64_t inode;
        if (read_line(line, &port, &state, &inode) && port == wanted && state == TCP_LISTEN)
            inodes[count++] = inode;
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    free(text);
    return count;
}

size_t listener_sockets(uint16_t port, uint64_t inodes[LISTENERS_MAX])
{
    size_t count = collect("/proc/net/tcp", port, inodes, 0);
    return collect("/proc/net/tcp6", port, inodes, count);
}

static bool holds(pid_t pid, const uint64_t *inodes, size_t count)
{
    char path[64], target[64];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
        uint64_t inode;
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        target[length > 0 ? length : 0] = 0;
        if (sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1) continue;
        for (size_t i = 0; i < count; i++) found = found || inodes[i] == inode;
    }
    if (folder != NULL) closedir(folder);
    return found;
}

struct search {
    const struct group *group;
    const uint64_t *inodes;
    size_t count;
    bool found;
};

static bool look_at(void *context, const struct procfs_entry *entry)
{
    struct search *search = context;
    search->found =
        holds(entry->pid, search->inodes, search->count) && group_has(search->group, entry->pid);
    return !search->found;
}

bool listener_is(const struct group *group, const uint64_t *inodes, size_t count)
{
    struct search search = {group, inodes, count, false};
    if (count > 0) procfs_walk(look_at, &search);
    return search.found;
}
