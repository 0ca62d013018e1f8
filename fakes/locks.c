/* The lock store: grants with owners, deadlines and tokens that only ever grow. It outlives every
 * core, and is shared by all of them. */
#include "fakes/internal.h"

static struct lock_entry *entry_of(struct locks *locks, const char *key)
{
    for (uint32_t i = 0; i < locks->count; i++) {
        if (strcmp(locks->entries[i].key, key) == 0) return &locks->entries[i];
    }
    if (locks->count == LOCKS_MAX) world_stop("more than %d locks in one execution", LOCKS_MAX);
    struct lock_entry *entry = &locks->entries[locks->count++];
    size_t length = strlen(key);
    REQUIRE(length < sizeof entry->key);
    memcpy(entry->key, key, length + 1);
    entry->lock_word = record_intern_bytes(key, length);
    entry->key_word = record_intern_bytes(key, strcspn(key, ":"));
    return entry;
}

static bool owned(const struct lock_entry *entry, const char *owner, uint64_t token)
{
    return entry->held && entry->token == token && strcmp(entry->owner, owner) == 0;
}

/* Before every write, so that the newest one can be lost. */
static void remember(struct locks *locks, struct lock_entry *entry)
{
    locks->written = entry;
    entry->undo_valid = true;
    entry->undo_held = entry->held;
    memcpy(entry->undo_owner, entry->owner, sizeof entry->owner);
    entry->undo_owner_word = entry->owner_word;
    entry->undo_token = entry->token;
    entry->undo_until_ns = entry->until_ns;
}

/* --- expiry --- */

static void arm_expiry(struct locks *locks)
{
    uint64_t earliest_ns = WORLD_NEVER;

    for (uint32_t i = 0; i < locks->count; i++) {
        const struct lock_entry *entry = &locks->entries[i];
        if (entry->held && entry->until_ns < earliest_ns) earliest_ns = entry->until_ns;
    }
    world_task_disarm(locks->task);
    if (earliest_ns != WORLD_NEVER) world_task_arm(locks->task, earliest_ns);
}

static void expire(struct locks *locks, struct lock_entry *entry)
{
    remember(locks, entry);
    entry->held = false;
    RECORD(LK_EXPIRE, PARTY_LOCKS, 0, 0, 0, .key = entry->key_word, .owner = entry->owner_word,
           .token = (int64_t)entry->token, .lock = entry->lock_word);
}

static void expire_due(void *argument)
{
    struct locks *locks = argument;

    for (uint32_t i = 0; i < locks->count; i++) {
        struct lock_entry *entry = &locks->entries[i];
        if (entry->held && entry->until_ns <= world_now_ns()) expire(locks, entry);
    }
    arm_expiry(locks);
    faults_refresh(locks->play);
}

void locks_init(struct play *play)
{
    play->locks.play = play;
    play->locks.task = world_task("store.locks.expiry", WORLD_MESSAGE, expire_due, &play->locks);
}

/* --- the port --- */

static void refuse(struct instance *instance, const struct lock_entry *entry, const char *op,
                   const char *owner, uint64_t token)
{
    RECORD(LK_REFUSE, PARTY_LOCKS, instance->party, PARTY_LOCKS, 0, .key = entry->key_word,
           .owner = record_intern(owner), .token = (int64_t)token, .op = record_intern(op),
           .lock = entry->lock_word);
}

static enum core_result grant(struct instance *instance, struct lock_entry *entry,
                              const char *owner, uint64_t ttl_us, uint64_t *token)
{
    struct locks *locks = &instance->play->locks;

    RECORD(LK_TRY, PARTY_LOCKS, instance->party, PARTY_LOCKS, 0, .key = entry->key_word,
           .owner = record_intern(owner), .ttl = (int64_t)ttl_us, .lock = entry->lock_word);
    if (entry->held) {
        refuse(instance, entry, "acquire", owner, entry->token);
        return CORE_CONFLICT;
    }
    remember(locks, entry);
    entry->held = true;
    entry->token = ++locks->tokens;
    entry->until_ns = ahead_ns(ttl_us);
    size_t length = strlen(owner);
    REQUIRE(length < sizeof entry->owner);
    memcpy(entry->owner, owner, length + 1);
    entry->owner_word = record_intern(owner);
    *token = entry->token;
    RECORD(LK_GRANT, PARTY_LOCKS, PARTY_LOCKS, instance->party, 0, .key = entry->key_word,
           .owner = entry->owner_word, .token = (int64_t)entry->token,
           .until = (int64_t)(entry->until_ns / 1000), .lock = entry->lock_word);
    arm_expiry(locks);
    return CORE_OK;
}

static enum core_result try_acquire(void *context, const char *key, const char *owner,
                                    uint64_t ttl_us, uint64_t *token)
{
    struct instance *instance = context;
    struct store_call call;
    enum core_result rc = CORE_FAILED;

    store_call_begin(instance, &call, STORE_LOCKS, "acquire", key);
    if (store_performed(&call))
        rc = grant(instance, entry_of(&instance->play->locks, key), owner, ttl_us, token);
    return store_end(instance, &call, rc);
}

