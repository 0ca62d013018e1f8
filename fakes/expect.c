/* Expectations: what arrived at an actor, and what its script waits for. */
#include "fakes/internal.h"

#include <stdio.h>

static void meet_item(const struct actor *actor, uint32_t number, enum world_how how)
{
    world_meet_place(place_each(PLACE_INBOX_ITEM + number % PLACE_FRAMES, actor->index), how);
}

/* --- matching --- */

static bool same_value(const json_t *field, const struct scn_value *wanted)
{
    if (json_is_integer(field)) {
        int64_t value = json_integer_value(field);
        return wanted->kind != SCN_VALUE_NAME && wanted->kind != SCN_VALUE_STRING &&
               value >= wanted->low && value <= wanted->high;
    }
    if (json_is_boolean(field))
        return strcmp(wanted->text, json_is_true(field) ? "yes" : "no") == 0 ||
               strcmp(wanted->text, json_is_true(field) ? "true" : "false") == 0;
    return json_is_string(field) && strcmp(json_string_value(field), wanted->text) == 0;
}

static bool matches(const struct scn_pattern *pattern, const struct arrival *arrival)
{
    if (strcmp(pattern->kind, arrival->kind) != 0) return false;
    if (pattern->occurrence > 0 && arrival->ordinal != pattern->occurrence) return false;
    for (uint32_t i = 0; i < pattern->filters.count; i++) {
        const struct scn_attr *filter = &pattern->filters.items[i];
        const json_t *field = json_object_get(arrival->fields, filter->name);
        if (field == NULL) field = json_object_get(arrival->more, filter->name);
        if (field == NULL || !same_value(field, &filter->value)) return false;
    }
    return true;
}

static bool matches_any(const struct scn_step *step, const struct arrival *arrival)
{
    for (uint32_t p = 0; p < step->pattern_count; p++) {
        if (matches(&step->patterns[p], arrival)) return true;
    }
    return false;
}

static bool find_match(const struct actor *actor, const struct scn_step *step, uint32_t *at)
{
    for (uint32_t i = actor->inbox_next; i < actor->inbox_count; i++) {
        meet_item(actor, i, WORLD_TAKES);
        if (!matches_any(step, &actor->inbox[i])) continue;
        *at = i;
        return true;
    }
    world_meet_place(place_each(PLACE_INBOX, actor->index), WORLD_LOOKS);
    return false;
}

static const struct arrival *find_event(const struct actor *actor)
{
    meet_each(PLACE_INBOX, actor->index);
    for (uint32_t i = actor->inbox_next; i < actor->inbox_count; i++) {
        if (actor->inbox[i].seq > 0) return &actor->inbox[i];
    }
    return NULL;
}

void inbox_add(struct actor *actor, const struct arrival *arrival)
{
    if (actor->inbox_count == actor->inbox_capacity) {
        uint32_t capacity = actor->inbox_capacity == 0 ? 64 : 2 * actor->inbox_capacity;
        struct arrival *grown = scratch_alloc(capacity * sizeof *grown);
        if (actor->inbox_count > 0)
            memcpy(grown, actor->inbox, actor->inbox_count * sizeof *grown);
        actor->inbox = grown;
        actor->inbox_capacity = capacity;
    }
    meet_each(PLACE_INBOX, actor->index);
    meet_item(actor, actor->inbox_count, WORLD_GIVES);
    actor->inbox[actor->inbox_count++] = *arrival;
    if (actor->expected == NULL || matches_any(actor->expected, arrival))
        world_wake(&actor->arrival);
}

void inbox_forget(struct actor *actor)
{
    meet_each(PLACE_INBOX, actor->index);
    actor->inbox_next = actor->inbox_count;
}

/* --- violations --- */

void expect_broken(struct actor *actor, const struct scn_step *step, const char *text)
{
    char name[160];

    if (step->label != NULL)
        (void)snprintf(name, sizeof name, "%s.%s", actor->scn->name, step->label);
    else
        (void)snprintf(name, sizeof name, "%s, line %u", actor->scn->name, step->place.line);
    play_break(actor->play, step->place, name, text);
}

static size_t describe(const struct scn_step *step, char *text, size_t size)
{
    size_t used = 0;

    for (uint32_t p = 0; p < step->pattern_count && used < size; p++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", p > 0 ? " or " : "",
                                 step->patterns[p].kind);
    return used;
}

