/* A sandbox of a core that a backend has for itself: how it is found, booted and given back. */
#include "fakes/alone_supply.h"

enum { TRIES_MAX = 5 };

static const uint64_t ACQUIRE_US = 120000000, RELEASE_LEASE_US = 10000000;

static bool is_mine(const struct supply *supply, const struct crate *crate)
{
    return crate->exists && strcmp(crate->owner, supply->owner) == 0;
}

static enum core_result list(struct supply *supply, uint64_t at_us)
{
    return supply_reply(supply, supply_await(supply, SUPPLY_LIST, at_us));
}

static uint64_t count_crates(const struct supply *supply)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < supply->crate_count; i++) count += supply->crates[i].exists;
    return count;
}

/* Of the app that the owner wants one for. */
static uint64_t count_same(const struct supply *supply)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < supply->crate_count; i++)
        count += supply->crates[i].exists && supply->crates[i].app == supply->app;
    return count;
}

static enum core_result destroy(struct supply *supply, const struct crate *crate)
{
    struct demand *demand = supply_await(supply, SUPPLY_DESTROY, now_us());

    if (!supply->broken) {
        supply_tell(supply, "which sandbox is destroyed", strcmp(demand->id, crate->id) == 0, 1);
        supply_tell(supply, "the token of what is destroyed", demand->token, crate->token);
    }
    return supply_reply(supply, demand);
}

static enum core_result assign(struct supply *supply, const struct crate *crate, const char *owner)
{
    struct demand *demand = supply_await(supply, SUPPLY_ASSIGN, now_us());

    if (!supply->broken) {
        supply_tell(supply, "which sandbox is given", strcmp(demand->id, crate->id) == 0, 1);
        supply_tell(supply, "to whom it is given", strcmp(demand->owner, owner) == 0, 1);
        supply_tell(supply, "the token of what is given", demand->token, crate->token);
    }
    return supply_reply(supply, demand);
}

/* A create whose answer was lost is repeated under its own name; any other one has a new name. */
static void judge_request(struct supply *supply, const char *request, const char *pending)
{
    if (supply->broken) return;
    if (pending[0] != '\0')
        supply_tell(supply, "whether a create is repeated", strcmp(request, pending) == 0, 1);
    else
        supply_tell(supply, "whether a create has a name of its own",
                    supply_requested(supply, request) == NULL && request[0] != '\0', 1);
}

static enum core_result create(struct supply *supply, char pending[CORE_NAME_MAX],
                               struct crate **made)
{
    struct demand *demand = supply_await(supply, SUPPLY_CREATE, now_us());

    judge_request(supply, demand->request, pending);
    if (!supply->broken)
        supply_tell(supply, "the app of a sandbox that is made", demand->app, supply->app);
    if (!supply->broken) memcpy(pending, demand->request, strlen(demand->request) + 1);
    enum core_result rc = supply_reply(supply, demand);
    *made = supply_requested(supply, demand->request);
    if (rc == CORE_OK) pending[0] = '\0';
    return rc;
}

/* --- acquiring --- */

/* The one that is its owner's; any second one is ended. */
static struct crate *find_mine(struct supply *supply)
{
    struct crate *mine = NULL;

    for (uint32_t i = 0; i < supply->crate_count; i++) {
        struct crate *crate = &supply->crates[i];
        if (!is_mine(supply, crate)) continue;
        if (mine != NULL) (void)destroy(supply, crate);
        else mine = crate;
    }
    return mine;
}

/* From the pool: one that is up, else one that comes up. */
static struct crate *find_pooled(struct supply *supply)
{
    for (int booting = 0; booting <= 1; booting++) {
        for (uint32_t i = 0; i < supply->crate_count; i++) {
            struct crate *crate = &supply->crates[i];
            bool is_booting = crate->ready_us > now_us();
            if (crate->exists && crate->owner[0] == '\0' && crate->app == supply->app &&
                is_booting == booting)
                return crate;
        }
    }
    return NULL;
}

static enum core_result take(struct supply *supply, uint64_t at_us)
{
    struct crate *crate = NULL;
    enum core_result rc = list(supply, at_us);

