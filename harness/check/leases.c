/* What a program is told of its leases, and when: an answer within the time that it would wait, and
 * the loss of a lease before the store gives it to others.
 *
 * Both are the business of a timer, for the thread that talks to the store may be kept waiting by
 * it. What else is asked of the store is asked at once: virtual time passes only while nothing can
 * run, so who waits, waits for calls of the lock store, or for nothing. Where a thread stood still
 * this is not judged, nor where the store gave no answer, which is asked for again after a while.
 *
 * While the store answers in time and forgets nothing, no lease is lost, each is given back when
 * its holder says so, and one that is free goes to who waits for it within a quarter of its life.
 */
#include "harness/check/internal.h"

static const uint64_t trouble_us = 60000000, idle_us = 10000, slow_us = 200000;

/* --- how long a core has waited for the lock store --- */

static void note_trouble(struct check_set *set)
{
    set->locks_troubled = true;
    set->locks_troubled_us = set->now_us;
}

void check_locks_call(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->from);
    if (core < 0 || record->subject != PARTY_LOCKS) return;
    struct store_use *use = &set->lock_uses[core];
    if (use->open++ == 0) use->since_us = set->now_us;
}

void check_locks_reply(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->to);
    if (core < 0 || record->subject != PARTY_LOCKS) return;
    struct store_use *use = &set->lock_uses[core];
    if (set->now_us - use->since_us > slow_us) note_trouble(set);
    if (use->open > 0 && --use->open == 0) use->busy_us += set->now_us - use->since_us;
    if (record->values.STORE_REPLY.code != set->names.unknown) return;
    note_trouble(set);
    use->sick = true;
    use->troubled_us = set->now_us;
}

/* Has the store, since then, done whatever may excuse a core? */
static bool excused(const struct check_set *set, int32_t core, uint64_t since_us)
{
    const struct store_use *use = &set->lock_uses[core];

    return set->paused || set->outside || set->draining[core] ||
           (set->locks_troubled && set->locks_troubled_us >= since_us) ||
           (use->open > 0 && set->now_us - use->since_us > slow_us);
}

uint64_t check_locks_busy_us(const struct check_set *set, int32_t core)
{
    const struct store_use *use = &set->lock_uses[core];
    return use->busy_us + (use->open > 0 ? set->now_us - use->since_us : 0);
}

static void judge_idle(struct check_set *set, const struct record *record,
                       const struct claim *claim, const char *what)
{
    int32_t core = check_core_of(set, record->subject);
    if (core < 0 || set->paused || set->draining[core]) return;
    const struct store_use *use = &set->lock_uses[core];
    if (use->sick && set->now_us - use->troubled_us < trouble_us) return;
    uint64_t busy = check_locks_busy_us(set, core) - claim->busy_us;
    uint64_t idle = set->now_us - claim->since_us - busy;
    check_exercise(set, SCN_INVARIANT_LEASES_IN_TIME);
    if (idle > idle_us)
        check_break(set, SCN_INVARIANT_LEASES_IN_TIME, record,
                    "%s was kept waiting for %lldms by nobody when it %s lease %s",
                    record_party_name(record->subject), (long long)(idle / 1000), what,
                    record_text(claim->key));
}

/* --- claims --- */

static struct claim *claim_of(struct check_set *set, const struct record *record)
{
    int32_t actor = check_actor_of(set, record->subject);
    return actor < 0 ? NULL : &set->claims[actor];
}

static void note_time(struct check_set *set, const struct record *record, struct claim *claim)
{
    int32_t core = check_core_of(set, record->subject);
    claim->since_us = set->now_us;
    claim->busy_us = core < 0 ? 0 : check_locks_busy_us(set, core);
}

static void note_fresh(struct check_set *set, struct claim *claim, int32_t core)
{
    claim->fresh_us = set->now_us;
    claim->fresh_busy_us = core < 0 ? 0 : check_locks_busy_us(set, core);
}

void check_claim_renewed(struct check_set *set, const struct record *record)
{
    for (uint32_t i = 0; i < set->file->actor_count; i++)
        if (set->claims[i].token == record->values.LK_RENEW.token)
            note_fresh(set, &set->claims[i], set->file->actors[i].core);
}

/* The thread that renews was kept by other calls from the moment on when it had to. */
static bool kept_busy(const struct check_set *set, int32_t core, const struct claim *claim)
{
    uint64_t busy = check_locks_busy_us(set, core) - claim->fresh_busy_us;
    return set->now_us - claim->fresh_us - busy <= claim->ttl_us / 3;
}

void check_claim_begins(struct check_set *set, const struct record *record)
{
    const struct record_values_LEASE_CALL *v = &record->values.LEASE_CALL;
    struct claim *claim = claim_of(set, record);

    if (claim == NULL) return;
    *claim = (struct claim){ .key = v->key, .until_us = set->now_us + (uint64_t)v->wait,
                             .waits = v->wait > 0, .ttl_us = (uint64_t)v->ttl,
                             .asked_us = set->now_us };
    note_time(set, record, claim);
    note_fresh(set, claim, check_core_of(set, record->subject));
}

static void judge_answer(struct check_set *set, const struct record *record,
                         const struct claim *claim)
{
    if (!claim->waits || set->paused) return;
    check_exercise(set, SCN_INVARIANT_LEASES_IN_TIME);
    if (set->now_us > claim->until_us)
        check_break(set, SCN_INVARIANT_LEASES_IN_TIME, record,
                    "%s was answered about lease %s %lldms after it would wait for it",
                    record_party_name(record->subject), record_text(claim->key),
                    (long long)(set->now_us - claim->until_us) / 1000);
}

