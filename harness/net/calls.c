/* Calls that every descriptor knows. */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pipe.h"
#include "store.h"

/* --- reading and writing --- */

/* Several pieces go through one, which is to be given back. */
static bool gather(struct transfer *transfer, const struct iovec *pieces, size_t count)
{
    transfer->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].iov_len > (size_t)SSIZE_MAX - transfer->count) return false;
        transfer->count += pieces[i].iov_len;
    }
    transfer->bytes = count == 1 ? pieces[0].iov_base : NULL;
    if (count > 1) transfer->bytes = store_take(transfer->count + 1);
    return true;
}

static void give_back(struct transfer *transfer, size_t count)
{
    if (count > 1) store_give(transfer->bytes, transfer->count + 1);
}

/* What came, into the pieces of the program. */
static void scatter(const struct transfer *transfer, const struct iovec *pieces, size_t count,
                    size_t bytes)
{
    const char *from = transfer->bytes;
    for (size_t i = 0; count > 1 && i < count && bytes > 0; i++) {
        size_t some = pieces[i].iov_len < bytes ? pieces[i].iov_len : bytes;
        place_touch(pieces[i].iov_base, some, true);
        memcpy(pieces[i].iov_base, from, some);
        from += some;
        bytes -= some;
    }
}

static void collect(const struct transfer *transfer, const struct iovec *pieces, size_t count)
{
    char *to = transfer->bytes;
    for (size_t i = 0; count > 1 && i < count; i++) {
        if (pieces[i].iov_len == 0) continue;
        place_touch(pieces[i].iov_base, pieces[i].iov_len, false);
        memcpy(to, pieces[i].iov_base, pieces[i].iov_len);
        to += pieces[i].iov_len;
    }
}

/* Why it cannot be read, or written: 0, or -errno. */
static int refuse(const struct transfer *transfer, bool exists, int forbidden, bool message)
{
    const struct description *self = transfer->self;
    if (message && !self->kind->is_socket) return -ENOTSOCK;
    if ((self->flags & O_ACCMODE) == forbidden) return -EBADF;
    if (transfer->at && self->kind->seek == NULL) return -ESPIPE;
    if (transfer->at && *transfer->at < 0) return -EINVAL;
    return exists ? 0 : -EINVAL;
}

static ssize_t finish(struct transfer *transfer, ssize_t result)
{
    description_drop(transfer->self);
    return result_of(result);
}

ssize_t call_read(struct transfer *transfer, const struct iovec *pieces, size_t count,
                  uintptr_t site)
{
    transfer->self = descriptor_use(transfer->number, transfer->verb, site);
    if (transfer->self == NULL) return -1;
    const struct description_kind *kind = transfer->self->kind;
    ssize_t result = refuse(transfer, kind->read != NULL, O_WRONLY, transfer->for_sockets);
    if (result == 0 && !gather(transfer, pieces, count)) result = -EINVAL;
    if (result < 0) return finish(transfer, result);
    result = kind->read(transfer);
    if (result > 0) scatter(transfer, pieces, count, transfer->done);
    give_back(transfer, count);
    return finish(transfer, result);
}

ssize_t call_write(struct transfer *transfer, const struct iovec *pieces, size_t count,
                   uintptr_t site)
{
    transfer->self = descriptor_use(transfer->number, transfer->verb, site);
    if (transfer->self == NULL) return -1;
    const struct description_kind *kind = transfer->self->kind;
    ssize_t result = refuse(transfer, kind->write != NULL, O_RDONLY, transfer->for_sockets);
    if (result == 0 && !gather(transfer, pieces, count)) result = -EINVAL;
    if (result < 0) return finish(transfer, result);
    collect(transfer, pieces, count);
    result = kind->write(transfer);
    give_back(transfer, count);
    return finish(transfer, result);
}

static ssize_t read_pieces(int number, const struct iovec *pieces, int count, const char *verb,
                           uintptr_t site)
{
    struct transfer transfer = {.number = number, .verb = verb};
    if (count >= 0 && count <= IOV_MAX) return call_read(&transfer, pieces, (size_t)count, site);
    return result_of(-EINVAL);
}

static ssize_t write_pieces(int number, const struct iovec *pieces, int count, const char *verb,
                            uintptr_t site)
{
    struct transfer transfer = {.number = number, .verb = verb};
    if (count >= 0 && count <= IOV_MAX) return call_write(&transfer, pieces, (size_t)count, site);
    return result_of(-EINVAL);
}