    if (rc != CORE_OK) return rc;
    supply->held = find_mine(supply);
    if (supply->held != NULL) return CORE_OK;
    uint64_t count = count_crates(supply);
    crate = find_pooled(supply);
    if (crate == NULL) {
        if (count >= SUPPLY_TOTAL) return CORE_LIMIT;
        rc = create(supply, supply->pending, &crate);
        if (rc == CORE_OK && crate->owner[0] != '\0') return CORE_CONFLICT;
    }
    if (rc == CORE_OK) rc = assign(supply, crate, supply->owner);
    if (rc == CORE_OK) supply->held = crate;
    return rc;
}

/* Under the lease of its owner. One that is lost meanwhile is asked for again. */
static enum core_result find(struct supply *supply, uint64_t at_us, uint64_t deadline_us)
{
    uint64_t failures = 0;
    enum core_result rc = CORE_STALE;

    for (;;) {
        if (at_us > now_us()) supply_rest(supply, at_us);
        if (rc == CORE_STALE || supply->lease_lost) {
            bool anew = supply->lease_lost && now_us() >= deadline_us;
            supply_drop_lease(supply);
            if (anew) return CORE_EXPIRED;
            rc = supply_lease(supply, deadline_us > now_us() ? deadline_us - now_us() : 1);
            if (rc != CORE_OK) return rc;
            at_us = now_us();
            failures = 0;
        }
        rc = take(supply, at_us);
        if (supply->broken || (rc != CORE_UNKNOWN && rc != CORE_CONFLICT)) return rc;
        at_us = now_us() + supply_pause_us(supply, ++failures);
        if (at_us >= deadline_us) return rc;
    }
}

/* Whether it is up, as is told after a second at the latest. */
static enum core_result await_once(struct supply *supply, uint64_t at_us)
{
    struct demand *demand = supply_await_held(supply, SUPPLY_AWAIT, at_us);

    if (!supply->broken)
        supply_tell(supply, "how long a boot is waited for", demand->timeout_us, SUPPLY_SLICE_US);
    return supply_reply(supply, demand);
}

/* OK: it is up. CONFLICT: there must be another one, from *at_us on. */
static enum core_result boot(struct supply *supply, uint64_t *at_us)
{
    uint64_t failures = 0;

    *at_us = now_us();
    for (;;) {
        enum core_result rc = await_once(supply, *at_us);
        if (rc == CORE_OK || supply->broken) return CORE_OK;
        *at_us = now_us();
        if (rc == CORE_FAILED) (void)destroy(supply, supply->held);
        if (rc != CORE_EXPIRED) *at_us += supply_pause_us(supply, ++failures);
        if (rc == CORE_FAILED) return CORE_CONFLICT;
    }
}

/* As many as are to be warm, twice that while most are in use. */
static uint64_t warm_wanted(const struct supply *supply, uint64_t all, uint64_t pooled)
{
    const struct core_settings *settings = &supply->settings;
    bool busy = (all - pooled) * 100 > all * settings->pool_grow_percent;

    return settings->pool_warm * (1 + busy);
}

static uint64_t count_pooled(const struct supply *supply)
{
    uint64_t pooled = 0;

    for (uint32_t i = 0; i < supply->crate_count; i++)
        pooled += supply->crates[i].exists && supply->crates[i].owner[0] == '\0' &&
                  supply->crates[i].app == supply->app;
    return pooled;
}

static void refill(struct supply *supply)
{
    if (supply->settings.pool_warm == 0 || list(supply, now_us()) != CORE_OK) return;
    uint64_t all = count_same(supply), pooled = count_pooled(supply);
    uint64_t room = SUPPLY_TOTAL - count_crates(supply);

    while (pooled < warm_wanted(supply, all, pooled) && room-- > 0) {
        char pending[CORE_NAME_MAX] = "";
        struct crate *crate = NULL;
        if (create(supply, pending, &crate) != CORE_OK) return;
        all++;
        pooled++;
    }
}

void supply_pass_sweeps(struct supply *supply, bool exists)
{
    while (supply->sweep_us != 0 && supply->sweep_us <= now_us())
        supply->sweep_us = exists ? supply->sweep_us + SUPPLY_SWEEP_US : 0;
}

