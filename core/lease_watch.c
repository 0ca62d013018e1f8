#include "core/lease_watch.h"

#include "core/alerts.h"
#include "core/lease.h"

#include <stdlib.h>
#include <string.h>

static struct lease_watch *watch_of(const struct turn *turn)
{
    return &turn->core->leases->watch;
}

/* ---- the keys ---- */

static struct watched_key *find(struct lease_watch *watch, const char *key)
{
    for (size_t i = 0; i < watch->count; i++) {
        if (strcmp(watch->keys[i].metrics.key, key) == 0)
            return &watch->keys[i];
    }
    return NULL;
}

static bool grow(struct lease_watch *watch)
{
    size_t capacity = watch->capacity == 0 ? 4 : watch->capacity * 2;
    struct watched_key *keys = realloc(watch->keys, capacity * sizeof *keys);
    if (keys == NULL)
        return false;
    watch->keys = keys;
    watch->capacity = capacity;
    return true;
}

/* The one used longest ago that nobody holds; NULL if all are held. */
static struct watched_key *forget_one(struct lease_watch *watch)
{
    struct watched_key *oldest = NULL;
    for (size_t i = 0; i < watch->count; i++) {
        struct watched_key *key = &watch->keys[i];
        if (key->metrics.held == 0 && (oldest == NULL || key->used < oldest->used))
            oldest = key;
    }
    return oldest;
}

/* NULL without memory or room: then this key goes uncounted. */
static struct watched_key *key_of(struct turn *turn, const char *name)
{
    struct lease_watch *watch = watch_of(turn);
    struct watched_key *key = find(watch, name);
    bool full = watch->count == WATCHED_KEYS_MAX;
    if (key == NULL && full)
        key = forget_one(watch);
    else if (key == NULL && (watch->count < watch->capacity || grow(watch)))
        key = &watch->keys[watch->count++];
    else if (key == NULL)
        return NULL;
    if (key == NULL)
        return NULL;
    if (strcmp(key->metrics.key, name) != 0 || key->used == 0) {
        memset(key, 0, sizeof *key);
        core_set_name(key->metrics.key, name);
    }
    key->used = ++watch->uses;
    return key;
}

void watch_free(struct lease_watch *watch)
{
    free(watch->keys);
    *watch = (struct lease_watch){ .keys = NULL };
}

/* ---- contention ---- */

static void put_sample(struct watched_key *key, uint64_t wanted, bool failed)
{
    uint64_t *word = &key->window[key->next / 64];
    uint64_t bit = UINT64_C(1) << (key->next % 64);
    if (key->samples == wanted)
        key->failures -= (*word & bit) != 0;
    else
        key->samples++;
    *word = failed ? *word | bit : *word & ~bit;
    key->failures += failed;
    key->next = (key->next + 1) % wanted;
}

/*
 * The window is the last contention_min_samples acquisitions of the key that were ready to wait;
 * one that only asked, and was told that somebody else has it, is an answer and no failure (H41).
 */
static void sample(struct turn *turn, struct watched_key *key, bool failed)
{
    const struct core_settings *settings = &turn->core->settings;
    put_sample(key, settings->contention_min_samples, failed);
    bool contended = key->samples == settings->contention_min_samples &&
                     key->failures * 100 > key->samples * settings->contention_percent;
    if (contended == key->metrics.contended)
        return;
    key->metrics.contended = contended;
    trace_owe(turn, TP_ALERT_CONTENTION, key->metrics.key, key->failures, key->samples, contended);
    alert_owe(turn, ALERT_CONTENTION, key->metrics.key, contended,
              key->failures * 100 / key->samples);
}

void watch_granted(struct turn *turn, const struct lease *lease)
{
    struct watched_key *key = key_of(turn, lease->key);
    if (key == NULL)
        return;
    key->metrics.granted++;
    key->metrics.held++;
    if (lease->waits)
        sample(turn, key, false);
}

void watch_failed(struct turn *turn, const struct lease *lease, enum core_result result)
{
    struct watched_key *key = key_of(turn, lease->key);
    if (key == NULL || (result != CORE_CONFLICT && result != CORE_EXPIRED))
        return;   /* nobody was in the way */
    if (!lease->waits) {
        key->metrics.refused++;
        return;
    }
    key->metrics.failed++;
    sample(turn, key, true);
}

/* ---- holders ---- */

static void settle(struct turn *turn, struct lease *lease)
{
    if (!lease->stuck)
        return;
    lease->stuck = false;
    pthread_cond_signal(&turn->core->leases->changed);   /* its thread has a time to look again */
    struct watched_key *key = find(watch_of(turn), lease->key);
    if (key != NULL)
        key->metrics.stuck = false;
    trace_owe(turn, TP_ALERT_DEADLOCK, lease->key, lease->token, 0, false);
    alert_owe(turn, ALERT_DEADLOCK, lease->key, false, core_now_us() - lease->held_us);
}

void watch_ended(struct turn *turn, struct lease *lease, bool lost)
{
    struct watched_key *key = find(watch_of(turn), lease->key);
    uint64_t hold_us = core_now_us() - lease->held_us;
    settle(turn, lease);
    if (key == NULL || key->metrics.held == 0)
        return;
    struct lock_metrics *metrics = &key->metrics;
    metrics->held--;
    metrics->lost += lost;
    metrics->ended++;
    metrics->hold_us_sum += hold_us;
    metrics->hold_us_longest =
        hold_us > metrics->hold_us_longest ? hold_us : metrics->hold_us_longest;
}

void watch_progress(struct turn *turn, struct lease *lease)
{
    lease->progress_us = core_now_us();
    settle(turn, lease);
}

static void accuse(struct turn *turn, struct lease *lease, uint64_t now_us)
{
    struct watched_key *key = find(watch_of(turn), lease->key);
    lease->stuck = true;
    if (key != NULL)
        key->metrics.stuck = true;
    trace_owe(turn, TP_ALERT_DEADLOCK, lease->key, lease->token, now_us - lease->held_us, true);
    alert_owe(turn, ALERT_DEADLOCK, lease->key, true, now_us - lease->held_us);
}

uint64_t watch_holders(struct turn *turn, struct leases *leases)
{
    uint64_t after_us = turn->core->settings.deadlock_after_us, next_us = 0;
    uint64_t now_us = core_now_us();
    for (uint32_t i = 0; after_us > 0 && i < leases->capacity; i++) {
        struct lease *lease = leases->slots[i];
        /* One that ran out blocks nobody: it is lost, and that is told. */
        if (lease == NULL || lease->phase != LEASE_HELD || lease->stuck ||
            now_us >= lease->valid_until_us)
            continue;
        uint64_t due_us = lease->progress_us + after_us;
        if (due_us <= now_us)
            accuse(turn, lease, now_us);
        else if (next_us == 0 || due_us < next_us)
            next_us = due_us;
    }
    return next_us;
}

/* ---- public ---- */

size_t core_lock_metrics(struct core *core, struct lock_metrics *metrics, size_t capacity)
{
    struct turn turn;
    if (core->leases == NULL)
        return 0;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->leases->lock);
    const struct lease_watch *watch = &core->leases->watch;
    for (size_t i = 0; i < watch->count && i < capacity; i++)
        metrics[i] = watch->keys[i].metrics;
    size_t count = watch->count;
    turn_unlock(&turn, &core->leases->lock);
    turn_end(&turn);
    return count;
}
