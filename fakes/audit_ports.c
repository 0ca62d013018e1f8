/* What a core tells in the calm about what is behind its ports: servers, sandboxes, checks of
 * health. The faults are over for long enough that it must have noticed. */
#include "fakes/inspect.h"

#include <time.h>

/* --- servers and sandboxes --- */

/* A server that is said to run does so, where it is said to. */
static void audit_running(const struct instance *instance, struct box *box,
                          const struct server_status *status)
{
    const struct core_settings *settings = &instance->play->stage->settings[instance->index];
    const struct process *process = process_at(box, status->instance);
    bool alive = process != NULL && process->alive;

    inspect_tell(instance, "whether a server that runs is alive", alive, 1, 1);
    if (alive && settings->port_probe == PORT_PROBE_ON)
        inspect_tell(instance, "the port of a server that runs", status->port, process->listening,
                     process->listening);
}

static void audit_server(const struct instance *instance, const struct actor *backend,
                         enum app_type app)
{
    const struct play *play = instance->play;
    const struct core_settings *settings = &play->stage->settings[instance->index];
    struct server_status status;

    if (play->api->server_status(instance->core, backend->held, app, &status) != CORE_OK) return;
    struct box *box = box_owned(play, backend->session);
    /* What the provider took away is noticed when it is used. */
    if (box == NULL || settings->status_poll_us == 0 ||
        settings->status_poll_us * 2 > play->stage->calm_us)
        return;
    if (status.state == SERVER_RUNNING) audit_running(instance, box, &status);
    if (status.state == SERVER_STOPPED || status.state == SERVER_FAILED)
        inspect_tell(instance, "the instance of a server that does not run", status.instance, 0, 0);
    inspect_tell(instance, "whether a server that failed has a reason",
                 status.result != CORE_OK, status.state == SERVER_FAILED,
                 status.state == SERVER_FAILED);
}

static enum server_state state_of(const char *word)
{
#define STATE_WORD(state, text) text,
    static const char *const words[] = { SERVER_STATES(STATE_WORD) };
#undef STATE_WORD
    int state = 0;

    while (state < SERVER_STATE_COUNT && strcmp(words[state], word) != 0) state++;
    return (enum server_state)state;
}

static void read_told(const struct stored_event *event, const char *app, struct server_status *told)
{
    const char *name = "", *state = "";
    json_int_t version = 0;
    int port = 0;

    if (strcmp(event->type, "server_state") != 0) return;
    json_t *body = json_loadb(event->payload, event->length, 0, NULL);
    if (json_unpack(body, "{s:s, s:s, s:I, s:i}", "app", &name, "state", &state, "version",
                    &version, "port", &port) != 0)
        return;
    if (strcmp(name, app) != 0 || (uint64_t)version < told->version) return;
    *told = (struct server_status){ .state = state_of(state), .version = (uint64_t)version,
                                    .port = (uint16_t)port };
}

/* What the log says of a server: of all that it tells the newest version, which tabs go by. Version
 * 0: nothing. */
static struct server_status last_told(const struct stream *stream, enum app_type app)
{
    struct server_status told = { .version = 0 };

    for (uint64_t seq = stream->floor > 0 ? stream->floor : 1; seq <= stream->head; seq++)
        read_told(&stream->events[seq - 1], app == APP_WEB ? "web" : "mobile", &told);
    return told;
}

/* Who has to be told by this core alone: its log ends with what is. */
static void audit_told(const struct instance *instance, const struct stream *stream,
                       enum app_type app)
{
    const struct core_settings *settings = &instance->play->stage->settings[instance->index];
    const struct box *box = box_owned(instance->play, stream->name);
    struct server_status told = last_told(stream, app);
    uint64_t here = 0, meant = 0;

    for (uint32_t i = 0; box != NULL && i < box->process_count; i++) {
        const struct process *process = &box->processes[i];
        if (!process->alive || process->app != app || process->token != box->token) continue;
        here += process->listening == told.port || settings->port_probe == PORT_PROBE_OFF;
        meant += !process->late;
    }
    if (told.state == SERVER_RUNNING)
        inspect_tell(instance, "servers that run where a log says so", here, 1, 1);
    if (meant > 0 && stream->floor <= 1)
        inspect_tell(instance, "whether the log of its owner tells of a server", told.version > 0,
                     1, 1);
    if (told.version > 0 && (told.state == SERVER_STOPPED || told.state == SERVER_FAILED))
        inspect_tell(instance, "servers of which a log says that they ended", meant, 0, 0);
}

static bool forgets_messages(const struct scn_file *file)
{
    for (uint32_t i = 0; i < file->fault_count; i++)
        if (file->faults[i].kind == SCN_FAULT_LOSE_LAST &&
            file->faults[i].target.kind != SCN_REF_LOCKS)
            return true;
    return false;
}

