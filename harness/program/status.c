/* What is known of files: size, permissions, times. Permissions and times can be set, and hinder
 * nobody; there are no links, so each name is a file of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <utime.h>

#include "folders.h"
#include "streams.h"

enum { USER = 1000, BLOCK = 4096, SECTOR = 512, PERMISSIONS = 07777 };

int world_clock_gettime(clockid_t clock, struct timespec *out);

/* Of its first name, so that it does not depend on what was opened before: FNV-1a (Fowler, Noll,
 * Vo). */
static ino_t number_of(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *path; path++) hash = (hash ^ (unsigned char)*path) * 0x100000001b3;
    return hash >> 16;
}

static void fill(struct stat *out, ino_t number, mode_t mode, size_t bytes)
{
    size_t sectors = (bytes + SECTOR - 1) / SECTOR;
    *out = (struct stat){.st_dev = 1, .st_ino = number, .st_mode = mode, .st_nlink = 1,
                         .st_uid = USER, .st_gid = USER, .st_size = (off_t)bytes,
                         .st_blksize = BLOCK, .st_blocks = (blkcnt_t)sectors};
}

static mode_t type_of(const struct file *file)
{
    if (file->device != DEVICE_NONE) return S_IFCHR;
    return file->folder ? S_IFDIR : S_IFREG;
}

static int tell(const struct file *file, struct stat *out)
{
    if (file->refused || !file->exists) {
        errno = file->refused ? file->refused : ENOENT;
        return -1;
    }
    fill(out, number_of(file->born) + file->birth, type_of(file) | file->mode,
         file->folder ? BLOCK : file->count);
    out->st_nlink = !file->nameless;
    out->st_mtim = out->st_ctim = file->changed_at;
    out->st_atim = file->read_at;
    return 0;
}

int world_stat(const char *path, struct stat *out)
{
    return tell(files_find(path), out);
}

/* Standard streams are pipes, as isatty() says. */
static void tell_other(const struct description *self, struct stat *out)
{
    mode_t type = self->kind->is_socket ? S_IFSOCK
                  : self->kind->silent || strcmp(self->kind->word, "pipe") == 0 ? S_IFIFO
                                                                                 : 0;
    fill(out, (ino_t)self->number + 1, type | 0600, 0);
}

int world_fstat(int number, struct stat *out)
{
    const struct description *self = descriptor_look(number);
    if (self == NULL) return (int)result_of(-EBADF);
    const struct file *file = stream_file(self);
    if (file) return tell(file, out);
    tell_other(self, out);
    return 0;
}

int world_fstatat(int folder, const char *path, struct stat *out, int flags)
{
    if ((flags & AT_EMPTY_PATH) && path[0] == '\0') return world_fstat(folder, out);
    char room[PATH_MAX];
    const char *name = folder_path(folder, path, room);
    return name ? world_stat(name, out) : -1;
}

/* --- changing it --- */

static struct file *find_existing(const char *path)
{
    struct stat unused;
    struct file *file = files_find(path);
    return tell(file, &unused) == 0 ? file : NULL;
}

static struct file *find_open(int number)
{
    const struct description *self = descriptor_look(number);
    struct file *file = self ? stream_file(self) : NULL;
    if (file == NULL) errno = self ? EINVAL : EBADF;
    return file;
}

static int set_mode(struct file *file, mode_t mode)
{
    if (file == NULL) return -1;
    file->mode = mode & PERMISSIONS;
    return 0;
}

int world_chmod(const char *path, mode_t mode)
{
    return set_mode(find_existing(path), mode);
}

int world_fchmod(int number, mode_t mode)
{
    return set_mode(find_open(number), mode);
}

/* The user can give files only to himself. */
static int set_owner(const struct file *file, uid_t user, gid_t group)
{
    if (file == NULL) return -1;
    if ((user == (uid_t)-1 || user == USER) && (group == (gid_t)-1 || group == USER)) return 0;
    errno = EPERM;
    return -1;
}

int world_chown(const char *path, uid_t user, gid_t group)
{
    return set_owner(find_existing(path), user, group);
}

int world_fchown(int number, uid_t user, gid_t group)
{
    return set_owner(find_open(number), user, group);
}

static int set_time(struct timespec *time, const struct timespec *wanted)
{
    if (wanted && wanted->tv_nsec == UTIME_OMIT) return 0;
    if (wanted == NULL || wanted->tv_nsec == UTIME_NOW) {
        return world_clock_gettime(CLOCK_REALTIME, time);
    }
    if (wanted->tv_nsec < 0 || wanted->tv_nsec >= 1000000000) return -1;
    *time = *wanted;
    return 0;
}

