/* Regular files, as an execution sees them: what it writes stays in memory, over what is on disk.
 * Every execution finds the same. */
#ifndef HARNESS_PROGRAM_FILES_H
#define HARNESS_PROGRAM_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "harness/world/gate.h"

/* The folder of shared memory by name. */
#define FILES_SHARED "/dev/shm"

/* Files that are the same everywhere, and have no content of their own. */
enum device { DEVICE_NONE, DEVICE_NULL, DEVICE_ZERO, DEVICE_RANDOM };

struct file {
    struct world_place place; /* of calls by descriptor */
    struct file *next;
    char *path; /* as the program named it first */
    char *full; /* from the root, without . and .. */
    char *original; /* as on disk, when it was first opened */
    size_t original_bytes;
    bool on_disk;
    enum device device;
    int refused;    /* errno of opening it on disk; 0: none */
    bool folder_on_disk;
    mode_t original_mode; /* permissions */
    uint32_t births;      /* what had that name in this execution, but for the first */
    /* In this execution, and from name to name: */
    const char *born;     /* the name that it had first, and the how many-th of that name it was */
    uint32_t birth;
    bool nameless;        /* it has none any more; who has it open still finds what is in it */
    bool changed;
    bool exists;
    bool folder;
    char *mapped; /* where the bytes lie while they are mapped for all to see, or NULL */
    char *bytes;    /* malloc'ed once it is changed; otherwise the original */
    size_t count, capacity;
    mode_t mode;
    struct timespec changed_at, read_at; /* of the simulated clock; the beginning if never */
};

/* Forget what the last execution wrote. */
void files_begin(void);

/* The file or folder of that name, whether it exists or not. Ends the execution as uncontrolled if
 * the name leads to a device, a folder of the kernel, or anything else. */
struct file *files_find(const char *path);

/* The folder that names are relative to, and whether it can become that one: 0 or an error. */
const char *files_here(void);
int files_go(const char *path);
/* A name from the root, without . and .. and double slashes: there are no links, so that is one and
 * the same. False: it is too long. */
bool files_full(const char *path, char out[PATH_MAX]);
/* The folder that it lies in. */
struct file *files_parent(const struct file *file);
/* 0, or why there can be nothing of that name in its folder. */
int files_may_add(const struct file *file);
/* The next one of those that this process knows, the newest first; NULL: no more. */
struct file *files_next(const struct file *file);

/* Replace `count` bytes from `at` on, growing the file as needed, with zeros in between. */
void file_write(struct file *file, size_t at, const char *bytes, size_t count);
/* Make it an empty one. */
void file_truncate(struct file *file);
/* It has that name no more: who has it open still finds what is in it. */
void file_remove(struct file *file);
/* It has the name of the other, which has none any more. */
void file_move(struct file *file, struct file *other);
void file_make_folder(struct file *file, mode_t mode);
/* Cut it, or append zeros. */
void file_resize(struct file *file, size_t bytes);

/* Permissions that new files do not get: umask(2). */
mode_t files_mask(void);

/* Writes to disk what this execution changed. False: something could not be written. */
bool files_commit(void);

/* What is in it lies in that memory from now on, which has room for so many bytes and is all zeros;
 * and no longer does. */
void file_map(struct file *file, char *memory, size_t bytes);
void file_unmap(struct file *file);

#endif
