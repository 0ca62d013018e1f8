/* From the check block to counters and watches: what has to be done when which record arrives. */
#include "harness/check/internal.h"

#include <stdlib.h>
#include <string.h>

/* Which records make up a gauge. `field` and `value` are a filter of the row's own. */
struct source {
    enum scn_gauge gauge;
    enum record_kind kind;
    const char *field, *value;
    enum watch_effect effect;
    int8_t delta;
};

#define COUNT(gauge, kind) { SCN_GAUGE_##gauge, RECORD_##kind, NULL, NULL, WATCH_COUNT, 1 }
#define COUNT_IF(gauge, kind, field, value)                                                        \
    { SCN_GAUGE_##gauge, RECORD_##kind, field, value, WATCH_COUNT, 1 }
#define LESS(gauge, kind) { SCN_GAUGE_##gauge, RECORD_##kind, NULL, NULL, WATCH_COUNT, -1 }
#define WHEN(gauge, kind, effect)                                                                  \
    { SCN_GAUGE_##gauge, RECORD_##kind, NULL, NULL, WATCH_##effect, 0 }

static const struct source sources[] = {
    COUNT(TAB_RECEIVED, CLIENT_RECV),
    COUNT(TAB_CONNECTED, CLIENT_ONLINE),
    COUNT(TAB_DISCONNECTED, CLIENT_OFFLINE),
    COUNT(TAB_RESYNCED, RESYNC),
    COUNT(TAB_GAPS, GAP_TOLD),
    WHEN(TAB_ONLINE, CLIENT_ONLINE, SET),
    WHEN(TAB_ONLINE, CLIENT_OFFLINE, CLEAR),
    COUNT(AGENT_STARTED, RUN_START),
    COUNT_IF(AGENT_EMITTED, PUB_ACK, "code", "ok"),
    COUNT(AGENT_ASKED, PROMPT_OPEN),
    COUNT(AGENT_SETTLED, PROMPT_DONE),
    COUNT_IF(AGENT_ANSWERED, PROMPT_DONE, "outcome", "approved"),
    COUNT_IF(AGENT_ANSWERED, PROMPT_DONE, "outcome", "rejected"),
    COUNT_IF(AGENT_EXPIRED, PROMPT_DONE, "outcome", "expired"),
    COUNT_IF(AGENT_CANCELLED, PROMPT_DONE, "outcome", "cancelled"),
    COUNT_IF(AGENT_CANCELLED, RUN_END, "outcome", "cancelled"),
    COUNT_IF(AGENT_FINISHED, RUN_END, "outcome", "completed"),
    COUNT(SANDBOX_STARTED, PR_SPAWN),
    COUNT(SANDBOX_LISTENING, PR_LISTEN),
    COUNT_IF(SANDBOX_STOPPED, PR_EXIT, "child", "0"),
    COUNT(SANDBOX_CRASHED, SB_CRASH),
    COUNT(SANDBOX_SERVERS, PR_SPAWN),
    { SCN_GAUGE_SANDBOX_SERVERS, RECORD_PR_EXIT, "child", "0", WATCH_COUNT, -1 },
    COUNT(SANDBOX_PROCESSES, PR_SPAWN),
    COUNT(SANDBOX_PROCESSES, PR_CHILD),
    LESS(SANDBOX_PROCESSES, PR_EXIT),
    COUNT_IF(BACKEND_PUBLISHED, PUB_ACK, "code", "ok"),
    COUNT(BACKEND_REFUSED, CALL_REFUSED),
    COUNT_IF(CORE_ERROR, CLIENT_RECV, "kind", "error"),
    COUNT(CORE_KILLED, CORE_KILLED),
    COUNT(CORE_RESTARTED, CORE_RESTARTED),
    COUNT(CORE_ALERTS, ALERT),
    { SCN_GAUGE_CORE_READY_TABS, RECORD_SRV_STATE, "state", "running", WATCH_SET, 0 },
    WHEN(CORE_READY_TABS, CLIENT_FRESH, FORGET),
    WHEN(CORE_TABS, CLIENT_ONLINE, SET),
    WHEN(CORE_TABS, CLIENT_OFFLINE, CLEAR),
    COUNT(LOCKS_GRANTED, LK_GRANT),
    COUNT_IF(LOCKS_REFUSED, LK_REFUSE, "op", "acquire"),
    COUNT(LOCKS_RELEASED, LK_RELEASE),
    COUNT(LOCKS_EXPIRED, LK_EXPIRE),
    COUNT(LOCKS_HELD, LK_GRANT),
    LESS(LOCKS_HELD, LK_RELEASE),
    LESS(LOCKS_HELD, LK_EXPIRE),
    COUNT(MESSAGES_APPENDED, LOG_APPEND),
    COUNT(MESSAGES_REFUSED, LOG_REFUSED),
};

/* --- growing lists --- */

static void *grow(void *items, uint32_t count, size_t size)
{
    /* Capacities are powers of two: full exactly when the count is one. */
    if (count != 0 && (count & (count - 1)) != 0) return items;
    size_t capacity = count == 0 ? 1 : (size_t)count * 2;
    void *grown = realloc(items, capacity * size);
    REQUIRE(grown != NULL);
    memset((char *)grown + count * size, 0, (capacity - count) * size);
    return grown;
}

static struct filter *add_filter(struct check_set *set, struct watch *watch)
{
    set->filters = grow(set->filters, set->filter_count, sizeof *set->filters);
    if (watch->filter_count++ == 0) watch->filter_first = set->filter_count;
    return &set->filters[set->filter_count++];
}

static void filter_number(struct check_set *set, struct watch *watch, const char *field,
                          int64_t low, int64_t high)
{
    struct filter *filter = add_filter(set, watch);
    filter->at = record_field_find(watch->kind, field);
    filter->low = low;
    filter->high = high;
}

static enum record_type type_of(const struct watch *watch, const char *field)
{
    int at = record_field_find(watch->kind, field);
    return at < 0 ? RECORD_INT : record_info_of(watch->kind)->fields[at].type;
}

static void filter_text(struct check_set *set, struct watch *watch, const char *field,
                        const char *text)
{
    if (type_of(watch, field) == RECORD_WORD) {
        record_word word = record_intern(text);
        filter_number(set, watch, field, word, word);
    } else {
        int64_t number = strtoll(text, NULL, 10);
        filter_number(set, watch, field, number, number);
    }
}

static struct watch *add_watch(struct check_set *set, enum record_kind kind, uint16_t subject,
                               uint16_t counter)
{
    set->watches = grow(set->watches, set->watch_count, sizeof *set->watches);
    struct watch *watch = &set->watches[set->watch_count++];
    *watch = (struct watch){ .kind = (uint8_t)kind, .subject = subject, .counter = counter,
                             .effect = WATCH_COUNT, .delta = 1 };
    return watch;
}

/* --- references --- */

/* project=, session= and user= pick tabs by what the file says of them. */
static bool is_actor_attr(const char *name)
{
    return strcmp(name, "project") == 0 || strcmp(name, "session") == 0 ||
           strcmp(name, "user") == 0;
}

static bool actor_has(const struct scn_actor *actor, const struct scn_attr *wanted)
{
    const struct scn_attr *attr = scn_attrs_find(&actor->attrs, wanted->name);
    return attr != NULL && strcmp(attr->value.text, wanted->value.text) == 0;
}

static uint32_t members_of(const struct check_set *set, const struct scn_ref *ref)
{
    uint32_t members = 0;
    bool of_tabs = ref->gauge == SCN_GAUGE_CORE_TABS || ref->gauge == SCN_GAUGE_CORE_READY_TABS;

    for (uint32_t i = 0; i < set->file->actor_count; i++) {
        const struct scn_actor *actor = &set->file->actors[i];
        bool member = ref->actor < 0 ? actor->kind == SCN_ACTOR_TAB : ref->actor == (int32_t)i;
        if (ref->core >= 0 && actor->core != ref->core) member = false;
        for (uint32_t j = 0; of_tabs && j < ref->filters.count; j++)
            member = member && actor_has(actor, &ref->filters.items[j]);
        if (member) members |= 1u << i;
    }
    return members;
}

static void add_filters(struct check_set *set, struct watch *watch, const struct scn_ref *ref)
{
    bool of_tabs = ref->gauge == SCN_GAUGE_CORE_TABS || ref->gauge == SCN_GAUGE_CORE_READY_TABS;

    for (uint32_t i = 0; i < ref->filters.count; i++) {
        const struct scn_attr *attr = &ref->filters.items[i];
        if (of_tabs && is_actor_attr(attr->name)) continue;
        if (type_of(watch, attr->name) == RECORD_WORD)
            filter_text(set, watch, attr->name, attr->value.text);
        else if (attr->value.kind == SCN_VALUE_NAME || attr->value.kind == SCN_VALUE_STRING)
            add_filter(set, watch)->at = -1;    /* a number is never a word */
        else
            filter_number(set, watch, attr->name, attr->value.low, attr->value.high);
    }
}

static uint16_t subject_of(const struct scn_ref *ref)
{
    if (ref->actor >= 0) return (uint16_t)(PARTY_ACTOR + ref->actor);
    if ((ref->gauge == SCN_GAUGE_CORE_KILLED || ref->gauge == SCN_GAUGE_CORE_RESTARTED ||
         ref->gauge == SCN_GAUGE_CORE_ALERTS) && ref->core >= 0)
        return (uint16_t)(PARTY_CORE + ref->core);
    return WATCH_ANYBODY;
}

static void watch_gauge(struct check_set *set, const struct scn_ref *ref, uint16_t counter)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        const struct source *source = &sources[i];
        if (source->gauge != ref->gauge) continue;
        struct watch *watch = add_watch(set, source->kind, subject_of(ref), counter);
        watch->effect = source->effect;
        watch->delta = source->delta;
        watch->by_member = ref->gauge == SCN_GAUGE_CORE_ERROR;
        if (source->field != NULL) filter_text(set, watch, source->field, source->value);
        add_filters(set, watch, ref);
    }
}