/* Who waits asks again at least so often that a lease is not free for long. */
static void judge_patience(struct check_set *set, const struct record *record,
                           const struct claim *claim)
{
    const struct lock_fact *lock = ledger_find(&set->locks, LEDGER_KEY(claim->key));
    int32_t core = check_core_of(set, record->subject);

    if (!claim->waits || core < 0) return;
    bool asked = lock == NULL || lock->free_us <= claim->asked_us;
    uint64_t since_us = asked ? claim->asked_us : lock->free_us;
    uint64_t busy_us = asked ? claim->busy_us : lock->free_busy_us[core];
    uint64_t waited_us = set->now_us - since_us;
    uint64_t idle = waited_us - (check_locks_busy_us(set, core) - busy_us);

    if (excused(set, core, since_us)) return;
    if (idle > claim->ttl_us / 4 + slow_us)
        check_break(set, SCN_INVARIANT_LEASES_IN_TIME, record,
                    "%s waited for lease %s for %lldms while nobody held it",
                    record_party_name(record->subject), record_text(claim->key),
                    (long long)waited_us / 1000);
}

void check_claim_refused(struct check_set *set, const struct record *record)
{
    struct claim *claim = claim_of(set, record);
    if (claim == NULL) return;
    judge_answer(set, record, claim);
    if (!claim->waits) judge_idle(set, record, claim, "asked for");
    const struct lock_fact *lock = ledger_find(&set->locks, LEDGER_KEY(claim->key));
    if (lock == NULL || !lock->held)
        judge_patience(set, record, claim);
}

/* The store gives a lease again only when it is over, and one core knows of both. */
static void judge_alone(struct check_set *set, const struct record *record,
                        const struct claim *claim)
{
    for (uint32_t i = 0; i < set->file->actor_count; i++) {
        const struct claim *other = &set->claims[i];
        if (other == claim || other->key != claim->key || other->token == 0) continue;
        if (set->file->actors[i].core != check_core_of(set, record->subject)) continue;
        check_break(set, SCN_INVARIANT_LEASES_IN_TIME, record,
                    "%s was given lease %s, and %s, who counts on it, was not told that it is lost",
                    record_party_name(record->subject), record_text(claim->key),
                    set->file->actors[i].name);
    }
}

void check_claim_granted(struct check_set *set, const struct record *record)
{
    struct claim *claim = claim_of(set, record);

    if (claim == NULL) return;
    judge_answer(set, record, claim);
    if (!claim->waits) judge_idle(set, record, claim, "asked for");
    /* A timer may have told of the loss before, and others may have the lease since. */
    if (!claim->lost) judge_alone(set, record, claim);
    claim->token = claim->lost ? 0 : record->values.LEASE_HELD.token;
    note_fresh(set, claim, check_core_of(set, record->subject));
    if (ledger_find(&set->locks, LEDGER_KEY(claim->key)) != NULL)
        judge_patience(set, record, claim);
}

void check_claim_lost(struct check_set *set, const struct record *record)
{
    const struct record_values_LEASE_LOST *v = &record->values.LEASE_LOST;
    struct claim *claim = claim_of(set, record);
    int32_t core = check_core_of(set, record->subject);

    if (claim == NULL || claim->key != v->key) return;
    if (claim->token != 0 && claim->token != v->token) return;   /* of the one before */
    claim->token = 0;
    claim->lost = true;
    if (core >= 0 && !excused(set, core, claim->asked_us) && !kept_busy(set, core, claim))
        check_break(set, SCN_INVARIANT_LEASES_IN_TIME, record,
                    "%s was told that it lost lease %s, and nothing was wrong with the store",
                    record_party_name(record->subject), record_text(claim->key));
}

void check_claim_returned(struct check_set *set, const struct record *record)
{
    struct claim *claim = claim_of(set, record);

    if (claim == NULL) return;
    claim->token = 0;
    note_time(set, record, claim);
}

void check_claim_ended(struct check_set *set, const struct record *record)
{
    const struct claim *claim = claim_of(set, record);
    int32_t core = check_core_of(set, record->subject);

    if (claim == NULL) return;
    judge_idle(set, record, claim, "gave back");
    if (claim->key != record->values.LEASE_ENDED.key || claim->lost || core < 0) return;
    if (record->values.LEASE_ENDED.why != set->names.released &&
        !excused(set, core, claim->asked_us))
        check_break(set, SCN_INVARIANT_LEASES_IN_TIME, record,
                    "%s gave lease %s back and was told %s, and nothing was wrong with the store",
                    record_party_name(record->subject), record_text(claim->key),
                    record_text(record->values.LEASE_ENDED.why));
}

/* A core that was killed tells nobody, and whom it would have told is dead. */
void check_claims_die(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->subject);

    for (uint32_t i = 0; i < set->file->actor_count; i++)
        if (core >= 0 && set->file->actors[i].core == core) set->claims[i].token = 0;
}

/* A grant that a fault ended early is one that nobody could know of. */
void check_claim_expires(struct check_set *set, const struct record *record)
{
    int64_t token = record->values.LK_EXPIRE.token;
    const struct grant_fact *grant = ledger_find(&set->grants, LEDGER_KEY(token));

    if (grant == NULL || !grant->over) note_trouble(set);
    if (set->paused || grant == NULL || (int64_t)set->now_us < grant->longest) return;
    for (uint32_t i = 0; i < set->file->actor_count; i++) {
        if (set->claims[i].token != token) continue;
        check_break(set, SCN_INVARIANT_LEASES_IN_TIME, record,
                    "%s counts on lease %s (token %lld), whose time is over: nobody told it",
                    set->file->actors[i].name, record_text(set->claims[i].key), (long long)token);
    }
}
