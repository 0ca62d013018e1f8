/* Alerts: none without a reason, and none missing where the reason is plain.
 *
 * A core decides about an alert under its locks, and tells it later, but at the same virtual time:
 * so what had ended at an earlier time than the alert came had ended before. How many acquisitions
 * that were ready to wait gave up is known of backends alone; for locks of the core's own, each of
 * them was at least one call of the store.
 */
#include "harness/check/internal.h"

#include <string.h>

struct hold_fact *check_hold_of(struct check_set *set, int64_t lock, int32_t core)
{
    return ledger_get(&set->holds, LEDGER_KEY(lock, core, set->lives[core]));
}

/* --- what a core has of a lock --- */

/* A call of the lock store, by the core's one thread for that. */
void check_hold_call(struct check_set *set, const struct record *record)
{
    const struct record_values_STORE_CALL *v = &record->values.STORE_CALL;
    int32_t core = check_core_of(set, record->from);
    if (core < 0) return;
    set->ports[core].calls++;
    if (record->subject != PARTY_LOCKS) return;
    struct hold_fact *hold = check_hold_of(set, v->key, core);
    if (v->op == set->names.acquire) hold->tries++;
    hold->called_us = set->now_us;
}

void check_hold_reply(struct check_set *set, const struct record *record)
{
    const struct record_values_STORE_REPLY *v = &record->values.STORE_REPLY;
    const struct check_names *names = &set->names;
    int32_t core = check_core_of(set, record->to);
    if (core < 0) return;
    if (set->ports[core].calls > 0) set->ports[core].calls--;
    if (v->code == names->unknown) set->ports[core].doubtful = true;
    if (record->subject != PARTY_LOCKS || v->code != names->ok) return;
    if (v->op != names->acquire && v->op != names->renew) return;
    struct hold_fact *hold = check_hold_of(set, v->key, core);
    hold->confirmed_us = hold->called_us;
}

void check_hold_begins(struct check_set *set, const struct record *record)
{
    const struct record_values_LK_GRANT *v = &record->values.LK_GRANT;
    int32_t core = check_core_of(set, record->to);
    if (core < 0) return;
    struct hold_fact *hold = check_hold_of(set, v->lock, core);
    hold->held = true;
    hold->token = v->token;
    hold->robbed = hold->accused = false;
    hold->granted_us = hold->used_us = hold->used_before_us = set->now_us;
    hold->confirmed_us = hold->called_us;
    hold->until_us = (uint64_t)v->until;
    hold->ttl_us = hold->until_us - set->now_us;
    hold->ended_us = hold->gap_us = 0;
}

void check_hold_renewed(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->from);
    if (core < 0) return;
    check_hold_of(set, record->values.LK_RENEW.lock, core)->until_us =
        (uint64_t)record->values.LK_RENEW.until;
}

static void ends(struct check_set *set, struct hold_fact *hold, bool robbed)
{
    hold->held = false;
    hold->robbed = robbed;
    hold->doubtful = hold->doubtful || robbed;
    hold->ended_us = set->now_us;
}

void check_hold_returned(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->from);
    if (core < 0) return;
    ends(set, check_hold_of(set, record->values.LK_RELEASE.lock, core), false);
}

/* The store says no more than whose lock ran out: of whoever has it, in whatever life. */
void check_hold_expires(struct check_set *set, const struct record *record)
{
    int64_t lock = record->values.LK_EXPIRE.lock;

    for (uint32_t i = 0; i < set->holds.count; i++) {
        struct hold_fact *hold = ledger_change_at(&set->holds, i);
        if (hold->entry.key.at[0] == lock && hold->held)
            ends(set, hold, set->now_us < hold->until_us);
    }
}

void check_hold_refused(struct check_set *set, const struct record *record)
{
    const struct record_values_LK_REFUSE *v = &record->values.LK_REFUSE;
    int32_t core = check_core_of(set, record->from);
    if (core < 0 || v->op != set->names.renew) return;
    struct hold_fact *hold = check_hold_of(set, v->lock, core);
    hold->robbed = hold->doubtful = true;
}

bool check_may_have_lost(const struct check_set *set, const struct hold_fact *hold)
{
    /* A holder gives its lease up a tenth early, counted from the call that was answered. */
    return hold->until_us != 0 &&
           (hold->robbed || !hold->held ||
            set->now_us >= hold->confirmed_us + hold->ttl_us - hold->ttl_us / 10);
}

/* --- what backends do with leases --- */

void check_lease_called(struct check_set *set, const struct record *record)
{
    const struct record_values_LEASE_CALL *v = &record->values.LEASE_CALL;
    int32_t core = check_core_of(set, record->subject);
    if (core < 0) return;
    set->lease_waits[check_actor_of(set, record->subject)] = v->wait;
    if (v->wait > 0) check_hold_of(set, v->key, core)->waiting++;
}

