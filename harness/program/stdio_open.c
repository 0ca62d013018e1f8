/* Opening, closing and moving about in files, by stream and by descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "harness/net/names.h"
#include "harness/world/world.h"
#include "folders.h"
#include "streams.h"

int world_pthread_mutex_lock(pthread_mutex_t *mutex);
int world_pthread_mutex_trylock(pthread_mutex_t *mutex);
int world_pthread_mutex_unlock(pthread_mutex_t *mutex);

/* --- streams --- */

/* -1: no mode of fopen(). */
static int flags_of(const char *mode)
{
    bool both = strchr(mode, '+') != NULL;
    int flags = strchr(mode, 'x') ? O_EXCL : 0;
    switch (mode[0]) {
    case 'r':
        return both ? O_RDWR : O_RDONLY;
    case 'w':
        return flags | O_CREAT | O_TRUNC | (both ? O_RDWR : O_WRONLY);
    case 'a':
        return flags | O_CREAT | O_APPEND | (both ? O_RDWR : O_WRONLY);
    default:
        return -1;
    }
}

FILE *world_fopen(const char *path, const char *mode)
{
    int flags = flags_of(mode);
    if (flags < 0) {
        errno = EINVAL;
        return NULL;
    }
    struct stream *stream = stream_open(path, flags, 0666, CALL_SITE);
    if (stream == NULL) return NULL;
    stream->has_face = true;
    return &stream->face;
}

/* The stream stays the same, and its descriptor; what is behind them becomes another file. */
FILE *world_freopen(const char *path, const char *mode, FILE *face)
{
    struct stream *stream = stream_of(face);
    if (path == NULL) world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled call: freopen of no file");
    int flags = flags_of(mode);
    errno = flags < 0 ? EINVAL : stream->in_memory ? EBADF : 0;
    struct stream *fresh = errno ? NULL : stream_open(path, flags, 0666, CALL_SITE);
    if (fresh == NULL) {
        int error = errno;
        stream_close(stream);
        errno = error;
        return NULL;
    }
    stream_replace(stream, fresh);
    return face;
}

FILE *world_fdopen(int descriptor, const char *mode)
{
    int flags = flags_of(mode);
    if (flags < 0) {
        errno = EINVAL;
        return NULL;
    }
    flags &= O_ACCMODE;
    struct stream *stream = stream_over(descriptor, flags != O_WRONLY, flags != O_RDONLY);
    return stream ? &stream->face : NULL;
}

int world_fclose(FILE *face)
{
    struct stream *stream = stream_of(face);
    if (stream->in_memory) { /* what did not fit is told at last here */
        int rc = ferror_unlocked(face) ? EOF : 0;
        stream_close(stream);
        return rc;
    }
    place_enter(CALL_SITE);
    if (stream->file || stream->buffer) {
        place_point(descriptor_place(stream->descriptor), WORLD_WRITE);
    }
    place_say("close %d", stream->descriptor);
    stream_close(stream);
    return 0;
}

int world_feof(FILE *face)
{
    return feof_unlocked(&stream_of(face)->face);
}

int world_ferror(FILE *face)
{
    return ferror_unlocked(&stream_of(face)->face);
}

void world_clearerr(FILE *face)
{
    stream_mark(stream_of(face), false, false);
}

int world_fileno(FILE *face)
{
    const struct stream *stream = stream_of(face);
    if (stream->in_memory) errno = EBADF;
    return stream->descriptor;
}

int world_fseek(FILE *face, long offset, int whence)
{
    struct stream *stream = stream_of(face), *source = stream_source(stream);
    bool back = source != stream && whence == SEEK_CUR && stream->pushed != EOF;
    if (stream_seek(source, offset - back, whence) != 0) return -1;
    stream->pushed = EOF;
    stream_mark(stream, false, ferror_unlocked(face));
    return 0;
}

long world_ftell(FILE *face)
{
    const struct stream *stream = stream_of(face), *source = stream_source(stream_of(face));
    if (source->file == NULL && !source->in_memory) {
        errno = ESPIPE;
        return -1;
    }
    return (long)source->position - (stream->pushed != EOF);
}

/* Only the C library looks inside, and what is here of it is a place in a file. */
int world_fgetpos(FILE *face, fpos_t *position)
{
    long at = world_ftell(face);
    if (at < 0) return -1;
    *position = (fpos_t){.__pos = at};
    return 0;
}

int world_fsetpos(FILE *face, const fpos_t *position)
{
    return world_fseek(face, position->__pos, SEEK_SET);
}

void world_rewind(FILE *face)
{
    world_fseek(face, 0, SEEK_SET);
    world_clearerr(face);
}

