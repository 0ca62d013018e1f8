/* The checks of the file, judged as records arrive: a record changes counters, a counter its check,
 * and only checks whose counters changed are looked at. */
#include "harness/check/internal.h"

#include <string.h>

/* --- counters --- */

static bool filters_match(const struct check_set *set, const struct watch *watch,
                          const struct record *record)
{
    const struct filter *filter = &set->filters[watch->filter_first];

    for (uint32_t i = 0; i < watch->filter_count; i++, filter++) {
        if (filter->at < 0) return false;
        int64_t value = record->values.at[filter->at];
        if ((value >= filter->low && value <= filter->high) == filter->other) return false;
    }
    return true;
}

static uint32_t member_bit(const struct check_set *set, const struct counter *counter,
                           const struct record *record)
{
    int32_t actor = check_actor_of(set, record->subject);
    return actor < 0 ? 0 : counter->members & 1u << actor;
}

bool check_watch_matches(const struct check_set *set, const struct watch *watch,
                         const struct record *record)
{
    const struct counter *counter = &set->counters[watch->counter];

    if (watch->subject != WATCH_ANYBODY && watch->subject != record->subject) return false;
    if (watch->filter_count > 0 && !filters_match(set, watch, record)) return false;
    if (watch->by_member || watch->effect != WATCH_COUNT)
        return member_bit(set, counter, record) != 0;
    return true;
}

/* A tab may know several kinds of server; it counts while it knows one that runs. */
static void apply_level(const struct check_set *set, struct counter *counter,
                        const struct watch *watch, const struct record *record)
{
    uint32_t bit = member_bit(set, counter, record);
    bool mobile = record->kind == RECORD_SRV_STATE &&
                  record->values.SRV_STATE.app == set->names.mobile;

    if (watch->effect == WATCH_SET) counter->bits[mobile] |= bit;
    else counter->bits[mobile] &= ~bit;
    if (watch->effect == WATCH_FORGET) counter->bits[!mobile] &= ~bit;
    counter->value = __builtin_popcount(counter->bits[0] | counter->bits[1]);
}

static void mark(struct check_set *set, uint32_t property)
{
    set->dirty[property / 64] |= (uint64_t)1 << property % 64;
}

static void apply(struct check_set *set, const struct watch *watch, const struct record *record)
{
    struct counter *counter = &set->counters[watch->counter];
    uint32_t wanted = counter->ref->kind == SCN_REF_GAUGE ? counter->ref->occurrence : 0;

    if (watch->effect == WATCH_COUNT) counter->value += watch->delta;
    else apply_level(set, counter, watch, record);
    if (counter->first == 0 && counter->value >= (int64_t)(wanted > 0 ? wanted : 1))
        counter->first = record->number;
    /* `A before B`: B happens now, and A had happened in an earlier record. */
    struct property *property = &set->properties[counter->property];
    struct condition *sides[] = { &property->condition, &property->when };
    for (int i = 0; i < 2; i++) {
        struct condition *condition = sides[i];
        if (condition->source == NULL || condition->source->relation != SCN_RELATION_BEFORE ||
            condition->right != (int32_t)watch->counter) continue;
        const struct counter *left = &set->counters[condition->left];
        bool happens = wanted == 0 || counter->value == (int64_t)wanted;
        if (happens && left->first != 0 && left->first < record->number)
            condition->came_before = true;
    }
    mark(set, counter->property);
}

/* --- conditions --- */

/* The value of a term. An occurrence of an event, X[3], is 1 once it has happened. */
static int64_t value_of(const struct check_set *set, const struct scn_term *term, int32_t counter)
{
    if (counter < 0) return term->number;
    const struct counter *it = &set->counters[counter];
    if (it->ref->kind == SCN_REF_GAUGE && it->ref->occurrence > 0) return it->first != 0;
    return it->value;
}

static bool holds(const struct check_set *set, const struct condition *condition)
{
    const struct scn_condition *source = condition->source;
    int64_t left = value_of(set, &source->left, condition->left);

    if (source->relation == SCN_RELATION_NONE) return left != 0;
    if (source->relation == SCN_RELATION_BEFORE) return condition->came_before;
    int64_t right = value_of(set, &source->right, condition->right);
    switch (source->relation) {
    case SCN_RELATION_EQ: return left == right;
    case SCN_RELATION_NE: return left != right;
    case SCN_RELATION_LT: return left < right;
    case SCN_RELATION_LE: return left <= right;
    case SCN_RELATION_GT: return left > right;
    case SCN_RELATION_GE: return left >= right;
    case SCN_RELATION_NONE:
    case SCN_RELATION_BEFORE: break;
    }
    return false;
}

static bool when_holds(const struct check_set *set, const struct property *property)
{
    return property->when.source == NULL || holds(set, &property->when);
}

/* --- judging --- */

static void break_it(struct check_set *set, struct property *property, const struct record *record)
{
    char text[CHECK_TEXT_MAX];
    property->settled = true;
    check_break_property(set, property, record, "%s",
                         check_say(set, property, text, sizeof text));
}

/* Was it true at some moment between the deadlines, which count from calm? */
static void look_back(const struct check_set *set, struct property *property, uint64_t until_us)
{
    const struct scn_span *within = &property->source->within;
    uint64_t from_us = set->calm_us + within->low_us;
    uint64_t to_us = set->calm_us + within->high_us;

    if (set->calm && property->holds && property->since_us <= to_us && until_us >= from_us)
        property->settled = true;
}

static void judge_eventually(struct check_set *set, struct property *property)
{
    bool now = holds(set, &property->condition);

    if (now == property->holds) return;
    look_back(set, property, set->now_us);
    property->holds = now;
    property->since_us = set->now_us;
}