/* What the backend asked for with patience; NULL if it just asked. */
static struct hold_fact *answered(struct check_set *set, const struct record *record, int64_t key)
{
    int32_t core = check_core_of(set, record->subject);
    if (core < 0 || set->lease_waits[check_actor_of(set, record->subject)] == 0) return NULL;
    struct hold_fact *hold = check_hold_of(set, key, core);
    if (hold->waiting > 0) hold->waiting--;
    return hold;
}

/* The store may have granted it long before: the core's clock runs since it knows. */
void check_lease_got(struct check_set *set, const struct record *record)
{
    int64_t key = record->values.LEASE_HELD.key;
    int32_t core = check_core_of(set, record->subject);
    struct hold_fact *waited = answered(set, record, key);
    if (waited != NULL) waited->got++;
    if (waited != NULL) check_outcome(waited, set->now_us, false);
    if (core < 0) return;
    struct hold_fact *hold = check_hold_of(set, key, core);
    if (hold->token == record->values.LEASE_HELD.token)
        hold->used_us = hold->used_before_us = set->now_us;
}

/* Only if somebody was in the way. */
void check_lease_not_got(struct check_set *set, const struct record *record)
{
    const struct record_values_LEASE_REFUSED *v = &record->values.LEASE_REFUSED;
    struct hold_fact *hold = answered(set, record, v->key);
    if (hold == NULL) return;
    bool failed = v->code == set->names.expired || v->code == set->names.conflict;
    hold->gave_up += failed;
    if (failed) check_outcome(hold, set->now_us, true);
    else hold->unsure = true;
}

static void measure(struct check_set *set, struct hold_fact *hold)
{
    if (set->now_us - hold->used_us > hold->gap_us) hold->gap_us = set->now_us - hold->used_us;
}

void check_lease_used(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->subject);
    if (core < 0) return;
    struct hold_fact *hold = check_hold_of(set, record->values.LEASE_USED.key, core);
    if (hold->used_us == set->now_us || hold->token != record->values.LEASE_USED.token) return;
    measure(set, hold);
    hold->used_before_us = hold->used_us;
    hold->used_us = set->now_us;
}

void check_lease_returned(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->subject);
    if (core < 0) return;
    struct hold_fact *hold = check_hold_of(set, record->values.LEASE_RETURN.key, core);
    if (hold->token == record->values.LEASE_RETURN.token) measure(set, hold);
}

/* It had the lease to the end: nobody can have missed that it stood still. */
void check_lease_over(struct check_set *set, const struct record *record)
{
    const struct record_values_LEASE_ENDED *v = &record->values.LEASE_ENDED;
    int32_t core = check_core_of(set, record->subject);
    if (core < 0 || v->why != set->names.released || set->paused) return;
    const struct hold_fact *hold = check_hold_of(set, v->key, core);
    uint64_t limit_us = set->policies[core].deadlock_after_us;

    if (hold->token != v->token || hold->doubtful) return;
    if (limit_us == 0 || hold->accused || hold->gap_us <= limit_us + set->margin_us) return;
    check_break(set, SCN_INVARIANT_ALERTS_ARE_TRUE, record,
                "%s held %s for %llds without a look at it, and nobody was told",
                record_party_name(record->subject), record_text(v->key),
                (long long)(hold->gap_us / 1000000));
}

/* --- deadlock --- */

static void judge_deadlock(struct check_set *set, const struct record *record, int32_t core,
                           struct hold_fact *hold)
{
    const char *lock = record_text(record->values.ALERT.lock);
    uint64_t limit_us = set->policies[core].deadlock_after_us;
    /* A look of this very moment may have come after the alert was decided. */
    uint64_t used_us = hold->used_us == set->now_us ? hold->used_before_us : hold->used_us;

    if (set->paused || hold->doubtful) return;
    if (hold->ended_us != 0 && hold->ended_us < set->now_us)
        check_break(set, SCN_INVARIANT_ALERTS_ARE_TRUE, record,
                    "%s tells that %s is held too long, but has not held it for %lldms",
                    record_party_name(record->subject), lock,
                    (long long)((set->now_us - hold->ended_us) / 1000));
    if (limit_us == 0 || (hold->until_us != 0 && set->now_us - used_us >= limit_us)) return;
    if (hold->granted_us == set->now_us) return;
    check_break(set, SCN_INVARIANT_ALERTS_ARE_TRUE, record,
                "%s tells that %s is held too long, though its holder looked at it %lldms ago",
                record_party_name(record->subject), lock,
                (long long)((set->now_us - used_us) / 1000));
}

/* --- contention --- */

