/* Backends: leases of a core of one's own (fakes/alone_lease.h). What is done is drawn: leases are
 * asked for, looked at and given back, another holder comes, the store forgets, time passes. */
#include "fakes/alone_lease.h"
#include "fakes/alone_ports.h"

#include "fakes/inspect.h"

#include <stdio.h>
#include <time.h>

static const char *const names[PACT_KEYS] = { "k", "deploy:a long name" };

void leasing_tell(const struct leasing *leasing, const char *what, uint64_t told, uint64_t right)
{
    inspect_tell(leasing->actor->instance, what, told, right, right);
}

static bool draw(const char *label)
{
    return world_choose(2, label) != 0;
}

/* --- what holders are told --- */

static void hear(struct pact *pact, enum pact_word word, enum core_result rc)
{
    struct leasing *leasing = pact->leasing;

    leasing_pass(leasing);
    leasing_tell(leasing, "whether an answer about a lease is due", pact->owed == word, 1);
    leasing_tell(leasing, "the answer about a lease", rc, pact->owed_rc);
    pact->owed = PACT_NOTHING;
}

static bool same_ref(struct lease_ref one, struct lease_ref other)
{
    return one.slot == other.slot && one.generation == other.generation;
}

static void on_answer(void *context, enum core_result rc, struct lease_ref ref, uint64_t token)
{
    struct pact *pact = context;

    /* A grant may come just before the drain ends it. */
    if (pact->leasing->ending) {
        pact->answered = true;
        pact->losses += rc == CORE_OK;
        return;
    }
    bool acquired = pact->phase == PACT_HELD;
    hear(pact, PACT_ANSWER, rc);
    if (acquired) leasing_tell(pact->leasing, "the token of a grant", token, pact->token);
    if (acquired) pact->ref = ref;
    else if (pact->held_us > 0)
        leasing_tell(pact->leasing, "whether it is that lease", same_ref(ref, pact->ref), 1);
}

static void on_loss(void *context, struct lease_ref ref)
{
    struct pact *pact = context;

    if (pact->leasing->ending) {
        pact->losses--;
        return;
    }
    hear(pact, PACT_LOSS, CORE_OK);
    leasing_tell(pact->leasing, "whether it is the lost lease", same_ref(ref, pact->ref), 1);
}

static void on_alert(void *context, const struct core_alert *alert)
{
    struct leasing *leasing = context;

    world_meet(WORLD_MET_FAKES);
    if (leasing->ending) return;
    leasing_pass(leasing);
    if (alert->kind == ALERT_HEALTH) {
        health_alert(leasing, alert);
        return;
    }
    for (uint32_t i = 0; i < PACT_KEYS; i++) {
        struct pact_key *key = &leasing->keys[i];
        if (strcmp(key->name, alert->subject) != 0) continue;
        bool *told = alert->kind == ALERT_DEADLOCK ? &key->told_stuck : &key->told_contended;
        leasing_tell(leasing, "whether an alert is news", alert->raised, !*told);
        *told = alert->raised;
    }
}

/* --- what is done --- */

static struct pact *draw_pact(struct leasing *leasing)
{
    return &leasing->pacts[world_choose(leasing->most, "a_lease")];
}

static void acquire(struct leasing *leasing)
{
    static const uint64_t waits_us[] = { 0, 3500037, 40000041 };
    static const uint64_t lives_us[] = { 0, 7000000, 60000000 };   /* 0: the usual one */
    struct pact *pact = draw_pact(leasing);
    uint64_t life_us = lives_us[world_choose(3, "a_life")];
    struct lease_options options = { .wait_us = waits_us[world_choose(3, "how_long_to_wait")],
                                     .on_lost = on_loss, .context = pact };
    uint32_t key = world_choose(PACT_KEYS, "a_lock");

    if (pact->phase != PACT_NONE || pact->owed != PACT_NOTHING) return;
    pact_begin(leasing, pact, key, life_us == 0 ? PACT_TTL_US : life_us, options.wait_us);
    leasing_tell(leasing, "the answer to a lease that is asked for",
                 leasing->api->lease_acquire(leasing->core, names[key], life_us,
                                             &options, on_answer, pact), CORE_OK);
}

static void look_at(struct leasing *leasing, struct pact *pact)
{
    bool held = pact->phase == PACT_HELD && now_us() < pact->valid_us;
    bool token = draw("look_for_the_token");

    if (pact->held_us == 0) return;
    if (token)
        leasing_tell(leasing, "the token of a lease",
                     leasing->api->lease_token(leasing->core, pact->ref), held ? pact->token : 0);
    else
        leasing_tell(leasing, "whether a lease is valid",
                     leasing->api->lease_valid(leasing->core, pact->ref), held);
    if (held) pact_look(pact);
}

