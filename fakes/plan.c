/* What a stage works out once for all executions: settings, sessions, names. */
#include "fakes/plan.h"

#include <stdlib.h>

const struct scn_attr *attr_of(const struct scn_attrs *attrs, const char *name)
{
    return scn_attrs_find(attrs, name);
}

const char *attr_text(const struct scn_attrs *attrs, const char *name, const char *fallback)
{
    const struct scn_attr *attr = scn_attrs_find(attrs, name);
    return attr == NULL ? fallback : attr->value.text;
}

int64_t attr_number(const struct scn_attrs *attrs, const char *name, int64_t fallback)
{
    const struct scn_attr *attr = scn_attrs_find(attrs, name);
    return attr == NULL ? fallback : attr->value.low;
}

/* --- settings of the cores --- */

/* How the language calls a word of a policy that is on or off. */
static const char *core_word(const char *word)
{
    if (strcmp(word, "yes") == 0) return "on";
    if (strcmp(word, "no") == 0) return "off";
    return word;
}

static bool store_setting(const struct stage *stage, struct core_settings *settings,
                          const struct core_setting *setting, const struct scn_value *value)
{
    uint64_t number = (uint64_t)value->low;

    if (setting->kind == CORE_SETTING_POLICY &&
        !stage->api->setting_word(setting, value->text, &number) &&
        !stage->api->setting_word(setting, core_word(value->text), &number))
        return false;
    return stage->api->setting_store(settings, setting, number);
}

/* What the harness itself wants to know of a core. */
static bool is_extra(const char *name)
{
    static const char *const names[] = {
#define NAME(name, ...) #name,
        SCN_CORE_EXTRAS(NAME)
#undef NAME
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) return true;
    }
    return false;
}

static const char *apply_attrs(struct stage *stage, const struct scn_core *core,
                               const struct scn_attrs *attrs, struct core_settings *settings)
{
    for (uint32_t i = 0; i < attrs->count; i++) {
        const struct scn_attr *attr = &attrs->items[i];
        if (is_extra(attr->name)) continue;
        const struct core_setting *setting = stage->api->setting_find(attr->name);
        if (setting == NULL)
            return stage_complain(stage, attr->place, "core '%s': %s is no setting of it",
                                  core->name, attr->name);
        if (!store_setting(stage, settings, setting, &attr->value))
            return stage_complain(stage, attr->place, "core '%s': %s cannot have this value",
                                  core->name, attr->name);
    }
    return NULL;
}

/* A scenario that only names the life of a lease means renewals that fit. */
static void fit_renewals(const struct stage *stage, const struct scn_core *core,
                         struct core_settings *settings)
{
    if (attr_of(&core->attrs, "lease_renew") != NULL ||
        attr_of(&stage->file->store, "lease_renew") != NULL)
        return;
    if (settings->lease_renew_us > settings->lease_ttl_us / 3)
        settings->lease_renew_us = settings->lease_ttl_us / 3;
}

/* Where a sentence about settings belongs: to the first of them that it names. */
static struct scn_place place_of(const struct stage *stage, const struct scn_core *core,
                                 const char *sentence)
{
    const struct scn_attrs *lists[] = { &core->attrs, &stage->file->store };

    for (uint32_t list = 0; list < 2; list++) {
        for (uint32_t i = 0; i < lists[list]->count; i++) {
            if (strstr(sentence, lists[list]->items[i].name) != NULL)
                return lists[list]->items[i].place;
        }
    }
    return core->place;
}

static bool wants_sockets(const struct scn_core *core, enum stage_transport transport)
{
    if (transport != STAGE_AS_TOLD) return transport == STAGE_SOCKETS;
    return strcmp(attr_text(&core->attrs, "transport", "frames"), "sockets") == 0;
}

bool stage_wants_sockets(const struct scn_file *file, enum stage_transport transport)
{
    for (uint32_t i = 0; i < file->core_count; i++) {
        if (wants_sockets(&file->cores[i], transport)) return true;
    }
    return false;
}

