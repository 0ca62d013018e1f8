/* The sandbox provider: machines with an owner, a token and processes. Every call carries a token;
 * older ones are refused. It outlives every core. */
#include "fakes/inspect.h"

#include <stdio.h>

static record_word code_word(const struct play *play, enum core_result code)
{
    return record_intern(play->api->result_word(code));
}

struct box *box_find(struct play *play, const char *id)
{
    for (uint32_t i = 0; i < play->provider.count; i++) {
        if (strcmp(play->provider.boxes[i]->id, id) == 0) return play->provider.boxes[i];
    }
    return NULL;
}

struct box *box_owned(const struct play *play, const char *owner)
{
    for (uint32_t i = 0; i < play->provider.count; i++) {
        struct box *box = play->provider.boxes[i];
        if (!box->destroyed && strcmp(box->owner, owner) == 0) return box;
    }
    return NULL;
}

void box_tell(struct box *box, const char *kind, json_t *fields)
{
    if (box->actor != NULL)
        inbox_add(box->actor, &(struct arrival){ .kind = kind, .fields = fields });
}

static struct box *box_new(struct play *play, struct actor *actor, const char *id)
{
    struct provider *provider = &play->provider;
    struct box *box = scratch_alloc(sizeof *box);
    char name[WORLD_NAME_MAX];

    if (provider->count == SANDBOXES_MAX)
        world_stop("more than %d sandboxes in one execution", SANDBOXES_MAX);
    provider->boxes[provider->count++] = box;
    box->play = play;
    box->actor = actor;
    box->id = id;
    box->word = record_intern(id);
    box->party = actor == NULL ? PARTY_NOBODY : actor->party;
    box->task = world_task(name_of(name, id, ".listen", ""), WORLD_MESSAGE, process_listen_due,
                           box);
    box->point = scratch_copy(name_of(name, id, ".call", ""), strlen(name));
    return box;
}

/* Sandboxes of the scenario exist from the beginning, booted and with no owner, unless their script
 * starts them. */
void provider_init(struct play *play)
{
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        struct actor *actor = &play->actors[i];
        if (actor->scn->kind != SCN_ACTOR_SANDBOX) continue;
        struct box *box = box_new(play, actor, actor->scn->name);
        const struct scn_attr *boot = scn_attrs_find(&actor->scn->attrs, "boot");
        if (boot != NULL) {
            box->boot_low_us = (uint64_t)boot->value.low;
            box->boot_high_us = (uint64_t)boot->value.high;
        }
        box->port = (uint16_t)attr_number(&actor->scn->attrs, "port", 0);
        box->made = true;
        box->token = 1;
        for (uint32_t step = 0; step < actor->scn->step_count; step++) {
            if (actor->scn->steps[step].verb == SCN_VERB_START) box->down = true;
        }
        actor->box = box;
    }
}

/* --- crash and recovery --- */

void box_crash(struct box *box)
{
    if (box->down) return;
    box->down = true;
    RECORD(SB_CRASH, box->party, 0, 0, 0, .sandbox = box->word);
    for (uint32_t i = 0; i < box->process_count; i++) {
        struct process *process = &box->processes[i];
        process->ghost = false;
        process_end(box, process, "crash");
        while (process->children > 0) process_end_child(box, process, "crash");
    }
    world_wake(&box->changed);
}

void box_recover(struct box *box)
{
    box->down = false;
    world_wake(&box->changed);
}

void box_resume(struct box *box)
{
    box->paused_until_ns = 0;
    world_wake(&box->resumed);
    process_arm(box);
}

static void clear(struct box *box, const char *why)
{
    for (uint32_t i = 0; i < box->process_count; i++) {
        struct process *process = &box->processes[i];
        process_end(box, process, why);
        while (process->children > 0) process_end_child(box, process, why);
    }
}

static void heed(struct box *box, struct process *process, bool kill)
{
    process_end(box, process, kill ? "killed" : "terminated");
    /* Children ignore the polite signal. */
    while (kill && process->children > 0) process_end_child(box, process, "killed");
}

void box_succumb(struct box *box)
{
    box->surviving = false;
    for (uint32_t i = 0; i < box->process_count; i++) {
        struct process *process = &box->processes[i];
        if (process->doomed) heed(box, process, process->slain);
    }
}

static void disown(struct box *box, uint16_t from)
{
    record_word owner = record_intern(box->owner);

    box->token++;
    memset(box->owner, 0, sizeof box->owner);
    RECORD(SB_RELEASE, box->party, from, from == 0 ? 0 : box->party, 0, .sandbox = box->word,
           .owner = owner, .token = (int64_t)box->token);
    box_tell(box, "release", json_pack("{s:I}", "token", (json_int_t)box->token));
}

void box_revoke(struct box *box)
{
    clear(box, "revoked");
    disown(box, 0);
    world_wake(&box->changed);
}

