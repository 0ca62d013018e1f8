/* A backend that asks the core everything that may be asked, in the midst of whatever goes on: what
 * is known of a handle that never was, what a call is told that makes no sense, and what the tables
 * of settings and commands say. Each answer becomes a record with what would be true. */
#include "fakes/inspect.h"

enum { METRICS_MAX = 8 };

void inspect_tell(const struct instance *instance, const char *what, uint64_t told, uint64_t least,
                  uint64_t most)
{
    RECORD(REPORTED, instance->party, instance->party, 0, 0, .what = record_intern(what),
           .told = (int64_t)told, .least = (int64_t)least, .most = (int64_t)most);
}

bool inspect_pauses(const struct play *play)
{
    for (uint32_t i = 0; i < play->file->fault_count; i++)
        if (play->file->faults[i].kind == SCN_FAULT_PAUSE) return true;
    return play->file->explore.stalls_max > 0;
}

static void expect(const struct instance *instance, const char *what, enum core_result told,
                   enum core_result due)
{
    /* A core that drains says so before it looks at anything else. */
    if (told == CORE_DRAINING && !instance->alive) return;
    inspect_tell(instance, what, told, due, due);
}

/* --- what goes on: others may change it meanwhile, so little can be said of the values --- */

static void look_at_tables(const struct instance *instance)
{
    const struct core_api *api = instance->play->api;
    struct core_stats stats;
    struct core_health_report report;
    struct lock_metrics metrics[METRICS_MAX];

    api->stats(instance->core, &stats);
    inspect_tell(instance, "attached connections, in the midst of it", stats.attached, 0,
                 SOCKETS_MAX);
    api->health_report(instance->core, &report);
    inspect_tell(instance, "the health of a core, in the midst of it", report.health,
                 CORE_HEALTHY, CORE_STOPPED);
    size_t count = api->lock_metrics(instance->core, metrics, METRICS_MAX);
    for (size_t i = 0; i < count && i < METRICS_MAX; i++)
        inspect_tell(instance, "grants of a lock key, in the midst of it", metrics[i].granted,
                     metrics[i].ended + metrics[i].held, metrics[i].ended + metrics[i].held);
}

/* Between two checks it is what the last one has found. What a check finds just now is told in a
 * moment: who has told of nothing new by then was not well all the time. */
static void look_at_health(const struct instance *instance)
{
    uint32_t life = instance->life, told = instance->health_told;

    if (!instance->unwell || inspect_pauses(instance->play)) return;
    enum core_health health = instance->play->api->health(instance->core);
    world_sleep_until(ahead_ns(1000));
    if (instance->alive && instance->life == life && instance->health_told == told)
        inspect_tell(instance, "the health of a core that is not well", health, CORE_DEGRADED,
                     CORE_DEGRADED);
}

static void look_at_session(struct actor *actor)
{
    const struct core_api *api = actor->play->api;
    const struct instance *instance = actor->instance;
    struct core_settings settings;
    struct session_info info;
    struct session_ref ref;

    if (find_session(actor, 0, &ref) != CORE_OK) return;
    if (api->session_info(instance->core, ref, &info) == CORE_OK) {
        inspect_tell(instance, "the head of a log, in the midst of it", info.head,
                     info.floor > 0 ? info.floor - 1 : 0, INT64_MAX);
        inspect_tell(instance, "whether a session has its name", strcmp(info.key, actor->session),
                     0, 0);
    }
    if (api->session_settings(instance->core, ref, &settings) == CORE_OK)
        inspect_tell(instance, "whether a session's settings fit together",
                     api->settings_problem(&settings) == NULL, 1, 1);
}

static void look_at_server(struct actor *actor, enum app_type app)
{
    const struct instance *instance = actor->instance;
    const struct core_settings *settings = &actor->play->stage->settings[instance->index];
    uint64_t port = app == APP_WEB ? settings->port_web : settings->port_mobile;
    struct server_status status;

    if (actor->box_life != instance->life) return;
    if (actor->play->api->server_status(instance->core, actor->held, app, &status) != CORE_OK)
        return;
    bool works = status.state == SERVER_RUNNING || status.state == SERVER_STOPPING;
    inspect_tell(instance, "whether a server at work has an instance", status.instance != 0,
                 works, status.state != SERVER_STOPPED && status.state != SERVER_FAILED);
    inspect_tell(instance, "the port of a server", status.port, port,
                 port + settings->port_fallback);
}

