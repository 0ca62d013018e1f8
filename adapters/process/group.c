#include "adapters/process/group.h"

#include "adapters/process/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* ---- starting ---- */

/* Ours, then the extra one, then the mark; a later name wins. */
static const char **join_environment(const struct group *group, const struct group_spec *spec)
{
    size_t ours = 0, extra = 0, used = 0;
    while (environ[ours] != NULL) ours++;
    while (spec->extra != NULL && spec->extra[extra] != NULL) extra++;
    const char **all = malloc((ours + extra + 2) * sizeof *all);
    if (all == NULL) return NULL;
    for (size_t i = 0; i < ours; i++) {
        size_t name = strcspn(environ[i], "=") + 1;
        bool replaced = group->mark[0] != 0 && strncmp(environ[i], group->mark, name) == 0;
        for (size_t k = 0; k < extra && !replaced; k++)
            replaced = strncmp(environ[i], spec->extra[k], name) == 0;
        if (!replaced) all[used++] = environ[i];
    }
    for (size_t k = 0; k < extra; k++) all[used++] = spec->extra[k];
    if (group->mark[0] != 0) all[used++] = group->mark;
    all[used] = NULL;
    return all;
}

static int prepare_files(posix_spawn_file_actions_t *actions, const struct group_spec *spec)
{
    const int sources[] = {spec->input, spec->output, spec->errors};
    int error = 0;
    for (int fd = 0; fd < 3 && error == 0; fd++) {
        if (sources[fd] < 0)
            error = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
        else
            error = posix_spawn_file_actions_adddup2(actions, sources[fd], fd);
    }
    if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    if (error == 0 && spec->folder != NULL)
        error = posix_spawn_file_actions_addchdir_np(actions, spec->folder);
    return error;
}

/* A session of its own, and signals as a program finds them at its start. */
static int prepare_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setsigmask(attributes, &none);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETSIGMASK);
}

static int start(struct group *group, const struct group_spec *spec, const char **environment)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char shell[] = "/bin/sh", option[] = "-c";
    char *command = strdup(spec->command);
    char *const arguments[] = {shell, option, command, NULL};
    if (command == NULL) return ENOMEM;
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0) error = posix_spawnattr_init(&attributes);
    if (error == 0) error = prepare_files(&actions, spec);
    if (error == 0) error = prepare_attributes(&attributes);
    if (error == 0) {
        char *const *list;
        memcpy(&list, &environment, sizeof list); /* posix_spawn changes none of them */
        error = posix_spawn(&group->leader, shell, &actions, &attributes, arguments, list);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(command);
    return error;
}

enum core_result group_start(struct group *group, const struct group_spec *spec)
{
    const char **environment = join_environment(group, spec);
    if (environment == NULL) return CORE_NO_MEMORY;
    int error = start(group, spec, environment);
    free(environment);
    errno = error;
    return error == 0 ? CORE_OK : error == ENOMEM ? CORE_NO_MEMORY : CORE_FAILED;
}

/* ---- members ---- */

static bool is_member(const struct group *group, const struct procfs_entry *entry)
{
    if (group->leader != 0 && entry->group == group->leader) return true;
    return group->mark[0] != 0 && entry->pid != getpid() && !entry->ended &&
           procfs_has_mark(entry->pid, group->mark);
}

bool group_has(const struct group *group, pid_t pid)
{
    struct procfs_entry entry;
    return procfs_read(pid, &entry) && is_member(group, &entry);
}

struct search {
    const struct group *group;
    pid_t found; /* the first one that runs */
    int signal; /* sent to each one that runs; 0: none */
};

static void reap_orphan(const struct group *group, const struct procfs_entry *entry)
{
    if (entry->parent == getpid() && entry->pid != group->leader)
        waitpid(entry->pid, NULL, WNOHANG);
}

/* Through a descriptor of the process, so that its number cannot change hands in between. */
static void send_signal(const struct group *group, pid_t pid, int signal)
{
    int fd = pidfd_open(pid, 0);
    if (fd < 0) return;
    if (group_has(group, pid)) pidfd_send_signal(fd, signal, NULL, 0);
    close(fd);
}

