/* Calls of the port about sandboxes. */
#include "adapters/local/boxes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

void local_box_free(struct box *box)
{
    while (box->processes != NULL) {
        struct process *process = box->processes;
        box->processes = process->next;
        free(process);
    }
    free(box);
}

struct box **local_box_find(struct local_provider *provider, const char *id)
{
    struct box **at = &provider->boxes;
    while (*at != NULL && strcmp((*at)->record.id, id) != 0) at = &(*at)->next;
    return *at == NULL ? NULL : at;
}

/* The box under its current token, or NULL with the answer. */
struct box *local_box_reach(struct local_provider *provider, const char *id, uint64_t token,
                            enum core_result *rc)
{
    struct box **at = local_box_find(provider, id);
    *rc = at == NULL ? CORE_NOT_FOUND : (*at)->record.token != token ? CORE_STALE : CORE_OK;
    return *rc == CORE_OK ? *at : NULL;
}

static struct sandbox_record describe(const struct box *box)
{
    struct sandbox_record record = box->record;
    if (box->emptying) record.state = SANDBOX_BOOTING;
    return record;
}

/* With a folder and a record file, or NULL. */
static struct box *make_box(struct local_provider *provider, const char *request, enum app_type app)
{
    char path[LOCAL_PATH_MAX];
    struct box *box = calloc(1, sizeof *box);
    if (box == NULL) return NULL;
    box->record = (struct sandbox_record){.app = app, .state = SANDBOX_READY, .token = 1};
    snprintf(box->record.id, sizeof box->record.id, "box-%06" PRIu64, ++provider->last_box);
    snprintf(box->record.request, sizeof box->record.request, "%s", request);
    if (!local_box_path(provider, box->record.id, "", path) || mkdir(path, S_IRWXU) != 0 ||
        !local_box_save(provider, box)) {
        local_box_remove_files(provider, box->record.id);
        free(box);
        return NULL;
    }
    local_box_insert(provider, box);
    return box;
}

static enum core_result create(void *context, const char *request, enum app_type app,
                               struct sandbox_record *record)
{
    struct local_provider *provider = context;
    pthread_mutex_lock(&provider->lock);
    struct box *box = provider->boxes;
    while (box != NULL && strcmp(box->record.request, request) != 0) box = box->next;
    if (box == NULL) box = make_box(provider, request, app);
    if (box != NULL) *record = describe(box);
    pthread_mutex_unlock(&provider->lock);
    return box != NULL ? CORE_OK : CORE_UNAVAILABLE;
}

/* The last owner's processes first, then its files: nobody can write any more. Meanwhile the box is
 * told as booting, and the lock is not held. */
static void empty(struct local_provider *provider, struct box *box)
{
    char path[LOCAL_PATH_MAX];
    local_box_kill_all(box);
    box->emptying = true;
    pthread_mutex_unlock(&provider->lock);
    bool fine = local_box_path(provider, box->record.id, "", path) && local_box_wipe(path, false);
    pthread_mutex_lock(&provider->lock);
    box->emptying = false;
    if (!fine) box->record.state = SANDBOX_STOPPED;
    pthread_cond_broadcast(&provider->emptied);
}

static enum core_result give(struct local_provider *provider, struct box *box, const char *owner)
{
    struct box changed = *box;
    changed.record.token++;
    snprintf(changed.record.owner, sizeof changed.record.owner, "%s", owner);
    if (!local_box_save(provider, &changed)) return CORE_UNAVAILABLE;
    bool leaves = box->record.owner[0] != 0 && strcmp(box->record.owner, owner) != 0;
    box->record = changed.record;
    if (leaves) empty(provider, box);
    return CORE_OK;
}

static enum core_result assign(void *context, const char *id, const char *owner,
                               uint64_t expected_token, struct sandbox_record *record)
{
    struct local_provider *provider = context;
    enum core_result rc;
    pthread_mutex_lock(&provider->lock);
    struct box *box = local_box_reach(provider, id, expected_token, &rc);
    if (box != NULL && box->emptying) {
        rc = CORE_CONFLICT;
    } else if (box != NULL) {
        rc = give(provider, box, owner);
        *record = describe(box);
    }
    pthread_mutex_unlock(&provider->lock);
    return rc == CORE_STALE ? CORE_CONFLICT : rc;
}

static enum core_result destroy(void *context, const char *id, uint64_t token)
{
    struct local_provider *provider = context;
    enum core_result rc;
    pthread_mutex_lock(&provider->lock);
    struct box *box = local_box_reach(provider, id, token, &rc);
    if (box != NULL && box->emptying) rc = CORE_UNAVAILABLE;
    if (rc == CORE_OK) {
        struct box **at = local_box_find(provider, id);
        *at = box->next;
        local_box_kill_all(box);
        local_box_remove_files(provider, id);
        local_box_free(box);
        pthread_cond_broadcast(&provider->emptied);
    }
    pthread_mutex_unlock(&provider->lock);
    return rc;
}

static enum core_result list(void *context, struct sandbox_record *records, size_t capacity,
                             size_t *count)
{
    struct local_provider *provider = context;
    *count = 0;
    pthread_mutex_lock(&provider->lock);
    for (const struct box *box = provider->boxes; box != NULL; box = box->next) {
        if (*count < capacity) records[*count] = describe(box);
        ++*count;
    }
    pthread_mutex_unlock(&provider->lock);
    return CORE_OK;
}

static struct timespec deadline_in(uint64_t us)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    uint64_t ns = (uint64_t)at.tv_nsec + us % 1000000 * 1000;
    at.tv_sec += (time_t)(us / 1000000 + ns / 1000000000);
    at.tv_nsec = (long)(ns % 1000000000);
    return at;
}

static enum core_result await_ready(void *context, const char *id, uint64_t token,
                                    uint64_t timeout_us)
{
    struct local_provider *provider = context;
    struct timespec until = deadline_in(timeout_us);
    enum core_result rc;
    bool expired = false;
    struct box *box;
    pthread_mutex_lock(&provider->lock);
    while ((box = local_box_reach(provider, id, token, &rc)) != NULL && box->emptying && !expired)
        expired = pthread_cond_timedwait(&provider->emptied, &provider->lock, &until) != 0;
    if (box != NULL)
        rc = box->emptying                        ? CORE_EXPIRED
             : box->record.state == SANDBOX_READY ? CORE_OK
                                                  : CORE_FAILED;
    pthread_mutex_unlock(&provider->lock);
    return rc;
}

void local_fill_boxes(struct sandbox_provider_port *port)
{
    port->create = create;
    port->assign = assign;
    port->destroy = destroy;
    port->list = list;
    port->await_ready = await_ready;
}