/* Too many are too many at once, unless a `when` can still excuse them. */
static void judge_count(struct check_set *set, struct property *property,
                        const struct record *record)
{
    const struct scn_check *check = property->source;

    if (check->kind == SCN_CHECK_AT_LEAST || check->has_when) return;
    if (set->counters[property->counted].value > (int64_t)check->count)
        break_it(set, property, record);
}

static void judge(struct check_set *set, struct property *property, const struct record *record)
{
    if (property->settled) return;
    switch (property->source->kind) {
    case SCN_CHECK_ALWAYS:
        if (when_holds(set, property) && !holds(set, &property->condition))
            break_it(set, property, record);
        return;
    case SCN_CHECK_NEVER:
        if (when_holds(set, property) && holds(set, &property->condition))
            break_it(set, property, record);
        return;
    case SCN_CHECK_SOMETIMES:
        if (!when_holds(set, property) || !holds(set, &property->condition)) return;
        property->settled = true;
        return;
    case SCN_CHECK_EVENTUALLY: judge_eventually(set, property); return;
    case SCN_CHECK_EXACTLY:
    case SCN_CHECK_AT_MOST:
    case SCN_CHECK_AT_LEAST: judge_count(set, property, record); return;
    case SCN_CHECK_ON:
    case SCN_CHECK_OFF:
    case SCN_CHECK_KNOWN_BUG:
    case SCN_CHECK_COUNT: return;
    }
}

static void judge_dirty(struct check_set *set, const struct record *record)
{
    for (uint32_t word = 0; word < SCN_CHECKS_MAX / 64; word++)
        while (set->dirty[word] != 0) {
            uint32_t bit = (uint32_t)__builtin_ctzll(set->dirty[word]);
            set->dirty[word] &= set->dirty[word] - 1;
            judge(set, &set->properties[word * 64 + bit], record);
        }
}

static void look_at_windows(struct check_set *set, const struct record *record)
{
    /* STEP_BEGIN and FAULT_BEGIN have index and occurrence at the same places. */
    int64_t index = record->values.at[0], occurrence = record->values.at[1];

    for (uint32_t i = 0; i < set->window_count; i++) {
        const struct window *window = &set->windows[i];
        if (window->kind != record->kind || window->index != index) continue;
        if (window->actor >= 0 && record->subject != PARTY_ACTOR + window->actor) continue;
        if (window->occurrence != 0 && window->occurrence != occurrence) continue;
        set->stats.windows[i] = 1;
    }
}

void check_properties_begin(struct check_set *set)
{
    for (uint32_t i = 0; i < set->counter_count; i++) {
        struct counter *counter = &set->counters[i];
        counter->value = 0;
        counter->first = counter->bits[0] = counter->bits[1] = 0;
    }
    for (uint32_t i = 0; i < set->property_count; i++) {
        struct property *property = &set->properties[i];
        property->condition.came_before = property->when.came_before = false;
        property->settled = property->holds = false;
        property->since_us = 0;
        mark(set, i);   /* what does not hold from the beginning is found with the first record */
    }
}

void check_properties_record(struct check_set *set, const struct record *record)
{
    uint32_t end = set->watch_first[record->kind + 1];

    for (uint32_t i = set->watch_first[record->kind]; i < end; i++) {
        const struct watch *watch = &set->watches[i];
        if (!check_watch_matches(set, watch, record)) continue;
        check_meet_property(set->counters[watch->counter].property);
        apply(set, watch, record);
    }
    if (record->kind == RECORD_STEP_BEGIN || record->kind == RECORD_FAULT_BEGIN)
        look_at_windows(set, record);
    judge_dirty(set, record);
}

void check_properties_count(const struct check_set *set, struct check_stats *stats)
{
    for (uint32_t i = 0; i < set->property_count; i++) {
        const struct property *property = &set->properties[i];
        if (property->source->kind == SCN_CHECK_SOMETIMES)
            stats->reached[property->index] += property->settled;
    }
}

void check_properties_calm(struct check_set *set)
{
    for (uint32_t i = 0; i < set->property_count; i++) {
        struct property *property = &set->properties[i];
        if (property->source->kind != SCN_CHECK_EVENTUALLY) continue;
        property->settled = false;
        /* Once settled it was not looked at any more. */
        property->holds = holds(set, &property->condition);
        property->since_us = set->now_us;
    }
}

/* --- the end of the calm --- */

static bool count_is_right(const struct check_set *set, const struct property *property)
{
    int64_t count = set->counters[property->counted].value;
    int64_t bound = property->source->count;

    if (property->source->kind == SCN_CHECK_EXACTLY) return count == bound;
    return property->source->kind == SCN_CHECK_AT_LEAST ? count >= bound : count <= bound;
}

static bool is_kept(const struct check_set *set, struct property *property)
{
    switch (property->source->kind) {
    case SCN_CHECK_EVENTUALLY:
        look_back(set, property, set->now_us);
        return property->settled || !when_holds(set, property);
    case SCN_CHECK_EXACTLY:
    case SCN_CHECK_AT_MOST:
    case SCN_CHECK_AT_LEAST:
        return count_is_right(set, property) || !when_holds(set, property);
    case SCN_CHECK_ALWAYS:
    case SCN_CHECK_NEVER:
    case SCN_CHECK_SOMETIMES:
    case SCN_CHECK_ON:
    case SCN_CHECK_OFF:
    case SCN_CHECK_KNOWN_BUG:
    case SCN_CHECK_COUNT: break;
    }
    return true;
}

void check_properties_end(struct check_set *set, const struct record *record)
{
    for (uint32_t i = 0; i < set->property_count && !set->has_violation; i++)
        if (!is_kept(set, &set->properties[i])) break_it(set, &set->properties[i], record);
}
