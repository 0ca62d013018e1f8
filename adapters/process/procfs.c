#include "adapters/process/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLURP_FIRST = 4096, SLURP_MAX = 16 << 20 };

/* Reads until the end into memory that doubles. */
static char *slurp(int fd, size_t *length)
{
    size_t capacity = SLURP_FIRST, used = 0;
    char *bytes = malloc(capacity);
    while (bytes != NULL) {
        ssize_t got = read(fd, bytes + used, capacity - used - 1);
        if (got <= 0) break;
        used += (size_t)got;
        if (used < capacity - 1 || capacity >= SLURP_MAX) continue;
        char *grown = realloc(bytes, capacity *= 2);
        if (grown == NULL) free(bytes);
        bytes = grown;
    }
    if (bytes == NULL) return NULL;
    bytes[used] = 0;
    *length = used;
    return bytes;
}

char *procfs_slurp(const char *path, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    char *bytes = slurp(fd, length);
    close(fd);
    return bytes;
}

bool procfs_read(pid_t pid, struct procfs_entry *entry)
{
    char path[64];
    size_t length;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    char *line = procfs_slurp(path, &length);
    if (line == NULL) return false;
    /* The name in brackets may hold anything, brackets too. */
    const char *rest = strrchr(line, ')');
    int parent, group, threads;
    unsigned long long started;
    char state;
    bool fine =
        rest != NULL && sscanf(rest + 1,
                               " %c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                               "%*d %d %*d %llu",
                               &state, &parent, &group, &threads, &started) == 5;
    free(line);
    if (!fine) return false;
    entry->pid = pid;
    entry->parent = parent;
    entry->group = group;
    entry->started = started;
    entry->ended = (state == 'Z' && threads <= 1) || state == 'X';
    return true;
}

/* The first variable that begins so, whole, in memory of the caller's; NULL: there is none. */
static char *find_variable(pid_t pid, const char *begin, size_t wanted)
{
    char path[64], *found = NULL;
    size_t length;
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    char *bytes = procfs_slurp(path, &length);
    for (const char *at = bytes; bytes != NULL && found == NULL && at < bytes + length;
         at += strlen(at) + 1) {
        if (strncmp(at, begin, wanted) == 0) found = strdup(at);
    }
    free(bytes);
    return found;
}

bool procfs_has_mark(pid_t pid, const char *mark)
{
    char *found = find_variable(pid, mark, strlen(mark) + 1);
    free(found);
    return found != NULL;
}

bool procfs_variable(pid_t pid, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);
    char *found = find_variable(pid, name, length);
    bool fits = found != NULL && strlen(found) - length < size;
    if (fits) memcpy(value, found + length, strlen(found + length) + 1);
    free(found);
    return fits;
}

static int by_number(const void *left, const void *right)
{
    pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;
    return (a > b) - (a < b);
}

/* Every number in /proc, sorted; the caller frees it. */
static pid_t *list(size_t *count)
{
    size_t capacity = 256;
    pid_t *pids = malloc(capacity * sizeof *pids);
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    *count = 0;
    while (pids != NULL && folder != NULL && (entry = readdir(folder)) != NULL) {
        char *end;
        long number = strtol(entry->d_name, &end, 10);
        if (*end != 0 || number <= 0) continue;
        if (*count == capacity) {
            pid_t *grown = realloc(pids, (capacity *= 2) * sizeof *pids);
            if (grown == NULL) break;
            pids = grown;
        }
        pids[(*count)++] = (pid_t)number;
    }
    if (folder != NULL) closedir(folder);
    if (pids != NULL) qsort(pids, *count, sizeof *pids, by_number);
    return pids;
}

void procfs_walk(procfs_visit visit, void *context)
{
    size_t count;
    pid_t *pids = list(&count);
    struct procfs_entry entry;
    for (size_t i = 0; pids != NULL && i < count; i++) {
        if (procfs_read(pids[i], &entry) && !visit(context, &entry)) break;
    }
    free(pids);
}
