/* What a core tells about itself when the calm is over, beside what is known of it out here. Each
 * value becomes a record with the least and the most that would be true; the checks judge. */
#include "fakes/inspect.h"

enum { METRICS_MAX = 64, RETENTION_SLACK_US = 5000000 };

/* What is seen from out here. */
struct view {
    uint64_t open, online, working, asking;
};

struct audit {
    struct instance *instance;
    const struct core_api *api;
    struct core_stats stats;
    struct view before, after;               /* the stats: others may go on meanwhile */
    uint64_t attached, runs_live, prompts;   /* of all sessions that it has in memory, */
    uint64_t sessions;                       /* and how many these are */
};

static void tell(const struct audit *audit, const char *what, uint64_t told, uint64_t least,
                 uint64_t most)
{
    RECORD(REPORTED, audit->instance->party, audit->instance->party, 0, 0,
           .what = record_intern(what), .told = (int64_t)told, .least = (int64_t)least,
           .most = (int64_t)most);
}

static bool is_mine(const struct audit *audit, const struct socket *socket)
{
    return socket->instance == audit->instance && socket->life == audit->instance->life;
}

/* --- connections --- */

static bool is_online(const struct socket *socket)
{
    /* Of one that polls a core knows nothing. */
    if (socket->tab->speech == SPEECH_POLLING) return false;
    return socket->tab->socket == socket && socket->tab->phase == TAB_ONLINE && !socket->cut;
}

static void audit_socket(const struct audit *audit, const struct socket *socket)
{
    enum conn_state state = audit->api->conn_state(audit->instance->core, socket->conn);

    if (is_online(socket) && !socket->close_queued)
        tell(audit, "the state of a tab's connection", state, CONN_CONNECTED, CONN_CONNECTED);
    if (socket->closed)
        tell(audit, "the state of a closed connection", state, CONN_DISCONNECTED,
             CONN_DISCONNECTED);
}

static void audit_sockets(const struct audit *audit)
{
    const struct play *play = audit->instance->play;

    for (uint32_t i = 0; i < play->socket_count; i++) {
        const struct socket *socket = play->sockets[i];
        if (is_mine(audit, socket) && (socket->core_open || socket->closed))
            audit_socket(audit, socket);
    }
}

/* --- counts --- */

static struct view look(const struct audit *audit)
{
    const struct play *play = audit->instance->play;
    struct view view = { 0, 0, 0, 0 };

    for (uint32_t i = 0; i < play->socket_count; i++) {
        const struct socket *socket = play->sockets[i];
        if (!is_mine(audit, socket)) continue;
        view.open += socket->core_open;
        view.online += is_online(socket) && !socket->close_queued;
    }
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct actor *actor = &play->actors[i];
        if (actor->scn->kind != SCN_ACTOR_AGENT || actor->agent->at != audit->instance) continue;
        view.working += actor->agent->run != NULL;
        view.asking += actor->agent->questions;
    }
    return view;
}

/* What a deadline can be about: whoever forgets one when its reason is gone has more of them. Those
 * of sessions that are not in memory any more are about what the store keeps of them. */
static uint64_t deadlines_at_most(const struct instance *instance, const struct core_stats *stats)
{
    uint64_t retired = 2 * (uint64_t)instance->play->stage->session_count;

    return stats->conns + stats->prompts + 2 * stats->runs + stats->leases + 2 * stats->sandboxes +
           2 * stats->servers + 2 * stats->sessions + retired + 2;
}

void audit_deadlines(struct instance *instance)
{
    struct audit audit = { .instance = instance, .api = instance->play->api };

    audit.api->stats(instance->core, &audit.stats);
    tell(&audit, "deadlines that are waited for meanwhile", audit.stats.timers, 0,
         deadlines_at_most(instance, &audit.stats));
}

