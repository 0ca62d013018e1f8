/* Backends: a core of one's own, used by one thread (fakes/alone.h). What is done to it is drawn;
 * after each call everything that it tells is compared with the model. */
#include "fakes/alone.h"

#include "fakes/alone_ports.h"
#include "fakes/inspect.h"

const char *const alone_names[ALONE_KEYS] = { "a b", "bb", "ccc", "dddd~" };

void alone_tell(const struct alone *alone, const char *what, uint64_t told, uint64_t right)
{
    inspect_tell(alone->actor->instance, what, told, right, right);
}

void alone_settle(void)
{
    world_sleep_until(ahead_ns(ALONE_SETTLE_US));
}

/* More often one that is open. */
struct alone_session *alone_draw_session(struct alone *alone)
{
    struct alone_session *session = &alone->sessions[world_choose(ALONE_KEYS, "a_session")];

    if (session->open) return session;
    return &alone->sessions[world_choose(ALONE_KEYS, "another_session")];
}

/* --- its life --- */

static void wait_some(void)
{
    static const uint64_t pauses_us[] = { 3000000, 9900000, 10000000 };

    world_sleep_until(ahead_ns(pauses_us[world_choose(3, "a_pause")]));
}

static void make_settings(struct alone *alone)
{
    struct core_settings *settings = &alone->settings;

    settings->history_max_events = 3 + world_choose(3, "events_in_memory");
    settings->history_max_bytes = settings->outbound_max_bytes = ALONE_BYTES_MAX;
    settings->event_max_bytes = ALONE_EVENT_MAX;
    settings->replay_max_events = ALONE_REPLAY_MAX;
    settings->store_max_events = alone_draw("a_store_with_room") ? 40 : 8;
    settings->max_sessions = ALONE_SESSIONS_MAX;
    settings->max_runs_per_session = ALONE_RUNS_KEPT;
    settings->retain_after_terminal_us = ALONE_RETAIN_US;
    settings->retain_in_store_us = ALONE_RETAIN_STORE_US;
    settings->heartbeat_us = ALONE_HEARTBEAT_US;
    settings->send_stall_us = alone_draw("a_patient_core") ? ALONE_PATIENCE_US : ALONE_STALL_US;
    settings->start_gate = START_GATE_NONE;
    settings->frame_max_bytes = ALONE_FRAME_MAX;
    settings->max_message_rate = ALONE_RATE;
    settings->run_lock = alone->locked ? RUN_LOCK_ON : RUN_LOCK_OFF;
    settings->lease_ttl_us = ALONE_TTL_US;
    settings->lease_renew_us = ALONE_TTL_US / 3;
    settings->gate_timeout_us = ALONE_GATE_US;
    settings->on_gate_timeout = world_choose(3, "on_gate_timeout");
    settings->prompt_clock = world_choose(2, "prompt_clock");
    settings->on_expire = world_choose(3, "on_expire");
    settings->on_detach = world_choose(3, "on_detach");
    settings->detach_grace_us = ALONE_GRACE_US;
}

static void make_core(struct alone *alone)
{
    struct core_config config;
    struct session_ref ref;

    alone->api->config_default(&config);
    alone->settings = config.settings;
    make_settings(alone);
    config.name = "alone";
    config.settings = alone->settings;
    config.first_epoch = ALONE_FIRST_EPOCH;
    config.hash_seed = 1;
    config.jitter_seed = 1;
    config.transport = alone_transport(alone);
    config.agents = alone_agents(alone);
    if (alone_draw("traced")) config.trace = alone_trace(alone);
    alone->port = alone_store(alone);
    if (alone_draw("a_store_that_keeps_all")) alone->port.trim = NULL;
    config.messages = alone->stored ? &alone->port : NULL;
    struct lock_store_port locks = alone_locks(alone);
    config.locks = alone->locked ? &locks : NULL;
    alone_tell(alone, "the answer to a configuration",
               alone->api->create(&config, &alone->core), CORE_OK);
    alone_tell(alone, "the health of a core before its start", alone->api->health(alone->core),
               CORE_STOPPED);
    alone_tell(alone, "the answer of a core before its start",
               alone->api->session_open_wait(alone->core, "a", "ann", SESSION_CREATE, &ref, NULL),
               CORE_DRAINING);
    alone_tell(alone, "the answer to a start", alone->api->start(alone->core), CORE_OK);
}