/* --- calls --- */

/* A scheduling point of its own, so that faults and others may come in between. */
static void enter(struct instance *instance, struct box *box)
{
    if (instance->play->setting_up) return;
    if (box == NULL) {
        world_point("sandboxes.call", WORLD_WRITE);
        world_meet(WORLD_MET_FAKES);
        return;
    }
    box->calls++;
    faults_refresh(box->play);
    world_point(box->point, WORLD_WRITE);
    while (box->paused_until_ns > world_now_ns())
        (void)world_wait(&box->resumed, box->paused_until_ns, "a sandbox that stands still");
    world_meet(WORLD_MET_FAKES);
}

/* A call about no sandbox, or all of them: whose answers are lost may lose that one, too. */
static void enter_all(struct instance *instance)
{
    if (instance->play->setting_up) return;
    instance->play->provider.calls++;
    faults_refresh(instance->play);
    world_point("sandboxes.call", WORLD_WRITE);
    world_meet(WORLD_MET_FAKES);
}

static enum core_result lose_answer(struct box *box)
{
    box->lose_answer = false;
    return CORE_UNKNOWN;
}

static enum core_result leave(struct box *box, enum core_result rc)
{
    if (box == NULL || box->calls == 0) return rc;
    box->calls--;
    faults_refresh(box->play);
    return box->lose_answer ? lose_answer(box) : rc;
}

static enum core_result leave_all(struct instance *instance)
{
    struct play *play = instance->play;
    struct provider *provider = &play->provider;

    if (play->setting_up) return CORE_OK;
    if (provider->calls > 0) provider->calls--;
    faults_refresh(play);
    for (uint32_t i = 0; i < provider->count; i++) {
        if (provider->boxes[i]->lose_answer) return lose_answer(provider->boxes[i]);
    }
    return CORE_OK;
}

static enum core_result refuse(struct instance *instance, struct box *box, const char *op,
                               uint64_t token, enum core_result rc)
{
    RECORD(SB_REFUSE, box == NULL ? PARTY_NOBODY : box->party, instance->party,
           box == NULL ? PARTY_NOBODY : box->party, 0, .sandbox = box == NULL ? 0 : box->word,
           .op = record_intern(op), .token = (int64_t)token,
           .code = code_word(instance->play, rc));
    return leave(box, rc);
}

/* What every call with a token begins with: the box, or NULL with the answer in *rc. */
static struct box *reach(struct instance *instance, const char *id, uint64_t token, const char *op,
                         enum core_result *rc)
{
    struct box *box = box_find(instance->play, id);

    enter(instance, box);
    *rc = CORE_OK;
    if (box == NULL || !box->made || box->destroyed) *rc = CORE_NOT_FOUND;
    else if (box->token != token) *rc = CORE_STALE;
    else if (box->refuse_call) *rc = CORE_CONFLICT;
    if (box != NULL && *rc == CORE_CONFLICT) box->refuse_call = false;
    if (*rc == CORE_OK) return box;
    (void)refuse(instance, box, op, token, *rc);
    return NULL;
}

static void describe(const struct box *box, struct sandbox_record *record)
{
    *record = (struct sandbox_record){ .app = box->app, .token = box->token };
    (void)snprintf(record->id, sizeof record->id, "%s", box->id);
    (void)snprintf(record->request, sizeof record->request, "%s",
                   box->request == NULL ? "" : box->request);
    memcpy(record->owner, box->owner, sizeof record->owner);
    record->state = box->down ? SANDBOX_STOPPED : SANDBOX_READY;
}

static struct box *find_request(struct play *play, const char *request)
{
    for (uint32_t i = 0; i < play->provider.count; i++) {
        struct box *box = play->provider.boxes[i];
        if (box->request != NULL && strcmp(box->request, request) == 0) return box;
    }
    return NULL;
}

static enum core_result create(void *context, const char *request, enum app_type app,
                               struct sandbox_record *record)
{
    struct instance *instance = instance_called(context);
    struct play *play = instance->play;

    enter_all(instance);
    struct box *box = find_request(play, request);
    if (box == NULL) {
        char name[CORE_NAME_MAX];
        (void)snprintf(name, sizeof name, "sandbox_%u", play->provider.count + 1);
        box = box_new(play, NULL, scratch_copy(name, strlen(name)));
        box->made = true;
        box->token = 1;
        box->app = app;
        box->request = scratch_copy(request, strlen(request));
        RECORD(SB_CREATE, box->party, instance->party, box->party, 0, .sandbox = box->word,
               .app = record_intern(app == APP_WEB ? "web" : "mobile"));
    }
    describe(box, record);
    return leave_all(instance);
}

