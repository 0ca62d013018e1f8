/* Sandboxes and what runs in them: owners, processes that outlive what they belong to, signals,
 * and what is said of servers. Leases, as far as they protect all this. */
#include "harness/check/internal.h"

#include <stddef.h>

static struct sandbox_fact *box_of(struct check_set *set, int64_t sandbox)
{
    return ledger_get(&set->sandboxes, LEDGER_KEY(sandbox));
}

static struct instance_fact *instance_of(struct check_set *set, int64_t sandbox, int64_t instance)
{
    return ledger_get(&set->instances, LEDGER_KEY(sandbox, instance));
}

/* --- owners --- */

void check_box_made(struct check_set *set, const struct record *record)
{
    const struct record_values_SB_CREATE *v = &record->values.SB_CREATE;

    box_of(set, v->sandbox)->app = v->app;
    check_exercise(set, SCN_INVARIANT_LIMITS_HOLD);
    if (++set->boxes > (int64_t)set->pool_total)
        check_break(set, SCN_INVARIANT_LIMITS_HOLD, record,
                    "sandbox %s is number %lld; %llu are allowed", record_text(v->sandbox),
                    (long long)set->boxes, (unsigned long long)set->pool_total);
}

/* Before the new owner is written down. */
void check_box_given(struct check_set *set, const struct record *record)
{
    const struct record_values_SB_ASSIGN *v = &record->values.SB_ASSIGN;
    struct sandbox_fact *box = box_of(set, v->sandbox);
    const char *sandbox = record_text(v->sandbox), *owner = record_text(v->owner);

    check_exercise(set, SCN_INVARIANT_ONE_OWNER);
    if (box->owner != 0 && box->owner != v->owner)
        check_break(set, SCN_INVARIANT_ONE_OWNER, record,
                    "sandbox %s was given to %s while %s owned it", sandbox, owner,
                    record_text(box->owner));
    if (v->token <= box->token)
        check_break(set, SCN_INVARIANT_ONE_OWNER, record,
                    "sandbox %s was given to %s with token %lld after token %lld", sandbox, owner,
                    (long long)v->token, (long long)box->token);
    if (box->last_owner != 0) check_exercise(set, SCN_INVARIANT_NO_ORPHANS);
    if (box->last_owner != 0 && box->last_owner != v->owner && box->alive > 0)
        check_break(set, SCN_INVARIANT_NO_ORPHANS, record,
                    "sandbox %s was given to %s with %lld processes of %s still in it", sandbox,
                    owner, (long long)box->alive, record_text(box->last_owner));
    box->last_owner = v->owner;
    box->crashed = false;
}

void check_box_crashed(struct check_set *set, const struct record *record)
{
    box_of(set, record->values.SB_CRASH.sandbox)->crashed = true;
}

void check_box_gone(struct check_set *set, const struct record *record)
{
    (void)record;
    set->boxes--;
}

/* --- processes --- */

static void judge_lease(struct check_set *set, const struct record *record)
{
    const struct record_values_PR_SPAWN *v = &record->values.PR_SPAWN;
    const struct grant_fact *grant = ledger_find(&set->grants, LEDGER_KEY(v->fence));

    if (grant == NULL || set->paused || v->late) return;
    check_exercise(set, SCN_INVARIANT_LEASES_IN_TIME);
    if (grant->over && (int64_t)set->now_us > grant->until)
        check_break(set, SCN_INVARIANT_LEASES_IN_TIME, record,
                    "instance %lld was spawned in %s under lease %lld, %lldms after its time",
                    (long long)v->instance, record_text(v->sandbox), (long long)v->fence,
                    (long long)((int64_t)set->now_us - grant->until) / 1000);
}

void check_box_spawn(struct check_set *set, const struct record *record)
{
    const struct record_values_PR_SPAWN *v = &record->values.PR_SPAWN;

    struct instance_fact *instance = instance_of(set, v->sandbox, v->instance);
    instance->alive = true;
    instance->kills = set->kills;
    instance->late = v->late;
    check_exercise(set, SCN_INVARIANT_NO_ORPHANS);
    judge_lease(set, record);
}

void check_box_child(struct check_set *set, const struct record *record)
{
    const struct record_values_PR_CHILD *v = &record->values.PR_CHILD;
    instance_of(set, v->sandbox, v->instance)->children++;
}

void check_box_exit(struct check_set *set, const struct record *record)
{
    const struct record_values_PR_EXIT *v = &record->values.PR_EXIT;
    struct instance_fact *instance = instance_of(set, v->sandbox, v->instance);

    if (v->child == 0)
        instance->alive = instance->running = false;
    else if (instance->children > 0)
        instance->children--;
}

static int64_t box_word(const struct check_set *set, const struct record *record)
{
    int32_t actor = check_actor_of(set, record->subject);
    return actor < 0 ? 0 : record_intern(set->file->actors[actor].name);
}

/* A core that says of an instance that it runs has to say otherwise before it ends it. What it said
 * in another life it does not know. */
