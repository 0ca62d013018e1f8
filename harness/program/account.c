/* Who the user is, what he may use, and whom he writes to: one user on an idle machine with room
 * enough, where nobody reads the system's log. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <syslog.h>
#include <termios.h>
#include <unistd.h>

#include "harness/world/world.h"
#include "streams.h"

enum { USER = 1000, PROCESS = 1000, BLOCK = 4096, BLOCKS = 1 << 20, TRANSFER = 1 << 16 };

int world_access(const char *path, int mode);
void *world_malloc(size_t bytes);
ssize_t world_read(int number, void *out, size_t count);
ssize_t world_pread(int number, void *out, size_t count, off_t at);
ssize_t world_write(int number, const void *bytes, size_t count);

static int failed(int error)
{
    errno = error;
    return -1;
}

/* --- names of users --- */

static char user_name[] = "user", no_password[] = "x", full_name[] = "User",
            home[] = "/home/user", shell[] = "/bin/sh";

static struct passwd *fill_user(struct passwd *out)
{
    *out = (struct passwd){user_name, no_password, USER, USER, full_name, home, shell};
    return out;
}

struct passwd *world_getpwuid(uid_t user)
{
    static struct passwd kept;
    return user == USER ? fill_user(&kept) : NULL;
}

struct passwd *world_getpwnam(const char *name)
{
    return strcmp(name, user_name) == 0 ? world_getpwuid(USER) : NULL;
}

/* The texts are not the caller's, but they do not change. */
int world_getpwuid_r(uid_t user, struct passwd *room, char *text, size_t bytes,
                     struct passwd **out)
{
    (void)text, (void)bytes;
    *out = user == USER ? fill_user(room) : NULL;
    return 0;
}

int world_getpwnam_r(const char *name, struct passwd *room, char *text, size_t bytes,
                     struct passwd **out)
{
    bool known = strcmp(name, user_name) == 0;
    return world_getpwuid_r(known ? USER : USER + 1, room, text, bytes, out);
}

static char *no_members[] = {NULL};

struct group *world_getgrgid(gid_t group)
{
    static struct group kept;
    if (group != USER) return NULL;
    kept = (struct group){user_name, no_password, USER, no_members};
    return &kept;
}

struct group *world_getgrnam(const char *name)
{
    return strcmp(name, user_name) == 0 ? world_getgrgid(USER) : NULL;
}

char *world_getlogin(void)
{
    return user_name;
}

int world_getgroups(int room, gid_t *out)
{
    if (room == 0) return 1;
    if (room < 0) return failed(EINVAL);
    out[0] = USER;
    return 1;
}

/* He can become nobody else. */
static int become(uid_t user)
{
    return user == USER || user == (uid_t)-1 ? 0 : failed(EPERM);
}

int world_setuid(uid_t user)
{
    return become(user);
}

int world_setgroups(size_t count, const gid_t *groups)
{
    (void)count, (void)groups;
    return failed(EPERM);
}

int world_initgroups(const char *name, gid_t group)
{
    (void)name, (void)group;
    return failed(EPERM);
}

pid_t world_getpgrp(void)
{
    return PROCESS;
}

pid_t world_getpgid(pid_t process)
{
    return process == 0 || process == PROCESS ? PROCESS : failed(ESRCH);
}

/* --- limits --- */

int world_getrlimit(int what, struct rlimit *out)
{
    if (what < 0 || what >= RLIM_NLIMITS) return failed(EINVAL);
    *out = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    if (what == RLIMIT_NOFILE) *out = (struct rlimit){DESCRIPTORS_MAX, DESCRIPTORS_MAX};
    if (what == RLIMIT_STACK) out->rlim_cur = 8 << 20;
    if (what == RLIMIT_CORE) out->rlim_cur = 0;
    return 0;
}

/* Without effect. */
int world_setrlimit(int what, const struct rlimit *fresh)
{
    struct rlimit now;
    if (world_getrlimit(what, &now) != 0) return -1;
    if (fresh->rlim_cur > fresh->rlim_max) return failed(EINVAL);
    return fresh->rlim_max > now.rlim_max ? failed(EPERM) : 0;
}

int world_getdtablesize(void)
{
    return DESCRIPTORS_MAX;
}

static void fill_space(struct statvfs *out)
{
    *out = (struct statvfs){.f_bsize = BLOCK, .f_frsize = BLOCK, .f_blocks = BLOCKS,
                            .f_bfree = BLOCKS / 2, .f_bavail = BLOCKS / 2, .f_files = BLOCKS,
                            .f_ffree = BLOCKS / 2, .f_favail = BLOCKS / 2, .f_namemax = 255};
}

int world_statvfs(const char *path, struct statvfs *out)
{
    if (world_access(path, F_OK) != 0) return -1;
    fill_space(out);
    return 0;
}

int world_fstatvfs(int number, struct statvfs *out)
{
    if (descriptor_look(number) == NULL) return failed(EBADF);
    fill_space(out);
    return 0;
}

static void fill_file_system(struct statfs *out)
{
    *out = (struct statfs){.f_type = 0x01021994 /* as of files in memory */, .f_bsize = BLOCK,
                           .f_blocks = BLOCKS, .f_bfree = BLOCKS / 2, .f_bavail = BLOCKS / 2,
                           .f_files = BLOCKS, .f_ffree = BLOCKS / 2, .f_namelen = 255,
                           .f_frsize = BLOCK};
}

