/* Calls of the port about processes. */
#include "adapters/local/boxes.h"

#include "adapters/local/listener.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void local_box_forget_ended(struct box *box)
{
    struct process **at = &box->processes;
    while (*at != NULL) {
        struct process *process = *at;
        if (!process->ended) {
            at = &process->next;
            continue;
        }
        *at = process->next;
        free(process);
    }
}

bool local_process_check(struct process *process)
{
    if (process->ended || group_is_alive(&process->group)) return !process->ended;
    process->ended = true;
    group_reap(&process->group);
    return false;
}

void local_box_kill_all(struct box *box)
{
    for (struct process *process = box->processes; process != NULL; process = process->next) {
        if (process->ended) continue;
        group_kill(&process->group);
        group_reap(&process->group);
        process->ended = true;
    }
    local_box_forget_ended(box);
}

/* ---- spawn ---- */

enum { VARIABLE_MAX = LOCAL_PATH_MAX + 32, VARIABLES = 5 };

struct variables {
    char text[VARIABLES][VARIABLE_MAX];
    const char *list[VARIABLES + 1];
};

static void set_variables(const struct local_provider *provider, const struct box *box,
                          const struct spawn_request *request, struct variables *variables)
{
    local_mark(provider->root, variables->text[0]);
    snprintf(variables->text[1], VARIABLE_MAX, "PORT=%u", (unsigned)request->port);
    snprintf(variables->text[2], VARIABLE_MAX, "SESSION_SANDBOX=%s", box->record.id);
    snprintf(variables->text[3], VARIABLE_MAX, "SESSION_OWNER=%s", box->record.owner);
    snprintf(variables->text[4], VARIABLE_MAX, "SESSION_APP=%s", app_type_word(request->app));
    for (size_t i = 0; i < VARIABLES; i++) variables->list[i] = variables->text[i];
    variables->list[VARIABLES] = NULL;
}

static enum core_result run(struct local_provider *provider, const struct box *box,
                            const struct spawn_request *request, struct process *process)
{
    char folder[LOCAL_PATH_MAX], log[LOCAL_PATH_MAX], suffix[CORE_NAME_MAX + 8];
    struct variables variables;
    snprintf(suffix, sizeof suffix, ".%s.log", request->name);
    if (!local_box_path(provider, box->record.id, "", folder) ||
        !local_box_path(provider, box->record.id, suffix, log) ||
        strchr(request->name, '/') != NULL)
        return CORE_INVALID;
    int output = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (output < 0) return CORE_UNAVAILABLE;
    set_variables(provider, box, request, &variables);
    struct group_spec spec = {.command = request->command,
                              .folder = folder,
                              .extra = variables.list,
                              .input = -1,
                              .output = output,
                              .errors = output};
    enum core_result rc = group_start(&process->group, &spec);
    close(output);
    return rc;
}

static enum core_result start(struct local_provider *provider, struct box *box,
                              const struct spawn_request *request, struct process_record *record)
{
    struct process *process = calloc(1, sizeof *process);
    if (process == NULL) return CORE_NO_MEMORY;
    uint64_t instance = ++provider->last_instance;
    snprintf(process->group.mark, sizeof process->group.mark, "SESSION_INSTANCE=%d-%" PRIu64,
             (int)getpid(), instance);
    enum core_result rc = run(provider, box, request, process);
    if (rc != CORE_OK) {
        free(process);
        return rc;
    }
    process->record = (struct process_record){.instance = instance,
                                              .process_group = (uint64_t)process->group.leader,
                                              .token = box->record.token,
                                              .app = request->app,
                                              .port = request->port,
                                              .alive = true};
    snprintf(process->record.request, sizeof process->record.request, "%s", request->request);
    struct process **at = &box->processes;
    while (*at != NULL) at = &(*at)->next;
    *at = process;
    *record = process->record;
    return CORE_OK;
}

/* The fence is stored before the process is there, so that no restart forgets it. */
static enum core_result raise_fence(struct local_provider *provider, struct box *box,
                                    const struct spawn_request *request)
{
    struct box changed = *box;
    if (request->fence < box->fences[request->app]) return CORE_STALE;
    if (request->fence == box->fences[request->app]) return CORE_OK;
    changed.fences[request->app] = request->fence;
    if (!local_box_save(provider, &changed)) return CORE_UNAVAILABLE;
    box->fences[request->app] = request->fence;
    return CORE_OK;
}