/* Whatever is not `running` clears what `running` sets. */
static void watch_other_states(struct check_set *set, const struct scn_ref *ref, uint16_t counter)
{
    if (ref->gauge != SCN_GAUGE_CORE_READY_TABS) return;
    struct watch *watch = add_watch(set, RECORD_SRV_STATE, WATCH_ANYBODY, counter);
    watch->effect = WATCH_CLEAR;
    struct filter *filter = add_filter(set, watch);
    filter->at = record_field_find(RECORD_SRV_STATE, "state");
    filter->low = filter->high = set->names.running;
    filter->other = true;
}

/* A step has happened when it ended, a fault when it struck. */
static void watch_story(struct check_set *set, const struct scn_ref *ref, uint16_t counter)
{
    bool step = ref->kind == SCN_REF_STEP;
    struct watch *watch = add_watch(set, step ? RECORD_STEP_END : RECORD_FAULT_BEGIN,
                                    step ? (uint16_t)(PARTY_ACTOR + ref->actor) : WATCH_ANYBODY,
                                    counter);
    int64_t index = step ? ref->step : ref->fault;

    filter_number(set, watch, step ? "step" : "fault", index, index);
    if (ref->occurrence > 0)
        filter_number(set, watch, "occurrence", ref->occurrence, ref->occurrence);
}

