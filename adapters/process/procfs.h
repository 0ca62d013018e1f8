/* What /proc says of processes: private to the adapters. */
#ifndef ADAPTERS_PROCESS_PROCFS_H
#define ADAPTERS_PROCESS_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct procfs_entry {
    pid_t pid, parent, group;
    bool ended;    /* all its threads have, and it was not reaped */
    uint64_t started; /* ticks since the machine was: with pid, a name that is not given twice */
};

/* False if there is no such process. */
bool procfs_read(pid_t pid, struct procfs_entry *entry);

/* Does the environment that the process was started with contain this NAME=VALUE? */
bool procfs_has_mark(pid_t pid, const char *mark);

/* Its value of the variable, given as "NAME=". False if it has none, or one of `size` or longer. */
bool procfs_variable(pid_t pid, const char *name, char *value, size_t size);

/* Called for each process, in the order of numbers. False ends the walk. */
typedef bool (*procfs_visit)(void *context, const struct procfs_entry *entry);

void procfs_walk(procfs_visit visit, void *context);

/* All of a file that has no size of its own, with a zero behind it; NULL if it cannot be read. The
 * caller frees it. */
char *procfs_slurp(const char *path, size_t *length);

#endif
