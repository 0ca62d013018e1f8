/* What calls of the provider do and tell, in the world of a core that a backend has for itself:
 * sandboxes, and processes that listen, move, or heed nothing. */
#include "fakes/alone_supply.h"

#include <stdio.h>

/* --- sandboxes --- */

struct crate *supply_requested(struct supply *supply, const char *request)
{
    for (uint32_t i = 0; i < supply->crate_count; i++)
        if (strcmp(supply->crates[i].request, request) == 0) return &supply->crates[i];
    return NULL;
}

struct crate *supply_make(struct supply *supply, const char *request, enum app_type app)
{
    REQUIRE(supply->crate_count < CRATES && strlen(request) < CORE_NAME_MAX);
    struct crate *crate = &supply->crates[supply->crate_count++];
    *crate = (struct crate){ .app = app, .exists = true, .token = 1 };
    (void)snprintf(crate->id, sizeof crate->id, "machine %02u", supply->crate_count);
    memcpy(crate->request, request, strlen(request) + 1);
    if (world_choose(3, "a_slow_machine") == 2) crate->ready_us = now_us() + 2300000;
    crate->broken = world_choose(6, "a_broken_machine") == 5;
    return crate;
}

static void describe(const struct crate *crate, struct sandbox_record *record)
{
    *record = (struct sandbox_record){ .app = crate->app, .token = crate->token };
    memcpy(record->id, crate->id, sizeof record->id);
    memcpy(record->request, crate->request, sizeof record->request);
    memcpy(record->owner, crate->owner, sizeof record->owner);
    record->state = crate->ready_us > now_us() ? SANDBOX_BOOTING : SANDBOX_READY;
}

/* Sandboxes are made in the order of their names. */
static enum core_result list(struct supply *supply, struct demand *demand)
{
    size_t count = 0;

    for (uint32_t i = 0; i < supply->crate_count; i++) {
        if (!supply->crates[i].exists) continue;
        if (count < demand->capacity)
            describe(&supply->crates[i], &demand->records[count]);
        count++;
    }
    *demand->count = count;
    return CORE_OK;
}

static enum core_result create(struct supply *supply, struct demand *demand)
{
    struct crate *crate = supply_requested(supply, demand->request);

    if (crate == NULL) crate = supply_make(supply, demand->request, demand->app);
    describe(crate, demand->records);
    return CORE_OK;
}

static enum core_result assign(struct crate *crate, struct demand *demand)
{
    crate->token++;
    memcpy(crate->owner, demand->owner, strlen(demand->owner) + 1);
    describe(crate, demand->records);
    return CORE_OK;
}

static enum core_result destroy(struct supply *supply, struct crate *crate)
{
    crate->exists = false;
    for (uint32_t i = 0; i < supply->task_count; i++)
        if (supply->tasks[i].crate == crate) supply->tasks[i].record.alive = false;
    return CORE_OK;
}

static enum core_result await_ready(const struct crate *crate, const struct demand *demand)
{
    uint64_t late_us = now_us() + demand->timeout_us;

    if (crate->broken) return CORE_FAILED;
    bool late = crate->ready_us > late_us;
    if (crate->ready_us > now_us()) world_sleep_until(us_ns(late ? late_us : crate->ready_us));
    return late ? CORE_EXPIRED : CORE_OK;
}

/* --- processes --- */

struct task *supply_task(struct supply *supply, uint64_t instance)
{
    for (uint32_t i = 0; i < supply->task_count; i++)
        if (supply->tasks[i].record.instance == instance) return &supply->tasks[i];
    return NULL;
}

static bool is_taken(const struct supply *supply, const struct crate *crate, uint16_t port)
{
    for (uint32_t i = 0; i < supply->task_count; i++) {
        const struct task *task = &supply->tasks[i];
        if (task->crate == crate && task->record.alive && task->listening == port) return true;
    }
    return false;
}

/* One whose port is taken moves on where that is foreseen, and else ends. */
static void listen(struct supply *supply, struct task *task)
{
    uint16_t port = task->record.port;

    task->listen_us = 0;
    if (is_taken(supply, task->crate, port)) port += supply->settings.port_fallback > 0;
    if (is_taken(supply, task->crate, port)) task->record.alive = false;
    else task->listening = port;
}

static void listen_all(struct supply *supply)
{
    for (uint32_t i = 0; i < supply->task_count; i++) {
        struct task *task = &supply->tasks[i];
        if (task->record.alive && task->listen_us > 0 && task->listen_us <= now_us())
            listen(supply, task);
    }
}