static bool look_at(void *context, const struct procfs_entry *entry)
{
    struct search *search = context;
    if (!is_member(search->group, entry)) return true;
    if (entry->ended) {
        reap_orphan(search->group, entry);
        return true;
    }
    if (search->found == 0) search->found = entry->pid;
    if (search->signal != 0) send_signal(search->group, entry->pid, search->signal);
    return search->signal != 0;
}

/* One that runs, or 0. A walk can miss one whose parent ended meanwhile: twice nobody is nobody. */
static pid_t find_running(const struct group *group)
{
    struct search search = {.group = group};
    for (int walks = 0; walks < 2 && search.found == 0; walks++) procfs_walk(look_at, &search);
    return search.found;
}

bool group_is_alive(const struct group *group)
{
    return find_running(group) != 0;
}

bool group_signal(const struct group *group, int signal)
{
    struct search search = {.group = group, .signal = signal};
    procfs_walk(look_at, &search);
    return search.found != 0;
}

/* ---- the end ---- */

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* Waits for the end of one process; false when the time is over. The leader stays unreaped. */
static bool await_one(const struct group *group, pid_t pid, uint64_t until_us)
{
    int fd = pidfd_open(pid, 0);
    if (fd < 0) return true;
    uint64_t now = now_us();
    uint64_t left_ms = until_us > now ? (until_us - now + 999) / 1000 : 0;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    bool ended = poll(&poll_fd, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms) != 0;
    if (ended && pid != group->leader) {
        siginfo_t information;
        waitid(P_PIDFD, (id_t)fd, &information, WEXITED | WNOHANG);
    }
    close(fd);
    return ended;
}

enum core_result group_await_end(const struct group *group, uint64_t timeout_us)
{
    uint64_t until_us = now_us() + timeout_us;
    pid_t running;
    while ((running = find_running(group)) != 0) {
        if (!await_one(group, running, until_us)) return CORE_EXPIRED;
    }
    return CORE_OK;
}

int group_reap(const struct group *group)
{
    int status = 0;
    if (group->leader != 0)
        while (waitpid(group->leader, &status, 0) < 0 && errno == EINTR) {
        }
    return status;
}

void group_kill(const struct group *group)
{
    enum { AGAIN_US = 100000 };
    do group_signal(group, SIGKILL);
    while (group_await_end(group, AGAIN_US) == CORE_EXPIRED);
}

void group_adopt_orphans(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* ---- what outlived its maker ---- */

/* A number means something in its namespace only; without one to be read there is one. */
static unsigned long long namespace_of_pids(void)
{
    struct stat about;
    return stat("/proc/self/ns/pid", &about) == 0 ? (unsigned long long)about.st_ino : 0;
}

void group_mark_of_self(const char *name, char mark[GROUP_MARK_MAX])
{
    struct procfs_entry self = {.started = 0};
    procfs_read(getpid(), &self);
    snprintf(mark, GROUP_MARK_MAX, "%s=%d.%llu.%llu", name, (int)getpid(),
             (unsigned long long)self.started, namespace_of_pids());
}

static bool maker_has_gone(const char *value)
{
    int pid;
    unsigned long long started, space;
    struct procfs_entry maker;
    if (sscanf(value, "%d.%llu.%llu", &pid, &started, &space) != 3) return false;
    return space == namespace_of_pids() &&
           (!procfs_read(pid, &maker) || maker.ended || maker.started != started);
}

struct sweep {
    char name[GROUP_MARK_MAX / 2]; /* "NAME=" */
    char mark[GROUP_MARK_MAX];     /* the first one found whose maker has gone; "": none */
};

static bool look_for_left(void *context, const struct procfs_entry *entry)
{
    struct sweep *sweep = context;
    char value[GROUP_MARK_MAX / 2];
    if (entry->ended || !procfs_variable(entry->pid, sweep->name, value, sizeof value) ||
        !maker_has_gone(value))
        return true;
    snprintf(sweep->mark, sizeof sweep->mark, "%s%s", sweep->name, value);
    return false;
}

size_t group_sweep(const char *name)
{
    for (size_t makers = 0;; makers++) {
        struct sweep sweep = {.mark = ""};
        struct group left = {.leader = 0};
        snprintf(sweep.name, sizeof sweep.name, "%s=", name);
        procfs_walk(look_for_left, &sweep);
        if (sweep.mark[0] == 0) return makers;
        memcpy(left.mark, sweep.mark, sizeof left.mark);
        group_kill(&left);
    }
}
