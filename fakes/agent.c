/* Agents: the runner port, and the script that an agent follows on the core's agent thread. */
#include "fakes/agent_judge.h"
#include "fakes/text.h"

#include <stdio.h>

uint64_t count_kind(struct counter counters[KINDS_MAX], const char *kind)
{
    for (uint32_t i = 0; i < KINDS_MAX; i++) {
        if (counters[i].kind == NULL) counters[i].kind = kind;
        if (strcmp(counters[i].kind, kind) == 0) return ++counters[i].count;
    }
    world_stop("more than %d kinds of events from one producer", KINDS_MAX);
}

/* --- payloads --- */

static json_t *value_of(const struct scn_value *value)
{
    if (value->kind == SCN_VALUE_NAME || value->kind == SCN_VALUE_STRING)
        return json_string(value->text);
    return json_integer((json_int_t)value->low);
}

static json_t *padding(uint64_t bytes)
{
    char *text = scratch_alloc(bytes + 1);
    memset(text, 'x', bytes);
    return json_stringn(text, bytes);
}

char *event_payload(const struct actor *actor, const struct scn_step *step, uint64_t ordinal,
                    size_t *length)
{
    if (step->text == NULL && step->attrs.count == 0)
        return text_payload(actor->scn->name, ordinal, length);
    json_t *payload = json_object();
    json_object_set_new(payload, "by", json_string(actor->scn->name));
    json_object_set_new(payload, "n", json_integer((json_int_t)ordinal));
    if (step->text != NULL) json_object_set_new(payload, "text", json_string(step->text));
    for (uint32_t i = 0; i < step->attrs.count; i++) {
        const struct scn_attr *attr = &step->attrs.items[i];
        bool pad = strcmp(attr->name, "bytes") == 0 && attr->value.low > 0;
        json_object_set_new(payload, attr->name,
                            pad ? padding((uint64_t)attr->value.low) : value_of(&attr->value));
    }
    char *text = json_dumps(payload, JSON_COMPACT);
    *length = strlen(text);
    return text;
}

/* What is known of its run. */
static void meet(const struct actor *actor, enum world_how how)
{
    world_meet_place(place_each(PLACE_AGENT, actor->index), how);
}

/* --- steps --- */

static bool emit(struct actor *actor, const struct scn_step *step)
{
    struct agent *agent = actor->agent;
    const struct core_api *api = actor->play->api;
    uint64_t ordinal = count_kind(agent->emitted, step->kind), seq = 0;
    record_word kind = record_intern(step->kind);
    size_t length;
    char *payload = event_payload(actor, step, ordinal, &length);
    int64_t digest = record_digest(payload, length);

    uint32_t call = RECORD(PUB_CALL, actor->party, actor->party, agent->at->party, 0,
                           .session = actor->session_word, .kind = kind,
                           .number = (int64_t)ordinal, .digest = digest);
    meet(actor, WORLD_LOOKS);
    bool stopped = agent->stop_asked;
    enum core_result rc = api->run_emit(agent->run, step->kind, payload, length, &seq);
    agent_judges_stopped(actor, stopped, rc);
    RECORD(PUB_ACK, actor->party, agent->at->party, actor->party, call,
           .session = actor->session_word, .kind = kind, .number = (int64_t)ordinal,
           .digest = digest, .seq = (int64_t)seq, .code = record_intern(api->result_word(rc)));
    return rc != CORE_CANCELLED && rc != CORE_DRAINING;
}

/* A question that its agent does not wait for. */
struct pending {
    struct actor *actor;
    record_word id;
    uint32_t opened;
    int64_t run, due_us, asked_us;
    bool input;
};

static void tell_outcome(const struct pending *pending, const char *outcome)
{
    struct actor *actor = pending->actor;

    meet(actor, WORLD_CHANGES);
    RECORD(PROMPT_DONE, actor->party, actor->agent->at->party, actor->party, pending->opened,
           .id = pending->id, .outcome = record_intern(outcome), .run = pending->run,
           .timeout = pending->due_us, .asked = pending->asked_us);
    actor->agent->questions--;
}

static void on_settled(void *context, const struct prompt_answer *answer)
{
    const struct pending *pending = context;
    agent_judges_answer(pending->actor, record_text(pending->id), pending->input, answer);
    tell_outcome(pending, pending->actor->play->api->prompt_outcome_word(answer->outcome));
}

