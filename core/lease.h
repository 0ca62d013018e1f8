/*
 * Leases: the records behind lease_ref, shared by lease.c (what callers do) and lease_worker.c
 * (what the thread core/leases does at the lock store). Also the calls for other modules.
 *
 * Only the thread talks to the store, one call at a time, and only it frees a record; so a record
 * that it works on stays in place while callers and timers may change its phase meanwhile. Whatever
 * comes back from the store is judged by the phase of that moment.
 */
#ifndef CORE_LEASE_H
#define CORE_LEASE_H

#include "core/core.h"
#include "core/lease_watch.h"

enum { LEASES_MAX = 4096 };

enum lease_phase {
    LEASE_WANTED,  /* somebody waits for a grant */
    LEASE_HELD,    /* granted, renewed from time to time */
    LEASE_ENDING   /* nobody counts on it; whatever the store still holds is given back */
};

struct lease {
    uint32_t slot;              /* never change: slot, generation, key, ttl_us, on_lost */
    uint64_t generation;
    char key[CORE_NAME_MAX];
    uint64_t ttl_us;
    lease_lost on_lost;
    void *lost_context;

    char owner[CORE_NAME_MAX];  /* names one grant; a new one after each grant */
    enum lease_phase phase;
    uint64_t token;             /* of the grant, 0 if none is known */
    uint64_t valid_until_us;    /* the holder's deadline: the store's, early by the margin */
    uint64_t expires_us;        /* the store has forgotten any grant of ours by then */
    bool ambiguous;             /* the last call may have taken effect: read first (L6) */
    bool doubt;                 /* a grant to this owner id may still turn up */
    bool returned;              /* the store was asked to take it back */
    uint64_t attempts;          /* failures in a row, for the backoff */
    uint64_t due_us;            /* next call to the store */
    bool waits;                 /* keep trying until give_up_us */
    uint64_t give_up_us;
    uint64_t timer, timer_number;
    uint64_t held_us;           /* when it was granted */
    uint64_t progress_us;       /* when its holder last asked about it */
    bool stuck;                 /* the alert about that was raised */
    lease_done done;            /* answer still owed: of the acquisition, or of the release */
    void *done_context;
};

struct leases {
    struct core_lock lock;      /* RANK_LEASES; guards all below */
    pthread_cond_t changed;     /* something is due, or stop */
    pthread_t thread;           /* started by the first acquisition */
    bool running, stop;
    struct lease **slots;
    uint32_t capacity, count;
    uint64_t generations, owners;
    uint64_t nonce;             /* makes owner ids unique among all cores, dead ones included */
    uint64_t stale_calls;
    struct lease_watch watch;
};

/* A callback decided under the lock, made without it. */
struct lease_answer {
    lease_done done;
    lease_lost lost;
    void *context;
    enum core_result result;
    struct lease_ref lease;
    uint64_t token;
};

extern const struct core_module lease_module;

/* ---- for other modules ---- */

/*
 * lease_acquire for a core that is draining, too, and with the handle at once, so that the
 * acquisition can be abandoned. No lock held. DRAINING once the lease module itself drains.
 */
enum core_result lease_begin(struct turn *turn, const char *key, uint64_t ttl_us,
                             const struct lease_options *options, lease_done done, void *context,
                             struct lease_ref *lease);

/* The acquisition is not wanted any more: done gets CANCELLED, unless it was answered before. */
void lease_abandon(struct turn *turn, struct lease_ref lease);

/* prefix + name, cut and marked by a hash if too long: two names may share a lock, never a key. */
void lease_key(char key[CORE_NAME_MAX], const char *prefix, const char *name, const char *suffix);

/* ---- between lease.c and lease_worker.c; the leases' lock is held ---- */

void *lease_worker_main(void *context);
uint64_t lease_margin_us(const struct lease *lease);
void lease_new_owner(struct core *core, struct lease *lease);
void lease_arm(struct turn *turn, struct lease *lease, uint64_t due_us);
void lease_disarm(struct turn *turn, struct lease *lease);

/* Takes the owed answer out of the record. */
struct lease_answer lease_owe(struct lease *lease, enum core_result result);

/* A held lease is held no more: the holder is told. */
struct lease_answer lease_lose(struct turn *turn, struct lease *lease);

/* Nobody waits for the grant any more. */
struct lease_answer lease_give_up(struct turn *turn, struct lease *lease, enum core_result result);

/* Lock not held. */
void lease_tell(struct turn *turn, const struct lease_answer *answer);

#endif
