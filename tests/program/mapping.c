/* Memory by the page, and what else belongs to a user's machine. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void check_anonymous(void)
{
    char *at = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(at != MAP_FAILED && mprotect(at, 3 * PAGE, PROT_READ | PROT_WRITE) == 0);
    assert(at[0] == 0 && at[3 * PAGE - 1] == 0);
    memset(at, 7, 3 * PAGE);
    assert(munmap(at, PAGE) == 0 && at[PAGE] == 7 && munmap(at + PAGE, 2 * PAGE) == 0);
    at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(at, "moves", 6);
    at = mremap(at, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    assert(at != MAP_FAILED && strcmp(at, "moves") == 0 && at[4 * PAGE - 1] == 0);
    assert(munmap(at, 4 * PAGE) == 0);
    assert(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static void check_private(int file)
{
    char byte, *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    assert(at != MAP_FAILED && strcmp(at, "written by call") == 0);
    at[0] = 'x';
    assert(pread(file, &byte, 1, 0) == 1 && byte == 'w' && munmap(at, PAGE) == 0);
}

static void *writes(void *at)
{
    memcpy((char *)at + 11, "memory", 7);
    return NULL;
}

static void check_shared(int file)
{
    char text[32] = "";
    pthread_t thread;
    char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    char *again = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
    assert(at != MAP_FAILED && again != MAP_FAILED);
    assert(pthread_create(&thread, NULL, writes, at) == 0 && pthread_join(thread, NULL) == 0);
    assert(strcmp(again, "written by memory") == 0 && msync(at, PAGE, MS_SYNC) == 0);
    assert(pread(file, text, sizeof text, 0) == 15 && memcmp(text, "written by memo", 15) == 0);
    assert(pwrite(file, "W", 1, 0) == 1 && at[0] == 'W');
    assert(munmap(at, PAGE) == 0 && again[0] == 'W' && munmap(again, PAGE) == 0);
    assert(pread(file, text, 1, 0) == 1 && text[0] == 'W');
}

static void check_files(void)
{
    int file = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600), copy, reader;
    off_t from = 8;
    char text[16] = "", more[8] = "";
    struct iovec pieces[] = {{text, 3}, {more, 4}};
    assert(file >= 0 && write(file, "written by call", 15) == 15);
    check_private(file);
    check_shared(file);
    copy = open("copied", O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert(sendfile(copy, file, &from, 100) == 7 && from == 15);
    assert(pread(copy, text, sizeof text, 0) == 7 && strcmp(text, "by memo") == 0);
    assert(preadv(copy, pieces, 2, 0) == 7 && text[2] == ' ' && strcmp(more, "memo") == 0);
    assert(pwritev(copy, pieces, 1, 9) == 3 && pread(copy, more, 8, 5) == 7 && more[2] == '\0');
    assert(posix_fallocate(copy, 20, 10) == 0 && lseek(copy, 0, SEEK_END) == 30);
    assert(posix_fallocate(99, 0, 1) == EBADF && fallocate(copy, 0, 0, 40) == 0);
    assert(lseek(copy, 0, SEEK_END) == 40);
    reader = open("mapped", O_RDONLY);
    assert(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES);
    assert(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF);
    assert(close(file) == 0 && close(copy) == 0 && close(reader) == 0);
    assert(unlink("mapped") == 0 && unlink("copied") == 0);
}

/* Memory as allocators of a program's own take it. */
static void check_break(void)
{
    char *first = sbrk(2 * PAGE), *large;
    assert(first != (void *)-1 && sbrk(0) == first + 2 * PAGE && first[PAGE] == 0);
    first[PAGE] = 'x';
    assert(sbrk(-PAGE) == first + 2 * PAGE && brk(first + 2 * PAGE) == 0 && first[PAGE] == 0);
    assert(brk(first) == 0 && sbrk(0) == first);
    large = mmap(NULL, 1 << 26, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert(large != MAP_FAILED && mprotect(large, PAGE, PROT_READ | PROT_WRITE) == 0);
    assert(large[0] == 0 && (large[0] = 'x') == 'x' && munmap(large, 1 << 26) == 0);
}

static void check_account(void)
{
    struct rlimit limit;
    struct statvfs space;
    void *stack[8];
    const struct passwd *user = getpwuid(getuid());
    assert(user && user->pw_uid == getuid() && user->pw_name[0] && user->pw_dir[0] == '/');
    assert(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= limit.rlim_max);
    assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    assert(statvfs(".", &space) == 0 && space.f_bsize > 0 && space.f_bfree <= space.f_blocks);
    assert(sysconf(_SC_PHYS_PAGES) > 0 && sysconf(_SC_PAGESIZE) == PAGE);
    openlog("test", 0, LOG_USER);
    syslog(LOG_DEBUG, "nobody reads %s", "this");
    closelog();
    int depth = backtrace(stack, 8);
    char **names = backtrace_symbols(stack, depth);
    assert(depth > 0 && names && names[0][0]);
    free(names);
}

int main(void)
{
    check_anonymous();
    check_files();
    check_break();
    check_account();
    puts("the same memory");
    return 0;
}
