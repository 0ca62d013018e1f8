/* Core instances: started, killed, started again, drained; with the stores that outlive them. */
#include "fakes/inspect.h"

#include "harness/net/net.h"

#include <stdio.h>
#include <string.h>

enum { OPEN_AGAIN_US = 1000000, DRAIN_LONGEST_US = 150000000 };

/* --- the trace port --- */

static void on_point(void *context, const struct trace_record *record)
{
    struct instance *instance = context;
    struct play *play = instance->play;
    const struct stage *stage = play->stage;

    REQUIRE(record->point < stage->point_count);
    RECORD(POINT, instance->party, 0, 0, 0, .point = record->point,
           .name = stage->points[record->point].word, .subject = record_intern(record->subject),
           .first = (int64_t)record->args[0], .second = (int64_t)record->args[1],
           .third = (int64_t)record->args[2], .count = ++play->point_counts[record->point]);
    if (!play->setting_up) world_point_told(stage->points[record->point].name);
}

static void on_alert(void *context, const struct core_alert *alert)
{
    struct instance *instance = instance_called(context);
    size_t length = strcspn(alert->subject, ":");

    /* Telling takes time: whoever tells may be overtaken. */
    world_point(instance->alert_point, WORLD_WRITE);
    tally_alert(instance, alert);
    RECORD(ALERT, instance->party, 0, 0, 0,
           .what = record_intern(instance->play->api->alert_word(alert->kind)),
           .key = record_intern_bytes(alert->subject, length), .raised = alert->raised,
           .value = (int64_t)alert->value, .lock = record_intern(alert->subject));
}

/* --- starting --- */

static void configure(struct instance *instance, struct core_config *config,
                      struct message_store_port *messages, struct lock_store_port *locks,
                      struct sandbox_provider_port *sandboxes)
{
    struct play *play = instance->play;

    play->api->config_default(config);
    config->name = play->file->cores[instance->index].name;
    uint64_t usual_us = config->settings.health_period_us;
    config->settings = play->stage->settings[instance->index];
    config->first_epoch = 1;
    config->hash_seed = 1;
    config->jitter_seed = 1;
    config->transport = instance->sockets
        ? sockets_create(instance)
        : (struct transport_port){ instance, ws_want_write, ws_close };
    config->agents = (struct agent_runner_port){ instance, agent_run, agent_request_stop };
    *messages = messages_port(instance);
    *locks = locks_port(instance);
    *sandboxes = provider_port(instance);
    config->messages = messages;
    config->locks = locks;
    config->sandboxes = play->stage->has_sandboxes ? sandboxes : NULL;
    config->trace = (struct trace_port){ instance, on_point };
    config->alerts = (struct alert_port){ instance, on_alert };
    if (strcmp(attr_text(&play->file->cores[instance->index].attrs, "relay", "off"), "on") == 0)
        config->relay = (struct relay_port){ instance, relay_pass };
    /* Checks that nobody asked for would wake what ought to be woken by others. */
    if (config->settings.health_period_us == usual_us) config->settings.health_period_us = 0;
}

/* The core does not do what the scenario says, at that place. In its first life that is because it
 * cannot: nothing has happened to it yet. */
static _Noreturn void refused(struct instance *instance, struct scn_place place, const char *what,
                              enum core_result rc)
{
    struct play *play = instance->play;
    const struct scn_core *core = &play->file->cores[instance->index];
    char text[300];

    (void)snprintf(text, sizeof text, "core '%s' refused %s: %s (%s)", core->name, what,
                   play->api->result_word(rc), play->api->result_text(rc));
    if (instance->life == 1) play_refuse(play, place, "%s", text);
    play_break(play, place, core->name, text);
}

static void require_ok(struct instance *instance, enum core_result rc, const char *what)
{
    if (rc != CORE_OK)
        refused(instance, instance->play->file->cores[instance->index].place, what, rc);
}

static enum core_result open_session(struct instance *instance, const struct session_plan *plan)
{
    struct session_ref ref;
    uint64_t epoch;

    return instance->play->api->session_open_wait(instance->core, plan->name, plan->owner,
                                                  SESSION_CREATE, &ref, &epoch);
}

