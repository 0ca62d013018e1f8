/* Folders, and names in them, on the real machine and in the simulated one. */
#define _GNU_SOURCE
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS "X" "X" "X" "X" "X" "X"

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void has(const char *path, const char *text)
{
    char line[32];
    FILE *file = fopen(path, "r");
    assert(file != NULL && fgets(line, sizeof line, file) && fclose(file) == 0);
    assert(strcmp(line, text) == 0);
}

static int no_dots(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The names in a folder, in order, with a blank behind each. */
static void lists(const char *path, const char *expected)
{
    char names[256] = "";
    size_t used = 0;
    struct dirent **entries;
    int count = scandir(path, &entries, no_dots, alphasort);
    assert(count >= 0);
    for (int i = 0; i < count; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", entries[i]->d_name,
                                 entries[i]->d_type == DT_DIR ? "/ " : " ");
        free(entries[i]);
    }
    free(entries);
    assert(strcmp(names, expected) == 0);
}

static void check_making(void)
{
    struct stat status;
    assert(mkdir("tree", 0755) == 0 && mkdir("tree", 0755) == -1 && errno == EEXIST);
    assert(mkdir("none/tree", 0755) == -1 && errno == ENOENT);
    assert(stat("tree", &status) == 0 && S_ISDIR(status.st_mode) && access("tree", W_OK) == 0);
    assert(open("none/file", O_CREAT | O_WRONLY, 0644) == -1 && errno == ENOENT);
    assert(open("tree", O_WRONLY) == -1 && errno == EISDIR);
    put("tree/b", "one\n");
    put("tree//./a", "two\n");
    assert(mkdir("tree/sub", 0700) == 0);
    put("tree/sub/../sub/c", "three\n");
    assert(mkdir("tree/b/deep", 0700) == -1 && errno == ENOTDIR);
    lists("tree", "a b sub/ ");
    lists("tree/sub", "c ");
    assert(opendir("tree/a") == NULL && errno == ENOTDIR);
    assert(rmdir("tree/sub") == -1 && errno == ENOTEMPTY && rmdir("tree/a") == -1);
}

static void check_moving(void)
{
    assert(rename("tree/sub", "tree/moved") == 0 && access("tree/sub", F_OK) == -1);
    has("tree/moved/c", "three\n");
    assert(rename("tree/a", "tree/moved/b") == 0 && rename("tree/moved/b", "tree/b") == 0);
    has("tree/b", "two\n");
    lists("tree", "b moved/ ");
    assert(rename("tree/none", "tree/x") == -1 && errno == ENOENT);
    assert(rename("tree", "tree/moved/in") == -1 && errno == EINVAL);
}

static void check_going(void)
{
    char before[PATH_MAX], here[PATH_MAX], *whole = realpath("tree/../tree/b", NULL);
    assert(getcwd(before, sizeof before) && whole && chdir("tree") == 0);
    has("b", "two\n");
    char *name = strrchr(whole, '/');
    assert(name && strcmp(name, "/b") == 0);
    *name = '\0';
    assert(getcwd(here, sizeof here) && strcmp(here, whole) == 0);
    free(whole);
    assert(getcwd(here, 2) == NULL && errno == ERANGE && chdir("b") == -1 && errno == ENOTDIR);
    int folder = open("moved", O_RDONLY | O_DIRECTORY), file = openat(folder, "c", O_RDONLY);
    char byte;
    assert(folder >= 0 && read(file, &byte, 1) == 1 && byte == 't');
    assert(read(folder, &byte, 1) == -1 && errno == EISDIR);
    assert(close(file) == 0 && mkdirat(folder, "made", 0700) == 0);
    assert(unlinkat(folder, "made", AT_REMOVEDIR) == 0 && close(folder) == 0);
    assert(chdir(before) == 0);
}