static void audit_counts(const struct audit *audit)
{
    const struct core_stats *stats = &audit->stats;
    const struct view *one = &audit->before, *other = &audit->after;

    /* What changes just now is told as it was, or as it is. */
    if (memcmp(one, other, sizeof *one) != 0) return;
    tell(audit, "open connections", stats->conns, one->open, one->open);
    tell(audit, "attached connections", stats->attached, one->online, one->open);
    /* Others may wait at their gates. */
    tell(audit, "live runs", stats->runs, one->working, UINT32_MAX);
    tell(audit, "open questions", stats->prompts, one->asking, one->asking);
    tell(audit, "deadlines that are waited for", stats->timers, 0,
         deadlines_at_most(audit->instance, stats));
}

static void audit_sums(const struct audit *audit)
{
    const struct core_stats *stats = &audit->stats;
    struct core_stats now;

    audit->api->stats(audit->instance->core, &now);
    if (now.runs != stats->runs || now.prompts != stats->prompts ||
        now.attached != stats->attached || now.sessions != stats->sessions)
        return;
    tell(audit, "sessions", stats->sessions, audit->sessions, audit->sessions);
    tell(audit, "live runs, session by session", stats->runs, audit->runs_live,
         audit->runs_live);
    tell(audit, "open questions, session by session", stats->prompts, audit->prompts,
         audit->prompts);
    tell(audit, "attached connections, session by session", stats->attached, audit->attached,
         audit->attached);
}

/* --- sessions --- */

static const struct stream *stream_called(const struct play *play, const char *name)
{
    for (uint32_t i = 0; i < play->messages.count; i++) {
        if (strcmp(play->messages.streams[i]->name, name) == 0) return play->messages.streams[i];
    }
    return NULL;
}

static bool is_stored(const struct stream *stream, const struct history_event *event)
{
    if (event->seq == 0 || event->seq > stream->head) return false;
    if (event->seq < stream->floor) return true;   /* the store has forgotten it */
    const struct stored_event *stored = &stream->events[event->seq - 1];
    return stored->length == event->length &&
           memcmp(stored->payload, event->payload, event->length) == 0;
}

/* All of the log from one end to the other. */
static void audit_history(const struct audit *audit, struct session_ref ref,
                          const struct stream *stream, const struct session_info *info,
                          enum history_direction direction)
{
    struct history_page page;
    uint64_t known = 0;

    if (audit->api->history(audit->instance->core, ref, (struct history_cursor){ info->epoch, 0 },
                            SIZE_MAX, direction, &page) != CORE_OK)
        return;
    for (size_t i = 0; i < page.count; i++) known += is_stored(stream, &page.events[i]);
    tell(audit, "events of a page of everything", page.count, info->events, info->events);
    tell(audit, "events of that page that the store has", known, info->events, info->events);
    tell(audit, "whether that page has a successor", page.more, 0, 0);
    tell(audit, "whether that page was trimmed", page.trimmed, info->floor > 1, info->floor > 1);
    audit->api->history_page_free(&page);
}

static void audit_log(const struct audit *audit, struct session_ref ref,
                      const struct stream *stream, const struct session_info *info)
{
    const struct core_settings *settings =
        &audit->instance->play->stage->settings[audit->instance->index];

    tell(audit, "events in memory", info->events, info->head + 1 - info->floor,
         settings->history_max_events);
    tell(audit, "bytes in memory", info->bytes, info->events * 2, settings->history_max_bytes);
    /* Without tabs nobody asks the store what others have written. */
    if (info->attached > 0) {
        tell(audit, "the epoch of a session", info->epoch, stream->epoch, stream->epoch);
        tell(audit, "the head of a session", info->head, stream->head, stream->head);
        audit_history(audit, ref, stream, info, HISTORY_FORWARD);
        audit_history(audit, ref, stream, info, HISTORY_BACKWARD);
    }
}

static uint64_t later(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

/* When its last tab left or its last agent ended, as far as is known out here. */
static uint64_t last_used_ns(const struct play *play, const char *session)
{
    uint64_t used_ns = 0;

    for (uint32_t i = 0; i < play->socket_count; i++) {
        const struct socket *socket = play->sockets[i];
        if (strcmp(socket->tab->actor->session, session) == 0)
            used_ns = later(used_ns, socket->closed ? socket->closed_ns : world_now_ns());
    }
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct actor *actor = &play->actors[i];
        if (actor->scn->kind == SCN_ACTOR_AGENT && strcmp(actor->session, session) == 0)
            used_ns = later(used_ns, actor->agent->ended_ns);
    }
    return used_ns;
}

