#include "folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/check/require.h"
#include "harness/world/world.h"
#include "streams.h"

int world_stat(const char *path, struct stat *out);
int world_access(const char *path, int mode);
int world_open(const char *path, int flags, ...);
int world_close(int number);
void *world_malloc(size_t bytes);
void world_free(void *block);

static int failed(int error)
{
    errno = error;
    return -1;
}

/* --- what is in a folder --- */

/* Entries in the order of their names, which is the same everywhere. */
struct listing {
    struct dirent *entries;
    size_t count, room;
};

static void add(struct listing *listing, const char *name, unsigned char type)
{
    if (listing->count == listing->room) {
        listing->room = listing->room ? 2 * listing->room : 16;
        listing->entries = realloc(listing->entries, listing->room * sizeof *listing->entries);
        REQUIRE(listing->entries != NULL);
    }
    struct dirent *entry = &listing->entries[listing->count++];
    *entry = (struct dirent){.d_type = type, .d_reclen = sizeof *entry};
    snprintf(entry->d_name, sizeof entry->d_name, "%s", name);
}

/* The name of what lies in that folder, or below it: what follows; NULL: it does not. */
static const char *below(const char *folder, const char *full)
{
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    if (strncmp(full, folder, length) != 0 || full[length] != '/' || full[length + 1] == '\0') {
        return NULL;
    }
    return full + length + 1;
}

static bool is_known(const struct file *folder, const char *name)
{
    for (const struct file *at = files_next(NULL); at; at = files_next(at)) {
        const char *own = below(folder->full, at->full);
        if (own && strcmp(own, name) == 0) return true;
    }
    return false;
}

static void add_from_disk(struct listing *listing, const struct file *folder)
{
    const struct dirent *entry;
    DIR *real = folder->changed ? NULL : opendir(folder->full);
    while (real && (entry = readdir(real)) != NULL) {
        bool dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!dots && !is_known(folder, entry->d_name)) add(listing, entry->d_name, entry->d_type);
    }
    if (real) closedir(real);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct dirent *)a)->d_name, ((const struct dirent *)b)->d_name);
}

static struct listing list(const struct file *folder)
{
    struct listing listing = {NULL, 0, 0};
    add_from_disk(&listing, folder);
    for (const struct file *at = files_next(NULL); at; at = files_next(at)) {
        const char *name = below(folder->full, at->full);
        if (name == NULL || strchr(name, '/') || !at->exists) continue;
        add(&listing, name, at->folder ? DT_DIR : DT_REG);
    }
    if (listing.count > 1) qsort(listing.entries, listing.count, sizeof(struct dirent), by_name);
    return listing;
}

static bool is_empty(const struct file *folder)
{
    struct listing listing = list(folder);
    free(listing.entries);
    return listing.count == 0;
}

/* --- reading them --- */

struct __dirstream {
    int descriptor;
    size_t at, count;
    struct dirent entries[];
};

static DIR *open_stream(const struct file *folder, int descriptor)
{
    struct listing listing = {NULL, 0, 0}, rest = list(folder);
    add(&listing, ".", DT_DIR);
    add(&listing, "..", DT_DIR);
    for (size_t i = 0; i < rest.count; i++) {
        add(&listing, rest.entries[i].d_name, rest.entries[i].d_type);
    }
    size_t bytes = listing.count * sizeof(struct dirent);
    DIR *stream = world_malloc(sizeof *stream + bytes);
    if (stream) {
        stream->descriptor = descriptor;
        stream->at = 0;
        stream->count = listing.count;
        memcpy(stream->entries, listing.entries, bytes);
        for (size_t i = 0; i < listing.count; i++) {
            stream->entries[i].d_ino = i + 1;
            stream->entries[i].d_off = (off_t)i + 1;
        }
    }
    free(listing.entries);
    free(rest.entries);
    return stream;
}

DIR *world_fdopendir(int number)
{
    const struct description *self = descriptor_look(number);
    const struct file *folder = self ? stream_file(self) : NULL;
    if (folder && folder->folder) return open_stream(folder, number);
    errno = self ? ENOTDIR : EBADF;
    return NULL;
}

DIR *world_opendir(const char *path)
{
    int number = world_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return number < 0 ? NULL : world_fdopendir(number);
}

int world_closedir(DIR *stream)
{
    int number = stream->descriptor;
    world_free(stream);
    return world_close(number);
}

struct dirent *world_readdir(DIR *stream)
{
    return stream->at < stream->count ? &stream->entries[stream->at++] : NULL;
}

int world_readdir_r(DIR *stream, struct dirent *room, struct dirent **out)
{
    *out = world_readdir(stream);
    if (*out) *out = memcpy(room, *out, sizeof *room);
    return 0;
}

void world_rewinddir(DIR *stream)
{
    stream->at = 0;
}

long world_telldir(DIR *stream)
{
    return (long)stream->at;
}

void world_seekdir(DIR *stream, long at)
{
    stream->at = at >= 0 && (size_t)at <= stream->count ? (size_t)at : stream->count;
}

int world_dirfd(DIR *stream)
{
    return stream->descriptor;
}

/* --- making, moving and removing them --- */

int world_mkdir(const char *path, mode_t mode)
{
    struct file *file = files_find(path);
    place_point(NULL, WORLD_NONE);
    if (file->refused) return failed(file->refused);
    if (file->exists) return failed(EEXIST);
    int rc = files_may_add(file);
    if (rc != 0) return failed(rc);
    file_make_folder(file, mode & 0777 & ~files_mask());
    return 0;
}

