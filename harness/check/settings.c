/* What the file says of its cores, actors and invariants, as far as judging needs it. */
#include "harness/check/internal.h"

#include <stdlib.h>
#include <string.h>

static const char *setting_default(const char *name)
{
    size_t count;
    const struct scn_rule *rules = scn_core_rules(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(rules[i].name, name) == 0) return rules[i].fallback;
    REQUIRE(!"a setting of that name");
    return "";
}

/* "75s" in microseconds; only what the table of defaults contains. */
static uint64_t parse_time_us(const char *text)
{
    static const struct {
        const char *unit;
        uint64_t us;
    } units[] = { { "us", 1 }, { "ms", 1000 }, { "s", 1000000 }, { "m", 60000000 },
                  { "h", 3600000000 } };
    char *unit;
    uint64_t number = strtoull(text, &unit, 10);

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].unit) == 0) return number * units[i].us;
    REQUIRE(!"a time with a unit");
    return 0;
}

static uint64_t core_time_us(const struct scn_core *core, const char *name)
{
    const struct scn_attr *attr = scn_attrs_find(&core->attrs, name);
    return attr != NULL ? (uint64_t)attr->value.low : parse_time_us(setting_default(name));
}

static uint64_t core_count(const struct scn_core *core, const char *name)
{
    const struct scn_attr *attr = scn_attrs_find(&core->attrs, name);
    return attr != NULL ? (uint64_t)attr->value.low : strtoull(setting_default(name), NULL, 10);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What the log keeps, a replay gives, and a slow tab is left with. */
static struct retention read_retention(const struct scn_core *core)
{
    return (struct retention){
        .events = smaller(core_count(core, "history_max_events"),
                          core_count(core, "replay_max_events")),
        .bytes = smaller(core_count(core, "history_max_bytes"),
                         core_count(core, "outbound_max_bytes") / 2),
        .log_events = core_count(core, "history_max_events"),
        .log_bytes = core_count(core, "history_max_bytes") };
}

static bool core_says(const struct scn_core *core, const char *name, const char *word)
{
    const struct scn_attr *attr = scn_attrs_find(&core->attrs, name);
    return strcmp(attr != NULL ? attr->value.text : setting_default(name), word) == 0;
}

static record_word core_word(const struct scn_core *core, const char *name)
{
    const struct scn_attr *attr = scn_attrs_find(&core->attrs, name);
    return record_intern(attr != NULL ? attr->value.text : setting_default(name));
}

static struct policy read_policy(const struct scn_core *core)
{
    return (struct policy){
        .heartbeat_us = core_time_us(core, "heartbeat"),
        .gate_timeout_us = core_time_us(core, "gate_timeout"),
        .detach_grace_us = core_time_us(core, "detach_grace"),
        .outbound_max_bytes = core_count(core, "outbound_max_bytes"),
        .replay_max_events = core_count(core, "replay_max_events"),
        .max_conns_per_session = core_count(core, "max_conns_per_session"),
        .max_runs_per_session = core_count(core, "max_runs_per_session"),
        .pool_total = core_count(core, "pool_total"),
        .start_gate = core_word(core, "start_gate"),
        .on_gate_timeout = core_word(core, "on_gate_timeout"),
        .on_detach = core_word(core, "on_detach"),
        .on_expire = core_word(core, "on_expire"),
        .on_excess = core_word(core, "on_excess"),
        .ack_required = core_says(core, "ack_required", "on"),
        .port_probe = core_says(core, "port_probe", "on"),
        .run_lock = core_says(core, "run_lock", "on"),
        .run_limit_us = core_time_us(core, "run_timeout"),
        .pool_idle_us = core_time_us(core, "pool_idle"),
        .term_grace_us = core_time_us(core, "term_grace"),
        .run_timeout_us = core_time_us(core, "run_timeout"),
        .deadlock_after_us = core_time_us(core, "deadlock_after"),
        .health_period_us = core_time_us(core, "health_period"),
        .contention_percent = core_count(core, "contention_percent"),
        .contention_min_samples = core_count(core, "contention_min_samples"),
        .may_be_full = scn_attrs_find(&core->attrs, "max_jobs") != NULL ||
                       scn_attrs_find(&core->attrs, "max_conns") != NULL ||
                       scn_attrs_find(&core->attrs, "max_sessions") != NULL };
}

static void read_cores(struct check_set *set)
{
    for (uint32_t i = 0; i < set->file->core_count; i++) {
        const struct scn_core *core = &set->file->cores[i];
        set->heartbeat_timeout_us[i] = core_time_us(core, "heartbeat_timeout");
        set->ack_timeout_us[i] = core_time_us(core, "ack_timeout");
        set->retention[i] = read_retention(core);
        set->policies[i] = read_policy(core);
        if (set->policies[i].pool_total > set->pool_total)
            set->pool_total = set->policies[i].pool_total;
        uint64_t idle_us = core_time_us(core, "pool_idle") + core_time_us(core, "pool_sweep");
        if (idle_us > set->idle_limit_us) set->idle_limit_us = idle_us;
        set->prompts_expire[i] = !core_says(core, "on_expire", "hold");
        set->prompts_wait[i] = check_is_configured(set) ||
                               !core_says(core, "prompt_clock", "always");
    }
}

/* A run may have a gate and a limit of its own. Which of several runs a record is about is not
 * always known, so what one of them may do all may. */
static void soften(struct policy *policy, const struct scn_step *start)
{
    const struct scn_attr *gate = scn_attrs_find(&start->attrs, "gate");
    const struct scn_attr *limit = scn_attrs_find(&start->attrs, "timeout");

    if (gate != NULL && (strcmp(gate->value.text, "none") == 0 ||
                         strcmp(record_text(policy->start_gate), "acknowledged") == 0))
        policy->start_gate = record_intern(gate->value.text);
    if (limit == NULL) return;
    uint64_t limit_us = (uint64_t)limit->value.low;
    if (policy->run_timeout_us == 0 || limit_us < policy->run_timeout_us)
        policy->run_timeout_us = limit_us;
    if (policy->run_limit_us > 0 && limit_us > policy->run_limit_us)
        policy->run_limit_us = limit_us;
}

static void read_starts(struct check_set *set)
{
    for (uint32_t i = 0; i < set->file->actor_count; i++) {
        const struct scn_actor *actor = &set->file->actors[i];
        for (uint32_t s = 0; s < actor->step_count; s++) {
            if (actor->steps[s].verb != SCN_VERB_START) continue;
            for (uint32_t core = 0; core < set->file->core_count; core++)
                soften(&set->policies[core], &actor->steps[s]);
        }
    }
}

static int64_t attr_word(const struct scn_actor *actor, const char *name)
{
    const struct scn_attr *attr = scn_attrs_find(&actor->attrs, name);
    return attr != NULL ? record_intern(attr->value.text) : 0;
}

static void read_actors(struct check_set *set)
{
    const struct scn_file *file = set->file;
    uint32_t steps = 0;

    for (uint32_t i = 0; i < file->actor_count; i++) {
        set->users[i] = attr_word(&file->actors[i], "user");
        set->session_words[i] = attr_word(&file->actors[i], "session");
        if (file->actors[i].kind == SCN_ACTOR_BACKEND)
            set->backends[i] = record_intern(file->actors[i].name);
        if (file->actors[i].kind == SCN_ACTOR_SANDBOX) set->box_actors++;
        steps += file->actors[i].step_count;
    }
    set->published_kinds = calloc(steps + 1, sizeof *set->published_kinds);
    REQUIRE(set->published_kinds != NULL);
    for (uint32_t i = 0; i < file->actor_count; i++)
        for (uint32_t j = 0; j < file->actors[i].step_count; j++) {
            const struct scn_step *step = &file->actors[i].steps[j];
            if (step->verb != SCN_VERB_EMIT && step->verb != SCN_VERB_PUBLISH &&
                step->verb != SCN_VERB_POST) continue;
            set->published_kinds[set->published_kind_count++] = record_intern(step->kind);
        }
}

static void read_switches(struct check_set *set)
{
    for (uint32_t i = 0; i < set->file->check_count; i++) {
        const struct scn_check *check = &set->file->checks[i];
        if (check->invariant >= 0) set->places[check->invariant] = check->place;
        if (check->kind == SCN_CHECK_OFF) set->off[check->invariant] = true;
        if (check->kind != SCN_CHECK_KNOWN_BUG) continue;
        set->known[check->invariant >= 0 ? check->invariant : CHECK_FILE + check->bug_check] = true;
    }
}

void check_read_settings(struct check_set *set)
{
    read_cores(set);
    read_starts(set);
    read_actors(set);
    read_switches(set);
}