/* A store that does not answer is asked again, as an embedding program would. */
static void open_sessions(struct instance *instance)
{
    const struct stage *stage = instance->play->stage;

    for (uint32_t i = 0; i < stage->session_count; i++) {
        const struct session_plan *plan = &stage->sessions[i];
        enum core_result rc;
        if (plan->core != instance->index || plan->by_backend) continue;
        while ((rc = open_session(instance, plan)) != CORE_OK) {
            if (rc != CORE_UNKNOWN && rc != CORE_UNAVAILABLE) {
                char what[200];
                (void)snprintf(what, sizeof what, "to open the session '%s'", plan->name);
                refused(instance, plan->place, what, rc);
            }
            world_sleep_until(ahead_ns(OPEN_AGAIN_US));
        }
    }
}

void instance_start(struct instance *instance)
{
    struct play *play = instance->play;
    struct core_config config;
    struct message_store_port messages;
    struct lock_store_port locks;
    struct sandbox_provider_port sandboxes;

    if (play->lives + 1 >= GROUP_SCARCE)
        world_stop("more than %d lives of cores", GROUP_SCARCE - 1);
    instance->group = (uint8_t)++play->lives;
    instance->life++;
    instance->unwell = false;
    instance->ws = (struct ws){ .stop = false };
    instance->ws.tail = &instance->ws.head;
    instance->ws.queue = queue_at(place_each(PLACE_WORK_EMPTY, instance->index),
                                  instance->play->silent);
    world_group_enter(instance->group);
    configure(instance, &config, &messages, &locks, &sandboxes);
    if (play->api->spare_json != NULL) play->api->spare_json();
    require_ok(instance, play->api->create(&config, &instance->core), "to be created");
    if (!instance->sockets)
        (void)world_spawn(instance->ws_name, WORLD_THREAD, ws_body, instance);
    require_ok(instance, play->api->start(instance->core), "to start");
    if (instance->sockets) sockets_start(instance);
    RECORD(CORE_STARTED, instance->party, 0, 0, 0, .life = instance->life);
    open_sessions(instance);
    world_group_enter(0);
    world_release(&instance->started);
    instance->alive = true;
}

/* Somebody on the scene asks for the session's run. */
static bool started_by_script(const struct play *play, const char *session)
{
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct actor *actor = &play->actors[i];
        if (actor->session == NULL || strcmp(actor->session, session) != 0) continue;
        for (uint32_t s = 0; s < actor->scn->step_count; s++) {
            const struct scn_step *step = &actor->scn->steps[s];
            if (actor->scn->kind == SCN_ACTOR_BACKEND && step->verb == SCN_VERB_START) return true;
            if (step->verb == SCN_VERB_SEND && (strcmp(step->kind, "start_agent") == 0 ||
                                                strcmp(step->kind, "user_message") == 0))
                return true;
        }
    }
    return false;
}

static void submit(struct instance *instance, struct actor *actor)
{
    const struct core_api *api = instance->play->api;
    struct run_spec spec = { .agent = actor->scn->name, .key = actor->scn->name };
    struct session_ref ref;
    struct run_ref run = { { 0, 0 }, 0 };
    bool created = false;
    uint64_t epoch;

    RECORD(RUN_CALL, actor->party, actor->party, instance->party, 0,
           .session = actor->session_word, .key = record_intern(spec.key));
    enum core_result rc = api->session_open_wait(instance->core, actor->session, actor->user,
                                                 SESSION_CREATE, &ref, &epoch);
    if (rc == CORE_OK) rc = api->run_submit(instance->core, ref, &spec, &run, &created);
    actor->agent->submitted = true;
    RECORD(RUN_REQ, actor->party, actor->party, instance->party, 0,
           .session = actor->session_word, .key = record_intern(spec.key), .run = (int64_t)run.run,
           .created = created, .code = record_intern(api->result_word(rc)));
    /* Whatever else it may answer has to do with what is happening to it. */
    if (rc != CORE_LIMIT && rc != CORE_INVALID) return;
    char what[200];
    (void)snprintf(what, sizeof what, "the run of agent '%s'", actor->scn->name);
    refused(instance, actor->scn->place, what, rc);
}

static bool to_be_submitted(const struct instance *instance, const struct actor *actor)
{
    return actor->scn->kind == SCN_ACTOR_AGENT && actor->instance == instance &&
           !actor->agent->submitted && !started_by_script(instance->play, actor->session);
}

static void set_submitting(struct instance *instance, bool submitting)
{
    if (instance->submitting == submitting) return;
    instance->submitting = submitting;
    play_busy(instance->play, PLACE_OTHERS, submitting);
}

