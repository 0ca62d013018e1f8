/* Backends: dev servers. What the answer to a call says is compared with what runs at that moment:
 * who is told that one runs can use it, who is told that it was stopped finds nothing of it. */
#include "fakes/inspect.h"

/* How long a sandbox takes at most, a stop waits for its lease, and what a release or a stop before
 * it may add. */
static const uint64_t acquire_us = 120000000, stop_lease_us = 60000000, before_us = 60000000;

/* Fruitless kills, each of a second and a pause, before a server is given up. */
enum { KILLS = 5 };

struct server_call {
    struct reply reply;
    struct actor *actor;
    enum app_type app;
    bool wanted;
};

static const struct process *find_instance(const struct play *play, uint64_t number)
{
    for (uint32_t i = 0; i < play->provider.count; i++) {
        const struct process *process = process_at(play->provider.boxes[i], number);
        if (process != NULL) return process;
    }
    return NULL;
}

static void judge_started(const struct server_call *call, const struct server_status *status)
{
    const struct instance *instance = call->actor->instance;
    const struct core_settings *settings = &instance->play->stage->settings[instance->index];
    const struct process *process = find_instance(instance->play, status->instance);

    inspect_tell(instance, "the state of a server that was asked for", status->state,
                 SERVER_RUNNING, SERVER_RUNNING);
    inspect_tell(instance, "whether a server that was asked for was started",
                 process != NULL && process->app == call->app, 1, 1);
    /* One whose client was taken for it does not listen yet. */
    if (process == NULL || process->listening == 0 || settings->port_probe == PORT_PROBE_OFF)
        return;
    inspect_tell(instance, "the port of a server that was asked for", status->port,
                 process->listening, process->listening);
}

/* Another core may start one at once. */
static void judge_stopped(const struct server_call *call, const struct server_status *status)
{
    const struct instance *instance = call->actor->instance;
    const struct play *play = instance->play;
    const struct box *box = box_owned(play, call->actor->session);
    uint64_t left = 0;

    inspect_tell(instance, "the instance of a server that was stopped", status->instance, 0, 0);
    inspect_tell(instance, "whether a server that was stopped is said to be at rest",
                 status->state == SERVER_STOPPED || status->state == SERVER_FAILED, 1, 1);
    if (box == NULL || play->file->core_count > 1) return;
    for (uint32_t i = 0; i < box->process_count; i++) {
        const struct process *process = &box->processes[i];
        left += process->app == call->app && process->token == box->token &&
                !process->late && process_group_alive(process);
    }
    inspect_tell(instance, "processes of a server that was stopped", left, 0, 0);
}

static void on_server(void *context, enum core_result rc, const struct server_status *status)
{
    struct server_call *call = context;
    const struct instance *instance = call->actor->instance;

    world_meet(WORLD_MET_FAKES); /* it looks at sandboxes */
    inspect_tell(instance, "answers to a call about a server", call->reply.done ? 2 : 1, 1, 1);
    if (rc == CORE_OK && call->wanted) judge_started(call, status);
    if (rc == CORE_OK && !call->wanted) judge_stopped(call, status);
    /* A start that a stop overrules, or a drain, is told of the state that there is. */
    if (call->wanted && rc != CORE_OK && rc != CORE_CANCELLED && rc != CORE_DRAINING &&
        status->state == SERVER_FAILED)
        inspect_tell(instance, "why a server failed", status->result, rc, rc);
    reply_finish(&call->reply, rc);
}

enum app_type app_of(const struct actor *actor, const struct scn_step *step)
{
    const struct core_settings *settings =
        &actor->play->stage->settings[actor->instance->index];
    int64_t port = attr_number(&step->attrs, "port", (int64_t)settings->port_web);

    return port == (int64_t)settings->port_mobile ? APP_MOBILE : APP_WEB;
}

static void judge_time(const struct actor *actor, const char *what, uint64_t since_ns,
                       uint64_t most_us)
{
    if (!inspect_pauses(actor->play))
        inspect_tell(actor->instance, what, (world_now_ns() - since_ns) / 1000, 0, most_us);
}

/* How long the answer to such a call may take. */
static uint64_t longest_us(const struct server_call *call)
{
    const struct instance *instance = call->actor->instance;
    const struct core_settings *settings = &instance->play->stage->settings[instance->index];
    uint64_t end_us = settings->term_grace_us + KILLS * (settings->backoff_cap_us + 1000000);
    uint64_t start_us = call->app == APP_WEB ? settings->start_timeout_web_us
                                             : settings->start_timeout_mobile_us;

    return (call->wanted ? start_us + before_us : stop_lease_us) + end_us;
}

/* One that was called another's is not given again. */
static void judge_handle(const struct actor *actor, struct sandbox_ref ref)
{
    bool same = actor->box_life == actor->instance->life && ref.slot == actor->stale.slot &&
                ref.generation == actor->stale.generation;

    inspect_tell(actor->instance, "whether a sandbox that is given has a handle",
                 ref.generation != 0, 1, 1);
    inspect_tell(actor->instance, "whether a sandbox that is not its owner's is given", same, 0, 0);
}

void use_server(struct actor *actor, const struct scn_step *step, bool wanted)
{
    const struct core_api *api = actor->play->api;
    struct core *core = actor->instance->core;
    struct reply *found = reply_new(actor);
    struct server_call *call = scratch_alloc(sizeof *call);
    struct session_ref watcher = { 0, 0 };

    reply_init(&call->reply, actor);
    call->actor = actor;
    call->app = app_of(actor, step);
    call->wanted = wanted;
    (void)find_session(actor, 0, &watcher);
    uint64_t since_ns = world_now_ns();
    enum core_result rc =
        api->sandbox_acquire(core, actor->session, call->app, reply_sandbox, found);
    if (rc == CORE_OK) {
        reply_await(actor, found);
        judge_time(actor, "how long a sandbox took", since_ns, acquire_us + before_us);
        rc = found->rc;
        if (rc == CORE_OK) judge_handle(actor, found->sandbox);
    }
    if (rc == CORE_OK) {
        actor->held = found->sandbox;
        if (actor->box_life != actor->instance->life) actor->stale = (struct sandbox_ref){ 0, 0 };
        actor->box_life = actor->instance->life;
        since_ns = world_now_ns();
        rc = wanted ? api->server_ensure(core, found->sandbox, call->app, watcher, on_server, call)
                    : api->server_stop(core, found->sandbox, call->app, 0, on_server, call);
    }
    if (rc == CORE_OK) {
        reply_await(actor, &call->reply);
        judge_time(actor, wanted ? "how long a start took" : "how long a stop took", since_ns,
                   longest_us(call));
        rc = call->reply.rc;
        if (rc == CORE_STALE) actor->stale = found->sandbox;
    }
    note_refusal(actor, wanted ? "ensure" : "stop", rc);
}