/* A session whose runs have ended and whose tabs have gone is kept for a while, and no longer. */
static void audit_retention(const struct audit *audit, const char *name,
                            const struct session_info *info)
{
    const struct play *play = audit->instance->play;
    uint64_t kept_us = play->stage->settings[audit->instance->index].retain_after_terminal_us;
    uint64_t used_ns = last_used_ns(play, name);

    if (info->runs_live > 0 || info->runs_ended == 0 || info->attached > 0 || used_ns == 0) return;
    if (world_now_ns() < used_ns + us_ns(kept_us + RETENTION_SLACK_US)) return;
    tell(audit, "finished sessions that are kept too long", 1, 0, 0);
}

static void audit_session(struct audit *audit, const struct session_plan *plan)
{
    const struct stream *stream = stream_called(audit->instance->play, plan->name);
    struct session_info info;
    struct session_ref ref;
    uint64_t epoch;

    /* One that is not in memory is not to be loaded for this. */
    if (stream == NULL || audit->api->session_refresh(audit->instance->core, plan->name) != CORE_OK)
        return;
    if (audit->api->session_open_wait(audit->instance->core, plan->name, stream->owner, 0, &ref,
                                      &epoch) != CORE_OK)
        return;
    if (audit->api->session_info(audit->instance->core, ref, &info) != CORE_OK) return;
    audit_retention(audit, plan->name, &info);
    audit->sessions++;
    tell(audit, "whether a session has its name", strcmp(info.key, plan->name) == 0, 1, 1);
    tell(audit, "whether a session has its owner", strcmp(info.owner, stream->owner) == 0, 1, 1);
    tell(audit, "attached connections of a session", info.attached, 0, info.conns);
    tell(audit, "acknowledged connections of a session", info.acknowledged, 0, info.attached);
    audit->attached += info.attached;
    audit->runs_live += info.runs_live;
    audit->prompts += info.prompts_open;
    audit_log(audit, ref, stream, &info);
}

/* --- locks --- */

static void audit_locks(const struct audit *audit)
{
    static struct lock_metrics metrics[METRICS_MAX];
    size_t count = audit->api->lock_metrics(audit->instance->core, metrics, METRICS_MAX);
    uint64_t held = 0;

    if (count > METRICS_MAX) return;
    for (size_t i = 0; i < count; i++) {
        const struct lock_metrics *one = &metrics[i];
        held += one->held;
        tell(audit, "grants of a lock key", one->granted, one->ended + one->held,
             one->ended + one->held);
        tell(audit, "leases of a key that were lost", one->lost, 0, one->ended);
        tell(audit, "the longest hold of a key", one->hold_us_longest,
             one->ended > 0 ? one->hold_us_sum / one->ended : 0, one->hold_us_sum);
    }
    tell(audit, "leases", audit->stats.leases, held, UINT32_MAX);
}

void audit_core(struct instance *instance)
{
    const struct play *play = instance->play;
    struct audit audit = { .instance = instance, .api = play->api };

    world_meet(WORLD_MET_FAKES);
    world_acquire(&instance->started);
    world_group_enter(instance->group);
    audit.before = look(&audit);
    play->api->stats(instance->core, &audit.stats);
    audit.after = look(&audit);
    audit_counts(&audit);
    for (uint32_t i = 0; i < play->stage->session_count; i++)
        audit_session(&audit, &play->stage->sessions[i]);
    audit_sums(&audit);
    audit_sockets(&audit);
    audit_locks(&audit);
    tally_audit(instance);
    audit_servers(instance);
    audit_sandboxes(instance, &audit.stats);
    audit_health(instance, &audit.stats);
    tell(&audit, "the health of a core", play->api->health(instance->core), CORE_HEALTHY,
         CORE_DEGRADED);
    world_group_enter(0);
}
