#include "adapters/local/local_provider.h"

#include "adapters/local/boxes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- opening and closing ---- */

static enum core_result complain(char problem[LOCAL_PROBLEM_MAX], const char *path,
                                 const char *what, int error)
{
    snprintf(problem, LOCAL_PROBLEM_MAX, "%.300s: %s%s%s", path, what, error != 0 ? ": " : "",
             error != 0 ? strerror(error) : "");
    return CORE_UNAVAILABLE;
}

/* The lock ends with the process, however that ends. */
static enum core_result take_root(struct local_provider *provider, const char *root,
                                  char problem[LOCAL_PROBLEM_MAX])
{
    char path[LOCAL_PATH_MAX];
    if (root[0] != '/' || !local_box_path(provider, "lock", "", path)) {
        complain(problem, root, "the folder of sandboxes must be a short absolute path", 0);
        return CORE_INVALID;
    }
    if (mkdir(root, S_IRWXU) != 0 && errno != EEXIST)
        return complain(problem, root, "the folder of sandboxes cannot be made", errno);
    provider->root_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (provider->root_lock < 0) return complain(problem, path, "cannot be opened", errno);
    if (flock(provider->root_lock, LOCK_EX | LOCK_NB) == 0) return CORE_OK;
    complain(problem, root, "another program has these sandboxes; name another folder", 0);
    return CORE_CONFLICT;
}

void local_mark(const char *root, char mark[GROUP_MARK_MAX])
{
    snprintf(mark, GROUP_MARK_MAX, "SESSION_ROOT=%.480s", root);
}

/* Whoever held the root before was killed: its processes have nobody any more. */
static void end_leftovers(const struct local_provider *provider)
{
    struct group left = {.leader = 0};
    local_mark(provider->root, left.mark);
    group_kill(&left);
}

static bool init_locks(struct local_provider *provider)
{
    pthread_condattr_t attributes;
    bool fine = pthread_condattr_init(&attributes) == 0 &&
                pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&provider->emptied, &attributes) == 0 &&
                pthread_mutex_init(&provider->lock, NULL) == 0;
    pthread_condattr_destroy(&attributes);
    return fine;
}

static void free_provider(struct local_provider *provider)
{
    while (provider->boxes != NULL) {
        struct box *box = provider->boxes;
        provider->boxes = box->next;
        local_box_free(box);
    }
    if (provider->root_lock >= 0) close(provider->root_lock);
    pthread_mutex_destroy(&provider->lock);
    pthread_cond_destroy(&provider->emptied);
    free(provider);
}

enum core_result local_provider_open(const struct local_provider_options *options,
                                     struct local_provider **out, char problem[LOCAL_PROBLEM_MAX])
{
    struct local_provider *provider = calloc(1, sizeof *provider);
    if (provider == NULL || !init_locks(provider)) {
        free(provider);
        snprintf(problem, LOCAL_PROBLEM_MAX, "out of memory");
        return CORE_NO_MEMORY;
    }
    provider->root_lock = -1;
    provider->last_instance = options->last_instance;
    snprintf(provider->root, sizeof provider->root, "%s", options->root);
    enum core_result rc = take_root(provider, options->root, problem);
    if (rc == CORE_OK) end_leftovers(provider);
    if (rc == CORE_OK) rc = local_boxes_load(provider, problem);
    if (rc == CORE_OK)
        *out = provider;
    else
        free_provider(provider);
    return rc;
}

void local_provider_abandon(const char *root)
{
    struct group all = {.leader = 0};
    local_mark(root, all.mark);
    group_signal(&all, SIGKILL);
}

void local_provider_close(struct local_provider *provider)
{
    if (provider == NULL) return;
    for (struct box *box = provider->boxes; box != NULL; box = box->next) local_box_kill_all(box);
    free_provider(provider);
}

void local_provider_folder(struct local_provider *provider, const char *owner, char *path,
                           size_t size)
{
    char own[LOCAL_PATH_MAX] = "";
    pthread_mutex_lock(&provider->lock);
    for (const struct box *box = provider->boxes; box != NULL; box = box->next) {
        if (strcmp(box->record.owner, owner) == 0)
            local_box_path(provider, box->record.id, "", own);
    }
    pthread_mutex_unlock(&provider->lock);
    snprintf(path, size, "%s", own);
}

struct sandbox_provider_port local_provider_port(struct local_provider *provider)
{
    struct sandbox_provider_port port = {.context = provider};
    local_fill_boxes(&port);
    local_fill_processes(&port);
    return port;
}
