/* Regular files, as an execution sees them: what it writes stays in memory, over what is on disk.
 * Every execution finds the same. */
#ifndef HARNESS_PROGRAM_FILES_H
#define HARNESS_PROGRAM_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/world/gate.h"

struct file {
    struct world_place place; /* of calls by descriptor */
    struct file *next;
    char *path;
    char *original; /* as on disk, when it was first opened */
    size_t original_bytes;
    bool on_disk;
    int refused;    /* errno of opening it on disk; 0: none */
    /* In this execution: */
    bool changed;
    bool exists;
    char *bytes;    /* malloc'ed once it is changed; otherwise the original */
    size_t count, capacity;
};

/* Forget what the last execution wrote. */
void files_begin(void);

/* The file of that name, whether it exists or not. Ends the execution as uncontrolled if the name
 * leads to a device, a directory of the kernel, or anything else that is no regular file. */
struct file *files_find(const char *path);

/* Replace `count` bytes from `at` on, growing the file as needed, with zeros in between. */
void file_write(struct file *file, size_t at, const char *bytes, size_t count);
/* Make it an empty one, or none. */
void file_truncate(struct file *file);
void file_remove(struct file *file);

/* Writes to disk what this execution changed. False: something could not be written. */
bool files_commit(void);

#endif