static uint64_t answering(struct supply *supply, const struct crate *crate, uint16_t port)
{
    listen_all(supply);
    for (uint32_t i = 0; i < supply->task_count; i++) {
        const struct task *task = &supply->tasks[i];
        if (task->crate == crate && task->record.alive && task->listening == port)
            return task->record.instance;
    }
    return 0;
}

struct task *supply_spawn(struct supply *supply, struct crate *crate,
                          const struct spawn_request *request)
{
    static const uint64_t boots_us[] = { 0, 150000, 2700000, 100000000 };
    uint64_t boot_us = boots_us[world_choose(4, "how_long_a_server_boots")];

    REQUIRE(supply->task_count < TASKS);
    struct task *task = &supply->tasks[supply->task_count++];
    *task = (struct task){ .crate = crate,
                           .record = { .instance = ++supply->instances, .process_group = 1,
                                       .token = crate->token, .app = request->app,
                                       .port = request->port, .alive = true },
                           .listen_us = now_us() + boot_us,
                           .deaf = world_choose(4, "a_deaf_server") == 3 };
    task->undying = !supply->serves && world_choose(8, "an_undying_server") == 7;
    (void)snprintf(task->record.request, sizeof task->record.request, "%s", request->request);
    listen_all(supply);
    return task;
}

static enum core_result spawn(struct supply *supply, struct crate *crate, struct demand *demand)
{
    *demand->processes = supply_spawn(supply, crate, demand->spawn)->record;
    return CORE_OK;
}

static enum core_result list_processes(const struct supply *supply, const struct crate *crate,
                                       struct demand *demand)
{
    size_t count = 0;

    for (uint32_t i = 0; i < supply->task_count; i++) {
        const struct task *task = &supply->tasks[i];
        if (task->crate != crate || !task->record.alive) continue;
        if (count < demand->capacity) demand->processes[count] = task->record;
        count++;
    }
    *demand->count = count;
    return CORE_OK;
}

static enum core_result signal_one(struct supply *supply, const struct demand *demand)
{
    struct task *task = supply_task(supply, demand->instance);

    if (task == NULL || !task->record.alive) return CORE_NOT_FOUND;
    if (demand->signal == PROCESS_KILL ? !task->undying : !task->deaf) task->record.alive = false;
    return CORE_OK;
}

static enum core_result probe(struct supply *supply, const struct crate *crate,
                              struct demand *demand)
{
    *demand->answering = answering(supply, crate, demand->port);
    return *demand->answering == 0 ? CORE_NOT_FOUND : CORE_OK;
}

static enum core_result await_end(struct supply *supply, const struct demand *demand)
{
    const struct task *task = supply_task(supply, demand->instance);

    if (task == NULL || !task->record.alive) return CORE_OK;
    world_sleep_until(ahead_ns(demand->timeout_us));
    return CORE_EXPIRED;
}

/* Somebody else has begun it meanwhile, if the sandbox is still what it was. */
static void begin_late(struct supply *supply)
{
    for (uint32_t i = 0; i < supply->task_count; i++) {
        struct task *task = &supply->tasks[i];
        if (task->begin_us == 0 || task->begin_us > now_us()) continue;
        task->begin_us = 0;
        task->record.alive = task->crate->exists && task->crate->token == task->record.token;
    }
}

/* --- one call --- */

static struct crate *find(struct supply *supply, const char *id)
{
    for (uint32_t i = 0; i < supply->crate_count; i++)
        if (supply->crates[i].exists && strcmp(supply->crates[i].id, id) == 0)
            return &supply->crates[i];
    return NULL;
}

enum core_result supply_perform(struct supply *supply, struct demand *demand)
{
    if (demand->op == SUPPLY_LIST) return list(supply, demand);
    if (demand->op == SUPPLY_CREATE) return create(supply, demand);
    struct crate *crate = find(supply, demand->id);
    begin_late(supply);
    if (crate == NULL) return CORE_NOT_FOUND;
    if (crate->token != demand->token)
        return demand->op == SUPPLY_ASSIGN ? CORE_CONFLICT : CORE_STALE;
    switch (demand->op) {
    case SUPPLY_ASSIGN: return assign(crate, demand);
    case SUPPLY_DESTROY: return destroy(supply, crate);
    case SUPPLY_AWAIT: return await_ready(crate, demand);
    case SUPPLY_SPAWN: return spawn(supply, crate, demand);
    case SUPPLY_PROCESSES: return list_processes(supply, crate, demand);
    case SUPPLY_SIGNAL: return signal_one(supply, demand);
    case SUPPLY_PROBE: return probe(supply, crate, demand);
    case SUPPLY_WAIT: return await_end(supply, demand);
    default: return CORE_INVALID;
    }
}
