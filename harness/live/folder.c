/* The folder in which runs keep what they need: settings, sockets, the daemon's file. */
#include "harness/live/internal.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { OPEN_FILES = 16, REMOVE_TRIES = 40, REMOVE_PAUSE_MS = 50 };

/* Sockets have the shortest of all paths. */
static bool has_room(const char *folder)
{
    struct sockaddr_un address;
    return strlen(folder) + strlen("/agents-9-9999") < sizeof address.sun_path;
}

bool live_folder_make(char folder[LIVE_PATH_MAX], char problem[LIVE_PROBLEM_MAX])
{
    const char *parent = getenv("TMPDIR");
    char placeholder[7] = ""; /* for what mkdtemp puts in */
    memset(placeholder, 'X', sizeof placeholder - 1);
    (void)snprintf(folder, LIVE_PATH_MAX, "%s/harness-live-%s",
                   parent != NULL && parent[0] == '/' ? parent : "/tmp", placeholder);
    errno = ENAMETOOLONG;
    if (has_room(folder) && mkdtemp(folder) != NULL) return true;
    (void)snprintf(problem, LIVE_PROBLEM_MAX, "%.300s: %s; TMPDIR names %s folder", folder,
                   strerror(errno), errno == ENAMETOOLONG ? "a shorter" : "another");
    return false;
}

static int remove_inner(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    if (walk->level > 0) (void)remove(path);
    return 0;
}

void folder_empty(const char *folder)
{
    (void)nftw(folder, remove_inner, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
}

void live_folder_remove(const char *folder)
{
    struct timespec pause = {0, REMOVE_PAUSE_MS * 1000000L};
    for (int tries = 0; tries < REMOVE_TRIES; tries++) {
        folder_empty(folder);
        if (rmdir(folder) == 0 || errno == ENOENT) return;
        nanosleep(&pause, NULL);
    }
}