int world_statfs(const char *path, struct statfs *out)
{
    if (world_access(path, F_OK) != 0) return -1;
    fill_file_system(out);
    return 0;
}

int world_fstatfs(int number, struct statfs *out)
{
    if (descriptor_look(number) == NULL) return failed(EBADF);
    fill_file_system(out);
    return 0;
}

/* Of names and pipes; files grow as long as there is memory. */
long world_pathconf(const char *path, int name)
{
    (void)path;
    switch (name) {
    case _PC_NAME_MAX:
        return NAME_MAX;
    case _PC_PATH_MAX:
        return PATH_MAX;
    case _PC_PIPE_BUF:
        return PIPE_BUF;
    case _PC_LINK_MAX:
        return 1;
    default:
        return failed(EINVAL);
    }
}

long world_fpathconf(int number, int name)
{
    return descriptor_look(number) ? world_pathconf("", name) : failed(EBADF);
}

/* --- there is no terminal --- */

int world_tcgetattr(int number, struct termios *out)
{
    (void)out;
    return failed(descriptor_look(number) ? ENOTTY : EBADF);
}

int world_tcsetattr(int number, int when, const struct termios *fresh)
{
    (void)when, (void)fresh;
    return failed(descriptor_look(number) ? ENOTTY : EBADF);
}

pid_t world_setsid(void)
{
    return failed(EPERM); /* it leads its group already */
}

int world_fsync(int number);

int world_fdatasync(int number)
{
    return world_fsync(number);
}

/* --- from one descriptor to another --- */

/* In pieces: as much as the target takes at once. */
ssize_t world_sendfile(int to, int from, off_t *offset, size_t count)
{
    if (count > TRANSFER) count = TRANSFER;
    char *bytes = malloc(count + 1);
    if (bytes == NULL) return failed(ENOMEM);
    ssize_t got = offset ? world_pread(from, bytes, count, *offset)
                         : world_read(from, bytes, count);
    ssize_t sent = got > 0 ? world_write(to, bytes, (size_t)got) : got;
    int saved_errno = errno;
    free(bytes);
    errno = saved_errno;
    if (offset && sent > 0) *offset += sent;
    return sent;
}

/* --- the system's log: nobody reads it --- */

void world_openlog(const char *name, int options, int facility)
{
    (void)name, (void)options, (void)facility;
}

void world_closelog(void)
{
}

int world_setlogmask(int mask)
{
    (void)mask;
    return LOG_UPTO(LOG_DEBUG);
}

void world_syslog(int priority, const char *format, ...)
{
    (void)priority, (void)format;
}

void world_vsyslog(int priority, const char *format, va_list list)
{
    (void)priority, (void)format, (void)list;
}

/* --- one's own stack --- */

int world_backtrace(void **out, int room)
{
    struct world_stack stack;
    int count = 0;
    world_stack_here(&stack);
    for (uint32_t i = 0; i < stack.depth && count < room; i++) {
        if (world_is_program(stack.pc[i])) out[count++] = (void *)stack.pc[i];
    }
    return count;
}

static int write_symbol(char *out, size_t bytes, const void *pc)
{
    return snprintf(out, bytes, "%s [%#lx]", program_invocation_name,
                    (unsigned long)(uintptr_t)pc);
}

/* One block: the pointers, and the texts behind them. */
char **world_backtrace_symbols(void *const *pcs, int count)
{
    size_t bytes = (size_t)count * sizeof(char *);
    for (int i = 0; i < count; i++) bytes += (size_t)write_symbol(NULL, 0, pcs[i]) + 1;
    char **names = world_malloc(bytes);
    if (names == NULL) return NULL;
    char *text = (char *)(names + count), *end = (char *)names + bytes;
    for (int i = 0; i < count; i++) {
        names[i] = text;
        text += write_symbol(text, (size_t)(end - text), pcs[i]) + 1;
    }
    return names;
}

void world_backtrace_symbols_fd(void *const *pcs, int count, int number)
{
    char text[512];
    for (int i = 0; i < count; i++) {
        int length = write_symbol(text, sizeof text - 1, pcs[i]);
        if (length >= (int)sizeof text - 1) length = (int)sizeof text - 2;
        text[length] = '\n';
        (void)world_write(number, text, (size_t)length + 1);
    }
}

/* --- other names --- */

#define SAME(name, as, ...) __attribute__((alias(#as))) int name(__VA_ARGS__)
SAME(world_setgid, world_setuid, gid_t group);
SAME(world_seteuid, world_setuid, uid_t user);
SAME(world_setegid, world_setuid, gid_t group);
SAME(world_getrlimit64, world_getrlimit, int what, struct rlimit *out);
SAME(world_setrlimit64, world_setrlimit, int what, const struct rlimit *fresh);
SAME(world_statvfs64, world_statvfs, const char *path, struct statvfs *out);
SAME(world_fstatvfs64, world_fstatvfs, int number, struct statvfs *out);
SAME(world_statfs64, world_statfs, const char *path, struct statfs *out);
SAME(world_fstatfs64, world_fstatfs, int number, struct statfs *out);
__attribute__((alias("world_sendfile"))) ssize_t world_sendfile64(int to, int from, off_t *offset,
                                                                  size_t count);
__attribute__((alias("world_syslog"))) void world___syslog_chk(int priority, const char *format,
                                                               ...);
