/* Backends: sandboxes and dev servers of a core of one's own (fakes/alone_supply.h). What is done
 * is drawn; what has to follow is gone through, and then all that the core tells is compared. */
#include "fakes/alone_supply.h"

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
    struct session_ref nobody = { 0, 0 };
    enum core_result rc = supply->api->server_ensure(supply->core, supply->ref, supply->app,
                                                     nobody, on_server, supply);

    supply->answers = 0;
    supply_tell(supply, "the answer to a start", rc, supply->held != NULL ? CORE_OK : CORE_STALE);
    if (rc != CORE_OK || supply->held == NULL) return;
    rc = supply_start(supply);
    judge_answer(supply, "what is told about a start", rc);
    if (rc == CORE_OK)
        supply_tell(supply, "the state that a start ends with", supply->told_status.state,
                    SERVER_RUNNING);
}

static void stop(struct supply *supply)
{
    uint64_t grace_us = draw("a_grace_of_its_own") ? SUPPLY_GRACE_US : 0;
    enum core_result rc = supply->api->server_stop(supply->core, supply->ref, supply->app,
                                                   grace_us, on_server, supply);

    supply->answers = 0;
    supply_tell(supply, "the answer to a stop", rc, supply->held != NULL ? CORE_OK : CORE_STALE);
    if (rc != CORE_OK || supply->held == NULL) return;
    rc = supply_stop(supply, false);
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

/* Something ends by itself, or begins beside what the core knows. */
static void meddle(struct supply *supply)
{
    struct spawn_request request = { .request = "by hand", .port = 7, .app = supply->app };
    struct task *task = supply_task(supply, supply->server.instance);
    uint64_t port = supply->app == APP_WEB ? supply->settings.port_web
                                           : supply->settings.port_mobile;

    if (supply->held == NULL || supply->task_count == TASKS) return;
    switch (world_choose(3, "what_happens_there")) {
    case 0:
        if (task != NULL) task->record.alive = false;
        return;
    case 1:
        (void)supply_spawn(supply, supply->held, &request);
        return;
    default:
        request.port = (uint16_t)port;
        request.app = supply->app == APP_WEB ? APP_MOBILE : APP_WEB;
        (void)supply_spawn(supply, supply->held, &request);
    }
}

static uint64_t soonest(uint64_t one, uint64_t other)
{
    return one != 0 && (other == 0 || one < other) ? one : other;
}

static void start_by_itself(struct supply *supply)
{
    supply->auto_us = 0;
    if (!supply->server.known) (void)supply_start(supply);
}

static void wait_some(struct supply *supply)
{
    static const uint64_t pauses_us[] = { 700000, 6000000, 31000000 };
    uint64_t until_us = now_us() + pauses_us[world_choose(3, "a_pause")];

    while (!supply->broken && now_us() < until_us) {
        uint64_t next_us = soonest(supply->server.poll_us, supply->auto_us);
        if (next_us == 0 || next_us > until_us) {
            supply_rest(supply, until_us);
            return;
        }
        if (next_us > now_us()) supply_rest(supply, next_us);
        if (next_us == supply->auto_us) start_by_itself(supply);
        else supply_poll(supply, next_us);
    }
}

static void act(struct supply *supply)
{
    supply->troubles = world_choose(4, "calls_that_may_go_wrong");
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
    supply->api->stats(supply->core, &stats);
    supply_tell(supply, "sandboxes", stats.sandboxes, supply->held != NULL);
    supply_tell(supply, "servers", stats.servers, supply->server.known);
    supply_tell(supply, "leases", stats.leases, 0);
    supply_tell(supply, "jobs", stats.jobs, 0);
    supply_tell(supply, "deadlines", stats.timers, deadlines);
    supply_tell(supply, "calls for what is gone", stats.stale_calls, supply->stale);
}

/* --- its life --- */

static void no_writes(void *context, uint64_t handle, struct conn_ref conn)
{
    (void)handle, (void)conn;
    supply_tell(context, "connections of a core without any", 1, 0);
}

static void no_closes(void *context, uint64_t handle, struct conn_ref conn,
                      enum core_close_code code)
{
    (void)code;
    no_writes(context, handle, conn);
}

static void make_settings(struct supply *supply)
{
    struct core_settings *settings = &supply->settings;

    settings->backoff_base_us = draw("short_pauses") ? 300000 : 1000000;
    settings->backoff_factor = 2 + world_choose(2, "growth_of_pauses");
    settings->backoff_cap_us = 4000000;
    settings->backoff_jitter = BACKOFF_JITTER_NONE;
    settings->pool_total = SUPPLY_TOTAL;
    settings->pool_warm = world_choose(2, "warm_sandboxes");
    settings->pool_sweep_us = SUPPLY_SWEEP_US;
    settings->port_probe = draw("no_probes") ? PORT_PROBE_OFF : PORT_PROBE_ON;
    settings->port_fallback = world_choose(2, "more_ports");
    settings->status_poll_us = draw("no_polls") ? 0 : SUPPLY_POLL_US;
    settings->term_grace_us = SUPPLY_GRACE_US;
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
    config.transport = (struct transport_port){ supply, no_writes, no_closes };
    config.locks = &locks;
    config.sandboxes = &provider;
    supply_tell(supply, "the answer to a configuration",
                supply->api->create(&config, &supply->core), CORE_OK);
    supply_tell(supply, "the answer to a start of the core", supply->api->start(supply->core),
                CORE_OK);
}

/* What runs goes on, and nobody is asked for anything. */
static void end_core(struct supply *supply)
{
    supply_tell(supply, "the answer to a drain", supply->api->drain(supply->core, 1000000),
                CORE_OK);
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
    struct supply *supply = scratch_alloc(sizeof *supply);

    *supply = (struct supply){ .actor = actor, .api = actor->play->api };
    supply->app = draw("which_app") ? APP_MOBILE : APP_WEB;
    supply->owner = draw("a_short_name") ? "o" : "an owner";
    make_core(supply);
    for (uint32_t i = 0; i < rounds && !supply->broken; i++) {
        act(supply);
        world_sleep_until(ahead_ns(1000));
        supply_pass_sweeps(supply, supply->held != NULL);
        if (!supply->broken) compare(supply);
    }
    end_core(supply);
}
