/* The life of a core: made, started, drained, destroyed. */
#include "core/core.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void core_config_default(struct core_config *config)
{
    *config = (struct core_config){ .name = "core", .first_epoch = 1 };
    core_settings_default(&config->settings);
}

static enum core_result check_config(const struct core_config *config)
{
    if (config->transport.want_write == NULL || config->transport.close == NULL)
        return CORE_INVALID;
    if (config->first_epoch == 0)
        return CORE_INVALID;
    if (core_settings_problem(&config->settings) != NULL)
        return CORE_INVALID;
    return CORE_OK;
}

static void copy_ports(struct core *core, const struct core_config *config)
{
    core->transport = config->transport;
    core->agents = config->agents;
    core->trace_port = config->trace;
    core->alert_port = config->alerts;
    core->relay = config->relay;
    core->has_messages = config->messages != NULL;
    core->has_locks = config->locks != NULL;
    core->has_sandboxes = config->sandboxes != NULL;
    if (core->has_messages)
        core->messages = *config->messages;
    if (core->has_locks)
        core->locks = *config->locks;
    if (core->has_sandboxes)
        core->sandbox_provider = *config->sandboxes;
}

static enum core_result create_table(struct core *core)
{
    enum core_result rc = core_lock_init(&core->table_lock, RANK_TABLE);
    if (rc != CORE_OK)
        return rc;
    rc = core_lock_init(&core->agents_lock, RANK_AGENTS);
    if (rc == CORE_OK) {
        rc = core_cond_init(&core->idle);
        if (rc == CORE_OK)
            return CORE_OK;
        core_lock_destroy(&core->agents_lock);
    }
    core_lock_destroy(&core->table_lock);
    return rc;
}

static void destroy_table(struct core *core)
{
    free(core->sessions);
    free(core->conns);
    pthread_cond_destroy(&core->idle);
    core_lock_destroy(&core->agents_lock);
    core_lock_destroy(&core->table_lock);
}

static enum core_result create_modules(struct core *core)
{
    for (size_t i = 0; core_modules[i] != NULL; i++) {
        enum core_result rc = core_modules[i]->create(core);
        if (rc == CORE_OK)
            continue;
        while (i > 0)
            core_modules[--i]->destroy(core);
        return rc;
    }
    return CORE_OK;
}

/* The parts in order of creation; a failure undoes what was made, newest first. */
static const struct {
    enum core_result (*create)(struct core *core);
    void (*destroy)(struct core *core);
} parts[] = {
    { reserve_create, reserve_destroy },
    { create_table, destroy_table },
    { trace_create, trace_destroy },
    { alerts_create, alerts_destroy },
    { timers_create, timers_destroy },
    { jobs_create, jobs_destroy },
    { store_create, store_destroy },
    { create_modules, NULL },   /* undone by core_destroy, in reverse order of the modules */
};

static enum core_result create_parts(struct core *core)
{
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        enum core_result rc = parts[i].create(core);
        if (rc == CORE_OK)
            continue;
        while (i > 0)
            parts[--i].destroy(core);
        return rc;
    }
    return CORE_OK;
}

