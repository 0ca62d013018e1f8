/* Leases of a core that one backend has for itself, a step `alone about=leases`. Its lock store is
 * the backend's own. Beside the core stands a model of its leases with one thread: it knows which
 * call of the store comes next, about which lease and when, and what each holder is told, and when.
 * So it does of the regular checks of health, which ask that store, too. */
#ifndef FAKES_ALONE_LEASE_H
#define FAKES_ALONE_LEASE_H

#include "fakes/backend.h"

enum {
    PACT_KEYS = 2,
    PACT_KEYS_TOLD = 256,    /* with those of a crowd: as many as a core remembers */
    PACT_CROWD = PACT_KEYS_TOLD + 5,
    PACTS = 5,               /* at a time */
    PACT_OWNERS = 400,       /* of one execution */
    PACT_SAMPLES = 3,        /* contention_min_samples */
    PACT_TTL_US = 12000000,  /* lease_ttl */
    PACT_STUCK_US = 5000011, /* deadlock_after */
    PACT_HEALTH_US = 20000017
};

enum pact_phase { PACT_NONE, PACT_WANTED, PACT_HELD, PACT_ENDING };
enum pact_call { PACT_TRY, PACT_RENEW, PACT_RELEASE, PACT_READ };

/* What is told to whoever asked, or counts on it. */
enum pact_word { PACT_NOTHING, PACT_ANSWER, PACT_LOSS };

struct leasing;

/* A lease as the core has to have it. Times are those of now_us. */
struct pact {
    struct leasing *leasing;
    enum pact_phase phase;
    uint32_t key;
    uint64_t number;             /* in the order of acquisitions */
    uint64_t ttl_us, give_up_us;
    bool waits;
    char owner[CORE_NAME_MAX];   /* as its calls said; empty: the next one is a new one */
    uint64_t token;
    bool unsure;                 /* the last call may have taken effect: a read comes next */
    bool doubt;                  /* a grant to this owner may still turn up */
    bool returned;               /* the store was asked to take it back */
    uint64_t tries;              /* in vain, in a row */
    uint64_t due_us, since_us;   /* the next call: its place in the order; not before that */
    uint64_t valid_us, over_us;  /* its holder's deadline; the store has forgotten it by then */
    uint64_t held_us, progress_us;
    bool stuck, asked;           /* asked: its release is to be answered */
    struct lease_ref ref;
    enum pact_word owed;
    enum core_result owed_rc;
    bool answered;               /* in a drain, where one may be told of its loss first: */
    int32_t losses;              /* that are due */
};

/* What the store has of a key, and what the core has to tell of it. */
struct pact_key {
    const char *name;
    bool held;
    char owner[CORE_NAME_MAX];
    uint64_t token, until_us;
    struct lock_metrics due;
    bool failed[PACT_SAMPLES];   /* the newest acquisitions that waited, in a ring */
    uint64_t samples;
    bool told_contended, told_stuck;
};

struct pact_health {
    uint64_t due_us, begun_us;   /* due_us: the next check */
    bool checking, degraded, told;
    uint64_t checks;
    struct health_part part;
};

struct leasing {
    struct actor *actor;
    const struct core_api *api;
    struct core *core;
    struct core_settings settings;
    uint64_t clock_us;           /* what the core's clock is ahead of now_us */
    struct pact pacts[PACTS];
    uint32_t most;               /* of them that are ever asked for */
    struct pact_key keys[PACT_KEYS];
    struct lock_metrics told[PACT_CROWD];
    uint64_t numbers, tokens, stale;
    struct pact *serving;        /* a call about it is under way */
    uint64_t free_us;            /* since when none is */
    char owners[PACT_OWNERS][CORE_NAME_MAX];
    uint32_t owner_count;
    struct pact_health health;
    bool crowded;                /* many locks come and go: they are always free */
    bool ending;                 /* the core drains: calls come in an order of its own */
};

void leasing_tell(const struct leasing *leasing, const char *what, uint64_t told, uint64_t right);
struct lock_store_port leasing_store(struct leasing *leasing);

/* --- the model (alone_lease_model.c) --- */

void pact_begin(struct leasing *leasing, struct pact *pact, uint32_t key, uint64_t ttl_us,
                uint64_t wait_us);
/* Its holder gives it back, or looks at it. */
void pact_return(struct pact *pact);
void pact_look(struct pact *pact);
/* Deadlines that have passed by now, and leases that end without a call. */
void leasing_pass(struct leasing *leasing);
/* Whose call comes next, NULL: none, and which one. */
struct pact *leasing_next(struct leasing *leasing);
enum pact_call pact_call(const struct pact *pact);
/* The store's answer to a call that was made then. */
void pact_tried(struct pact *pact, enum core_result rc, uint64_t token, uint64_t called_us);
void pact_renewed(struct pact *pact, enum core_result rc, uint64_t called_us);
void pact_released(struct pact *pact, enum core_result rc);
void pact_read(struct pact *pact, enum core_result rc, const struct lock_grant *grant,
               uint64_t called_us);
/* After any of them: of two leases of one key the older one is over. */
void leasing_lose_older(struct leasing *leasing, uint32_t key);

/* --- checks of health (alone_health.c) --- */

void health_begin(struct leasing *leasing);
void health_pass(struct leasing *leasing);
/* A read of no key is a check: a call, and its answer. */
void health_asked(struct leasing *leasing);
void health_answered(struct leasing *leasing, enum core_result rc, uint64_t called_us);
void health_alert(struct leasing *leasing, const struct core_alert *alert);
void health_compare(struct leasing *leasing);

/* --- more locks than are remembered (alone_lease_crowd.c) --- */

void leasing_crowd(struct leasing *leasing);

/* --- the step --- */

void backend_alone_leases(struct actor *actor, uint32_t rounds);

#endif
