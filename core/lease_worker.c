/*
 * The thread core/leases: one call to the lock store at a time, the most overdue lease first. After
 * a call whose effect is unknown comes a read, never the same call (L6): the owner id in its answer
 * tells whose grant it is.
 */
#include "core/lease.h"

#include <stdlib.h>
#include <string.h>

/* Fruitless calls in a row after which an answer is owed, and a draining core stops trying. */
enum { ATTEMPTS_MAX = 3 };

/* A waiting acquisition looks at least this often within a lease, so that a dead holder's key is
 * granted soon after it expired. */
enum { TRIES_PER_LEASE = 4, RENEWALS_PER_LEASE = 3, RETRIES_PER_LEASE = 12 };

static bool may_have_happened(enum core_result result)
{
    return result == CORE_UNKNOWN || result == CORE_EXPIRED || result == CORE_UNAVAILABLE;
}

static uint64_t at_least_1(uint64_t value)
{
    return value ? value : 1;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t renewal_us(const struct core_settings *settings, const struct lease *lease)
{
    return at_least_1(lesser(settings->lease_renew_us, lease->ttl_us / RENEWALS_PER_LEASE));
}

/* The same call soon again, as long as that can help. */
static void retry_soon(struct lease *lease)
{
    lease->attempts++;
    lease->due_us = core_now_us() + at_least_1(lease->ttl_us / RETRIES_PER_LEASE);
}

/* ---- outcomes: leases' lock held ---- */

static void forget(struct leases *leases, struct lease *lease)
{
    REQUIRE(lease->phase == LEASE_ENDING);
    REQUIRE(lease->timer == 0);
    REQUIRE(leases->slots[lease->slot] == lease);
    leases->slots[lease->slot] = NULL;
    leases->count--;
    free(lease);
}

/* The end of the lease at the store, as far as can be known. */
static struct lease_answer finish(struct turn *turn, struct lease *lease, enum core_result result)
{
    struct lease_answer answer = lease_owe(lease, result);
    forget(turn->core->leases, lease);
    return answer;
}

/* The store holds the key for us until `until_us` at least. */
static struct lease_answer adopt(struct turn *turn, struct lease *lease, uint64_t until_us)
{
    lease->phase = LEASE_HELD;
    lease->attempts = 0;
    lease->expires_us = until_us;
    lease->valid_until_us = until_us - lease_margin_us(lease);
    uint64_t now = core_now_us();
    uint64_t rest = (lease->valid_until_us - now) / RENEWALS_PER_LEASE;
    lease->due_us = now + lesser(renewal_us(&turn->core->settings, lease), rest);
    lease->held_us = lease->progress_us = now;
    watch_granted(turn, lease);
    lease_disarm(turn, lease);
    lease_arm(turn, lease, lease->valid_until_us);
    trace_owe(turn, TP_LOCK_ACQUIRED, lease->key, lease->token, 0, 0);
    return lease_owe(lease, CORE_OK);
}

static void extend(struct turn *turn, struct lease *lease, uint64_t until_us)
{
    lease->attempts = 0;
    lease->expires_us = until_us;
    lease->valid_until_us = until_us - lease_margin_us(lease);
    uint64_t now = core_now_us();
    uint64_t rest = (lease->valid_until_us - now) / RENEWALS_PER_LEASE;
    lease->due_us = now + lesser(renewal_us(&turn->core->settings, lease), rest);
    trace_owe(turn, TP_LOCK_RENEWED, lease->key, lease->token, 0, 0);
}

static bool still_useful(const struct lease *lease, uint64_t until_us)
{
    return until_us > lease_margin_us(lease) + core_now_us();
}

/* The store has it, or had it: for whom depends on who still waits. */
static struct lease_answer granted(struct turn *turn, struct lease *lease, uint64_t until_us)
{
    if (lease->phase == LEASE_WANTED && still_useful(lease, until_us))
        return adopt(turn, lease, until_us);
    /* Too late for our clock: only the store can say what is left of it. */
    lease->ambiguous = lease->phase == LEASE_WANTED;
    lease->expires_us = core_now_us() + lease->ttl_us;
    return (struct lease_answer){ 0 };
}

/* No grant now, for a reason that is the answer unless there is time left to wait. */
static struct lease_answer refused(struct turn *turn, struct lease *lease, enum core_result result)
{
    trace_owe(turn, TP_LOCK_REFUSED, lease->key, 0, 0, 0);
    if (!lease->waits)
        return lease_give_up(turn, lease, result);
    lease->attempts++;
    lease->due_us = core_now_us() + core_backoff_us(turn->core, lease->attempts,
                                                    lease->ttl_us / TRIES_PER_LEASE);
    return (struct lease_answer){ 0 };
}

/* ---- the calls: no lock held; each returns with the lock held ---- */

struct call {
    const struct lock_store_port *store;
    char key[CORE_NAME_MAX], owner[CORE_NAME_MAX];
    uint64_t token, ttl_us, start_us;
};

static struct lease_answer after_try(struct turn *turn, struct lease *lease,
                                     enum core_result result, const struct call *call)
{
    if (result == CORE_OK) {
        lease->token = call->token;
        return granted(turn, lease, call->start_us + lease->ttl_us);
    }
    if (may_have_happened(result)) {
        lease->ambiguous = lease->doubt = true;
        lease->expires_us = core_now_us() + lease->ttl_us;
    } else if (result == CORE_CONFLICT && lease->doubt) {
        lease->ambiguous = true;    /* the holder may be our own, earlier try */
    } else if (lease->phase == LEASE_ENDING) {
        return finish(turn, lease, CORE_OK);
    } else {
        return refused(turn, lease, result);
    }
    return (struct lease_answer){ 0 };
}

static struct lease_answer try_acquire(struct turn *turn, struct lease *lease, struct call *call)
{
    trace_point(turn, TP_LOCK_TRIED, call->key, 0, 0, 0);
    enum core_result result = call->store->try_acquire(call->store->context, call->key, call->owner,
                                                       call->ttl_us, &call->token);
    turn_lock(turn, &turn->core->leases->lock);
    return after_try(turn, lease, result, call);
}

static struct lease_answer renew(struct turn *turn, struct lease *lease, struct call *call)
{
    enum core_result result = call->store->renew(call->store->context, call->key, call->owner,
                                                 call->token, call->ttl_us);
    turn_lock(turn, &turn->core->leases->lock);
    uint64_t until = call->start_us + call->ttl_us;
    if (result == CORE_OK && lease->phase == LEASE_HELD &&
        core_now_us() < lease->valid_until_us) {
        extend(turn, lease, until);
    } else if (result == CORE_OK || may_have_happened(result)) {
        lease->ambiguous = result != CORE_OK;
        lease->expires_us = core_now_us() + call->ttl_us;
        if (lease->phase == LEASE_HELD && core_now_us() >= lease->valid_until_us)
            return lease_lose(turn, lease);
    } else if (lease->phase == LEASE_ENDING) {
        return finish(turn, lease, CORE_STALE);
    } else {
        struct lease_answer answer = lease_lose(turn, lease);
        forget(turn->core->leases, lease);
        return answer;
    }
    return (struct lease_answer){ 0 };
}

static struct lease_answer give_back(struct turn *turn, struct lease *lease, struct call *call)
{
    enum core_result result =
        call->store->release(call->store->context, call->key, call->owner, call->token);
    turn_lock(turn, &turn->core->leases->lock);
    REQUIRE(lease->phase == LEASE_ENDING);
    lease->returned = true;
    if (result == CORE_OK)
        trace_owe(turn, TP_LOCK_RELEASED, call->key, call->token, 0, 0);
    if (!may_have_happened(result))
        return finish(turn, lease, result == CORE_OK ? CORE_OK : CORE_STALE);
    lease->ambiguous = true;
    return (struct lease_answer){ 0 };
}

/* ---- after a doubtful call: what does the store say? ---- */

/* Gives the store time to answer, but not for ever: what it keeps expires by itself. */
static struct lease_answer keep_ending(struct turn *turn, struct lease *lease)
{
    bool stop = turn->core->leases->stop;
    if (core_now_us() >= lease->expires_us || (stop && lease->attempts + 1 >= ATTEMPTS_MAX))
        return finish(turn, lease, CORE_UNKNOWN);
    retry_soon(lease);
    if (stop || lease->attempts == 1)
        lease->due_us = 0;
    return (struct lease_answer){ 0 };
}

static struct lease_answer found_ours(struct turn *turn, struct lease *lease,
                                      const struct lock_grant *grant, const struct call *call)
{
    uint64_t until = call->start_us + lesser(grant->remaining_us, lease->ttl_us);
    bool useful = still_useful(lease, until);
    lease->ambiguous = false;
    lease->token = grant->token;
    switch (lease->phase) {
    case LEASE_WANTED:
        if (useful)
            return adopt(turn, lease, until);
        if (!lease->waits)
            return lease_give_up(turn, lease, CORE_EXPIRED);
        /* What is left of this grant runs out by itself; there is time to wait for another. */
        lease_new_owner(turn->core, lease);
        return refused(turn, lease, CORE_EXPIRED);
    case LEASE_HELD:
        if (core_now_us() >= lease->valid_until_us)
            return lease_lose(turn, lease);
        /* The read can tell of a renewal, never of less than was known before. */
        if (useful && until > lease->expires_us)
            extend(turn, lease, until);
        else
            retry_soon(lease);
        return (struct lease_answer){ 0 };
    case LEASE_ENDING:
        return keep_ending(turn, lease);
    }
    UNREACHABLE();
    return (struct lease_answer){ 0 };
}

/* The grant of an acquisition in doubt is not there: not yet, not any more, or never. */
static struct lease_answer found_missing(struct turn *turn, struct lease *lease, bool held)
{
    bool was_granted = lease->token != 0;
    if (was_granted)
        lease_new_owner(turn->core, lease);
    if (held || was_granted)
        return refused(turn, lease, held ? CORE_CONFLICT : CORE_EXPIRED);
    /* Nobody has the key, so nobody has refused it: ask again. */
    if (!lease->waits && lease->attempts + 1 >= ATTEMPTS_MAX)
        return lease_give_up(turn, lease, CORE_UNKNOWN);
    lease->attempts++;
    lease->due_us = core_now_us();
    return (struct lease_answer){ 0 };
}

/* The key is somebody else's, or nobody's. */
static struct lease_answer found_other(struct turn *turn, struct lease *lease, bool held)
{
    struct lease_answer answer = { 0 };
    lease->ambiguous = false;
    switch (lease->phase) {
    case LEASE_WANTED:
        return found_missing(turn, lease, held);
    case LEASE_HELD:
        answer = lease_lose(turn, lease);
        forget(turn->core->leases, lease);
        return answer;
    case LEASE_ENDING:
        /* Its time was up before it could be given back. */
        if (lease->token && !lease->returned)
            return finish(turn, lease, CORE_STALE);
        if (lease->token)
            trace_owe(turn, TP_LOCK_RELEASED, lease->key, lease->token, 0, 0);
        return finish(turn, lease, CORE_OK);
    }
    UNREACHABLE();
    return answer;
}

/* The store does not answer. A holder is warned by its deadline; the others are answered here. */
static struct lease_answer found_nothing(struct turn *turn, struct lease *lease)
{
    if (lease->phase == LEASE_ENDING)
        return keep_ending(turn, lease);
    if (lease->phase == LEASE_WANTED && !lease->waits && lease->attempts + 1 >= ATTEMPTS_MAX)
        return lease_give_up(turn, lease, CORE_UNKNOWN);
    retry_soon(lease);
    return (struct lease_answer){ 0 };
}

static struct lease_answer reconcile(struct turn *turn, struct lease *lease, struct call *call)
{
    struct lock_grant grant = { .held = false };
    enum core_result result = call->store->read(call->store->context, call->key, &grant);
    turn_lock(turn, &turn->core->leases->lock);
    if (result != CORE_OK && result != CORE_NOT_FOUND)
        return found_nothing(turn, lease);
    grant.owner[CORE_NAME_MAX - 1] = 0;
    bool held = result == CORE_OK && grant.held;
    bool ours = held && strcmp(grant.owner, call->owner) == 0;
    if (ours && call->token && lease->phase != LEASE_WANTED)
        ours = grant.token == call->token;
    if (ours)
        return found_ours(turn, lease, &grant, call);
    return found_other(turn, lease, held);
}

/* ---- the loop ---- */

/* Is an older grant of this core on its way back? It must not look like somebody else's. */
static bool must_queue(const struct leases *leases, const struct lease *lease)
{
    for (uint32_t i = 0; lease->phase == LEASE_WANTED && i < leases->capacity; i++) {
        const struct lease *older = leases->slots[i];
        if (older && older->phase == LEASE_ENDING && older->generation < lease->generation &&
            strcmp(older->key, lease->key) == 0)
            return true;
    }
    return false;
}

static struct lease *most_urgent(struct leases *leases)
{
    struct lease *urgent = NULL;
    for (uint32_t i = 0; i < leases->capacity; i++) {
        struct lease *lease = leases->slots[i];
        if (!lease || must_queue(leases, lease))
            continue;
        if (!urgent || lease->due_us < urgent->due_us ||
            (lease->due_us == urgent->due_us && lease->generation < urgent->generation))
            urgent = lease;
    }
    return urgent;
}

/*
 * The store has granted a key to this core twice: then the first grant is over, whatever the core
 * knows of it. Lock held.
 */
static struct lease_answer lose_older(struct turn *turn, const char *key)
{
    const struct leases *leases = turn->core->leases;
    struct lease *older = NULL, *newest = NULL;
    for (uint32_t i = 0; i < leases->capacity; i++) {
        struct lease *lease = leases->slots[i];
        if (!lease || lease->phase != LEASE_HELD || strcmp(lease->key, key) != 0)
            continue;
        if (newest && lease->token < newest->token) {
            older = lease;
            continue;
        }
        older = newest;
        newest = lease;
    }
    return older ? lease_lose(turn, older) : (struct lease_answer){ 0 };
}

/* One call for this lease. Lock held on entry, not on return. */
static void serve(struct turn *turn, struct lease *lease)
{
    struct leases *leases = turn->core->leases;
    struct lease_answer answer = { 0 }, older;
    struct call call = { .store = &turn->core->locks, .token = lease->token,
                         .ttl_us = lease->ttl_us };
    memcpy(call.key, lease->key, sizeof call.key);
    memcpy(call.owner, lease->owner, sizeof call.owner);
    bool ambiguous = lease->ambiguous;
    enum lease_phase phase = lease->phase;
    if (phase == LEASE_ENDING && !ambiguous && !lease->token) {
        answer = finish(turn, lease, CORE_OK);
    } else {
        turn_unlock(turn, &leases->lock);
        turn_flush(turn);
        call.start_us = core_now_us();
        if (ambiguous)
            answer = reconcile(turn, lease, &call);
        else if (phase == LEASE_WANTED)
            answer = try_acquire(turn, lease, &call);
        else if (phase == LEASE_HELD)
            answer = renew(turn, lease, &call);
        else
            answer = give_back(turn, lease, &call);
    }
    older = lose_older(turn, call.key);
    turn_unlock(turn, &leases->lock);
    lease_tell(turn, &older);
    lease_tell(turn, &answer);
}

/* Of two times, 0 meaning never. */
static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void tell_alerts(struct turn *turn, struct leases *leases)
{
    turn_unlock(turn, &leases->lock);
    turn_flush(turn);
    turn_lock(turn, &leases->lock);
}

void *lease_worker_main(void *context)
{
    struct core *core = context;
    struct leases *leases = core->leases;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &leases->lock);
    while (!leases->stop || leases->count > 0) {
        uint64_t look_us = watch_holders(&turn, leases);
        struct lease *lease = most_urgent(leases);
        if (turn.count > 0)
            tell_alerts(&turn, leases);
        else if (!lease || lease->due_us > core_now_us())
            turn_wait(&turn, &leases->changed, &leases->lock,
                      sooner(lease ? lease->due_us : 0, look_us));
        else {
            serve(&turn, lease);
            turn_lock(&turn, &leases->lock);
        }
    }
    turn_unlock(&turn, &leases->lock);
    turn_end(&turn);
    return NULL;
}