/* As many as can have given up, of as many as can have been made. */
static void judge_contention(struct check_set *set, const struct record *record, int32_t core,
                             const struct hold_fact *hold)
{
    const struct record_values_ALERT *v = &record->values.ALERT;
    const struct policy *policy = &set->policies[core];
    uint64_t samples = policy->contention_min_samples;
    uint64_t needed = samples * policy->contention_percent / 100 + 1;
    bool by_backends = strchr(record_text(v->lock), ':') == NULL;
    uint64_t failed = by_backends ? hold->gave_up + hold->waiting : hold->tries;
    uint64_t made = by_backends ? failed + hold->got : hold->tries;

    if (failed < needed || made < samples)
        check_break(set, SCN_INVARIANT_ALERTS_ARE_TRUE, record,
                    "%s tells that %s is contended, but at most %llu of %llu acquisitions that "
                    "waited gave up", record_party_name(record->subject), record_text(v->lock),
                    (unsigned long long)failed, (unsigned long long)made);
    if (v->value <= (int64_t)policy->contention_percent || v->value > 100)
        check_break(set, SCN_INVARIANT_ALERTS_ARE_TRUE, record,
                    "%s tells that %lld %% of the acquisitions of %s gave up",
                    record_party_name(record->subject), (long long)v->value,
                    record_text(v->lock));
}

/* --- health --- */

/* Some call is under way, or had no answer; a thread stood still; a table may be full. Provider
 * calls leave no records: where there are sandboxes, any fault may have met one. */
static bool may_fail(const struct check_set *set, int32_t core)
{
    const struct port_fact *ports = &set->ports[core];
    bool struck = false;

    for (uint32_t i = 0; i < set->file->fault_count; i++) struck = struck || set->struck[i];
    return set->paused || ports->calls > 0 || ports->doubtful || set->policies[core].may_be_full ||
           (set->box_actors > 0 && struck);
}

static void judge_health(struct check_set *set, const struct record *record, int32_t core)
{
    if (!may_fail(set, core))
        check_break(set, SCN_INVARIANT_ALERTS_ARE_TRUE, record,
                    "%s tells that it is not well, though every call of its stores was answered",
                    record_party_name(record->subject));
}

/* --- all of them --- */

static bool *flag_of(struct check_set *set, const struct record_values_ALERT *v, int32_t core)
{
    if (v->what == set->names.health) return &set->ports[core].unwell;
    struct hold_fact *hold = check_hold_of(set, v->lock, core);
    return v->what == set->names.deadlock ? &hold->stuck : &hold->contended;
}

void check_alert(struct check_set *set, const struct record *record)
{
    const struct record_values_ALERT *v = &record->values.ALERT;
    int32_t core = check_core_of(set, record->subject);
    if (core < 0) return;
    bool *flag = flag_of(set, v, core);

    check_exercise(set, SCN_INVARIANT_ALERTS_ARE_TRUE);
    if (*flag == (v->raised != 0))
        check_break(set, SCN_INVARIANT_ALERTS_ARE_TRUE, record,
                    *flag ? "%s raised the alert %s of %s twice"
                          : "%s tells the end of an alert, %s of %s, that it never raised",
                    record_party_name(record->subject), record_text(v->what),
                    record_text(v->lock));
    *flag = v->raised != 0;
    if (v->raised == 0) return;
    struct hold_fact *hold = check_hold_of(set, v->lock, core);
    if (v->what == set->names.health) judge_health(set, record, core);
    else if (v->what == set->names.contention) judge_contention(set, record, core, hold);
    else judge_deadlock(set, record, core, hold);
    hold->accused = hold->accused || v->what == set->names.deadlock;
}

/* --- at the end of the calm --- */

static void judge_hold(struct check_set *set, const struct hold_fact *hold, int32_t core)
{
    const char *name = record_party_name((uint16_t)(PARTY_CORE + core));
    const char *lock = record_text(hold->entry.key.at[0]);

    if (hold->stuck && hold->ended_us != 0 && !hold->doubtful)
        check_break(set, SCN_INVARIANT_ALERTS_ARE_TRUE, NULL,
                    "%s still tells that %s is held too long, and does not hold it", name, lock);
    if (hold->waiting > 0) return;
    if (hold->got == 0 && !hold->contended && hold->gave_up > 0 &&
        hold->gave_up >= set->policies[core].contention_min_samples)
        check_break(set, SCN_INVARIANT_ALERTS_ARE_TRUE, NULL,
                    "all %u acquisitions of %s that waited gave up, and %s told nobody",
                    hold->gave_up, lock, name);
    check_contention_told(set, hold, core);
}

void check_alerts_over(struct check_set *set)
{
    for (uint32_t i = 0; i < set->holds.count; i++) {
        const struct hold_fact *hold = ledger_at(&set->holds, i);
        int32_t core = (int32_t)hold->entry.key.at[1];
        if (set->down[core] || hold->entry.key.at[2] != (int64_t)set->lives[core]) continue;
        judge_hold(set, hold, core);
    }
    for (uint32_t core = 0; core < set->file->core_count; core++) {
        uint64_t two_us = 2 * set->policies[core].health_period_us;
        if (set->down[core] || !set->ports[core].unwell || set->policies[core].may_be_full ||
            set->now_us < set->calm_us + two_us + set->margin_us)
            continue;
        check_break(set, SCN_INVARIANT_ALERTS_ARE_TRUE, NULL,
                    "%s still tells that it is not well, %llds after the last fault",
                    record_party_name((uint16_t)(PARTY_CORE + core)),
                    (long long)((set->now_us - set->calm_us) / 1000000));
    }
}
