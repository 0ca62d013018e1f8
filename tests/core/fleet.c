#include "fleet.h"

#include <stdio.h>
#include <string.h>

static void copy_name(char to[CORE_NAME_MAX], const char *from)
{
    snprintf(to, CORE_NAME_MAX, "%s", from);
}

/* ---- scripts: every call begins and ends with these, the lock held in between ---- */

static bool enter(struct fleet *fleet, enum fleet_op op, enum core_result *forced)
{
    pthread_mutex_lock(&fleet->lock);
    struct fleet_script *script = &fleet->scripts[op];
    script->calls++;
    *forced = CORE_OK;
    if (script->failing == 0)
        return true;
    script->failing--;
    *forced = script->answer;
    return script->applied;
}

static enum core_result leave(struct fleet *fleet, enum fleet_op op, enum core_result forced,
                              enum core_result result)
{
    struct fleet_script *script = &fleet->scripts[op];
    script->inside++;
    pthread_cond_broadcast(&fleet->changed);
    while (script->held)
        pthread_cond_wait(&fleet->changed, &fleet->lock);
    script->inside--;
    pthread_mutex_unlock(&fleet->lock);
    return forced != CORE_OK ? forced : result;
}

/* ---- lock store ---- */

static struct fleet_key *key_of(struct fleet *fleet, const char *name)
{
    for (int i = 0; i < FLEET_KEYS; i++) {
        struct fleet_key *key = &fleet->keys[i];
        if (key->key[0] == 0)
            copy_name(key->key, name);
        if (strcmp(key->key, name) == 0)
            return key;
    }
    fail_msg("more than %d keys", FLEET_KEYS);
    return NULL;
}

static bool is_grant(const struct fleet_key *key, const char *owner, uint64_t token)
{
    return key->held && key->token == token && strcmp(key->owner, owner) == 0;
}

static enum core_result try_acquire(void *context, const char *name, const char *owner,
                                    uint64_t ttl_us, uint64_t *token)
{
    struct fleet *fleet = context;
    enum core_result forced, result = CORE_OK;
    (void)ttl_us;
    if (enter(fleet, OP_TRY, &forced)) {
        struct fleet_key *key = key_of(fleet, name);
        if (key->held) {
            result = CORE_CONFLICT;
        } else {
            key->held = true;
            copy_name(key->owner, owner);
            *token = key->token = ++fleet->tokens;
            key->grants++;
        }
    }
    return leave(fleet, OP_TRY, forced, result);
}

static enum core_result renew(void *context, const char *name, const char *owner, uint64_t token,
                              uint64_t ttl_us)
{
    struct fleet *fleet = context;
    enum core_result forced, result = CORE_OK;
    (void)ttl_us;
    if (enter(fleet, OP_RENEW, &forced) && !is_grant(key_of(fleet, name), owner, token))
        result = CORE_STALE;
    return leave(fleet, OP_RENEW, forced, result);
}

static enum core_result release(void *context, const char *name, const char *owner, uint64_t token)
{
    struct fleet *fleet = context;
    enum core_result forced, result = CORE_OK;
    if (enter(fleet, OP_RELEASE, &forced)) {
        struct fleet_key *key = key_of(fleet, name);
        result = is_grant(key, owner, token) ? CORE_OK : CORE_STALE;
        if (result == CORE_OK)
            key->held = false;
    }
    return leave(fleet, OP_RELEASE, forced, result);
}

static enum core_result read_key(void *context, const char *name, struct lock_grant *grant)
{
    struct fleet *fleet = context;
    enum core_result forced;
    if (enter(fleet, OP_READ, &forced)) {
        const struct fleet_key *key = key_of(fleet, name);
        grant->held = key->held;
        grant->token = key->token;
        grant->remaining_us = CORE_SECONDS(60);
        copy_name(grant->owner, key->owner);
    }
    return leave(fleet, OP_READ, forced, CORE_OK);
}

/* ---- sandbox provider ---- */

static int box_of(struct fleet *fleet, const char *id)
{
    for (uint32_t i = 0; i < fleet->boxes_count; i++)
        if (!fleet->destroyed[i] && strcmp(fleet->boxes[i].id, id) == 0)
            return (int)i;
    return -1;
}

/* The sandbox, if the token is its current one. */
static int reach(struct fleet *fleet, const char *id, uint64_t token, enum core_result *result)
{
    int box = box_of(fleet, id);
    *result = box < 0 ? CORE_NOT_FOUND : CORE_OK;
    if (box >= 0 && fleet->boxes[box].token != token)
        *result = CORE_STALE;
    return *result == CORE_OK ? box : -1;
}

