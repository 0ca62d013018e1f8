/* Backends: sandboxes and dev servers of a core of one's own (fakes/alone_supply.h). What is done
 * is drawn; what has to follow is gone through, and then all that the core tells is compared. */
#include "fakes/alone_supply.h"
#include "fakes/alone_ports.h"

#include "fakes/inspect.h"

#include <stdio.h>

void supply_tell(const struct supply *supply, const char *what, uint64_t told, uint64_t right)
{
    if (!supply->broken) inspect_tell(supply->actor->instance, what, told, right, right);
}

static bool draw(const char *label)
{
    return world_choose(2, label) != 0;
}

/* --- what the core answers --- */

static void on_sandbox(void *context, enum core_result rc, struct sandbox_ref ref)
{
    struct supply *supply = context;

    supply->answers++;
    supply->told = rc;
    supply->told_us = now_us();
    if (supply->twice) {
        supply->twice = false;
        supply->stale++;
        supply_tell(supply, "the answer to a release of what was given back",
                    supply->api->sandbox_release(supply->core, ref, NULL, NULL), CORE_STALE);
    } else if (rc == CORE_OK) {
        supply->ref = ref;
    }
}

static void on_server(void *context, enum core_result rc, const struct server_status *status)
{
    struct supply *supply = context;

    supply->answers++;
    supply->told = rc;
    supply->told_us = now_us();
    supply->told_status = *status;
}

static void judge_answer(struct supply *supply, const char *what, enum core_result rc)
{
    supply_rest(supply, now_us() + 1000);
    supply_tell(supply, "answers to a call about a sandbox", supply->answers, 1);
    supply_tell(supply, what, supply->told, rc);
    supply_tell(supply, "when a call about a sandbox was answered", supply->told_us,
                supply->due_us);
}

static void judge_status(struct supply *supply, const struct server_status *told)
{
    const struct server_status *due = &supply->server.status;

    supply_tell(supply, "the state of a server", told->state, due->state);
    supply_tell(supply, "the version of a state", told->version, due->version);
    supply_tell(supply, "the instance of a server", told->instance, due->instance);
    supply_tell(supply, "the port of a server", told->port, due->port);
    supply_tell(supply, "why a server failed", told->result, due->result);
}

/* --- what is done --- */

static void acquire(struct supply *supply)
{
    struct sandbox_ref before = supply->ref;

    supply->answers = 0;
    supply->used_us = now_us();
    supply_tell(supply, "the answer to a sandbox that is asked for",
                supply->api->sandbox_acquire(supply->core, supply->owner, supply->app, on_sandbox,
                                             supply), CORE_OK);
    if (supply->held != NULL) {
        supply->due_us = now_us();
        judge_answer(supply, "what is told about a sandbox", CORE_OK);
        supply_tell(supply, "whether it is the same sandbox",
                    supply->ref.slot == before.slot &&
                    supply->ref.generation == before.generation, 1);
        return;
    }
    enum core_result rc = supply_acquire(supply);
    judge_answer(supply, "what is told about a sandbox", rc);
}

static void start(struct supply *supply)
{
    bool watched = supply->watches && draw("somebody_watches");
    struct session_ref watcher = watched ? supply->session : (struct session_ref){ 0, 0 };
    enum core_result rc = supply->api->server_ensure(supply->core, supply->ref, supply->app,
                                                     watcher, on_server, supply);

    supply->answers = 0;
    supply_tell(supply, "the answer to a start", rc, supply->held != NULL ? CORE_OK : CORE_STALE);
    if (rc != CORE_OK || supply->held == NULL) return;
    supply->used_us = now_us();
    rc = supply_start(supply, watched);
    judge_answer(supply, "what is told about a start", rc);
    if (rc == CORE_OK)
        supply_tell(supply, "the state that a start ends with", supply->told_status.state,
                    SERVER_RUNNING);
}

static void stop(struct supply *supply)
{
    uint64_t grace_us = draw("a_grace_of_its_own") ? SUPPLY_GRACE_US / 5 : 0;
    enum core_result rc = supply->api->server_stop(supply->core, supply->ref, supply->app,
                                                   grace_us, on_server, supply);

    supply->answers = 0;
    supply_tell(supply, "the answer to a stop", rc, supply->held != NULL ? CORE_OK : CORE_STALE);
    if (rc != CORE_OK || supply->held == NULL) return;
    supply->used_us = now_us();
    rc = supply_stop(supply, grace_us == 0 ? SUPPLY_GRACE_US : grace_us);
    judge_answer(supply, "what is told about a stop", rc);
    if (rc == CORE_OK) judge_status(supply, &supply->told_status);
}

static void release(struct supply *supply)
{
    enum core_result rc =
        supply->api->sandbox_release(supply->core, supply->ref, on_sandbox, supply);

    supply->answers = 0;
    supply->twice = rc == CORE_OK && supply->held != NULL && draw("given_back_twice");
    supply_tell(supply, "the answer to a release", rc, supply->held != NULL ? CORE_OK : CORE_STALE);
    supply->stale += supply->held == NULL;
    if (rc != CORE_OK || supply->held == NULL) return;
    rc = supply_release(supply);
    judge_answer(supply, "what is told about a release", rc);
}