enum core_result supply_acquire(struct supply *supply)
{
    uint64_t at_us = now_us(), deadline_us = at_us + ACQUIRE_US;
    enum core_result rc;

    if (supply->sweep_us == 0) supply->sweep_us = now_us() + SUPPLY_SWEEP_US;
    do {
        rc = find(supply, at_us, deadline_us);
        supply_drop_lease(supply);
        if (rc == CORE_OK) rc = boot(supply, &at_us);
        else supply->held = NULL;
    } while (rc == CORE_CONFLICT && supply->held != NULL);
    supply->due_us = supply->used_us = now_us();
    supply_pass_sweeps(supply, true);
    if (rc != CORE_OK || supply->broken) return rc;
    if (supply->settings.autostart == AUTOSTART_ON) {
        REQUIRE(supply->auto_count < CRATES);
        supply->auto_us = now_us() + SUPPLY_AUTO_US;
        supply->autos_us[supply->auto_count++] = supply->auto_us;
    }
    refill(supply);
    return CORE_OK;
}

/* --- giving back --- */

static uint64_t kill_all(struct supply *supply)
{
    uint64_t alive = 0;

    for (uint32_t i = 0; i < supply->task_count; i++) {
        const struct task *task = &supply->tasks[i];
        if (!task->seen) continue;
        supply_kill(supply, task->record.instance);
        alive++;
    }
    return alive;
}

/* What is left of its processes is killed; false if that could not be done. */
static bool clear(struct supply *supply)
{
    uint64_t failures = 0, at_us = now_us();

    while (failures < TRIES_MAX && !supply->broken) {
        bool well = supply_look(supply, at_us) == CORE_OK;
        if (well && kill_all(supply) == 0) return true;
        at_us = now_us() + (well ? 0 : supply_pause_us(supply, failures + 1));
        failures++;
    }
    if (at_us > now_us()) supply_rest(supply, at_us);
    return false;
}

static enum core_result give_back(struct supply *supply, bool cleared)
{
    uint64_t failures = 0, at_us = now_us();

    while (failures < TRIES_MAX && !supply->broken) {
        enum core_result rc = list(supply, at_us);
        if (rc == CORE_OK && !is_mine(supply, supply->held)) return CORE_OK;
        if (rc == CORE_OK) {
            uint64_t pooled = count_pooled(supply);
            bool keep = cleared && pooled < warm_wanted(supply, count_same(supply), pooled);
            rc = keep ? assign(supply, supply->held, "") : destroy(supply, supply->held);
            if (rc == CORE_OK) return CORE_OK;
        }
        at_us = now_us() + supply_pause_us(supply, ++failures);
    }
    if (at_us > now_us()) supply_rest(supply, at_us);
    return CORE_UNKNOWN;
}

enum core_result supply_release(struct supply *supply)
{
    supply->auto_us = 0;   /* its deadline stays, and finds nobody */
    if (supply->server.known && supply->server.status.state == SERVER_RUNNING)
        (void)supply_stop(supply, 0);
    supply->server = (struct supply_server){ .known = false };
    (void)supply_lease(supply, RELEASE_LEASE_US);
    bool cleared = clear(supply);
    enum core_result rc = give_back(supply, cleared);
    supply_drop_lease(supply);
    supply->due_us = now_us();
    supply_pass_sweeps(supply, true);
    supply->held = NULL;
    supply->pending[0] = '\0';
    return rc;
}

static bool is_used_elsewhere(const struct supply *supply)
{
    for (uint32_t i = 0; i < supply->task_count; i++) {
        const struct task *task = &supply->tasks[i];
        if (task->seen && task->record.token == supply->held->token &&
            task->record.instance != supply->server.status.instance)
            return true;
    }
    return false;
}

void supply_sweep(struct supply *supply, uint64_t at_us)
{
    struct demand *demand = supply_await_held(supply, SUPPLY_PROCESSES, at_us);

    supply_pass_sweeps(supply, true);
    world_sleep_until(ahead_ns(1000));   /* there will be a next sweep, for the sandbox is there */
    bool seen = supply_see(supply, demand) == CORE_OK;
    if (seen && is_used_elsewhere(supply)) supply->used_us = now_us();
    else (void)supply_release(supply);
}
