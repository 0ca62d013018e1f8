/* What a core owes to servers and to those who look at them: time to end by themselves before they
 * are killed, and the sandbox of one for as long as a tab that was told that it runs is there. */
#include "harness/check/internal.h"

#include <string.h>

/* From the decision to give a sandbox back until that has happened. */
static const uint64_t return_us = 15000000;

static struct sandbox_fact *box_of(struct check_set *set, int64_t sandbox)
{
    return ledger_get(&set->sandboxes, LEDGER_KEY(sandbox));
}

/* --- the grace of a server --- */

/* A provider that does not do as it was asked leaves a core no choice. */
void check_box_refuses(struct check_set *set, const struct record *record)
{
    struct sandbox_fact *box = box_of(set, record->values.SB_REFUSE.sandbox);
    box->troubled = true;
    box->troubled_us = set->now_us;
}

static void judge_grace(struct check_set *set, const struct record *record, const char *sandbox,
                        const struct instance_fact *instance, uint64_t grace_us)
{
    uint64_t left_us = set->now_us - instance->asked_us;

    check_exercise(set, SCN_INVARIANT_POLICIES_KEPT);
    if (left_us < grace_us)
        check_break(set, SCN_INVARIANT_POLICIES_KEPT, record,
                    "instance %lld in %s was killed %lldms after it was asked to end; it may take "
                    "%lldms", (long long)record->values.PR_SIGNAL.instance, sandbox,
                    (long long)left_us / 1000, (long long)grace_us / 1000);
}

/* Who was asked to end is given time; another core, or life, does not know of it. */
void check_signal_in_time(struct check_set *set, const struct record *record)
{
    const struct record_values_PR_SIGNAL *v = &record->values.PR_SIGNAL;
    int32_t actor = check_actor_of(set, record->subject);
    int32_t core = check_core_of(set, record->from);

    if (actor < 0 || core < 0) return;
    const char *sandbox = set->file->actors[actor].name;
    const struct sandbox_fact *box = box_of(set, record_intern(sandbox));
    struct instance_fact *instance =
        ledger_get(&set->instances, LEDGER_KEY(record_intern(sandbox), v->instance));
    if (v->signal == set->names.term) {
        instance->asked = true;
        instance->asked_us = set->now_us;
        instance->asked_life = set->lives[core];
        return;
    }
    bool excused = set->paused || set->answers_lost || set->draining[core] || box->crashed ||
                   (box->troubled && box->troubled_us >= instance->asked_us);
    if (!instance->asked || excused || set->file->core_count > 1 ||
        instance->asked_life != set->lives[core])
        return;
    judge_grace(set, record, sandbox, instance, set->policies[core].term_grace_us);
}

/* --- sandboxes that somebody looks at --- */

/* Of a tab that polls no core knows that it is there. */
static bool is_seen(const struct scn_actor *actor)
{
    const struct scn_attr *speaks = scn_attrs_find(&actor->attrs, "speaks");
    return speaks == NULL || strcmp(speaks->value.text, "polling") != 0;
}

void check_tab_online(struct check_set *set, const struct record *record)
{
    int32_t actor = check_actor_of(set, record->subject);
    if (actor < 0 || !is_seen(&set->file->actors[actor])) return;
    set->tabs[actor].online = true;
    set->tabs[actor].online_us = set->now_us;
}

void check_tab_offline(struct check_set *set, const struct record *record)
{
    int32_t actor = check_actor_of(set, record->subject);
    if (actor >= 0) set->tabs[actor].online = false;
}

void check_tab_told(struct check_set *set, const struct record *record)
{
    int32_t actor = check_actor_of(set, record->subject);
    if (actor >= 0 && record->values.SRV_STATE.state == set->names.running)
        set->tabs[actor].server_us = set->now_us;
}

/* Does a program of this session give its sandbox back by itself? */
static bool gives_back(const struct check_set *set, int64_t session)
{
    for (uint32_t i = 0; i < set->file->actor_count; i++) {
        const struct scn_actor *actor = &set->file->actors[i];
        if (set->session_words[i] != session && set->session_words[i] != 0) continue;
        for (uint32_t step = 0; step < actor->step_count; step++)
            if (actor->steps[step].verb == SCN_VERB_RELEASE) return true;
    }
    return false;
}

static void judge_watched(struct check_set *set, const struct record *record,
                          const struct sandbox_fact *box, uint64_t idle_us)
{
    for (uint32_t i = 0; i < set->file->actor_count; i++) {
        const struct tab_fact *tab = &set->tabs[i];
        if (!tab->online || tab->session != box->owner) continue;
        if (tab->server_us == 0 || tab->server_us < box->given_us) continue;
        if (set->now_us - tab->online_us < idle_us + return_us) continue;
        check_break(set, SCN_INVARIANT_POLICIES_KEPT, record,
                    "sandbox %s was taken from %s, whose tab %s is there and was told that a "
                    "server runs in it", record_text(box->entry.key.at[0]), record_text(box->owner),
                    set->file->actors[i].name);
    }
}

/* Before its owner is forgotten. What a fault takes from its owner no core does. */
void check_box_taken(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->from);
    int64_t sandbox = record->kind == RECORD_SB_RELEASE ? record->values.SB_RELEASE.sandbox
                                                        : record->values.SB_DESTROY.sandbox;
    const struct sandbox_fact *box = box_of(set, sandbox);

    if (core < 0 || box->owner == 0 || set->paused || set->draining[core] ||
        gives_back(set, box->owner))
        return;
    check_exercise(set, SCN_INVARIANT_POLICIES_KEPT);
    judge_watched(set, record, box, set->policies[core].pool_idle_us);
}
