/* Backends: the calls of the core that a program makes less often. */
#include "fakes/alone.h"
#include "fakes/alone_lease.h"
#include "fakes/alone_supply.h"
#include "fakes/inspect.h"

/* --- publishing without waiting --- */

struct posted {
    struct actor *actor;
    record_word kind;
    uint64_t ordinal;
    int64_t digest;
    uint32_t call;
};

static void on_posted(void *context, enum core_result rc, uint64_t epoch, uint64_t seq)
{
    const struct posted *posted = context;
    struct actor *actor = posted->actor;

    (void)epoch;
    RECORD(PUB_ACK, actor->party, actor->instance->party, actor->party, posted->call,
           .session = actor->session_word, .kind = posted->kind,
           .number = (int64_t)posted->ordinal, .digest = posted->digest, .seq = (int64_t)seq,
           .code = record_intern(actor->play->api->result_word(rc)));
    note_refusal(actor, "publish", rc);
}

static void post_event(struct actor *actor, const struct scn_step *step)
{
    struct posted *posted = scratch_alloc(sizeof *posted);
    struct session_ref ref;
    size_t length;

    *posted = (struct posted){ .actor = actor, .kind = record_intern(step->kind),
                               .ordinal = count_kind(actor->published, step->kind) };
    char *payload = event_payload(actor, step, posted->ordinal, &length);
    posted->digest = record_digest(payload, length);
    posted->call = RECORD(PUB_CALL, actor->party, actor->party, actor->instance->party, 0,
                          .session = actor->session_word, .kind = posted->kind,
                          .number = (int64_t)posted->ordinal, .digest = posted->digest);
    enum core_result rc = find_session(actor, 0, &ref);
    if (rc == CORE_OK)
        rc = actor->play->api->publish(actor->instance->core, ref, step->kind, payload, length,
                                       on_posted, posted);
    if (rc != CORE_OK) on_posted(posted, rc, 0, 0);
}

/* --- sessions and runs --- */

static void end_session(struct actor *actor)
{
    struct session_ref ref;

    RECORD(CANCEL_CALL, actor->party, actor->party, actor->instance->party, 0,
           .session = actor->session_word);
    enum core_result rc = find_session(actor, 0, &ref);
    if (rc == CORE_OK)
        rc = actor->play->api->session_close(actor->instance->core, ref, CORE_CLOSE_NORMAL);
    note_refusal(actor, "close", rc);
}

static void cancel_run(struct actor *actor)
{
    const struct core_api *api = actor->play->api;
    enum run_state state = RUN_WAITING;

    RECORD(CANCEL_CALL, actor->party, actor->party, actor->instance->party, 0,
           .session = actor->session_word);
    enum core_result rc = api->run_cancel(actor->instance->core, actor->run, "not needed any more");
    if (rc == CORE_OK) rc = api->run_state(actor->instance->core, actor->run, &state);
    RECORD(REPORTED, actor->party, actor->instance->party, actor->party, 0,
           .what = record_intern("the state of a run"), .told = state, .least = 0,
           .most = RUN_STATE_COUNT - 1);
    note_refusal(actor, "cancel", rc);
}

static void report_setting(struct actor *actor, const char *name, uint64_t told, uint64_t real)
{
    RECORD(REPORTED, actor->party, actor->instance->party, actor->party, 0,
           .what = record_intern(name), .told = (int64_t)told, .least = (int64_t)real,
           .most = (int64_t)real);
}

static bool keep_setting(const struct core_api *api, struct core_settings *settings,
                         const struct scn_attr *attr)
{
    const struct core_setting *setting = api->setting_find(attr->name);
    uint64_t number = (uint64_t)attr->value.low;

    if (setting == NULL) return false;
    if (setting->kind == CORE_SETTING_POLICY &&
        !api->setting_word(setting, attr->value.text, &number))
        return false;
    return api->setting_store(settings, setting, number);
}

/* What the session says it has afterwards is what it was given. */
static void configure(struct actor *actor, const struct scn_step *step)
{
    const struct core_api *api = actor->play->api;
    struct core *core = actor->instance->core;
    struct core_settings settings, told;
    struct session_ref ref;

    enum core_result rc = find_session(actor, 0, &ref);
    if (rc == CORE_OK) rc = api->session_settings(core, ref, &settings);
    for (uint32_t i = 0; rc == CORE_OK && i < step->attrs.count; i++) {
        if (!keep_setting(api, &settings, &step->attrs.items[i])) rc = CORE_INVALID;
    }
    if (rc == CORE_OK) rc = api->session_configure(core, ref, &settings);
    if (rc == CORE_OK) rc = api->session_settings(core, ref, &told);
    if (rc == CORE_OK) {
        report_setting(actor, "the heartbeat of a session", told.heartbeat_us,
                       settings.heartbeat_us);
        report_setting(actor, "the grace of a session", told.detach_grace_us,
                       settings.detach_grace_us);
    }
    note_refusal(actor, "configure", rc);
}

/* --- the sandbox of its project --- */

static void release_box(struct actor *actor)
{
    const struct core_api *api = actor->play->api;
    struct core *core = actor->instance->core;
    struct reply *found = reply_new(actor), *given = reply_new(actor);

    enum core_result rc =
        api->sandbox_acquire(core, actor->session, APP_WEB, reply_sandbox, found);
    if (rc == CORE_OK) {
        reply_await(actor, found);
        rc = found->rc;
    }
    if (rc == CORE_OK) rc = api->sandbox_release(core, found->sandbox, reply_sandbox, given);
    if (rc == CORE_OK) {
        reply_await(actor, given);
        rc = given->rc;
    }
    note_refusal(actor, "release", rc);
}

static void use_alone(struct actor *actor, const struct scn_step *step)
{
    uint32_t rounds = (uint32_t)attr_number(&step->attrs, "rounds", 20);
    const char *about = attr_text(&step->attrs, "about", "sessions");

    if (strcmp(about, "leases") == 0) backend_alone_leases(actor, rounds);
    else if (strcmp(about, "servers") == 0) backend_alone_servers(actor, rounds);
    else backend_alone(actor, rounds);
}

void backend_more(struct actor *actor, const struct scn_step *step)
{
    if (step->verb == SCN_VERB_POST) post_event(actor, step);
    else if (step->verb == SCN_VERB_CLOSE) end_session(actor);
    else if (step->verb == SCN_VERB_CANCEL) cancel_run(actor);
    else if (step->verb == SCN_VERB_CONFIGURE) configure(actor, step);
    else if (step->verb == SCN_VERB_RELEASE) release_box(actor);
    else if (step->verb == SCN_VERB_INSPECT) inspect_core(actor);
    else if (step->verb == SCN_VERB_MISUSE) backend_misuse(actor);
    else if (step->verb == SCN_VERB_ALONE) use_alone(actor, step);
    else REQUIRE(!"a verb of backends");
}