static enum core_result extend(struct instance *instance, struct lock_entry *entry,
                               const char *owner, uint64_t token, uint64_t ttl_us)
{
    if (!owned(entry, owner, token)) {
        refuse(instance, entry, "renew", owner, token);
        return CORE_STALE;
    }
    remember(&instance->play->locks, entry);
    entry->until_ns = ahead_ns(ttl_us);
    RECORD(LK_RENEW, PARTY_LOCKS, instance->party, PARTY_LOCKS, 0, .key = entry->key_word,
           .owner = entry->owner_word, .token = (int64_t)token,
           .until = (int64_t)(entry->until_ns / 1000), .lock = entry->lock_word);
    arm_expiry(&instance->play->locks);
    return CORE_OK;
}

static enum core_result renew(void *context, const char *key, const char *owner, uint64_t token,
                              uint64_t ttl_us)
{
    struct instance *instance = context;
    struct store_call call;
    enum core_result rc = CORE_FAILED;

    store_call_begin(instance, &call, STORE_LOCKS, "renew", key);
    if (store_performed(&call))
        rc = extend(instance, entry_of(&instance->play->locks, key), owner, token, ttl_us);
    return store_end(instance, &call, rc);
}

static enum core_result give_back(struct instance *instance, struct lock_entry *entry,
                                  const char *owner, uint64_t token)
{
    if (!owned(entry, owner, token)) {
        refuse(instance, entry, "release", owner, token);
        return CORE_STALE;
    }
    remember(&instance->play->locks, entry);
    entry->held = false;
    RECORD(LK_RELEASE, PARTY_LOCKS, instance->party, PARTY_LOCKS, 0, .key = entry->key_word,
           .owner = entry->owner_word, .token = (int64_t)token, .lock = entry->lock_word);
    arm_expiry(&instance->play->locks);
    return CORE_OK;
}

static enum core_result release(void *context, const char *key, const char *owner, uint64_t token)
{
    struct instance *instance = context;
    struct store_call call;
    enum core_result rc = CORE_FAILED;

    store_call_begin(instance, &call, STORE_LOCKS, "release", key);
    if (store_performed(&call))
        rc = give_back(instance, entry_of(&instance->play->locks, key), owner, token);
    return store_end(instance, &call, rc);
}

static enum core_result read_grant(void *context, const char *key, struct lock_grant *grant_out)
{
    struct instance *instance = context;
    struct store_call call;

    store_call_begin(instance, &call, STORE_LOCKS, "read", key);
    const struct lock_entry *entry = entry_of(&instance->play->locks, key);
    *grant_out = (struct lock_grant){ .held = entry->held, .token = entry->token };
    if (entry->held) {
        memcpy(grant_out->owner, entry->owner, sizeof entry->owner);
        if (entry->until_ns > world_now_ns())
            grant_out->remaining_us = (entry->until_ns - world_now_ns()) / 1000;
    }
    return store_end(instance, &call, CORE_OK);
}

struct lock_store_port locks_port(struct instance *instance)
{
    return (struct lock_store_port){ instance, try_acquire, renew, release, read_grant };
}

/* --- faults --- */

static bool selected(const struct lock_entry *entry, const struct scn_ref *target)
{
    const struct scn_attr *key = scn_attrs_find(&target->filters, "key");

    return entry->held && (key == NULL || strcmp(key->value.text, entry->key) == 0 ||
                           strcmp(key->value.text, record_text(entry->key_word)) == 0);
}

bool locks_expirable(const struct play *play, const struct scn_ref *target)
{
    for (uint32_t i = 0; i < play->locks.count; i++) {
        if (selected(&play->locks.entries[i], target)) return true;
    }
    return false;
}

void locks_expire(struct play *play, const struct scn_ref *target)
{
    for (uint32_t i = 0; i < play->locks.count; i++) {
        struct lock_entry *entry = &play->locks.entries[i];
        if (!selected(entry, target)) continue;
        expire(&play->locks, entry);
        arm_expiry(&play->locks);
        return;
    }
}

bool locks_lose_last(struct play *play)
{
    struct lock_entry *entry = play->locks.written;

    if (entry == NULL || !entry->undo_valid) return false;
    if (entry->held)
        RECORD(LK_EXPIRE, PARTY_LOCKS, 0, 0, 0, .key = entry->key_word,
               .owner = entry->owner_word, .token = (int64_t)entry->token,
               .lock = entry->lock_word);
    /* The token of the lost grant is not given out again: tokens grow also through a loss. */
    entry->held = entry->undo_held;
    memcpy(entry->owner, entry->undo_owner, sizeof entry->owner);
    entry->owner_word = entry->undo_owner_word;
    entry->token = entry->undo_token;
    entry->until_ns = entry->undo_until_ns;
    entry->undo_valid = false;
    if (entry->held && entry->until_ns <= world_now_ns()) entry->held = false;
    if (entry->held)
        RECORD(LK_GRANT, PARTY_LOCKS, 0, 0, 0, .key = entry->key_word, .owner = entry->owner_word,
               .token = (int64_t)entry->token, .until = (int64_t)(entry->until_ns / 1000),
               .lock = entry->lock_word);
    arm_expiry(&play->locks);
    return true;
}
