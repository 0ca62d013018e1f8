/* What /proc says of processes: private to the adapters. */
#ifndef ADAPTERS_PROCESS_PROCFS_H
#define ADAPTERS_PROCESS_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct procfs_entry {
    pid_t pid, parent, group;
    bool ended;    /* all its threads have, and it was not reaped */
};

/* False if there is no such process. */
bool procfs_read(pid_t pid, struct procfs_entry *entry);

/* Does the environment that the process was started with contain this NAME=VALUE? */
bool procfs_has_mark(pid_t pid, const char *mark);

/* Called for each process, in the order of numbers. False ends the walk. */
typedef bool (*procfs_visit)(void *context, const struct procfs_entry *entry);

void procfs_walk(procfs_visit visit, void *context);

/* All of a file that has no size of its own, with a zero behind it; NULL if it cannot be read. The
 * caller frees it. */
char *procfs_slurp(const char *path, size_t *length);

#endif