static bool ask_and_go_on(struct actor *actor, const struct prompt_request *request,
                          const struct pending *asked)
{
    const struct core_api *api = actor->play->api;
    struct pending *pending = scratch_alloc(sizeof *pending);

    *pending = *asked;
    enum core_result rc = api->run_ask_async(actor->agent->run, request, on_settled, pending);
    if (rc != CORE_OK) tell_outcome(pending, api->result_word(rc));
    meet(actor, WORLD_LOOKS);
    return rc == CORE_OK && !actor->agent->stop_asked;
}

/* Confirmations say what is to be confirmed. */
static const char *text_asked(const char *id, bool input)
{
    if (input) return NULL;
    char *text = scratch_alloc(strlen(id) + 2);
    (void)snprintf(text, strlen(id) + 2, "%s?", id);
    return text;
}

static bool ask(struct actor *actor, const struct scn_step *step)
{
    struct agent *agent = actor->agent;
    const struct core_api *api = actor->play->api;
    uint64_t timeout_us = (uint64_t)attr_number(&step->attrs, "timeout", 0);
    bool input = strcmp(attr_text(&step->attrs, "input", "no"), "yes") == 0;
    struct prompt_request request = {
        .kind = input ? PROMPT_USER_INPUT : PROMPT_CONFIRMATION,
        .id = step->kind, .text = text_asked(step->kind, input), .timeout_us = timeout_us };
    struct prompt_answer reply = { PROMPT_OPEN, NULL };
    const struct core_settings *settings = &actor->play->stage->settings[agent->at->index];
    uint64_t due_us = timeout_us > 0 ? timeout_us
        : input ? settings->input_timeout_us : settings->confirm_timeout_us;
    struct pending asked = { .actor = actor, .id = record_intern(step->kind),
                             .run = (int64_t)agent->run_number, .due_us = (int64_t)due_us,
                             .asked_us = (int64_t)now_us(), .input = input };

    asked.opened = RECORD(PROMPT_OPEN, actor->party, actor->party, agent->at->party, 0,
                          .id = asked.id, .run = asked.run, .timeout = asked.due_us);
    meet(actor, WORLD_CHANGES);
    agent->questions++;
    if (strcmp(attr_text(&step->attrs, "wait", "yes"), "no") == 0)
        return ask_and_go_on(actor, &request, &asked);
    agent->asking_us = due_us;
    actor_busy(actor, false);
    bool stopped = agent->stop_asked;
    enum core_result rc = api->run_ask(agent->run, &request, &reply);
    agent_judges_stopped(actor, stopped, rc);
    if (rc == CORE_OK) agent_judges_answer(actor, step->kind, input, &reply);
    meet(actor, WORLD_CHANGES);
    actor_busy(actor, true);
    agent->asking_us = 0;
    const char *outcome = rc == CORE_OK ? api->prompt_outcome_word(reply.outcome)
                                        : api->result_word(rc);
    tell_outcome(&asked, outcome);
    inbox_add(actor, &(struct arrival){
        .kind = "prompt_closed",
        .fields = json_pack("{s:s, s:s}", "id", step->kind, "outcome", outcome) });
    if (rc == CORE_OK) api->prompt_answer_free(&reply);
    return rc == CORE_OK && !agent->stop_asked;
}

static bool perform(struct actor *actor, const struct scn_step *step)
{
    struct agent *agent = actor->agent;

    if (step->verb == SCN_VERB_EMIT) return emit(actor, step);
    if (step->verb == SCN_VERB_ASK) return ask(actor, step);
    if (step->verb == SCN_VERB_EXPECT) {
        expect_step(actor, step);
        return true;
    }
    if (step->verb == SCN_VERB_PAUSE) {
        uint64_t until_us = now_us() + step->wait_us;
        enum core_result rc = actor->play->api->run_pause(agent->run, step->wait_us);
        agent_judges_pause(actor, until_us, rc);
        return rc == CORE_OK;
    }
    if (step->verb == SCN_VERB_WAIT) {
        world_sleep_until(ahead_ns(step->wait_us));
        meet(actor, WORLD_LOOKS);
        return !agent->stop_asked;
    }
    REQUIRE(step->verb == SCN_VERB_FINISH);
    agent->finished = true;
    return false;
}

/* --- the runner port --- */

