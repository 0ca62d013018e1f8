/*
 * Real processes in groups: a shell command, everything it starts, and how to be rid of all of it.
 *
 * A group is known by its leader, a child of ours that stays unreaped until the others are gone, so
 * that its number cannot be given to somebody else meanwhile; and by a mark, a NAME=VALUE in the
 * environment of each member, which finds those that left for a session of their own. A program
 * that calls group_adopt_orphans at its start also reaps what they leave behind.
 *
 * Linux only (procfs, pidfd). Any thread; calls for one group may come from several.
 */
#ifndef ADAPTERS_PROCESS_GROUP_H
#define ADAPTERS_PROCESS_GROUP_H

#include "session_types.h"

#include <sys/types.h>

enum { GROUP_MARK_MAX = 512 };

struct group {
    pid_t leader;               /* 0: only the mark counts */
    char mark[GROUP_MARK_MAX];  /* "" : only the leader counts */
};

struct group_spec {
    const char *command;        /* for /bin/sh -c */
    const char *folder;         /* to work in; NULL: ours */
    const char *const *extra;   /* NAME=VALUE, ends with NULL; the mark is added by itself */
    int input, output, errors;  /* stay the caller's; -1: /dev/null */
};

/*
 * Starts the command in a session of its own, with our environment, the extra one and group->mark.
 * Sets group->leader. FAILED if it could not be started; errno says why. NO_MEMORY.
 */
enum core_result group_start(struct group *group, const struct group_spec *spec);

/* Is any member running? One that ended and was not reaped does not count. */
bool group_is_alive(const struct group *group);

/* Sends the signal to every member; false if there is none. */
bool group_signal(const struct group *group, int signal);

/* Waits until nobody of the group runs. EXPIRED after timeout_us. Reaps nobody but orphans. */
enum core_result group_await_end(const struct group *group, uint64_t timeout_us);

/*
 * Gives the leader's number back to the system, after group_await_end has said OK; from here on the
 * group must not be used. Once. Returns what waitpid said of it; 0 if there is no leader.
 */
int group_reap(const struct group *group);

/* KILL, again for those born meanwhile, until nobody is left. */
void group_kill(const struct group *group);

/*
 * "NAME=" and what names this process and no other, before or after it: a mark for what should not
 * outlive it. Processes of another PID namespace than ours are none of our business.
 */
void group_mark_of_self(const char *name, char mark[GROUP_MARK_MAX]);

/* Kills everybody with such a mark whose maker has gone, until they have, too. How many makers. */
size_t group_sweep(const char *name);

/* Makes this process the parent of what its groups orphan (PR_SET_CHILD_SUBREAPER). */
void group_adopt_orphans(void);

/* Does this process carry the group's mark or number? False too if it is gone. */
bool group_has(const struct group *group, pid_t pid);

#endif
