/* Shared memory by name: files of a folder of their own, which is empty at the beginning. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "files.h"
#include "harness/world/world.h"

int world_open(const char *path, int flags, ...);
int world_unlink(const char *path);

/* False, and errno. */
static bool path_of(const char *name, char out[PATH_MAX])
{
    name += strspn(name, "/");
    bool good = *name != '\0' && strchr(name, '/') == NULL;
    errno = good ? ENAMETOOLONG : EINVAL;
    if (!good) return false;
    return strlen(name) <= NAME_MAX && snprintf(out, PATH_MAX, FILES_SHARED "/%s", name) < PATH_MAX;
}

int world_shm_open(const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    return path_of(name, path) ? world_open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode) : -1;
}

int world_shm_unlink(const char *name)
{
    char path[PATH_MAX];
    return path_of(name, path) ? world_unlink(path) : -1;
}

/* One that loses its name at once. */
int world_memfd_create(const char *name, unsigned flags)
{
    char path[PATH_MAX];
    if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING)) ||
        snprintf(path, sizeof path, FILES_SHARED "/memfd:%.*s", NAME_MAX - 6, name) >= PATH_MAX ||
        strchr(name, '/')) {
        errno = EINVAL;
        return -1;
    }
    int number = world_open(path, O_RDWR | O_CREAT | (flags & MFD_CLOEXEC ? O_CLOEXEC : 0), 0600);
    if (number >= 0) world_unlink(path);
    return number;
}