/* At any time, when its time is just up, or just after it has stood still for too long. */
static void look(struct leasing *leasing)
{
    struct pact *pact = draw_pact(leasing);
    uint64_t moments_us[] = { 0, pact->valid_us, pact->progress_us + PACT_STUCK_US + 7 };
    uint64_t at_us = moments_us[world_choose(3, "when_to_look")];

    if (pact->phase == PACT_HELD && at_us > now_us()) world_sleep_until(us_ns(at_us));
    look_at(leasing, pact);
    /* And stands still for as long once more. */
    if (pact->phase == PACT_HELD && draw("and_again"))
        world_sleep_until(us_ns(pact->progress_us + PACT_STUCK_US + 7));
}

static void give_back(struct leasing *leasing)
{
    struct pact *pact = draw_pact(leasing);
    bool held = pact->phase == PACT_HELD;

    if (pact->held_us == 0) return;
    if (held) pact_return(pact);
    else leasing->stale++;
    leasing_tell(leasing, "the answer to a lease that is given back",
                 leasing->api->lease_release(leasing->core, pact->ref, on_answer, pact),
                 held ? CORE_OK : CORE_STALE);
}

/* Somebody else takes a lock that is free; or the store forgets who has it. */
static void meddle(struct leasing *leasing)
{
    struct pact_key *key = &leasing->keys[world_choose(PACT_KEYS, "a_lock")];

    if (key->held && key->until_us > now_us()) {
        key->held = !draw("the_store_forgets");
        return;
    }
    key->held = true;
    key->token = ++leasing->tokens;
    key->until_us = now_us() + (draw("for_long") ? 21000000 : 2600000);
    (void)snprintf(key->owner, sizeof key->owner, "%s", "somebody else");
}

static void wait_some(void)
{
    static const uint64_t pauses_us[] = { 400000, 3000000, 9900000 };

    world_sleep_until(ahead_ns(pauses_us[world_choose(3, "a_pause")]));
}

static void act(struct leasing *leasing)
{
    switch (world_choose(8, "what_to_do")) {
    case 0: case 1: acquire(leasing); return;
    case 2: case 3: wait_some(); return;
    case 4: give_back(leasing); return;
    case 5: look(leasing); return;
    case 6: meddle(leasing); return;
    default: acquire(leasing); return;
    }
}

/* --- comparing --- */

static void compare_key(struct leasing *leasing, const struct pact_key *key,
                        const struct lock_metrics *told)
{
    const struct lock_metrics *due = &key->due;

    leasing_tell(leasing, "grants of a lock", told->granted, due->granted);
    leasing_tell(leasing, "waits for a lock in vain", told->failed, due->failed);
    leasing_tell(leasing, "refusals of a lock", told->refused, due->refused);
    leasing_tell(leasing, "holds of a lock", told->held, due->held);
    leasing_tell(leasing, "holds that are over", told->ended, due->ended);
    leasing_tell(leasing, "holds that were lost", told->lost, due->lost);
    leasing_tell(leasing, "how long a lock was held", told->hold_us_sum, due->hold_us_sum);
    leasing_tell(leasing, "the longest hold of a lock", told->hold_us_longest,
                 due->hold_us_longest);
    leasing_tell(leasing, "whether a lock is contended", told->contended, due->contended);
    leasing_tell(leasing, "whether a lock is held for too long", told->stuck, due->stuck);
}

static void compare_keys(struct leasing *leasing)
{
    struct lock_metrics *told = leasing->told;
    size_t count = leasing->api->lock_metrics(leasing->core, told, PACT_KEYS_TOLD);

    for (uint32_t i = 0; i < PACT_KEYS; i++) {
        struct pact_key *key = &leasing->keys[i];
        for (size_t j = 0; j < count && j < PACT_KEYS_TOLD; j++)
            if (strcmp(told[j].key, key->name) == 0) compare_key(leasing, key, &told[j]);
        leasing_tell(leasing, "whether it was told that a lock is contended", key->told_contended,
                     key->due.contended);
        /* Told of by the thread that may be kept waiting by the store. */
        if (leasing->serving == NULL)
            leasing_tell(leasing, "whether it was told that a lock is held for too long",
                         key->told_stuck, key->due.stuck);
    }
}