static int set_times(struct file *file, const struct timespec times[2])
{
    if (file == NULL) return -1;
    if (set_time(&file->read_at, times) == 0 &&
        set_time(&file->changed_at, times ? &times[1] : NULL) == 0) {
        return 0;
    }
    errno = EINVAL;
    return -1;
}

int world_utimensat(int folder, const char *path, const struct timespec times[2], int flags)
{
    (void)flags;
    char room[PATH_MAX];
    const char *name = folder_path(folder, path, room);
    return name ? set_times(find_existing(name), times) : -1;
}

int world_futimens(int number, const struct timespec times[2])
{
    return set_times(find_open(number), times);
}

static int set_old_times(struct file *file, const struct timeval times[2])
{
    if (times == NULL) return set_times(file, NULL);
    return set_times(file, (struct timespec[]){{times[0].tv_sec, times[0].tv_usec * 1000},
                                               {times[1].tv_sec, times[1].tv_usec * 1000}});
}

int world_utimes(const char *path, const struct timeval times[2])
{
    return set_old_times(find_existing(path), times);
}

int world_futimes(int number, const struct timeval times[2])
{
    return set_old_times(find_open(number), times);
}

int world_utime(const char *path, const struct utimbuf *times)
{
    struct timeval both[2] = {{0}, {0}};
    if (times) {
        both[0].tv_sec = times->actime;
        both[1].tv_sec = times->modtime;
    }
    return world_utimes(path, times ? both : NULL);
}

static int set_size(struct file *file, off_t bytes)
{
    if (file == NULL) return -1;
    if (bytes >= 0 && !file->folder) {
        file_resize(file, (size_t)bytes);
        return 0;
    }
    errno = file->folder ? EISDIR : EINVAL;
    return -1;
}

int world_truncate(const char *path, off_t bytes)
{
    return set_size(find_existing(path), bytes);
}

int world_ftruncate(int number, off_t bytes)
{
    const struct description *self = descriptor_look(number);
    if (self && (self->flags & O_ACCMODE) == O_RDONLY) return (int)result_of(-EINVAL);
    return set_size(find_open(number), bytes);
}

int world_posix_fadvise(int number, off_t from, off_t bytes, int advice)
{
    (void)from, (void)bytes, (void)advice;
    return descriptor_look(number) ? 0 : EBADF;
}

/* Bytes that are not there are zeros; there is always room for them. */
static int reserve(int number, off_t from, off_t bytes)
{
    const struct description *self = descriptor_look(number);
    if (self == NULL || (self->flags & O_ACCMODE) == O_RDONLY) return EBADF;
    struct file *file = stream_file(self);
    if (file == NULL || file->folder) return ENODEV;
    if (from < 0 || bytes <= 0) return EINVAL;
    if (bytes > INT64_MAX - from) return EFBIG;
    if ((size_t)(from + bytes) > file->count) file_resize(file, (size_t)(from + bytes));
    return 0;
}

int world_posix_fallocate(int number, off_t from, off_t bytes)
{
    return reserve(number, from, bytes);
}

int world_fallocate(int number, int mode, off_t from, off_t bytes)
{
    return (int)result_of(mode != 0 ? -EOPNOTSUPP : -reserve(number, from, bytes));
}

/* --- other names --- */

int world___xstat(int version, const char *path, struct stat *out)
{
    (void)version;
    return world_stat(path, out);
}

int world___fxstat(int version, int number, struct stat *out)
{
    (void)version;
    return world_fstat(number, out);
}

#define SAME(name, as, ...) __attribute__((alias(#as))) int name(__VA_ARGS__)
SAME(world_lstat, world_stat, const char *path, struct stat *out);
SAME(world_stat64, world_stat, const char *path, struct stat *out);
SAME(world_lstat64, world_stat, const char *path, struct stat *out);
SAME(world_fstat64, world_fstat, int number, struct stat *out);
SAME(world_fstatat64, world_fstatat, int folder, const char *path, struct stat *out, int flags);
SAME(world___lxstat, world___xstat, int version, const char *path, struct stat *out);
SAME(world___xstat64, world___xstat, int version, const char *path, struct stat *out);
SAME(world___lxstat64, world___xstat, int version, const char *path, struct stat *out);
SAME(world___fxstat64, world___fxstat, int version, int number, struct stat *out);
SAME(world_lchown, world_chown, const char *path, uid_t user, gid_t group);
SAME(world_truncate64, world_truncate, const char *path, off_t bytes);
SAME(world_ftruncate64, world_ftruncate, int number, off_t bytes);
SAME(world_posix_fallocate64, world_posix_fallocate, int number, off_t from, off_t bytes);
SAME(world_fallocate64, world_fallocate, int number, int mode, off_t from, off_t bytes);
SAME(world_posix_fadvise64, world_posix_fadvise, int number, off_t from, off_t bytes, int advice);