ssize_t world_read(int number, void *out, size_t count)
{
    struct iovec piece = {out, count};
    return read_pieces(number, &piece, 1, "read", CALL_SITE);
}

ssize_t world___read_chk(int number, void *out, size_t count, size_t room)
{
    struct iovec piece = {out, count < room ? count : room};
    return read_pieces(number, &piece, 1, "read", CALL_SITE);
}

ssize_t world_readv(int number, const struct iovec *pieces, int count)
{
    return read_pieces(number, pieces, count, "readv", CALL_SITE);
}

ssize_t world_write(int number, const void *bytes, size_t count)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, count};
    return write_pieces(number, &piece, 1, "write", CALL_SITE);
}

ssize_t world_writev(int number, const struct iovec *pieces, int count)
{
    return write_pieces(number, pieces, count, "writev", CALL_SITE);
}

ssize_t world_pread(int number, void *out, size_t count, off_t at)
{
    struct transfer transfer = {.number = number, .verb = "pread", .at = &at};
    return call_read(&transfer, &(struct iovec){out, count}, 1, CALL_SITE);
}

ssize_t world_pwrite(int number, const void *bytes, size_t count, off_t at)
{
    struct transfer transfer = {.number = number, .verb = "pwrite", .at = &at};
    return call_write(&transfer, &(struct iovec){(void *)(uintptr_t)bytes, count}, 1, CALL_SITE);
}

__attribute__((alias("world_pread"))) ssize_t world_pread64(int number, void *out, size_t count,
                                                            off_t at);
__attribute__((alias("world_pwrite"))) ssize_t world_pwrite64(int number, const void *bytes,
                                                              size_t count, off_t at);

ssize_t world_preadv(int number, const struct iovec *pieces, int count, off_t at)
{
    struct transfer transfer = {.number = number, .verb = "preadv", .at = &at};
    if (count < 0 || count > IOV_MAX) return result_of(-EINVAL);
    return call_read(&transfer, pieces, (size_t)count, CALL_SITE);
}

ssize_t world_pwritev(int number, const struct iovec *pieces, int count, off_t at)
{
    struct transfer transfer = {.number = number, .verb = "pwritev", .at = &at};
    if (count < 0 || count > IOV_MAX) return result_of(-EINVAL);
    return call_write(&transfer, pieces, (size_t)count, CALL_SITE);
}

__attribute__((alias("world_preadv"))) ssize_t world_preadv64(int number,
                                                              const struct iovec *pieces, int count,
                                                              off_t at);
__attribute__((alias("world_pwritev"))) ssize_t world_pwritev64(int number,
                                                                const struct iovec *pieces,
                                                                int count, off_t at);

/* --- numbers --- */

static int close_number(int number, uintptr_t site)
{
    struct description *self = descriptor_look(number);
    if (self == NULL || !self->kind->silent) {
        place_enter(site);
        place_point(descriptor_place(number), WORLD_WRITE);
        self = descriptor_look(number);
    }
    place_say("close %d%s", number, self ? "" : "  EBADF");
    if (descriptor_close(number)) return 0;
    struct world_place *place = descriptor_place(number);
    if (place) place_step(place, WORLD_OP_CLOSE, WORLD_READ, EBADF);
    return -EBADF;
}

int world_close(int number)
{
    return (int)result_of(close_number(number, CALL_SITE));
}

static int duplicate(int number, int least, bool close_on_exec, const char *verb, uintptr_t site)
{
    struct description *self = descriptor_use(number, verb, site);
    if (self == NULL) return -1;
    int fresh = least < 0 || least >= DESCRIPTORS_MAX
                    ? -EINVAL
                    : descriptor_duplicate(self, least, close_on_exec);
    description_drop(self);
    return (int)result_of(fresh);
}

int world_dup(int number)
{
    return duplicate(number, 0, false, "dup", CALL_SITE);
}

static int replace(int number, int other, bool close_on_exec, uintptr_t site)
{
    struct description *self = descriptor_use(number, "dup2", site);
    if (self == NULL) return -1;
    if (other < 0 || other >= DESCRIPTORS_MAX) {
        description_drop(self);
        return (int)result_of(-EBADF);
    }
    if (other != number) {
        place_say("dup2 %d to %d", number, other);
        descriptor_replace(other, self, close_on_exec);
    }
    description_drop(self);
    return other;
}

