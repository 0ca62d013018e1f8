#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "capture.h"
#include "harness/net/store.h"
#include "harness/net/transfer.h"
#include "locks.h"

enum { END_SEEN = 0x10, ERROR_SEEN = 0x20 }; /* bits of FILE's flags, as the macros know them */

static struct stream streams[STREAMS_MAX];
static int used; /* slots touched in this execution */

FILE *world_stdin = &streams[0].face;
FILE *world_stdout = &streams[1].face;
FILE *world_stderr = &streams[2].face;

ssize_t world_read(int descriptor, void *out, size_t count);
ssize_t world_write(int descriptor, const void *bytes, size_t count);
void world_arc4random_buf(void *out, size_t bytes);

static struct stream *prepare(int slot)
{
    struct stream *stream = &streams[slot];
    *stream = (struct stream){
        .open = true, .pushed = EOF, .lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP};
    if (slot >= used) used = slot + 1;
    return stream;
}

/* NULL, and errno, if there is none left. */
static struct stream *find_unused(void)
{
    int slot = 3;
    while (slot < used && (streams[slot].open || streams[slot].led_to)) slot++;
    if (slot < STREAMS_MAX) return prepare(slot);
    errno = EMFILE;
    return NULL;
}

struct stream *stream_of(FILE *face)
{
    struct stream *stream = (struct stream *)(void *)face;
    for (int slot = 0; slot < used; slot++) {
        if (stream != &streams[slot]) continue;
        if (stream->open) return stream;
        world_fail(WORLD_FOUND_USE_DESTROYED, "a stream is used after it was closed");
    }
    world_fail(WORLD_FOUND_UNINITIALISED_OBJECT, "%s",
               face ? "what is used as a stream is none" : "NULL is used as a stream");
}

const FILE *stream_of_descriptor(int descriptor)
{
    for (int slot = 0; slot < used; slot++) {
        const struct stream *stream = &streams[slot];
        if (stream->open && stream->descriptor == descriptor) return &stream->face;
    }
    return NULL;
}

/* --- what descriptors lead to --- */

static struct stream *stream_behind(const struct description *self)
{
    return (struct stream *)((uintptr_t)self - offsetof(struct stream, description));
}

/* Calls by descriptor come one after the other; those by stream are no steps. */
static void file_step(struct transfer *transfer, enum world_op op, size_t count)
{
    struct file *file = stream_behind(transfer->self)->file;
    if (file == NULL) return;
    if (place_searching()) place_point(&file->place, WORLD_WRITE);
    transfer_say(transfer, (ssize_t)count);
    place_step(&file->place, op, WORLD_WRITE, 0);
}

/* pread() and pwrite() leave the position as it was. */
static size_t go_to(struct stream *stream, const struct transfer *transfer)
{
    size_t before = stream->position;
    if (transfer->at) stream->position = (size_t)*transfer->at;
    return before;
}

static ssize_t read_own(struct transfer *transfer)
{
    struct stream *stream = stream_behind(transfer->self);
    if (stream->file && stream->file->folder) return -EISDIR;
    size_t bytes, before = go_to(stream, transfer);
    const char *rest = stream_rest(stream, &bytes);
    if (bytes > transfer->count) bytes = transfer->count;
    file_step(transfer, WORLD_OP_RECV, bytes);
    place_touch(transfer->bytes, bytes, true);
    memcpy(transfer->bytes, rest, bytes);
    stream->position = transfer->at ? before : stream->position + bytes;
    transfer->done = bytes;
    return (ssize_t)bytes;
}

static int write_own(struct stream *stream, const char *bytes, size_t count)
{
    if (stream->file == NULL) {
        capture_write((int)(stream - streams), bytes, count);
        return 0;
    }
    if (stream->file->device != DEVICE_NONE) return 0;
    if (stream->appends) stream->position = stream->file->count;
    file_write(stream->file, stream->position, bytes, count);
    stream->position += count;
    return 0;
}

static ssize_t write_by_descriptor(struct transfer *transfer)
{
    struct stream *stream = stream_behind(transfer->self);
    file_step(transfer, WORLD_OP_SEND, transfer->count);
    place_touch(transfer->bytes, transfer->count, false);
    size_t before = go_to(stream, transfer);
    write_own(stream, transfer->bytes, transfer->count);
    if (transfer->at) stream->position = before;
    return (ssize_t)transfer->count;
}

static off_t seek(struct description *self, off_t offset, int whence)
{
    struct stream *stream = stream_behind(self);
    return stream_seek(stream, offset, whence) == 0 ? (off_t)stream->position : -errno;
}

static int control(struct description *self, unsigned long request, void *argument)
{
    struct stream *stream = stream_behind(self);
    size_t count = stream->file ? stream->file->count : 0;
    if (stream->file == NULL) (void)capture_input(&count);
    if (request != FIONREAD || !stream->readable) return -ENOTTY;
    *(int *)argument = stream->position < count ? (int)(count - stream->position) : 0;
    return 0;
}