/* A thread of the core's own process, which dies with it. */
static void submit_runs(void *argument)
{
    struct instance *instance = argument;
    struct play *play = instance->play;

    if (!instance->submitting) return;
    world_group_enter(instance->group);
    world_acquire(&instance->started);
    /* One that drains is left alone: whoever brings it back submits what is missing. */
    for (uint32_t i = 0; i < play->file->actor_count && instance->alive; i++) {
        if (!to_be_submitted(instance, &play->actors[i])) continue;
        instance->callers++;
        submit(instance, &play->actors[i]);
        instance->callers--;
        world_wake(&instance->changed);
    }
    set_submitting(instance, false);
}

void instance_submit_runs(struct instance *instance)
{
    const struct play *play = instance->play;
    bool any = false;

    for (uint32_t i = 0; i < play->file->actor_count; i++)
        any = any || to_be_submitted(instance, &play->actors[i]);
    if (!any) return;
    set_submitting(instance, true);
    (void)world_spawn(instance->main_name, WORLD_ACTOR, submit_runs, instance);
}

/* --- ending --- */

static void set_coming(struct instance *instance, bool coming)
{
    if (instance->coming == coming) return;
    instance->coming = coming;
    play_busy(instance->play, PLACE_OTHERS, coming);
}

/* Everything that this life of the core had to do with tabs is gone. */
static void lose_sockets(struct instance *instance, const char *why)
{
    struct play *play = instance->play;

    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        struct actor *actor = &play->actors[i];
        if (actor->scn->kind != SCN_ACTOR_TAB || actor->instance != instance) continue;
        struct tab *tab = actor->tab;
        if (tab->socket != NULL) {
            tab->socket->cut = true;
            wire_tell(tab->socket, STAGE_WIRE_CORE_GONE, NULL);
        }
        link_drop(&tab->to_core, NULL, why);
        link_drop(&tab->to_tab, NULL, why);
        tab_offline(tab, why, 0);
    }
}

void instance_kill(struct instance *instance, uint64_t restart_us)
{
    struct play *play = instance->play;

    REQUIRE(instance->alive);
    instance->alive = false;
    instance->core = NULL;
    instance->callers = 0;
    /* Tabs ask whether there is anything to come back to. */
    if (restart_us != WORLD_NEVER) {
        set_coming(instance, true);
        world_task_arm(instance->restart_task, ahead_ns(restart_us));
    }
    const struct stage_live *live = play->stage->hooks.live;
    if (live != NULL) live->kill(live->context, instance->index);
    RECORD(CORE_KILLED, instance->party, 0, 0, 0, .life = instance->life);
    world_group_kill(instance->group);
    if (instance->sockets) net_group_end(instance->group);
    store_calls_killed(play, instance->party);
    play->provider.calls = 0;
    for (uint32_t i = 0; i < play->provider.count; i++) play->provider.boxes[i]->calls = 0;
    agents_killed(play, instance);
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        struct actor *actor = &play->actors[i];
        if (actor->scn->kind == SCN_ACTOR_BACKEND && actor->instance == instance && !actor->over)
            backend_killed(actor);
    }
    set_submitting(instance, false);
    lose_sockets(instance, "the core was killed");
}

static void judge_leaks(struct instance *instance)
{
    const struct stage *stage = instance->play->stage;
    uint32_t count = world_blocks_live(instance->group, NULL, 0);
    uint32_t objects = world_objects_live(instance->group);

    if (objects > 0)
        world_fail(WORLD_FOUND_LEAK, "%u locks and conditions of core '%s' were never destroyed",
                   objects, record_party_name(instance->party));
    if (count == 0) return;
    if (stage->hooks.leaked != NULL)
        stage->hooks.leaked(stage->hooks.context, record_party_name(instance->party),
                            instance->group, count);
    world_fail(WORLD_FOUND_LEAK, "%u blocks of core '%s' were never freed", count,
               record_party_name(instance->party));
}

static void stop_transport(struct instance *instance)
{
    struct ws *ws = &instance->ws;

    world_meet(WORLD_MET_FAKES);
    if (instance->sockets) {
        sockets_stop(instance);
        return;
    }
    ws->stop = true;
    world_wake(&ws->queue);
    while (!ws->stopped) (void)world_wait(&ws->done, WORLD_NEVER, "the transport to end");
    world_acquire(&ws->done);
}

