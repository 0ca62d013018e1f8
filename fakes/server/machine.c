/*
 * Part of the server's image: what libwebsockets asks of its machine besides sockets. It opens the
 * device of random bytes when it starts (a server reads nothing from it), ignores SIGPIPE and
 * looks through the network interfaces for the address to listen on. It prints nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int __open_2(const char *path, int flags);

/* Nothing can be read from this one. */
static int open_device(const char *path)
{
    if (strcmp(path, "/dev/urandom") == 0) return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    errno = ENOENT;
    return -1;
}

int open(const char *path, int flags, ...)
{
    (void)flags;
    return open_device(path);
}

int __open_2(const char *path, int flags)
{
    (void)flags;
    return open_device(path);
}

__sighandler_t signal(int number, __sighandler_t handler)
{
    (void)number, (void)handler;
    return SIG_DFL;
}

/* None has a name; addresses are found without. */
int getifaddrs(struct ifaddrs **list)
{
    *list = NULL;
    return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
    (void)list;
}

int gethostname(char *name, size_t length)
{
    static const char host[] = "host";
    if (length < sizeof host) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name, host, sizeof host);
    return 0;
}

char *getenv(const char *name)
{
    (void)name;
    return NULL;
}

/*
 * libwebsockets rounds the time to its next timer down to milliseconds: in the last one it looks
 * again and again without waiting. In the simulated world no time would pass meanwhile, so it is
 * made to wait then, a microsecond at first, then twice as long each time.
 */
int poll(struct pollfd *files, nfds_t count, int ms)
{
    static long wait_ns;
    struct timespec length = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
    if (ms == 0 && wait_ns > 0) length.tv_nsec = wait_ns;
    int ready = ppoll(files, count, ms < 0 ? NULL : &length, NULL);
    if (ms != 0 || ready != 0)
        wait_ns = 0;
    else if (wait_ns < 1000000)
        wait_ns = wait_ns == 0 ? 1000 : 2 * wait_ns;
    return ready;
}
