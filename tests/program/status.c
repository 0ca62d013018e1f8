/* What is known of files, in the simulated world as on any machine. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

static void check_sizes(void)
{
    struct stat status, again;
    char text[8] = "";
    int file = open("status.out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    assert(file >= 0 && write(file, "abcdef", 6) == 6);
    assert(fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 6);
    assert((status.st_mode & 0777) == 0640 && status.st_nlink == 1);
    assert(stat("status.out", &again) == 0 && again.st_ino == status.st_ino);
    assert(pwrite(file, "XY", 2, 1) == 2 && pread(file, text, 3, 0) == 3);
    assert(strcmp(text, "aXY") == 0 && lseek(file, 0, SEEK_CUR) == 6);
    assert(pread(file, text, 1, -1) == -1 && errno == EINVAL);
    assert(ftruncate(file, 2) == 0 && truncate("status.out", 4) == 0);
    assert(pread(file, text, 8, 0) == 4 && memcmp(text, "aX\0", 4) == 0);
    assert(ftruncate(file, -1) == -1 && errno == EINVAL);
    assert(close(file) == 0 && fstat(file, &status) == -1 && errno == EBADF);
    file = open("status.out", O_RDONLY);
    assert(ftruncate(file, 0) == -1 && errno == EINVAL && close(file) == 0);
}

static void check_permissions(void)
{
    struct stat status;
    assert(access("status.out", X_OK) == -1 && errno == EACCES);
    assert(chmod("status.out", 0755) == 0 && access("status.out", X_OK) == 0);
    assert(chown("status.out", getuid(), (gid_t)-1) == 0);
    mode_t before = umask(077);
    assert(before == 022 && umask(before) == 077);
    FILE *other = fopen("status.new", "w");
    assert(other && fchmod(fileno(other), 0600) == 0 && fclose(other) == 0);
    assert(lstat("status.new", &status) == 0 && (status.st_mode & 0777) == 0600);
    assert(rename("status.new", "status.moved") == 0 && stat("status.new", &status) == -1);
    assert(errno == ENOENT && stat("status.moved", &status) == 0);
    assert((status.st_mode & 0777) == 0600 && unlink("status.moved") == 0);
    assert(chmod("status.moved", 0600) == -1 && errno == ENOENT);
}

static void check_times(void)
{
    struct stat status;
    struct timespec times[2] = {{5, 0}, {7, 9}}, one[2] = {{0, UTIME_OMIT}, {11, 0}};
    struct utimbuf old = {.actime = 3, .modtime = 4};
    assert(utimensat(AT_FDCWD, "status.out", times, 0) == 0 && stat("status.out", &status) == 0);
    assert(status.st_atim.tv_sec == 5 && status.st_mtim.tv_sec == 7 && status.st_mtim.tv_nsec == 9);
    assert(utimensat(AT_FDCWD, "status.out", one, 0) == 0 && stat("status.out", &status) == 0);
    assert(status.st_atim.tv_sec == 5 && status.st_mtim.tv_sec == 11);
    assert(utime("status.out", &old) == 0 && stat("status.out", &status) == 0);
    assert(status.st_atim.tv_sec == 3 && status.st_mtim.tv_sec == 4);
    FILE *file = fopen("status.out", "a");
    assert(file && fputs("more", file) >= 0 && fclose(file) == 0);
    assert(stat("status.out", &status) == 0 && status.st_mtim.tv_sec >= time(NULL) - 5);
}

static void check_others(void)
{
    struct stat status;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int ends[2];
    assert(stat(".", &status) == 0 && S_ISDIR(status.st_mode));
    assert(open(".", O_WRONLY) == -1 && errno == EISDIR);
    assert(unlink(".") == -1 && (errno == EISDIR || errno == EINVAL));
    assert(stat("status.none", &status) == -1 && errno == ENOENT);
    assert(pipe(ends) == 0 && fstat(ends[0], &status) == 0 && S_ISFIFO(status.st_mode));
    assert(pread(ends[0], &status, 1, 0) == -1 && errno == ESPIPE);
    assert(close(ends[0]) == 0 && close(ends[1]) == 0);
    int file = open("status.out", O_RDWR | O_NOFOLLOW);
    assert(fcntl(file, F_SETLK, &lock) == 0 && fcntl(file, F_SETLK, &lock) == 0);
    assert(posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL) == 0 && close(file) == 0);
    assert(posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL) == EBADF);
}

static void *check(void *unused)
{
    check_sizes();
    check_permissions();
    check_times();
    check_others();
    return unused;
}

int main(int count, char **words)
{
    (void)words;
    pthread_t thread;
    if (count > 1) {
        check(NULL);
    } else {
        pthread_create(&thread, NULL, check, NULL);
        pthread_join(thread, NULL);
    }
    puts("the same files");
    return 0;
}