/* Nothing depends on it but the length of pauses. */
static bool draw_seed(const struct core_config *config, _Atomic uint64_t *chance)
{
    uint64_t seed = config->jitter_seed;
    if (seed == 0 && getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        return false;
    atomic_init(chance, seed);
    return true;
}

enum core_result core_create(const struct core_config *config, struct core **core)
{
    *core = NULL;
    enum core_result rc = check_config(config);
    if (rc != CORE_OK)
        return rc;
    struct core *made = calloc(1, sizeof *made);
    if (made == NULL)
        return CORE_NO_MEMORY;
    if (!core_copy_name(made->name, config->name) || !core_take_commands(made, config)) {
        free(made);
        return CORE_INVALID;
    }
    made->settings = config->settings;
    made->next_epoch = config->first_epoch;
    if (!draw_seed(config, &made->chance)) {
        free(made);
        return CORE_FAILED;
    }
    copy_ports(made, config);
    if (config->hash_seed != 0)
        json_object_seed(config->hash_seed);
    rc = create_parts(made);
    if (rc != CORE_OK) {
        free(made);
        return rc;
    }
    *core = made;
    return CORE_OK;
}

static enum core_result start_threads(struct core *core)
{
    enum core_result rc = timers_start(core);
    if (rc == CORE_OK)
        rc = jobs_start(core);
    if (rc == CORE_OK)
        rc = store_start(core);
    for (size_t i = 0; rc == CORE_OK && core_modules[i] != NULL; i++) {
        if (core_modules[i]->start != NULL)
            rc = core_modules[i]->start(core);
    }
    return rc;
}

static void set_phase(struct turn *turn, enum core_phase phase)
{
    turn_lock(turn, &turn->core->table_lock);
    turn->core->phase = phase;
    turn_unlock(turn, &turn->core->table_lock);
}

enum core_result core_start(struct core *core)
{
    REQUIRE(core->phase == CORE_CREATED);
    struct turn turn;
    turn_begin(&turn, core);
    enum core_result rc = start_threads(core);
    /* Even a core that failed to start has threads to be drained. */
    set_phase(&turn, rc == CORE_OK ? CORE_RUNNING : CORE_PHASE_DRAINING);
    if (rc == CORE_OK)
        trace_point(&turn, TP_CORE_STARTED, core->name, 0, 0, 0);
    turn_end(&turn);
    return rc;
}

/* ---- drain ---- */

void live_runs_add(struct turn *turn)
{
    turn_lock(turn, &turn->core->agents_lock);
    turn->core->live_runs++;
    turn_unlock(turn, &turn->core->agents_lock);
}

void live_runs_remove(struct turn *turn)
{
    struct core *core = turn->core;
    turn_lock(turn, &core->agents_lock);
    REQUIRE(core->live_runs > 0);
    core->live_runs--;
    if (core->live_runs == 0)
        pthread_cond_signal(&core->idle);
    turn_unlock(turn, &core->agents_lock);
}

/* Waits for the end of every run. False if that took longer than the deadline. */
static bool await_runs(struct turn *turn, uint64_t deadline_us)
{
    struct core *core = turn->core;
    bool in_time = true;
    turn_lock(turn, &core->agents_lock);
    while (core->live_runs > 0 && in_time)
        in_time = turn_wait(turn, &core->idle, &core->agents_lock, deadline_us);
    bool ended = core->live_runs == 0;
    while (core->live_runs > 0)
        turn_wait(turn, &core->idle, &core->agents_lock, 0);
    turn_unlock(turn, &core->agents_lock);
    return ended;
}

static void stop_all_runs(struct turn *turn)
{
    struct core *core = turn->core;
    /* No session is made any more, so the slots stay as they are. */
    turn_lock(turn, &core->table_lock);
    for (uint32_t i = 0; i < core->sessions_capacity; i++) {
        struct session *session = core->sessions[i].session;
        if (session == NULL)
            continue;
        turn_lock(turn, &session->lock);
        session->draining = true;
        runs_stop(turn, session, "draining");
        turn_unlock(turn, &session->lock);
    }
    turn_unlock(turn, &core->table_lock);
    turn_flush(turn);
}

static void drain_modules(struct core *core)
{
    size_t count = 0;
    while (core_modules[count] != NULL)
        count++;
    while (count-- > 0) {
        if (core_modules[count]->drain != NULL)
            core_modules[count]->drain(core);
    }
}

static void drop_conns(struct turn *turn)
{
    struct core *core = turn->core;
    turn_lock(turn, &core->table_lock);
    for (uint32_t i = 0; i < core->conns_capacity; i++) {
        struct conn *conn = core->conns[i].conn;
        if (conn == NULL)
            continue;
        struct session *session = conn->session;
        if (session != NULL)
            turn_lock(turn, &session->lock);
        conn_drop(turn, conn, CORE_CLOSE_DRAINING);
        if (session != NULL)
            turn_unlock(turn, &session->lock);
    }
    turn_unlock(turn, &core->table_lock);
    turn_flush(turn);
}

static bool was_started(struct turn *turn)
{
    struct core *core = turn->core;
    turn_lock(turn, &core->table_lock);
    enum core_phase phase = core->phase;
    REQUIRE(phase != CORE_DRAINED);
    core->phase = phase == CORE_CREATED ? CORE_DRAINED : CORE_PHASE_DRAINING;
    turn_unlock(turn, &core->table_lock);
    return phase != CORE_CREATED;
}

enum core_result core_drain(struct core *core, uint64_t deadline_us)
{
    enum core_result rc = CORE_OK;
    struct turn turn;
    turn_begin(&turn, core);
    if (was_started(&turn)) {
        uint64_t until_us = core_now_us() + deadline_us;
        trace_point(&turn, TP_CORE_DRAINING, core->name, 0, 0, 0);
        store_give_up_at(core, until_us);
        stop_all_runs(&turn);
        if (!await_runs(&turn, until_us))
            rc = CORE_EXPIRED;
        drain_modules(core);
        timers_stop(core);
        jobs_stop(core);
        store_stop(core);
        drop_conns(&turn);
        set_phase(&turn, CORE_DRAINED);
        trace_point(&turn, TP_CORE_DRAINED, core->name, 0, 0, 0);
    }
    turn_end(&turn);
    return rc;
}

/* ---- destroy ---- */

static void free_slots(struct core *core)
{
    for (uint32_t i = 0; i < core->conns_capacity; i++) {
        if (core->conns[i].conn != NULL)
            conn_free(core->conns[i].conn);
    }
    for (uint32_t i = 0; i < core->sessions_capacity; i++) {
        if (core->sessions[i].session != NULL)
            session_free(core->sessions[i].session);
    }
}

void core_destroy(struct core *core)
{
    if (core == NULL)
        return;
    /* Nobody else uses a core that is being destroyed: its phase can be read without the lock. */
    if (core->phase != CORE_DRAINED)
        core_drain(core, 0);
    size_t count = 0;
    while (core_modules[count] != NULL)
        count++;
    while (count-- > 0)
        core_modules[count]->destroy(core);
    free_slots(core);
    for (size_t i = ARRAY_SIZE(parts) - 1; i-- > 0; )
        parts[i].destroy(core);
    free(core);
}
