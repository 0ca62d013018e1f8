/* The lock store of a core that a backend has for itself. Each call is compared with the one that
 * the model expects. It may take its time, or stay without an answer, and take effect or not. */
#include "fakes/alone_lease.h"

struct lock_call {
    struct leasing *leasing;
    struct pact_key *key;
    uint64_t called_us;
    bool check;              /* of health: it is about no lease */
    bool silent, lost;
};

static struct pact_key *key_called(struct leasing *leasing, const char *name)
{
    for (uint32_t i = 0; i < PACT_KEYS; i++)
        if (strcmp(leasing->keys[i].name, name) == 0) return &leasing->keys[i];
    return NULL;
}

/* --- the call that is due --- */

static bool is_new(const struct leasing *leasing, const char *owner)
{
    for (uint32_t i = 0; i < leasing->owner_count; i++)
        if (strcmp(leasing->owners[i], owner) == 0) return false;
    return true;
}

static void judge_owner(struct leasing *leasing, struct pact *pact, const char *owner)
{
    if (pact->owner[0] != '\0') {
        leasing_tell(leasing, "whether a call names its owner", strcmp(pact->owner, owner) == 0, 1);
        return;
    }
    leasing_tell(leasing, "whether a grant has an owner of its own", is_new(leasing, owner), 1);
    REQUIRE(leasing->owner_count < PACT_OWNERS && strlen(owner) < CORE_NAME_MAX);
    memcpy(leasing->owners[leasing->owner_count++], owner, strlen(owner) + 1);
    memcpy(pact->owner, owner, strlen(owner) + 1);
}

static uint64_t latest(uint64_t one, uint64_t other, uint64_t third)
{
    uint64_t later = one > other ? one : other;
    return later > third ? later : third;
}

static void judge_due(struct leasing *leasing, const struct pact_key *key, enum pact_call call,
                      const char *owner)
{
    leasing_pass(leasing);
    struct pact *pact = leasing_next(leasing);
    bool due = pact != NULL && key == &leasing->keys[pact->key];

    leasing_tell(leasing, "whether a call about that lock is due", due, 1);
    if (!due) return;
    leasing_tell(leasing, "which call about a lock is made", call, pact_call(pact));
    leasing_tell(leasing, "when a call about a lock is made", now_us(),
                 latest(pact->due_us, pact->since_us, leasing->free_us));
    if (owner != NULL) judge_owner(leasing, pact, owner);
    if (call == pact_call(pact)) leasing->serving = pact;
}

/* --- how it goes --- */

static void take_time(const struct lock_call *call)
{
    static const uint64_t times_us[] = { 0, 0, 0, 70001, 1300003, 11500021 };
    uint64_t time_us = times_us[world_choose(6, "how_long_a_call_takes")];

    if (call->check && time_us > 0) time_us = time_us > 70001 ? 2 * PACT_HEALTH_US + 7 : time_us;
    if (time_us > 0) world_sleep_until(ahead_ns(time_us));
}

/* False: it has no effect. */
static bool begin(struct leasing *leasing, struct lock_call *call, const char *name,
                  enum pact_call kind, const char *owner)
{
    world_meet(WORLD_MET_FAKES);
    struct pact_key *key = key_called(leasing, name);
    *call = (struct lock_call){ .leasing = leasing, .key = key, .called_us = now_us(),
                                .check = key == NULL && kind == PACT_READ };
    leasing_tell(leasing, "whether a call is about a lock that was asked for",
                 key != NULL || call->check, 1);
    if (leasing->ending) return key != NULL;
    if (call->check) health_asked(leasing);
    else if (key != NULL) judge_due(leasing, key, kind, owner);
    uint32_t fate = world_choose(6, "what_becomes_of_a_call");
    call->silent = fate > 3;
    call->lost = fate == 5;
    take_time(call);
    return key != NULL && !call->lost;
}

/* What the model makes of the answer, before the core knows it. NULL: nothing. */
static struct pact *end(struct lock_call *call)
{
    struct leasing *leasing = call->leasing;
    struct pact *pact = leasing->serving;

    if (call->check) return NULL;
    if (!leasing->ending) leasing_pass(leasing);
    leasing->serving = NULL;
    leasing->free_us = now_us();
    return leasing->ending ? NULL : pact;
}