static void compare(struct leasing *leasing)
{
    struct core_stats stats;
    uint64_t leases = 0, deadlines = 1;   /* the next check of health */

    leasing_pass(leasing);
    health_pass(leasing);
    for (uint32_t i = 0; i < PACTS; i++) {
        const struct pact *pact = &leasing->pacts[i];
        leasing_tell(leasing, "answers about a lease that are missing", pact->owed, PACT_NOTHING);
        leases += pact->phase != PACT_NONE;
        deadlines += pact->phase == PACT_HELD || (pact->phase == PACT_WANTED && pact->waits);
    }
    leasing->api->stats(leasing->core, &stats);
    leasing_tell(leasing, "leases", stats.leases, leases);
    leasing_tell(leasing, "deadlines", stats.timers, deadlines);
    leasing_tell(leasing, "calls for what is gone", stats.stale_calls, leasing->stale);
    compare_keys(leasing);
    health_compare(leasing);
}

/* --- its life --- */

static void make_settings(struct leasing *leasing)
{
    struct core_settings *settings = &leasing->settings;

    settings->lease_ttl_us = PACT_TTL_US;
    settings->lease_renew_us = draw("renew_early") ? 2000000 : PACT_TTL_US - 1;
    settings->backoff_base_us = draw("short_pauses") ? 300000 : 1000000;
    settings->backoff_factor = 2 + world_choose(2, "growth_of_pauses");
    settings->backoff_jitter = BACKOFF_JITTER_NONE;
    settings->contention_min_samples = PACT_SAMPLES;
    settings->contention_percent = draw("many_in_vain") ? 66 : 34;
    settings->deadlock_after_us = PACT_STUCK_US;
    settings->health_period_us = PACT_HEALTH_US;
}

/* What a program in the world is told by clock_gettime. */
int world_clock_gettime(clockid_t clock, struct timespec *out);

static uint64_t clock_ahead_us(void)
{
    struct timespec now;

    REQUIRE(world_clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 - now_us();
}

static void make_core(struct leasing *leasing)
{
    struct lock_store_port store = leasing_store(leasing);
    struct core_config config;

    leasing->api->config_default(&config);
    leasing->settings = config.settings;
    make_settings(leasing);
    config.name = "alone";
    config.settings = leasing->settings;
    config.hash_seed = 1;
    config.jitter_seed = 1;
    config.transport = alone_no_tabs(leasing->actor);
    config.locks = &store;
    config.alerts = (struct alert_port){ leasing, on_alert };
    leasing_tell(leasing, "the answer to a configuration",
                 leasing->api->create(&config, &leasing->core), CORE_OK);
    leasing_tell(leasing, "the answer to a start", leasing->api->start(leasing->core), CORE_OK);
    leasing->clock_us = clock_ahead_us();
    health_begin(leasing);
}

/* Whoever still waits is told so, and whoever has a lease, that it is over. */
static void end_core(struct leasing *leasing)
{
    leasing->ending = true;
    for (uint32_t i = 0; i < PACTS; i++) {
        struct pact *pact = &leasing->pacts[i];
        pact->losses = pact->phase == PACT_HELD;
        pact->answered = pact->phase != PACT_WANTED && !pact->asked;
    }
    leasing_tell(leasing, "the answer to a drain",
                 alone_drain(leasing->actor, leasing->core, 1000000), CORE_OK);
    for (uint32_t i = 0; i < PACTS; i++) {
        const struct pact *pact = &leasing->pacts[i];
        leasing_tell(leasing, "whether a drain answers everybody", pact->answered, 1);
        /* What was given back in time was no loss, and its answer may be OK. */
        if (!pact->asked)
            leasing_tell(leasing, "whether a drain tells every loss", pact->losses == 0, 1);
    }
    leasing_tell(leasing, "a lease after a drain",
                 leasing->api->lease_acquire(leasing->core, names[0], 0, NULL, on_answer,
                                             &leasing->pacts[0]), CORE_DRAINING);
    leasing->api->destroy(leasing->core);
}

void backend_alone_leases(struct actor *actor, uint32_t rounds)
{
    struct leasing *leasing = scratch_alloc(sizeof *leasing);

    *leasing = (struct leasing){ .actor = actor, .api = actor->play->api };
    for (uint32_t i = 0; i < PACT_KEYS; i++) leasing->keys[i].name = names[i];
    leasing->most = draw("many_leases") ? PACTS : 1;
    world_sleep_until(ahead_ns(1000));   /* no moment of the model is 0, which is "at once" */
    make_core(leasing);
    if (world_choose(16, "many_locks") == 15) leasing_crowd(leasing);
    for (uint32_t i = 0; i < rounds; i++) {
        act(leasing);
        /* Each another pause: nothing else ends just when it is compared. */
        world_sleep_until(ahead_ns(1001 + 2 * i));
        compare(leasing);
    }
    end_core(leasing);
}