static enum core_result spawn(void *context, const char *id, uint64_t token,
                              const struct spawn_request *request, struct process_record *record)
{
    struct local_provider *provider = context;
    enum core_result rc;
    pthread_mutex_lock(&provider->lock);
    struct box *box = local_box_reach(provider, id, token, &rc);
    if (box != NULL && (box->emptying || box->record.state != SANDBOX_READY)) rc = CORE_UNAVAILABLE;
    if (rc == CORE_OK) rc = raise_fence(provider, box, request);
    if (rc == CORE_OK) rc = start(provider, box, request, record);
    pthread_mutex_unlock(&provider->lock);
    return rc;
}

/* ---- looking, signalling, waiting ---- */

/* One that has ended is told once more, as dead, and then forgotten. */
static enum core_result processes(void *context, const char *id, uint64_t token,
                                  struct process_record *records, size_t capacity, size_t *count)
{
    struct local_provider *provider = context;
    enum core_result rc;
    size_t used = 0;
    pthread_mutex_lock(&provider->lock);
    struct box *box = local_box_reach(provider, id, token, &rc);
    for (struct process *process = box == NULL ? NULL : box->processes; process != NULL;
         process = process->next) {
        process->record.alive = local_process_check(process);
        if (used < capacity) records[used] = process->record;
        used++;
    }
    if (box != NULL) {
        local_box_forget_ended(box);
        *count = used;
    }
    pthread_mutex_unlock(&provider->lock);
    return rc;
}

static struct process *find_process(struct box *box, uint64_t instance)
{
    struct process *process = box == NULL ? NULL : box->processes;
    while (process != NULL && process->record.instance != instance) process = process->next;
    return process;
}

static enum core_result signal_group(void *context, const char *id, uint64_t token,
                                     uint64_t instance, enum process_signal signal)
{
    struct local_provider *provider = context;
    enum core_result rc;
    pthread_mutex_lock(&provider->lock);
    struct box *box = local_box_reach(provider, id, token, &rc);
    struct process *process = find_process(box, instance);
    if (box != NULL && (process == NULL || !local_process_check(process))) rc = CORE_NOT_FOUND;
    if (rc == CORE_OK && !group_signal(&process->group, signal == PROCESS_KILL ? SIGKILL : SIGTERM))
        rc = CORE_NOT_FOUND;
    pthread_mutex_unlock(&provider->lock);
    return rc;
}

static enum core_result probe(void *context, const char *id, uint64_t token, uint16_t port,
                              uint64_t *instance)
{
    struct local_provider *provider = context;
    uint64_t inodes[LISTENERS_MAX];
    enum core_result rc;
    bool answers = listener_answers(port);
    size_t count = answers ? listener_sockets(port, inodes) : 0;
    pthread_mutex_lock(&provider->lock);
    struct box *box = local_box_reach(provider, id, token, &rc);
    if (box != NULL) {
        rc = answers ? CORE_OK : CORE_NOT_FOUND;
        *instance = answers ? LOCAL_STRANGER : 0;
        for (struct process *process = box->processes; answers && process != NULL;
             process = process->next) {
            if (!process->ended && listener_is(&process->group, inodes, count))
                *instance = process->record.instance;
        }
    }
    pthread_mutex_unlock(&provider->lock);
    return rc;
}

/* The group is waited for without the lock; meanwhile the box and the process may go. */
static enum core_result await_end(void *context, const char *id, uint64_t token, uint64_t instance,
                                  uint64_t timeout_us)
{
    struct local_provider *provider = context;
    enum core_result rc, found;
    pthread_mutex_lock(&provider->lock);
    struct process *process = find_process(local_box_reach(provider, id, token, &rc), instance);
    if (rc == CORE_OK && process == NULL) rc = CORE_NOT_FOUND;
    if (rc == CORE_OK && !process->ended) {
        struct group group = process->group;
        pthread_mutex_unlock(&provider->lock);
        rc = group_await_end(&group, timeout_us);
        pthread_mutex_lock(&provider->lock);
    }
    if (rc == CORE_OK) {
        struct box *box = local_box_reach(provider, id, token, &found);
        process = find_process(box, instance);
        if (process != NULL && !local_process_check(process)) local_box_forget_ended(box);
    }
    pthread_mutex_unlock(&provider->lock);
    return rc;
}

void local_fill_processes(struct sandbox_provider_port *port)
{
    port->spawn = spawn;
    port->processes = processes;
    port->signal = signal_group;
    port->probe = probe;
    port->wait = await_end;
}