int world_rmdir(const char *path)
{
    struct file *file = files_find(path);
    if (world_access(path, F_OK) != 0) return -1;
    if (!file->folder) return failed(ENOTDIR);
    if (strcmp(file->full, files_here()) == 0) return failed(EBUSY);
    if (!is_empty(file)) return failed(ENOTEMPTY);
    file_remove(file);
    return 0;
}

int folder_rename(struct file *source, struct file *target)
{
    char path[PATH_MAX];
    if (below(source->full, target->full)) return failed(EINVAL);
    if (target->exists && !target->folder) return failed(ENOTDIR);
    if (target->exists && !is_empty(target)) return failed(ENOTEMPTY);
    if (source->folder_on_disk && !source->changed) {
        world_fail(WORLD_FOUND_UNCONTROLLED,
                   "uncontrolled call: rename of the folder %s, which was there before",
                   source->path);
    }
    for (struct file *at = files_next(NULL); at;) {
        const char *name = below(source->full, at->full);
        if (name == NULL || !at->exists) {
            at = files_next(at);
            continue;
        }
        if ((size_t)snprintf(path, sizeof path, "%s/%s", target->full, name) >= sizeof path) {
            return failed(ENAMETOOLONG);
        }
        file_move(at, files_find(path));
        at = files_next(NULL); /* those before it may be others now */
    }
    file_move(source, target);
    return 0;
}

/* --- where the program is --- */

int world_chdir(const char *path)
{
    int rc = files_go(path);
    return rc == 0 ? 0 : failed(rc);
}

int world_fchdir(int number)
{
    const struct description *self = descriptor_look(number);
    const struct file *folder = self ? stream_file(self) : NULL;
    if (self == NULL) return failed(EBADF);
    return folder ? world_chdir(folder->full) : failed(ENOTDIR);
}

static char *copy_to(char *out, size_t bytes, const char *text)
{
    size_t needed = strlen(text) + 1;
    if (out == NULL) {
        if (bytes == 0) bytes = needed;
        out = bytes < needed ? NULL : world_malloc(bytes);
    }
    if (out && needed <= bytes) return memcpy(out, text, needed);
    errno = ERANGE;
    return NULL;
}

char *world_getcwd(char *out, size_t bytes)
{
    if (out && bytes == 0) {
        errno = EINVAL;
        return NULL;
    }
    return copy_to(out, bytes, files_here());
}

char *world_get_current_dir_name(void)
{
    return copy_to(NULL, 0, files_here());
}

char *world_realpath(const char *path, char *out)
{
    if (world_access(path, F_OK) != 0) return NULL;
    return copy_to(out, out ? PATH_MAX : 0, files_find(path)->full);
}

char *world___realpath_chk(const char *path, char *out, size_t room)
{
    (void)room;
    return world_realpath(path, out);
}

/* --- names that are relative to a folder --- */

const char *folder_path(int number, const char *path, char out[PATH_MAX])
{
    if (number == AT_FDCWD || path[0] == '/') return path;
    const struct description *self = descriptor_look(number);
    const struct file *folder = self ? stream_file(self) : NULL;
    if (folder == NULL || !folder->folder) {
        errno = self ? ENOTDIR : EBADF;
        return NULL;
    }
    if (snprintf(out, PATH_MAX, "%s/%s", folder->full, path) < PATH_MAX) return out;
    errno = ENAMETOOLONG;
    return NULL;
}

int world_unlink(const char *path);
int world_rename(const char *from, const char *to);
int world_chmod(const char *path, mode_t mode);

int world_openat(int folder, const char *path, int flags, ...)
{
    char room[PATH_MAX];
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
    va_end(list);
    const char *name = folder_path(folder, path, room);
    return name ? world_open(name, flags, mode) : -1;
}

int world___openat_2(int folder, const char *path, int flags)
{
    return world_openat(folder, path, flags);
}

int world_mkdirat(int folder, const char *path, mode_t mode)
{
    char room[PATH_MAX];
    const char *name = folder_path(folder, path, room);
    return name ? world_mkdir(name, mode) : -1;
}

int world_unlinkat(int folder, const char *path, int flags)
{
    char room[PATH_MAX];
    const char *name = folder_path(folder, path, room);
    if (name == NULL) return -1;
    return flags & AT_REMOVEDIR ? world_rmdir(name) : world_unlink(name);
}

int world_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    char room[PATH_MAX], other_room[PATH_MAX];
    const char *source = folder_path(from_folder, from, room);
    const char *target = folder_path(to_folder, to, other_room);
    return source && target ? world_rename(source, target) : -1;
}

int world_faccessat(int folder, const char *path, int mode, int flags)
{
    char room[PATH_MAX];
    const char *name = folder_path(folder, path, room);
    (void)flags;
    return name ? world_access(name, mode) : -1;
}

int world_fchmodat(int folder, const char *path, mode_t mode, int flags)
{
    char room[PATH_MAX];
    const char *name = folder_path(folder, path, room);
    (void)flags;
    return name ? world_chmod(name, mode) : -1;
}

/* --- a file system without links --- */

ssize_t world_readlink(const char *path, char *out, size_t bytes)
{
    (void)out, (void)bytes;
    return world_access(path, F_OK) == 0 ? failed(EINVAL) : -1;
}

int world_symlink(const char *to, const char *path)
{
    (void)to, (void)path;
    return failed(EPERM);
}

int world_link(const char *from, const char *to)
{
    (void)from, (void)to;
    return failed(EPERM);
}

/* --- other names --- */

__attribute__((alias("world_readdir"))) struct dirent *world_readdir64(DIR *stream);
__attribute__((alias("world_openat"))) int world_openat64(int folder, const char *path, int flags,
                                                          ...);
