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
}

void files_begin(void)
{
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
    file->on_disk = true;
}

static void look(struct file *file)
{
    struct stat status;
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        file->refused = errno == ENOENT ? 0 : errno;
        return;
    }
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size > FILE_BYTES_MAX) {
        close(descriptor);
        world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled file %s: only regular files can be used",
                   file->path);
    }
    load(file, descriptor, (size_t)status.st_size);
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
    bool good = fwrite(file->bytes, 1, file->count, out) == file->count;
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