static _Noreturn void never_arrived(struct actor *actor, const struct scn_step *step)
{
    char kinds[200] = "", text[400];

    (void)describe(step, kinds, sizeof kinds);
    if (step->modifiers.times > 1)
        (void)snprintf(text, sizeof text, "number %u of %u expected %s did not arrive",
                       actor->step_time, step->modifiers.times, kinds);
    else
        (void)snprintf(text, sizeof text, "the expected %s did not arrive", kinds);
    expect_broken(actor, step, text);
}

/* Whether the tab was told, since that arrival, that something is missing. */
static bool gap_told(const struct actor *actor, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        if (strcmp(actor->inbox[i].kind, "gap") == 0) return true;
    }
    return false;
}

/* The next of its kind must follow the one before directly: nothing lost, nothing twice. */
static void check_order(struct actor *actor, const struct scn_step *step, uint32_t at)
{
    const struct arrival *before = &actor->inbox[actor->inbox_next - 1];
    const struct arrival *arrival = &actor->inbox[at];
    char text[200];

    if (before->ordinal == 0 || arrival->ordinal == before->ordinal + 1) return;
    if (before->by != arrival->by || gap_told(actor, actor->inbox_next, at)) return;
    (void)snprintf(text, sizeof text, "%s number %llu arrived where number %llu was due",
                   arrival->kind, (unsigned long long)arrival->ordinal,
                   (unsigned long long)before->ordinal + 1);
    expect_broken(actor, step, text);
}

/* --- the step --- */

static uint64_t deadline_of(const struct actor *actor, const struct scn_step *step)
{
    if (!step->modifiers.has_within) return WORLD_NEVER;
    return actor->step_since_ns + us_ns(step->modifiers.within.high_us);
}

/* The core has to meet it, and the machine it runs on may be late. */
static uint64_t patience_of(const struct actor *actor, const struct scn_step *step)
{
    const struct stage_live *live = actor->play->stage->hooks.live;
    uint64_t deadline_ns = deadline_of(actor, step);
    if (live == NULL || deadline_ns == WORLD_NEVER) return deadline_ns;
    return deadline_ns + us_ns(live->margin_us);
}

/* False when the deadline has passed. Without one the script just waits: that is no promise, and
 * does not keep the calm from coming. */
static bool await_arrival(struct actor *actor, uint64_t deadline_ns)
{
    if (deadline_ns != WORLD_NEVER) {
        return world_now_ns() < deadline_ns &&
               world_wait(&actor->arrival, deadline_ns, "an arrival");
    }
    actor_busy(actor, false);
    bool woken = world_wait(&actor->arrival, WORLD_NEVER, "an arrival");
    actor_busy(actor, true);
    return woken;
}

static void expect_nothing(struct actor *actor, const struct scn_step *step)
{
    uint64_t deadline_ns = step->modifiers.has_within ? deadline_of(actor, step) : world_now_ns();
    const struct arrival *event;
    char text[200];

    do {
        event = find_event(actor);
    } while (event == NULL && await_arrival(actor, deadline_ns));
    if (event == NULL) return;
    (void)snprintf(text, sizeof text, "nothing was expected, and %s (seq %llu) arrived",
                   event->kind, (unsigned long long)event->seq);
    expect_broken(actor, step, text);
}

/* Where waits are silent, who waits goes on when what is expected is there. */
static void await_silently(struct actor *actor, const struct scn_step *step)
{
    bool there = false;

    for (uint32_t i = actor->inbox_next; i < actor->inbox_count && !there; i++)
        there = matches_any(step, &actor->inbox[i]);
    actor->expected = step;
    actor_busy(actor, false);
    if (there) world_stand(&actor->arrival);
    else (void)world_wait(&actor->arrival, WORLD_NEVER, "an arrival");
    actor_busy(actor, true);
    actor->expected = NULL;
}

void expect_step(struct actor *actor, const struct scn_step *step)
{
    uint64_t deadline_ns = patience_of(actor, step);
    uint32_t at;

    if (step->nothing) {
        expect_nothing(actor, step);
        return;
    }
    if (actor->play->silent && deadline_ns == WORLD_NEVER) await_silently(actor, step);
    while (!find_match(actor, step, &at)) {
        if (await_arrival(actor, deadline_ns)) continue;
        /* It may have come at the very instant of the deadline. */
        if (find_match(actor, step, &at)) break;
        never_arrived(actor, step);
    }
    if (step->modifiers.in_order && actor->step_time > 1) check_order(actor, step, at);
    actor->inbox_next = at + 1;
}