static void audit_logs(const struct instance *instance)
{
    const struct play *play = instance->play;
    const struct core_settings *settings = &play->stage->settings[instance->index];

    /* Another core, or another life of this one, may know better, and a log may lose its end. */
    if (play->file->core_count > 1 || instance->life > 1 || settings->status_poll_us == 0 ||
        settings->status_poll_us * 2 > play->stage->calm_us || forgets_messages(play->file))
        return;
    for (uint32_t i = 0; i < play->messages.count; i++)
        for (int app = 0; app < APP_TYPE_COUNT; app++)
            audit_told(instance, play->messages.streams[i], (enum app_type)app);
}

void audit_servers(const struct instance *instance)
{
    const struct play *play = instance->play;

    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct actor *actor = &play->actors[i];
        if (actor->scn->kind != SCN_ACTOR_BACKEND || actor->instance != instance) continue;
        if (actor->box_life != instance->life) continue;
        for (int app = 0; app < APP_TYPE_COUNT; app++)
            audit_server(instance, actor, (enum app_type)app);
    }
    audit_logs(instance);
}

/* Sandboxes that cores have made and nobody has: those that they keep warm, which several
 * procedures may fill up at one moment, and one for each owner who did not get what he had made. */
static void audit_warm(const struct instance *instance)
{
    const struct play *play = instance->play;
    uint64_t most = play->stage->session_count, warm = 0;

    for (uint32_t i = 0; i < play->file->core_count; i++) {
        const struct core_settings *settings = &play->stage->settings[i];
        most += 2 * settings->pool_warm * settings->job_threads;
    }
    for (uint32_t i = 0; i < play->provider.count; i++) {
        const struct box *box = play->provider.boxes[i];
        warm += box->actor == NULL && !box->destroyed && box->owner[0] == '\0';
    }
    inspect_tell(instance, "sandboxes that nobody has", warm, 0, most);
}

void audit_sandboxes(const struct instance *instance, const struct core_stats *stats)
{
    const struct play *play = instance->play;
    uint64_t owned = 0;

    for (uint32_t i = 0; i < play->provider.count; i++)
        owned += play->provider.boxes[i]->owner[0] != '\0' && !play->provider.boxes[i]->destroyed;
    /* Another core, or another life of this one, may have taken what is owned. */
    bool alone = play->file->core_count == 1 && instance->life == 1;
    inspect_tell(instance, "sandboxes", stats->sandboxes, alone ? owned : 0,
                 play->stage->has_sandboxes ? play->provider.count : 0);
    inspect_tell(instance, "servers", stats->servers, 0, stats->sandboxes * APP_TYPE_COUNT);
    audit_warm(instance);
}

/* --- health --- */

/* What a program in the world is told by clock_gettime. */
int world_clock_gettime(clockid_t clock, struct timespec *out);

static uint64_t monotonic_us(void)
{
    struct timespec now;
    REQUIRE(world_clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void audit_part(const struct instance *instance, const struct health_part *part,
                       bool present, uint64_t latency_us)
{
    const struct core_settings *settings = &instance->play->stage->settings[instance->index];
    uint64_t now_us = monotonic_us(), ago_us = 2 * settings->health_period_us + latency_us;

    inspect_tell(instance, "whether there is a port to be checked", part->present, present,
                 present);
    if (!present) return;
    inspect_tell(instance, "whether a port answers", part->answering, 1, 1);
    inspect_tell(instance, "how long a port took to answer", part->latency_us, 0, latency_us);
    inspect_tell(instance, "when a port was checked", part->checked_us,
                 now_us > ago_us ? now_us - ago_us : 0, now_us);
}

/* In the calm every check comes to its end, and finds nothing. */
void audit_health(const struct instance *instance, const struct core_stats *stats)
{
    const struct play *play = instance->play;
    const struct core_settings *settings = &play->stage->settings[instance->index];
    uint64_t latency_us = play->stores.latency_high_us, period_us = settings->health_period_us;
    struct core_health_report report;

    if (period_us == CORE_SECONDS(300) || period_us == 0) return;   /* there are no checks */
    if (latency_us * 4 > period_us || period_us * 4 > play->stage->calm_us) return;
    play->api->health_report(instance->core, &report);
    inspect_tell(instance, "checks of health", report.checks, play->stage->calm_us / period_us - 2,
                 world_now_ns() / 1000 / period_us + 1);
    audit_part(instance, &report.locks, true, latency_us);
    audit_part(instance, &report.sandboxes, play->stage->has_sandboxes, 0);
    /* The store's thread may have something else to do first. */
    audit_part(instance, &report.messages, true, period_us);
    if (stats->sessions < settings->max_sessions && stats->conns < settings->max_conns &&
        play->file->actor_count < settings->max_conns)
        inspect_tell(instance, "whether a core with room is crowded", report.crowded, 0, 0);
    inspect_tell(instance, "the health of a core in the calm", report.health, CORE_HEALTHY,
                 report.crowded ? CORE_DEGRADED : CORE_HEALTHY);
}