static void act(struct alone *alone)
{
    struct alone_session *session;

    switch (world_choose(13, "what_to_do")) {
    case 0: alone_publish_some(alone); return;
    case 1: alone_open_one(alone); return;
    case 2: alone_read_one(alone); return;
    case 3: alone_run_one(alone); return;
    case 4: wait_some(); return;
    case 5: alone_configure_one(alone); return;
    case 6: alone_meddle(alone, alone_draw_session(alone)); return;
    case 7: alone_refresh_one(alone); return;
    case 8:
        if (alone_draw("somebody_else_has_it")) alone_lose_one(alone);
        else alone_close_one(alone);
        return;
    case 9:
        session = alone_draw_session(alone);
        if (session->open) alone_connect(alone, session);
        return;
    case 10: alone_open_one(alone); return;
    case 11: alone_task_one(alone); return;
    default: alone_task_one(alone); return;
    }
}

static void compare_drained(struct alone *alone)
{
    const struct core_api *api = alone->api;
    struct session_ref ref;
    struct conn_ref conn;

    alone_tell(alone, "the health of a core after its drain", api->health(alone->core),
               CORE_STOPPED);
    alone_tell(alone, "an open after a drain",
               api->session_open_wait(alone->core, "e", "ann", SESSION_CREATE, &ref, NULL),
               CORE_DRAINING);
    alone_tell(alone, "a publish after a drain",
               api->publish(alone->core, alone->sessions[0].ref, "news", "{}", 2, NULL, NULL),
               CORE_DRAINING);
    alone_tell(alone, "a connection after a drain",
               api->conn_open(alone->core, 1, "ann", &conn), CORE_DRAINING);
}

static struct line *leave_open(struct alone *alone)
{
    for (uint32_t i = 0; i < ALONE_KEYS; i++)
        if (alone->sessions[i].open) return alone_leave_open(alone, &alone->sessions[i]);
    return NULL;
}

static void end_core(struct alone *alone)
{
    struct line *line = alone_draw("a_connection_at_the_end") ? leave_open(alone) : NULL;
    bool slow = line == NULL && alone_draw("a_run_at_the_end") && alone_begin_slow_run(alone);
    bool patient = alone_draw("a_patient_drain");
    uint64_t begun_us = now_us();

    if (alone_draw("a_drain")) {
        alone->draining = true;
        enum core_result rc =
            alone_drain(alone->actor, alone->core,
                        patient ? 2 * ALONE_SLOW_US : ALONE_SLOW_US / 2);
        alone_tell(alone, "the answer to a drain", rc,
                   slow && !patient ? CORE_EXPIRED : CORE_OK);
        alone_tell(alone, "agents that were asked to stop", alone->stops,
                   alone->due_stops + slow);
        inspect_tell(alone->actor->instance, "how long a drain took", now_us() - begun_us, 0,
                     slow ? ALONE_SLOW_US : 0);
        compare_drained(alone);
        if (line != NULL) alone_due_close(line);
    }
    alone->api->destroy(alone->core);
    alone_settle();
}

void backend_alone(struct actor *actor, uint32_t rounds)
{
    struct alone *alone = scratch_alloc(sizeof *alone);

    *alone = (struct alone){ .actor = actor, .api = actor->play->api };
    alone->stored = alone_draw("a_store");
    alone->locked = alone_draw("runs_take_locks");
    for (uint32_t i = 0; i < ALONE_KEYS; i++) alone->sessions[i].name = alone_names[i];
    alone_scarce(alone);
    if (alone_draw("many_deadlines")) alone_deadline_many(actor);
    make_core(alone);
    for (uint32_t i = 0; i < rounds; i++) {
        act(alone);
        alone_settle();
        alone_compare(alone);
    }
    end_core(alone);
}
