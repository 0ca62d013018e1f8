/* The leases of a core that a backend has for itself, as they have to be (fakes/alone_lease.h).
 *
 * One call of the store at a time, of the lease that is overdue for longest. After a call whose
 * effect is not known comes a read. A refusal is followed by a pause that grows, an answer that
 * does not come by the twelfth part of a lease, and a grant is renewed before a third of what is
 * left of it has passed. A holder's time ends a tenth of the lease before the store's does. */
#include "fakes/alone_lease.h"

/* Calls in vain after which somebody is answered who would not wait. */
enum { TRIES_MAX = 3 };

static uint64_t lesser(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static uint64_t margin_us(const struct pact *pact)
{
    return pact->ttl_us / 10;
}

static struct pact_key *key_of(const struct pact *pact)
{
    return &pact->leasing->keys[pact->key];
}

/* --- what is told, and counted --- */

static void owe(struct pact *pact, enum pact_word word, enum core_result rc)
{
    leasing_tell(pact->leasing, "answers about a lease that were not given", pact->owed, 0);
    pact->owed = word;
    pact->owed_rc = rc;
}

static void count_outcome(struct pact *pact, bool failed)
{
    struct pact_key *key = key_of(pact);
    uint64_t failures = 0;

    key->failed[key->samples++ % PACT_SAMPLES] = failed;
    for (uint32_t i = 0; i < PACT_SAMPLES; i++) failures += key->failed[i];
    key->due.contended = key->samples >= PACT_SAMPLES &&
                         failures * 100 > PACT_SAMPLES *
                             pact->leasing->settings.contention_percent;
}

static void settle(struct pact *pact)
{
    if (pact->stuck) key_of(pact)->due.stuck = false;
    pact->stuck = false;
}

static void count_end(struct pact *pact, bool lost, uint64_t at_us)
{
    struct lock_metrics *due = &key_of(pact)->due;
    uint64_t held_us = at_us - pact->held_us;

    settle(pact);
    due->held--;
    due->ended++;
    due->lost += lost;
    due->hold_us_sum += held_us;
    if (held_us > due->hold_us_longest) due->hold_us_longest = held_us;
}

/* --- the end of a lease --- */

static void end(struct pact *pact, uint64_t at_us)
{
    pact->phase = PACT_ENDING;
    pact->tries = 0;
    pact->due_us = 0;
    pact->since_us = at_us;
}

static void forget(struct pact *pact)
{
    pact->phase = PACT_NONE;
}

/* The end of it at the store; whoever gave it back is told. */
static void finish(struct pact *pact, enum core_result rc)
{
    if (pact->asked) owe(pact, PACT_ANSWER, rc);
    pact->asked = false;
    forget(pact);
}

static void lose(struct pact *pact, uint64_t at_us)
{
    count_end(pact, true, at_us);
    end(pact, at_us);
    owe(pact, PACT_LOSS, CORE_OK);
}

static void give_up(struct pact *pact, enum core_result rc, uint64_t at_us)
{
    struct lock_metrics *due = &key_of(pact)->due;

    if (rc == CORE_CONFLICT || rc == CORE_EXPIRED) {
        *(pact->waits ? &due->failed : &due->refused) += 1;
        if (pact->waits) count_outcome(pact, true);
    }
    end(pact, at_us);
    owe(pact, PACT_ANSWER, rc);
}

void pact_begin(struct leasing *leasing, struct pact *pact, uint32_t key, uint64_t ttl_us,
                uint64_t wait_us)
{
    *pact = (struct pact){ .leasing = leasing, .phase = PACT_WANTED, .key = key,
                           .number = ++leasing->numbers, .ttl_us = ttl_us, .waits = wait_us > 0,
                           .give_up_us = now_us() + wait_us, .since_us = now_us() };
}

void pact_return(struct pact *pact)
{
    count_end(pact, false, now_us());
    end(pact, now_us());
    pact->asked = true;
}

void pact_look(struct pact *pact)
{
    pact->progress_us = now_us();
    settle(pact);
}

/* --- whose turn it is --- */

/* A key that an older lease is about to give back is not asked for. */
static bool must_queue(const struct leasing *leasing, const struct pact *pact)
{
    for (uint32_t i = 0; pact->phase == PACT_WANTED && i < PACTS; i++) {
        const struct pact *older = &leasing->pacts[i];
        if (older->phase == PACT_ENDING && older->key == pact->key && older->number < pact->number)
            return true;
    }
    return false;
}

struct pact *leasing_next(struct leasing *leasing)
{
    struct pact *next = NULL;

    for (uint32_t i = 0; i < PACTS; i++) {
        struct pact *pact = &leasing->pacts[i];
        if (pact->phase == PACT_NONE || must_queue(leasing, pact)) continue;
        if (next == NULL || pact->due_us < next->due_us ||
            (pact->due_us == next->due_us && pact->number < next->number))
            next = pact;
    }
    return next;
}

/* --- time --- */

/* Who has not looked at his lease for so long is told of when the core's thread is free to look. */
static void pass_stuck(struct leasing *leasing, struct pact *pact)
{
    uint64_t at_us = pact->progress_us + PACT_STUCK_US;

    if (at_us < leasing->free_us) at_us = leasing->free_us;
    if (leasing->serving != NULL || at_us > now_us() || at_us >= pact->valid_us) return;
    pact->stuck = key_of(pact)->due.stuck = true;
}

/* Of those that the store knows nothing of nobody tells it. */
static void finish_quietly(struct leasing *leasing)
{
    struct pact *next = leasing_next(leasing);

    while (leasing->serving == NULL && next != NULL && next->phase == PACT_ENDING &&
           !next->unsure && next->token == 0) {
        finish(next, CORE_OK);
        next = leasing_next(leasing);
    }
}

void leasing_pass(struct leasing *leasing)
{
    finish_quietly(leasing);   /* before anything else became due */
    for (uint32_t i = 0; i < PACTS; i++) {
        struct pact *pact = &leasing->pacts[i];
        if (pact->phase == PACT_HELD) pass_stuck(leasing, pact);
        if (pact->phase == PACT_HELD && now_us() >= pact->valid_us) lose(pact, pact->valid_us);
        if (pact->phase == PACT_WANTED && pact->waits && now_us() >= pact->give_up_us)
            give_up(pact, CORE_EXPIRED, pact->give_up_us);
    }
    finish_quietly(leasing);
}

enum pact_call pact_call(const struct pact *pact)
{
    if (pact->unsure) return PACT_READ;
    return pact->phase == PACT_WANTED ? PACT_TRY : pact->phase == PACT_HELD ? PACT_RENEW
                                                                           : PACT_RELEASE;
}

/* --- pauses --- */

static void pause_after_silence(struct pact *pact)
{
    pact->tries++;
    pact->due_us = now_us() + pact->ttl_us / 12;
}

static void pause_after_refusal(struct pact *pact)
{
    const struct core_settings *settings = &pact->leasing->settings;
    uint64_t pause_us = settings->backoff_base_us;

    pact->tries++;
    for (uint64_t i = 1; i < pact->tries; i++)
        pause_us = lesser(pause_us * settings->backoff_factor, pact->ttl_us / 4);
    pact->due_us = now_us() + lesser(pause_us, pact->ttl_us / 4);
}

static void refused(struct pact *pact, enum core_result rc)
{
    if (pact->waits) pause_after_refusal(pact);
    else give_up(pact, rc, now_us());
}

/* --- grants --- */

static void set_times(struct pact *pact, uint64_t until_us)
{
    uint64_t renew_us = lesser(pact->leasing->settings.lease_renew_us, pact->ttl_us / 3);

    pact->tries = 0;
    pact->over_us = until_us;
    pact->valid_us = until_us - margin_us(pact);
    pact->due_us = now_us() + lesser(renew_us, (pact->valid_us - now_us()) / 3);
}

static bool is_useful(const struct pact *pact, uint64_t until_us)
{
    return until_us > margin_us(pact) + now_us();
}

static void adopt(struct pact *pact, uint64_t until_us)
{
    set_times(pact, until_us);
    pact->phase = PACT_HELD;
    pact->held_us = pact->progress_us = now_us();
    key_of(pact)->due.granted++;
    key_of(pact)->due.held++;
    if (pact->waits) count_outcome(pact, false);
    owe(pact, PACT_ANSWER, CORE_OK);
}

static void take_new_owner(struct pact *pact)
{
    pact->owner[0] = '\0';
    pact->token = 0;
    pact->doubt = false;
}

void pact_tried(struct pact *pact, enum core_result rc, uint64_t token, uint64_t called_us)
{
    uint64_t until_us = called_us + pact->ttl_us;

    if (rc == CORE_OK) {
        pact->token = token;
        if (pact->phase == PACT_WANTED && is_useful(pact, until_us)) {
            adopt(pact, until_us);
            return;
        }
        pact->unsure = pact->phase == PACT_WANTED;
        pact->over_us = now_us() + pact->ttl_us;
    } else if (rc == CORE_UNKNOWN) {
        pact->unsure = pact->doubt = true;
        pact->over_us = now_us() + pact->ttl_us;
    } else if (pact->doubt) {
        pact->unsure = true;   /* the holder may be an earlier try */
    } else if (pact->phase == PACT_ENDING) {
        finish(pact, CORE_OK);
    } else {
        refused(pact, rc);
    }
}

void pact_renewed(struct pact *pact, enum core_result rc, uint64_t called_us)
{
    if (rc == CORE_STALE) {
        if (pact->phase == PACT_HELD) {
            lose(pact, now_us());
            forget(pact);
        } else {
            finish(pact, CORE_STALE);
        }
        return;
    }
    if (rc == CORE_OK && pact->phase == PACT_HELD) {
        set_times(pact, called_us + pact->ttl_us);
        return;
    }
    pact->unsure = rc != CORE_OK;
    pact->over_us = now_us() + pact->ttl_us;
}

/* --- giving back --- */

/* What the store keeps of it ends by itself. */
static void keep_ending(struct pact *pact)
{
    if (now_us() >= pact->over_us) {
        finish(pact, CORE_UNKNOWN);
        return;
    }
    pause_after_silence(pact);
    if (pact->tries == 1) pact->due_us = 0;
}

void pact_released(struct pact *pact, enum core_result rc)
{
    pact->returned = true;
    if (rc == CORE_UNKNOWN) pact->unsure = true;
    else finish(pact, rc);
}

/* --- what the store says when it is asked --- */

static void read_nothing(struct pact *pact)
{
    if (pact->phase == PACT_ENDING) keep_ending(pact);
    else if (pact->phase == PACT_WANTED && !pact->waits && pact->tries + 1 >= TRIES_MAX)
        give_up(pact, CORE_UNKNOWN, now_us());
    else pause_after_silence(pact);
}

static void read_ours(struct pact *pact, const struct lock_grant *grant, uint64_t called_us)
{
    uint64_t until_us = called_us + lesser(grant->remaining_us, pact->ttl_us);

    pact->unsure = false;
    pact->token = grant->token;
    if (pact->phase == PACT_ENDING) {
        keep_ending(pact);
    } else if (pact->phase == PACT_HELD) {
        if (is_useful(pact, until_us) && until_us > pact->over_us) set_times(pact, until_us);
        else pause_after_silence(pact);
    } else if (is_useful(pact, until_us)) {
        adopt(pact, until_us);
    } else if (!pact->waits) {
        give_up(pact, CORE_EXPIRED, now_us());
    } else {
        take_new_owner(pact);
        pause_after_refusal(pact);
    }
}

/* The grant that an acquisition may have got is not there. */
static void read_missing(struct pact *pact, bool held)
{
    bool granted = pact->token != 0;

    if (granted) take_new_owner(pact);
    if (held || granted) {
        refused(pact, held ? CORE_CONFLICT : CORE_EXPIRED);
    } else if (!pact->waits && pact->tries + 1 >= TRIES_MAX) {
        give_up(pact, CORE_UNKNOWN, now_us());
    } else {
        pact->tries++;
        pact->due_us = now_us();
    }
}

void pact_read(struct pact *pact, enum core_result rc, const struct lock_grant *grant,
               uint64_t called_us)
{
    bool ours = grant->held && strcmp(grant->owner, pact->owner) == 0;

    if (rc == CORE_UNKNOWN) {
        read_nothing(pact);
        return;
    }
    if (ours) {
        read_ours(pact, grant, called_us);
        return;
    }
    pact->unsure = false;
    if (pact->phase == PACT_WANTED) {
        read_missing(pact, grant->held);
    } else if (pact->phase == PACT_HELD) {
        lose(pact, now_us());
        forget(pact);
    } else {
        finish(pact, pact->token != 0 && !pact->returned ? CORE_STALE : CORE_OK);
    }
}

void leasing_lose_older(struct leasing *leasing, uint32_t key)
{
    struct pact *older = NULL, *newest = NULL;

    for (uint32_t i = 0; i < PACTS; i++) {
        struct pact *pact = &leasing->pacts[i];
        if (pact->phase != PACT_HELD || pact->key != key) continue;
        if (newest != NULL && pact->token < newest->token) {
            older = pact;
            continue;
        }
        older = newest;
        newest = pact;
    }
    if (older != NULL) lose(older, now_us());
}
