/* The provider of a core that a backend has for itself: calls go to the backend's thread. */
#include "fakes/alone_supply.h"
#include "fakes/alone_ports.h"

#include <stdio.h>

/* --- handing over --- */

static enum core_result hand_over(struct supply *supply, struct demand *demand)
{
    world_meet(WORLD_MET_FAKES);
    if (supply->broken) return CORE_UNKNOWN;
    supply_tell(supply, "whether calls of the provider come one by one", supply->demand == NULL, 1);
    if (supply->demand != NULL) return CORE_UNKNOWN;
    supply->demand = demand;
    world_wake(&supply->asked);
    while (!demand->done)
        (void)world_wait(&supply->answered, WORLD_NEVER, "the provider's answer");
    return demand->rc;
}

void supply_answer(struct supply *supply, struct demand *demand, enum core_result rc)
{
    demand->rc = rc;
    demand->done = true;
    world_wake(&supply->answered);
}

static void break_off(struct supply *supply)
{
    supply->broken = true;
    if (supply->demand != NULL) supply_answer(supply, supply->demand, CORE_UNKNOWN);
    supply->demand = NULL;
}

/* What is written by answers to calls that nobody makes. */
static struct demand *nobody(void)
{
    static struct sandbox_record records[CRATES];
    static struct process_record processes[TASKS];
    static struct spawn_request spawn;
    static uint64_t answering;
    static size_t count;
    static struct demand demand;

    spawn = (struct spawn_request){ .request = "", .name = "", .command = "" };
    demand = (struct demand){ .id = "", .request = "", .owner = "", .records = records,
                              .processes = processes, .capacity = CRATES, .count = &count,
                              .answering = &answering, .spawn = &spawn };
    return &demand;
}

static void wait_for_demand(struct supply *supply, uint64_t until_us)
{
    while (supply->demand == NULL && !supply->broken && now_us() < until_us)
        (void)world_wait(&supply->asked, us_ns(until_us), "a call of the provider");
}

struct demand *supply_await(struct supply *supply, enum supply_op op, uint64_t at_us)
{
    wait_for_demand(supply, at_us + 1000);
    if (supply->broken) return nobody();
    struct demand *demand = supply->demand;
    bool same = demand != NULL && demand->op == op;
    supply_tell(supply, "which call of the provider is made", demand == NULL ? 0 : demand->op, op);
    if (same) supply_tell(supply, "when a call of the provider is made", now_us(), at_us);
    if (!same || now_us() != at_us) {
        break_off(supply);
        return nobody();
    }
    supply->demand = NULL;
    return demand;
}

struct demand *supply_await_held(struct supply *supply, enum supply_op op, uint64_t at_us)
{
    struct demand *demand = supply_await(supply, op, at_us);

    if (supply->broken) return demand;
    supply_tell(supply, "whether a call is about that sandbox",
                strcmp(demand->id, supply->held->id) == 0, 1);
    supply_tell(supply, "the token of a call", demand->token, supply->held->token);
    return demand;
}

void supply_rest(struct supply *supply, uint64_t until_us)
{
    wait_for_demand(supply, until_us);
    if (supply->broken || now_us() >= until_us) return;
    supply_tell(supply, "which call is made where none is due",
                supply->demand == NULL ? 0 : supply->demand->op, 0);
    if (supply->demand != NULL) break_off(supply);
}

enum supply_fate supply_fate(struct supply *supply)
{
    if (supply->troubles == 0) return SUPPLY_WELL;
    uint32_t fate = world_choose(5, "what_becomes_of_a_call");
    supply->troubles -= fate > 2;
    return fate == 3 ? SUPPLY_LOST : fate == 4 ? SUPPLY_DONE_SILENTLY : SUPPLY_WELL;
}

uint64_t supply_pause_us(const struct supply *supply, uint64_t failures)
{
    const struct core_settings *settings = &supply->settings;
    uint64_t pause_us = settings->backoff_base_us;

    for (uint64_t i = 1; i < failures; i++) pause_us *= settings->backoff_factor;
    return pause_us < settings->backoff_cap_us ? pause_us : settings->backoff_cap_us;
}

/* --- what there is --- */

struct crate *supply_make(struct supply *supply, const char *request)
{
    REQUIRE(supply->crate_count < CRATES && strlen(request) < CORE_NAME_MAX);
    struct crate *crate = &supply->crates[supply->crate_count++];
    *crate = (struct crate){ .exists = true, .token = 1 };
    (void)snprintf(crate->id, sizeof crate->id, "machine %02u", supply->crate_count);
    memcpy(crate->request, request, strlen(request) + 1);
    if (world_choose(3, "a_slow_machine") == 2) crate->ready_us = now_us() + 2300000;
    crate->broken = world_choose(6, "a_broken_machine") == 5;
    return crate;
}