static const char *plan_core(struct stage *stage, uint32_t index)
{
    const struct scn_core *core = &stage->file->cores[index];
    struct core_settings *settings = &stage->settings[index];
    const char *problem;

    stage->api->settings_default(settings);
    stage->sockets[index] = wants_sockets(core, stage->hooks.transport);
    if (stage->sockets[index] && stage->hooks.server == NULL)
        return stage_complain(stage, core->place,
                              "core '%s': transport=sockets needs libwebsockets, and this harness "
                              "was built without", core->name);
    settings->lease_ttl_us = (uint64_t)attr_number(&stage->file->store, "lease_ttl",
                                                   (int64_t)settings->lease_ttl_us);
    settings->lease_renew_us = (uint64_t)attr_number(&stage->file->store, "lease_renew",
                                                     (int64_t)settings->lease_renew_us);
    problem = apply_attrs(stage, core, &core->attrs, settings);
    if (problem != NULL) return problem;
    fit_renewals(stage, core, settings);
    problem = stage->api->settings_problem(settings);
    if (problem == NULL) return NULL;
    return stage_complain(stage, place_of(stage, core, problem), "core '%s': %s", core->name,
                          problem);
}

/* --- sessions --- */

static bool has_session(enum scn_actor_kind kind)
{
    return kind == SCN_ACTOR_TAB || kind == SCN_ACTOR_AGENT || kind == SCN_ACTOR_BACKEND;
}

const char *plan_session_of(const struct scn_actor *actor)
{
    const char *project = attr_text(&actor->attrs, "project", "main");
    return attr_text(&actor->attrs, "session", project);
}

/* The user of the session: of its first tab that names one, then of anybody. */
const char *plan_user_of(const struct scn_file *file, const struct scn_actor *actor)
{
    const char *session = plan_session_of(actor);
    const char *user = attr_text(&actor->attrs, "user", NULL);

    for (uint32_t i = 0; i < file->actor_count && user == NULL; i++) {
        const struct scn_actor *other = &file->actors[i];
        if (!has_session(other->kind) || strcmp(plan_session_of(other), session) != 0) continue;
        user = attr_text(&other->attrs, "user", NULL);
    }
    return user == NULL ? "user" : user;
}

static struct session_plan *session_plan(struct stage *stage, const struct scn_actor *actor)
{
    const char *name = plan_session_of(actor);

    for (uint32_t i = 0; i < stage->session_count; i++) {
        if (strcmp(stage->sessions[i].name, name) == 0) return &stage->sessions[i];
    }
    struct session_plan *plan = &stage->sessions[stage->session_count++];
    *plan = (struct session_plan){ name, plan_user_of(stage->file, actor), actor->place,
                                   record_intern(name), (uint32_t)actor->core, false };
    return plan;
}

/* The core that runs the session's agent opens it, or else the first that somebody talks to. */
static void plan_sessions(struct stage *stage)
{
    const struct scn_file *file = stage->file;

    for (uint32_t i = 0; i < file->actor_count; i++) {
        const struct scn_actor *actor = &file->actors[i];
        if (actor->kind == SCN_ACTOR_SANDBOX) stage->has_sandboxes = true;
        if (!has_session(actor->kind)) continue;
        struct session_plan *plan = session_plan(stage, actor);
        if (actor->kind == SCN_ACTOR_AGENT) plan->core = (uint32_t)actor->core;
        for (uint32_t s = 0; s < actor->step_count; s++) {
            if (actor->steps[s].verb == SCN_VERB_OPEN) plan->by_backend = true;
        }
    }
}

/* A backend asks for a server by its application, which the port names. */
static const char *plan_ports(struct stage *stage)
{
    for (uint32_t i = 0; i < stage->file->actor_count; i++) {
        const struct scn_actor *actor = &stage->file->actors[i];
        if (actor->kind != SCN_ACTOR_BACKEND) continue;
        const struct core_settings *settings = &stage->settings[actor->core];
        for (uint32_t s = 0; s < actor->step_count; s++) {
            const struct scn_attr *port = attr_of(&actor->steps[s].attrs, "port");
            enum scn_verb verb = actor->steps[s].verb;
            if (port == NULL || (verb != SCN_VERB_ENSURE && verb != SCN_VERB_STOP)) continue;
            if (port->value.low == (int64_t)settings->port_web ||
                port->value.low == (int64_t)settings->port_mobile)
                continue;
            return stage_complain(stage, port->place, "the core has no server on port %s: it has "
                                  "port_web and port_mobile", port->value.text);
        }
    }
    return NULL;
}

