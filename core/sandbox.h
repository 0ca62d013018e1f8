/*
 * Sandboxes: the records behind sandbox_ref, shared by sandbox.c (what callers and timers do) and
 * sandbox_steps.c (the procedure that acquires and releases one).
 *
 * Ownership is an assignment at the provider, known by its token, which goes with every call. The
 * lease "sandbox:<owner>" keeps two cores from looking for the same owner's sandbox at once; the
 * token makes sure even if that lease is lost.
 */
#ifndef CORE_SANDBOX_H
#define CORE_SANDBOX_H

#include "core/procedure.h"

enum box_stage {
    BOX_LEASING,    /* waiting for the lease of its owner key */
    BOX_FINDING,    /* looking for it, taking one from the pool, or making one */
    BOX_BOOTING,
    BOX_IN_USE,
    BOX_STOPPING,   /* to be released: its dev servers stop first */
    BOX_CLEARING,   /* processes that are left are killed */
    BOX_RETURNING,  /* to the pool, or destroyed */
    BOX_GONE        /* not ours any more */
};

struct box_waiter {
    struct box_waiter *next;
    bool create;            /* an acquisition that may make a sandbox */
    sandbox_done done;      /* may be NULL */
    void *context;
};

struct box {
    struct procedure procedure;      /* first */
    struct core *core;               /* never change: core, slot, owner, app */
    uint32_t slot;
    char owner[CORE_NAME_MAX];
    enum app_type app;
    uint64_t generation;             /* a new one for each assignment */
    enum box_stage stage;            /* changed by the procedure only, under the lock */
    char id[CORE_NAME_MAX];          /* "" until found */
    uint64_t token;
    bool release_asked;
    bool lost;                       /* the provider says that the token is not current */
    struct box_waiter *acquiring, *releasing;   /* oldest first */
    uint64_t used_us;                /* last time that somebody asked for something here */

    bool lease_pending, lease_held;  /* an acquisition is under way; it succeeded */
    enum core_result lease_result;
    struct lease_ref lease;

    /* Of the procedure alone. */
    bool lease_asked;
    char request[CORE_NAME_MAX];     /* of a create call whose answer is not known yet */
    uint64_t deadline_us;
    uint64_t failures;               /* in a row */
    bool occupied;                   /* what runs in it could not be ended */
    enum core_result result;         /* why it could not be acquired; OK if it was */
};

struct sandboxes {
    struct core_lock lock;           /* RANK_SANDBOX; guards all below */
    pthread_cond_t quiet;            /* a procedure came to rest */
    bool draining;
    struct box **slots;
    uint32_t capacity, count;
    uint64_t generations, requests;
    uint64_t nonce;                  /* makes request keys unique among all cores */
    bool sweep_armed;
    uint64_t making, makes;          /* creates under way, and begun so far */
    uint64_t stale_calls;
};

extern const struct core_module sandbox_module;

/* ---- for the dev servers ---- */

/* What a provider call needs. */
struct sandbox_grip {
    char id[CORE_NAME_MAX];
    uint64_t token;
    bool closing;            /* being released: nothing may be started */
};

/*
 * STALE if the handle is not current or the sandbox was lost. `use`: somebody asked for something,
 * so the sandbox is not idle. No lock held.
 */
enum core_result sandbox_grip(struct turn *turn, struct sandbox_ref ref, struct sandbox_grip *grip,
                              bool use);

/*
 * The same, but if OK the sandboxes' lock is held until sandbox_grip_end: a release that begins
 * finds what was decided until then.
 */
enum core_result sandbox_grip_keep(struct turn *turn, struct sandbox_ref ref,
                                   struct sandbox_grip *grip, bool use);
void sandbox_grip_end(struct turn *turn);

/* sandbox_acquire that can be told not to make one (NOT_FOUND). No lock held. */
enum core_result sandbox_obtain(struct turn *turn, const char *owner, enum app_type app,
                                bool create, sandbox_done done, void *context);

/* The provider refused the token: it is somebody else's now. No lock held. */
void sandbox_lost(struct turn *turn, struct sandbox_ref ref);

/* A dev server of the sandbox of this generation came to rest: an effect, context unused. */
void sandbox_server_rested(struct core *core, void *context, uint64_t generation);

/* ---- between the files of this module ---- */

uint64_t box_step(struct turn *turn, struct procedure *procedure);
struct sandbox_ref box_ref(const struct box *box);

/* NULL if the handle is not current. Lock held. */
struct box *box_find(struct sandboxes *sandboxes, struct sandbox_ref ref);

/* The sweep ticks only while there is something to sweep. Lock held. */
void sandboxes_arm_sweep(struct turn *turn);

/* Answers and frees a list that was taken out under the lock. No lock held. */
void box_answer(struct turn *turn, struct box_waiter *waiters, enum core_result result,
                struct sandbox_ref ref);

/* A name never used before, by this or any other core. */
void box_request_name(struct core *core, char request[CORE_NAME_MAX]);

/* The answer of its lease acquisition; context is the box. */
void box_on_lease(void *context, enum core_result result, struct lease_ref lease, uint64_t token);

#endif