/* Sandboxes that hold a project are for the sessions in which somebody works on it. */
static bool may_own(const struct box *box, const char *owner)
{
    const char *project = box->actor == NULL
        ? NULL : attr_text(&box->actor->scn->attrs, "project", NULL);
    const struct play *play = box->play;

    if (project == NULL || owner[0] == '\0' || strcmp(project, owner) == 0) return true;
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct actor *actor = &play->actors[i];
        if (actor->session == NULL || strcmp(actor->session, owner) != 0) continue;
        if (strcmp(attr_text(&actor->scn->attrs, "project", ""), project) == 0) return true;
    }
    return false;
}

static void give(struct box *box, const struct instance *instance, const char *owner)
{
    box->token++;
    memset(box->owner, 0, sizeof box->owner);
    memcpy(box->owner, owner, strlen(owner));
    RECORD(SB_ASSIGN, box->party, instance->party, box->party, 0, .sandbox = box->word,
           .owner = record_intern(owner), .token = (int64_t)box->token);
    box_tell(box, "assign", json_pack("{s:I}", "token", (json_int_t)box->token));
}

static enum core_result assign(void *context, const char *id, const char *owner,
                               uint64_t expected_token, struct sandbox_record *record)
{
    struct instance *instance = instance_called(context);
    enum core_result rc;
    struct box *box = reach(instance, id, expected_token, "assign", &rc);

    if (box == NULL) return rc == CORE_STALE ? CORE_CONFLICT : rc;
    if (!may_own(box, owner))
        return refuse(instance, box, "assign", expected_token, CORE_CONFLICT);
    if (owner[0] != '\0')
        give(box, instance, owner);
    else
        disown(box, instance->party);
    describe(box, record);
    return leave(box, CORE_OK);
}

static enum core_result destroy(void *context, const char *id, uint64_t token)
{
    struct instance *instance = instance_called(context);
    enum core_result rc;
    struct box *box = reach(instance, id, token, "destroy", &rc);

    if (box == NULL) return rc;
    clear(box, "destroyed");
    box->destroyed = true;
    RECORD(SB_DESTROY, box->party, instance->party, box->party, 0, .sandbox = box->word,
           .token = (int64_t)token);
    box_tell(box, "destroy", json_object());
    return leave(box, CORE_OK);
}

/* Ordered by id. */
static enum core_result list(void *context, struct sandbox_record *records, size_t capacity,
                             size_t *count)
{
    struct instance *instance = instance_called(context);
    const struct provider *provider = &instance->play->provider;
    const struct box *last = NULL;
    size_t used = 0;

    enter_all(instance);
    for (;;) {
        const struct box *next = NULL;
        for (uint32_t i = 0; i < provider->count; i++) {
            const struct box *box = provider->boxes[i];
            if (!box->made || box->destroyed) continue;
            if (last != NULL && strcmp(box->id, last->id) <= 0) continue;
            if (next == NULL || strcmp(box->id, next->id) < 0) next = box;
        }
        if (next == NULL) break;
        if (used < capacity) describe(next, &records[used]);
        used++;
        last = next;
    }
    *count = used;
    return leave_all(instance);
}

static enum core_result await_ready(void *context, const char *id, uint64_t token,
                                    uint64_t timeout_us)
{
    struct instance *instance = instance_called(context);
    uint64_t deadline_ns = ahead_ns(timeout_us);
    enum core_result rc;
    struct box *box = reach(instance, id, token, "await_ready", &rc);

    if (box == NULL) return rc;
    if (box->return_stopped) {
        box->return_stopped = false;
        return leave(box, CORE_FAILED);
    }
    while (box->down && rc == CORE_OK) {
        if (box->destroyed || box->token != token) rc = CORE_STALE;
        else if (!world_wait(&box->changed, deadline_ns, "the sandbox")) rc = CORE_EXPIRED;
    }
    return leave(box, rc);
}

static void fill(const struct process *process, struct process_record *record)
{
    *record = (struct process_record){
        .instance = process->instance, .process_group = process->pgid, .token = process->token,
        .app = process->app, .port = process->port, .alive = process_group_alive(process) };
    (void)snprintf(record->request, sizeof record->request, "%s", process->request);
}

static enum core_result spawn(void *context, const char *id, uint64_t token,
                              const struct spawn_request *request, struct process_record *process)
{
    struct instance *instance = instance_called(context);
    enum core_result rc;
    struct box *box = reach(instance, id, token, "spawn", &rc);

    if (box == NULL) return rc;
    if (request->fence < box->fence[request->app])
        return refuse(instance, box, "spawn", request->fence, CORE_STALE);
    if (box->down) return leave(box, CORE_UNAVAILABLE);
    box->fence[request->app] = request->fence;
    inspect_spawn(instance, box, request);
    uint64_t late_us = box->late_exec_us;
    box->late_exec_us = 0;
    fill(process_spawn(box, request, token, late_us), process);
    box_tell(box, "spawn", json_pack("{s:i, s:s, s:I}", "port", (int)request->port, "app",
                                     request->app == APP_WEB ? "web" : "mobile", "token",
                                     (json_int_t)token));
    rc = box->fail_exec || late_us > 0 ? CORE_UNKNOWN : CORE_OK;
    box->fail_exec = false;
    return leave(box, rc);
}