static uint32_t new_box(struct fleet *fleet, const char *id, const char *request)
{
    uint32_t box = fleet->boxes_count++;
    assert_true(box < FLEET_BOXES);
    struct sandbox_record *record = &fleet->boxes[box];
    *record = (struct sandbox_record){ .state = SANDBOX_READY, .token = 1 };
    copy_name(record->id, id);
    copy_name(record->request, request);
    return box;
}

static enum core_result create(void *context, const char *request, enum app_type app,
                               struct sandbox_record *record)
{
    struct fleet *fleet = context;
    enum core_result forced;
    if (enter(fleet, OP_CREATE, &forced)) {
        uint32_t box = 0;
        while (box < fleet->boxes_count && strcmp(fleet->boxes[box].request, request) != 0)
            box++;
        if (box == fleet->boxes_count) {
            char id[16];
            snprintf(id, sizeof id, "made_%u", (unsigned)box);
            box = new_box(fleet, id, request);
            fleet->boxes[box].app = app;
        }
        *record = fleet->boxes[box];
    }
    return leave(fleet, OP_CREATE, forced, CORE_OK);
}

static enum core_result assign(void *context, const char *id, const char *owner,
                               uint64_t expected_token, struct sandbox_record *record)
{
    struct fleet *fleet = context;
    enum core_result forced, result = CORE_OK;
    if (enter(fleet, OP_ASSIGN, &forced)) {
        int box = reach(fleet, id, expected_token, &result);
        if (box >= 0) {
            copy_name(fleet->boxes[box].owner, owner);
            fleet->boxes[box].token++;
            *record = fleet->boxes[box];
        } else if (result == CORE_STALE) {
            result = CORE_CONFLICT;
        }
    }
    return leave(fleet, OP_ASSIGN, forced, result);
}

static enum core_result destroy(void *context, const char *id, uint64_t token)
{
    struct fleet *fleet = context;
    enum core_result forced, result = CORE_OK;
    if (enter(fleet, OP_DESTROY, &forced)) {
        int box = reach(fleet, id, token, &result);
        for (uint32_t i = 0; box >= 0 && i < fleet->processes_count; i++)
            if (fleet->processes[i].box == (uint32_t)box)
                fleet->processes[i].record.alive = false;
        if (box >= 0)
            fleet->destroyed[box] = true;
    }
    return leave(fleet, OP_DESTROY, forced, result);
}

static enum core_result list(void *context, struct sandbox_record *records, size_t capacity,
                             size_t *count)
{
    struct fleet *fleet = context;
    enum core_result forced;
    *count = 0;
    if (enter(fleet, OP_LIST, &forced))
        for (uint32_t i = 0; i < fleet->boxes_count; i++)
            if (!fleet->destroyed[i] && (*count)++ < capacity)
                records[*count - 1] = fleet->boxes[i];
    return leave(fleet, OP_LIST, forced, CORE_OK);
}

static enum core_result await_ready(void *context, const char *id, uint64_t token,
                                    uint64_t timeout_us)
{
    struct fleet *fleet = context;
    enum core_result forced, result = CORE_OK;
    (void)timeout_us;
    if (enter(fleet, OP_AWAIT, &forced))
        reach(fleet, id, token, &result);
    return leave(fleet, OP_AWAIT, forced, result);
}

static uint64_t alive_of(const struct fleet *fleet, uint32_t box, int app)
{
    uint64_t alive = 0;
    for (uint32_t i = 0; i < fleet->processes_count; i++)
        alive += fleet->processes[i].box == box && fleet->processes[i].record.alive &&
                 (app < 0 || fleet->processes[i].record.app == (enum app_type)app);
    return alive;
}

static struct fleet_process *new_process(struct fleet *fleet, uint32_t box, enum app_type app,
                                         uint16_t port)
{
    uint32_t i = fleet->processes_count++;
    assert_true(i < FLEET_PROCESSES);
    struct fleet_process *process = &fleet->processes[i];
    *process = (struct fleet_process){ .box = box };
    process->record = (struct process_record){ .instance = i + 1, .process_group = 1000 + i,
                                               .token = fleet->boxes[box].token, .app = app,
                                               .port = port, .alive = true };
    uint64_t alive = alive_of(fleet, box, (int)app);
    if (alive > fleet->most_alive)
        fleet->most_alive = alive;
    return process;
}

