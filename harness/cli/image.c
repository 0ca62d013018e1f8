#include "image.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const struct image image_core_image, image_server_image;

void cli_own_folder(char *out, size_t bytes)
{
    ssize_t length = readlink("/proc/self/exe", out, bytes - 1);
    out[length < 0 ? 0 : length] = '\0';
    char *slash = strrchr(out, '/');
    if (slash) *slash = '\0';
}

static const struct image *load(const char *path, char *problem, size_t bytes)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        snprintf(problem, bytes, "cannot load a core: %s", dlerror());
        return NULL;
    }
    const struct image *image = dlsym(library, IMAGE_SHARED_SYMBOL);
    if (image == NULL) snprintf(problem, bytes, "%s is no build of the core", path);
    return image;
}

/* NAME.so in the folder cores/. */
static const struct image *load_named(const char *what, const char *name, char *problem,
                                      size_t bytes)
{
    char folder[3800], file[4096];
    cli_own_folder(folder, sizeof folder);
    snprintf(file, sizeof file, "%s/cores/%s.so", folder, name);
    if (access(file, R_OK) == 0) return load(file, problem, bytes);
    snprintf(problem, bytes, "there is no %s image '%s' (cores/%s.so beside the executable)", what,
             name, name);
    return NULL;
}

const struct image *cli_server_image(const char *name, char *problem, size_t bytes)
{
    if (name == NULL || strcmp(name, "server") == 0) return &image_server_image;
    return load_named("server", name, problem, bytes);
}

const struct image *cli_image(const char *name, const char *path, char *problem, size_t bytes)
{
    char file[4096];
    if (path && strpbrk(path, "./") == NULL && access(path, F_OK) != 0) {
        name = path;
        path = NULL;
    }
    if (path) {
        snprintf(file, sizeof file, "%s%s", strchr(path, '/') ? "" : "./", path);
        return load(file, problem, bytes);
    }
    if (name == NULL || strcmp(name, "core") == 0) return &image_core_image;
    return load_named("core", name, problem, bytes);
}