static struct actor *agent_find(struct play *play, const char *name)
{
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        struct actor *actor = &play->actors[i];
        if (actor->scn->kind == SCN_ACTOR_AGENT && strcmp(actor->scn->name, name) == 0)
            return actor;
    }
    return NULL;
}

static void tell_input(struct actor *actor, const char *input)
{
    json_t *fields = strcmp(input, "{}") == 0 ? NULL : json_loads(input, 0, NULL);
    const char *kind = json_string_value(json_object_get(fields, "kind"));

    if (kind != NULL && strcmp(kind, "user_message") == 0)
        inbox_add(actor, &(struct arrival){ .kind = kind, .fields = fields });
}

/* Whoever holds a session after another has a larger token; one holder keeps his. */
static void tell_token(struct actor *actor, uint64_t token)
{
    struct agent *agent = actor->agent;

    RECORD(REPORTED, agent->at->party, agent->at->party, actor->party, 0,
           .what = record_intern("the token of a run"), .told = (int64_t)token,
           .least = (int64_t)(agent->token > 0 ? agent->token : 1), .most = INT64_MAX);
    agent->token = token;
}

static enum core_result outcome_of(const struct agent *agent)
{
    return agent->finished ? CORE_OK : CORE_CANCELLED;
}

/* Without `finish` the run stays open until it is asked to stop. */
static void follow_script(struct actor *actor)
{
    struct agent *agent = actor->agent;

    script_run(actor, perform);
    meet(actor, WORLD_LOOKS);
    while (!agent->finished && !agent->stop_asked && !actor->play->api->run_should_stop(agent->run))
        (void)world_wait(&agent->stopped, WORLD_NEVER, "to be asked to stop");
}

enum core_result agent_run(void *context, const char *name, struct run_context *run)
{
    struct instance *instance = context;
    const struct core_api *api = instance->play->api;
    struct actor *actor = agent_find(instance->play, name);

    if (actor != NULL) meet(actor, WORLD_CHANGES);
    if (actor == NULL || actor->agent->run != NULL) return CORE_FAILED;
    struct agent *agent = actor->agent;
    agent->run = run;
    agent->at = instance;
    agent->run_number = api->run_self(run).run;
    agent->stop_asked = agent->finished = false;
    actor->entity = world_self();
    actor_queues_init(actor);
    agent->stopped = queue_at(place_each(PLACE_AGENT, actor->index), false);
    RECORD(RUN_START, actor->party, instance->party, actor->party, 0,
           .session = actor->session_word, .run = (int64_t)agent->run_number);
    tell_token(actor, api->run_token(run));
    tell_input(actor, api->run_input(run));
    follow_script(actor);
    enum core_result rc = outcome_of(agent);
    meet(actor, WORLD_CHANGES);
    RECORD(RUN_END, actor->party, actor->party, instance->party, 0,
           .run = (int64_t)agent->run_number,
           .outcome = record_intern(rc == CORE_OK ? "completed" : "cancelled"));
    agent->run = NULL;
    agent->ended_ns = world_now_ns();
    actor->entity = WORLD_NOBODY;
    return rc;
}

void agent_request_stop(void *context, const char *name, struct run_ref run)
{
    struct instance *instance = context;
    struct actor *actor = agent_find(instance->play, name);

    if (actor == NULL) return;
    meet(actor, WORLD_CHANGES);
    struct agent *agent = actor->agent;
    if (agent->run == NULL || agent->run_number != run.run || agent->stop_asked) return;
    agent->stop_asked = true;
    RECORD(RUN_STOP_ASKED, actor->party, instance->party, actor->party, 0,
           .run = (int64_t)run.run);
    inbox_add(actor, &(struct arrival){ .kind = "cancel" });
    world_wake(&agent->stopped);
}

void agents_killed(struct play *play, const struct instance *instance)
{
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        struct actor *actor = &play->actors[i];
        if (actor->scn->kind != SCN_ACTOR_AGENT || actor->agent->run == NULL) continue;
        if (actor->agent->at != instance) continue;
        actor->agent->run = NULL;
        actor->agent->asking_us = 0;
        actor->agent->questions = 0;
        actor->entity = WORLD_NOBODY;
        actor_queues_init(actor);
        actor->agent->stopped = (struct world_queue){ .head = 0 };
        actor_abandon(actor);
    }
}

void agent_init(struct actor *actor)
{
    actor->agent = scratch_alloc(sizeof *actor->agent);
    actor->agent->actor = actor;
}
