/* Processes of a sandbox: groups, ports, children, and who answers on a port. */
#include "fakes/internal.h"

bool process_group_alive(const struct process *process)
{
    return process->alive || process->children > 0;
}

struct process *process_at(struct box *box, uint64_t instance)
{
    for (uint32_t i = 0; i < box->process_count; i++) {
        if (box->processes[i].instance == instance) return &box->processes[i];
    }
    return NULL;
}

static bool port_taken(const struct box *box, uint16_t port)
{
    for (uint32_t i = 0; i < box->process_count; i++) {
        const struct process *process = &box->processes[i];
        if (process->listening == port && (process->alive || process->ghost)) return true;
    }
    return false;
}

/* The newest one that listens: a ghost of an older one is heard only while nobody else answers. */
uint64_t process_answering(const struct box *box, uint16_t port)
{
    uint64_t ghost = 0;

    for (uint32_t i = box->process_count; i-- > 0;) {
        const struct process *process = &box->processes[i];
        if (process->listening != port) continue;
        if (process->alive) return process->instance;
        if (process->ghost && ghost == 0) ghost = process->instance;
    }
    return ghost;
}

void process_arm(struct box *box)
{
    uint64_t earliest_ns = WORLD_NEVER;

    for (uint32_t i = 0; i < box->process_count; i++) {
        const struct process *process = &box->processes[i];
        if (process->alive && process->listen_ns < earliest_ns) earliest_ns = process->listen_ns;
        if (process->start_ns > 0 && process->start_ns < earliest_ns)
            earliest_ns = process->start_ns;
    }
    world_task_disarm(box->task);
    if (earliest_ns != WORLD_NEVER) world_task_arm(box->task, earliest_ns);
}

static void begin_to_listen(struct box *box, struct process *process)
{
    process->listen_ns = WORLD_NEVER;
    uint16_t port = box->port > 0 ? box->port : process->port;
    if (port_taken(box, port) && box->move_port) {
        box->move_port = false;
        while (port_taken(box, port)) port++;
    }
    if (port_taken(box, port)) {
        process_end(box, process, "port in use");
        return;
    }
    process->listening = port;
    RECORD(PR_LISTEN, box->party, 0, 0, 0, .port = port, .instance = (int64_t)process->instance,
           .sandbox = box->word);
    if (box->leave_child) {
        box->leave_child = false;
        process->children++;
        RECORD(PR_CHILD, box->party, 0, 0, 0, .instance = (int64_t)process->instance,
               .pgid = (int64_t)process->pgid, .sandbox = box->word);
    }
    world_wake(&box->changed);
}

static void start(struct box *box, struct process *process)
{
    process->start_ns = 0;
    process->alive = true;
    process->listen_ns = ahead_ns(process->boot_us);
    RECORD(PR_SPAWN, box->party, 0, 0, 0, .port = process->port,
           .instance = (int64_t)process->instance, .pgid = (int64_t)process->pgid,
           .app = process->app_word, .token = (int64_t)process->token,
           .fence = (int64_t)process->fence, .request = record_intern(process->request),
           .sandbox = box->word, .late = process->late);
    if (process->boot_us == 0) begin_to_listen(box, process);
}

/* Whoever may not start anything any more starts nothing late either. */
static void start_late(struct box *box, struct process *process)
{
    bool current = !box->down && !box->destroyed && process->token == box->token &&
                   process->fence >= box->fence[process->app];

    if (current) start(box, process);
    else process->start_ns = 0;
}

void process_listen_due(void *argument)
{
    struct box *box = argument;

    if (box->paused_until_ns > world_now_ns()) {
        world_task_arm(box->task, box->paused_until_ns);
        return;
    }
    for (uint32_t i = 0; i < box->process_count; i++) {
        struct process *process = &box->processes[i];
        if (process->start_ns > 0 && process->start_ns <= world_now_ns()) start_late(box, process);
        if (process->alive && process->listen_ns <= world_now_ns()) begin_to_listen(box, process);
    }
    process_arm(box);
}

static uint64_t group_of(const struct box *box, uint64_t instance)
{
    if (!box->reuse_pid) return 1000 + instance;
    for (uint32_t i = 0; i < box->process_count; i++) {
        if (!process_group_alive(&box->processes[i])) return box->processes[i].pgid;
    }
    return 1000 + instance;
}

struct process *process_spawn(struct box *box, const struct spawn_request *request, uint64_t token,
                              uint64_t late_us)
{
    struct play *play = box->play;
    uint64_t boot_us = box->boot_low_us;

    if (box->process_count == PROCESSES_MAX)
        world_stop("more than %d processes in one sandbox", PROCESSES_MAX);
    if (box->boot_high_us > boot_us && world_choose(2, "boot_time") == 1)
        boot_us = box->boot_high_us;
    struct process *process = &box->processes[box->process_count];
    uint64_t instance = ++play->provider.instances;
    *process = (struct process){
        .instance = instance, .pgid = group_of(box, instance), .token = token,
        .fence = request->fence,
        .request = scratch_copy(request->request, strlen(request->request)),
        .app_word = record_intern(request->app == APP_WEB ? "web" : "mobile"),
        .app = request->app, .port = request->port, .boot_us = boot_us,
        .listen_ns = WORLD_NEVER };
    box->process_count++;
    box->reuse_pid = false;
    process->late = late_us > 0;
    if (process->late)
        process->start_ns = ahead_ns(late_us);
    else
        start(box, process);
    process_arm(box);
    return process;
}

static void record_exit(struct box *box, const struct process *process, const char *why,
                        bool child)
{
    RECORD(PR_EXIT, box->party, 0, 0, 0, .port = process->port,
           .instance = (int64_t)process->instance, .pgid = (int64_t)process->pgid,
           .why = record_intern(why), .child = child, .sandbox = box->word);
}

void process_end(struct box *box, struct process *process, const char *why)
{
    if (!process->alive) return;
    process->alive = false;
    process->listen_ns = WORLD_NEVER;
    if (box->ghost_server) {
        box->ghost_server = false;
        process->ghost = process->listening != 0;
    }
    record_exit(box, process, why, false);
    process_arm(box);
    world_wake(&box->changed);
}

void process_end_child(struct box *box, struct process *process, const char *why)
{
    if (process->children == 0) return;
    process->children--;
    record_exit(box, process, why, true);
    world_wake(&box->changed);
}