/* The file says transport=sockets where it has to; a flag may say otherwise. */
static const char *plan_tabs(struct stage *stage)
{
    for (uint32_t i = 0; i < stage->file->actor_count; i++) {
        const struct scn_actor *actor = &stage->file->actors[i];
        const char *word = attr_text(&actor->attrs, "speaks", "websocket");
        if (actor->kind != SCN_ACTOR_TAB || strcmp(word, "websocket") == 0) continue;
        if (stage->sockets[actor->core]) continue;
        return stage_complain(stage, actor->place, "tab '%s': speaks=%s needs transport=sockets",
                              actor->name, word);
    }
    return NULL;
}

static const char *plan_cores(struct stage *stage)
{
    for (uint32_t i = 0; i < stage->file->core_count; i++) {
        const char *problem = plan_core(stage, i);
        if (problem != NULL) return problem;
    }
    const char *problem = plan_tabs(stage);
    return problem != NULL ? problem : plan_ports(stage);
}

/* --- the rest --- */

static void plan_points(struct stage *stage)
{
    stage->point_count = (uint32_t)stage->api->trace_point_count();
    REQUIRE(stage->point_count <= POINTS_MAX);
    for (uint32_t i = 0; i < stage->point_count; i++) {
        stage->points[i].name = stage->api->trace_point_info(i)->name;
        stage->points[i].word = record_intern(stage->points[i].name);
    }
}

/* A second of the scenario, or half a second by the clock, what is longer: a disk may keep an
 * event for as long before it goes out. */
enum { LIVE_CALM_US = 1000000, MARGINS_PER_CALM = 4 };

static void at_least(uint64_t *value, uint64_t least)
{
    if (*value < least) *value = least;
}

/* Whether a connection can go silent without anybody's being told. */
static bool can_be_silent(const struct scn_file *file)
{
    for (uint32_t i = 0; i < file->fault_count; i++) {
        switch (file->faults[i].kind) {
        case SCN_FAULT_HALFOPEN: case SCN_FAULT_LOSE: case SCN_FAULT_LATE_CLOSE:
        case SCN_FAULT_STALL: case SCN_FAULT_FREEZE: case SCN_FAULT_PAUSE: return true;
        default: break;
        }
    }
    return false;
}

/* As long as the longest promise needs, and until every silent connection was noticed. Real time is
 * not spent on waiting for what cannot be. */
static void plan_calm(struct stage *stage)
{
    if (stage->hooks.live != NULL) {
        at_least(&stage->calm_us, LIVE_CALM_US);
        at_least(&stage->calm_us, stage->hooks.live->margin_us / MARGINS_PER_CALM);
    }
    if (stage->hooks.live == NULL || can_be_silent(stage->file))
        for (uint32_t i = 0; i < stage->file->core_count; i++)
            at_least(&stage->calm_us, stage->settings[i].heartbeat_timeout_us);
    for (uint32_t i = 0; i < stage->file->check_count; i++) {
        const struct scn_check *check = &stage->file->checks[i];
        if (check->kind == SCN_CHECK_EVENTUALLY) at_least(&stage->calm_us, check->within.high_us);
    }
}

static void intern_names(const struct scn_file *file)
{
    for (uint32_t i = 0; i < file->actor_count; i++) {
        const struct scn_actor *actor = &file->actors[i];
        (void)record_intern(actor->name);
        for (uint32_t s = 0; s < actor->step_count; s++) {
            if (actor->steps[s].kind != NULL) (void)record_intern(actor->steps[s].kind);
        }
    }
}

struct stage *stage_new(const struct scn_file *file, const struct core_api *api,
                        const struct stage_hooks *hooks, const char **problem)
{
    static char text[PROBLEM_MAX];
    struct stage *stage = calloc(1, sizeof *stage);

    REQUIRE(stage != NULL);
    scratch_init();
    stage->file = file;
    stage->api = api;
    if (hooks != NULL) stage->hooks = *hooks;
    *problem = plan_cores(stage);
    if (*problem != NULL) {
        memcpy(text, stage->problem, sizeof text);
        *problem = text;
        free(stage);
        return NULL;
    }
    plan_sessions(stage);
    plan_points(stage);
    plan_calm(stage);
    intern_names(file);
    record_scenario(file);
    record_keep_words();
    return stage;
}

uint64_t stage_calm_us(const struct stage *stage)
{
    uint64_t patience_us = stage->calm_us;

    for (uint32_t i = 0; i < stage->file->core_count; i++)
        at_least(&patience_us, stage->settings[i].gate_timeout_us);
    return stage->calm_us + patience_us;
}

void stage_free(struct stage *stage)
{
    if (record_scenario_get() == stage->file) record_scenario(NULL);
    free(stage);
}