static bool is_held(const struct pact_key *key)
{
    return key->held && key->until_us > now_us();
}

static bool is_current(const struct pact_key *key, const char *owner, uint64_t token)
{
    return is_held(key) && key->token == token && strcmp(key->owner, owner) == 0;
}

static enum core_result grant(struct leasing *leasing, struct pact_key *key, const char *owner,
                              uint64_t ttl_us, uint64_t *token)
{
    if (is_held(key)) return CORE_CONFLICT;
    key->held = true;
    memcpy(key->owner, owner, strlen(owner) + 1);
    *token = key->token = ++leasing->tokens;
    key->until_us = now_us() + ttl_us;
    return CORE_OK;
}

static enum core_result try_acquire(void *context, const char *name, const char *owner,
                                    uint64_t ttl_us, uint64_t *token)
{
    struct leasing *leasing = context;
    enum core_result rc = CORE_UNKNOWN;
    struct lock_call call;
    uint64_t given = 0;

    if (leasing->crowded) {
        *token = ++leasing->tokens;
        return CORE_OK;
    }
    if (begin(leasing, &call, name, PACT_TRY, owner))
        rc = grant(leasing, call.key, owner, ttl_us, &given);
    if (call.silent) rc = CORE_UNKNOWN;
    if (rc == CORE_OK) *token = given;
    struct pact *pact = end(&call);
    if (pact != NULL) {
        leasing_tell(leasing, "the life of a lease that is asked for", ttl_us, pact->ttl_us);
        pact_tried(pact, rc, given, call.called_us);
        leasing_lose_older(leasing, pact->key);
    }
    return rc;
}

static enum core_result renew(void *context, const char *name, const char *owner, uint64_t token,
                              uint64_t ttl_us)
{
    struct leasing *leasing = context;
    enum core_result rc = CORE_UNKNOWN;
    struct lock_call call;

    if (begin(leasing, &call, name, PACT_RENEW, owner)) {
        rc = is_current(call.key, owner, token) ? CORE_OK : CORE_STALE;
        if (rc == CORE_OK) call.key->until_us = now_us() + ttl_us;
    }
    if (call.silent) rc = CORE_UNKNOWN;
    struct pact *pact = end(&call);
    if (pact != NULL) {
        leasing_tell(leasing, "the token of a lease that is renewed", token, pact->token);
        leasing_tell(leasing, "the life of a lease that is renewed", ttl_us, pact->ttl_us);
        pact_renewed(pact, rc, call.called_us);
    }
    return rc;
}

static enum core_result release(void *context, const char *name, const char *owner, uint64_t token)
{
    struct leasing *leasing = context;
    enum core_result rc = CORE_UNKNOWN;
    struct lock_call call;

    if (leasing->crowded) return CORE_OK;
    if (begin(leasing, &call, name, PACT_RELEASE, owner)) {
        rc = is_current(call.key, owner, token) ? CORE_OK : CORE_STALE;
        if (rc == CORE_OK) call.key->held = false;
    }
    if (call.silent) rc = CORE_UNKNOWN;
    struct pact *pact = end(&call);
    if (pact != NULL) {
        leasing_tell(leasing, "the token of a lease that is given back", token, pact->token);
        pact_released(pact, rc);
    }
    return rc;
}

static enum core_result read_grant(void *context, const char *name, struct lock_grant *told)
{
    struct leasing *leasing = context;
    enum core_result rc = CORE_UNKNOWN;
    struct lock_call call;

    *told = (struct lock_grant){ .held = false };
    bool heard = begin(leasing, &call, name, PACT_READ, NULL);
    if (heard && is_held(call.key)) {
        *told = (struct lock_grant){ .held = true, .token = call.key->token,
                                     .remaining_us = call.key->until_us - now_us() };
        memcpy(told->owner, call.key->owner, sizeof told->owner);
    }
    if (!call.silent) rc = CORE_OK;
    if (call.check && !leasing->ending) health_answered(leasing, rc, call.called_us);
    struct pact *pact = end(&call);
    if (pact != NULL) {
        pact_read(pact, rc, told, call.called_us);
        leasing_lose_older(leasing, pact->key);
    }
    return rc;
}

struct lock_store_port leasing_store(struct leasing *leasing)
{
    return (struct lock_store_port){ leasing, try_acquire, renew, release, read_grant };
}