void supply_describe(const struct supply *supply, const struct crate *crate,
                     struct sandbox_record *record)
{
    *record = (struct sandbox_record){ .app = supply->app, .token = crate->token };
    memcpy(record->id, crate->id, sizeof record->id);
    memcpy(record->request, crate->request, sizeof record->request);
    memcpy(record->owner, crate->owner, sizeof record->owner);
    record->state = crate->ready_us > now_us() ? SANDBOX_BOOTING : SANDBOX_READY;
}

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

uint64_t supply_answering(struct supply *supply, uint16_t port)
{
    listen_all(supply);
    for (uint32_t i = 0; i < supply->task_count; i++) {
        const struct task *task = &supply->tasks[i];
        if (task->crate == supply->held && task->record.alive && task->listening == port)
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
    (void)snprintf(task->record.request, sizeof task->record.request, "%s", request->request);
    listen_all(supply);
    return task;
}

/* --- the port --- */

static enum core_result create(void *context, const char *request, enum app_type app,
                               struct sandbox_record *record)
{
    struct demand demand = { .op = SUPPLY_CREATE, .request = request, .app = app,
                             .records = record };
    return hand_over(context, &demand);
}

static enum core_result assign(void *context, const char *id, const char *owner,
                               uint64_t expected_token, struct sandbox_record *record)
{
    struct demand demand = { .op = SUPPLY_ASSIGN, .id = id, .owner = owner,
                             .token = expected_token, .records = record };
    return hand_over(context, &demand);
}

static enum core_result destroy(void *context, const char *id, uint64_t token)
{
    struct demand demand = { .op = SUPPLY_DESTROY, .id = id, .token = token };
    return hand_over(context, &demand);
}

static enum core_result list(void *context, struct sandbox_record *records, size_t capacity,
                             size_t *count)
{
    struct demand demand = { .op = SUPPLY_LIST, .records = records, .capacity = capacity,
                             .count = count };
    return hand_over(context, &demand);
}

static enum core_result await_ready(void *context, const char *id, uint64_t token,
                                    uint64_t timeout_us)
{
    struct demand demand = { .op = SUPPLY_AWAIT, .id = id, .token = token,
                             .timeout_us = timeout_us };
    return hand_over(context, &demand);
}

static enum core_result spawn(void *context, const char *id, uint64_t token,
                              const struct spawn_request *request, struct process_record *process)
{
    struct demand demand = { .op = SUPPLY_SPAWN, .id = id, .token = token, .spawn = request,
                             .processes = process };
    return hand_over(context, &demand);
}

static enum core_result processes(void *context, const char *id, uint64_t token,
                                  struct process_record *records, size_t capacity, size_t *count)
{
    struct demand demand = { .op = SUPPLY_PROCESSES, .id = id, .token = token,
                             .processes = records, .capacity = capacity, .count = count };
    return hand_over(context, &demand);
}

static enum core_result signal_group(void *context, const char *id, uint64_t token,
                                     uint64_t instance, enum process_signal signal)
{
    struct demand demand = { .op = SUPPLY_SIGNAL, .id = id, .token = token, .instance = instance,
                             .signal = signal };
    return hand_over(context, &demand);
}

static enum core_result probe(void *context, const char *id, uint64_t token, uint16_t port,
                              uint64_t *instance)
{
    struct demand demand = { .op = SUPPLY_PROBE, .id = id, .token = token, .port = port,
                             .answering = instance };
    return hand_over(context, &demand);
}

static enum core_result wait_group(void *context, const char *id, uint64_t token,
                                   uint64_t instance, uint64_t timeout_us)
{
    struct demand demand = { .op = SUPPLY_WAIT, .id = id, .token = token, .instance = instance,
                             .timeout_us = timeout_us };
    return hand_over(context, &demand);
}

struct sandbox_provider_port supply_port(struct supply *supply)
{
    return (struct sandbox_provider_port){ supply, create, assign, destroy, list, await_ready,
                                           spawn, processes, signal_group, probe, wait_group };
}

/* --- locks: nobody else wants any --- */

static enum core_result try_acquire(void *context, const char *key, const char *owner,
                                    uint64_t ttl_us, uint64_t *token)
{
    struct supply *supply = context;

    (void)owner, (void)ttl_us;
    world_meet(WORLD_MET_FAKES);
    *token = ++supply->fences;
    if (strncmp(key, "dev_server:", 11) == 0) supply->server_fence = *token;
    return CORE_OK;
}

struct lock_store_port supply_locks(struct supply *supply)
{
    return alone_lasting_locks(supply, try_acquire);
}