static void release(struct description *self)
{
    struct stream *stream = stream_behind(self);
    locks_release(self);
    stream->led_to = false;
    if (stream->file && !stream->has_face) stream->open = false;
}

static short ready_always(const struct description *self)
{
    return stream_behind(self)->readable ? POLLIN | POLLRDNORM : POLLOUT | POLLWRNORM;
}

static const struct description_kind standard_kind = {
    .word = "standard stream", .silent = true, .read = read_own, .write = write_by_descriptor,
    .control = control, .ready = ready_always, .release = release,
};
static const struct description_kind file_kind = {
    .word = "file", .read = read_own, .write = write_by_descriptor, .seek = seek,
    .control = control, .release = release,
};

void streams_begin(void)
{
    for (int slot = 0; slot < used; slot++) streams[slot].open = streams[slot].led_to = false;
    used = 0;
    for (int slot = 0; slot < 3; slot++) {
        struct stream *stream = prepare(slot);
        stream->has_face = true;
        stream->readable = slot == 0;
        stream->writable = slot > 0;
        stream->descriptor = descriptor_open(&stream->description, &standard_kind,
                                             slot == 0 ? O_RDONLY : O_WRONLY, slot);
    }
    world_stdin = &streams[0].face;
    world_stdout = &streams[1].face;
    world_stderr = &streams[2].face;
}

/* Where what is done to the stream takes place: a program may have put something else under the
 * number. NULL: it is no stream; then it has to be done by descriptor. */
static struct stream *stream_meant(struct stream *stream)
{
    const struct description *self = descriptor_look(stream->descriptor);
    if (stream->buffer || self == NULL) return NULL;
    if (self->kind != &standard_kind && self->kind != &file_kind) return NULL;
    return stream_behind(self);
}

struct stream *stream_source(struct stream *stream)
{
    if (stream->in_memory || stream->buffer || descriptor_look(stream->descriptor) == NULL) {
        return stream;
    }
    struct stream *meant = stream_meant(stream);
    if (meant) return meant;
    /* A pipe or a socket: where it stands in its own file stays, for whoever comes back. */
    if (stream->over == NULL) stream->over = stream_over(stream->descriptor, true, false);
    return stream->over ? stream->over : stream;
}

/* --- opening and closing --- */

/* 0, or why that file cannot be opened like this. */
static int refuse(const struct file *file, int flags)
{
    if (file->refused) return file->refused;
    if (file->folder && (flags & O_ACCMODE) != O_RDONLY) return EISDIR;
    if ((flags & O_DIRECTORY) && file->exists && !file->folder) return ENOTDIR;
    if (!file->exists) return flags & O_CREAT ? files_may_add(file) : ENOENT;
    return (flags & O_CREAT) && (flags & O_EXCL) ? EEXIST : 0;
}

struct stream *stream_open(const char *path, int flags, mode_t mode, uintptr_t site)
{
    place_enter(site);
    place_point(NULL, WORLD_NONE);
    struct file *file = files_find(path);
    errno = refuse(file, flags);
    if (errno != 0) return NULL;
    struct stream *stream = find_unused();
    if (stream == NULL) return NULL;
    stream->descriptor = descriptor_open(&stream->description, &file_kind, flags, 0);
    if (stream->descriptor < 0) {
        errno = EMFILE;
        stream->open = false;
        return NULL;
    }
    stream->led_to = true;
    if (!file->exists) file->mode = mode & ~files_mask();
    if (!file->exists || ((flags & O_TRUNC) && file->device == DEVICE_NONE)) file_truncate(file);
    stream->file = file;
    stream->readable = (flags & O_ACCMODE) != O_WRONLY;
    stream->writable = (flags & O_ACCMODE) != O_RDONLY;
    stream->appends = (flags & O_APPEND) != 0;
    return stream;
}

struct stream *stream_over(int descriptor, bool reads, bool writes)
{
    const struct description *self = descriptor_look(descriptor);
    if (self == NULL) {
        errno = EBADF;
        return NULL;
    }
    if (self->kind == &standard_kind || self->kind == &file_kind) {
        struct stream *behind = stream_behind(self);
        if (!behind->has_face || !behind->open) behind->descriptor = descriptor;
        behind->has_face = behind->open = true;
        return behind;
    }
    struct stream *stream = find_unused();
    if (stream == NULL) return NULL;
    stream->descriptor = descriptor;
    stream->buffer = store_take(STREAM_BUFFER);
    stream->readable = reads;
    stream->writable = writes;
    return stream;
}

