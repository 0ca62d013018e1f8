/*
 * What the leases of a core say about their keys: counts, contention, and holders that stand still.
 * Guarded by the leases' lock; alerts are owed to the turn.
 */
#ifndef CORE_LEASE_WATCH_H
#define CORE_LEASE_WATCH_H

#include "core/turn.h"

struct lease;
struct leases;

/* Keys that are remembered; beyond it the one that was used longest ago is forgotten (L10). */
enum { WATCHED_KEYS_MAX = 256 };

/* The largest value of contention_min_samples, in words of bits. */
enum { WATCH_WORDS = (1000 + 63) / 64 };

struct watched_key {
    struct lock_metrics metrics;
    uint64_t used;                   /* when, in the order of uses */
    uint64_t samples, next;          /* in the window; where the next one goes */
    uint64_t failures;               /* in the window */
    uint64_t window[WATCH_WORDS];    /* a bit for each sample: it failed */
};

struct lease_watch {
    struct watched_key *keys;
    size_t count, capacity;
    uint64_t uses;
};

/* A grant; how an acquisition ended without one; the end of a hold. */
void watch_granted(struct turn *turn, const struct lease *lease);
void watch_failed(struct turn *turn, const struct lease *lease, enum core_result result);
void watch_ended(struct turn *turn, struct lease *lease, bool lost);

/* The holder does something: what was said of it is over. */
void watch_progress(struct turn *turn, struct lease *lease);

/* Alerts about holders that stand still. When to look again; 0: no need to. */
uint64_t watch_holders(struct turn *turn, struct leases *leases);

void watch_free(struct lease_watch *watch);

#endif