/* --- calls that are refused --- */

static void never_called(void *context, enum core_result rc, struct lease_ref lease, uint64_t token)
{
    (void)lease;
    (void)token;
    expect(context, "the answer to a lease that was refused", rc, CORE_RESULT_COUNT);
}

static void no_sandbox(void *context, enum core_result rc, struct sandbox_ref sandbox)
{
    (void)sandbox;
    expect(context, "the answer to a call about no sandbox", rc, CORE_RESULT_COUNT);
}

static void ask_for_leases(struct instance *instance)
{
    const struct core_api *api = instance->play->api;
    struct core *core = instance->core;
    struct lease_ref never = { 0, 0 };
    char name[CORE_NAME_MAX + 1];

    memset(name, 'n', sizeof name);
    name[CORE_NAME_MAX] = '\0';
    expect(instance, "a lease whose name is too long",
           api->lease_acquire(core, name, 0, NULL, never_called, instance), CORE_INVALID);
    expect(instance, "a lease without a name",
           api->lease_acquire(core, "", 0, NULL, never_called, instance), CORE_INVALID);
    expect(instance, "a lease that nobody is told of",
           api->lease_acquire(core, "nobody", 0, NULL, NULL, instance), CORE_INVALID);
    expect(instance, "to give back a lease that never was",
           api->lease_release(core, never, never_called, instance), CORE_STALE);
    inspect_tell(instance, "the token of a lease that never was", api->lease_token(core, never),
                 0, 0);
}

static void ask_for_boxes(struct instance *instance)
{
    const struct core_api *api = instance->play->api;
    struct core *core = instance->core;
    struct sandbox_ref never = { 7, 0 };
    struct session_ref nobody = { 0, 0 };
    struct server_status status;

    if (!instance->play->stage->has_sandboxes) {
        expect(instance, "a sandbox where there are none",
               api->sandbox_acquire(core, "o", APP_WEB, no_sandbox, instance), CORE_UNAVAILABLE);
        return;
    }
    expect(instance, "a sandbox without an owner",
           api->sandbox_acquire(core, "", APP_WEB, no_sandbox, instance), CORE_INVALID);
    expect(instance, "a sandbox of a kind that there is not",
           api->sandbox_acquire(core, "o", APP_TYPE_COUNT, no_sandbox, instance), CORE_INVALID);
    expect(instance, "to give back a sandbox that never was",
           api->sandbox_release(core, never, no_sandbox, instance), CORE_STALE);
    expect(instance, "a server in a sandbox that never was",
           api->server_ensure(core, never, APP_WEB, nobody, NULL, NULL), CORE_STALE);
    expect(instance, "a server of a kind that there is not",
           api->server_ensure(core, never, APP_TYPE_COUNT, nobody, NULL, NULL), CORE_INVALID);
    expect(instance, "to stop a server in a sandbox that never was",
           api->server_stop(core, never, APP_WEB, 0, NULL, NULL), CORE_STALE);
    expect(instance, "the state of a server in a sandbox that never was",
           api->server_status(core, never, APP_WEB, &status), CORE_STALE);
    expect(instance, "the state of a server of a kind that there is not",
           api->server_status(core, never, APP_TYPE_COUNT, &status), CORE_INVALID);
}

static void ask_for_nothing(struct instance *instance)
{
    const struct core_api *api = instance->play->api;
    struct core_stats before, after;

    api->stats(instance->core, &before);
    ask_for_leases(instance);
    ask_for_boxes(instance);
    api->stats(instance->core, &after);
    uint64_t stale = instance->play->stage->has_sandboxes ? 2 : 1;
    if (instance->alive)
        inspect_tell(instance, "calls with handles that are not current", after.stale_calls,
                     before.stale_calls + stale, INT64_MAX);
}

void inspect_core(struct actor *actor)
{
    look_at_tables(actor->instance);
    look_at_health(actor->instance);
    look_at_session(actor);
    for (int app = 0; app < APP_TYPE_COUNT; app++) look_at_server(actor, (enum app_type)app);
    ask_for_nothing(actor->instance);
    inspect_settings(actor->instance);
    inspect_commands(actor->instance);
}
