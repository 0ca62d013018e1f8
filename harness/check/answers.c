/* Whoever calls the core gets an answer.
 *
 * A backend's step ends when the core has answered. Once the faults are over nothing keeps a core
 * from that: leases of the dead run out, machines are up, stores answer. What a call waits for by
 * its own wish comes on top.
 */
#include "harness/check/internal.h"

static const uint64_t limit_us = 150000000;

static const struct scn_step *step_of(const struct check_set *set, int32_t actor, uint32_t index)
{
    return &set->file->actors[actor].steps[index];
}

static bool is_call(const struct scn_step *step)
{
    return step->verb != SCN_VERB_WAIT && step->verb != SCN_VERB_DRAIN;
}

void check_call_begins(struct check_set *set, const struct record *record)
{
    const struct record_values_STEP_BEGIN *v = &record->values.STEP_BEGIN;
    int32_t actor = check_actor_of(set, record->subject);

    if (actor < 0 || set->file->actors[actor].kind != SCN_ACTOR_BACKEND) return;
    if (!is_call(step_of(set, actor, (uint32_t)v->step))) return;
    set->calling[actor] = (struct calling){ true, (uint32_t)v->step, set->now_us };
}

void check_call_ends(struct check_set *set, const struct record *record)
{
    int32_t actor = check_actor_of(set, record->subject);
    if (actor >= 0) set->calling[actor].open = false;
}

/* Those who were in it died with the core. */
void check_calls_die(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->subject);

    for (uint32_t i = 0; i < set->file->actor_count; i++)
        if (core >= 0 && set->file->actors[i].core == core) set->calling[i].open = false;
}

static uint64_t attr_us(const struct scn_step *step, const char *name)
{
    const struct scn_attr *attr = scn_attrs_find(&step->attrs, name);
    return attr == NULL ? 0 : (uint64_t)attr->value.low;
}

/* At the end of the calm. */
void check_calls_answered(struct check_set *set)
{
    for (uint32_t i = 0; i < set->file->actor_count; i++) {
        const struct calling *call = &set->calling[i];
        if (!call->open) continue;
        const struct scn_step *step = step_of(set, (int32_t)i, call->step);
        uint64_t waited_us = set->now_us - call->since_us;
        if (waited_us < limit_us + attr_us(step, "wait") + attr_us(step, "hold")) continue;
        check_break(set, SCN_INVARIANT_NO_STUCK_WAITERS, NULL,
                    "%s has waited for the answer to its '%s' for %llds",
                    set->file->actors[i].name, scn_verb_word(step->verb),
                    (long long)(waited_us / 1000000));
    }
}