int world_dup2(int number, int other)
{
    return replace(number, other, false, CALL_SITE);
}

int world_dup3(int number, int other, int flags)
{
    if (number == other || (flags & ~O_CLOEXEC)) return (int)result_of(-EINVAL);
    return replace(number, other, (flags & O_CLOEXEC) != 0, CALL_SITE);
}

/* --- fcntl, ioctl --- */

enum { SETTABLE = O_APPEND | O_NONBLOCK };

static int control_flags(struct description *self, int number, int command, int argument)
{
    switch (command) {
    case F_GETFL:
        return self->flags;
    case F_SETFL:
        self->flags = (self->flags & ~SETTABLE) | (argument & SETTABLE);
        return 0;
    case F_GETFD:
        return *descriptor_close_on_exec(number) ? FD_CLOEXEC : 0;
    case F_SETFD:
        *descriptor_close_on_exec(number) = (argument & FD_CLOEXEC) != 0;
        return 0;
    case F_GETPIPE_SZ:
        return pipe_capacity(self);
    case F_SETPIPE_SZ:
        return pipe_capacity_set(self, argument);
    case F_SETLK:
    case F_SETLKW:
        return self->kind->seek ? 0 : -EINVAL; /* a process is never in its own way */
    default:
        world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled call: fcntl with command %d", command);
    }
}

/* Whether others wait or not depends on the flags, so setting them is a step of that number. */
static int control(int number, int command, int argument, uintptr_t site)
{
    struct description *self = descriptor_use(number, "fcntl", site);
    if (self == NULL) return -1;
    int result = control_flags(self, number, command, argument);
    if ((command == F_SETFL || command == F_SETFD) && !self->kind->silent) {
        place_say("fcntl %d", number);
        place_step(descriptor_place(number), WORLD_OP_CONTROL, WORLD_WRITE, 0);
    }
    description_drop(self);
    return (int)result_of(result);
}

int world_fcntl(int number, int command, ...)
{
    va_list list;
    va_start(list, command);
    int argument = va_arg(list, int); /* all that are known take one, or none */
    va_end(list);
    if (command == F_DUPFD) return duplicate(number, argument, false, "fcntl", CALL_SITE);
    if (command == F_DUPFD_CLOEXEC) return duplicate(number, argument, true, "fcntl", CALL_SITE);
    return control(number, command, argument, CALL_SITE);
}

__attribute__((alias("world_fcntl"))) int world_fcntl64(int number, int command, ...);

static int request_of(struct description *self, int number, unsigned long request, void *argument)
{
    switch (request) {
    case FIONBIO:
        self->flags = (self->flags & ~O_NONBLOCK) | (*(const int *)argument ? O_NONBLOCK : 0);
        return 0;
    case FIOCLEX:
    case FIONCLEX:
        *descriptor_close_on_exec(number) = request == FIOCLEX;
        return 0;
    default:
        return self->kind->control ? self->kind->control(self, request, argument) : -ENOTTY;
    }
}

int world_ioctl(int number, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    struct description *self = descriptor_use(number, "ioctl", CALL_SITE);
    if (self == NULL) return -1;
    int result = request_of(self, number, request, argument);
    if (request == FIONBIO && !self->kind->silent) {
        place_step(descriptor_place(number), WORLD_OP_CONTROL, WORLD_WRITE, 0);
    }
    description_drop(self);
    return (int)result_of(result);
}

/* --- places in files --- */

off_t world_lseek(int number, off_t offset, int whence)
{
    struct description *self = descriptor_use(number, "lseek", CALL_SITE);
    if (self == NULL) return -1;
    off_t result = self->kind->seek ? self->kind->seek(self, offset, whence) : -ESPIPE;
    description_drop(self);
    return (off_t)result_of(result);
}

__attribute__((alias("world_lseek"))) off_t world_lseek64(int number, off_t offset, int whence);

int world_fsync(int number)
{
    struct description *self = descriptor_use(number, "fsync", CALL_SITE);
    if (self == NULL) return -1;
    bool is_file = self->kind->seek != NULL;
    description_drop(self);
    return (int)result_of(is_file ? 0 : -EINVAL);
}

int world_isatty(int number)
{
    errno = descriptor_look(number) ? ENOTTY : EBADF;
    return 0;
}
