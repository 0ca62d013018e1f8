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

static struct file *files;   /* newest first */
static struct file *nameless; /* those of this execution that have lost their names */

static void tell_file(const struct world_place *place, char *out, size_t bytes)
{
    snprintf(out, bytes, "file %s", ((const struct file *)place)->path);
}

static void reset(struct file *file)
{
    if (file->changed && !file->mapped) free(file->bytes);
    file->changed = false;
    file->mapped = NULL;
    file->place.object = 0;
    file->births = file->birth = 0;
    file->born = file->full;
    file->exists = file->on_disk;
    file->folder = file->folder_on_disk;
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

static char here[PATH_MAX];

/* --- names --- */

const char *files_here(void)
{
    return here;
}

/* Leaves out what only leads back. */
static void normalise(char *path)
{
    char *out = path;
    for (const char *at = path; *at;) {
        while (*at == '/') at++;
        size_t length = strcspn(at, "/");
        if (length == 2 && at[0] == '.' && at[1] == '.') {
            while (out > path && *--out != '/') continue;
        } else if (length > 0 && !(length == 1 && at[0] == '.')) {
            *out++ = '/';
            memmove(out, at, length);
            out += length;
        }
        at += length;
    }
    if (out == path) *out++ = '/';
    *out = '\0';
}

bool files_full(const char *path, char out[PATH_MAX])
{
    int length = path[0] == '/' ? snprintf(out, PATH_MAX, "%s", path)
                                : snprintf(out, PATH_MAX, "%s/%s", here, path);
    if (length < 0 || length >= PATH_MAX) return false;
    normalise(out);
    return true;
}

struct file *files_parent(const struct file *file)
{
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s", file->full);
    char *slash = strrchr(full, '/');
    slash[slash == full] = '\0';
    return files_find(full);
}

int files_may_add(const struct file *file)
{
    const struct file *folder = files_parent(file);
    if (!folder->exists) return ENOENT;
    return folder->folder ? 0 : ENOTDIR;
}

int files_go(const char *path)
{
    const struct file *folder = files_find(path);
    if (folder->refused) return folder->refused;
    if (!folder->exists) return ENOENT;
    if (!folder->folder) return ENOTDIR;
    snprintf(here, sizeof here, "%s", folder->full);
    return 0;
}

struct file *files_next(const struct file *file)
{
    return file ? file->next : files;
}

void files_begin(void)
{
    REQUIRE(getcwd(here, sizeof here) != NULL);
    mask = 022;
    while (nameless) {
        struct file *file = nameless;
        nameless = file->next;
        reset(file);
        free(file);
    }
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
    int descriptor = open(file->full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        file->refused = errno == ENOENT ? 0 : errno;
        return;
    }
    bool good = fstat(descriptor, &status) == 0;
    file->folder_on_disk = good && S_ISDIR(status.st_mode);
    file->original_mode = status.st_mode & 07777;
    if (good && S_ISREG(status.st_mode) && status.st_size <= FILE_BYTES_MAX) {
        load(file, descriptor, (size_t)status.st_size);
    } else if (!file->folder_on_disk) {
        close(descriptor);
        refuse(file);
    }
    file->on_disk = true;
    close(descriptor);
}

static enum device device_of(const char *path)
{
    static const struct {
        const char *path;
        enum device device;
    } known[] = {{"/dev/null", DEVICE_NULL},
                 {"/dev/zero", DEVICE_ZERO},
                 {"/dev/random", DEVICE_RANDOM},
                 {"/dev/urandom", DEVICE_RANDOM}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].path, path) == 0) return known[i].device;
    }
    return DEVICE_NONE;
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Of what the kernel tells in folders of its own there is nothing, nor of what others share. */
static bool is_of_the_machine(const char *path)
{
    return is_below(path, "/proc") || is_below(path, "/sys") || is_below(path, FILES_SHARED);
}

static bool is_device(const char *path)
{
    return is_below(path, "/dev") && !is_below(path, FILES_SHARED) && strcmp(path, "/dev") != 0;
}