struct stream *stream_in_memory(bool reads, bool writes)
{
    struct stream *stream = find_unused();
    if (stream == NULL) return NULL;
    stream->in_memory = true;
    stream->descriptor = -1;
    stream->readable = reads;
    stream->writable = writes;
    return stream;
}

/* What was read ahead of a pipe under its number goes with it. */
static void forget_over(struct stream *stream)
{
    if (stream->over) stream->over->open = false;
    stream->over = NULL;
}

void stream_replace(struct stream *stream, struct stream *fresh)
{
    forget_over(stream);
    int unwanted = fresh->descriptor;
    descriptor_replace(stream->descriptor, &fresh->description, false);
    descriptor_close(unwanted);
    fresh->descriptor = -1;
    stream->file = fresh->file;
    stream->readable = fresh->readable;
    stream->writable = fresh->writable;
    stream->buffer = NULL;
    stream->pushed = EOF;
    stream->position = 0;
    stream_mark(stream, false, false);
}

void stream_close(struct stream *stream)
{
    stream->open = false;
    forget_over(stream);
    if (stream->in_memory) {
        stream_memory_close(stream);
    } else {
        descriptor_close(stream->descriptor);
    }
}

struct file *stream_file(const struct description *self)
{
    return self->kind == &file_kind ? stream_behind(self)->file : NULL;
}

void stream_mark(struct stream *stream, bool end, bool error)
{
    stream->face._flags &= ~(END_SEEN | ERROR_SEEN);
    if (end) stream->face._flags |= END_SEEN;
    if (error) stream->face._flags |= ERROR_SEEN;
}

/* What was read last has been used up: wait for more. */
static void read_more(struct stream *stream)
{
    ssize_t got = world_read(stream->descriptor, stream->buffer, STREAM_BUFFER);
    stream->position = 0;
    stream->buffered = got > 0 ? (size_t)got : 0;
    if (got < 0) stream_mark(stream, false, true);
}

static size_t size_of(const struct stream *stream)
{
    return stream->file ? stream->file->count : stream->memory.count;
}

static const char *text_of(struct stream *stream, size_t *count)
{
    if (stream->buffer) {
        if (stream->position >= stream->buffered) read_more(stream);
        *count = stream->buffered;
        return stream->buffer;
    }
    if (stream->file == NULL && !stream->in_memory) return capture_input(count);
    *count = size_of(stream);
    return stream->file ? stream->file->bytes : stream->memory.bytes;
}

/* As much as is asked for at once. */
static const char *device_text(enum device device, size_t *count)
{
    static char text[STREAM_BUFFER];
    *count = device == DEVICE_NULL ? 0 : sizeof text;
    memset(text, 0, sizeof text);
    if (device == DEVICE_RANDOM) world_arc4random_buf(text, sizeof text);
    return text;
}

const char *stream_rest(struct stream *stream, size_t *bytes)
{
    const char *text = "";
    size_t count = 0;
    world_looked_outside();
    if (stream->file && stream->file->device != DEVICE_NONE && stream->readable) {
        return device_text(stream->file->device, bytes);
    }
    if (!stream->readable) {
        errno = EBADF;
        stream_mark(stream, false, true);
    } else {
        text = text_of(stream, &count);
    }
    if (stream->position >= count) {
        *bytes = 0;
        return "";
    }
    *bytes = count - stream->position;
    return text + stream->position;
}

/* Until all of it is written. */
static int write_over(const struct stream *stream, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t some = world_write(stream->descriptor, bytes, count);
        if (some < 0) return -1;
        bytes += some;
        count -= (size_t)some;
    }
    return 0;
}

int stream_write(struct stream *stream, const char *bytes, size_t count, uintptr_t site)
{
    int rc = -1;
    struct stream *meant = stream->in_memory ? NULL : stream_meant(stream);
    if (!stream->writable) {
        errno = EBADF;
    } else if (stream->in_memory) {
        rc = stream_memory_write(stream, bytes, count, site);
    } else {
        rc = meant ? write_own(meant, bytes, count) : write_over(stream, bytes, count);
    }
    if (rc != 0) stream_mark(stream, false, true);
    return rc;
}

int stream_seek(struct stream *stream, long offset, int whence)
{
    if (stream->file == NULL && !stream->in_memory) {
        errno = ESPIPE;
        return -1;
    }
    long base = whence == SEEK_SET   ? 0
                : whence == SEEK_CUR ? (long)stream->position - (stream->pushed != EOF)
                                     : (long)size_of(stream);
    if (whence < SEEK_SET || whence > SEEK_END || base + offset < 0) {
        errno = EINVAL;
        return -1;
    }
    world_looked_outside(); /* where it stands is no step */
    stream->position = (size_t)(base + offset);
    stream->pushed = EOF;
    stream_mark(stream, false, (stream->face._flags & ERROR_SEEN) != 0);
    return 0;
}