static int32_t add_counter(struct check_set *set, const struct scn_ref *ref, uint32_t property)
{
    set->counters = grow(set->counters, set->counter_count, sizeof *set->counters);
    uint32_t index = set->counter_count++;
    struct counter *counter = &set->counters[index];

    *counter = (struct counter){ .ref = ref, .property = property };
    counter->members = members_of(set, ref);
    REQUIRE(index < WATCH_ANYBODY);
    if (ref->kind == SCN_REF_GAUGE) {
        watch_gauge(set, ref, (uint16_t)index);
        watch_other_states(set, ref, (uint16_t)index);
    } else {
        REQUIRE(ref->kind == SCN_REF_STEP || ref->kind == SCN_REF_FAULT);
        watch_story(set, ref, (uint16_t)index);
    }
    return (int32_t)index;
}

/* --- checks --- */

static int32_t compile_term(struct check_set *set, const struct scn_term *term, uint32_t property)
{
    if (term->kind == SCN_TERM_REF) return add_counter(set, &term->ref, property);
    REQUIRE(term->kind == SCN_TERM_INT);
    return -1;
}

static struct condition compile_condition(struct check_set *set, const struct scn_condition *source,
                                          uint32_t property)
{
    struct condition condition = { .source = source, .left = -1, .right = -1 };

    condition.left = compile_term(set, &source->left, property);
    if (source->relation != SCN_RELATION_NONE)
        condition.right = compile_term(set, &source->right, property);
    return condition;
}