struct file *files_find(const char *path)
{
    char full[PATH_MAX];
    bool good = files_full(path, full);
    if (path[0] == '\0') full[0] = '\0'; /* is nowhere */
    for (struct file *file = files; good && file; file = file->next) {
        if (strcmp(file->full, full) == 0) return file;
    }
    enum device device = device_of(full);
    if (!good || (device == DEVICE_NONE && is_device(full))) {
        world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled file %s: it differs from run to run",
                   path);
    }
    struct file *file = calloc(1, sizeof *file);
    REQUIRE(file != NULL);
    file->place.tell = tell_file;
    file->path = strdup(path);
    file->full = strdup(full);
    REQUIRE(file->path != NULL && file->full != NULL);
    file->device = device;
    file->on_disk = device != DEVICE_NONE;
    file->original_mode = 0666; /* of devices */
    if (is_of_the_machine(full)) {
        file->on_disk = file->folder_on_disk = strcmp(full, FILES_SHARED) == 0;
    } else if (device == DEVICE_NONE) {
        look(file);
    }
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
    if (file->mapped) {
        world_fail(WORLD_FOUND_UNCONTROLLED, "the file %s grows while it is mapped", file->path);
    }
    size_t capacity = bytes < 256 ? 256 : bytes + bytes / 2;
    if (capacity > FILE_BYTES_MAX) {
        world_fail(WORLD_FOUND_MEMORY, "the file %s grows beyond 256 MiB", file->path);
    }
    char *room = malloc(capacity);
    REQUIRE(room != NULL);
    size_t kept = file->count < capacity ? file->count : capacity; /* it may become shorter */
    if (kept) memcpy(room, file->bytes, kept);
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
    file->folder = false;
    file->count = 0;
}

void file_resize(struct file *file, size_t bytes)
{
    make_room(file, bytes > file->count ? bytes : file->count);
    if (bytes > file->count) memset(file->bytes + file->count, 0, bytes - file->count);
    file->count = bytes;
}

/* --- names that come and go --- */

static void take_name(struct file *file, const struct file *from)
{
    file->path = from->path;
    file->full = from->full;
    file->original = from->original;
    file->original_bytes = from->original_bytes;
    file->on_disk = from->on_disk;
    file->device = from->device;
    file->refused = from->refused;
    file->folder_on_disk = from->folder_on_disk;
    file->original_mode = from->original_mode;
    file->births = from->births;
}

static void put_in_place(struct file *file, const struct file *old)
{
    struct file **at = &files;
    while (*at != old) at = &(*at)->next;
    *at = file;
    file->next = old->next;
}

/* Of the name that a file had there is nothing, for now. */
static void leave_name(const struct file *old)
{
    struct file *file = calloc(1, sizeof *file);
    REQUIRE(file != NULL);
    take_name(file, old);
    reset(file);
    file->place.tell = tell_file;
    file->birth = file->births = old->births + 1;
    file->exists = false;
    file->count = 0;
    make_room(file, 0);
    put_in_place(file, old);
}

static void lose_name(struct file *file)
{
    file->nameless = true;
    file->next = nameless;
    nameless = file;
}

void file_remove(struct file *file)
{
    leave_name(file);
    lose_name(file);
}

void file_move(struct file *file, struct file *other)
{
    struct timespec changed_at = file->changed_at;
    make_room(file, file->count); /* no more as it is on disk */
    file->changed_at = changed_at;
    leave_name(file);
    put_in_place(file, other);
    take_name(file, other);
    lose_name(other);
}

void file_make_folder(struct file *file, mode_t mode)
{
    file_truncate(file);
    file->folder = true;
    file->mode = mode;
}

void file_map(struct file *file, char *memory, size_t bytes)
{
    make_room(file, file->count);
    if (file->count) memcpy(memory, file->bytes, file->count);
    free(file->bytes);
    file->bytes = file->mapped = memory;
    file->capacity = bytes;
}

void file_unmap(struct file *file)
{
    char *memory = file->mapped;
    file->mapped = NULL;
    file->bytes = malloc(file->capacity);
    REQUIRE(file->bytes != NULL);
    memcpy(file->bytes, memory, file->count);
}

static bool commit(const struct file *file)
{
    if (!file->exists) return remove(file->full) == 0 || errno == ENOENT;
    if (file->folder) return mkdir(file->full, file->mode) == 0 || errno == EEXIST;
    FILE *out = fopen(file->full, "w");
    if (out == NULL) return false;
    bool good = fwrite(file->bytes, 1, file->count, out) == file->count &&
                fchmod(fileno(out), file->mode) == 0;
    return fclose(out) == 0 && good;
}

static bool is_done(const struct file *file, bool folders)
{
    return !file->changed || (file->exists && file->folder) != folders || commit(file);
}

/* Folders first, from the outermost: those that were made before others are behind them. */
static bool commit_folders(const struct file *file)
{
    if (file == NULL) return true;
    if (!commit_folders(file->next)) return false;
    return is_done(file, true);
}

bool files_commit(void)
{
    bool good = commit_folders(files);
    for (const struct file *file = files; file && good; file = file->next) {
        good = is_done(file, false);
        if (!good) fprintf(stderr, "harness: cannot write %s: %s\n", file->path, strerror(errno));
    }
    return good;
}