static enum core_result processes(void *context, const char *id, uint64_t token,
                                  struct process_record *records, size_t capacity, size_t *count)
{
    struct instance *instance = instance_called(context);
    enum core_result rc;
    struct box *box = reach(instance, id, token, "processes", &rc);
    size_t used = 0;

    if (box == NULL) return rc;
    if (box->down) return leave(box, CORE_UNAVAILABLE);
    for (uint32_t i = 0; i < box->process_count; i++) {
        if (box->processes[i].reaped || box->processes[i].start_ns > 0) continue;
        if (used < capacity) fill(&box->processes[i], &records[used]);
        used++;
    }
    *count = used;
    return leave(box, CORE_OK);
}

static enum core_result signal_group(void *context, const char *id, uint64_t token,
                                     uint64_t number, enum process_signal signal)
{
    struct instance *instance = instance_called(context);
    enum core_result rc;
    struct box *box = reach(instance, id, token, "signal", &rc);

    if (box == NULL) return rc;
    if (box->down) return leave(box, CORE_UNAVAILABLE);
    struct process *process = process_at(box, number);
    if (process == NULL || !process_group_alive(process)) return leave(box, CORE_NOT_FOUND);
    bool kill = signal == PROCESS_KILL;
    RECORD(PR_SIGNAL, box->party, instance->party, box->party, 0, .instance = (int64_t)number,
           .pgid = (int64_t)process->pgid, .signal = record_intern(kill ? "kill" : "term"),
           .port = process->port);
    box_tell(box, "signal", json_pack("{s:i, s:s}", "port", (int)process->port, "sig",
                                      kill ? "kill" : "term"));
    process->doomed = true;
    process->slain |= kill;
    if (!box->surviving) heed(box, process, kill);
    return leave(box, CORE_OK);
}

static enum core_result probe(void *context, const char *id, uint64_t token, uint16_t port,
                              uint64_t *number)
{
    struct instance *instance = instance_called(context);
    enum core_result rc;
    struct box *box = reach(instance, id, token, "probe", &rc);

    if (box == NULL) return rc;
    if (box->down) return leave(box, CORE_UNAVAILABLE);
    *number = process_answering(box, port);
    if (*number == 0 && box->list_clients && box->process_count > 0) {
        /* Somebody who is merely connected to the port is taken for its holder. */
        box->list_clients = false;
        *number = box->processes[0].instance;
    }
    RECORD(PROBE, box->party, instance->party, box->party, 0, .port = port,
           .instance = (int64_t)*number);
    box_tell(box, "probe", json_pack("{s:i}", "port", (int)port));
    return leave(box, *number == 0 ? CORE_NOT_FOUND : CORE_OK);
}

static enum core_result wait_group(void *context, const char *id, uint64_t token, uint64_t number,
                                   uint64_t timeout_us)
{
    struct instance *instance = instance_called(context);
    uint64_t deadline_ns = ahead_ns(timeout_us);
    enum core_result rc;
    struct box *box = reach(instance, id, token, "wait", &rc);

    if (box == NULL) return rc;
    struct process *process = process_at(box, number);
    if (process == NULL) return leave(box, CORE_NOT_FOUND);
    while (rc == CORE_OK && process_group_alive(process)) {
        if (!world_wait(&box->changed, deadline_ns, "the end of a process")) rc = CORE_EXPIRED;
    }
    if (rc == CORE_OK) process->reaped = true;
    return leave(box, rc);
}

struct sandbox_provider_port provider_port(struct instance *instance)
{
    return (struct sandbox_provider_port){
        .context = instance, .create = create, .assign = assign, .destroy = destroy,
        .list = list, .await_ready = await_ready, .spawn = spawn, .processes = processes,
        .signal = signal_group, .probe = probe, .wait = wait_group };
}

/* --- the script of a sandbox --- */

static bool perform(struct actor *actor, const struct scn_step *step)
{
    struct box *box = actor->box;

    if (step->verb == SCN_VERB_START) box_recover(box);
    else if (step->verb == SCN_VERB_STOP) box_crash(box);
    else if (step->verb == SCN_VERB_EXPECT) expect_step(actor, step);
    else if (step->verb == SCN_VERB_WAIT) world_sleep_until(ahead_ns(step->wait_us));
    else REQUIRE(!"a verb of sandboxes");
    return true;
}

void sandbox_body(void *actor)
{
    script_run(actor, perform);
}
