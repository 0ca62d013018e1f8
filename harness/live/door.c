/* Sockets in the run's folder, on which processes that the daemons start report. */
#include "harness/live/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool set_path(struct sockaddr_un *address, const char *path)
{
    errno = ENAMETOOLONG;
    if (strlen(path) >= sizeof address->sun_path) return false;
    memcpy(address->sun_path, path, strlen(path) + 1);
    return true;
}

int door_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat there;
    if (!set_path(&address, path)) return -1;
    errno = EEXIST;
    if (lstat(path, &there) == 0 && !S_ISSOCK(there.st_mode)) return -1;
    (void)unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 64) == 0)
        return fd;
    close(fd);
    return -1;
}

int door_welcome(struct live *live, int door)
{
    int fd = accept4(door, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        live_give_up(live, "a process of the daemon cannot be heard: %s", strerror(errno));
    return fd;
}

int door_knock(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!set_path(&address, path)) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}