static void check_scratch(void)
{
    char file[] = "tree/" BLANKS, other[] = "tree/" BLANKS, folder[] = "tree/d" BLANKS;
    char bad[] = "X";
    int first = mkstemp(file), second = mkstemp(other);
    assert(first >= 0 && second >= 0 && strcmp(file, other) != 0);
    assert(close(first) == 0 && close(second) == 0 && unlink(file) == 0 && unlink(other) == 0);
    assert(mkdtemp(folder) == folder && rmdir(folder) == 0);
    assert(mkstemp(bad) == -1 && errno == EINVAL);
    FILE *nameless = tmpfile();
    char line[8];
    assert(nameless && fputs("kept\n", nameless) >= 0 && fseek(nameless, 0, SEEK_SET) == 0);
    assert(fgets(line, sizeof line, nameless) && strcmp(line, "kept\n") == 0);
    assert(fclose(nameless) == 0);
}

static void check_devices(void)
{
    char bytes[4] = "abc", more[8] = "", other[8] = "";
    int nothing = open("/dev/null", O_RDWR), zeros = open("/dev/zero", O_RDONLY);
    FILE *chance = fopen("/dev/urandom", "r");
    struct stat status;
    assert(read(nothing, bytes, 4) == 0 && write(nothing, "gone", 4) == 4 && bytes[0] == 'a');
    assert(read(zeros, bytes, 4) == 4 && bytes[0] == 0 && close(zeros) == 0);
    assert(fstat(nothing, &status) == 0 && S_ISCHR(status.st_mode) && close(nothing) == 0);
    assert(fread(more, 1, 8, chance) == 8 && fread(other, 1, 8, chance) == 8);
    assert(memcmp(more, other, 8) != 0 && fclose(chance) == 0);
}

static void check_memory(void)
{
    char *text = NULL, room[8] = "", line[8];
    size_t bytes = 99;
    FILE *grows = open_memstream(&text, &bytes), *fixed = fmemopen(room, sizeof room, "w+");
    assert(grows && fixed && fileno(grows) == -1);
    assert(fprintf(grows, "%s-%d", "memory", 12) == 9 && fflush(grows) == 0);
    assert(bytes == 9 && strcmp(text, "memory-12") == 0);
    assert(fseek(grows, 2, SEEK_SET) == 0 && fputs("MO", grows) >= 0 && ftell(grows) == 4);
    assert(fseek(grows, 9, SEEK_SET) == 0 && fputc('!', grows) == '!' && fclose(grows) == 0);
    assert(bytes == 10 && strcmp(text, "meMOry-12!") == 0);
    free(text);
    assert(fputs("a b", fixed) >= 0 && fflush(fixed) == 0 && strcmp(room, "a b") == 0);
    rewind(fixed);
    assert(fscanf(fixed, "%7s", line) == 1 && strcmp(line, "a") == 0 && fclose(fixed) == 0);
    fixed = fmemopen(room, 3, "r");
    assert(fgets(line, sizeof line, fixed) && strcmp(line, "a b") == 0 && getc(fixed) == EOF);
    assert(feof(fixed) && fclose(fixed) == 0);
    fixed = fmemopen(room, sizeof room, "a");
    assert(fputs("c", fixed) >= 0 && fclose(fixed) == 0 && strcmp(room, "a bc") == 0);
    fixed = fmemopen(room, sizeof room, "w"); /* the text ends where it has room for */
    fputs("hello world", fixed);
    assert(fclose(fixed) == EOF && strcmp(room, "hello w") == 0);
    fixed = fmemopen(room, sizeof room, "w");
    assert(fputs("12345678", fixed) >= 0 && fclose(fixed) == 0 && strcmp(room, "1234567") == 0);
    assert(fmemopen(room, 1, "?") == NULL && errno == EINVAL);
}

static void *locks(void *at)
{
    int file = open("tree/lock", O_RDWR);
    assert(flock(file, LOCK_EX) == 0);
    int before = *(int *)at;
    usleep(1);
    *(int *)at = before + 1; /* nobody else is here */
    assert(close(file) == 0);
    return NULL;
}