/* Nothing is buffered, so there is nothing to set. */
int world_setvbuf(FILE *face, char *buffer, int mode, size_t bytes)
{
    (void)buffer, (void)mode, (void)bytes;
    stream_of(face);
    return 0;
}

void world_setbuf(FILE *face, char *buffer)
{
    world_setvbuf(face, buffer, _IOFBF, BUFSIZ);
}

void world_setbuffer(FILE *face, char *buffer, size_t bytes)
{
    world_setvbuf(face, buffer, _IOFBF, bytes);
}

void world_setlinebuf(FILE *face)
{
    world_setvbuf(face, NULL, _IOLBF, 0);
}

void world_flockfile(FILE *face)
{
    world_pthread_mutex_lock(&stream_of(face)->lock);
}

int world_ftrylockfile(FILE *face)
{
    return world_pthread_mutex_trylock(&stream_of(face)->lock);
}

void world_funlockfile(FILE *face)
{
    world_pthread_mutex_unlock(&stream_of(face)->lock);
}

/* --- descriptors; what else they can do is in harness/net --- */

static int open_file(const char *path, int flags, mode_t mode, uintptr_t site)
{
    int known = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_CLOEXEC | O_SYNC | O_DSYNC |
                O_DIRECTORY;
    int idle = O_NOCTTY | O_NONBLOCK | O_NOFOLLOW; /* make no difference to regular files */
    if (flags & ~(known | idle)) {
        world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled call of open with flags 0%o",
                   (unsigned)flags);
    }
    struct stream *stream = stream_open(path, flags & ~idle, mode, site);
    return stream ? stream->descriptor : -1;
}

int world_open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
    va_end(list);
    return open_file(path, flags, mode, CALL_SITE);
}

int world_creat(const char *path, mode_t mode)
{
    return open_file(path, O_CREAT | O_WRONLY | O_TRUNC, mode, CALL_SITE);
}

int world___open_2(const char *path, int flags)
{
    return open_file(path, flags, 0, CALL_SITE);
}

/* --- names --- */

int world_access(const char *path, int mode)
{
    const struct file *file = files_find(path);
    if (file->refused || !file->exists || ((mode & X_OK) && !(file->mode & 0111))) {
        errno = file->refused ? file->refused : file->exists ? EACCES : ENOENT;
        return -1;
    }
    return 0;
}

int world_unlink(const char *path)
{
    if (names_unlink(path)) return 0;
    if (world_access(path, F_OK) != 0) return -1;
    struct file *file = files_find(path);
    if (file->folder) {
        errno = EISDIR;
        return -1;
    }
    file_remove(file);
    return 0;
}

int world_rename(const char *from, const char *to)
{
    if (world_access(from, F_OK) != 0) return -1;
    struct file *source = files_find(from), *target = files_find(to);
    if (source == target) return 0;
    errno = files_may_add(target);
    if (errno != 0) return -1;
    if (source->folder) return folder_rename(source, target);
    if (target->exists && target->folder) {
        errno = EISDIR;
        return -1;
    }
    file_move(source, target);
    return 0;
}

int world_remove(const char *path)
{
    return files_find(path)->folder ? world_rmdir(path) : world_unlink(path);
}

/* --- other names --- */

#define SAME(type, name, as, parameters) __attribute__((alias(#as))) type name parameters
SAME(FILE *, world_fopen64, world_fopen, (const char *path, const char *mode));
SAME(FILE *, world_freopen64, world_freopen,
     (const char *path, const char *mode, FILE *face));
SAME(int, world_feof_unlocked, world_feof, (FILE *face));
SAME(int, world_ferror_unlocked, world_ferror, (FILE *face));
SAME(void, world_clearerr_unlocked, world_clearerr, (FILE *face));
SAME(int, world_fileno_unlocked, world_fileno, (FILE *face));
SAME(int, world_fseeko, world_fseek, (FILE *face, long offset, int whence));
SAME(int, world_fseeko64, world_fseek, (FILE *face, long offset, int whence));
SAME(long, world_ftello, world_ftell, (FILE *face));
SAME(long, world_ftello64, world_ftell, (FILE *face));
SAME(int, world_fgetpos64, world_fgetpos, (FILE *face, fpos_t *position));
SAME(int, world_fsetpos64, world_fsetpos, (FILE *face, const fpos_t *position));
SAME(int, world_open64, world_open, (const char *path, int flags, ...));
SAME(int, world_creat64, world_creat, (const char *path, mode_t mode));
SAME(int, world___open64_2, world___open_2, (const char *path, int flags));
