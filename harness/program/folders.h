/* Folders of a program: what is on disk, with what this execution made, moved and removed there. */
#ifndef HARNESS_PROGRAM_FOLDERS_H
#define HARNESS_PROGRAM_FOLDERS_H

#include <limits.h>

#include "files.h"

/* A folder gets another name, with all that is in it. 0, or -1 and errno. */
int folder_rename(struct file *source, struct file *target);

/* The name that a path stands for where it may be relative to an open folder (AT_FDCWD: to where
 * the program is). NULL, and errno. */
const char *folder_path(int folder, const char *path, char out[PATH_MAX]);

int world_rmdir(const char *path);

#endif