void check_box_signal(struct check_set *set, const struct record *record)
{
    const struct record_values_PR_SIGNAL *v = &record->values.PR_SIGNAL;
    int64_t sandbox = box_word(set, record);
    int32_t core = check_core_of(set, record->from);

    if (sandbox == 0 || core < 0 || set->draining[core]) return;
    const struct instance_fact *instance = instance_of(set, sandbox, v->instance);
    check_exercise(set, SCN_INVARIANT_NO_STRAY_SIGNALS);
    if (instance->running && instance->core == core && instance->life == set->lives[core])
        check_break(set, SCN_INVARIANT_NO_STRAY_SIGNALS, record,
                    "instance %lld of the %s server in %s was sent %s while it was said to run",
                    (long long)v->instance, record_text(instance->app), record_text(sandbox),
                    record_text(v->signal));
}

/* --- what is said of servers --- */

void check_box_probe(struct check_set *set, const struct record *record)
{
    const struct record_values_PROBE *v = &record->values.PROBE;
    if (v->instance != 0) (void)ledger_get(&set->probes, LEDGER_KEY(v->instance));
}

static void says_running(struct check_set *set, const struct record *record)
{
    const struct record_values_POINT *v = &record->values.POINT;
    int32_t core = check_core_of(set, record->subject);

    if (core < 0) return;
    struct instance_fact *instance = instance_of(set, v->subject, v->first);
    instance->running = true;
    instance->core = core;
    instance->life = set->lives[core];
    if (!set->policies[core].port_probe) return;
    check_exercise(set, SCN_INVARIANT_STATUS_IS_TRUE);
    if (ledger_find(&set->probes, LEDGER_KEY(v->first)) == NULL)
        check_break(set, SCN_INVARIANT_STATUS_IS_TRUE, record,
                    "%s says that instance %lld in %s runs, but it never answered a probe",
                    record_party_name(record->subject), (long long)v->first,
                    record_text(v->subject));
}

/* Whatever it says now, it is no longer that. */
static void says_otherwise(struct check_set *set, int64_t sandbox)
{
    for (uint32_t i = 0; i < set->instances.count; i++) {
        struct instance_fact *instance = ledger_change_at(&set->instances, i);
        if (instance->entry.key.at[0] == sandbox) instance->running = false;
    }
}

void check_box_point(struct check_set *set, const struct record *record)
{
    const struct record_values_POINT *v = &record->values.POINT;
    const struct check_names *names = &set->names;

    if (v->name == names->server_running)
        says_running(set, record);
    else if (v->name == names->server_starting || v->name == names->server_stopping ||
             v->name == names->server_failed)
        says_otherwise(set, v->subject);
}

/* What is told later is not older: the same state may be told again to whoever asks for it. */
void check_server_told(struct check_set *set, const struct record *record)
{
    const struct record_values_SRV_STATE *v = &record->values.SRV_STATE;
    int32_t actor = check_actor_of(set, record->subject);
    if (actor < 0 || set->file->actors[actor].kind != SCN_ACTOR_TAB) return;
    const struct tab_fact *tab = &set->tabs[actor];
    struct state_fact *state =
        ledger_get(&set->states, LEDGER_KEY(tab->session, tab->epoch, v->port));

    if (tab->applied <= state->seq) return;
    check_exercise(set, SCN_INVARIANT_STATUS_IS_TRUE);
    if (v->version < state->version)
        check_break(set, SCN_INVARIANT_STATUS_IS_TRUE, record,
                    "%s was told version %lld of the server on port %lld (%s), after version %lld",
                    record_party_name(record->subject), (long long)v->version, (long long)v->port,
                    record_text(v->state), (long long)state->version);
    state->seq = tab->applied;
    state->version = v->version;
}

/* --- leases --- */

static struct grant_fact *grant_of(struct check_set *set, int64_t token)
{
    return ledger_get(&set->grants, LEDGER_KEY(token));
}

_Static_assert(offsetof(struct record_values_LK_GRANT, until) ==
               offsetof(struct record_values_LK_RENEW, until) &&
               offsetof(struct record_values_LK_GRANT, token) ==
               offsetof(struct record_values_LK_RENEW, token), "read alike");

void check_grant(struct check_set *set, const struct record *record)
{
    const struct record_values_LK_GRANT *v = &record->values.LK_GRANT;
    struct grant_fact *grant = grant_of(set, v->token);
    grant->until = v->until;
    if (v->until > grant->longest) grant->longest = v->until;
    grant->over = false;
}

/* Before its time it ends by a fault, which nobody is told of. */
void check_grant_over(struct check_set *set, const struct record *record)
{
    struct grant_fact *grant = grant_of(set, record->values.LK_EXPIRE.token);
    grant->over = (int64_t)set->now_us >= grant->until;
}

void check_grant_returned(struct check_set *set, const struct record *record)
{
    grant_of(set, record->values.LK_RELEASE.token)->returned = true;
}