/* Others may go on for ever, so that nothing else tells of a drain without end. */
static void drain_overdue(void *argument)
{
    struct instance *instance = argument;

    /* Where nothing else goes on, the world tells who waits for what. */
    if (world_next_deadline_ns() == WORLD_NEVER) return;
    inspect_tell(instance, "how long a drain takes", now_us() - instance->draining_us, 0,
                 DRAIN_LONGEST_US);
}

static void watch_drain(struct instance *instance, uint64_t deadline_us)
{
    char name[WORLD_NAME_MAX];

    instance->draining_us = now_us();
    if (inspect_pauses(instance->play)) return;
    if (instance->overdue == 0)
        instance->overdue = world_task(name_of(name, record_party_name(instance->party),
                                               ".overdue", ""), WORLD_FAULT, drain_overdue,
                                       instance);
    world_task_arm(instance->overdue, ahead_ns(deadline_us + DRAIN_LONGEST_US + 1));
}

void instance_stop(struct instance *instance, uint64_t deadline_us)
{
    struct play *play = instance->play;

    REQUIRE(instance->core != NULL);
    watch_drain(instance, deadline_us);
    instance->alive = false;
    world_group_enter(instance->group);
    world_acquire(&instance->started);
    enum core_result rc = play->api->drain(instance->core, deadline_us);
    if (instance->overdue != 0) world_task_disarm(instance->overdue);
    RECORD(CORE_DRAINED, instance->party, 0, 0, 0,
           .code = record_intern(play->api->result_word(rc)));
    while (instance->callers > 0)
        (void)world_wait(&instance->changed, WORLD_NEVER, "the core's callers to return");
    world_acquire(&instance->changed);
    stop_transport(instance);
    play->api->destroy(instance->core);
    if (instance->sockets) sockets_destroy(instance);
    world_group_enter(0);
    instance->core = NULL;
    lose_sockets(instance, "the core has ended");
    judge_leaks(instance);
    world_wake(&instance->changed);
}

/* --- keepers: fibers that start and drain while the scenario goes on --- */

static void bring_back(void *argument)
{
    struct instance *instance = argument;

    instance_start(instance);
    RECORD(CORE_RESTARTED, instance->party, 0, 0, 0, .life = instance->life);
    set_coming(instance, false);
    instance_submit_runs(instance);
    faults_refresh(instance->play);
}

static void restart_due(void *argument)
{
    struct instance *instance = argument;

    (void)world_spawn(instance->keeper_name, WORLD_ACTOR, bring_back, instance);
}

static void drain_and_return(void *argument)
{
    struct instance *instance = argument;
    uint64_t restart_us = instance->restart_us;

    instance_stop(instance, instance->drain_us);
    if (restart_us != WORLD_NEVER) {
        world_sleep_until(ahead_ns(restart_us));
        bring_back(instance);
        return;
    }
    set_coming(instance, false);
}

void instance_drain_aside(struct instance *instance, uint64_t deadline_us, uint64_t restart_us)
{
    instance->alive = false;
    instance->drain_us = deadline_us;
    instance->restart_us = restart_us;
    set_coming(instance, true);
    (void)world_spawn(instance->keeper_name, WORLD_ACTOR, drain_and_return, instance);
}

uint16_t instance_thread(const struct instance *instance, const char *name)
{
    return world_entity_newest(instance->group, name);
}

void instance_init(struct play *play, uint32_t index)
{
    struct instance *instance = &play->instances[index];
    const char *core = play->file->cores[index].name;
    char owner[CORE_THREAD_OWNER_MAX + 1] = "";
    char name[WORLD_NAME_MAX];

    instance->play = play;
    instance->index = index;
    instance->changed = queue_at(PLACE_CALLERS, false);
    instance->party = (uint16_t)(PARTY_CORE + index);
    instance->sockets = play->stage->sockets[index];
    instance->eager = strcmp(attr_text(&play->file->cores[index].attrs, "pull", "modest"),
                             "eager") == 0;
    /* Beside the core's own threads, so named as those are. */
    memcpy(owner, core, strnlen(core, CORE_THREAD_OWNER_MAX));
    (void)name_of(instance->ws_name, owner, "/ws", "");
    (void)name_of(instance->keeper_name, owner, "/keeper", "");
    (void)name_of(instance->main_name, owner, "/main", "");
    (void)name_of(instance->relay_name, owner, "/relay", "");
    (void)name_of(instance->alert_point, core, ".alert", "");
    instance->restart_task = world_task(name_of(name, core, ".restart", ""), WORLD_FAULT,
                                        restart_due, instance);
}
