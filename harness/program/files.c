#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/check/require.h"
#include "harness/world/world.h"

enum { FILE_BYTES_MAX = 256 << 20 };

int world_clock_gettime(clockid_t clock, struct timespec *out);

/* When what is on disk was written, as far as a program can tell: before its world began. */
enum { FIRST_SECOND = 1703980800 };

static struct file *files; /* newest first */

static void tell_file(const struct world_place *place, char *out, size_t bytes)
{
    snprintf(out, bytes, "file %s", ((const struct file *)place)->path);
}

static void reset(struct file *file)
{
    if (file->changed) free(file->bytes);
    file->changed = false;
    file->place.object = 0;
    file->exists = file->on_disk;
    file->bytes = file->original;
    file->count = file->original_bytes;
    file->capacity = 0;
    file->mode = file->original_mode;
    file->changed_at = file->read_at = (struct timespec){.tv_sec = FIRST_SECOND};
}

static mode_t mask;

mode_t files_mask(void)
{
    return mask;
}

mode_t world_umask(mode_t fresh)
{
    mode_t old = mask;
    mask = fresh & 0777;
    return old;
}

void files_begin(void)
{
    mask = 022;
    for (struct file *file = files; file; file = file->next) reset(file);
}

static void load(struct file *file, int descriptor, size_t bytes)
{
    file->original = malloc(bytes + 1);
    REQUIRE(file->original != NULL);
    while (file->original_bytes < bytes) {
        ssize_t got = read(descriptor, file->original + file->original_bytes,
                           bytes - file->original_bytes);
        if (got <= 0) break;
        file->original_bytes += (size_t)got;
    }
}

static void refuse(const struct file *file)
{
    world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled file %s: only regular files can be used",
               file->path);
}

static void look(struct file *file)
{
    struct stat status;
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        file->refused = errno == ENOENT ? 0 : errno;
        return;
    }
    bool good = fstat(descriptor, &status) == 0;
    file->folder = good && S_ISDIR(status.st_mode);
    file->original_mode = status.st_mode & 07777;
    if (good && S_ISREG(status.st_mode) && status.st_size <= FILE_BYTES_MAX) {
        load(file, descriptor, (size_t)status.st_size);
    } else if (!file->folder) {
        close(descriptor);
        refuse(file);
    }
    file->on_disk = true;
    close(descriptor);
}

static bool is_of_the_machine(const char *path)
{
    static const char *const folders[] = {"/dev/", "/proc/", "/sys/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (strncmp(path, folders[i], strlen(folders[i])) == 0) return true;
    }
    return false;
}

struct file *files_find(const char *path)
{
    for (struct file *file = files; file; file = file->next) {
        if (strcmp(file->path, path) == 0) return file;
    }
    if (is_of_the_machine(path)) {
        world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled file %s: it differs from run to run",
                   path);
    }
    struct file *file = calloc(1, sizeof *file);
    REQUIRE(file != NULL);
    file->place.tell = tell_file;
    file->path = strdup(path);
    REQUIRE(file->path != NULL);
    look(file);
    file->next = files;
    files = file;
    reset(file);
    return file;
}

/* --- changing --- */

static void make_room(struct file *file, size_t bytes)
{
    world_clock_gettime(CLOCK_REALTIME, &file->changed_at);
    if (file->changed && bytes <= file->capacity) return;
    size_t capacity = bytes < 256 ? 256 : bytes + bytes / 2;
    if (capacity > FILE_BYTES_MAX) {
        world_fail(WORLD_FOUND_MEMORY, "the file %s grows beyond 256 MiB", file->path);
    }
    char *room = malloc(capacity);
    REQUIRE(room != NULL);
    if (file->count) memcpy(room, file->bytes, file->count);
    if (file->changed) free(file->bytes);
    file->bytes = room;
    file->capacity = capacity;
    file->changed = true;
}

void file_write(struct file *file, size_t at, const char *bytes, size_t count)
{
    size_t end = at + count;
    make_room(file, end > file->count ? end : file->count);
    if (at > file->count) memset(file->bytes + file->count, 0, at - file->count);
    memcpy(file->bytes + at, bytes, count);
    if (end > file->count) file->count = end;
}

void file_truncate(struct file *file)
{
    make_room(file, 1);
    file->exists = true;
    file->count = 0;
}

void file_resize(struct file *file, size_t bytes)
{
    make_room(file, bytes > file->count ? bytes : file->count);
    if (bytes > file->count) memset(file->bytes + file->count, 0, bytes - file->count);
    file->count = bytes;
}

void file_remove(struct file *file)
{
    file_truncate(file);
    file->exists = false;
}

static bool commit(const struct file *file)
{
    if (!file->exists) return unlink(file->path) == 0 || errno == ENOENT;
    FILE *out = fopen(file->path, "w");
    if (out == NULL) return false;
    bool good = fwrite(file->bytes, 1, file->count, out) == file->count &&
                fchmod(fileno(out), file->mode) == 0;
    return fclose(out) == 0 && good;
}

bool files_commit(void)
{
    for (const struct file *file = files; file; file = file->next) {
        if (!file->changed || commit(file)) continue;
        fprintf(stderr, "harness: cannot write %s: %s\n", file->path, strerror(errno));
        return false;
    }
    return true;
}
