/* Locks: one holder, only newer tokens, released by their owner, and never held for ever. */
#include "harness/check/internal.h"

/* `lock` is the whole name; `key` is what scenarios call it, and may stand for several. */
static struct lock_fact *lock_of(struct check_set *set, int64_t lock, int64_t key)
{
    return ledger_get(&set->locks, LEDGER_KEY(lock != 0 ? lock : key));
}

static bool is_current(const struct lock_fact *lock, int64_t owner, int64_t token)
{
    return lock->held && lock->token == token && lock->owner == owner;
}

static void judge_grant(struct check_set *set, const struct record *record,
                        const struct lock_fact *lock)
{
    const struct record_values_LK_GRANT *v = &record->values.LK_GRANT;

    check_exercise(set, SCN_INVARIANT_NO_STUCK_LOCKS);
    check_exercise(set, SCN_INVARIANT_LOCKS_EXCLUDE);
    if (lock->held && lock->until > (int64_t)set->now_us)
        check_break(set, SCN_INVARIANT_LOCKS_EXCLUDE, record,
                    "lock %s was granted to %s (token %lld) while %s held it (token %lld)",
                    record_text(v->key), record_text(v->owner), (long long)v->token,
                    record_text(lock->owner), (long long)lock->token);
    if (v->token <= lock->newest)
        check_break(set, SCN_INVARIANT_LOCKS_EXCLUDE, record,
                    "lock %s was granted with token %lld after token %lld", record_text(v->key),
                    (long long)v->token, (long long)lock->newest);
}

void check_lock_grant(struct check_set *set, const struct record *record)
{
    const struct record_values_LK_GRANT *v = &record->values.LK_GRANT;
    struct lock_fact *lock = lock_of(set, v->lock, v->key);
    uint16_t party = check_core_of(set, record->from) >= 0 ? record->from : record->to;
    int32_t core = check_core_of(set, party);

    /* Granted to nobody: an older grant came back because the store lost its newest write. */
    if (core >= 0) judge_grant(set, record, lock);
    lock->held = true;
    lock->owner = v->owner;
    lock->token = v->token;
    if (v->token > lock->newest) lock->newest = v->token;
    lock->until = v->until;
    lock->core = party;
    lock->life = core < 0 ? 0 : set->lives[core];
    lock->refused = 0;
}

void check_lock_renew(struct check_set *set, const struct record *record)
{
    const struct record_values_LK_RENEW *v = &record->values.LK_RENEW;
    struct lock_fact *lock = lock_of(set, v->lock, v->key);

    if (is_current(lock, v->owner, v->token)) {
        lock->until = v->until;
        return;
    }
    check_break(set, SCN_INVARIANT_LOCKS_EXCLUDE, record,
                "lock %s was renewed for %s with token %lld, which is not the holder's",
                record_text(v->key), record_text(v->owner), (long long)v->token);
}

void check_lock_refuse(struct check_set *set, const struct record *record)
{
    const struct record_values_LK_REFUSE *v = &record->values.LK_REFUSE;
    if (set->calm && v->op == set->names.acquire)
        lock_of(set, v->lock, v->key)->refused = record->number;
}

static void set_free(const struct check_set *set, struct lock_fact *lock)
{
    lock->held = false;
    lock->free_us = set->now_us;
    for (uint32_t i = 0; i < set->file->core_count; i++)
        lock->free_busy_us[i] = check_locks_busy_us(set, (int32_t)i);
}

void check_lock_release(struct check_set *set, const struct record *record)
{
    const struct record_values_LK_RELEASE *v = &record->values.LK_RELEASE;
    struct lock_fact *lock = lock_of(set, v->lock, v->key);

    if (!is_current(lock, v->owner, v->token)) {
        check_break(set, SCN_INVARIANT_LOCKS_EXCLUDE, record,
                    "lock %s was released for %s with token %lld, which is not the holder's",
                    record_text(v->key), record_text(v->owner), (long long)v->token);
        return;
    }
    set_free(set, lock);
}

void check_lock_expire(struct check_set *set, const struct record *record)
{
    const struct record_values_LK_EXPIRE *v = &record->values.LK_EXPIRE;
    struct lock_fact *lock = lock_of(set, v->lock, v->key);
    set_free(set, lock);
}

void check_lease_held(struct check_set *set, const struct record *record)
{
    const struct record_values_LEASE_HELD *v = &record->values.LEASE_HELD;
    struct lock_fact *lock = lock_of(set, 0, v->key);

    if (v->token == lock->leased)
        check_break(set, SCN_INVARIANT_LOCKS_EXCLUDE, record,
                    "%s was told that it holds %s with token %lld, which another one was told "
                    "before", record_party_name(record->subject), record_text(v->key),
                    (long long)v->token);
    lock->leased = v->token;
}

void check_lease_ended(struct check_set *set, const struct record *record)
{
    const struct record_values_LEASE_ENDED *v = &record->values.LEASE_ENDED;
    struct lock_fact *lock = lock_of(set, 0, v->key);
    if (lock->leased == v->token) lock->leased = 0;
}

static void judge_lock(struct check_set *set, const struct lock_fact *lock)
{
    const char *key = record_text(lock->entry.key.at[0]), *owner = record_text(lock->owner);
    int32_t core = check_core_of(set, lock->core);

    if (lock->until < (int64_t)set->now_us)
        check_break(set, SCN_INVARIANT_NO_STUCK_LOCKS, NULL,
                    "lock %s is still held by %s (token %lld), %lldms after its time", key, owner,
                    (long long)lock->token,
                    (long long)((int64_t)set->now_us - lock->until) / 1000);
    else if (core >= 0 && (set->down[core] || set->lives[core] != lock->life))
        check_break(set, SCN_INVARIANT_NO_STUCK_LOCKS, NULL,
                    "lock %s is still held by %s (token %lld), whose core is dead", key, owner,
                    (long long)lock->token);
    else if (lock->refused != 0 && lock->leased != lock->token)
        check_break(set, SCN_INVARIANT_NO_STUCK_LOCKS, NULL,
                    "lock %s was never given up by %s (token %lld), though others asked for it in "
                    "the calm", key, owner, (long long)lock->token);
}

void check_locks_free(struct check_set *set)
{
    for (uint32_t i = 0; i < set->locks.count; i++) {
        const struct lock_fact *lock = ledger_at(&set->locks, i);
        if (lock->held) judge_lock(set, lock);
    }
}
