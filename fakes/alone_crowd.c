/* More to do than a core may keep waiting, a part of the step `alone about=servers`: a provider
 * that hesitates, and more owners than max_jobs has room for. Who finds no room tries again a tenth
 * of a second later; a check of health finds no room either, and that is told. In the end calls
 * stay without an answer, and are made again after pauses that are drawn. */
#include "fakes/alone_supply.h"

#include "fakes/inspect.h"

#include <stdio.h>

enum {
    JOBS_MAX = 8,              /* max_jobs */
    OWNERS = JOBS_MAX + 4,     /* one of them is being served, three find no room */
    AGAIN_US = 100000,
    CHECK_US = 330017,         /* health_period */
    TRIES = 4
};

struct crowd {
    struct actor *actor;
    struct core *core;
    struct world_queue gate;
    bool open;
    enum core_result rc;       /* what the provider answers to a check */
    uint32_t answers, lists;
    uint32_t raised, ended;    /* alerts */
    uint64_t told_us;          /* the newest answer */
    uint32_t doubts, tries;    /* calls that will have no answer; calls of whoever has none */
    uint64_t tried_us[TRIES];
};

static void tell(const struct crowd *crowd, const char *what, uint64_t told, uint64_t right)
{
    inspect_tell(crowd->actor->instance, what, told, right, right);
}

/* --- the ports --- */

static enum core_result list(void *context, struct sandbox_record *records, size_t capacity,
                             size_t *count)
{
    struct crowd *crowd = context;

    (void)records;
    world_meet(WORLD_MET_FAKES);
    crowd->lists++;
    while (!crowd->open) (void)world_wait(&crowd->gate, WORLD_NEVER, "a provider that hesitates");
    *count = 0;
    if (capacity == 1) return crowd->rc;   /* a check */
    if (crowd->tries < TRIES) crowd->tried_us[crowd->tries++] = now_us();
    if (crowd->doubts == 0) return CORE_REFUSED;
    crowd->doubts--;
    return CORE_UNKNOWN;
}

static void on_alert(void *context, const struct core_alert *alert)
{
    struct crowd *crowd = context;

    world_meet(WORLD_MET_FAKES);
    tell(crowd, "what a crowded core tells of", alert->kind, ALERT_HEALTH);
    crowd->raised += alert->raised;
    crowd->ended += !alert->raised;
}

static void on_sandbox(void *context, enum core_result rc, struct sandbox_ref ref)
{
    struct crowd *crowd = context;

    (void)ref;
    tell(crowd, "what is told of a sandbox that the provider refuses", rc, CORE_REFUSED);
    crowd->answers++;
    crowd->told_us = now_us();
}

static void no_writes(void *context, uint64_t handle, struct conn_ref conn)
{
    (void)handle, (void)conn;
    tell(context, "what is written to a connection that has said nothing", 1, 0);
}

static void no_closes(void *context, uint64_t handle, struct conn_ref conn,
                      enum core_close_code code)
{
    (void)context, (void)handle, (void)conn, (void)code;   /* the drain's */
}

/* --- its life --- */

static void make_core(struct crowd *crowd)
{
    const struct core_api *api = crowd->actor->play->api;
    struct sandbox_provider_port provider = { .context = crowd, .list = list };
    struct core_config config;

    api->config_default(&config);
    config.name = "crowd";
    config.settings.max_jobs = JOBS_MAX;
    config.settings.max_sessions = config.settings.max_conns = 1;
    config.settings.health_period_us = CHECK_US;
    config.hash_seed = config.jitter_seed = 1;
    config.transport = (struct transport_port){ crowd, no_writes, no_closes };
    config.sandboxes = &provider;
    config.alerts = (struct alert_port){ crowd, on_alert };
    tell(crowd, "the answer to a configuration", api->create(&config, &crowd->core), CORE_OK);
    tell(crowd, "the answer to a start", api->start(crowd->core), CORE_OK);
}

static void ask(struct crowd *crowd, uint32_t owner)
{
    char name[24];

    (void)snprintf(name, sizeof name, "owner %u", owner);
    tell(crowd, "the answer to one of a crowd",
         crowd->actor->play->api->sandbox_acquire(crowd->core, name, APP_WEB, on_sandbox, crowd),
         CORE_OK);
}

/* The first one is being served, behind it the queue is full. */
static void fill(struct crowd *crowd)
{
    ask(crowd, 0);
    world_sleep_until(ahead_ns(1000));
    tell(crowd, "sandboxes that are looked for at a time", crowd->lists, 1);
    for (uint32_t i = 1; i < OWNERS; i++) ask(crowd, i);
    world_sleep_until(ahead_ns(1000));
}