/* Somebody else begins a process, now or soon, of this app or of the other one. */
static void spawn_beside(struct supply *supply)
{
    bool own_port = draw("at_its_port"), late = draw("late");
    enum app_type other = supply->app == APP_WEB ? APP_MOBILE : APP_WEB;
    uint64_t port = supply->app == APP_WEB ? supply->settings.port_web
                                           : supply->settings.port_mobile;
    struct spawn_request request = { .request = "by hand", .port = own_port ? (uint16_t)port : 7,
                                     .app = draw("of_its_app") ? supply->app : other };
    struct task *task = supply_spawn(supply, supply->held, &request);

    if (!late) return;
    task->record.alive = false;
    task->listening = 0;
    task->begin_us = now_us() + 400000;
    task->listen_us = task->begin_us;
}

/* Another core, which has lost its lease, gives sandboxes of the pool to the same owner. */
static void give_more(struct supply *supply)
{
    uint32_t more = 1 + world_choose(2, "how_many_sandboxes");

    for (uint32_t i = 0; i < supply->crate_count && more > 0; i++) {
        struct crate *crate = &supply->crates[i];
        if (!crate->exists || crate->owner[0] != '\0' || crate->app != supply->app) continue;
        crate->token++;
        memcpy(crate->owner, supply->owner, strlen(supply->owner) + 1);
        more--;
    }
}

/* Something ends by itself, or begins beside what the core knows. */
static void meddle(struct supply *supply)
{
    struct task *task = supply_task(supply, supply->server.instance);

    switch (world_choose(5, "what_happens_there")) {
    case 0:
        if (task != NULL) task->record.alive = false;
        return;
    case 1:
        give_more(supply);
        return;
    default:
        if (supply->held != NULL && supply->task_count < TASKS) spawn_beside(supply);
    }
}

static uint64_t soonest(uint64_t one, uint64_t other)
{
    return one != 0 && (other == 0 || one < other) ? one : other;
}

static void start_by_itself(struct supply *supply)
{
    if (supply->used_us < supply->auto_us) supply->used_us = supply->auto_us;
    supply->auto_us = 0;
    if (!supply->server.known) (void)supply_start(supply, supply->watches);
}

/* The sweep that finds the sandbox idle; 0: there is none. */
static uint64_t idle_us(const struct supply *supply)
{
    uint64_t at_us = supply->sweep_us;

    if (supply->held == NULL) return 0;
    while (at_us < supply->used_us + SUPPLY_IDLE_US) at_us += SUPPLY_SWEEP_US;
    return at_us;
}

static void wait_some(struct supply *supply)
{
    static const uint64_t pauses_us[] = { 700000, 6000000, 31000000, 130000000 };
    uint64_t until_us = now_us() + pauses_us[world_choose(4, "a_pause")];

    while (!supply->broken && now_us() < until_us) {
        uint64_t swept_us = idle_us(supply);
        uint64_t next_us = soonest(soonest(supply->server.poll_us, supply->auto_us), swept_us);
        if (next_us == 0 || next_us > until_us) {
            supply_rest(supply, until_us);
            return;
        }
        if (next_us > now_us()) supply_rest(supply, next_us);
        if (next_us == supply->auto_us) start_by_itself(supply);
        else if (next_us == swept_us) supply_sweep(supply, next_us);
        else supply_poll(supply, next_us);
    }
}

static void act(struct supply *supply)
{
    static const uint64_t rivals_us[] = { 2600000, 33000000, 70000000 };

    supply->troubles = world_choose(4, "calls_that_may_go_wrong");
    supply->losses = world_choose(3, "leases_that_may_be_lost");
    if (world_choose(6, "somebody_else_has_the_locks") == 5)
        supply->rival_us = now_us() + rivals_us[world_choose(3, "for_how_long")];
    switch (world_choose(9, "what_to_do")) {
    case 0: case 1: acquire(supply); return;
    case 2: case 3: start(supply); return;
    case 4: stop(supply); return;
    case 5: release(supply); return;
    case 6: meddle(supply); return;
    default: wait_some(supply); return;
    }
}

/* --- comparing --- */

static void compare_server(struct supply *supply)
{
    struct server_status told;
    enum core_result rc =
        supply->api->server_status(supply->core, supply->ref, supply->app, &told);

    supply_tell(supply, "the answer about a server", rc,
                supply->held != NULL ? CORE_OK : CORE_STALE);
    if (rc != CORE_OK) return;
    if (supply->server.known) judge_status(supply, &told);
    else supply_tell(supply, "the state of a server that never was", told.state, SERVER_STOPPED);
}