static void compile_check(struct check_set *set, uint32_t index)
{
    const struct scn_check *check = &set->file->checks[index];
    uint32_t number = set->property_count;
    struct property property = { .source = check, .index = index, .counted = -1 };

    switch (check->kind) {
    case SCN_CHECK_ON:
    case SCN_CHECK_OFF:
    case SCN_CHECK_KNOWN_BUG:
    case SCN_CHECK_COUNT: return;
    case SCN_CHECK_ALWAYS:
    case SCN_CHECK_NEVER:
    case SCN_CHECK_SOMETIMES:
    case SCN_CHECK_EVENTUALLY:
        property.condition = compile_condition(set, &check->condition, number);
        break;
    case SCN_CHECK_EXACTLY:
    case SCN_CHECK_AT_MOST:
    case SCN_CHECK_AT_LEAST:
        property.counted = add_counter(set, &check->counted, number);
        break;
    }
    if (check->has_when) property.when = compile_condition(set, &check->when, number);
    set->properties[set->property_count++] = property;
}

/* --- windows --- */

static void add_window(struct check_set *set, const struct scn_modifiers *modifiers,
                       struct scn_place place)
{
    const struct scn_ref *ref = modifiers->during;
    if (ref == NULL) return;
    bool step = ref->kind == SCN_REF_STEP;
    REQUIRE(step || ref->kind == SCN_REF_FAULT);
    set->windows = grow(set->windows, set->window_count, sizeof *set->windows);
    REQUIRE(set->window_count < CHECK_WINDOWS_MAX);
    set->windows[set->window_count++] = (struct window){
        .place = place,
        .text = ref->text,
        .kind = step ? RECORD_STEP_BEGIN : RECORD_FAULT_BEGIN,
        .actor = step ? ref->actor : -1,
        .index = step ? ref->step : ref->fault,
        .occurrence = ref->occurrence,
    };
}

static void compile_windows(struct check_set *set)
{
    const struct scn_file *file = set->file;

    for (uint32_t i = 0; i < file->actor_count; i++)
        for (uint32_t j = 0; j < file->actors[i].step_count; j++)
            add_window(set, &file->actors[i].steps[j].modifiers, file->actors[i].steps[j].place);
    for (uint32_t i = 0; i < file->fault_count; i++)
        add_window(set, &file->faults[i].modifiers, file->faults[i].place);
}

/* Records of one kind meet only the watches of that kind. Stable: the order of the file is kept. */
static void sort_watches(struct check_set *set)
{
    struct watch *sorted = calloc(set->watch_count + 1, sizeof *sorted);
    uint32_t count = 0;

    REQUIRE(sorted != NULL);
    for (uint32_t kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        set->watch_first[kind] = count;
        for (uint32_t i = 0; i < set->watch_count; i++)
            if (set->watches[i].kind == kind) sorted[count++] = set->watches[i];
    }
    set->watch_first[RECORD_KIND_COUNT] = count;
    free(set->watches);
    set->watches = sorted;
}

void check_compile(struct check_set *set)
{
    set->properties = calloc(set->file->check_count + 1, sizeof *set->properties);
    REQUIRE(set->properties != NULL);
    for (uint32_t i = 0; i < set->file->check_count; i++) compile_check(set, i);
    compile_windows(set);
    sort_watches(set);
}
