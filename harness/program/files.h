/* Regular files, as an execution sees them: what it writes stays in memory, over what is on disk.
 * Every execution finds the same. */
#ifndef HARNESS_PROGRAM_FILES_H
#define HARNESS_PROGRAM_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "harness/world/gate.h"

struct file {
    struct world_place place; /* of calls by descriptor */
    struct file *next;
    char *path;
    char *original; /* as on disk, when it was first opened */
    size_t original_bytes;
    bool on_disk;
    int refused;    /* errno of opening it on disk; 0: none */
    bool folder;
    mode_t original_mode; /* permissions */
    /* In this execution: */
    bool changed;
    bool exists;
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

/* Replace `count` bytes from `at` on, growing the file as needed, with zeros in between. */
void file_write(struct file *file, size_t at, const char *bytes, size_t count);
/* Make it an empty one, or none. */
void file_truncate(struct file *file);
/* Cut it, or append zeros. */
void file_resize(struct file *file, size_t bytes);
void file_remove(struct file *file);

/* Permissions that new files do not get: umask(2). */
mode_t files_mask(void);

/* Writes to disk what this execution changed. False: something could not be written. */
bool files_commit(void);

#endif