static void compare(struct supply *supply)
{
    struct core_stats stats;
    uint64_t deadlines = (supply->server.poll_us != 0) + (supply->sweep_us != 0);

    for (uint32_t i = 0; i < supply->auto_count; i++) deadlines += supply->autos_us[i] > now_us();
    compare_server(supply);
    supply_read_log(supply);
    supply->api->stats(supply->core, &stats);
    supply_tell(supply, "sandboxes", stats.sandboxes, supply->held != NULL);
    supply_tell(supply, "servers", stats.servers, supply->server.known);
    supply_tell(supply, "leases", stats.leases, 0);
    supply_tell(supply, "jobs", stats.jobs, 0);
    supply_tell(supply, "deadlines", stats.timers, deadlines);
    supply_tell(supply, "calls for what is gone", stats.stale_calls, supply->stale);
}

/* --- its life --- */

static void make_settings(struct supply *supply)
{
    struct core_settings *settings = &supply->settings;

    settings->backoff_base_us = draw("short_pauses") ? 300000 : 1000000;
    settings->backoff_factor = 2 + world_choose(2, "growth_of_pauses");
    settings->backoff_cap_us = SUPPLY_PAUSE_MAX_US;
    settings->backoff_jitter = BACKOFF_JITTER_NONE;
    settings->pool_total = SUPPLY_TOTAL;
    settings->pool_warm = world_choose(2, "warm_sandboxes");
    settings->pool_sweep_us = SUPPLY_SWEEP_US;
    settings->pool_idle_us = SUPPLY_IDLE_US;
    settings->port_probe = draw("no_probes") ? PORT_PROBE_OFF : PORT_PROBE_ON;
    settings->port_fallback = world_choose(2, "more_ports");
    settings->status_poll_us = draw("no_polls") ? 0 : SUPPLY_POLL_US;
    settings->term_grace_us = SUPPLY_GRACE_US;
    settings->lease_ttl_us = SUPPLY_TTL_US;
    settings->lease_renew_us = SUPPLY_TTL_US / 3;
    settings->start_timeout_web_us = settings->start_timeout_mobile_us = SUPPLY_START_US;
    settings->autostart = draw("starts_by_itself") ? AUTOSTART_ON : AUTOSTART_OFF;
    settings->autostart_delay_us = SUPPLY_AUTO_US;
}

static void make_core(struct supply *supply)
{
    struct sandbox_provider_port provider = supply_port(supply);
    struct lock_store_port locks = supply_locks(supply);
    struct core_config config;

    supply->api->config_default(&config);
    supply->settings = config.settings;
    make_settings(supply);
    config.name = "alone";
    config.settings = supply->settings;
    config.hash_seed = 1;
    config.jitter_seed = 1;
    config.transport = alone_no_tabs(supply->actor);
    config.locks = &locks;
    config.sandboxes = &provider;
    supply_tell(supply, "the answer to a configuration",
                supply->api->create(&config, &supply->core), CORE_OK);
    supply_tell(supply, "the answer to a start of the core", supply->api->start(supply->core),
                CORE_OK);
}

/* What runs goes on. */
static void end_core(struct supply *supply)
{
    supply_drain(supply);
    supply_tell(supply, "a sandbox after a drain",
                supply->api->sandbox_acquire(supply->core, supply->owner, supply->app, on_sandbox,
                                             supply), CORE_DRAINING);
    supply_tell(supply, "a release after a drain",
                supply->api->sandbox_release(supply->core, supply->ref, on_sandbox, supply),
                CORE_DRAINING);
    supply_tell(supply, "a start after a drain",
                supply->api->server_ensure(supply->core, supply->ref, supply->app,
                                           (struct session_ref){ 0, 0 }, on_server, supply),
                CORE_DRAINING);
    supply_tell(supply, "a stop after a drain",
                supply->api->server_stop(supply->core, supply->ref, supply->app, 0, on_server,
                                         supply), CORE_DRAINING);
    supply->api->destroy(supply->core);
}

void backend_alone_servers(struct actor *actor, uint32_t rounds)
{
    static const char *const owners[] = {
        "o", "an owner", "somebody whose name is as long as any name can be, to the end ." };
    struct supply *supply = scratch_alloc(sizeof *supply);

    *supply = (struct supply){ .actor = actor, .api = actor->play->api };
    if (draw("a_crowd")) supply_crowd(actor);
    supply->app = draw("which_app") ? APP_MOBILE : APP_WEB;
    supply->owner = owners[world_choose(3, "whose_sandbox")];
    if (draw("one_of_another_kind"))
        (void)supply_make(supply, "by hand", supply->app == APP_WEB ? APP_MOBILE : APP_WEB);
    make_core(supply);
    if (draw("a_session")) supply_open_log(supply);
    for (uint32_t i = 0; i < rounds && !supply->broken; i++) {
        act(supply);
        world_sleep_until(ahead_ns(1000));
        supply_pass_sweeps(supply, supply->held != NULL);
        if (!supply->broken) compare(supply);
    }
    end_core(supply);
}