static void compare(const struct crowd *crowd, uint64_t jobs, uint64_t naps, bool crowded,
                    bool degraded)
{
    const struct core_api *api = crowd->actor->play->api;
    struct core_health_report report;
    struct core_stats stats;

    api->stats(crowd->core, &stats);
    api->health_report(crowd->core, &report);
    tell(crowd, "jobs that wait", stats.jobs, jobs);
    tell(crowd, "deadlines of those who found no room", stats.timers, naps + 2);
    tell(crowd, "whether a full core is crowded", report.crowded, crowded);
    tell(crowd, "the health of a full core", report.health,
         degraded ? CORE_DEGRADED : CORE_HEALTHY);
    tell(crowd, "alerts of a full core", crowd->raised, degraded || crowd->open);
    tell(crowd, "alerts of a full core that are over", crowd->ended, !degraded && crowd->open);
}

/* All that waited are served at once, and the others when they try again. */
static void serve(struct crowd *crowd)
{
    uint64_t open_us = now_us();

    crowd->open = true;
    world_wake(&crowd->gate);
    world_sleep_until(ahead_ns(1000));
    tell(crowd, "those of a crowd who are answered at once", crowd->answers, 1 + JOBS_MAX);
    world_sleep_until(us_ns(open_us + AGAIN_US));
    world_sleep_until(ahead_ns(1000));
    tell(crowd, "those of a crowd who are answered", crowd->answers, OWNERS);
    tell(crowd, "whether who finds no room tries again in time",
         crowd->told_us > open_us && crowd->told_us <= open_us + AGAIN_US, 1);
}

/* The next check finds room for jobs, maybe none for sessions or connections, and a provider that
 * answers or does not. */
static void check(struct crowd *crowd, uint64_t at_us)
{
    static const enum core_result answers[] = { CORE_REFUSED, CORE_UNKNOWN, CORE_UNAVAILABLE,
                                                CORE_EXPIRED };
    const struct core_api *api = crowd->actor->play->api;
    struct core_health_report report;
    bool sessions = world_choose(2, "full_of_sessions"), conns = world_choose(2, "full_of_conns");
    struct session_ref session;
    struct conn_ref conn;

    if (sessions)
        tell(crowd, "the answer to the only session",
             api->session_open_wait(crowd->core, "s", "ann", SESSION_CREATE, &session, NULL),
             CORE_OK);
    if (conns)
        tell(crowd, "the answer to the only connection",
             api->conn_open(crowd->core, 1, "ann", &conn), CORE_OK);
    crowd->rc = answers[world_choose(4, "what_a_provider_answers")];
    world_sleep_until(us_ns(at_us + 1000));
    compare(crowd, 0, conns, sessions || conns,
            sessions || conns || crowd->rc != CORE_REFUSED);
    api->health_report(crowd->core, &report);
    tell(crowd, "checks that came to an end", report.checks, 1);
    tell(crowd, "whether a provider was asked", report.sandboxes.present, true);
    tell(crowd, "whether a provider answers", report.sandboxes.answering,
         crowd->rc == CORE_REFUSED);
}

/* Each pause is no longer than it may be, and not all are as long as that. */
static void try_again(struct crowd *crowd)
{
    struct core_settings usual;
    uint32_t longest = 0;

    crowd->actor->play->api->settings_default(&usual);
    uint64_t most_us = usual.backoff_base_us;
    crowd->tries = 0;
    crowd->doubts = TRIES - 1;
    ask(crowd, OWNERS);
    for (uint32_t i = 1; i < TRIES; i++, most_us *= usual.backoff_factor) {
        world_sleep_until(ahead_ns(most_us + 1000));
        if (crowd->tries <= i) continue;
        uint64_t pause_us = crowd->tried_us[i] - crowd->tried_us[i - 1];
        tell(crowd, "whether a pause is as long as it may be",
             pause_us > 0 && pause_us <= most_us, true);
        longest += pause_us == most_us;
    }
    tell(crowd, "calls of whoever has no answer", crowd->tries, TRIES);
    tell(crowd, "whether pauses are drawn", longest < TRIES - 1, true);
    tell(crowd, "answers after calls without one", crowd->answers, OWNERS + 1);
}

void supply_crowd(struct actor *actor)
{
    struct crowd *crowd = scratch_alloc(sizeof *crowd);
    const struct core_api *api = actor->play->api;

    *crowd = (struct crowd){ .actor = actor, .rc = CORE_REFUSED };
    make_core(crowd);
    uint64_t made_us = now_us();
    fill(crowd);
    compare(crowd, JOBS_MAX, OWNERS - 1 - JOBS_MAX, false, false);
    world_sleep_until(us_ns(made_us + 2 * CHECK_US + 1000));
    compare(crowd, JOBS_MAX, OWNERS - 1 - JOBS_MAX, true, true);
    serve(crowd);
    check(crowd, made_us + 3 * CHECK_US);
    if (world_choose(2, "calls_without_an_answer")) try_again(crowd);
    tell(crowd, "the answer to a drain", api->drain(crowd->core, 1000000), CORE_OK);
    api->destroy(crowd->core);
}