static void check_locks(void)
{
    pthread_t threads[2];
    int count = 0, first = open("tree/lock", O_RDWR | O_CREAT, 0600);
    int second = open("tree/lock", O_RDWR);
    assert(flock(first, LOCK_SH) == 0 && flock(second, LOCK_SH | LOCK_NB) == 0);
    assert(flock(second, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
    assert(flock(first, LOCK_UN) == 0 && flock(second, LOCK_EX | LOCK_NB) == 0);
    assert(close(second) == 0 && close(first) == 0);
    for (int i = 0; i < 2; i++) assert(pthread_create(&threads[i], NULL, locks, &count) == 0);
    for (int i = 0; i < 2; i++) assert(pthread_join(threads[i], NULL) == 0);
    assert(count == 2 && unlink("tree/lock") == 0);
}

/* A name is gone, or another file's, and what was open still is what it was. */
static void check_names(void)
{
    char text[8] = "";
    struct stat status, other;
    int old = open("tree/n", O_RDWR | O_CREAT | O_EXCL, 0600);
    assert(write(old, "old", 3) == 3 && unlink("tree/n") == 0);
    int fresh = open("tree/n", O_RDWR | O_CREAT | O_EXCL, 0600);
    assert(write(fresh, "fresh", 5) == 5 && pread(old, text, 8, 0) == 3 && text[0] == 'o');
    assert(fstat(old, &status) == 0 && status.st_nlink == 0 && status.st_size == 3);
    assert(fstat(fresh, &other) == 0 && other.st_nlink == 1 && other.st_ino != status.st_ino);
    int moved = open("tree/m", O_RDWR | O_CREAT, 0600);
    assert(write(moved, "moved", 5) == 5 && fstat(moved, &status) == 0);
    assert(rename("tree/m", "tree/n") == 0 && access("tree/m", F_OK) == -1);
    assert(pread(fresh, text, 8, 0) == 5 && text[0] == 'f' && write(moved, "!", 1) == 1);
    has("tree/n", "moved!");
    assert(stat("tree/n", &other) == 0 && other.st_ino == status.st_ino);
    assert(close(old) == 0 && close(fresh) == 0 && close(moved) == 0 && unlink("tree/n") == 0);
}

/* Its stream and its descriptor stay the same. */
static void check_reopening(void)
{
    FILE *file = fopen("tree/n", "w");
    int number = fileno(file);
    assert(fputs("one", file) >= 0 && freopen("tree/m", "w", file) == file);
    assert(fileno(file) == number && fputs("two", file) >= 0);
    assert(freopen("tree/n", "r", file) == file && fgetc(file) == 'o' && fclose(file) == 0);
    has("tree/m", "two");
    file = fopen("tree/n", "r");
    assert(freopen("tree/none", "r", file) == NULL && errno == ENOENT);
    assert(unlink("tree/n") == 0 && unlink("tree/m") == 0);
}

/* Streams read and write what their numbers lead to. */
static void check_return(void)
{
    FILE *file = fopen("tree/p", "w+");
    int from[2], kept = dup(fileno(file));
    assert(setvbuf(file, NULL, _IONBF, 0) == 0 && fputs("ab", file) >= 0);
    rewind(file);
    assert(fgetc(file) == 'a' && pipe(from) == 0 && write(from[1], "z", 1) == 1);
    assert(close(from[1]) == 0 && dup2(from[0], fileno(file)) == fileno(file));
    assert(close(from[0]) == 0 && fgetc(file) == 'z' && fgetc(file) == EOF);
    assert(dup2(kept, fileno(file)) == fileno(file));
    clearerr(file);
    assert(fgetc(file) == 'b' && fclose(file) == 0);
    file = fdopen(kept, "r");
    assert(file && fseek(file, 0, SEEK_SET) == 0 && fgetc(file) == 'a' && fclose(file) == 0);
    assert(unlink("tree/p") == 0);
}

static void check_renumbering(void)
{
    FILE *file = fopen("tree/m", "w+");
    int other = open("tree/n", O_RDWR | O_CREAT, 0600), from[2], number, next;
    assert(fputs("one", file) >= 0 && fflush(file) == 0 && write(other, "two three", 9) == 9);
    assert(dup2(other, fileno(file)) == fileno(file) && fseek(file, 2, SEEK_SET) == 0);
    assert(fgetc(file) == 'o' && ftell(file) == 3 && fgetc(file) == ' ');
    assert(ungetc('x', file) == 'x' && fgetc(file) == 'x' && fgetc(file) == 't');
    assert(fseek(file, 0, SEEK_END) == 0 && ftell(file) == 9 && fgetc(file) == EOF);
    fpos_t here;
    assert(fseek(file, 5, SEEK_SET) == 0 && fgetpos(file, &here) == 0 && fgetc(file) == 'h');
    assert(fsetpos(file, &here) == 0 && fgetc(file) == 'h');
    assert(fclose(file) == 0 && close(other) == 0);
    has("tree/m", "one");
    assert(unlink("tree/n") == 0 && unlink("tree/m") == 0);
    int before = dup(STDIN_FILENO);
    assert(pipe(from) == 0 && write(from[1], "7 8\n", 4) == 4 && close(from[1]) == 0);
    assert(dup2(from[0], STDIN_FILENO) == STDIN_FILENO && close(from[0]) == 0);
    assert(scanf("%d%d", &number, &next) == 2 && number == 7 && next == 8);
    assert(getchar() == '\n' && getchar() == EOF && feof(stdin));
    assert(dup2(before, STDIN_FILENO) == STDIN_FILENO && close(before) == 0);
    clearerr(stdin);
}

static void check_shared_memory(void)
{
    int one = shm_open("/harness-folders", O_RDWR | O_CREAT, 0600);
    int other = shm_open("harness-folders", O_RDWR, 0), own = memfd_create("own", 0);
    assert(one >= 0 && other >= 0 && own >= 0 && ftruncate(one, 4096) == 0);
    char *there = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, one, 0);
    char *here = mmap(NULL, 4096, PROT_READ, MAP_SHARED, other, 0);
    assert(there != MAP_FAILED && here != MAP_FAILED && there[7] == 0);
    there[7] = 'x';
    assert(here[7] == 'x' && write(own, "mine", 4) == 4 && lseek(own, 0, SEEK_END) == 4);
    assert(munmap(there, 4096) == 0 && munmap(here, 4096) == 0);
    assert(shm_unlink("/harness-folders") == 0 && shm_unlink("/harness-folders") == -1);
    assert(close(one) == 0 && close(other) == 0 && close(own) == 0);
}

static void *reads_on(void *file)
{
    char line[8];
    assert(fgets(line, sizeof line, file) && strcmp(line, "two\n") == 0);
    return NULL;
}

/* Whoever has it open still finds what was in it. */
static void check_removal(void)
{
    pthread_t thread;
    FILE *file = fopen("tree/b", "r");
    assert(file && pthread_create(&thread, NULL, reads_on, file) == 0 && unlink("tree/b") == 0);
    assert(pthread_join(thread, NULL) == 0 && fclose(file) == 0);
    assert(remove("tree/moved/c") == 0 && remove("tree/moved") == 0);
    lists("tree", "");
    assert(rmdir("tree") == 0 && rmdir("tree") == -1 && errno == ENOENT);
}

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "";
    if (strcmp(which, "kept") != 0) { /* by another process before */
        check_making();
        check_moving();
        check_going();
        check_scratch();
    }
    if (strcmp(which, "keep") == 0) return 0;
    check_devices();
    check_memory();
    check_locks();
    check_names();
    check_reopening();
    check_return();
    check_renumbering();
    check_shared_memory();
    lists("tree", "b moved/ ");
    check_removal();
    puts("the same folders");
    return 0;
}