void check_release_doubtful(struct check_set *set, const struct record *record)
{
    const struct record_values_STORE_REPLY *v = &record->values.STORE_REPLY;
    struct lock_fact *lock;

    if (record->subject != PARTY_LOCKS || v->op != set->names.release ||
        v->code != set->names.unknown)
        return;
    lock = ledger_get(&set->locks, LEDGER_KEY(v->key));
    lock->doubtful = true;
}

/* A holder that is told to have given its lease back had it until then, as far as can be known. */
void check_lease_given_up(struct check_set *set, const struct record *record)
{
    const struct record_values_LEASE_ENDED *v = &record->values.LEASE_ENDED;

    if (v->why != set->names.released) return;
    check_exercise(set, SCN_INVARIANT_LEASES_IN_TIME);
    const struct lock_fact *lock = ledger_find(&set->locks, LEDGER_KEY(v->key));
    if (!grant_of(set, v->token)->returned && (lock == NULL || !lock->doubtful))
        check_break(set, SCN_INVARIANT_LEASES_IN_TIME, record,
                    "%s was told that it gave lease %s back (token %lld), which it had lost",
                    record_party_name(record->subject), record_text(v->key),
                    (long long)v->token);
}

/* --- at the end of the calm --- */

static bool any_core_up(const struct check_set *set)
{
    for (uint32_t i = 0; i < set->file->core_count; i++)
        if (!set->down[i]) return true;
    return false;
}

/* A core that was killed in the midst of a stop leaves the rest to whoever asks for the server. */
static void judge_orphans(struct check_set *set, const struct instance_fact *instance)
{
    const int64_t *at = instance->entry.key.at;
    const struct sandbox_fact *box = box_of(set, at[0]);

    if (box->gone || box->last_owner == 0 || instance->kills != set->kills) return;
    if (!instance->alive && instance->children > 0)
        check_break(set, SCN_INVARIANT_NO_ORPHANS, NULL,
                    "a child of instance %lld in %s still runs, and the instance does not",
                    (long long)at[1], record_text(at[0]));
    if (instance->alive && box->owner == 0)
        check_break(set, SCN_INVARIANT_NO_ORPHANS, NULL,
                    "instance %lld still runs in %s, which nobody owns", (long long)at[1],
                    record_text(at[0]));
}

static int64_t app_of(const struct check_set *set, const struct sandbox_fact *box)
{
    return box->app != 0 ? box->app : set->names.web;
}

/* In the meantime there may be a second one: an answer that was lost hides the first. */
static void judge_second(struct check_set *set, uint32_t index)
{
    const struct sandbox_fact *box = ledger_at(&set->sandboxes, index);

    for (uint32_t i = 0; i < index; i++) {
        const struct sandbox_fact *other = ledger_at(&set->sandboxes, i);
        if (other->gone || other->crashed || other->owner != box->owner) continue;
        if (app_of(set, other) != app_of(set, box)) continue;
        check_break(set, SCN_INVARIANT_ONE_OWNER, NULL, "%s owns two sandboxes, %s and %s",
                    record_text(box->owner), record_text(other->entry.key.at[0]),
                    record_text(box->entry.key.at[0]));
    }
}

/* Nobody knows of one that came late, and it may have moved on to another port. */
static bool may_be_two(const struct check_set *set, const struct instance_fact *one,
                       const struct instance_fact *other)
{
    if (!one->late && !other->late) return false;
    for (uint32_t i = 0; i < set->file->fault_count; i++)
        if (set->struck[i] && set->file->faults[i].kind == SCN_FAULT_MOVE_PORT) return true;
    return false;
}

/* Whichever of two was not meant to be is ended, or finds its port taken. */
static void judge_pair(struct check_set *set, uint32_t index)
{
    const struct instance_fact *one = ledger_at(&set->instances, index);

    for (uint32_t i = 0; i < index; i++) {
        const struct instance_fact *other = ledger_at(&set->instances, i);
        const int64_t *at = other->entry.key.at;
        if (!other->alive || at[0] != one->entry.key.at[0] || other->app != one->app) continue;
        if (may_be_two(set, one, other)) continue;
        check_break(set, SCN_INVARIANT_NO_DUPLICATE_SERVERS, NULL,
                    "instances %lld and %lld of the %s server in %s still run",
                    (long long)at[1], (long long)one->entry.key.at[1], record_text(one->app),
                    record_text(at[0]));
    }
}

void check_boxes_clean(struct check_set *set)
{
    if (!any_core_up(set)) return;
    for (uint32_t i = 0; i < set->instances.count; i++) {
        const struct instance_fact *instance = ledger_at(&set->instances, i);
        judge_orphans(set, instance);
        if (instance->alive && instance->kills == set->kills) judge_pair(set, i);
    }
    for (uint32_t i = 0; i < set->sandboxes.count; i++) {
        const struct sandbox_fact *box = ledger_at(&set->sandboxes, i);
        if (!box->gone && !box->crashed && box->owner != 0) judge_second(set, i);
    }
}