static enum core_result spawn(void *context, const char *id, uint64_t token,
                              const struct spawn_request *request, struct process_record *record)
{
    struct fleet *fleet = context;
    enum core_result forced, result = CORE_OK;
    if (enter(fleet, OP_SPAWN, &forced)) {
        int box = reach(fleet, id, token, &result);
        if (box >= 0 && request->fence < fleet->fences[box][request->app]) {
            result = CORE_STALE;
        } else if (box >= 0) {
            fleet->fences[box][request->app] = request->fence;
            struct fleet_process *process =
                new_process(fleet, (uint32_t)box, request->app, request->port);
            process->fence = request->fence;
            process->ignores_term = fleet->ignores_term;
            copy_name(process->record.request, request->request);
            copy_name(process->name, request->name);
            snprintf(process->command, sizeof process->command, "%s", request->command);
            if (fleet->listens_at_once)
                process->listens = request->port;
            *record = process->record;
        }
    }
    return leave(fleet, OP_SPAWN, forced, result);
}

static enum core_result processes(void *context, const char *id, uint64_t token,
                                  struct process_record *records, size_t capacity, size_t *count)
{
    struct fleet *fleet = context;
    enum core_result forced, result = CORE_OK;
    *count = 0;
    if (enter(fleet, OP_PROCESSES, &forced)) {
        int box = reach(fleet, id, token, &result);
        for (uint32_t i = 0; box >= 0 && i < fleet->processes_count; i++)
            if (fleet->processes[i].box == (uint32_t)box && (*count)++ < capacity)
                records[*count - 1] = fleet->processes[i].record;
    }
    return leave(fleet, OP_PROCESSES, forced, result);
}

static struct fleet_process *process_of(struct fleet *fleet, uint64_t instance)
{
    return instance >= 1 && instance <= fleet->processes_count ? &fleet->processes[instance - 1]
                                                               : NULL;
}

static enum core_result signal_group(void *context, const char *id, uint64_t token,
                                     uint64_t instance, enum process_signal signal)
{
    struct fleet *fleet = context;
    enum core_result forced, result = CORE_OK;
    if (enter(fleet, OP_SIGNAL, &forced)) {
        int box = reach(fleet, id, token, &result);
        struct fleet_process *process = process_of(fleet, instance);
        if (box >= 0 && (!process || !process->record.alive || process->box != (uint32_t)box)) {
            result = CORE_NOT_FOUND;
        } else if (box >= 0) {
            process->terms += signal == PROCESS_TERM;
            process->kills += signal == PROCESS_KILL;
            if (signal == PROCESS_KILL || !process->ignores_term)
                process->record.alive = false;
        }
    }
    return leave(fleet, OP_SIGNAL, forced, result);
}

static enum core_result probe(void *context, const char *id, uint64_t token, uint16_t port,
                              uint64_t *instance)
{
    struct fleet *fleet = context;
    enum core_result forced, result = CORE_OK;
    if (enter(fleet, OP_PROBE, &forced)) {
        int box = reach(fleet, id, token, &result);
        *instance = 0;
        for (uint32_t i = 0; box >= 0 && i < fleet->processes_count; i++) {
            const struct fleet_process *process = &fleet->processes[i];
            if (process->box == (uint32_t)box && process->record.alive && process->listens == port)
                *instance = process->record.instance;
        }
        if (box >= 0 && *instance == 0)
            result = CORE_NOT_FOUND;
    }
    return leave(fleet, OP_PROBE, forced, result);
}

/* Nobody ends by itself while a core waits: what lives now lives on for the whole timeout. */
static enum core_result wait_group(void *context, const char *id, uint64_t token,
                                   uint64_t instance, uint64_t timeout_us)
{
    struct fleet *fleet = context;
    enum core_result forced, result = CORE_OK;
    (void)timeout_us;
    if (enter(fleet, OP_WAIT, &forced)) {
        int box = reach(fleet, id, token, &result);
        const struct fleet_process *process = process_of(fleet, instance);
        if (box >= 0 && process && process->record.alive)
            result = CORE_EXPIRED;
    }
    return leave(fleet, OP_WAIT, forced, result);
}

/* ---- set-up ---- */

void fleet_init(struct fleet *fleet)
{
    memset(fleet, 0, sizeof *fleet);
    pthread_mutex_init(&fleet->lock, NULL);
    pthread_cond_init(&fleet->changed, NULL);
    fleet->listens_at_once = true;
    fleet->locks = (struct lock_store_port){ fleet, try_acquire, renew, release, read_key };
    fleet->provider = (struct sandbox_provider_port){
        .context = fleet, .create = create, .assign = assign, .destroy = destroy, .list = list,
        .await_ready = await_ready, .spawn = spawn, .processes = processes,
        .signal = signal_group, .probe = probe, .wait = wait_group };
}

