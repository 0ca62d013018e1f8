/* Runs of a core that a backend has for itself, and its agents. */
#include "fakes/alone.h"

/* --- agents --- */

/* From within a run that a drain waits for. */
static void call_while_draining(struct alone *alone, struct run_context *run)
{
    const struct core_api *api = alone->api;
    struct session_ref session = api->run_self(run).session, other;
    struct run_spec spec = { .agent = agent_of(alone->actor), .key = "after the last" };
    struct conn_ref conn;

    alone_tell(alone, "the answer to a run while a core drains",
               api->run_submit(alone->core, session, &spec, NULL, NULL), CORE_DRAINING);
    alone_tell(alone, "the answer to an open while a core drains",
               api->session_open_wait(alone->core, "e", "ann", SESSION_CREATE, &other, NULL),
               CORE_DRAINING);
    alone_tell(alone, "the answer to a publish while a core drains",
               api->publish(alone->core, session, "news", "{}", 2, NULL, NULL), CORE_DRAINING);
    alone_tell(alone, "the answer to a connection while a core drains",
               api->conn_open(alone->core, 1, "ann", &conn), CORE_DRAINING);
}

static enum core_result run_agent(void *context, const char *agent, struct run_context *run)
{
    struct alone *alone = context;

    world_meet(WORLD_MET_FAKES);
    alone_tell(alone, "whether an agent has its name",
               strcmp(agent, agent_of(alone->actor)) == 0, true);
    if (strcmp(alone->api->run_input(run), "{}") == 0) return CORE_OK;
    if (strstr(alone->api->run_input(run), "task") != NULL) return alone_task_run(alone, run);
    alone_tell(alone, "whether a run that begins is to stop", alone->api->run_should_stop(run), 0);
    world_sleep_until(ahead_ns(ALONE_SLOW_US));
    alone_tell(alone, "whether a run of a core that ends is to stop",
               alone->api->run_should_stop(run), 1);
    if (alone->draining) call_while_draining(alone, run);
    return CORE_OK;
}

static void stop_agent(void *context, const char *agent, struct run_ref run)
{
    struct alone *alone = context;

    (void)agent, (void)run;
    world_meet(WORLD_MET_FAKES);
    alone->stops++;
}

struct agent_runner_port alone_agents(struct alone *alone)
{
    return (struct agent_runner_port){ alone, run_agent, stop_agent };
}

/* --- runs --- */

static bool has_state(const struct history_event *event, const char *state)
{
    const json_t *payload = json_loadb(event->payload, event->length, 0, NULL);
    const char *told = json_string_value(json_object_get(payload, "state"));

    return strcmp(event->type, "run_state") == 0 && told != NULL && strcmp(told, state) == 0;
}

/* A run that begins and ends at once leaves two events. */
static void take_in_run(struct alone *alone, struct alone_session *session)
{
    static const char *const states[] = { "running", "completed" };
    struct history_cursor cursor = { session->epoch, session->head };
    struct alone_run *run = &session->runs[session->run_count - 1];
    struct history_page page;

    enum core_result rc = alone->api->history(alone->core, session->ref, cursor, 3,
                                              HISTORY_FORWARD, &page);
    alone_tell(alone, "the events of a run", rc == CORE_OK ? page.count : 0, 2);
    for (size_t i = 0; rc == CORE_OK && i < page.count && i < 2; i++) {
        const struct history_event *event = &page.events[i];
        alone_tell(alone, "whether an event tells a run's state", has_state(event, states[i]), 1);
        alone_take_in(alone, session,
                      (struct alone_event){ scratch_copy(event->type, strlen(event->type)),
                                            scratch_copy(event->payload, event->length),
                                            event->length, 0 });
        alone_trim_store(alone, session);
    }
    run->first_seq = session->head - 1;
    run->last_seq = session->head;
    if (rc == CORE_OK) alone->api->history_page_free(&page);
}

static const struct alone_run *run_called(const struct alone_session *session, const char *key)
{
    for (uint32_t i = 0; i < session->run_count; i++) {
        if (session->runs[i].kept && session->runs[i].key == key) return &session->runs[i];
    }
    return NULL;
}

static void compare_run(struct alone *alone, const struct alone_session *session,
                        struct run_ref ref, enum run_state due)
{
    enum run_state state = RUN_WAITING;
    enum core_result rc = alone->api->run_state(alone->core, ref, &state);

    alone_tell(alone, "the answer about a run", rc, CORE_OK);
    alone_tell(alone, "the state of a run that has ended", state, due);
    alone_tell(alone, "the answer to the cancel of a run that has ended",
               alone->api->run_cancel(alone->core, ref, NULL), CORE_STALE);
    ref.run = session->runs[session->run_count - 1].number + 1;
    alone_tell(alone, "the answer about a run that nobody has started",
               alone->api->run_state(alone->core, ref, &state), CORE_NOT_FOUND);
}

void alone_run_one(struct alone *alone)
{
    struct alone_session *session = alone_draw_session(alone);
    const char *key = alone_names[world_choose(ALONE_KEYS, "a_key")];
    const struct alone_run *known = run_called(session, key);
    struct run_spec spec = { .agent = agent_of(alone->actor), .key = key };
    uint64_t begun_us = now_us();
    struct run_ref ref = { { 0, 0 }, 0 };
    bool created = false;

    if (session->head < session->stored || session->head + 2 >= ALONE_EVENTS) return;
    enum core_result rc =
        alone->api->run_submit(alone->core, session->ref, &spec, &ref, &created);
    alone_tell(alone, "the answer to a run", rc, session->open ? CORE_OK : CORE_STALE);
    alone->stale += !session->open;
    if (rc != CORE_OK || !session->open) return;
    alone_touch(alone, session);
    alone_settle();
    alone_tell(alone, "whether a run is a new one", created, known == NULL);
    if (known != NULL) {
        alone_tell(alone, "the number of a run that is known", ref.run, known->number);
    } else {
        for (uint32_t i = 0; i < session->run_count; i++)
            alone_tell(alone, "whether a run has a number of its own",
                       ref.run > session->runs[i].number, true);
        alone_begin_run(session, key, ref.run);
        alone_end_run(session);
        take_in_run(alone, session);
        if (alone->stored) alone->failing = false;
        session->idle_us = session->attached ? 0 : begun_us;
    }
    compare_run(alone, session, ref, known != NULL ? known->state : RUN_COMPLETED);
}

/* A run that does not hear that it is to stop: a drain waits for it, and tells whether in time. */
bool alone_begin_slow_run(struct alone *alone)
{
    struct run_spec spec = { .agent = agent_of(alone->actor), .key = "last",
                             .input = "{\"slow\":true}" };

    for (uint32_t i = 0; i < ALONE_KEYS; i++) {
        if (alone->sessions[i].open &&
            alone->api->run_submit(alone->core, alone->sessions[i].ref, &spec, NULL, NULL) ==
                CORE_OK) {
            alone_settle();
            return true;
        }
    }
    return false;
}
