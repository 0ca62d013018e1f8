/* What a core tells about itself, and small helpers that every module shares. */
#include "core/core.h"
#include "core/health.h"

#include <stdlib.h>
#include <string.h>

bool core_accepts(const struct core *core)
{
    return core->phase == CORE_RUNNING;
}

bool core_is_running(struct turn *turn)
{
    turn_lock(turn, &turn->core->table_lock);
    bool accepts = core_accepts(turn->core);
    turn_unlock(turn, &turn->core->table_lock);
    return accepts;
}

enum core_result core_thread_create(pthread_t *thread, const char *owner, const char *role,
                                    void *(*main)(void *), void *context)
{
    if (pthread_create(thread, NULL, main, context) != 0)
        return CORE_NO_MEMORY;
    char name[CORE_THREAD_NAME_MAX];
    size_t used = strnlen(owner, CORE_THREAD_OWNER_MAX);
    memcpy(name, owner, used);
    name[used++] = '/';
    size_t length = strnlen(role, sizeof name - 1 - used);
    memcpy(name + used, role, length);
    name[used + length] = '\0';
    /* A name is for readers of a debugger: failing to set it is no failure. */
    (void)pthread_setname_np(*thread, name);
    return CORE_OK;
}

bool core_copy_name(char to[CORE_NAME_MAX], const char *from)
{
    if (from == NULL)
        return false;
    size_t length = strnlen(from, CORE_NAME_MAX);
    if (length == 0 || length == CORE_NAME_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (from[i] < ' ' || from[i] > '~')
            return false;
    }
    memcpy(to, from, length + 1);
    return true;
}

void core_set_name(char to[CORE_NAME_MAX], const char *from)
{
    size_t size = strlen(from) + 1;
    REQUIRE(size <= CORE_NAME_MAX);
    memcpy(to, from, size);
}

char *core_copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

bool core_is_word(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return length > 0 && length < CORE_NAME_MAX && text[length] == '\0';
}

/* ---- statistics ---- */

static void add_counted(struct core_stats *sum, const struct core_stats *part)
{
    sum->events_appended += part->events_appended;
    sum->events_trimmed += part->events_trimmed;
    sum->frames_sent += part->frames_sent;
    sum->resyncs += part->resyncs;
}

static void add_session(struct turn *turn, struct core_stats *stats, struct session *session)
{
    turn_lock(turn, &session->lock);
    stats->attached += session->attached;
    stats->runs += session->runs_live;
    for (const struct prompt *prompt = session->prompts; prompt != NULL; prompt = prompt->next)
        stats->prompts += prompt->outcome == PROMPT_OPEN;
    add_counted(stats, &session->counted);
    turn_unlock(turn, &session->lock);
}

static void add_tables(struct turn *turn, struct core_stats *stats)
{
    struct core *core = turn->core;
    turn_lock(turn, &core->table_lock);
    *stats = core->counted;
    stats->sessions = core->sessions_count;
    stats->conns = core->conns_count;
    for (uint32_t i = 0; i < core->sessions_capacity; i++) {
        if (core->sessions[i].session != NULL)
            add_session(turn, stats, core->sessions[i].session);
    }
    turn_unlock(turn, &core->table_lock);
}

static void add_queues(struct turn *turn, struct core_stats *stats)
{
    struct core *core = turn->core;
    turn_lock(turn, &core->store.lock);
    stats->store_operations = core->store.count;
    turn_unlock(turn, &core->store.lock);
    turn_lock(turn, &core->timers.lock);
    stats->timers = core->timers.count;
    turn_unlock(turn, &core->timers.lock);
    turn_lock(turn, &core->jobs.lock);
    stats->jobs = core->jobs.shorts.count + core->jobs.longs.count;
    turn_unlock(turn, &core->jobs.lock);
}

void core_stats(struct core *core, struct core_stats *stats)
{
    struct turn turn;
    turn_begin(&turn, core);
    add_tables(&turn, stats);
    add_queues(&turn, stats);
    for (size_t i = 0; core_modules[i] != NULL; i++) {
        if (core_modules[i]->count != NULL)
            core_modules[i]->count(core, stats);
    }
    turn_end(&turn);
}

enum core_health core_health(struct core *core)
{
    struct turn turn;
    turn_begin(&turn, core);
    bool running = core_is_running(&turn);
    turn_lock(&turn, &core->store.lock);
    bool failing = core->store.failing;
    turn_unlock(&turn, &core->store.lock);
    turn_lock(&turn, &core->health->lock);
    failing |= core->health->degraded;
    turn_unlock(&turn, &core->health->lock);
    turn_end(&turn);
    if (!running)
        return CORE_STOPPED;
    return failing ? CORE_DEGRADED : CORE_HEALTHY;
}