void fleet_free(struct fleet *fleet)
{
    pthread_cond_destroy(&fleet->changed);
    pthread_mutex_destroy(&fleet->lock);
}

void fleet_rig(struct rig *rig, struct fleet *fleet)
{
    rig_init(rig);
    rig->config.locks = &fleet->locks;
    rig->config.sandboxes = &fleet->provider;
    rig->config.settings.backoff_base_us = MS(1);
    rig->config.settings.term_grace_us = MS(1);
}

#define LOCKED(fleet, statement)                                                                   \
    do {                                                                                           \
        pthread_mutex_lock(&(fleet)->lock);                                                        \
        statement;                                                                                 \
        pthread_cond_broadcast(&(fleet)->changed);                                                 \
        pthread_mutex_unlock(&(fleet)->lock);                                                      \
    } while (0)

void fleet_fail(struct fleet *fleet, enum fleet_op op, int n, enum core_result answer,
                bool applied)
{
    struct fleet_script *script = &fleet->scripts[op];
    LOCKED(fleet, script->failing = n; script->answer = answer; script->applied = applied);
}

void fleet_hold(struct fleet *fleet, enum fleet_op op)
{
    LOCKED(fleet, fleet->scripts[op].held = true);
}

void fleet_let_go(struct fleet *fleet, enum fleet_op op)
{
    LOCKED(fleet, fleet->scripts[op].held = false);
}

void fleet_await_inside(struct fleet *fleet, enum fleet_op op)
{
    pthread_mutex_lock(&fleet->lock);
    while (fleet->scripts[op].inside == 0)
        pthread_cond_wait(&fleet->changed, &fleet->lock);
    pthread_mutex_unlock(&fleet->lock);
}

uint64_t fleet_calls(struct fleet *fleet, enum fleet_op op)
{
    uint64_t calls;
    LOCKED(fleet, calls = fleet->scripts[op].calls);
    return calls;
}

void fleet_expire(struct fleet *fleet, const char *key)
{
    LOCKED(fleet, key_of(fleet, key)->held = false);
}

void fleet_take(struct fleet *fleet, const char *name, const char *owner)
{
    pthread_mutex_lock(&fleet->lock);
    struct fleet_key *key = key_of(fleet, name);
    key->held = true;
    copy_name(key->owner, owner);
    key->token = ++fleet->tokens;
    key->grants++;
    pthread_mutex_unlock(&fleet->lock);
}

bool fleet_held(struct fleet *fleet, const char *key)
{
    bool held;
    LOCKED(fleet, held = key_of(fleet, key)->held);
    return held;
}

uint64_t fleet_grants(struct fleet *fleet, const char *key)
{
    uint64_t grants;
    LOCKED(fleet, grants = key_of(fleet, key)->grants);
    return grants;
}

uint32_t fleet_add_box(struct fleet *fleet, const char *id)
{
    uint32_t box;
    LOCKED(fleet, box = new_box(fleet, id, ""));
    return box;
}

uint64_t fleet_add_process(struct fleet *fleet, uint32_t box, enum app_type app, uint16_t port,
                           bool listens)
{
    pthread_mutex_lock(&fleet->lock);
    struct fleet_process *process = new_process(fleet, box, app, port);
    if (listens)
        process->listens = port;
    uint64_t instance = process->record.instance;
    pthread_mutex_unlock(&fleet->lock);
    return instance;
}

void fleet_listen(struct fleet *fleet)
{
    pthread_mutex_lock(&fleet->lock);
    assert_true(fleet->processes_count > 0);
    struct fleet_process *newest = &fleet->processes[fleet->processes_count - 1];
    newest->listens = newest->record.port;
    pthread_mutex_unlock(&fleet->lock);
}

void fleet_die(struct fleet *fleet, uint64_t instance)
{
    LOCKED(fleet, fleet->processes[instance - 1].record.alive = false);
}

uint64_t fleet_alive(struct fleet *fleet, uint32_t box)
{
    uint64_t alive;
    LOCKED(fleet, alive = alive_of(fleet, box, -1));
    return alive;
}

uint64_t fleet_spawned(struct fleet *fleet)
{
    uint64_t spawned;
    LOCKED(fleet, spawned = fleet->processes_count);
    return spawned;
}

bool fleet_is_owned(struct fleet *fleet, uint32_t box, const char *owner)
{
    bool owned;
    LOCKED(fleet, owned = strcmp(fleet->boxes[box].owner, owner) == 0);
    return owned;
}

bool fleet_is_destroyed(struct fleet *fleet, uint32_t box)
{
    bool destroyed;
    LOCKED(fleet, destroyed = fleet->destroyed[box]);
    return destroyed;
}
