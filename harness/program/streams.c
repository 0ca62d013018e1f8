#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "harness/check/require.h"
#include "harness/world/world.h"

enum { END_SEEN = 0x10, ERROR_SEEN = 0x20 }; /* bits of FILE's flags, as the macros know them */

static struct stream streams[STREAMS_MAX];
static int used; /* slots touched in this execution */

FILE *world_stdin = &streams[0].face;
FILE *world_stdout = &streams[1].face;
FILE *world_stderr = &streams[2].face;

static struct stream *prepare(int slot)
{
    struct stream *stream = &streams[slot];
    *stream = (struct stream){
        .open = true, .pushed = EOF, .lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP};
    if (slot >= used) used = slot + 1;
    return stream;
}

void streams_begin(void)
{
    for (int slot = 0; slot < used; slot++) streams[slot].open = false;
    used = 0;
    prepare(0)->readable = true;
    prepare(1)->writable = true;
    prepare(2)->writable = true;
    world_stdin = &streams[0].face;
    world_stdout = &streams[1].face;
    world_stderr = &streams[2].face;
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

struct stream *stream_of_descriptor(int descriptor)
{
    if (descriptor >= 0 && descriptor < used && streams[descriptor].open) {
        return &streams[descriptor];
    }
    errno = EBADF;
    return NULL;
}

int stream_descriptor(const struct stream *stream)
{
    return (int)(stream - streams);
}

/* 0, or why that file cannot be opened like this. */
static int refuse(const struct file *file, int flags)
{
    if (file->refused) return file->refused;
    if (!file->exists) return flags & O_CREAT ? 0 : ENOENT;
    return (flags & O_CREAT) && (flags & O_EXCL) ? EEXIST : 0;
}

struct stream *stream_open(const char *path, int flags)
{
    struct file *file = files_find(path);
    errno = refuse(file, flags);
    if (errno != 0) return NULL;
    int slot = 0;
    while (slot < used && streams[slot].open) slot++;
    if (slot == STREAMS_MAX) {
        errno = EMFILE;
        return NULL;
    }
    if ((flags & O_TRUNC) || !file->exists) file_truncate(file);
    struct stream *stream = prepare(slot);
    stream->file = file;
    stream->readable = (flags & O_ACCMODE) != O_WRONLY;
    stream->writable = (flags & O_ACCMODE) != O_RDONLY;
    stream->appends = (flags & O_APPEND) != 0;
    return stream;
}

void stream_close(struct stream *stream)
{
    stream->open = false;
}

void stream_mark(struct stream *stream, bool end, bool error)
{
    stream->face._flags &= ~(END_SEEN | ERROR_SEEN);
    if (end) stream->face._flags |= END_SEEN;
    if (error) stream->face._flags |= ERROR_SEEN;
}

const char *stream_rest(struct stream *stream, size_t *bytes)
{
    const char *text = "";
    size_t count = 0;
    world_looked_outside();
    if (!stream->readable) {
        errno = EBADF;
        stream_mark(stream, false, true);
    } else if (stream->file) {
        text = stream->file->bytes;
        count = stream->file->count;
    } else {
        text = capture_input(&count);
    }
    if (stream->position >= count) {
        *bytes = 0;
        return "";
    }
    *bytes = count - stream->position;
    return text + stream->position;
}

int stream_write(struct stream *stream, const char *bytes, size_t count)
{
    if (!stream->writable) {
        errno = EBADF;
        stream_mark(stream, false, true);
        return -1;
    }
    if (stream->file == NULL) {
        capture_write(stream_descriptor(stream), bytes, count);
        return 0;
    }
    if (stream->appends) stream->position = stream->file->count;
    file_write(stream->file, stream->position, bytes, count);
    stream->position += count;
    return 0;
}

int stream_seek(struct stream *stream, long offset, int whence)
{
    if (stream->file == NULL) {
        errno = ESPIPE;
        return -1;
    }
    long base = whence == SEEK_SET   ? 0
                : whence == SEEK_CUR ? (long)stream->position - (stream->pushed != EOF)
                                     : (long)stream->file->count;
    if (whence < SEEK_SET || whence > SEEK_END || base + offset < 0) {
        errno = EINVAL;
        return -1;
    }
    stream->position = (size_t)(base + offset);
    stream->pushed = EOF;
    stream_mark(stream, false, (stream->face._flags & ERROR_SEEN) != 0);
    return 0;
}
